import { float } from '../graph/attributes.ts';
import { ints, type Tensor } from '../graph/tensor.ts';
import { tensor, type Dim } from '../graph/types.ts';
import { contrib, CONV_ATTRIBUTES, MICROSOFT } from './contrib.ts';
import { Unsupported, type ExpandContext, type InferContext, type Operator, type PullbackContext, type PullbackEntry } from './operator.ts';
import { like } from './shapes.ts';

/** Quantised operators: dequantised, computed and quantised again, so that the straight-through rule is that of Q and DQ. */

/** Scales and zero points of one element come as [] or [1]. */
const single = (t: Tensor | undefined): Tensor | undefined => (t?.shape?.length === 1 && t.shape[0] === 1 ? t.reshape([]) : t);

/** Input `x` with the scale and zero point that follow it; one for each slice along `axis` where they are vectors. */
function dequantised(c: ExpandContext, x: number, axis?: number, scale = x + 1, zero = x + 2): Tensor {
  return c.op('DequantizeLinear', [c.x[x], single(c.x[scale]), single(c.x[zero])], axis === undefined ? {} : { axis }, { types: [tensor('float32', c.x[x]!.dims)] });
}

function requantised(c: ExpandContext, y: Tensor, scale: number, like?: Tensor): Tensor {
  const zero = c.x[scale + 1];
  return c.op('QuantizeLinear', [y, single(c.x[scale]), zero ? single(zero) : like && like.g.constant(like.dtype, [], [0])], {}, { types: [tensor(zero?.dtype ?? like?.dtype ?? 'uint8', y.dims)] });
}

/** A bias of int32 counts in steps of both scales. */
function bias(c: ExpandContext, at: number, scales: readonly number[]): Tensor | undefined {
  const b = c.x[at];
  return b && scales.map(i => single(c.x[i])!).reduce((t, s) => t.mul(s), b.cast('float32'));
}

const formula = 'straight through: dequantised, computed, quantised again';

function quantised(op: string, differentiable: readonly string[], expand: (c: ExpandContext) => Tensor, infer: Operator['infer'] = like()): Operator {
  return { ...contrib(op, differentiable, formula, c => [expand(c)], infer), straightThrough: true };
}

/** The type of the zero point at `zero`, else of input 0; the shape is measured. */
const typeOfZero = (zero: number) => (c: InferContext) => [tensor(c.tensor(zero)?.dtype ?? c.tensor(0)?.dtype ?? 'uint8')];

const product = (l: Tensor, r: Tensor): Tensor => l.matmul(r);

/** How MatMulNBits keeps B: rows of packed whole numbers, a scale and a zero point for each block of a row. */
interface Blocks {
  /** [N, blocks, block size] of float, without scale and zero point. */
  readonly levels: Tensor;
  /** [N, blocks, 1]. */
  readonly scales: Tensor;
  readonly n: number;
  readonly k: number;
}

/** `count` numbers of `bits` bits from each row of bytes, the lowest bits first. */
function unpacked(bytes: Tensor, bits: number, rows: readonly number[], count: number): Tensor {
  const { g } = bytes, per = 8 / bits, mask = g.constant('uint8', [], [2 ** bits - 1]), flat = bytes.reshape([...rows, -1]), last = rows.length;
  const pieces = Array.from({ length: per }, (_, i) => {
    const moved = i === 0 ? flat : g.op('BitShift', [flat, g.constant('uint8', [], [bits * i])], { direction: 'RIGHT' });
    return (bits === 8 ? moved : g.op('BitwiseAnd', [moved, mask])).unsqueeze([last + 1]);
  });
  const all = pieces.length === 1 ? pieces[0]! : g.op('Concat', pieces, { axis: last + 1 });
  return all.cast('float32').reshape([...rows, -1]).slice([0], [count], [last]);
}

function blocksOf(c: PullbackContext): Blocks {
  const { attributes: a } = c, [, b, scales, zeros, order] = c.x, k = a.int('K', 0), n = a.int('N', 0), size = a.int('block_size', 32), bits = a.int('bits', 4), count = Math.ceil(k / size);
  if (order) throw new Unsupported(c.node.origin ?? c.node.name, 'the reordered blocks (g_idx) of MatMulNBits');
  if (8 % bits !== 0) throw new Unsupported(c.node.origin ?? c.node.name, `numbers of ${bits} bits`);
  const q = unpacked(b!, bits, [n, count], size), scale = scales!.cast('float32').reshape([n, count, 1]);
  const zero = !zeros ? q.scalar(2 ** (bits - 1)) : zeros.dtype === 'uint8' ? unpacked(zeros, bits, [n], count).reshape([n, count, 1]) : zeros.cast('float32').reshape([n, count, 1]);
  return { levels: q.sub(zero), scales: scale, n, k };
}

