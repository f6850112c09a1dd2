import { float } from '../graph/attributes.ts';
import { UnknownShape, type Tensor } from '../graph/tensor.ts';
import { tensor, type Dim } from '../graph/types.ts';
import type { InferContext, Operator, PullbackContext, PullbackEntry } from './operator.ts';
import { broadcastDims } from './shapes.ts';

function matmulType(c: InferContext): ReturnType<NonNullable<Operator['infer']>> {
  const a = c.tensor(0), b = c.tensor(1);
  if (!a) return [undefined];
  if (!a.shape || !b?.shape) return [tensor(a.dtype)];
  const [l, r] = [a.shape, b.shape], left = l.length === 1 ? [1, ...l] : l, right = r.length === 1 ? [...r, 1] : r;
  const batch = broadcastDims([left.slice(0, -2), right.slice(0, -2)]);
  if (!batch) return [tensor(a.dtype)];
  return [tensor(a.dtype, [...batch, ...(l.length === 1 ? [] : [left.at(-2)]), ...(r.length === 1 ? [] : [right.at(-1)])])];
}

/** A product with one factor transposed, without a copy of it. float64 has no fused kernel. */
function fused(c: PullbackContext, a: Tensor, b: Tensor, transA: 0 | 1, transB: 0 | 1): Tensor {
  if (c.dy.dtype !== 'float32') return (transA ? a.transposeLast() : a).matmul(transB ? b.transposeLast() : b);
  return c.op('FusedMatMul', [a, b], { transA, transB, alpha: float(1) }, { domain: 'com.microsoft' });
}

/** Rows of all leading axes as one matrix. */
function rows(t: Tensor): Tensor {
  const width = t.shape?.at(-1);
  return width === undefined ? t.g.op('Flatten', [t], { axis: t.rank! - 1 }) : t.reshape([t.shape!.slice(0, -1).reduce((x, y) => x * y, 1), width]);
}

/** dA = dy · Bᵀ, dB = Aᵀ · dy. One-dimensional operands are a row or a column; a matrix shared by a batch is one product over all rows. */
function matmulBack(c: PullbackContext): readonly PullbackEntry[] {
  const [a, b] = c.x as [Tensor, Tensor], ra = a.needRank('the adjoint of MatMul'), rb = b.needRank('the adjoint of MatMul');
  const l = ra === 1 ? a.unsqueeze([0]) : a, r = rb === 1 ? b.unsqueeze([1]) : b;
  let { dy } = c;
  if (rb === 1) dy = dy.unsqueeze([-1]);
  if (ra === 1) dy = dy.unsqueeze([-2]);
  const fit = (t: Tensor, x: Tensor, rank: number, axis: number) => {
    const back = t.sumTo(rank === 1 ? x.unsqueeze([axis]) : x);
    return rank === 1 ? back.reshapeLike(x) : back;
  };
  return [
    () => fit(fused(c, dy, r, 0, 1), a, ra, 0),
    () => {
      if (rb === 2 && ra > 2) return fused(c, rows(l), rows(dy), 1, 0);
      return fit(fused(c, l, dy, 1, 0), b, rb, 1);
    },
  ];
}

/** Gemm: dA = α·dy·B'ᵀ, dB = α·A'ᵀ·dy, dC = β·Σ dy over broadcast axes. */
function gemmBack(c: PullbackContext): readonly PullbackEntry[] {
  const { attributes: a } = c, ta = a.int('transA', 0), tb = a.int('transB', 0), alpha = float(a.float('alpha', 1)), [x, w, bias] = c.x;
  const product = (l: Tensor, r: Tensor, transA: number, transB: number) => c.op('Gemm', [l, r], { alpha, transA, transB });
  return [
    () => (ta ? product(w!, c.dy, tb, 1) : product(c.dy, w!, 0, 1 - tb)),
    () => (tb ? product(c.dy, x!, 1, ta) : product(x!, c.dy, 1 - ta, 0)),
    () => c.dy.mul(a.float('beta', 1)).sumTo(bias!),
  ];
}

interface Equation { readonly inputs: readonly string[]; readonly output: string }

