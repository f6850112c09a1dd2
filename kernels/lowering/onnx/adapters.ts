import { toAttributes, type AttributeInput } from '../../graph/attributes.ts';
import type { Attribute, Node } from '../../graph/graph.ts';
import { ONNX_TYPE } from '../../graph/tensor.ts';
import type { DType } from '../../graph/types.ts';
import { legacyBroadcast, legacyPRelu } from './legacyBroadcast.ts';
import { batchScan } from './legacyScan.ts';
import { legacyBatchNormalization, legacyDropout, typedMask } from './legacyTraining.ts';
import { readAttributes, withAttributes, type Edit } from './edit.ts';

/** Rewrites a node of an old operator set to what later ones say. Returns what takes the node's place. */
export type Adapter = (node: Node, e: Edit) => Node;
/** An adapter and the first version that needs it no more. */
export type Step = readonly [before: number, adapt: Adapter];

/** An attribute's integers as an int64 vector; a function's parameter stays one, in a Constant. */
function vectorOf(a: Attribute | undefined, e: Edit): string | undefined {
  if (a?.kind === 'ints') return e.ints(a.value);
  if (a?.kind === 'ref') return e.emit('Constant', [], { value_ints: a });
  return undefined;
}

/** The attribute `name` (integers) becomes input `at`. */
const intsToInput = (name: string, at: number): Adapter => (node, e) => {
  const vector = vectorOf(node.attributes[name], e);
  if (!vector) return node;
  const inputs = [...node.inputs];
  while (inputs.length <= at) inputs.push('');
  inputs[at] = vector;
  return { ...withAttributes(node, [name]), inputs };
};

const defaults = (attributes: Readonly<Record<string, AttributeInput>>): Adapter => node =>
  withAttributes(node, [], Object.fromEntries(Object.entries(attributes).filter(([k]) => !(k in node.attributes))));

const FLOAT_MAX = 3.4028234663852886e38;

const clip: Adapter = (node, e) => {
  const a = readAttributes(node), [x] = node.inputs as [string];
  const bound = (name: string) => {
    const v = a.float(name);
    return v === undefined || Math.abs(v) >= FLOAT_MAX ? '' : e.scalarLike(v, x);
  };
  const inputs = [x, bound('min'), bound('max')];
  while (inputs.at(-1) === '') inputs.pop();
  return { ...withAttributes(node, ['min', 'max']), inputs };
};

/** Before 13 these normalised over all axes from `axis` on, as one row. */
const flattening: Adapter = (node, e) => {
  const axis = readAttributes(node).int('axis', 1), [x] = node.inputs as [string], rank = e.rank(x);
  if (axis === -1 || (rank !== undefined && axis === rank - 1)) return withAttributes(node, [], { axis: -1 });
  const rows = e.emit('Flatten', [x], { axis }, 0);
  const y = e.emit(node.op, [rows], { axis: 1 });
  const shape = e.emit('Shape', [x]);
  return { ...node, op: 'Reshape', inputs: [y, shape], attributes: {}, origin: node.origin ?? node.name };
};

const slice: Adapter = (node, e) => {
  const starts = vectorOf(node.attributes['starts'], e)!, ends = vectorOf(node.attributes['ends'], e)!, axes = vectorOf(node.attributes['axes'], e);
  return { ...withAttributes(node, ['starts', 'ends', 'axes']), inputs: [node.inputs[0]!, starts, ends, ...(axes ? [axes] : [])] };
};

const pad: Adapter = (node, e) => {
  const a = readAttributes(node), [x] = node.inputs as [string], value = a.float('value', 0);
  const pads = vectorOf(node.attributes['pads'] ?? node.attributes['paddings'], e)!;
  return { ...withAttributes(node, ['pads', 'paddings', 'value']), inputs: [x, pads, ...(value !== 0 ? [e.scalarLike(value, x)] : [])] };
};

const castTo: Adapter = node => {
  const to = node.attributes['to'];
  return to?.kind === 'string' ? withAttributes(node, [], { to: ONNX_TYPE[named(to.value)] }) : node;
};

/** Names of TensorProto.DataType, as Cast-1 spelled them. */
function named(type: string): DType {
  const lower = type.toLowerCase();
  return lower === 'float' ? 'float32' : lower === 'double' ? 'float64' : (lower as DType);
}

/** Since 18 a Split without sizes states how many pieces it makes. */
const splitCount: Adapter = node => (node.inputs[1] ? node : withAttributes(node, [], { num_outputs: node.outputs.length }));

const topK: Adapter = (node, e) => ({ ...withAttributes(node, ['k']), inputs: [node.inputs[0]!, vectorOf(oneInt(node.attributes['k']), e)!] });
function oneInt(a: Attribute | undefined): Attribute | undefined {
  return a?.kind === 'int' ? { kind: 'ints', value: [a.value] } : a;
}