/** y = A · Wᵀ + bias, W = (q − zero) · scale by blocks: dA = dy · W; what W gets goes on to its scales and float zero points. */
function nBitsBack(c: PullbackContext): readonly PullbackEntry[] {
  const blocks = blocksOf(c), { n, k } = blocks, dy = c.dy.cast('float32'), zeros = c.x[3], [, count, size] = blocks.levels.shape!;
  const weights = () => blocks.levels.mul(blocks.scales).reshape([n, count! * size!]).slice([0], [k], [1]);
  const toBlocks = () => {
    const d = dy.reshape([-1, n]).transpose([1, 0]).matmul(c.x[0]!.cast('float32').reshape([-1, k]));
    return c.op('Pad', [d, ints(c.g, [0, 0, 0, count! * size! - k])]).reshape([n, count!, size!]);
  };
  return [
    () => product(dy, weights()),
    undefined,
    () => toBlocks().mul(blocks.levels).sum([2]).reshapeLike(c.x[2]!),
    zeros?.isFloat ? () => toBlocks().mul(blocks.scales).sum([2]).neg().reshapeLike(zeros) : undefined,
    undefined,
    () => dy.reshape([-1, n]).sum([0]).reshapeLike(c.x[5]!),
  ];
}

const gemmAttributes = (c: ExpandContext) => Object.fromEntries(['transA', 'transB'].filter(n => c.attributes.has(n)).map(n => [n, c.attributes.all[n]!]));

/** QGemm: α · op(A) · op(B) + C, C in steps of α · a_scale · b_scale; without a y_scale the result is float. */
function quantisedGemm(c: ExpandContext): Tensor {
  const alpha = c.attributes.float('alpha', 1), a = dequantised(c, 0), b = dequantised(c, 3, c.attributes.int('transB', 0) ? 0 : 1);
  let y = c.op('Gemm', [a, b], { ...gemmAttributes(c), alpha: float(alpha) });
  const added = bias(c, 6, [1, 4]);
  if (added) y = y.add(added.mul(alpha));
  return c.x[7] ? requantised(c, y, 7, c.x[0]) : y;
}

/** QLinearConv: x, w and y with scale and zero point, w for each channel that it makes; bias in steps of x_scale · w_scale. */
function quantisedConv(c: ExpandContext): Tensor {
  const keep = Object.fromEntries(CONV_ATTRIBUTES.filter(n => c.attributes.has(n)).map(n => [n, c.attributes.all[n]!]));
  return requantised(c, c.op('Conv', [dequantised(c, 0), dequantised(c, 3, 0), bias(c, 8, [1, 4])], keep), 6);
}

function matmulToFloat(c: ExpandContext): Tensor {
  // Inputs: A, B, a_scale, b_scale, a_zero_point, b_zero_point, bias.
  const rank = c.x[1]!.rank ?? 2, a = dequantised(c, 0, undefined, 2, 4), b = dequantised(c, 1, rank - 1, 3, 5), y = product(a, b);
  return c.x[6] ? y.add(c.x[6]) : y;
}

