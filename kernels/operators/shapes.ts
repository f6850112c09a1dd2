import type { ValueType, Dim, DType, TensorType } from '../graph/types.ts';
import { tensor } from '../graph/types.ts';
import type { InferContext } from './operator.ts';

/** Inference that several operators share. */

/** Output 0 is like input `i`. */
export const like = (i = 0) => (c: InferContext): (ValueType | undefined)[] => {
  const t = c.inputs[i];
  return [t?.kind === 'tensor' ? tensor(t.dtype, t.shape) : t];
};

/** NumPy broadcasting of dimensions; `undefined` where a rank is unknown. An unknown against a number > 1 is that number. */
export function broadcastDims(shapes: readonly (readonly Dim[] | undefined)[]): Dim[] | undefined {
  if (shapes.some(s => !s)) return undefined;
  const rank = Math.max(0, ...shapes.map(s => s!.length));
  return Array.from({ length: rank }, (_, i) => {
    let dim: Dim = 1;
    for (const s of shapes) {
      const d = i - (rank - s!.length) < 0 ? 1 : s![i - (rank - s!.length)];
      if (d === 1) continue;
      if (dim === 1) dim = d;
      else if (typeof d === 'number') dim = d;
      else if (typeof dim !== 'number' && d !== dim) dim = undefined;
    }
    return dim;
  });
}

/** Broadcast of all inputs from `first` on; `dtype` overrides the element type; `fold` computes known small integers. */
export const broadcasting = (dtype?: DType, fold?: (...xs: number[]) => number, first = 0) => (c: InferContext): (ValueType | undefined)[] => {
  const given = c.inputs.slice(first).filter((_, i) => c.has(first + i)), types = given.map(t => (t?.kind === 'tensor' ? t : undefined));
  const type = dtype ?? types.find(t => t)?.dtype;
  if (!type) return [undefined];
  const shape = broadcastDims(types.map(t => t?.shape));
  return [tensor(type, shape, fold && folded(types, shape, fold))];
};

function folded(types: readonly (TensorType | undefined)[], shape: readonly Dim[] | undefined, fold: (...xs: number[]) => number): number[] | undefined {
  if (!shape || !types.every(t => t?.data)) return undefined;
  const count = shape.reduce<number>((a, d) => a * (d as number), 1);
  // Only scalars and equal shapes: what shape arithmetic consists of.
  if (!types.every(t => t!.data!.length === 1 || t!.data!.length === count)) return undefined;
  return Array.from({ length: count }, (_, i) => fold(...types.map(t => t!.data![t!.data!.length === 1 ? 0 : i]!)));
}

/** Axis made non-negative. */
export const norm = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** Shape of a reduction over `axes` (`undefined` = unknown axes, `null` = all). */
export function reducedDims(dims: readonly Dim[] | undefined, axes: readonly number[] | null | undefined, keepdims: boolean): Dim[] | undefined {
  if (!dims) return axes === null && !keepdims ? [] : undefined;
  if (axes === undefined) return keepdims ? dims.map(() => undefined) : undefined;
  const set = new Set(axes === null ? dims.keys() : axes.map(a => norm(a, dims.length)));
  return keepdims ? dims.map((d, i) => (set.has(i) ? 1 : d)) : dims.filter((_, i) => !set.has(i));
}

/** Strides of a row-major shape. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}
