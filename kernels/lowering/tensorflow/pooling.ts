import type { Tensor } from '../../graph/tensor.ts';
import type { Family, LowerContext, Lowering } from './context.ts';
import { fromChannelsFirst, padding, spatial, spatialSizes, toChannelsFirst, type Window } from './windows.ts';

/** Kernel and strides are attributes, or (V2) the inputs behind `first`. */
function windowOf(c: LowerContext, sizes: () => readonly number[], first?: number): Window {
  const given = (name: string, i: number) => (first === undefined ? c.attributes.ints(name, []) : c.elements(first + i, name));
  const kernel = spatial(c, given('ksize', 0), 'pooling'), strides = spatial(c, given('strides', 1), 'strides'), dilations = kernel.map(() => 1);
  return { kernel, strides, dilations, pads: padding(c, sizes, kernel, strides, dilations) };
}
const sizesOf = (c: LowerContext, x: Tensor) => () => spatialSizes(c, c.shape(x, 'SAME padding'));
const attributesOf = (w: Window) => ({ kernel_shape: w.kernel, strides: w.strides, pads: w.pads });

const maxPool = (rank: number, first?: number): Lowering => c => {
  const w = windowOf(c, sizesOf(c, c.x[0]), first);
  return fromChannelsFirst(c, c.op('MaxPool', [toChannelsFirst(c, c.x[0], rank)], attributesOf(w)), rank);
};
const avgPool = (rank: number): Lowering => c => {
  const w = windowOf(c, sizesOf(c, c.x[0]));
  return fromChannelsFirst(c, c.op('AveragePool', [toChannelsFirst(c, c.x[0], rank)], { ...attributesOf(w), count_include_pad: 0 }), rank);
};

/** ONNX numbers the elements of N, C, H, W; TensorFlow those of [N,] H, W, C. */
function maxPoolWithArgmax(c: LowerContext): readonly Tensor[] {
  const [x] = c.x, w = windowOf(c, sizesOf(c, x)), [n, height, width, channels] = c.shape(x, 'the places of maxima') as [number, number, number, number];
  const [y, at] = c.ops('MaxPool', [toChannelsFirst(c, x, 4)], 2, attributesOf(w)) as [Tensor, Tensor];
  const places = c.op('Mod', [at, c.scalar('int64', height * width)]).mul(channels);
  const numbers = (count: number, axis: number, step: number) => {
    const shape = [1, 1, 1, 1].map((d, i) => (i === axis ? count : d));
    return c.g.constant('int64', shape, Array.from({ length: count }, (_, i) => i * step));
  };
  let index = places.add(numbers(channels, 1, 1));
  if (c.attributes.int('include_batch_in_index', 0)) index = index.add(numbers(n, 0, height * width * channels));
  return [fromChannelsFirst(c, y, 4), fromChannelsFirst(c, index, 4)];
}

/** dy goes to the first element of each window that is the maximum. */
const maxPoolGrad = (rank: number, first?: number): Lowering => c => {
  const [x, , dy] = c.x, w = windowOf(c, sizesOf(c, x), first), input = toChannelsFirst(c, x, rank);
  const at = c.ops('MaxPool', [input], 2, attributesOf(w))[1]!, flat = c.ints([-1]);
  const zeros = input.zerosLike().reshapeTo(flat);
  return fromChannelsFirst(c, c.op('ScatterElements', [zeros, at.reshapeTo(flat), toChannelsFirst(c, dy, rank).reshapeTo(flat)], { axis: 0, reduction: 'add' }).reshapeLike(input), rank);
};

/** The second derivative: of each window the element of the cotangent that lies where the maximum was. */
const maxPoolGradGrad = (rank: number, first?: number): Lowering => c => {
  const [x, , grad] = c.x, w = windowOf(c, sizesOf(c, x), first), input = toChannelsFirst(c, x, rank), at = c.ops('MaxPool', [input], 2, attributesOf(w))[1]!;
  return fromChannelsFirst(c, c.op('GatherElements', [toChannelsFirst(c, grad, rank).reshapeTo(c.ints([-1])), at.reshapeTo(c.ints([-1]))], { axis: 0 }).reshapeLike(at), rank);
};

/** argmax as TensorFlow numbers it. */
function maxPoolGradWithArgmax(c: LowerContext): Tensor {
  const [x, dy, at] = c.x, shape = c.shape(x, 'the gradient of a pooling'), count = shape.slice(1).reduce((a, b) => a * b, 1), batch = shape[0]!;
  const flat = (t: Tensor) => t.reshapeTo(c.ints([batch, -1])), index = flat(at.cast('int64'));
  const inRow = c.attributes.int('include_batch_in_index', 0) ? c.op('Mod', [index, c.scalar('int64', count)]) : index;
  return c.op('ScatterElements', [flat(x.zerosLike()), inRow, flat(dy)], { axis: 1, reduction: 'add' }).reshape(shape);
}

/** Each output shares its cotangent evenly among the elements of its window that lie inside. */
const avgPoolGrad = (rank: number): Lowering => c => {
  const [, dy] = c.x, shape = c.elements(0, 'the shape of the input'), sizes = spatialSizes(c, shape), w = windowOf(c, () => sizes), n = rank - 2;
  const channels = c.channelsLast ? shape[rank - 1]! : shape[1]!, from = spatialSizes(c, c.shape(dy, 'the gradient of a pooling'));
  // Number of real elements in each window, one factor an axis.
  const counts = w.kernel.map((k, i) => Array.from({ length: from[i]! }, (_, o) => {
    const start = o * w.strides[i]! - w.pads[i]!;
    return Math.min(start + k, sizes[i]!) - Math.max(start, 0);
  }));
  const shared = counts.reduce((t, values, i) => t.div(c.g.constant(dy.dtype, Array.from({ length: n }, (_, j) => (j === i ? values.length : 1)), values)), toChannelsFirst(c, dy, rank));
  const ones = c.op('Expand', [dy.scalar(1), c.ints([channels, 1, ...w.kernel])]);
  const output_padding = sizes.map((size, i) => size - ((from[i]! - 1) * w.strides[i]! + w.kernel[i]! - w.pads[i]! - w.pads[n + i]!));
  return fromChannelsFirst(c, c.op('ConvTranspose', [shared, ones], { ...attributesOf(w), group: channels, ...(output_padding.some(p => p) && { output_padding }) }), rank);
};

export const pooling: Family = {
  MaxPool: maxPool(4), MaxPoolV2: maxPool(4, 1), MaxPool3D: maxPool(5), AvgPool: avgPool(4), AvgPool3D: avgPool(5), MaxPoolWithArgmax: maxPoolWithArgmax,
  MaxPoolGrad: maxPoolGrad(4), MaxPoolGradV2: maxPoolGrad(4, 3), MaxPool3DGrad: maxPoolGrad(5), MaxPoolGradGrad: maxPoolGradGrad(4), MaxPoolGradGradV2: maxPoolGradGrad(4, 3), MaxPool3DGradGrad: maxPoolGradGrad(5),
  MaxPoolGradWithArgmax: maxPoolGradWithArgmax, AvgPoolGrad: avgPoolGrad(4), AvgPool3DGrad: avgPoolGrad(5),
};
