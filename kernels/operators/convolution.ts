import { float } from '../graph/attributes.ts';
import { ints, UnknownShape, type Tensor } from '../graph/tensor.ts';
import { tensor } from '../graph/types.ts';
import type { InferContext, Operator, PullbackContext, PullbackEntry } from './operator.ts';
import { extent, windowOf, windowOutput, type Window } from './windows.ts';

const product = (x: readonly number[]) => x.reduce((a, b) => a * b, 1);
const range = (n: number, from = 0) => Array.from({ length: n }, (_, i) => from + i);

/** One convolution seen from its rule, all sizes known. */
interface Sizes { n: number; c: number; o: number; group: number; in: number[]; out: number[]; w: Window }

function sizesOf(c: PullbackContext, input: Tensor, weight: Tensor, output: Tensor): Sizes {
  const x = input.shape, k = weight.shape, y = output.shape;
  if (!x || !k || !y) throw new UnknownShape(input.name, `the adjoint of ${c.node.op}`);
  return { n: x[0]!, c: x[1]!, o: y[1]!, group: c.attributes.int('group', 1), in: x.slice(2), out: y.slice(2), w: windowOf(c.attributes, x.slice(2), k.slice(2)) };
}

const attributesOf = (s: Sizes) => ({ kernel_shape: s.w.kernel, strides: s.w.strides, dilations: s.w.dilations, pads: s.w.pads, group: s.group });

/** 1×…×1, stride 1, no padding, one group: a matrix product over positions. */
const isPointwise = (s: Sizes) => s.group === 1 && s.w.kernel.every(k => k === 1) && s.w.strides.every(k => k === 1) && s.w.pads.every(p => p === 0);

/** dX: the transposed convolution of dy with the same weights. */
function toInput(c: PullbackContext, dy: Tensor, weight: Tensor, s: Sizes): Tensor {
  if (isPointwise(s) && dy.dtype === 'float32') {
    const flat = c.op('FusedMatMul', [weight.reshape([s.o, s.c]), dy.reshape([s.n, s.o, product(s.out)])], { transA: 1, alpha: float(1) }, { domain: 'com.microsoft' });
    return flat.reshape([s.n, s.c, ...s.in]);
  }
  const rank = s.in.length;
  // Whatever the strides left over at the end gets no gradient, but needs its place.
  const extra = s.in.map((d, i) => d + s.w.pads[i]! + s.w.pads[i + rank]! - ((s.out[i]! - 1) * s.w.strides[i]! + extent(s.w, i)));
  return c.op('ConvTranspose', [dy, weight], { ...attributesOf(s), output_padding: extra }, { types: [tensor(dy.dtype, [s.n, s.c, ...s.in])] });
}

/** X cut to what the kernel's element `k` meets at each position: [N, C, out …]. */
function tap(padded: Tensor, s: Sizes, at: readonly number[]): Tensor {
  const starts = at.map((k, i) => k * s.w.dilations[i]!), ends = starts.map((b, i) => b + (s.out[i]! - 1) * s.w.strides[i]! + 1);
  return padded.slice(starts, ends, range(at.length, 2), s.w.strides);
}

/**
 * dW. Pointwise: one product over positions. Small kernels on large maps: one product for each element of the kernel (a slice of X
 * against dy). Else one grouped convolution with batch and channels exchanged, dilations and strides exchanged.
 */
