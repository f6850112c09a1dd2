import { float } from '../graph/attributes.ts';
import { ints, UnknownShape, type Tensor } from '../graph/tensor.ts';
import { tensor, type Dim } from '../graph/types.ts';
import { Unsupported, type ExpandContext, type InferContext, type Operator } from './operator.ts';
import { broadcastDims, like, norm } from './shapes.ts';

export const MICROSOFT = 'com.microsoft';

/** An operator of com.microsoft as a composition of standard ones. */
export function contrib(op: string, differentiable: readonly string[], formula: string, expand: Operator['expand'], infer: Operator['infer'] = like(), native = true): Operator {
  return { op, domain: MICROSOFT, differentiable, formula, expand, infer, ...(!native && { native }) };
}

const gelu = (x: Tensor, approximate: 'none' | 'tanh') => x.g.op('Gelu', [x], { approximate });

/** The activation that a fused operator applies at its end. */
function activated(y: Tensor, c: ExpandContext): Tensor {
  const name = c.attributes.string('activation', ''), p = c.attributes.floats('activation_params') ?? [];
  const alpha = c.attributes.float('activation_alpha') ?? p[0], beta = c.attributes.float('activation_beta') ?? p[1];
  switch (name) {
    case '': return y;
    case 'Clip': return c.op('Clip', [y, y.scalar(p[0] ?? -3.4e38), y.scalar(p[1] ?? 3.4e38)]);
    case 'LeakyRelu': return c.op('LeakyRelu', [y], { ...(alpha !== undefined && { alpha: float(alpha) }) });
    case 'HardSigmoid': return c.op('HardSigmoid', [y], { ...(alpha !== undefined && { alpha: float(alpha) }), ...(beta !== undefined && { beta: float(beta) }) });
    case 'Elu': case 'Relu': case 'Tanh': case 'Sigmoid': case 'Softplus': case 'Softsign': case 'HardSwish': case 'Celu': case 'Selu':
      return c.op(name, [y], alpha !== undefined && (name === 'Elu' || name === 'Celu') ? { alpha: float(alpha) } : {});
    default: throw new Unsupported(c.node.origin ?? c.node.name, `the activation ${name}`);
  }
}

export const CONV_ATTRIBUTES = ['auto_pad', 'dilations', 'group', 'kernel_shape', 'pads', 'strides', 'output_padding', 'output_shape'];
const convAttributes = (c: ExpandContext) => Object.fromEntries(CONV_ATTRIBUTES.filter(n => c.attributes.has(n)).map(n => [n, c.attributes.all[n]!]));

function convolved(c: ExpandContext): readonly Tensor[] {
  const [x, w, b, z] = c.x, y = c.op('Conv', [x, w, b], convAttributes(c));
  return [activated(z ? y.add(z) : y, c)];
}

function rms(x: Tensor, scale: Tensor, epsilon: number): Tensor {
  const inverse = x.square().mean([-1], true).add(epsilon).sqrt().recip();
  return x.mul(inverse).mul(scale);
}

/** LayerNormalization (or RMS) of input + skip + bias; outputs 1 and 2 are its statistics, 3 the sum. */
function skipNorm(c: ExpandContext, kind: 'layer' | 'rms'): readonly (Tensor | undefined)[] {
  const [input, skip, gamma, third, fourth] = c.x, beta = kind === 'layer' ? third : undefined, bias = kind === 'layer' ? fourth : third;
  let sum = input!.add(skip!);
  if (bias) sum = sum.add(bias);
  const epsilon = c.attributes.float('epsilon', kind === 'layer' ? 1e-12 : 1e-6);
  const y = kind === 'layer' ? c.op('LayerNormalization', [sum, gamma, beta], { axis: -1, epsilon: float(epsilon) }) : rms(sum, gamma!, epsilon);
  const mean = c.wantsOutput(1) ? sum.mean([-1], true) : undefined;
  const deviation = c.wantsOutput(2) ? sum.sub(sum.mean([-1], true)).square().mean([-1], true).add(epsilon).sqrt().recip() : undefined;
  return [y, mean, deviation, sum];
}

/** The matrix that stands first in a batch-transposed operand moves behind the batch axes: [m, batch …, k] → [batch …, m, k]. */
const batchMoved = (rank: number): number[] => [...Array.from({ length: rank - 2 }, (_, i) => i + 1), 0, rank - 1];
const batchPut = (rank: number): number[] => [rank - 2, ...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1];

