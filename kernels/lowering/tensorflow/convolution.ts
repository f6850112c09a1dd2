import type { Tensor } from '../../graph/tensor.ts';
import type { Family, LowerContext, Lowering } from './context.ts';
import { fromChannelsFirst, padding, spatial, spatialSizes, toChannelsFirst, type Window } from './windows.ts';

function windowOf(c: LowerContext, rank: number, kernel: readonly number[], sizes: () => readonly number[]): Window {
  const strides = spatial(c, c.attributes.ints('strides', Array<number>(rank).fill(1)), 'strides');
  const given = c.attributes.ints('dilations', []), dilations = given.length ? spatial(c, given.length === rank ? given : [1, ...given, 1], 'dilations') : strides.map(() => 1);
  return { kernel, strides, dilations, pads: padding(c, sizes, kernel, strides, dilations) };
}
const attributesOf = (w: Window, group: number) => ({ kernel_shape: w.kernel, strides: w.strides, dilations: w.dilations, pads: w.pads, group });

/** Spatial …, in, out → out, in, spatial … */
function kernelFirst(w: Tensor, rank: number): Tensor {
  return w.transpose([rank - 1, rank - 2, ...Array.from({ length: rank - 2 }, (_, i) => i)]);
}
/** Spatial …, C, M → C·M, 1, spatial …: output channel c·M + m. */
function depthwiseKernel(w: Tensor, shape: readonly number[]): Tensor {
  return w.transpose([2, 3, 0, 1]).reshape([shape[2]! * shape[3]!, 1, shape[0]!, shape[1]!]);
}

const conv = (rank: number): Lowering => c => {
  const [x, w] = c.x, filter = c.shape(w, 'a convolution'), channels = filter[rank - 2]!, at = c.channelsLast ? rank - 1 : 1, known = x.dims?.[at], group = (typeof known === 'number' ? known : c.shape(x, 'a convolution')[at]!) / channels;
  const win = windowOf(c, rank, filter.slice(0, rank - 2), () => spatialSizes(c, c.shape(x, 'SAME padding')));
  return fromChannelsFirst(c, c.op('Conv', [toChannelsFirst(c, x, rank), kernelFirst(w, rank)], attributesOf(win, group)), rank);
};

function depthwise(c: LowerContext): Tensor {
  const [x, w] = c.x, filter = c.shape(w, 'a convolution'), win = windowOf(c, 4, filter.slice(0, 2), () => spatialSizes(c, c.shape(x, 'SAME padding')));
  return fromChannelsFirst(c, c.op('Conv', [toChannelsFirst(c, x, 4), depthwiseKernel(w, filter)], attributesOf(win, filter[2]!)), 4);
}

/** What is missing at the end so that the transposed convolution has the wanted size. */
function transposed(c: LowerContext, dy: Tensor, kernel: Tensor, win: Window, wanted: readonly number[], from: readonly number[], group: number, rank: number): Tensor {
  const n = rank - 2, output_padding = wanted.map((size, i) => size - ((from[i]! - 1) * win.strides[i]! + (win.kernel[i]! - 1) * win.dilations[i]! + 1 - win.pads[i]! - win.pads[n + i]!));
  return fromChannelsFirst(c, c.op('ConvTranspose', [toChannelsFirst(c, dy, rank), kernel], { ...attributesOf(win, group), ...(output_padding.some(p => p) && { output_padding }) }), rank);
}

/** Also what tf.nn.conv2d_transpose is. The first input is the size of the result. */
const backpropInput = (rank: number): Lowering => c => {
  const [, w, dy] = c.x, filter = c.shape(w, 'a convolution'), wanted = c.elements(0, 'the size of the result');
  const full = wanted.length === rank ? wanted : [0, ...wanted, 0], sizes = wanted.length === rank ? spatialSizes(c, full) : wanted;
  const win = windowOf(c, rank, filter.slice(0, rank - 2), () => sizes), channels = (c.channelsLast ? full[rank - 1]! : full[1]!) || filter[rank - 2]!;
  return transposed(c, dy, kernelFirst(w, rank), win, sizes, spatialSizes(c, c.shape(dy, 'a transposed convolution')), channels / filter[rank - 2]!, rank);
};

