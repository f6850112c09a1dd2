import { float, floats, type AttributeInputs } from '../../kernels/graph/attributes.ts';
import type { DType } from '../../kernels/graph/types.ts';
import { mulberry } from '../../extension/session/inputs.ts';

export const MICROSOFT = 'com.microsoft', ML = 'ai.onnx.ml';

export type Given = { readonly dtype: DType; readonly dims: readonly number[]; readonly values: readonly number[] };
export type Input = readonly number[] | Given;

/** One model of one operator. */
export interface Case {
  readonly name: string;
  readonly op: string;
  readonly domain?: string;
  /** Fed inputs in their order: dimensions of random floats, or numbers; '' is an omitted one. */
  readonly inputs: readonly (Input | '')[];
  readonly attributes?: AttributeInputs;
  /** Number of outputs; the float ones are differentiated. */
  readonly outputs?: number;
  /** Positions of inputs that must get a gradient. */
  readonly gradients: readonly number[];
}

const int32 = (dims: readonly number[], values: readonly number[]): Input => ({ dtype: 'int32', dims, values });
const bytes = (dims: readonly number[], seed: number): Input => {
  const random = mulberry(seed);
  return { dtype: 'uint8', dims, values: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => Math.floor(256 * random())) };
};
/** cos or sin of an angle for each position and pair. */
const table = (f: (x: number) => number, rows: number, width: number): Input =>
  ({ dtype: 'float32', dims: [rows, width], values: Array.from({ length: rows * width }, (_, i) => f(Math.floor(i / width) / 3 ** (i % width))) });
const grid = (n: number, seed: number): number[] => {
  const random = mulberry(seed);
  return Array.from({ length: n }, () => Math.round(20 * (2 * random() - 1)) / 10);
};

const gqa = (more: Partial<Case> & { inputs: Case['inputs'] }): Omit<Case, 'name'> =>
  ({ op: 'GroupQueryAttention', outputs: 3, gradients: [0, 1, 2], ...more, attributes: { num_heads: 4, kv_num_heads: 2, ...more.attributes } });

/** Queries of 2 sequences of 3 tokens in 4 heads of 8, keys and values in 2 heads. */
const qkv: Case['inputs'] = [[2, 3, 32], [2, 3, 16], [2, 3, 16]];
const lengths = (...n: number[]) => int32([n.length], n.map(v => v - 1)), total = (n: number) => int32([], [n]);
const past: Input = [2, 2, 5, 8], ownPast: Input = [1, 2, 5, 8];
const one: Case['inputs'] = [[1, 3, 32], [1, 3, 16], [1, 3, 16]];

