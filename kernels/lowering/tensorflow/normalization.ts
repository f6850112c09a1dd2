import type { Tensor } from '../../graph/tensor.ts';
import type { Family, LowerContext } from './context.ts';

/** Axes over which statistics are taken, and how a vector of channels lies against x. */
function layout(c: LowerContext, x: Tensor) {
  const rank = x.rank ?? (c.attributes.string('data_format', 'NHWC').length === 5 ? 5 : 4), channels = c.channelsLast ? rank - 1 : 1;
  const axes = Array.from({ length: rank }, (_, i) => i).filter(i => i !== channels);
  return { axes, place: (v: Tensor) => (c.channelsLast ? v : v.unsqueeze(Array.from({ length: rank - 2 }, (_, i) => i + 1))) };
}

/** Number of elements that each channel's statistics are of, as a scalar. */
function countOf(x: Tensor, axes: readonly number[]): Tensor {
  if (x.shape) return x.scalar(axes.reduce((n, a) => n * x.shape![a]!, 1));
  return x.g.op('ReduceProd', [x.g.op('Gather', [x.g.op('Shape', [x]), x.g.constant('int64', [axes.length], axes)])], { keepdims: 0 }).cast(x.dtype);
}

const mul = (a: Tensor, b: Tensor): Tensor => a.g.op('Mul', [a, b]);

/**
 * y, batch mean, batch variance (Bessel's correction), what the gradient needs (mean, variance) twice.
 * TensorFlow has a gradient from y only, and none to mean and variance, though in inference they matter.
 */
function fusedBatchNorm(c: LowerContext): readonly (Tensor | undefined)[] {
  const [input, scale, offset, mean, variance] = c.x, epsilon = c.attributes.float('epsilon', 1e-4), training = c.attributes.int('is_training', 1) === 1;
  const x = input.cast('float32'), { axes, place } = layout(c, x);
  const normalized = (v: Tensor, d: Tensor) => c.op('Add', [mul(d, place(mul(v.add(epsilon).sqrt().recip(), scale))), place(offset)]);
  if (!training) {
    const [m, v] = [c.stopped(mean), c.stopped(variance)];
    return [normalized(v, c.op('Sub', [x, place(m)])), m, v, m, v, m];
  }
  const m = x.mean(axes), d = c.op('Sub', [x, place(m)]), v = mul(d, d).mean(axes), n = countOf(x, axes), factor = c.attributes.float('exponential_avg_factor', 1);
  const corrected = v.mul(n.div(n.sub(1).max(1)));
  const moved = (old: Tensor, now: Tensor) => (factor === 1 ? now : old.mul(1 - factor).add(now.mul(factor)));
  return [normalized(v, d), c.stopped(moved(mean, m)), c.stopped(moved(variance, corrected)), c.stopped(m), c.stopped(v), c.stopped(m)];
}

/**
 * dx, dscale, doffset; the last two outputs are empty. In training the statistics are taken of x again, not from what the forward kernel kept:
 * TensorFlow's second derivative goes through them, and what is kept is the variance on a CPU, its inverse root on a GPU.
 */
function fusedBatchNormGrad(c: LowerContext): readonly (Tensor | undefined)[] {
  const [dyIn, xIn, scale, mean, variance] = c.x, training = c.attributes.int('is_training', 1) === 1, epsilon = c.attributes.float('epsilon', 1e-4);
  const dy = dyIn.cast('float32'), x = xIn.cast('float32'), { axes, place } = layout(c, x), none = c.g.constant('float32', [0], []);
  const centred = c.op('Sub', [x, place(training ? x.mean(axes) : mean)]), v = training ? mul(centred, centred).mean(axes) : variance;
  const inverse = v.add(epsilon).sqrt().recip(), offset = dy.sum(axes), product = mul(dy, centred).sum(axes), dscale = mul(product, inverse), factor = place(mul(scale, inverse));
  if (!training) return [mul(dy, factor), dscale, offset, none, none];
  const n = countOf(x, axes), curved = place(mul(product.div(n), mul(inverse, inverse)));
  const dx = mul(factor, c.op('Sub', [c.op('Sub', [dy, place(offset.div(n))]), mul(centred, curved)]));
  return [dx, dscale, offset, none, none];
}

/** The operator before FusedBatchNorm: statistics given, gradients to all of them. */
function batchNormGlobal(c: LowerContext): Tensor {
  const [x, mean, variance, beta, gamma] = c.x, scale = variance.add(c.attributes.float('variance_epsilon', 1e-3)).sqrt().recip();
  return c.op('Add', [mul(c.op('Sub', [x, mean]), c.attributes.int('scale_after_normalization', 1) ? mul(scale, gamma) : scale), beta]);
}

export const normalization: Family = {
  FusedBatchNorm: fusedBatchNorm, FusedBatchNormV2: fusedBatchNorm, FusedBatchNormV3: fusedBatchNorm,
  FusedBatchNormGrad: fusedBatchNormGrad, FusedBatchNormGradV2: fusedBatchNormGrad, FusedBatchNormGradV3: fusedBatchNormGrad,
  BatchNormWithGlobalNormalization: batchNormGlobal,
};