/** Fused MatMul: α · op(A) · op(B) with transposes of the last two axes, or of the first with the batch. */
const fusedMatMul = (op: string): Operator => ({
  op, domain: MICROSOFT, broadcasts: true, differentiable: ['A', 'B'], formula: 'dA = α · dy · Bᵀ, dB = α · Aᵀ · dy, transposed as the inputs are',
  infer: c => {
    const a = c.tensor(0), b = c.tensor(1), moved = (s: readonly Dim[], flag: string) => (c.attributes.int(flag, 0) ? batchMoved(s.length).map(i => s[i]) : s);
    if (!a?.shape || !b?.shape || a.shape.length < 2 || b.shape.length < 2) return [a && tensor(a.dtype)];
    const as = moved(a.shape, 'transBatchA'), bs = moved(b.shape, 'transBatchB'), [m, k] = [as.at(-2), as.at(-1)], [r, n] = [bs.at(-2), bs.at(-1)];
    const batch = broadcastDims([as.slice(0, -2), bs.slice(0, -2)]);
    return [tensor(a.dtype, batch && [...batch, c.attributes.int('transA', 0) ? k : m, c.attributes.int('transB', 0) ? r : n])];
  },
  pullback: c => {
    const ta = c.attributes.int('transA', 0), tb = c.attributes.int('transB', 0), alpha = float(c.attributes.float('alpha', 1));
    const side = (i: number, flag: string) => {
      const t = c.x[i]!, moves = c.attributes.int(flag, 0) === 1, rank = moves ? t.needRank('a batch transpose') : 0;
      return { t: moves ? t.transpose(batchMoved(rank)) : t, back: (d: Tensor) => (moves ? d.sumTo(t.transpose(batchMoved(rank))).transpose(batchPut(rank)) : d) };
    };
    const a = side(0, 'transBatchA'), b = side(1, 'transBatchB');
    const product = (l: Tensor, r: Tensor, transA: number, transB: number) => c.op('FusedMatMul', [l, r], { alpha, transA, transB }, { domain: MICROSOFT });
    return [() => a.back(ta ? product(b.t, c.dy, tb, 1) : product(c.dy, b.t, 0, 1 - tb)), () => b.back(tb ? product(c.dy, a.t, 1, ta) : product(a.t, c.dy, 1 - ta, 0))];
  },
});

/** GroupNorm over the last axis of channels (or the second), with a Swish behind it where `activation` is 1. */
function groupNorm(c: ExpandContext): readonly Tensor[] {
  const [x, gamma, beta] = c.x as [Tensor, Tensor, Tensor], rank = x.needRank('GroupNorm'), last = c.attributes.int('channels_last', 1) === 1;
  const front = [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)], back = front.map((_, i) => front.indexOf(i));
  const y = c.op('GroupNormalization', [last ? x.transpose(front) : x, gamma, beta], { num_groups: c.attributes.int('groups', 1), epsilon: float(c.attributes.float('epsilon', 1e-5)) });
  const placed = last ? y.transpose(back) : y;
  return [c.attributes.int('activation', 0) ? placed.mul(placed.sigmoid()) : placed];
}

function embedNorm(c: ExpandContext): readonly (Tensor | undefined)[] {
  const [ids, segments, words, positions, segmentTable, gamma, beta, mask, given] = c.x, length = ids!.shape?.[1];
  if (length === undefined) throw new UnknownShape(ids!.name, 'EmbedLayerNormalization');
  let sum = words!.gather(ids!, 0).add(given ? positions!.gather(given, 0) : positions!.slice([0], [length], [0]));
  if (segments && segmentTable) sum = sum.add(segmentTable.gather(segments, 0));
  const y = c.op('LayerNormalization', [sum, gamma, beta], { axis: -1, epsilon: float(c.attributes.float('epsilon', 1e-12)) });
  const counts = mask ? mask.cast('int32').g.op('ReduceSum', [mask.cast('int32'), ints(c.g, [1])], { keepdims: 0 }) : c.g.constant('int32', [ids!.shape![0]!], Array<number>(ids!.shape![0]!).fill(0));
  return [y, counts, sum];
}

/** Euclidean distances (squared for sqeuclidean) between the rows of A and of B. */
function pairwise(c: ExpandContext): readonly Tensor[] {
  const d = c.x[0]!.unsqueeze([1]).sub(c.x[1]!.unsqueeze([0]));
  return [c.attributes.string('metric', 'sqeuclidean') === 'euclidean' ? c.op('ReduceL2', [d, ints(c.g, [2])], { keepdims: 0 }) : d.square().sum([2])];
}

const shapeOnly = (c: InferContext): (ReturnType<typeof tensor> | undefined)[] => [c.tensor(0) && tensor(c.tensor(0)!.dtype)];

