import { ints, type Tensor } from '../graph/tensor.ts';
import { tensor, type Dim } from '../graph/types.ts';
import type { ExpandContext, InferContext, Operator, PullbackContext } from './operator.ts';

function lossType(c: InferContext): Dim[] | undefined {
  return c.attributes.string('reduction', 'mean') === 'none' ? (c.tensor(1)?.shape as Dim[] | undefined) : [];
}

/** Weight of each target: its class's, 0 where it is to be ignored. */
function targetWeights(c: ExpandContext | PullbackContext, like: Tensor, labels: Tensor, weight: Tensor | undefined): { safe: Tensor; weights: Tensor } {
  const ignore = c.attributes.int('ignore_index'), kept = ignore === undefined ? undefined : labels.eq(ignore).not(), safe = kept ? kept.where(labels, 0) : labels;
  const w = weight ? weight.gather(safe, 0) : like.scalar(1).expandTo(labels);
  return { safe, weights: kept ? kept.where(w, 0) : w };
}

/** −wₜ · log p of the target, reduced: none, sum, or the mean weighted by w. Classes are axis 1. */
function negativeLogLikelihood(c: ExpandContext, logs: Tensor, labels: Tensor, weight: Tensor | undefined): Tensor {
  const { safe, weights } = targetWeights(c, logs, labels, weight);
  const picked = c.op('GatherElements', [logs, safe.cast('int64').unsqueeze([1])], { axis: 1 }).squeeze([1]), each = picked.mul(weights).neg();
  switch (c.attributes.string('reduction', 'mean')) {
    case 'none': return each;
    case 'sum': return each.sum();
    default: return each.sum().div(weights.sum());
  }
}

/** Scores' cotangent without going through log p element by element: (softmax − onehot) · w · dy (and the log-probabilities' own). */
function crossEntropyBack(c: PullbackContext): Tensor {
  const [scores, labels, weight] = c.x as [Tensor, Tensor, Tensor | undefined], logs = c.output(1), p = logs.exp();
  let back: Tensor | undefined;
  const loss = c.dys[0];
  if (loss) {
    const { safe, weights } = targetWeights(c, scores, labels, weight), reduction = c.attributes.string('reduction', 'mean');
    let g = loss.mul(weights);
    if (reduction === 'mean') g = g.div(weights.sum());
    const spread = g.unsqueeze([1]), hot = c.op('ScatterElements', [p, safe.cast('int64').unsqueeze([1]), scores.scalar(-1).expandTo(spread)], { axis: 1, reduction: 'add' });
    back = hot.mul(spread);
  }
  const own = c.dys[1];
  if (!own) return back!;
  const through = own.sub(p.mul(own.sum([1], true)));
  return back ? back.add(through) : through;
}

/** Σ over targets of class k of −log p · dy (for the mean also through the normaliser Σ w). */
function weightBack(c: PullbackContext, logs: Tensor): Tensor {
  const [, labels, weight] = c.x as [Tensor, Tensor, Tensor], dy = c.dys[0]!, reduction = c.attributes.string('reduction', 'mean'), { safe, weights } = targetWeights(c, weight, labels, weight);
  const picked = c.op('GatherElements', [logs, safe.cast('int64').unsqueeze([1])], { axis: 1 }).squeeze([1]).neg();
  let each = picked.mul(dy);
  if (reduction === 'mean') {
    const total = weights.sum();
    each = picked.sub(picked.mul(weights).sum().div(total)).mul(dy).div(total);
  }
  const ignore = c.attributes.int('ignore_index'), kept = ignore === undefined ? each : labels.eq(ignore).where(0, each), flat = ints(c.g, [-1]);
  return c.op('ScatterElements', [weight.zerosLike(), safe.cast('int64').reshapeTo(flat), kept.reshapeTo(flat)], { axis: 0, reduction: 'add' });
}

const scoresDims = (c: InferContext) => c.tensor(0)?.shape;

export const losses: readonly Operator[] = [
  {
    op: 'SoftmaxCrossEntropyLoss', since: 12, differentiable: ['scores', 'weights'], formula: 'dscores = (softmax − onehot) · w · dy (÷ Σ w for the mean); dweights = Σ −log p · dy',
    infer: c => {
      const t = c.tensor(0);
      return t ? [tensor(t.dtype, lossType(c)), tensor(t.dtype, scoresDims(c))] : [undefined, undefined];
    },
    pullback: c => [() => crossEntropyBack(c), undefined, c.x[2] && c.dys[0] ? () => weightBack(c, c.output(1)) : undefined],
  },
  {
    op: 'NegativeLogLikelihoodLoss', since: 12, differentiable: ['input', 'weight'], formula: 'dinput = −w · dy at the target (÷ Σ w for the mean); dweight = Σ −input · dy',
    infer: c => [c.tensor(0) && tensor(c.tensor(0)!.dtype, lossType(c))],
    expand: c => [negativeLogLikelihood(c, c.x[0]!, c.x[1]!, c.x[2])],
  },
];
