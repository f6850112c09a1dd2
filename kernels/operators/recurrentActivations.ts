import type { AttributeReader } from '../graph/attributes.ts';
import type { Tensor } from '../graph/tensor.ts';

/** An activation of a recurrent operator: its value, and its derivative from argument and value. */
export interface Activation {
  value(p: Tensor): Tensor;
  derivative(p: Tensor, y: Tensor): Tensor;
}

type Make = (alpha: number, beta: number) => Activation;
const op = (name: string, attributes: Record<string, number> = {}) => (p: Tensor): Tensor =>
  p.g.op(name, [p], Object.fromEntries(Object.entries(attributes).map(([k, v]) => [k, { kind: 'float' as const, value: v }])));
const step = (condition: Tensor, a: Tensor | number, b: Tensor | number, like: Tensor): Tensor =>
  condition.where(typeof a === 'number' ? like.scalar(a) : a, b);

/** Formulas: ONNX, RNN's list of activations. `takes`: which of alpha and beta it consumes, with their defaults. */
const ACTIVATIONS: Readonly<Record<string, { readonly alpha?: number; readonly beta?: number; readonly make: Make }>> = {
  sigmoid: { make: () => ({ value: p => p.sigmoid(), derivative: (_, y) => y.mul(y.rsub(1)) }) },
  tanh: { make: () => ({ value: p => p.tanh(), derivative: (_, y) => y.square().rsub(1) }) },
  relu: { make: () => ({ value: op('Relu'), derivative: (p, _) => step(p.gt(0), 1, 0, p) }) },
  affine: { alpha: 1, beta: 0, make: (a, b) => ({ value: p => p.mul(a).add(b), derivative: p => p.filledLike(a) }) },
  leakyrelu: { alpha: 0.01, make: a => ({ value: op('LeakyRelu', { alpha: a }), derivative: p => step(p.gt(0), 1, a, p) }) },
  thresholdedrelu: { alpha: 1, make: a => ({ value: op('ThresholdedRelu', { alpha: a }), derivative: p => step(p.gt(a), 1, 0, p) }) },
  scaledtanh: { alpha: 1, beta: 1, make: (a, b) => ({ value: p => p.mul(b).tanh().mul(a), derivative: (_, y) => y.square().mul(-b / a).add(a * b) }) },
  hardsigmoid: {
    alpha: 0.2, beta: 0.5,
    make: (a, b) => ({ value: op('HardSigmoid', { alpha: a, beta: b }), derivative: (_, y) => step(y.gt(0).and(y.lt(1)), a, 0, y) }),
  },
  elu: { alpha: 1, make: a => ({ value: op('Elu', { alpha: a }), derivative: (p, y) => step(p.gt(0), 1, y.add(a), p) }) },
  softsign: { make: () => ({ value: op('Softsign'), derivative: p => p.abs().add(1).square().recip() }) },
  softplus: { make: () => ({ value: op('Softplus'), derivative: p => p.sigmoid() }) },
};

/**
 * The activations of each direction. Alpha and beta lists are consumed by the functions that take them, in order.
 * @param defaults the operator's own, one direction
 * @throws Error for a name that the standard does not have
 */
export function activationsOf(a: AttributeReader, defaults: readonly string[], directions: number): Activation[][] {
  const names = a.strings('activations') ?? Array.from({ length: directions }, () => defaults).flat();
  const alphas = [...(a.floats('activation_alpha') ?? [])], betas = [...(a.floats('activation_beta') ?? [])];
  const made = names.map(name => {
    const entry = ACTIVATIONS[name.toLowerCase()];
    if (!entry) throw new Error(`no activation is called ${name}`);
    return entry.make(entry.alpha === undefined ? 0 : alphas.shift() ?? entry.alpha, entry.beta === undefined ? 0 : betas.shift() ?? entry.beta);
  });
  return Array.from({ length: directions }, (_, d) => made.slice(d * defaults.length, (d + 1) * defaults.length));
}