/** Operators of com.microsoft that optimised and exported models contain. */
export const contribOperators: readonly Operator[] = [
  contrib('Gelu', ['X'], 'as Gelu', c => [gelu(c.x[0]!, 'none')]),
  contrib('FastGelu', ['X', 'bias'], 'as Gelu, tanh form, of X + bias', c => [gelu(c.x[1] ? c.x[0]!.add(c.x[1]) : c.x[0]!, 'tanh')]),
  contrib('BiasGelu', ['A', 'B'], 'as Gelu of A + B', c => [gelu(c.x[0]!.add(c.x[1]!), 'none')]),
  contrib('QuickGelu', ['X'], 'through x · σ(αx)', c => [c.x[0]!.mul(c.x[0]!.mul(c.attributes.float('alpha', 1.702)).sigmoid())]),
  contrib('BiasSplitGelu', ['X', 'bias'], 'through left half · Gelu(right half)', c => {
    const [left, right] = c.g.ops('Split', [c.x[0]!.add(c.x[1]!)], { axis: -1, num_outputs: 2 }, { outputs: 2 });
    return [left!.mul(gelu(right!, 'none'))];
  }, shapeOnly, false),
  contrib('BiasAdd', ['X', 'bias', 'skip'], 'dX = dskip = dy, dbias = Σ dy', c => [c.x[0]!.add(c.x[1]!).add(c.x[2]!)], like(), false),
  contrib('BiasSoftmax', ['data', 'bias'], 'as Softmax of data + bias over all axes from `axis` on', c => {
    const sum = c.x[0]!.add(c.x[1]!), axis = norm(c.attributes.int('axis', 1), sum.needRank('BiasSoftmax')), shape = sum.shape;
    if (axis === sum.rank! - 1) return [c.op('Softmax', [sum], { axis: -1 })];
    if (!shape) throw new UnknownShape(sum.name, 'BiasSoftmax');
    return [c.op('Softmax', [sum.reshape([shape.slice(0, axis).reduce((a, b) => a * b, 1), shape.slice(axis).reduce((a, b) => a * b, 1)])], { axis: -1 }).reshape(shape)];
  }, like(), false),
  fusedMatMul('FusedMatMul'), fusedMatMul('TransposeMatMul'),
  contrib('FusedGemm', ['A', 'B', 'C'], 'as Gemm, then its activation', c => {
    const keep = Object.fromEntries(['alpha', 'beta', 'transA', 'transB'].filter(n => c.attributes.has(n)).map(n => [n, c.attributes.all[n]!]));
    return [activated(c.op('Gemm', [c.x[0], c.x[1], c.x[2]], keep), c)];
  }, shapeOnly),
  contrib('FusedConv', ['X', 'W', 'B', 'Z'], 'as Conv (+ Z), then its activation', convolved, shapeOnly),
  contrib('ConvTransposeWithDynamicPads', ['X', 'W', 'B'], 'as ConvTranspose', c => [c.op('ConvTranspose', [c.x[0], c.x[1], c.x[3]], { ...convAttributes(c), ...(c.x[2]?.data && { pads: c.x[2].data }) })], shapeOnly),
  contrib('GroupNorm', ['X', 'gamma', 'beta'], 'through (x − mean)/√(var + ε) of each group of channels, then x · σ(x) where asked', groupNorm, like(), false),
  contrib('SkipLayerNormalization', ['input', 'skip', 'gamma', 'beta', 'bias'], 'as LayerNormalization of the sum', c => skipNorm(c, 'layer')),
  contrib('SkipSimplifiedLayerNormalization', ['input', 'skip', 'gamma', 'bias'], 'as RMSNormalization of the sum', c => skipNorm(c, 'rms')),
  { op: 'SimplifiedLayerNormalization', beyond: true, infer: like(), differentiable: ['X', 'scale'], formula: 'as RMSNormalization', expand: c => [rms(c.x[0]!, c.x[1]!, c.attributes.float('epsilon', 1e-5))] },
  contrib('EmbedLayerNormalization', ['word_embedding', 'position_embedding', 'segment_embedding', 'gamma', 'beta'], 'through Gather, Add and LayerNormalization', embedNorm, c => {
    const ids = c.tensor(0)?.shape, table = c.tensor(2);
    return [table && tensor(table.dtype, ids && table.shape && ([...ids, table.shape[1]] as Dim[])), tensor('int32', ids && [ids[0]]), undefined];
  }),
  contrib('CDist', ['A', 'B'], 'through the differences of rows', pairwise, c => [c.tensor(0) && tensor(c.tensor(0)!.dtype, [c.tensor(0)!.shape?.[0], c.tensor(1)?.shape?.[0]])]),
  contrib('ExpandDims', ['X'], 'dX = dy in the shape of X', c => [c.op('Unsqueeze', [c.x[0], c.x[1]!.cast('int64').reshapeTo(ints(c.g, [1]))])], shapeOnly),
  contrib('GatherND', ['data'], 'as GatherND', c => [c.op('GatherND', [c.x[0], c.x[1]])], shapeOnly),
  contrib('Trilu', ['X'], 'the same triangle of dy', c => [c.op('Trilu', [c.x[0], c.x[1]], { upper: c.attributes.int('upper', 1) })]),
];