/** An Einsum equation with explicit output; `…` is written out as capital letters that the equation does not use. */
function parseEinsum(equation: string, ranks: readonly (number | undefined)[]): Equation {
  const [left, right] = equation.replaceAll(' ', '').split('->'), terms = left!.split(',');
  const free = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].filter(l => !equation.includes(l));
  const widths = terms.map((t, i) => (t.includes('...') ? (ranks[i] ?? NaN) - (t.length - 3) : 0)), widest = Math.max(0, ...widths);
  if (Number.isNaN(widest)) throw new UnknownShape(equation, 'an ellipsis of Einsum');
  const dots = (n: number) => free.slice(widest - n, widest).join('');
  const inputs = terms.map((t, i) => t.replace('...', dots(widths[i]!)));
  if (right !== undefined) return { inputs, output: right.replace('...', dots(widest)) };
  const all = inputs.join(''), once = [...new Set(all)].filter(l => [...all].filter(x => x === l).length === 1 && !free.slice(0, widest).includes(l)).sort();
  return { inputs, output: dots(widest) + once.join('') };
}

/** The adjoint exchanges the input with the output; letters that only this input has are spread, repeated letters are a diagonal. */
function einsumBack(c: PullbackContext): readonly PullbackEntry[] {
  const { inputs, output } = parseEinsum(c.attributes.string('equation', ''), c.x.map(x => x.rank));
  return c.x.map((x, i) => () => {
    const own = inputs[i]!, letters = [...new Set(own)], others = inputs.filter((_, k) => k !== i), operands = c.x.filter((_, k) => k !== i);
    const available = new Set([...output, ...others.join('')]), known = letters.filter(l => available.has(l)), lost = letters.filter(l => !available.has(l));
    // Broadcast ellipsis dimensions of size one come back by summing over them.
    let g = c.op('Einsum', [c.dy, ...operands], { equation: `${[output, ...others].join(',')}->${known.join('')}` });
    if (lost.length) g = g.unsqueeze(letters.flatMap((l, at) => (lost.includes(l) ? [at] : []))).transpose([...letters.keys()]);
    if (own.length !== letters.length) return diagonal(c, g, x, own, lost);
    return lost.length ? g.add(x.zerosLike()) : g.sumTo(x);
  });
}

/** Puts g, indexed by the distinct letters, on the diagonal of x, whose subscripts repeat some. */
function diagonal(c: PullbackContext, g: Tensor, x: Tensor, own: string, lost: readonly string[]): Tensor {
  const shape = x.shape;
  if (!shape) throw new UnknownShape(x.name, 'a repeated subscript of Einsum');
  const spread = g.reshape([...own].map((l, at) => (own.indexOf(l) === at && !lost.includes(l) ? shape[at]! : 1)));
  let mask: Tensor | undefined;
  [...own].forEach((l, at) => {
    const first = own.indexOf(l);
    if (first === at) return;
    const index = (axis: number) => c.g.constant('int64', shape.map((d, k) => (k === axis ? d : 1)), [...Array(shape[axis]!).keys()]);
    const same = index(first).eq(index(at));
    mask = mask ? mask.and(same) : same;
  });
  return mask!.where(spread, lost.length ? x.zerosLike() : 0);
}

function einsumType(c: InferContext): ReturnType<NonNullable<Operator['infer']>> {
  const types = c.inputs.map((_, i) => c.tensor(i)), dtype = types[0]?.dtype;
  if (!dtype) return [undefined];
  if (types.some(t => !t?.shape)) return [tensor(dtype)];
  const { inputs, output } = parseEinsum(c.attributes.string('equation', ''), types.map(t => t!.shape!.length)), sizes = new Map<string, Dim>();
  inputs.forEach((term, i) => [...term].forEach((l, at) => {
    const d = types[i]!.shape![at];
    if (!sizes.has(l) || sizes.get(l) === 1) sizes.set(l, d);
  }));
  return [tensor(dtype, [...output].map(l => sizes.get(l)))];
}

export const contractions: readonly Operator[] = [
  { op: 'MatMul', infer: matmulType, pullback: matmulBack, formula: 'dA = dy · Bᵀ, dB = Aᵀ · dy', differentiable: ['A', 'B'] },
  {
    op: 'Gemm', pullback: gemmBack, formula: 'dA = α · dy · Bᵀ, dB = α · Aᵀ · dy, dC = β · Σ dy', differentiable: ['A', 'B', 'C'],
    infer: c => {
      const a = c.tensor(0), b = c.tensor(1);
      return [a && tensor(a.dtype, [a.shape?.[c.attributes.int('transA', 0) ? 1 : 0], b?.shape?.[c.attributes.int('transB', 0) ? 0 : 1]])];
    },
  },
  { op: 'Einsum', since: 12, infer: einsumType, pullback: einsumBack, formula: 'dxᵢ = the same contraction with xᵢ and y exchanged', differentiable: ['Inputs'] },
  { op: 'MatMulInteger', since: 10, noGradient: 'discrete', formula: 'integers only: nothing flows back', infer: c => [{ ...matmulType(c)[0]!, dtype: 'int32' } as ReturnType<typeof tensor>] },
];
