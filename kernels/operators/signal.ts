import { ints, UnknownShape, type Tensor } from '../graph/tensor.ts';
import { tensor, type Dim } from '../graph/types.ts';
import type { ExpandContext, InferContext, Operator, PullbackContext } from './operator.ts';
import { norm } from './shapes.ts';

/** An axis made `size` long: cut, or filled with zeros at its end. */
function resized(t: Tensor, axis: number, size: number): Tensor {
  const from = t.shape?.[axis];
  if (from === undefined) throw new UnknownShape(t.name, 'a Fourier transform');
  if (from > size) return t.slice([0], [size], [axis]);
  if (from === size) return t;
  const pads = Array<number>(2 * t.rank!).fill(0);
  pads[t.rank! + axis] = size - from;
  return t.g.op('Pad', [t, ints(t.g, pads)]);
}

/**
 * The transform is linear: its adjoint is the transform in the other direction without the factor 1/n that the inverse carries.
 * A one-sided result is filled with zeros first (only the given half was read off), a real input takes the real part.
 */
function dftBack(c: PullbackContext): Tensor {
  const x = c.x[0]!, rank = x.needRank('a Fourier transform'), axis = norm(c.x[2]?.data?.[0] ?? -2, rank), length = x.shape?.[axis];
  if (c.attributes.int('inverse', 0) && c.attributes.int('onesided', 0)) return realInverseBack(c, axis);
  const n = c.x[1]?.data?.[0] ?? length;
  if (n === undefined || length === undefined) throw new UnknownShape(x.name, 'the adjoint of DFT');
  const inverse = c.attributes.int('inverse', 0), full = resized(c.dy, axis, n);
  const back = c.op('DFT', [full, undefined, c.g.constant('int64', [], [axis])], { inverse: 1 - inverse }, { types: [full.type] });
  const scaled = inverse ? back.div(n) : back.mul(n), fitted = resized(scaled, axis, length);
  return x.shape!.at(-1) === 1 ? fitted.slice([0], [1], [rank - 1]) : fitted;
}

/**
 * A real signal from half a spectrum: a coefficient whose mirror image is not given counts twice. (ONNX Runtime takes what is given
 * beyond the middle as it is.) The adjoint is the transform of dy with those weights and the factor 1/n.
 */
function realInverseBack(c: PullbackContext, axis: number): Tensor {
  const x = c.x[0]!, n = c.dy.shape?.[axis], length = x.shape?.[axis];
  if (n === undefined || length === undefined) throw new UnknownShape(x.name, 'the adjoint of DFT');
  const weights = Array.from({ length }, (_, k) => (k > 0 && n - k >= length ? 2 : 1) / n);
  const spectrum = resized(c.op('DFT', [c.dy, undefined, c.g.constant('int64', [], [axis])]), axis, length);
  return spectrum.mul(c.g.constant(x.dtype, [length, ...Array<number>(x.rank! - axis - 1).fill(1)], weights));
}

function dftType(c: InferContext): ReturnType<NonNullable<Operator['infer']>> {
  const t = c.tensor(0);
  if (!t?.shape) return [t && tensor(t.dtype)];
  const axis = norm(c.data(2)?.[0] ?? -2, t.shape.length), shape: Dim[] = [...t.shape], from = shape[axis];
  const onesided = c.attributes.int('onesided', 0) === 1, real = onesided && c.attributes.int('inverse', 0) === 1;
  const n = c.data(1)?.[0] ?? (c.has(1) ? undefined : real && typeof from === 'number' ? 2 * (from - 1) : from);
  shape[axis] = typeof n === 'number' ? (onesided && !real ? Math.floor(n / 2) + 1 : n) : undefined;
  shape[shape.length - 1] = real ? 1 : 2;
  return [tensor(t.dtype, shape)];
}

/** Overlapping frames, windowed and transformed. */
function stft(c: ExpandContext): readonly Tensor[] {
  const signal = c.x[0]!, window = c.x[2], step = c.x[1]!.data?.[0], length = c.x[3]?.data?.[0] ?? window?.shape?.[0], shape = signal.shape;
  if (!shape || step === undefined || length === undefined) throw new UnknownShape(signal.name, 'STFT');
  const count = Math.floor((shape[1]! - length) / step) + 1;
  const index = Array.from({ length: count * length }, (_, i) => Math.floor(i / length) * step + (i % length));
  let frames = signal.rank === 2 ? signal.unsqueeze([2]) : signal;
  frames = frames.gather(c.g.constant('int64', [count, length], index), 1);
  if (window) frames = frames.mul(window.reshape([length, 1]));
  const onesided = c.attributes.int('onesided', 1);
  return [c.op('DFT', [frames, undefined, c.g.constant('int64', [], [2])], { onesided })];
}

const window = (op: string): Operator => ({
  op, since: 17, noGradient: 'source', formula: 'depends on its size only',
  infer: c => [tensor('float32', [c.data(0)?.[0]])],
});

export const signal: readonly Operator[] = [
  { op: 'DFT', since: 17, infer: dftType, formula: 'dx = the transform in the other direction, without the factor 1/n', differentiable: ['input'], pullback: c => [() => dftBack(c), undefined, undefined] },
  {
    op: 'STFT', since: 17, formula: 'through its frames: each adds its adjoint transform, windowed', differentiable: ['signal', 'window'], expand: stft,
    infer: c => {
      const t = c.tensor(0), step = c.data(1)?.[0], n = c.data(3)?.[0] ?? c.tensor(2)?.shape?.[0];
      if (!t?.shape || step === undefined || typeof n !== 'number' || typeof t.shape[1] !== 'number') return [t && tensor(t.dtype)];
      return [tensor(t.dtype, [t.shape[0], Math.floor((t.shape[1] - n) / step) + 1, c.attributes.int('onesided', 1) ? Math.floor(n / 2) + 1 : n, 2])];
    },
  },
  window('HannWindow'), window('HammingWindow'), window('BlackmanWindow'),
  { op: 'MelWeightMatrix', since: 17, noGradient: 'source', formula: 'depends on sizes and bounds only', infer: c => [tensor('float32', [undefined, c.data(0)?.[0]])] },
];
