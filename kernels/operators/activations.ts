import type { Operand, Tensor } from '../graph/tensor.ts';

import { tensor } from '../graph/types.ts';
import type { Operator, PullbackContext } from './operator.ts';
import { like } from './shapes.ts';

/** An activation whose derivative is a factor of dy. */
function smooth(op: string, since: number, factor: (c: PullbackContext, x: Tensor, y: Tensor) => Operand, formula: string, questions: Operator['questions'] = [], name = 'X'): Operator {
  return {
    op, since, infer: like(), differentiable: [name], formula: `dx = dy · ${formula}`, questions,
    pullback: c => [() => c.dy.mul(factor(c, c.x[0]!, c.y[0]!))],
  };
}

/** An activation that passes dy (times a factor) where a condition holds: masked by Where, so that 0 · inf never arises. */
function gated(op: string, since: number, pass: (c: PullbackContext, x: Tensor, y: Tensor) => Tensor, formula: string, inside: (c: PullbackContext) => Operand = () => 1, questions: Operator['questions'] = []): Operator {
  return {
    op, since, infer: like(), differentiable: ['X'], formula, questions,
    pullback: c => [() => pass(c, c.x[0]!, c.y[0]!).where(c.dy.mul(inside(c)), 0)],
  };
}

/** Elu-likes: identity (times scale) above zero, an exponential branch below; which one holds at zero is a convention. */
function below(c: PullbackContext, x: Tensor): Tensor {
  return c.conventions.eluAtZero === 'positive' ? x.lt(0) : x.le(0);
}

/**
 * Softmax on one axis: dx = y · (dy − Σ dy·y). LogSoftmax: dx = dy − eʸ · Σ dy.
 */
const softmax: Operator = {
  op: 'Softmax', infer: like(), differentiable: ['input'], formula: 'dx = y · (dy − Σ dy · y)',
  pullback: c => [() => {
    const axes = [c.attributes.int('axis', -1)], y = c.y[0]!, g = c.dy.mul(y);
    return g.sub(y.mul(g.sum(axes, true)));
  }],
};
const logSoftmax: Operator = {
  op: 'LogSoftmax', infer: like(), differentiable: ['input'], formula: 'dx = dy − eʸ · Σ dy',
  pullback: c => [() => c.dy.sub(c.y[0]!.exp().mul(c.dy.sum([c.attributes.int('axis', -1)], true)))],
};

/** Gelu: x·Φ(x), dx = Φ(x) + x·φ(x); or the tanh form ½x(1 + tanh(√(2/π)(x + 0.044715x³))). */
function geluFactor(c: PullbackContext, x: Tensor): Tensor {
  if (c.attributes.string('approximate', 'none') === 'none') {
    const cdf = c.op('Erf', [x.mul(Math.SQRT1_2)]).add(1).mul(0.5);
    return cdf.add(x.square().mul(-0.5).exp().mul(x).mul(1 / Math.sqrt(2 * Math.PI)));
  }
  const k = Math.sqrt(2 / Math.PI), square = x.square(), t = square.mul(0.044715).add(1).mul(x).mul(k).tanh();
  const slope = t.square().rsub(1).mul(square.mul(3 * 0.044715).add(1)).mul(x).mul(k);
  return t.add(1).add(slope).mul(0.5);
}

/** Clip: dy inside the bounds; a bound gets the dy of what it holds. At a bound the conventions decide. */
function clip(c: PullbackContext): readonly ((() => Tensor) | undefined)[] {
  const [x, low, high] = c.x, { conventions, dy } = c;
  const integer = !x!.isFloat, constant = (t: Tensor | undefined) => !t || t.data !== undefined;
  const relu6 = low?.data?.[0] === 0 && high?.data?.[0] === 6;
  const at = integer ? 1 : constant(low) && constant(high) ? (relu6 ? conventions.relu6AtBound : conventions.clipAtBound) : conventions.clipAtTensorBound;
  const outside = (t: Tensor, side: 'low' | 'high') => (side === 'low' ? (at === 0 ? x!.le(t) : x!.lt(t)) : at === 0 ? x!.ge(t) : x!.gt(t));
  // Bounds in the wrong order: the result is max everywhere.
  const crossed = low && high && !(constant(low) && constant(high) && low.data![0]! <= high.data![0]!) ? low.gt(high) : undefined;
  const pass = () => {
    let g = crossed ? crossed.where(0, dy) : dy;
    if (low) g = outside(low, 'low').where(0, g);
    if (high) g = outside(high, 'high').where(0, g);
    if (at === 0.5) {
      const tie = low && high ? x!.eq(low).or(x!.eq(high)) : x!.eq((low ?? high)!);
      g = tie.where(g.mul(0.5), g);
    }
    return g;
  };
  // What x does not get at a tie goes to the bound.
  const bound = (t: Tensor, side: 'low' | 'high') => () => {
    const past = side === 'low' ? x!.lt(t) : x!.gt(t), beyond = !crossed ? past : side === 'low' ? past.and(crossed.not()) : past.or(crossed), share = at === 0.5 ? 0.5 : at === 0 ? 1 : 0;
    const held = beyond.where(dy, share ? x!.eq(t).where(dy.mul(share), 0) : 0);
    return held.sum().reshapeLike(t);
  };
  return [pass, low && bound(low, 'low'), high && bound(high, 'high')];
}

