import type { Tensor } from '../../graph/tensor.ts';
import { concat } from './arrays.ts';
import type { Family, LowerContext, Lowering } from './context.ts';
import { fromChannelsFirst, padding, toChannelsFirst } from './windows.ts';

/** ONNX orders the channels of a block as TensorFlow does (DCR). */
const spaceDepth = (op: string): Lowering => c => {
  if (c.attributes.string('data_format', 'NHWC') === 'NCHW_VECT_C') c.refuse('the layout NCHW_VECT_C');
  return fromChannelsFirst(c, c.op(op, [toChannelsFirst(c, c.x[0], 4)], { blocksize: c.attributes.int('block_size', 2) }), 4);
};

/** block and paddings (or crops) as inputs, or (the older operators) one size for two axes as an attribute. */
function blocks(c: LowerContext): { block: readonly number[]; edges: readonly number[] } {
  const size = c.attributes.int('block_size');
  return size !== undefined ? { block: [size, size], edges: c.elements(1, 'the edges') } : { block: c.elements(1, 'the block'), edges: c.elements(2, 'the edges') };
}

function spaceToBatch(c: LowerContext): Tensor {
  const { block, edges } = blocks(c), shape = c.shape(c.x[0], 'a division into blocks'), m = block.length, rest = shape.slice(m + 1);
  const before = block.map((_, i) => edges[2 * i]!), after = block.map((_, i) => edges[2 * i + 1]!), none = rest.map(() => 0);
  const padded = edges.some(e => e) ? c.op('Pad', [c.x[0], c.ints([0, ...before, ...none, 0, ...after, ...none])], { mode: 'constant' }) : c.x[0];
  const sizes = block.map((b, i) => (shape[i + 1]! + before[i]! + after[i]!) / b);
  const split = padded.reshape([shape[0]!, ...sizes.flatMap((s, i) => [s, block[i]!]), ...rest]);
  const perm = [...block.map((_, i) => 2 * i + 2), 0, ...block.map((_, i) => 2 * i + 1), ...rest.map((_, i) => 2 * m + 1 + i)];
  return split.transpose(perm).reshape([shape[0]! * block.reduce((a, b) => a * b, 1), ...sizes, ...rest]);
}

function batchToSpace(c: LowerContext): Tensor {
  const { block, edges } = blocks(c), shape = c.shape(c.x[0], 'a union of blocks'), m = block.length, rest = shape.slice(m + 1), batch = shape[0]! / block.reduce((a, b) => a * b, 1);
  const split = c.x[0].reshape([...block, batch, ...shape.slice(1)]);
  const perm = [m, ...block.flatMap((_, i) => [m + 1 + i, i]), ...rest.map((_, i) => 2 * m + 1 + i)];
  const sizes = block.map((b, i) => shape[i + 1]! * b), whole = split.transpose(perm).reshape([batch, ...sizes, ...rest]);
  if (!edges.some(e => e)) return whole;
  return whole.slice(block.map((_, i) => edges[2 * i]!), sizes.map((s, i) => s - edges[2 * i + 1]!), block.map((_, i) => i + 1));
}

/** Each place of the window as a strided slice of the padded image, [N, out …, C]. */
function windows(c: LowerContext, x: Tensor, kernel: readonly number[], strides: readonly number[], rates: readonly number[], fill: number): Tensor[] {
  const shape = c.shape(x, 'windows'), sizes = shape.slice(1, -1), pads = padding(c, () => sizes, kernel, strides, rates), n = kernel.length;
  const padded = pads.some(p => p) ? c.op('Pad', [x, c.ints([0, ...pads.slice(0, n), 0, 0, ...pads.slice(n), 0]), x.scalar(fill)], { mode: 'constant' }) : x;
  const out = sizes.map((s, i) => Math.floor((s + pads[i]! + pads[n + i]! - (kernel[i]! - 1) * rates[i]! - 1) / strides[i]!) + 1), axes = kernel.map((_, i) => i + 1);
  const places = kernel.reduce<number[][]>((all, k) => all.flatMap(p => Array.from({ length: k }, (_, j) => [...p, j])), [[]]);
  return places.map(p => padded.slice(p.map((j, i) => j * rates[i]!), p.map((j, i) => j * rates[i]! + (out[i]! - 1) * strides[i]! + 1), axes, strides));
}

function patches(c: LowerContext): Tensor {
  const inner = (name: string) => c.attributes.ints(name, []).slice(1, -1);
  const rates = inner('rates');
  return concat(c, windows(c, c.x[0], inner('ksizes'), inner('strides'), rates.length ? rates : inner('ksizes').map(() => 1), 0), -1);
}

/** The maximum over the window of x + filter. */
function dilation(c: LowerContext): Tensor {
  const [x, filter] = c.x, shape = c.shape(filter, 'a dilation'), inner = (name: string) => c.attributes.ints(name, []).slice(1, -1);
  const parts = windows(c, x, shape.slice(0, 2), inner('strides'), inner('rates'), -3.4e38), rows = filter.reshape([shape[0]! * shape[1]!, shape[2]!]);
  return c.op('Max', parts.map((p, i) => c.op('Add', [p, rows.gather(c.scalar('int64', i), 0)])));
}

/** Moves elements along axes, those that leave come back at the other end. */
function roll(c: LowerContext): Tensor {
  const shifts = c.elements(1, 'the shift'), axes = c.elements(2, 'the axis'), shape = c.shape(c.x[0], 'a roll');
  return axes.reduce((t, a, i) => {
    const axis = a < 0 ? a + shape.length : a, size = shape[axis]!, at = size ? (((size - shifts[i]!) % size) + size) % size : 0;
    return at ? concat(c, [t.slice([at], [size], [axis]), t.slice([0], [at], [axis])], axis) : t;
  }, c.x[0]);
}

export const blocksAndPatches: Family = {
  SpaceToDepth: spaceDepth('SpaceToDepth'), DepthToSpace: spaceDepth('DepthToSpace'),
  SpaceToBatchND: spaceToBatch, SpaceToBatch: spaceToBatch, BatchToSpaceND: batchToSpace, BatchToSpace: batchToSpace,
  ExtractImagePatches: patches, ExtractVolumePatches: patches, Dilation2D: dilation, Roll: roll,
};
