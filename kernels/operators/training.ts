import type { Tensor } from '../graph/tensor.ts';
import { tensor } from '../graph/types.ts';
import type { ExpandContext, InferContext, Operator } from './operator.ts';

export const TRAINING = 'ai.onnx.preview.training';

/** Inputs after rate and step come in groups of one tensor for each parameter: X₁ … Xₙ, G₁ … Gₙ, then the states. */
function groups(c: ExpandContext, count: number): Tensor[][] {
  const n = (c.x.length - 2) / count;
  return Array.from({ length: n }, (_, i) => Array.from({ length: count }, (_, k) => c.x[2 + k * n + i]!));
}

/** Results of each parameter, in the order of the outputs: all new parameters, then all new states. */
const ordered = (results: readonly (readonly Tensor[])[]): Tensor[] => results[0]!.flatMap((_, k) => results.map(r => r[k]!));

/** The gradient with the L2 penalty's: norm_coefficient · X + G. */
const regularised = (c: ExpandContext, x: Tensor, g: Tensor): Tensor => x.mul(c.attributes.float('norm_coefficient', 0)).add(g);

const step = (c: ExpandContext, like: Tensor): Tensor => c.x[1]!.cast(like.dtype);

/** Outputs are like the parameters and their states. */
const updated = (states: number) => (c: InferContext) => {
  const n = (c.inputs.length - 2) / (states + 2);
  return Array.from({ length: n * (states + 1) }, (_, i) => {
    const t = c.tensor(i < n ? 2 + i : 2 + n + i);
    return t && tensor(t.dtype, t.shape);
  });
};

/** Update rules of ai.onnx.preview.training (onnx/defs/training/defs.cc), which ONNX Runtime does not run. T is the step's number. */
export const training: readonly Operator[] = [
  {
    op: 'Adagrad', domain: TRAINING, native: false, infer: updated(1), differentiable: ['R', 'X', 'G', 'H'],
    formula: 'through X − R/(1 + T · decay) · g/(√(H + g²) + ε), g = G + λX',
    expand: c => ordered(groups(c, 3).map(([x, g, h]) => {
      const rate = c.x[0]!.div(step(c, c.x[0]!).mul(c.attributes.float('decay_factor', 0)).add(1)), slope = regularised(c, x!, g!), sum = h!.add(slope.square());
      return [x!.sub(rate.mul(slope).div(sum.sqrt().add(c.attributes.float('epsilon', 1e-6)))), sum];
    })),
  },
  {
    op: 'Momentum', domain: TRAINING, native: false, infer: updated(1), differentiable: ['R', 'X', 'G', 'V'],
    formula: 'through V ← αV + βg (β = 1 at T = 0), X − R · V, or X − R · (g + αV) for nesterov',
    expand: c => {
      const alpha = c.attributes.float('alpha', 0), nesterov = c.attributes.string('mode', 'standard') === 'nesterov';
      return ordered(groups(c, 3).map(([x, g, v]) => {
        const slope = regularised(c, x!, g!), beta = step(c, x!).gt(0).where(x!.scalar(c.attributes.float('beta', 1)), 1);
        const moved = v!.mul(alpha).add(slope.mul(beta));
        return [x!.sub(c.x[0]!.mul(nesterov ? slope.add(moved.mul(alpha)) : moved)), moved];
      }));
    },
  },
  {
    op: 'Adam', domain: TRAINING, native: false, infer: updated(2), differentiable: ['R', 'X', 'G', 'V', 'H'],
    formula: 'through V ← αV + (1 − α)g, H ← βH + (1 − β)g², X − R · √(1 − βᵀ)/(1 − αᵀ) · V/(√H + ε)',
    expand: c => {
      const a = c.attributes, alpha = a.float('alpha', 0.9), beta = a.float('beta', 0.999), rate = c.x[0]!, t = step(c, rate);
      // At T = 0 the correction is 0/0 and not applied; the exponent is held so that the branch not taken stays finite.
      const later = t.gt(0), power = later.where(t, 1), corrected = rate.mul(rate.scalar(beta).pow(power).rsub(1).sqrt()).div(rate.scalar(alpha).pow(power).rsub(1));
      const adjusted = later.where(corrected, rate);
      return ordered(groups(c, 4).map(([x, g, v, h]) => {
        const slope = regularised(c, x!, g!), first = v!.mul(alpha).add(slope.mul(1 - alpha)), second = h!.mul(beta).add(slope.square().mul(1 - beta));
        const next = x!.sub(adjusted.mul(first).div(second.sqrt().add(a.float('epsilon', 1e-6))));
        return [next.mul(1 - a.float('norm_coefficient_post', 0)), first, second];
      }));
    },
  },
  {
    op: 'Gradient', domain: TRAINING, native: false, differentiable: ['xs', 'zs'],
    formula: 'the backward pass of y, built as nodes of the graph; these differentiate like any others',
    infer: c => c.inputs.slice(0, c.outputs).map(t => (t?.kind === 'tensor' ? tensor(t.dtype, t.shape) : t)),
  },
];