const pAsInt: Adapter = node => withAttributes(node, [], { p: Math.round(readAttributes(node).float('p', 2)) });

/** Resize-10 and Upsample place samples at x / scale; on each axis nearest takes the one before (enlarging) or after (shrinking). */
function asymmetric(node: Node, x: string, scales: string, e: Edit): Node {
  const given = readAttributes(node).string('mode', 'nearest'), mode = given === 'bilinear' ? 'linear' : given, known = e.data(scales);
  const settings = (nearest: string) => ({ mode, coordinate_transformation_mode: 'asymmetric', ...(mode === 'nearest' && { nearest_mode: nearest }) });
  const resize = (input: string, by: string, nearest: string): Node => ({ ...node, op: 'Resize', inputs: [input, '', by], attributes: toAttributes(settings(nearest)) });
  if (mode !== 'nearest' || known?.every(s => s >= 1)) return resize(x, scales, 'floor');
  if (known?.every(s => s <= 1)) return resize(x, scales, 'ceil');
  const one = e.constant('float32', [1], [1]), enlarged = e.emit('Resize', [x, '', e.emit('Max', [scales, one])], settings('floor'), 0);
  return resize(enlarged, e.emit('Min', [scales, one]), 'ceil');
}

const upsample: Adapter = (node, e) => {
  const a = readAttributes(node), [x, given] = node.inputs as [string, string?];
  const listed = a.floats('scales') ?? [1, 1, a.float('height_scale', 1), a.float('width_scale', 1)];
  return asymmetric(node, x, given || e.constant('float32', [listed.length], listed), e);
};

/** Resize-11: an empty tensor could stand for an omitted input, and there was one more way of placing samples. */
const resize11: Adapter = (node, e) => {
  const [x, roi = '', scales = '', sizes = ''] = node.inputs as [string, string?, string?, string?], a = readAttributes(node);
  const empty = (v: string) => v !== '' && e.dims(v)?.length === 1 && e.dims(v)![0] === 0;
  const crops = a.string('coordinate_transformation_mode') === 'tf_crop_and_resize';
  const inputs = [x, crops ? roi : '', empty(scales) || sizes ? '' : scales, empty(sizes) ? '' : sizes];
  while (inputs.at(-1) === '') inputs.pop();
  const next: Node = { ...node, inputs };
  if (a.string('coordinate_transformation_mode') !== 'tf_half_pixel_for_nn') return next;
  // (i + ½)/s is half_pixel plus ½: the rounding moves by a half instead.
  const moved: Readonly<Record<string, string>> = { floor: 'round_prefer_ceil', round_prefer_floor: 'ceil' };
  return withAttributes(next, [], { coordinate_transformation_mode: 'half_pixel', nearest_mode: moved[a.string('nearest_mode', 'round_prefer_floor')] ?? 'round_prefer_ceil' });
};

const gridModes: Adapter = node => {
  const mode = readAttributes(node).string('mode', 'bilinear'), renamed: Readonly<Record<string, string>> = { bilinear: 'linear', bicubic: 'cubic' };
  return withAttributes(node, [], { mode: renamed[mode] ?? mode });
};

const dft: Adapter = (node, e) => {
  const axis = readAttributes(node).int('axis', 1);
  return { ...withAttributes(node, ['axis']), inputs: [node.inputs[0]!, node.inputs[1] ?? '', e.int(axis)] };
};

/** Scale and bias were given for each group, since 21 for each channel. */
const groupNormalization: Adapter = (node, e) => {
  const groups = readAttributes(node).int('num_groups', 1), [x, scale, bias] = node.inputs as [string, string, string], channels = e.dims(x)?.[1];
  const each = typeof channels === 'number' ? e.ints([groups, channels / groups])
    : e.emit('Concat', [e.ints([groups]), e.emit('Div', [e.emit('Shape', [x], { start: 1, end: 2 }), e.ints([groups])])], { axis: 0 });
  const perChannel = (p: string, port: number) =>
    e.emit('Reshape', [e.emit('Expand', [e.emit('Unsqueeze', [p, e.ints([1])], {}, port), each]), e.ints([-1])]);
  return { ...node, inputs: [x, perChannel(scale, 1), perChannel(bias, 2)] };
};

/** Tile-1 repeats along one axis. */
const tile: Adapter = (node, e) => {
  const [x, tiles, axis] = node.inputs as [string, string, string];
  const rank = e.emit('Shape', [e.emit('Shape', [x])]), ones = e.emit('Expand', [e.ints([1]), rank]);
  const one = (v: string) => e.emit('Reshape', [e.emit('Cast', [v], { to: ONNX_TYPE.int64 }), e.ints([1])]);
  return { ...node, inputs: [x, e.emit('ScatterElements', [ones, one(axis), one(tiles)], { axis: 0 })] };
};

