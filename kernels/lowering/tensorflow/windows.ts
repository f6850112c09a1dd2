import type { Tensor } from '../../graph/tensor.ts';
import type { LowerContext } from './context.ts';

/** A node of the convolution and pooling kind: its spatial axes in ONNX's order, whatever layout the file has. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Starts, then ends, of each spatial axis. */
  readonly pads: readonly number[];
}

/** Of a list with one entry an axis of the layout, the spatial entries. Batch and channels must be 1. */
export function spatial(c: LowerContext, values: readonly number[], what: string): number[] {
  const n = values.length, channels = c.channelsLast ? n - 1 : 1;
  if (values[0] !== 1 || values[channels] !== 1) c.refuse(`${what} over batch or channels`);
  return values.filter((_, i) => i !== 0 && i !== channels);
}

/** To N, C, spatial … */
export function toChannelsFirst(c: LowerContext, x: Tensor, rank: number): Tensor {
  return c.channelsLast ? x.transpose([0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)]) : x;
}
export function fromChannelsFirst(c: LowerContext, y: Tensor, rank: number): Tensor {
  return c.channelsLast ? y.transpose([0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1]) : y;
}

/** Sizes of the spatial axes of a tensor in the file's layout. */
export function spatialSizes(c: LowerContext, shape: readonly number[]): number[] {
  const channels = c.channelsLast ? shape.length - 1 : 1;
  return shape.filter((_, i) => i !== 0 && i !== channels);
}

/** Output size: VALID ceil((n − k + 1)/s), SAME ceil(n/s). SAME pads (o − 1)s + k − n in all, the smaller half first. k counts dilation. */
export function padding(c: LowerContext, sizes: () => readonly number[], kernel: readonly number[], strides: readonly number[], dilations: readonly number[]): number[] {
  const zero = kernel.map(() => 0), mode = c.attributes.string('padding', 'VALID');
  if (mode === 'EXPLICIT') {
    const given = c.attributes.ints('explicit_paddings', []), pairs = Array.from({ length: given.length / 2 }, (_, i) => [given[2 * i]!, given[2 * i + 1]!] as const);
    const channels = c.channelsLast ? pairs.length - 1 : 1, own = pairs.filter((_, i) => i !== 0 && i !== channels);
    return [...own.map(p => p[0]), ...own.map(p => p[1])];
  }
  if (mode !== 'SAME') return [...zero, ...zero];
  const reach = kernel.map((k, i) => (k - 1) * dilations[i]! + 1);
  // With a stride of 1 the sizes do not matter.
  const given = strides.every(s => s === 1) ? undefined : sizes();
  const total = reach.map((k, i) => (given ? Math.max((Math.ceil(given[i]! / strides[i]!) - 1) * strides[i]! + k - given[i]!, 0) : k - 1));
  const before = total.map(t => Math.floor(t / 2));
  return [...before, ...total.map((t, i) => t - before[i]!)];
}