const alpha = (c: PullbackContext, fallback: number) => c.attributes.float('alpha', fallback);

export const activations: readonly Operator[] = [
  softmax, logSoftmax,
  gated('Relu', 1, (_, __, y) => y.gt(0), 'dx = dy where x > 0'),
  smooth('Gelu', 20, (c, x) => geluFactor(c, x), 'derivative of x · Φ(x)'),
  {
    op: 'LeakyRelu', infer: like(), differentiable: ['X'], formula: 'dx = dy where x > 0, α · dy elsewhere',
    pullback: c => [() => c.x[0]!.gt(0).where(c.dy, c.dy.mul(alpha(c, 0.01)))],
  },
  {
    op: 'PRelu', broadcasts: true, infer: like(), differentiable: ['X', 'slope'], formula: 'dx = dy · (x > 0 ? 1 : slope), dslope = Σ dy · x where x ≤ 0',
    pullback: c => {
      const [x, slope] = c.x as [Tensor, Tensor];
      return [() => x.gt(0).where(c.dy, c.dy.mul(slope)), () => x.gt(0).where(0, c.dy.mul(x))];
    },
  },
  {
    op: 'Elu', infer: like(), differentiable: ['X'], formula: 'dx = dy where x > 0, dy · (y + α) elsewhere', questions: ['eluAtZero'],
    pullback: c => [() => below(c, c.x[0]!).where(c.dy.mul(c.y[0]!.add(alpha(c, 1))), c.dy)],
  },
  {
    op: 'Selu', infer: like(), differentiable: ['X'], formula: 'dx = γ · dy where x > 0, dy · (y + γα) elsewhere', questions: ['eluAtZero'],
    pullback: c => [() => {
      const a = alpha(c, 1.67326319217681884765625), gamma = c.attributes.float('gamma', 1.05070102214813232421875);
      return below(c, c.x[0]!).where(c.dy.mul(c.y[0]!.add(gamma * a)), c.dy.mul(gamma));
    }],
  },
  {
    op: 'Celu', since: 12, infer: like(), differentiable: ['X'], formula: 'dx = dy where x > 0, dy · e^(x/α) elsewhere', questions: ['eluAtZero'],
    pullback: c => [() => below(c, c.x[0]!).where(c.dy.mul(c.y[0]!.div(alpha(c, 1)).add(1)), c.dy)],
  },
  gated('HardSigmoid', 1, (_, __, y) => y.gt(0).and(y.lt(1)), 'dx = α · dy where 0 < y < 1', c => alpha(c, 0.2)),
  {
    op: 'HardSwish', since: 14, infer: like(), differentiable: ['X'], formula: 'dx = dy above 3, dy · (2x + 3)/6 between −3 and 3, 0 below', questions: ['hardSwishAtBounds'],
    pullback: c => [() => {
      const x = c.x[0]!, [atLow, atHigh] = c.conventions.hardSwishAtBounds, middle = c.dy.mul(x.add(1.5).mul(1 / 3));
      const low = atLow === 0 ? x.le(-3) : x.lt(-3), high = atHigh === 1 ? x.ge(3) : x.gt(3);
      return low.where(0, high.where(c.dy, middle));
    }],
  },
  smooth('Mish', 18, (c, x) => {
    const t = c.op('Softplus', [x]).tanh();
    return t.add(t.square().rsub(1).mul(x).mul(x.sigmoid()));
  }, '(tanh s + x · σ(x) · (1 − tanh² s)), s = softplus x'),
  smooth('Softplus', 1, (_, x) => x.sigmoid(), 'σ(x)'),
  smooth('Softsign', 1, (_, x) => x.abs().add(1).square().recip(), '1/(1 + |x|)²', [], 'input'),
  gated('ThresholdedRelu', 10, (c, x) => x.gt(alpha(c, 1)), 'dx = dy where x > α'),
  {
    op: 'Shrink', since: 9, infer: like(), differentiable: ['input'], formula: 'dx = dy where |x| > λ',
    pullback: c => [() => c.x[0]!.abs().gt(c.attributes.float('lambd', 0.5)).where(c.dy, 0)],
  },
  smooth('Swish', 24, (c, x) => {
    const a = alpha(c, 1), s = x.mul(a).sigmoid();
    return s.add(s.rsub(1).mul(s).mul(x).mul(a));
  }, 'derivative of x · σ(αx)'),
  { op: 'Clip', since: 6, infer: like(), differentiable: ['input', 'min', 'max'], formula: 'dx = dy inside the bounds; a bound gets what it holds', questions: ['clipAtBound', 'clipAtTensorBound', 'relu6AtBound'], pullback: clip },
  {
    op: 'Dropout', differentiable: ['data'], formula: 'dx = dy · mask / (1 − ratio), with the mask that the forward pass drew',
    infer: c => {
      const t = c.tensor(0);
      return t ? [tensor(t.dtype, t.shape), tensor('bool', t.shape)] : [undefined, undefined];
    },
    pullback: c => [() => {
      const training = c.x[2]?.data?.[0] ?? (c.x[2] ? undefined : 0);
      if (training === 0) return c.dy;
      const ratio = c.x[1] ?? c.dy.scalar(0.5), masked = c.output(1).where(c.dy, 0), scaled = masked.div(ratio.cast(c.dy.dtype).rsub(1));
      return training === undefined ? c.x[2]!.where(scaled, c.dy) : scaled;
    }, undefined, undefined],
  },
];
