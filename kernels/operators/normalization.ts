import { ints, UnknownShape, type Tensor } from '../graph/tensor.ts';
import { tensor, type StaticShape } from '../graph/types.ts';
import { ZERO, type ExpandContext, type Operator, type PullbackContext, type PullbackEntry } from './operator.ts';
import { like, norm } from './shapes.ts';

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/** A per-channel vector made to broadcast against [N, C, …]. */
function perChannel(t: Tensor, rank: number): Tensor {
  return t.reshapeTo(ints(t.g, [-1, ...Array<number>(rank - 2).fill(1)]));
}

/** dx of a normalisation over `axes`, from the normalised x̂ and the cotangent of x̂: r · (g − mean g − x̂ · mean(g · x̂)). */
function normalizedBack(g: Tensor, xhat: Tensor, r: Tensor, axes: readonly number[], centred = true): Tensor {
  const along = g.mul(xhat).mean(axes, true), inner = centred ? g.sub(g.mean(axes, true)) : g;
  return inner.sub(xhat.mul(along)).mul(r);
}

/** Inference uses given statistics, training the batch's (biased variance); the running statistics, where somebody uses them, are blends of both. */
function batchNormBack(c: PullbackContext): readonly PullbackEntry[] {
  const [x, scale, , mean, variance] = c.x as [Tensor, Tensor, Tensor, Tensor, Tensor], rank = x.needRank('BatchNormalization'), epsilon = c.attributes.float('epsilon', 1e-5);
  const axes = [0, ...range(2, rank)], spread = (t: Tensor) => perChannel(t, rank), sum = (t: Tensor) => t.sum(axes);
  if (c.attributes.int('training_mode', 0)) return trainingBack(c, axes, spread, epsilon);
  const { dy } = c, r = variance.add(epsilon).sqrt().recip(), held = () => sum(dy.mul(x.sub(spread(mean))));
  return [
    () => dy.mul(spread(scale.mul(r))),
    () => held().mul(r),
    () => sum(dy),
    () => sum(dy).mul(scale.mul(r)).neg(),
    () => held().mul(scale).mul(r.mul(r).mul(r)).mul(-0.5),
  ];
}

function trainingBack(c: PullbackContext, axes: readonly number[], spread: (t: Tensor) => Tensor, epsilon: number): readonly PullbackEntry[] {
  const [x, scale] = c.x as [Tensor, Tensor], [dy, dMean, dVariance] = c.dys, momentum = c.attributes.float('momentum', 0.9);
  const centred = x.sub(x.mean(axes, true)), r = centred.square().mean(axes, true).add(epsilon).sqrt().recip(), xhat = centred.mul(r);
  // running = momentum · given + (1 − momentum) · batch: the slopes of the batch's mean and variance are 1/n and 2(x − mean)/n.
  const share = (d: Tensor) => spread(d.castLike(x)).mul(1 - momentum).div(groupSize(x, axes));
  const toX = () => {
    const parts = dy ? [normalizedBack(dy.mul(spread(scale)), xhat, r, axes)] : [];
    if (dMean) parts.push(share(dMean).expandTo(x));
    if (dVariance) parts.push(share(dVariance).mul(centred).mul(2));
    return parts.reduce((a, b) => a.add(b));
  };
  return [
    toX, () => (dy ? dy.mul(xhat).sum(axes) : ZERO), () => (dy ? dy.sum(axes) : ZERO),
    dMean && (() => dMean.mul(momentum)), dVariance && (() => dVariance.mul(momentum)),
  ];
}

/** LayerNormalization from axis on; Mean and InvStdDev are outputs of the forward node and may have cotangents of their own. */
function layerNormBack(c: PullbackContext): readonly PullbackEntry[] {
  const [x, scale] = c.x as [Tensor, Tensor], rank = x.needRank('LayerNormalization'), from = norm(c.attributes.int('axis', -1), rank), axes = range(from, rank);
  const mean = c.output(1).castLike(x), r = c.output(2).castLike(x), [dy, dMean, dR] = c.dys, xhat = x.sub(mean).mul(r);
  const toX = () => {
    const parts: Tensor[] = dy ? [normalizedBack(dy.mul(scale), xhat, r, axes)] : [];
    // mean = Σx/n and r = (var + ε)^−½: their slopes in x are 1/n and −r² · x̂/n.
    const each = (d: Tensor) => d.castLike(x).div(groupSize(x, axes));
    if (dMean) parts.push(each(dMean).expandTo(x));
    if (dR) parts.push(each(dR).mul(r.square()).mul(xhat).neg());
    return parts.reduce((a, b) => a.add(b));
  };
  return [toX, () => (dy ? dy.mul(xhat).sumTo(scale) : ZERO), () => (dy ? dy.sumTo(c.x[2]!) : ZERO)];
}

/** Number of elements along the axes, as a scalar of x's type. */
function groupSize(x: Tensor, axes: readonly number[]): Tensor {
  return axes.map(a => x.dimTensor(a).squeeze([0]).cast(x.dtype)).reduce((a, b) => a.mul(b));
}

function rmsNormBack(c: PullbackContext): readonly PullbackEntry[] {
  const [x, scale] = c.x as [Tensor, Tensor], rank = x.needRank('RMSNormalization'), axes = range(norm(c.attributes.int('axis', -1), rank), rank);
  const r = x.square().mean(axes, true).add(c.attributes.float('epsilon', 1e-5)).sqrt().recip(), xhat = x.mul(r);
  return [() => normalizedBack(c.dy.mul(scale), xhat, r, axes, false), () => c.dy.mul(xhat).sumTo(scale)];
}