function depthwiseInput(c: LowerContext): Tensor {
  const [, w, dy] = c.x, filter = c.shape(w, 'a convolution'), sizes = spatialSizes(c, c.elements(0, 'the size of the result'));
  const win = windowOf(c, 4, filter.slice(0, 2), () => sizes);
  return transposed(c, dy, depthwiseKernel(w, filter), win, sizes, spatialSizes(c, c.shape(dy, 'a transposed convolution')), filter[2]!, 4);
}

/**
 * A convolution of x with dy where strides and dilations change places: one result for each place of the kernel.
 * @param deep every input channel has output channels of its own (depthwise)
 */
function filterGradient(c: LowerContext, filter: readonly number[], deep: boolean, rank: number): Tensor {
  const [x, , dy] = c.x, shape = c.shape(x, 'the gradient of a filter'), out = spatialSizes(c, c.shape(dy, 'the gradient of a filter')), n = rank - 2;
  const sizes = spatialSizes(c, shape), kernel = filter.slice(0, n), win = windowOf(c, rank, kernel, () => sizes), [inner, outer] = [filter[n]!, filter[n + 1]!];
  const spatialAxes = Array.from({ length: n }, (_, i) => i + 2), swap = [1, 0, ...spatialAxes];
  const first = toChannelsFirst(c, x, rank).transpose(swap), second = toChannelsFirst(c, dy, rank).transpose(swap);
  const y = c.op('Conv', [deep ? first.reshape([1, inner * shape[0]!, ...sizes]) : first, second], { kernel_shape: out, strides: win.dilations, dilations: win.strides, pads: win.pads, group: deep ? inner : 1 });
  const cut = y.slice(kernel.map(() => 0), kernel, spatialAxes);
  return (deep ? cut.reshape([inner, outer, ...kernel]) : cut).transpose([...spatialAxes, 0, 1]);
}

const backpropFilter = (rank: number): Lowering => c => {
  const filter = c.elements(1, 'the shape of the filter'), channels = c.shape(c.x[0], 'the gradient of a filter');
  if ((c.channelsLast ? channels[rank - 1] : channels[1]) !== filter[rank - 2]) c.refuse('the gradient of the filter of a grouped convolution');
  return filterGradient(c, filter, false, rank);
};

function biasAdd(c: LowerContext): Tensor {
  const [x, b] = c.x;
  return c.op('Add', [x, c.channelsLast ? b : b.unsqueeze(Array.from({ length: c.rank(x, 'a bias of channels') - 2 }, (_, i) => i + 1))]);
}

function biasAddGrad(c: LowerContext): Tensor {
  const [dy] = c.x, rank = c.rank(dy, 'the gradient of a bias'), channels = c.channelsLast ? rank - 1 : 1;
  return dy.sum(Array.from({ length: rank }, (_, i) => i).filter(i => i !== channels));
}

export const convolution: Family = {
  Conv2D: conv(4), Conv3D: conv(5), DepthwiseConv2dNative: depthwise,
  Conv2DBackpropInput: backpropInput(4), Conv3DBackpropInput: backpropInput(5), Conv3DBackpropInputV2: backpropInput(5), DepthwiseConv2dNativeBackpropInput: depthwiseInput,
  Conv2DBackpropFilter: backpropFilter(4), Conv3DBackpropFilter: backpropFilter(5), Conv3DBackpropFilterV2: backpropFilter(5), DepthwiseConv2dNativeBackpropFilter: c => filterGradient(c, c.elements(1, 'the shape of the filter'), true, 4),
  BiasAdd: biasAdd, BiasAddV1: biasAdd, BiasAddGrad: biasAddGrad,
};