export const contribQuantized: readonly Operator[] = [
  { ...quantised('QLinearConv', ['x', 'w', 'B'], quantisedConv, typeOfZero(7)), domain: '', since: 10, beyond: true },
  { ...quantised('QLinearMatMul', ['a', 'b'], c => requantised(c, product(dequantised(c, 0), dequantised(c, 3, (c.x[3]!.rank ?? 2) - 1)), 6), typeOfZero(7)), domain: '', since: 10, beyond: true },
  quantised('QLinearAdd', ['A', 'B'], c => requantised(c, dequantised(c, 0).add(dequantised(c, 3)), 6, c.x[0]), typeOfZero(7)),
  quantised('QLinearMul', ['A', 'B'], c => requantised(c, dequantised(c, 0).mul(dequantised(c, 3)), 6, c.x[0]), typeOfZero(7)),
  quantised('QLinearSigmoid', ['X'], c => requantised(c, dequantised(c, 0).sigmoid(), 3, c.x[0])),
  quantised('QLinearLeakyRelu', ['X'], c => requantised(c, c.op('LeakyRelu', [dequantised(c, 0)], { alpha: float(c.attributes.float('alpha', 0.01)) }), 3, c.x[0])),
  quantised('QLinearSoftmax', ['X'], c => requantised(c, c.op('Softmax', [dequantised(c, 0)], { axis: c.attributes.int('axis', -1) }), 3, c.x[0])),
  quantised('QLinearConcat', ['inputs'], c => {
    const parts: Tensor[] = [];
    for (let i = 2; i < c.x.length; i += 3) parts.push(dequantised(c, i));
    return requantised(c, c.op('Concat', parts, { axis: c.attributes.int('axis', 0) }), 0);
  }, typeOfZero(1)),
  quantised('QLinearGlobalAveragePool', ['X'], c => {
    const x = dequantised(c, 0), last = c.attributes.int('channels_last', 0) === 1;
    return requantised(c, last ? x.mean([...Array(x.needRank('a pool') - 2).keys()].map(i => i + 1), true) : c.op('GlobalAveragePool', [x]), 3, c.x[0]);
  }, typeOfZero(4)),
  quantised('QLinearAveragePool', ['X'], c => {
    const keep = Object.fromEntries(['auto_pad', 'ceil_mode', 'count_include_pad', 'kernel_shape', 'pads', 'strides'].filter(n => c.attributes.has(n)).map(n => [n, c.attributes.all[n]!]));
    if (c.attributes.int('channels_last', 0)) throw new Unsupported(c.node.origin ?? c.node.name, 'the channels-last form of QLinearAveragePool');
    return requantised(c, c.op('AveragePool', [dequantised(c, 0)], keep), 3, c.x[0]);
  }, typeOfZero(4)),
  quantised('QLinearWhere', ['X', 'Y'], c => requantised(c, c.op('Where', [c.x[0], dequantised(c, 1), dequantised(c, 4)]), 7, c.x[1]), c => [tensor(c.tensor(1)?.dtype ?? 'uint8')]),
  quantised('QGemm', ['A', 'B', 'C'], quantisedGemm, c => [tensor(c.has(7) ? c.tensor(8)?.dtype ?? c.tensor(0)?.dtype ?? 'uint8' : 'float32')]),
  quantised('MatMulIntegerToFloat', ['A', 'B', 'bias'], matmulToFloat, () => [tensor('float32')]),
  {
    op: 'DynamicQuantizeMatMul', domain: MICROSOFT, straightThrough: true, differentiable: ['A', 'B', 'bias'], formula: 'the quantisation of A passes straight through: dA = dy · Bᵀ, B dequantised',
    infer: c => {
      const a = c.tensor(0), b = c.tensor(1)?.shape;
      return [a && tensor(a.dtype, a.shape && b && [...a.shape.slice(0, -1), b.at(-1)] as Dim[])];
    },
    expand: c => {
      // Inputs: A, B, b_scale, b_zero_point, bias.
      const [levels, scale, zero] = c.g.ops('DynamicQuantizeLinear', [c.x[0]], {}, { outputs: 3 }), a = c.op('DequantizeLinear', [levels, scale, zero], {}, { types: [tensor('float32', c.x[0]!.dims)] });
      const y = product(a, dequantised(c, 1, (c.x[1]!.rank ?? 2) - 1, 2, 3));
      return [c.x[4] ? y.add(c.x[4]) : y];
    },
  },
  {
    op: 'MatMulNBits', domain: MICROSOFT, pullback: nBitsBack, differentiable: ['A', 'scales', 'zero_points (float)', 'bias'], formula: 'dA = dy · W, W = (q − zero point) · scale by blocks; dscale = Σ over its block of dW · (q − zero point)',
    infer: c => [c.tensor(0) && tensor(c.tensor(0)!.dtype, c.tensor(0)!.shape && [...c.tensor(0)!.shape!.slice(0, -1), c.attributes.int('N', 0)])],
  },
  ...['BeamSearch', 'Sampling', 'GreedySearch', 'NGramRepeatBlock', 'BifurcationDetector'].map((op): Operator => ({ op, domain: MICROSOFT, noGradient: 'discrete', formula: 'chooses tokens: nothing flows back', infer: () => [tensor('int32')] })),
  { op: 'QAttention', domain: MICROSOFT, noGradient: 'discrete', formula: 'computed in integers from an integer input: nothing flows back', infer: c => [tensor('float32', c.tensor(0)?.shape)] },
  {
    // What training builds of ONNX Runtime put for Q and DQ: the second output is the mask of what passes.
    op: 'FakeQuant', domain: MICROSOFT, native: false, straightThrough: true, differentiable: ['input'], formula: 'dx = dy inside the range, else 0',
    infer: c => [c.tensor(0) && tensor(c.tensor(0)!.dtype, c.tensor(0)!.shape), tensor('bool', c.tensor(0)?.shape)],
    expand: c => {
      const { level, inside, low, high } = fakeQuantLevels(c);
      return [level.max(low).min(high).sub(c.x[2]!.cast('float32')).mul(c.x[1]!), inside];
    },
    pullback: c => [() => fakeQuantLevels(c).inside.where(c.dy, 0), undefined, undefined],
  },
];

function fakeQuantLevels(c: ExpandContext | PullbackContext): { level: Tensor; inside: Tensor; low: number; high: number } {
  const low = c.attributes.int('quant_min', 0), high = c.attributes.int('quant_max', 255), level = c.op('Round', [c.x[0]!.div(c.x[1]!)]).add(c.x[2]!.cast('float32'));
  return { level, inside: level.ge(low).and(level.le(high)), low, high };
}