function instanceNormBack(c: PullbackContext): readonly PullbackEntry[] {
  const [x, scale] = c.x as [Tensor, Tensor], rank = x.needRank('InstanceNormalization'), axes = range(2, rank), over = [0, ...axes];
  const centred = x.sub(x.mean(axes, true)), r = centred.square().mean(axes, true).add(c.attributes.float('epsilon', 1e-5)).sqrt().recip(), xhat = centred.mul(r);
  return [() => normalizedBack(c.dy.mul(perChannel(scale, rank)), xhat, r, axes), () => c.dy.mul(xhat).sum(over), () => c.dy.sum(over)];
}

/** Groups of channels normalised together, then scale and bias for each channel. */
function groupNorm(c: ExpandContext): readonly Tensor[] {
  const [x, scale, bias] = c.x as [Tensor, Tensor, Tensor], shape = x.shape, groups = c.attributes.int('num_groups', 1);
  if (!shape) throw new UnknownShape(x.name, 'GroupNormalization');
  const [n, channels, ...rest] = shape as [number, number, ...number[]];
  const grouped = x.reshape([n, groups, (channels / groups) * rest.reduce((a, b) => a * b, 1)]);
  const centred = grouped.sub(grouped.mean([2], true)), r = centred.square().mean([2], true).add(c.attributes.float('epsilon', 1e-5)).sqrt().recip();
  return [centred.mul(r).reshape(shape).mul(perChannel(scale, shape.length)).add(perChannel(bias, shape.length))];
}

/** LRN: y = x / (k + α/n Σ x²)^β over a window of n channels; the window's sum is an AveragePool over channels. */
function lrn(c: ExpandContext): readonly Tensor[] {
  const x = c.x[0]!, shape = x.shape, n = c.attributes.int('size', 1);
  if (!shape) throw new UnknownShape(x.name, 'LRN');
  const before = Math.floor((n - 1) / 2), after = Math.ceil((n - 1) / 2), [batch, channels, ...rest] = shape as [number, number, ...number[]];
  const flat: StaticShape = [batch, 1, channels, rest.reduce((a, b) => a * b, 1)];
  const squares = c.op('Pad', [x.square().reshape(flat), ints(c.g, [0, 0, before, 0, 0, 0, after, 0])]);
  const sums = c.op('AveragePool', [squares], { kernel_shape: [n, 1] }).reshape(shape).mul(n);
  const base = sums.mul(c.attributes.float('alpha', 1e-4) / n).add(c.attributes.float('bias', 1));
  return [x.div(base.pow(c.attributes.float('beta', 0.75)))];
}

/** x / ‖x‖ₚ along an axis; where the norm is zero the result and its gradient are. */
function lpNorm(c: ExpandContext): readonly Tensor[] {
  const x = c.x[0]!, axis = ints(c.g, [c.attributes.int('axis', -1)]);
  const size = c.op(c.attributes.int('p', 2) === 1 ? 'ReduceL1' : 'ReduceL2', [x, axis], { keepdims: 1 });
  return [x.div(size.eq(0).where(1, size))];
}

function meanVariance(c: ExpandContext): readonly Tensor[] {
  const x = c.x[0]!, axes = c.attributes.ints('axes', [0, 2, 3]), centred = x.sub(x.mean(axes, true));
  return [centred.div(centred.square().mean(axes, true).sqrt().add(1e-9))];
}

export const normalization: readonly Operator[] = [
  {
    op: 'BatchNormalization', pullback: batchNormBack, differentiable: ['X', 'scale', 'B', 'input_mean', 'input_var'],
    formula: 'inference: dx = dy · scale/√(var + ε); training: dx = scale · r · (dy − mean dy − x̂ · mean(dy · x̂)); dscale = Σ dy · x̂, dB = Σ dy',
    infer: c => {
      const x = c.tensor(0), s = c.tensor(3);
      return [x && tensor(x.dtype, x.shape), s && tensor(s.dtype, s.shape), s && tensor(s.dtype, s.shape)];
    },
  },
  {
    op: 'LayerNormalization', since: 17, pullback: layerNormBack, differentiable: ['X', 'Scale', 'B'], formula: 'dx = r · (g − mean g − x̂ · mean(g · x̂)), g = dy · scale; dscale = Σ dy · x̂, dB = Σ dy',
    infer: c => {
      const x = c.tensor(0);
      if (!x) return [undefined, undefined, undefined];
      const from = x.shape && norm(c.attributes.int('axis', -1), x.shape.length), statistics = tensor('float32', x.shape?.map((d, i) => (i < from! ? d : 1)));
      return [tensor(x.dtype, x.shape), statistics, statistics];
    },
  },
  { op: 'RMSNormalization', since: 23, infer: like(), pullback: rmsNormBack, differentiable: ['X', 'scale'], formula: 'dx = r · (g − x̂ · mean(g · x̂)), g = dy · scale; dscale = Σ dy · x̂' },
  { op: 'InstanceNormalization', infer: like(), pullback: instanceNormBack, differentiable: ['input', 'scale', 'B'], formula: 'as LayerNormalization over the positions of each channel' },
  { op: 'GroupNormalization', since: 18, infer: like(), expand: groupNorm, differentiable: ['X', 'scale', 'bias'], formula: 'through (x − mean)/√(var + ε) of each group' },
  { op: 'LRN', infer: like(), expand: lrn, differentiable: ['X'], formula: 'through x / (k + α/n Σ x²)^β' },
  { op: 'LpNormalization', infer: like(), expand: lpNorm, differentiable: ['input'], formula: 'through x / ‖x‖', questions: ['l2AtZero'] },
  { op: 'MeanVarianceNormalization', since: 9, infer: like(), expand: meanVariance, differentiable: ['X'], formula: 'through (x − mean)/(σ + 10⁻⁹)' },
];