/** SpaceToDepth in column-row-depth order (28): the other order with channels and blocks exchanged. */
function spaceToDepth(node: Node, e: Edit): Node {
  const a = readAttributes(node), block = a.int('blocksize', 1);
  if (a.string('mode', 'DCR') !== 'CRD') return withAttributes(node, ['mode']);
  const [x] = node.inputs as [string], y = e.emit('SpaceToDepth', [x], { blocksize: block }, 0);
  const apart = e.emit('Concat', [e.emit('Shape', [x], { start: 0, end: 1 }), e.ints([block * block]), e.emit('Shape', [x], { start: 1, end: 2 }), e.emit('Shape', [y], { start: 2 })], { axis: 0 });
  const swapped = e.emit('Transpose', [e.emit('Reshape', [y, apart])], { perm: [0, 2, 1, 3, 4] });
  return { ...node, op: 'Reshape', inputs: [swapped, e.emit('Shape', [y])], attributes: {}, origin: node.origin ?? node.name };
}

/** ONNX Runtime runs layout 0 only: [T, B, …], directions before the batch. */
const timeFirst: Adapter = (node, e) => {
  if (readAttributes(node).int('layout', 0) !== 1) return withAttributes(node, ['layout']);
  const moved = (v: string | undefined, port: number) => (v ? e.emit('Transpose', [v], { perm: [1, 0, 2] }, port) : v ?? '');
  const inputs = node.inputs.map((v, i) => (i === 0 || i === 5 || i === 6 ? moved(v, i) : v));
  const outputs = node.outputs.map((o, i) => {
    if (!o) return o;
    const inner = e.fresh(node.op);
    e.emitAfter('Transpose', [inner], o, { perm: i === 0 ? [2, 0, 1, 3] : [1, 0, 2] });
    return inner;
  });
  return { ...withAttributes(node, ['layout']), inputs, outputs };
};

const drop = (...names: string[]): Adapter => node => withAttributes(node, names);
const axes18: readonly Step[] = [[18, intsToInput('axes', 1)]];
const arithmetic: readonly Step[] = [[7, legacyBroadcast]];
const recurrent: readonly Step[] = [[7, drop('output_sequence')], [Infinity, timeFirst]];
const flattened: readonly Step[] = [[13, flattening]];

/** For each operator what has to be done to an old one, in the order of versions. Semantics: onnx/defs, version by version. */
export const ADAPTERS: Readonly<Record<string, readonly Step[]>> = {
  Add: arithmetic, Sub: arithmetic, Mul: arithmetic, Div: arithmetic, Pow: arithmetic,
  And: arithmetic, Or: arithmetic, Xor: arithmetic, Equal: arithmetic, Greater: arithmetic, Less: arithmetic,
  Gemm: [[7, drop('broadcast')]],
  PRelu: [[7, legacyPRelu]],
  BatchNormalization: [[14, legacyBatchNormalization]],
  Dropout: [[10, typedMask], [12, legacyDropout]],
  Cast: [[6, castTo]],
  Clip: [[11, clip]],
  Concat: [[4, defaults({ axis: 1 })]],
  DFT: [[20, dft]],
  GlobalLpPool: [[2, pAsInt]], LpPool: [[2, pAsInt]],
  GridSample: [[20, gridModes]],
  GroupNormalization: [[21, groupNormalization]],
  GRU: recurrent, LSTM: recurrent, RNN: recurrent,
  Hardmax: flattened, Softmax: flattened, LogSoftmax: flattened,
  Pad: [[11, pad]],
  ReduceL1: axes18, ReduceL2: axes18, ReduceLogSum: axes18, ReduceLogSumExp: axes18, ReduceMax: axes18, ReduceMean: axes18, ReduceMin: axes18,
  ReduceProd: axes18, ReduceSumSquare: axes18, ReduceSum: [[13, intsToInput('axes', 1)]],
  Reshape: [[5, intsToInput('shape', 1)]],
  Resize: [[11, (node, e) => asymmetric(node, node.inputs[0]!, node.inputs[1]!, e)], [13, resize11]],
  RoiAlign: [[16, node => withAttributes(node, [], { coordinate_transformation_mode: 'output_half_pixel' })]],
  Scan: [[9, batchScan]],
  Scatter: [[Infinity, node => ({ ...node, op: 'ScatterElements' })]],
  Selu: [[6, defaults({ alpha: { kind: 'float', value: 1.6732 }, gamma: { kind: 'float', value: 1.0507 } })]],
  Slice: [[10, slice]],
  SpaceToDepth: [[Infinity, spaceToDepth]],
  Split: [[13, intsToInput('split', 1)], [18, splitCount]],
  Squeeze: [[13, intsToInput('axes', 1)]], Unsqueeze: [[13, intsToInput('axes', 1)]],
  Tile: [[6, tile]],
  TopK: [[10, topK]],
  Upsample: [[Infinity, upsample]],
};