function toWeight(c: PullbackContext, x: Tensor, dy: Tensor, s: Sizes): Tensor {
  const rank = s.in.length, positions = product(s.out), taps = product(s.w.kernel), cg = s.c / s.group, og = s.o / s.group, shape = [s.o, cg, ...s.w.kernel];
  /** [1, N, O·C/g]: one element of the kernel for each sample. */
  const contract = (cols: Tensor) => {
    const g = dy.reshape([s.n * s.group, og, positions]), p = cols.reshape([s.n * s.group, cg, positions]);
    return c.op('FusedMatMul', [g, p], { transB: 1, alpha: float(1) }, { domain: 'com.microsoft' }).reshape([1, s.n, s.o * cg]);
  };
  const overSamples = (each: Tensor) => (s.n === 1 ? each : each.sum([1]));
  if (isPointwise(s) && dy.dtype === 'float32') return overSamples(contract(x)).reshape(shape);
  const padded = s.w.pads.some(p => p !== 0) ? c.op('Pad', [x, ints(c.g, [0, 0, ...s.w.pads.slice(0, rank), 0, 0, ...s.w.pads.slice(rank)])]) : x;
  if (dy.dtype === 'float32' && taps <= 49 && positions >= 16 && s.group === 1 && s.c >= 8) {
    const columns = range(taps).map(t => {
      const at: number[] = [];
      for (let i = rank - 1, rest = t; i >= 0; i--, rest = Math.floor(rest / s.w.kernel[i + 1]!)) at[i] = rest % s.w.kernel[i]!;
      return contract(tap(padded, s, at));
    });
    // One matrix transpose is cheaper than to join along an innermost axis.
    return (columns.length === 1 ? overSamples(columns[0]!) : overSamples(c.op('Concat', columns, { axis: 0 })).reshape([taps, s.o * cg]).transpose([1, 0])).reshape(shape);
  }
  // X → [C/g, g·N, …], dy → [g·O/g, N, …]: every group keeps its own channels.
  const spatial = range(rank, 2), used = s.in.map((d, i) => d + s.w.pads[i]! + s.w.pads[i + rank]!);
  const input = padded.reshape([s.n, s.group, cg, ...used]).transpose([2, 1, 0, ...spatial.map(a => a + 1)]).reshape([cg, s.group * s.n, ...used]);
  const kernel = dy.reshape([s.n, s.group * og, ...s.out]).transpose([1, 0, ...spatial]);
  const result = c.op('Conv', [input, kernel], { group: s.group, kernel_shape: s.out, strides: s.w.dilations, dilations: s.w.strides });
  const cut = result.slice(range(rank).map(() => 0), s.w.kernel, spatial);
  return cut.transpose([1, 0, ...spatial]).reshape(shape);
}

const biasBack = (c: PullbackContext) => c.dy.sum([0, ...range((c.dy.rank ?? 3) - 2, 2)]);

function convBack(c: PullbackContext): readonly PullbackEntry[] {
  const [x, weight] = c.x as [Tensor, Tensor], s = sizesOf(c, x, weight, c.dy);
  return [() => toInput(c, c.dy, weight, s), () => toWeight(c, x, c.dy, s), () => biasBack(c)];
}

/** ConvTranspose is the adjoint of Conv: dX is the Conv of dy, dW that of a Conv with dy as its input and x as its cotangent. */
function convTransposeBack(c: PullbackContext): readonly PullbackEntry[] {
  const [x, weight] = c.x as [Tensor, Tensor], xs = x.shape, ws = weight.shape, ys = c.dy.shape;
  if (!xs || !ws || !ys) throw new UnknownShape(x.name, 'the adjoint of ConvTranspose');
  const t = transposeWindow(c.attributes, xs.slice(2), ws.slice(2), ys.slice(2)), group = c.attributes.int('group', 1);
  const s: Sizes = { n: xs[0]!, c: ys[1]!, o: xs[1]!, group, in: ys.slice(2), out: xs.slice(2), w: t };
  return [
    () => c.op('Conv', [cropped(c.dy, t), weight], { ...attributesOf(s), pads: t.pads.map(p => Math.max(p, 0)) }, { types: [tensor(x.dtype, xs)] }),
    () => toWeight({ ...c, dy: x } as PullbackContext, c.dy, x, s),
    () => biasBack(c),
  ];
}

/** Where the output padding exceeds the padding at the end, the Conv would have a negative one: that much of dy is met by no element of x. */
function cropped(dy: Tensor, w: Window): Tensor {
  if (w.pads.every(p => p >= 0)) return dy;
  const n = w.kernel.length, cut = w.pads.map(p => Math.min(p, 0));
  return dy.g.op('Pad', [dy, ints(dy.g, [0, 0, ...cut.slice(0, n), 0, 0, ...cut.slice(n)])]);
}

