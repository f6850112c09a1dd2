import { float } from '../graph/attributes.ts';
import { ints, UnknownShape, type Tensor } from '../graph/tensor.ts';
import { tensor, type Dim } from '../graph/types.ts';
import { causalMask, joinHeads, splitHeads } from './attention.ts';
import type { ExpandContext, InferContext, Operator } from './operator.ts';
import { broadcastDims, like } from './shapes.ts';

const MICROSOFT = 'com.microsoft';

/** An operator of com.microsoft as a composition of standard ones. */
function contrib(op: string, differentiable: readonly string[], formula: string, expand: Operator['expand'], infer: Operator['infer'] = like()): Operator {
  return { op, domain: MICROSOFT, differentiable, formula, expand, infer };
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
    default: throw new Error(`activation ${name} is not known`);
  }
}

const CONV_ATTRIBUTES = ['auto_pad', 'dilations', 'group', 'kernel_shape', 'pads', 'strides', 'output_padding', 'output_shape'];
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

/** Fused MatMul: α · op(A) · op(B) with transposes of the last two axes. */
const fusedMatMul = (op: string): Operator => ({
  op, domain: MICROSOFT, broadcasts: true, differentiable: ['A', 'B'], formula: 'dA = α · dy · Bᵀ, dB = α · Aᵀ · dy, transposed as the inputs are',
  infer: c => {
    const a = c.tensor(0), b = c.tensor(1);
    if (!a?.shape || !b?.shape || a.shape.length < 2 || b.shape.length < 2) return [a && tensor(a.dtype)];
    const [m, k] = [a.shape.at(-2), a.shape.at(-1)], [r, n] = [b.shape.at(-2), b.shape.at(-1)];
    const batch = broadcastDims([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
    return [tensor(a.dtype, batch && [...batch, c.attributes.int('transA', 0) ? k : m, c.attributes.int('transB', 0) ? r : n])];
  },
  pullback: c => {
    const ta = c.attributes.int('transA', 0), tb = c.attributes.int('transB', 0), alpha = float(c.attributes.float('alpha', 1)), [a, b] = c.x;
    if (c.attributes.int('transBatchA', 0) || c.attributes.int('transBatchB', 0)) throw new UnknownShape(c.node.name, 'a batch transpose');
    const product = (l: Tensor, r: Tensor, transA: number, transB: number) => c.op('FusedMatMul', [l, r], { alpha, transA, transB }, { domain: MICROSOFT });
    return [() => (ta ? product(b!, c.dy, tb, 1) : product(c.dy, b!, 0, 1 - tb)), () => (tb ? product(c.dy, a!, 1, ta) : product(a!, c.dy, 1 - ta, 0))];
  },
});

/** com.microsoft.Attention: one product gives Q, K and V; masks as lengths, 2-d, 3-d or 4-d 0/1 tensors. */
function packedAttention(c: ExpandContext): readonly (Tensor | undefined)[] {
  const { attributes: a } = c, [x, w, b, mask, past, bias] = c.x, heads = a.int('num_heads', 1), [batch, length] = x!.shape ?? [];
  if (batch === undefined || past) throw new UnknownShape(x!.name, 'com.microsoft.Attention');
  const all = b ? x!.matmul(w!).add(b) : x!.matmul(w!), total = w!.shape!.at(-1)!, sizes = a.ints('qkv_hidden_sizes') ?? [total / 3, total / 3, total / 3];
  const [q, k, v] = c.g.ops('Split', [all, ints(c.g, sizes)], { axis: 2 }, { outputs: 3 }) as [Tensor, Tensor, Tensor];
  const parts = [q, k, v].map(t => splitHeads(t, heads)) as [Tensor, Tensor, Tensor];
  return [scaledDotProduct(c, parts, mask, bias, length!, length!, a.int('unidirectional', 0) === 1)];
}

function scaledDotProduct(c: ExpandContext, [q, k, v]: readonly [Tensor, Tensor, Tensor], mask: Tensor | undefined, bias: Tensor | undefined, queries: number, keys: number, causal: boolean): Tensor {
  const scale = c.attributes.float('scale', 0) || 1 / Math.sqrt(q.shape!.at(-1)!);
  let scores = q.matmul(k.transposeLast()).mul(scale);
  if (bias) scores = scores.add(bias);
  if (mask) scores = scores.add(keyMask(c, q, mask, keys));
  if (causal) scores = scores.add(causalMask(q, queries, keys, keys - queries));
  return joinHeads(c.op('Softmax', [scores], { axis: -1 }).matmul(v));
}

/** 0 where a key may be seen, the operator's filter value elsewhere. */
function keyMask(c: ExpandContext, q: Tensor, mask: Tensor, keys: number): Tensor {
  const filter = c.attributes.float('mask_filter_value', -10000), [first] = mask.shape ?? [], batch = q.shape![0]!;
  let keep: Tensor;
  if (mask.rank === 1) {
    const columns = c.g.constant('int32', [1, keys], [...Array(keys).keys()]);
    keep = columns.lt(mask.slice([0], [batch], [0]).cast('int32').reshape([batch, 1])).unsqueeze([1, 2]);
    if (first !== batch) keep = keep.and(columns.ge(mask.slice([batch], [2 * batch], [0]).cast('int32').reshape([batch, 1])).unsqueeze([1, 2]));
  } else {
    const given = mask.cast('bool');
    keep = mask.rank === 2 ? given.unsqueeze([1, 2]) : mask.rank === 3 ? given.unsqueeze([1]) : given;
  }
  return keep.where(q.scalar(0), q.scalar(filter));
}

/** com.microsoft.MultiHeadAttention with separate query, key, value of three axes (or key and value of four). */
function multiHead(c: ExpandContext): readonly (Tensor | undefined)[] {
  const { attributes: a } = c, [query, key, value, bias, mask, attentionBias, pastKey, pastValue] = c.x, heads = a.int('num_heads', 1);
  if (!query?.shape || query.rank !== 3 || !key || !value) throw new UnknownShape(c.node.name, 'packed or cached forms of MultiHeadAttention');
  const hidden = query.shape[2]!, hiddenV = value.rank === 3 ? value.shape![2]! : hidden;
  const part = (t: Tensor, start: number, size: number) => (bias && t.rank === 3 ? t.add(bias.slice([start], [start + size], [0])) : t);
  const split = (t: Tensor) => (t.rank === 4 ? t : splitHeads(t, heads));
  const q = split(part(query, 0, hidden));
  let k = split(part(key, hidden, hidden)), v = split(part(value, 2 * hidden, hiddenV));
  if (pastKey) k = c.op('Concat', [pastKey, k], { axis: 2 });
  if (pastValue) v = c.op('Concat', [pastValue, v], { axis: 2 });
  const y = scaledDotProduct(c, [q, k, v], mask, attentionBias, query.shape[1]!, k.shape![2]!, a.int('unidirectional', 0) === 1);
  return [y, k, v];
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

/** A quantised operator, dequantised: the straight-through rule is then that of Q and DQ. */
function dequantised(c: ExpandContext, x: number): Tensor {
  return c.op('DequantizeLinear', [c.x[x], c.x[x + 1], c.x[x + 2]], {}, { types: [tensor('float32', c.x[x]!.dims)] });
}
const requantised = (c: ExpandContext, y: Tensor, scale: number) => c.op('QuantizeLinear', [y, c.x[scale], c.x[scale + 1]], {}, { types: [tensor(c.x[scale + 1]?.dtype ?? 'uint8', y.dims)] });

const quantised = (op: string, differentiable: readonly string[], expand: (c: ExpandContext) => Tensor): Operator =>
  ({ ...contrib(op, differentiable, 'straight through: dequantised, computed, quantised again', c => [expand(c)]), straightThrough: true });

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
  }, shapeOnly),
  contrib('BiasAdd', ['X', 'bias', 'skip'], 'dX = dskip = dy, dbias = Σ dy', c => [c.x[0]!.add(c.x[1]!).add(c.x[2]!)]),
  contrib('BiasSoftmax', ['data', 'bias'], 'as Softmax of data + bias', c => [c.op('Softmax', [c.x[0]!.add(c.x[1]!)], { axis: c.attributes.int('axis', 1) })]),
  fusedMatMul('FusedMatMul'), fusedMatMul('TransposeMatMul'),
  contrib('FusedGemm', ['A', 'B', 'C'], 'as Gemm, then its activation', c => {
    const keep = Object.fromEntries(['alpha', 'beta', 'transA', 'transB'].filter(n => c.attributes.has(n)).map(n => [n, c.attributes.all[n]!]));
    return [activated(c.op('Gemm', [c.x[0], c.x[1], c.x[2]], keep), c)];
  }, shapeOnly),
  contrib('FusedConv', ['X', 'W', 'B', 'Z'], 'as Conv (+ Z), then its activation', convolved, shapeOnly),
  contrib('ConvTransposeWithDynamicPads', ['X', 'W', 'B'], 'as ConvTranspose', c => [c.op('ConvTranspose', [c.x[0], c.x[1], c.x[3]], { ...convAttributes(c), ...(c.x[2]?.data && { pads: c.x[2].data }) })], shapeOnly),
  contrib('SkipLayerNormalization', ['input', 'skip', 'gamma', 'beta', 'bias'], 'as LayerNormalization of the sum', c => skipNorm(c, 'layer')),
  contrib('SkipSimplifiedLayerNormalization', ['input', 'skip', 'gamma', 'bias'], 'as RMSNormalization of the sum', c => skipNorm(c, 'rms')),
  { op: 'SimplifiedLayerNormalization', infer: like(), differentiable: ['X', 'scale'], formula: 'as RMSNormalization', expand: c => [rms(c.x[0]!, c.x[1]!, c.attributes.float('epsilon', 1e-5))] },
  contrib('EmbedLayerNormalization', ['word_embedding', 'position_embedding', 'segment_embedding', 'gamma', 'beta'], 'through Gather, Add and LayerNormalization', embedNorm, c => {
    const ids = c.tensor(0)?.shape, table = c.tensor(2);
    return [table && tensor(table.dtype, ids && table.shape && ([...ids, table.shape[1]] as Dim[])), tensor('int32', ids && [ids[0]]), undefined];
  }),
  contrib('Attention', ['input', 'weights', 'bias', 'attention_bias'], 'through softmax(QKᵀ·s + mask)·V', packedAttention, c => {
    const x = c.tensor(0), total = c.tensor(1)?.shape?.[1], sizes = c.attributes.ints('qkv_hidden_sizes');
    return [x && tensor(x.dtype, x.shape && [x.shape[0], x.shape[1], sizes?.[2] ?? (typeof total === 'number' ? total / 3 : undefined)])];
  }),
  contrib('MultiHeadAttention', ['query', 'key', 'value', 'bias', 'attention_bias'], 'through softmax(QKᵀ·s + mask)·V', multiHead, c => {
    const q = c.tensor(0), v = c.tensor(2);
    return [q && tensor(q.dtype, q.shape && v?.shape?.length === 3 ? [q.shape[0], q.shape[1], v.shape[2]] : undefined)];
  }),
  contrib('CDist', ['A', 'B'], 'through the differences of rows', pairwise, c => [c.tensor(0) && tensor(c.tensor(0)!.dtype, [c.tensor(0)!.shape?.[0], c.tensor(1)?.shape?.[0]])]),
  contrib('ExpandDims', ['X'], 'dX = dy in the shape of X', c => [c.op('Unsqueeze', [c.x[0], c.x[1]!.cast('int64').reshapeTo(ints(c.g, [1]))])], shapeOnly),
  contrib('GatherND', ['data'], 'as GatherND', c => [c.op('GatherND', [c.x[0], c.x[1]])], shapeOnly),
  contrib('Trilu', ['X'], 'the same triangle of dy', c => [c.op('Trilu', [c.x[0], c.x[1]], { upper: c.attributes.int('upper', 1) })]),
  quantised('QLinearAdd', ['A', 'B'], c => requantised(c, dequantised(c, 0).add(dequantised(c, 3)), 6)),
  quantised('QLinearMul', ['A', 'B'], c => requantised(c, dequantised(c, 0).mul(dequantised(c, 3)), 6)),
  quantised('QLinearSigmoid', ['X'], c => requantised(c, dequantised(c, 0).sigmoid(), 3)),
  quantised('QLinearLeakyRelu', ['X'], c => requantised(c, c.op('LeakyRelu', [dequantised(c, 0)], { alpha: float(c.attributes.float('alpha', 0.01)) }), 3)),
  quantised('QLinearConcat', ['inputs'], c => {
    const parts: Tensor[] = [];
    for (let i = 2; i < c.x.length; i += 3) parts.push(dequantised(c, i));
    return requantised(c, c.op('Concat', parts, { axis: c.attributes.int('axis', 0) }), 0);
  }),
  quantised('QLinearGlobalAveragePool', ['X'], c => requantised(c, c.op('GlobalAveragePool', [dequantised(c, 0)]), 3)),
];
