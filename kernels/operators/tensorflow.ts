import type { Tensor } from '../graph/tensor.ts';
import { tensor } from '../graph/types.ts';
import { ZERO, type Operator } from './operator.ts';
import { reductions } from './reductions.ts';
import { broadcastDims, broadcasting, like } from './shapes.ts';

/**
 * Operators of TensorFlow that ONNX has not, and those whose registered gradient is another than that of what ONNX would be made of.
 * Their names and inputs are TensorFlow's. Rules: tensorflow/python/ops/*_grad.py.
 */
function own(op: string, parts: Omit<Operator, 'op' | 'domain' | 'native'>): Operator {
  return { op, domain: 'adjoint', native: false, ...parts };
}

/** ONNX's operator is newer than the version that the graphs here are in. */
const cumProd = reductions.find(o => o.op === 'CumProd')!;

const mul = (a: Tensor, b: Tensor): Tensor => a.g.op('Mul', [a, b]);

/** |x| below which a series is more exact than the difference that it stands for. */
const expm1 = (x: Tensor): Tensor => {
  // e^x − 1 = 2 tanh(x/2) / (1 − tanh(x/2)), without cancellation near 0.
  const small = x.abs().lt(1), t = small.where(x, 0).mul(0.5).tanh();
  return small.where(t.mul(2).div(t.rsub(1)), x.exp().sub(1));
};
const log1p = (x: Tensor): Tensor => {
  // Kahan: log(u)·x/(u − 1) with u = 1 + x as it was rounded.
  const u = x.add(1), d = u.sub(1), flat = d.eq(0), infinite = u.eq(Infinity);
  return flat.or(infinite).where(infinite.where(u, x), u.log().mul(x).div(flat.where(1, d)));
};

export const tensorflow: readonly Operator[] = [
  own('Expm1', { infer: like(), differentiable: ['x'], formula: 'dx = eˣ dy', expand: c => [expm1(c.x[0]!)], pullback: c => [() => c.dy.mul(c.x[0]!.exp())] }),
  own('Log1p', { infer: like(), differentiable: ['x'], formula: 'dx = dy / (1 + x)', expand: c => [log1p(c.x[0]!)], pullback: c => [() => c.dy.div(c.x[0]!.add(1))] }),
  own('MulNoNan', {
    infer: broadcasting(), broadcasts: true, differentiable: ['x', 'y'], formula: 'dx = y dy, dy = x dy, each 0 where its second factor is',
    expand: c => [noNan(c.x[0]!, c.x[1]!)],
    pullback: c => [() => noNan(c.dy, c.x[1]!), () => noNan(c.x[0]!, c.dy)],
  }),
  own('Atan2', {
    infer: broadcasting(), broadcasts: true, differentiable: ['y', 'x'], formula: 'dy = x d / (x² + y²), dx = −y d / (x² + y²)',
    expand: c => {
      const [y, x] = c.x as [Tensor, Tensor], pi = Math.PI;
      const turn = y.lt(0).where(x.scalar(-pi), x.scalar(pi)), upright = x.eq(0);
      const inside = y.div(upright.where(1, x)).g.op('Atan', [y.div(upright.where(1, x))]);
      return [upright.where(y.sign().mul(pi / 2), x.lt(0).where(inside.add(turn), inside))];
    },
    pullback: c => {
      const [y, x] = c.x as [Tensor, Tensor], per = (): Tensor => c.dy.div(mul(x, x).add(mul(y, y)));
      return [() => mul(x, per()), () => mul(y, per()).neg()];
    },
  }),
  // TensorFlow's own rule divides by x, and is wrong at a zero: the expansion's is exact.
  own('Cumprod', { infer: like(), differentiable: ['x'], formula: 'dx = Σ over the products that hold x of dy · their other factors', expand: c => cumProd.expand!(c) }),
  own('SoftmaxCrossEntropyWithLogits', {
    differentiable: ['features', 'labels'],
    formula: 'dfeatures = (softmax − labels) dy, dlabels = −log softmax dy; of the second output softmax (d − Σ d softmax)',
    infer: c => {
      const t = c.tensor(0), shape = broadcastDims([t?.shape, c.tensor(1)?.shape]);
      return t ? [tensor(t.dtype, shape?.slice(0, -1)), tensor(t.dtype, shape)] : [];
    },
    expand: c => {
      const [features, labels] = c.x as [Tensor, Tensor], logs = c.op('LogSoftmax', [features], { axis: -1 });
      return [mul(labels, logs).sum([-1]).neg(), c.wantsOutput(1) ? c.op('Sub', [c.op('Softmax', [features], { axis: -1 }), labels]) : undefined];
    },
    broadcasts: true,
    pullback: c => {
      const [features, labels] = c.x as [Tensor, Tensor], [loss, back] = c.dys, p = () => c.op('Softmax', [features], { axis: -1 });
      const rows = loss?.unsqueeze([-1]);
      return [
        () => {
          const first = rows && mul(rows, c.op('Sub', [p(), labels]));
          const second = back && mul(p(), c.op('Sub', [back, mul(back, p()).sum([-1], true)]));
          return first && second ? first.add(second) : (first ?? second)!;
        },
        () => (rows ? mul(rows, c.op('LogSoftmax', [features], { axis: -1 })).neg() : ZERO),
      ];
    },
  }),
];

/** x·y, 0 where y is 0 whatever x is. */
function noNan(x: Tensor, y: Tensor): Tensor {
  return y.eq(0).where(0, mul(x, y));
}
