import { float } from '../../graph/attributes.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Family, LowerContext, Lowering } from './context.ts';

/** Kernels that ONNX Runtime has for float32 only: other floats are written out. */
const single = (op: string, otherwise: (c: LowerContext, x: Tensor) => Tensor, attributes: (c: LowerContext) => Record<string, ReturnType<typeof float>> = () => ({})): Lowering =>
  c => (c.x[0].dtype === 'float64' ? otherwise(c, c.x[0]) : c.op(op, [c.x[0]], attributes(c)));

const SELU_ALPHA = 1.6732632423543772, SELU_SCALE = 1.0507009873554805;
const expm1 = (c: LowerContext, x: Tensor): Tensor => c.own('Expm1', [x]);
/** The side of x ≥ 0, or x > 0, as it is; the other guarded so that it cannot overflow. */
const elu = (c: LowerContext, x: Tensor, alpha: number, scale: number): Tensor => x.lt(0).where(expm1(c, x.min(0)).mul(alpha), x).mul(scale);

const softmax = (op: string): Lowering => c => c.op(op, [c.x[0]], { axis: -1 });

/** softmax − labels is TensorFlow's own rule, right only where the labels sum to 1: the operator is kept whole. */
const xent: Lowering = c => c.g.ops('SoftmaxCrossEntropyWithLogits', [c.x[0], c.x[1]], {}, { domain: 'adjoint', outputs: 2 });

/** loss −log softmax(logits)[label] and its gradient softmax − onehot(label). */
function sparseXent(c: LowerContext): readonly (Tensor | undefined)[] {
  const [logits, labels] = c.x, at = labels.cast('int64').unsqueeze([-1]);
  const loss = c.op('Squeeze', [c.op('GatherElements', [c.op('LogSoftmax', [logits], { axis: -1 }), at], { axis: -1 }).neg(), c.ints([-1])]);
  if (!c.wantsOutput(1)) return [loss, undefined];
  const ones = c.op('Expand', [logits.scalar(1), c.op('Shape', [at])]);
  const hot = c.op('ScatterElements', [logits.zerosLike(), at, ones], { axis: -1 });
  return [loss, c.op('Sub', [c.op('Softmax', [logits], { axis: -1 }), hot])];
}

function lrn(c: LowerContext): Tensor {
  const { radius, bias, alpha, beta } = lrnOf(c);
  return c.op('LRN', [c.x[0].transpose([0, 3, 1, 2])], { size: 2 * radius + 1, alpha: float(alpha * (2 * radius + 1)), beta: float(beta), bias: float(bias) }).transpose([0, 2, 3, 1]);
}
const lrnOf = (c: LowerContext) => ({
  radius: c.attributes.int('depth_radius', 5), bias: c.attributes.float('bias', 1), alpha: c.attributes.float('alpha', 1), beta: c.attributes.float('beta', 0.5),
});
/** Sum over the window of channels: the same for both halves of the derivative. */
function windowSum(c: LowerContext, t: Tensor, radius: number): Tensor {
  const k = 2 * radius + 1, channelsAsWidth = t.unsqueeze([1]).reshapeTo(c.op('Concat', [c.ints([-1, 1, 1]), c.op('Shape', [t], { start: 3 })], { axis: 0 }));
  const ones = c.g.constant(t.dtype, [1, 1, 1, k], Array<number>(k).fill(1));
  return c.op('Conv', [channelsAsWidth, ones], { pads: [0, radius, 0, radius], kernel_shape: [1, k] }).reshapeLike(t);
}
/** dx = dy·s^−β − 2αβ x Σ dy·y/s over the window, s = bias + α Σ x². */
function lrnGrad(c: LowerContext): Tensor {
  const [dy, x, y] = c.x, { radius, bias, alpha, beta } = lrnOf(c);
  const s = windowSum(c, c.op('Mul', [x, x]), radius).mul(alpha).add(bias);
  const spread = windowSum(c, c.op('Mul', [dy, y]).div(s), radius);
  return c.op('Sub', [c.op('Mul', [dy, c.op('Pow', [s, s.scalar(-beta)])]), c.op('Mul', [x, spread]).mul(2 * alpha * beta)]);
}

/** Gradients of activations. The nn kind takes (gradients, features), the math kind (y, dy). */
const g = (rule: (dy: Tensor, f: Tensor, c: LowerContext) => Tensor): Lowering => c => rule(c.x[0], c.x[1], c);
const m = (rule: (y: Tensor, dy: Tensor, c: LowerContext) => Tensor): Lowering => c => rule(c.x[0], c.x[1], c);
const mul = (a: Tensor, b: Tensor): Tensor => a.g.op('Mul', [a, b]);

export const nn: Family = {
  Relu: c => (c.x[0].isFloat ? c.op('Relu', [c.x[0]]) : c.op('Max', [c.x[0], c.x[0].scalar(0)])),
  Relu6: c => c.op('Clip', [c.x[0], c.x[0].scalar(0), c.x[0].scalar(6)]),
  LeakyRelu: single('LeakyRelu', (c, x) => x.gt(0).where(x, x.mul(c.attributes.float('alpha', 0.2))), c => ({ alpha: float(c.attributes.float('alpha', 0.2)) })),
  Elu: single('Elu', (c, x) => elu(c, x, 1, 1), () => ({ alpha: float(1) })),
  Selu: single('Selu', (c, x) => elu(c, x, SELU_ALPHA, SELU_SCALE), () => ({ alpha: float(SELU_ALPHA), gamma: float(SELU_SCALE) })),
  Softplus: single('Softplus', (c, x) => x.max(0).add(c.own('Log1p', [x.abs().neg().exp()]))),
  Softsign: single('Softsign', (_, x) => x.g.op('Div', [x, x.abs().add(1)])),
  Softmax: softmax('Softmax'), LogSoftmax: softmax('LogSoftmax'),
  SoftmaxCrossEntropyWithLogits: xent, SparseSoftmaxCrossEntropyWithLogits: sparseXent,
  LRN: lrn, LRNGrad: lrnGrad,
  ReluGrad: g((dy, f) => f.gt(0).where(dy, 0)), Relu6Grad: g((dy, f) => f.gt(0).and(f.lt(6)).where(dy, 0)),
  LeakyReluGrad: g((dy, f, c) => f.gt(0).where(dy, dy.mul(c.attributes.float('alpha', 0.2)))),
  EluGrad: g((dy, y) => y.lt(0).where(mul(dy, y.add(1)), dy)), SeluGrad: g((dy, y) => y.lt(0).where(mul(dy, y.add(SELU_SCALE * SELU_ALPHA)), dy.mul(SELU_SCALE))),
  SoftplusGrad: g((dy, f) => mul(dy, f.sigmoid())),
  SoftsignGrad: g((dy, f) => {
    const d = f.abs().add(1);
    return dy.div(mul(d, d));
  }),
  SigmoidGrad: m((y, dy) => mul(dy, mul(y, y.rsub(1)))), TanhGrad: m((y, dy) => mul(dy, mul(y, y).rsub(1))),
  SqrtGrad: m((y, dy) => dy.eq(0).where(0, dy.mul(0.5).div(y))), RsqrtGrad: m((y, dy) => mul(mul(dy, mul(y, y)), y).mul(-0.5)),
  InvGrad: m((y, dy) => mul(dy, mul(y, y)).neg()), ReciprocalGrad: m((y, dy) => mul(dy, mul(y, y)).neg()),
};