/** Operators of com.microsoft and ai.onnx.ml in the forms that files have and ONNX Runtime runs on the CPU. */
export const CASES: readonly Case[] = [
  { name: 'FusedMatMul with a batch-transposed A', op: 'FusedMatMul', inputs: [[3, 2, 4], [2, 4, 5]], attributes: { transBatchA: 1, alpha: float(0.5) }, gradients: [0, 1] },
  { name: 'FusedMatMul with both transposed, batch and matrix', op: 'FusedMatMul', inputs: [[4, 2, 3], [5, 2, 4]], attributes: { transBatchA: 1, transA: 1, transBatchB: 1, transB: 1 }, gradients: [0, 1] },
  { name: 'FusedConv with Relu', op: 'FusedConv', inputs: [[1, 2, 5, 5], [3, 2, 3, 3], [3]], attributes: { activation: 'Relu' }, gradients: [0, 1, 2] },
  { name: 'EmbedLayerNormalization', op: 'EmbedLayerNormalization', inputs: [int32([2, 3], [0, 2, 1, 3, 3, 0]), int32([2, 3], [0, 1, 1, 0, 0, 1]), [4, 8], [5, 8], [2, 8], [8], [8]], outputs: 2, gradients: [2, 3, 4, 5, 6] },
  { name: 'SkipLayerNormalization with all its inputs', op: 'SkipLayerNormalization', inputs: [[2, 3, 8], [2, 3, 8], [8], [8], [8]], gradients: [0, 1, 2, 3, 4] },
  { name: 'RotaryEmbedding with positions', op: 'RotaryEmbedding', inputs: [[2, 3, 16], { dtype: 'int64', dims: [2, 3], values: [0, 1, 2, 4, 5, 6] }, table(Math.cos, 8, 4), table(Math.sin, 8, 4)], gradients: [0] },
  { name: 'RotaryEmbedding from an offset, interleaved', op: 'RotaryEmbedding', inputs: [[2, 2, 3, 8], { dtype: 'int64', dims: [1], values: [2] }, table(Math.cos, 8, 4), table(Math.sin, 8, 4)], attributes: { interleaved: 1 }, gradients: [0] },
  { name: 'Attention', op: 'Attention', inputs: [[2, 3, 8], [8, 24], [24]], attributes: { num_heads: 2 }, gradients: [0, 1, 2] },
  { name: 'Attention with lengths', op: 'Attention', inputs: [[2, 3, 8], [8, 24], [24], int32([2], [2, 3])], attributes: { num_heads: 2 }, gradients: [0, 1, 2] },
  { name: 'Attention, causal, with a past', op: 'Attention', inputs: [[2, 3, 8], [8, 24], [24], '', [2, 2, 2, 4, 4]], attributes: { num_heads: 2, unidirectional: 1 }, outputs: 2, gradients: [0, 1, 2, 4] },
  { name: 'Attention with a bias', op: 'Attention', inputs: [[2, 3, 8], [8, 24], [24], '', '', [2, 2, 3, 3]], attributes: { num_heads: 2 }, gradients: [0, 1, 2, 5] },
  { name: 'MultiHeadAttention with a bias and a mask', op: 'MultiHeadAttention', inputs: [[2, 3, 8], [2, 4, 8], [2, 4, 8], [24], int32([2, 4], [1, 1, 1, 0, 1, 1, 1, 1])], attributes: { num_heads: 2 }, gradients: [0, 1, 2, 3] },
  { name: 'MultiHeadAttention with a past', op: 'MultiHeadAttention', inputs: [[2, 3, 8], [2, 3, 8], [2, 3, 8], '', '', '', [2, 2, 4, 4], [2, 2, 4, 4]], attributes: { num_heads: 2 }, outputs: 3, gradients: [0, 1, 2, 6, 7] },
  { name: 'GroupQueryAttention, a first prompt', ...gqa({ inputs: [...qkv, '', '', lengths(3, 3), total(3)] }) },
  { name: 'GroupQueryAttention, packed', ...gqa({ inputs: [[2, 3, 64], '', '', '', '', lengths(3, 3), total(3)], gradients: [0] }) },
  { name: 'GroupQueryAttention with a past', ...gqa({ inputs: [...one, ownPast, ownPast, lengths(8), total(8)], gradients: [0, 1, 2, 3, 4] }) },
  { name: 'GroupQueryAttention, one token after pasts of unlike lengths', ...gqa({ inputs: [[2, 1, 32], [2, 1, 16], [2, 1, 16], past, past, lengths(4, 6), total(6)], gradients: [0, 1, 2, 3, 4] }) },
  { name: 'GroupQueryAttention with rotary positions', ...gqa({ inputs: [[1, 3, 64], [1, 3, 32], [1, 3, 32], [1, 2, 5, 16], [1, 2, 5, 16], lengths(8), total(8), table(Math.cos, 16, 8), table(Math.sin, 16, 8)], attributes: { do_rotary: 1 } }) },
  { name: 'GroupQueryAttention with a window', ...gqa({ inputs: [...one, ownPast, ownPast, lengths(8), total(8)], attributes: { local_window_size: 4 } }) },
  { name: 'GroupQueryAttention with a cap and a smooth softmax', ...gqa({ inputs: [...qkv, '', '', lengths(3, 3), total(3)], attributes: { softcap: float(2), smooth_softmax: 1 } }) },
  { name: 'GroupQueryAttention with a sink', ...gqa({ inputs: [...qkv, '', '', lengths(3, 3), total(3), '', '', '', '', [4]] }) },
  { name: 'MatMulNBits, 4 bits', op: 'MatMulNBits', inputs: [[2, 3, 40], bytes([5, 3, 8], 3), [15]], attributes: { K: 40, N: 5, bits: 4, block_size: 16 }, gradients: [0] },
  { name: 'MatMulNBits, 4 bits, zero points', op: 'MatMulNBits', inputs: [[2, 32], bytes([5, 2, 8], 3), [10], bytes([5], 4)], attributes: { K: 32, N: 5, bits: 4, block_size: 16 }, gradients: [0] },
  { name: 'MatMulNBits, 8 bits', op: 'MatMulNBits', inputs: [[2, 32], bytes([5, 2, 16], 3), [10]], attributes: { K: 32, N: 5, bits: 8, block_size: 16 }, gradients: [0] },
  { name: 'CropAndResize', op: 'CropAndResize', inputs: [[2, 3, 6, 6], { dtype: 'float32', dims: [2, 4], values: [0.1, 0.2, 0.8, 1.1, 0, 0, 0.5, 0.7] }, int32([2], [1, 0]), int32([2], [3, 4])], gradients: [0] },
  { name: 'TransposeMatMul', op: 'TransposeMatMul', inputs: [[4, 2], [4, 5]], attributes: { transA: 1 }, gradients: [0, 1] },
  { name: 'ConvTransposeWithDynamicPads', op: 'ConvTransposeWithDynamicPads', inputs: [[1, 2, 4, 4], [2, 3, 3, 3], { dtype: 'int64', dims: [4], values: [1, 1, 1, 1] }, [3]], attributes: { strides: [2, 2] }, gradients: [0, 1, 3] },
  { name: 'GridSample', op: 'GridSample', inputs: [[1, 2, 4, 5], [1, 3, 3, 2]], attributes: { mode: 'bilinear', padding_mode: 'border' }, gradients: [0, 1] },
  { name: 'FeatureVectorizer', op: 'FeatureVectorizer', domain: ML, inputs: [[2, 3], [2, 2]], attributes: { inputdimensions: [3, 2] }, gradients: [0, 1] },
  { name: 'Inverse', op: 'Inverse', inputs: [[2, 3, 3]], gradients: [0] },
  { name: 'LinearRegressor', op: 'LinearRegressor', domain: ML, inputs: [[4, 3]], attributes: { coefficients: floats(grid(6, 1)), intercepts: floats([0.5, -0.5]), targets: 2 }, gradients: [0] },
  ...['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO'].map((post): Case => ({
    name: `LinearClassifier, ${post}`, op: 'LinearClassifier', domain: ML, inputs: [[4, 3]], outputs: 2, gradients: [0],
    attributes: { coefficients: floats(grid(9, 2)), intercepts: floats([0.1, 0.2, 0.3]), classlabels_ints: [0, 1, 2], post_transform: post },
  })),
  { name: 'LinearClassifier of two classes from one row of coefficients', op: 'LinearClassifier', domain: ML, inputs: [[4, 3]], outputs: 2, gradients: [0], attributes: { coefficients: floats(grid(3, 2)), intercepts: floats([0.1]), classlabels_ints: [0, 1], post_transform: 'LOGISTIC' } },
  ...['LINEAR', 'POLY', 'RBF', 'SIGMOID'].flatMap((kernel): Case[] => {
    const common = { kernel_type: kernel, kernel_params: floats([0.3, 0.2, 2]), support_vectors: floats(grid(15, 3)) };
    return [
      { name: `SVMRegressor, ${kernel}`, op: 'SVMRegressor', domain: ML, inputs: [[4, 3]], gradients: [0], attributes: { ...common, coefficients: floats(grid(5, 4)), n_supports: 5, rho: floats([0.4]) } },
      { name: `SVMClassifier, ${kernel}`, op: 'SVMClassifier', domain: ML, inputs: [[4, 3]], outputs: 2, gradients: [0], attributes: { ...common, coefficients: floats(grid(10, 4)), vectors_per_class: [2, 1, 2], rho: floats([0.1, 0.2, 0.3]), classlabels_ints: [0, 1, 2] } },
    ];
  }),
  { name: 'SVMClassifier with probabilities', op: 'SVMClassifier', domain: ML, inputs: [[4, 3]], outputs: 2, gradients: [0], attributes: { kernel_type: 'RBF', kernel_params: floats([0.3, 0, 0]), support_vectors: floats(grid(15, 3)), coefficients: floats(grid(5, 4)), vectors_per_class: [2, 3], rho: floats([0.1]), prob_a: floats([-1.2]), prob_b: floats([0.3]), classlabels_ints: [0, 1] } },
  { name: 'SVMClassifier of three classes with probabilities', op: 'SVMClassifier', domain: ML, inputs: [[4, 3]], outputs: 2, gradients: [0], attributes: { kernel_type: 'RBF', kernel_params: floats([0.3, 0, 0]), support_vectors: floats(grid(15, 3)), coefficients: floats(grid(10, 4)), vectors_per_class: [2, 1, 2], rho: floats([0.1, 0.2, 0.3]), prob_a: floats([-1.2, -0.8, -0.5]), prob_b: floats([0.3, 0.1, -0.1]), classlabels_ints: [0, 1, 2] } },
  { name: 'SVMClassifier without support vectors, string labels', op: 'SVMClassifier', domain: ML, inputs: [[4, 3]], outputs: 2, gradients: [0], attributes: { kernel_type: 'LINEAR', kernel_params: floats([0, 0, 0]), coefficients: floats(grid(6, 4)), rho: floats([0.1]), classlabels_strings: ['no', 'yes'], post_transform: 'LOGISTIC' } },
  { name: 'LinearRegressor, PROBIT', op: 'LinearRegressor', domain: ML, inputs: [[4, 3]], attributes: { coefficients: floats([0.1, 0.05, -0.1]), intercepts: floats([0.4]), post_transform: 'PROBIT' }, gradients: [0] },
];
