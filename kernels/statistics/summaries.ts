import type { GraphBuilder } from '../graph/builder.ts';
import { ints, type Tensor } from '../graph/tensor.ts';
import { elementCount, isFloat, type DType, type StaticShape } from '../graph/types.ts';

/** Figures of one tensor over its finite elements, apart from the counts. `std` is the population's. */
export interface TensorSummary {
  readonly count: number; readonly nan: number; readonly inf: number; readonly zero: number;
  readonly min: number; readonly max: number; readonly mean: number; readonly std: number;
  readonly absMax: number; readonly l1: number; readonly l2: number;
}

/** Element types that ONNX Runtime can cast and reduce. */
const SUMMARISED: ReadonlySet<DType> = new Set(['float32', 'float64', 'float16', 'bfloat16', 'int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64', 'bool']);

/** Tensors up to this many elements are handed over whole: cheaper than reducing them. */
const WHOLE = 64;

/** How one tensor is summarised: which outputs of the graph, and how they become a summary. */
export interface SummaryPlan {
  readonly value: string;
  readonly shape: StaticShape;
  /** Graph outputs to fetch, one for `whole`, else a vector of figures. */
  readonly output: string;
  readonly kind: 'whole' | 'figures' | 'exact';
}

/** Order of the figures in a vector output. */
const FIGURES = ['min', 'max', 'sum', 'l1', 'sumSquare', 'zero'] as const;
const EXACT = ['min', 'max', 'sum', 'l1', 'sumSquare', 'nonZero', 'nan', 'inf', 'squaredDeviation'] as const;

/** How figures are computed. `exact`: over the finite elements, robustly. `bytes`: zeros are counted by a product of bytes, which the CPU has and CUDA has not. */
export interface SummaryForm {
  readonly exact?: boolean;
  readonly bytes?: boolean;
}

/**
 * Adds the nodes that summarise `value` (a numeric tensor of known shape).
 * The figures are plain reductions joined in one small output. They are exact for finite tensors whose mean is not large
 * beside their spread; `needsExact` says when the second form is needed.
 */
export function planSummary(g: GraphBuilder, value: string, form: SummaryForm = {}): SummaryPlan | undefined {
  const t = g.tensor(value), shape = t.shape;
  if (!shape || !SUMMARISED.has(t.dtype)) return undefined;
  const x = isFloat(t.dtype) && t.dtype !== 'bfloat16' && t.dtype !== 'float16' ? t : t.cast('float32');
  const count = elementCount(shape);
  if (count <= WHOLE) return { value, shape, output: x.name, kind: 'whole' };
  const figures = form.exact ? exactFigures(x.reshape([rowsOf(count), count / rowsOf(count)]), count) : cheapFigures(x, count, form.bytes ?? false);
  return { value, shape, output: g.op('Concat', figures.map(f => f.reshape([1])), { axis: 0 }).name, kind: form.exact ? 'exact' : 'figures' };
}

/** Where a reduction by rows is worth its second node: ONNX Runtime shares rows among threads, and takes one thread for a whole tensor. */
const ROWS = 1 << 15;
/** Rows are of at least so many elements. */
const ROW = 512;

/** The largest divisor of `count` that gives at least 2 and at most 256 rows of at least ROW elements; 1 where there is none. */
export function rowsOf(count: number): number {
  if (count < ROWS) return 1;
  for (let rows = Math.min(256, Math.floor(count / ROW)); rows > 1; rows--) if (count % rows === 0) return rows;
  return 1;
}

/** Each figure is a vector of one element, as Concat takes it. */
function cheapFigures(x: Tensor, count: number, bytes: boolean): Tensor[] {
  const g = x.g, rows = rowsOf(count), flat = x.reshape([count]), table = rows > 1 ? x.reshape([rows, count / rows]) : flat;
  const all = (op: string, t = flat) => g.op(op, [t], { keepdims: 1 });
  const byRows = (op: string) => (rows > 1 ? all(op, g.op(op, [table, ints(g, [1])], { keepdims: 0 })) : all(op));
  const zero = x.eq(0);
  const zeros = bytes && rows > 1
    ? g.op('MatMulInteger', [g.constant('uint8', [1, rows], Array<number>(rows).fill(1)), zero.cast('uint8').reshape([rows, count / rows])]).cast(x.dtype).reshape([count / rows])
    : zero.cast(x.dtype).reshape([count]);
  return [byRows('ReduceMin'), byRows('ReduceMax'), byRows('ReduceSum'), all('ReduceL1'), all('ReduceSumSquare'), all('ReduceSum', zeros)];
}

