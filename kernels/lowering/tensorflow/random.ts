import { float, type AttributeInputs } from '../../graph/attributes.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { ONNX_TYPE } from '../../graph/tensor.ts';
import { isFloat, type DType } from '../../graph/types.ts';
import type { Family, LowerContext, Lowering } from './context.ts';

/** A seed of the node's own where the file gives none, so that two runs draw the same: FNV-1a of its name. */
function seedOf(c: LowerContext): number {
  const given = c.attributes.int('seed', 0) * 31 + c.attributes.int('seed2', 0);
  if (given !== 0) return given % 2 ** 20;
  let h = 0x811c9dc5;
  for (let i = 0; i < c.node.name.length; i++) h = Math.imul(h ^ c.node.name.charCodeAt(i), 0x01000193) >>> 0;
  return h % 2 ** 20;
}

/** Numbers of ONNX Runtime's generator: the same distribution, not TensorFlow's own numbers. */
function draw(c: LowerContext, op: 'RandomUniformLike' | 'RandomNormalLike', dtype: DType, attributes: AttributeInputs = {}): Tensor {
  const shape = c.op('Expand', [c.scalar('float32', 0), c.x[0].cast('int64')]), type: DType = isFloat(dtype) && dtype !== 'bfloat16' ? dtype : 'float32';
  return c.op(op, [shape], { dtype: ONNX_TYPE[type], seed: float(seedOf(c)), ...attributes }).cast(dtype);
}
const floatType = (c: LowerContext): DType => c.dtype('dtype', 'float32');

const uniform: Lowering = c => draw(c, 'RandomUniformLike', floatType(c));
const normal: Lowering = c => draw(c, 'RandomNormalLike', floatType(c));
/** The part of a normal distribution within two deviations: the quantile of uniform numbers between Φ(−2) and Φ(2). */
const truncated: Lowering = c => c.own('Ndtri', [draw(c, 'RandomUniformLike', floatType(c), { low: float(0.02275013194817921), high: float(0.9772498680518208) })]);
const integers = (min: number): Lowering => c => {
  const [low, high] = [c.x[min]!, c.x[min + 1]!], u = draw(c, 'RandomUniformLike', 'float32').cast('float64');
  const span = c.op('Sub', [high, low]).cast('float64');
  return c.op('Add', [c.op('Mul', [u, span]).floor().cast(low.dtype), low]);
};

function multinomial(c: LowerContext): Tensor {
  return c.op('Multinomial', [c.x[0].cast('float32')], { sample_size: c.element(1, 'the number of samples'), dtype: ONNX_TYPE.int64, seed: float(seedOf(c)) });
}

function shuffle(c: LowerContext): Tensor {
  const n = c.op('Shape', [c.x[0]], { start: 0, end: 1 }), u = c.op('RandomUniformLike', [c.op('Expand', [c.scalar('float32', 0), n])], { seed: float(seedOf(c)) });
  return c.x[0].gather(c.ops('TopK', [u, n], 2, { axis: 0 })[1]!, 0);
}

const uint64 = (c: LowerContext, n: number): Tensor => c.g.constant('uint64', [n], Array<number>(n).fill(0));

export const random: Family = {
  RandomUniform: uniform, RandomStandardNormal: normal, TruncatedNormal: truncated, RandomUniformInt: integers(1), Multinomial: multinomial, RandomShuffle: shuffle,
  StatelessRandomUniform: uniform, StatelessRandomUniformV2: uniform, StatelessRandomNormal: normal, StatelessRandomNormalV2: normal,
  StatelessTruncatedNormal: truncated, StatelessTruncatedNormalV2: truncated, StatelessRandomUniformInt: integers(2), StatelessRandomUniformIntV2: integers(4),
  StatelessRandomGetKeyCounter: c => [uint64(c, 1), uint64(c, 2)], StatelessRandomGetKeyCounterAlg: c => [uint64(c, 1), uint64(c, 2), c.scalar('int32', 1)],
  StatelessRandomGetKey: c => uint64(c, 1), StatelessRandomGetAlg: c => c.scalar('int32', 1),
};
