import { tensor, type Dim } from '../graph/types.ts';
import { gruGradient, lstmGradient, rnnGradient } from './recurrentRules.ts';
import type { InferContext, Operator } from './operator.ts';

/** Y [T, D, B, H], then the last states [D, B, H]. */
const infer = (c: InferContext) => {
  const x = c.tensor(0), r = c.tensor(2), directions = c.attributes.string('direction', 'forward') === 'bidirectional' ? 2 : 1;
  const hidden: Dim = c.attributes.int('hidden_size') ?? r?.shape?.[2], dtype = x?.dtype ?? 'float32';
  const last = tensor(dtype, [directions, x?.shape?.[1], hidden]);
  return [tensor(dtype, [x?.shape?.[0], directions, x?.shape?.[1], hidden]), last, last].slice(0, c.outputs);
};

/**
 * Recurrent operators. The file's fused node stays the forward. Its gates are computed again for all steps at once from its own output
 * (one product with W, one with R: h of the step before is known), so that only elementwise work and one product with R a step are
 * left for the backward Scan; the gradients of W, R, B and X are single products over all steps.
 * Layout 1 is brought to layout 0 by the canonical form.
 */
export const recurrent: readonly Operator[] = [
  { op: 'RNN', infer, differentiable: ['X', 'W', 'R', 'B', 'initial_h'], formula: 'dpre = dh · f′, dhₜ₋₁ = dpre · R, dW = Σ dpreᵀ · X, dR = Σ dpreᵀ · hₜ₋₁, dB = Σ dpre, dX = dpre · W', pullback: rnnGradient },
  {
    op: 'GRU', infer, differentiable: ['X', 'W', 'R', 'B', 'initial_h'], pullback: gruGradient,
    formula: 'dh̃ = dh · (1 − z), dz = dh · (hₜ₋₁ − h̃), dr through the product with R; dhₜ₋₁ = dh · z + dpre · R; dW, dR, dB, dX as for RNN',
  },
  {
    op: 'LSTM', infer, differentiable: ['X', 'W', 'R', 'B', 'P', 'initial_h', 'initial_c'], pullback: lstmGradient,
    formula: 'dc += dh · o · h′(c), do = dh · h(c), di = dc · g, df = dc · cₜ₋₁, dg = dc · i; dcₜ₋₁ = dc · f, dhₜ₋₁ = dpre · R; dW, dR, dB, dX as for RNN, dP = Σ dpre · c',
  },
];