/** Of a matrix whose rows are summed first, so that rounding does not grow with its size. Everything over the finite elements; squares are taken of x/absMax, so that they neither overflow nor vanish. */
function exactFigures(x: Tensor, count: number): Tensor[] {
  const g = x.g, nan = x.isNaN(), inf = g.op('IsInf', [x]), bad = nan.or(inf), sum = (t: Tensor) => t.sum([1]).sum(), number = (t: Tensor) => sum(t.cast(x.dtype));
  const finite = bad.where(0, x), n = number(bad).rsub(count), absMax = finite.abs().reduceMax(), scale = absMax.eq(0).where(1, absMax);
  const mean = sum(finite.div(scale)).div(n.max(1)), deviation = bad.where(0, finite.div(scale).sub(mean));
  const infinity = x.scalar(Infinity), minusInfinity = x.scalar(-Infinity);
  return [
    bad.where(infinity, x).reduceMin(), bad.where(minusInfinity, x).reduceMax(), mean.mul(n).mul(scale), sum(finite.abs()),
    sum(finite.div(scale).square()).sqrt().mul(scale), number(x.cast('bool')), number(nan), number(inf),
    sum(deviation.square()).sqrt().mul(scale),
  ];
}

/** A summary from what was fetched. `data` holds the figures or, for `whole`, the elements. */
export function readSummary(plan: SummaryPlan, data: ArrayLike<number>): TensorSummary {
  if (plan.kind === 'whole') return summaryOf(data);
  const count = elementCount(plan.shape), names = plan.kind === 'exact' ? EXACT : FIGURES;
  const f = Object.fromEntries(names.map((n, i) => [n, data[i]!])) as Record<(typeof EXACT)[number] | 'zero', number>;
  const nan = plan.kind === 'exact' ? f.nan : 0, inf = plan.kind === 'exact' ? f.inf : 0, n = count - nan - inf;
  if (n === 0) return { count, nan, inf, zero: 0, min: NaN, max: NaN, mean: NaN, std: NaN, absMax: NaN, l1: 0, l2: 0 };
  const mean = f.sum / n;
  const l2 = plan.kind === 'exact' ? f.sumSquare : Math.sqrt(f.sumSquare);
  const std = plan.kind === 'exact' ? f.squaredDeviation / Math.sqrt(n) : Math.sqrt(Math.max(0, f.sumSquare / n - mean * mean));
  return { count, nan, inf, zero: plan.kind === 'exact' ? count - f.nonZero : f.zero, min: f.min, max: f.max, mean, std, absMax: Math.max(Math.abs(f.min), Math.abs(f.max)), l1: f.l1, l2 };
}

/** True where the cheap figures do not tell the truth: NaN or Inf inside, squares out of range, or a mean that drowns the spread. */
export function needsExact(plan: SummaryPlan, s: TensorSummary): boolean {
  if (plan.kind !== 'figures') return false;
  if (![s.min, s.max, s.mean, s.l1, s.l2].every(Number.isFinite)) return true;
  if (s.absMax > 0 && (s.absMax > 1e15 || s.absMax < 1e-15)) return true;
  return s.min !== s.max && s.std * s.std < 1e-3 * s.mean * s.mean;
}

/** The same figures of elements in hand. */
export function summaryOf(x: ArrayLike<number>): TensorSummary {
  let nan = 0, inf = 0, zero = 0, min = Infinity, max = -Infinity, sum = 0, l1 = 0, n = 0, absMax = 0;
  for (let i = 0; i < x.length; i++) {
    const v = x[i]!;
    if (Number.isNaN(v)) nan++;
    else if (!Number.isFinite(v)) inf++;
    else {
      n++;
      if (v === 0) zero++;
      if (v < min) min = v;
      if (v > max) max = v;
      sum += v;
      l1 += Math.abs(v);
    }
  }
  const count = x.length;
  if (n === 0) return { count, nan, inf, zero, min: NaN, max: NaN, mean: NaN, std: NaN, absMax: NaN, l1: 0, l2: 0 };
  absMax = Math.max(Math.abs(min), Math.abs(max));
  const mean = sum / n, scale = absMax || 1;
  let squares = 0, deviations = 0;
  for (let i = 0; i < x.length; i++) {
    const v = x[i]!;
    if (!Number.isFinite(v)) continue;
    squares += (v / scale) ** 2;
    deviations += ((v - mean) / scale) ** 2;
  }
  return { count, nan, inf, zero, min, max, mean, std: Math.sqrt(deviations / n) * scale, absMax, l1, l2: Math.sqrt(squares) * scale };
}