/** The window of the Conv whose adjoint this ConvTranspose is; the padding follows from the sizes where it is not stated. */
function transposeWindow(a: PullbackContext['attributes'], small: readonly number[], kernel: readonly number[], large: readonly number[]): Window {
  const n = kernel.length, strides = a.ints('strides', Array<number>(n).fill(1)), dilations = a.ints('dilations', Array<number>(n).fill(1)), auto = a.string('auto_pad', 'NOTSET');
  const outputPadding = a.ints('output_padding', Array<number>(n).fill(0)), given = a.ints('pads', Array<number>(2 * n).fill(0)), stated = (auto === 'NOTSET' || auto === '') && !a.has('output_shape');
  if (stated) return { kernel, strides, dilations, pads: [...given.slice(0, n), ...given.slice(n).map((p, i) => p - outputPadding[i]!)], ceil: false };
  const total = small.map((d, i) => strides[i]! * (d - 1) + outputPadding[i]! + (kernel[i]! - 1) * dilations[i]! + 1 - large[i]!);
  const half = total.map(p => Math.floor(p / 2)), before = total.map((p, i) => (auto === 'SAME_UPPER' ? half[i]! : p - half[i]!));
  return { kernel, strides, dilations, pads: [...before, ...total.map((p, i) => p - before[i]! - outputPadding[i]!)], ceil: false };
}

function convType(c: InferContext): ReturnType<NonNullable<Operator['infer']>> {
  const x = c.tensor(0), w = c.tensor(1);
  if (!x) return [undefined];
  if (!x.shape || !w?.shape || [...x.shape.slice(2), ...w.shape.slice(2)].some(d => typeof d !== 'number')) return [tensor(x.dtype, x.shape && [x.shape[0], w?.shape?.[0], ...x.shape.slice(2).map(() => undefined)])];
  const spatial = x.shape.slice(2) as number[];
  return [tensor(x.dtype, [x.shape[0], w.shape[0], ...windowOutput(windowOf(c.attributes, spatial, w.shape.slice(2) as number[]), spatial)])];
}

function convTransposeType(c: InferContext): ReturnType<NonNullable<Operator['infer']>> {
  const x = c.tensor(0)?.shape, w = c.tensor(1)?.shape, t = c.tensor(0), a = c.attributes;
  if (!x || !w || [...x.slice(2), ...w.slice(2), w[1]].some(d => typeof d !== 'number')) return [t && tensor(t.dtype)];
  const n = x.length - 2, strides = a.ints('strides', Array<number>(n).fill(1)), dilations = a.ints('dilations', Array<number>(n).fill(1)), extra = a.ints('output_padding', Array<number>(n).fill(0)), pads = a.ints('pads', Array<number>(2 * n).fill(0));
  const auto = a.string('auto_pad', 'NOTSET'), stated = a.ints('output_shape');
  const spatial = range(n).map(i => {
    if (stated) return stated[stated.length - n + i];
    if (auto.startsWith('SAME')) return (x[i + 2] as number) * strides[i]!;
    return strides[i]! * ((x[i + 2] as number) - 1) + extra[i]! + ((w[i + 2] as number) - 1) * dilations[i]! + 1 - (auto === 'VALID' ? 0 : pads[i]! + pads[i + n]!);
  });
  return [tensor(t!.dtype, [x[0], (w[1] as number) * a.int('group', 1), ...spatial])];
}

export const convolution: readonly Operator[] = [
  { op: 'Conv', infer: convType, pullback: convBack, differentiable: ['X', 'W', 'B'], formula: 'dX = dy ⋆ᵀ W, dW = X ⋆ dy, dB = Σ dy' },
  { op: 'ConvTranspose', infer: convTransposeType, pullback: convTransposeBack, differentiable: ['X', 'W', 'B'], formula: 'dX = dy ⋆ W, dW = dy ⋆ X, dB = Σ dy' },
  { op: 'ConvInteger', since: 10, noGradient: 'discrete', formula: 'integers only: nothing flows back', infer: c => [tensor('int32', (convType(c)[0] as { shape?: [] } | undefined)?.shape)] },
];
