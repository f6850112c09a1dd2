import type { Tensor } from '../graph/tensor.ts';
import { tensor, type Dim } from '../graph/types.ts';
import { kernel, linear, ML, rows, transformed } from './ml.ts';
import type { ExpandContext, InferContext, Operator } from './operator.ts';

/** Classifiers of ai.onnx.ml: the scores are differentiable in X, the label is discrete (onnxruntime/core/providers/cpu/ml). */

const range = (n: number, from = 0) => Array.from({ length: n }, (_, i) => from + i);

function classesOf(c: Pick<InferContext, 'attributes'>): number {
  const a = c.attributes;
  return a.ints('classlabels_ints')?.length || a.strings('classlabels_strings')?.length || a.strings('classlabels')?.length || 2;
}

/** The label stays with the person's own operator. */
function label(c: ExpandContext): Tensor {
  return c.op('Label', [c.x[0]], { ...c.attributes.all, of: c.node.op }, { domain: 'adjoint' });
}

/** One score for two classes: the second gets it, the first what is left of 1 (or the negative, as `rest` says); LOGISTIC takes σ of both signs. */
function twoClasses(c: ExpandContext, s: Tensor, rest: 'complement' | 'negative'): Tensor {
  const post = c.attributes.string('post_transform', 'NONE'), pair = (a: Tensor, b: Tensor) => c.op('Concat', [a, b], { axis: 1 });
  if (post === 'LOGISTIC') return pair(s.neg().sigmoid(), s.sigmoid());
  return pair(rest === 'negative' && post === 'NONE' ? s.neg() : s.rsub(1), s);
}

function linearScores(c: ExpandContext): Tensor {
  const targets = c.attributes.floats('intercepts')?.length || classesOf(c), s = linear(c, targets);
  return targets === 1 && classesOf(c) === 2 ? twoClasses(c, s, 'complement') : transformed(c, s);
}

/** Decision values of each pair of classes i < j: Σ over both classes' support vectors of coefficient · kernel, plus rho. */
function pairScores(c: ExpandContext, perClass: readonly number[]): Tensor[] {
  const count = perClass.reduce((a, b) => a + b, 0), all = c.attributes.floats('coefficients') ?? [], v = c.attributes.floats('support_vectors') ?? [], rho = c.attributes.floats('rho') ?? [];
  const values = kernel(c, rows(c), c.g.constant('float32', [count, v.length / count], v)), starts = perClass.map((_, i) => perClass.slice(0, i).reduce((a, b) => a + b, 0));
  const scores: Tensor[] = [];
  perClass.forEach((_, i) => {
    for (let j = i + 1; j < perClass.length; j++) {
      const weights = Array<number>(count).fill(0);
      for (const k of range(perClass[i]!, starts[i])) weights[k] = all[(j - 1) * count + k]!;
      for (const k of range(perClass[j]!, starts[j])) weights[k] = all[i * count + k]!;
      scores.push(values.matmul(c.g.constant('float32', [count, 1], weights)).add(rho[scores.length] ?? 0));
    }
  });
  return scores;
}

/**
 * Probabilities of the classes from those of the pairs (Wu, Lin and Weng 2004, second method, as libsvm has it): the p with Σp = 1 that
 * minimises Σ (r_ji·p_i − r_ij·p_j)², which solves one linear system.
 */
function coupled(c: ExpandContext, pairs: readonly Tensor[], classes: number): Tensor {
  const at = (i: number, j: number): Tensor => {
    const [a, b] = i < j ? [i, j] : [j, i], r = pairs[a * classes - (a * (a + 1)) / 2 + (b - a - 1)]!;
    return i < j ? r : r.rsub(1);
  };
  if (classes === 2) return c.op('Concat', [at(0, 1), at(1, 0)], { axis: 1 });
  const one = pairs[0]!.onesLike(), zero = pairs[0]!.zerosLike(), entry = (i: number, j: number): Tensor => {
    if (i === classes || j === classes) return i === j ? zero : one;
    if (i !== j) return at(j, i).mul(at(i, j)).neg();
    return range(classes).filter(k => k !== i).map(k => at(k, i).square()).reduce((a, b) => a.add(b));
  };
  const row = (i: number) => c.op('Concat', range(classes + 1).map(j => entry(i, j)), { axis: 1 }).unsqueeze([1]);
  const system = c.op('Concat', range(classes + 1).map(row), { axis: 1 });
  const inverse = c.op('Inverse', [system], {}, { domain: 'com.microsoft', types: [system.type] });
  return inverse.slice([0, classes], [classes, classes + 1], [1, 2]).squeeze([2]);
}

function svmScores(c: ExpandContext): Tensor {
  const a = c.attributes, perClass = a.ints('vectors_per_class') ?? [], rho = a.floats('rho') ?? [], probA = a.floats('prob_a') ?? [], probB = a.floats('prob_b') ?? [];
  if (perClass.length === 0) {
    const k = a.floats('coefficients') ?? [], classes = classesOf(c);
    return transformed(c, kernel(c, rows(c), c.g.constant('float32', [classes, k.length / classes], k)).add(rho[0] ?? 0));
  }
  const scores = pairScores(c, perClass);
  if (probA.length) {
    const likely = scores.map((s, i) => s.mul(probA[i]!).add(probB[i] ?? 0).neg().sigmoid().max(1e-7).min(1 - 1e-7));
    return transformed(c, coupled(c, likely, perClass.length));
  }
  if (scores.length === 1) return twoClasses(c, scores[0]!, 'negative');
  return transformed(c, c.op('Concat', scores, { axis: 1 }));
}

/** Label and scores, [N, scores]. */
function classifierType(scores: (c: InferContext) => number): Operator['infer'] {
  return c => {
    const x = c.tensor(0)?.shape, n: Dim = x && (x.length === 1 ? 1 : x[0]);
    return [tensor(hasStrings(c) ? 'string' : 'int64', [n]), tensor('float32', [n, scores(c)])];
  };
}

const hasStrings = (c: InferContext): boolean => !!(c.attributes.strings('classlabels_strings')?.length || c.attributes.strings('classlabels')?.length);

function svmWidth(c: InferContext): number {
  const n = c.attributes.ints('vectors_per_class')?.length ?? 0;
  if (n === 0) return classesOf(c);
  return n === 2 || c.attributes.floats('prob_a')?.length ? n : (n * (n - 1)) / 2;
}

export const mlClassifiers: readonly Operator[] = [
  {
    op: 'LinearClassifier', domain: ML, differentiable: ['X'], formula: 'scores: dX = dy · coefficients, through the post transform; the label is discrete',
    infer: classifierType(classesOf), expand: c => [c.wantsOutput(0) ? label(c) : undefined, linearScores(c)],
  },
  {
    op: 'SVMClassifier', domain: ML, differentiable: ['X'], formula: 'scores: through the kernel, the pairs of classes and their probabilities; the label is discrete',
    infer: classifierType(svmWidth), expand: c => [c.wantsOutput(0) ? label(c) : undefined, svmScores(c)],
  },
  {
    op: 'Label', domain: 'adjoint', native: false, noGradient: 'discrete', formula: 'the label that a classifier of ai.onnx.ml gives',
    infer: c => [tensor(hasStrings(c) ? 'string' : 'int64', c.tensor(0)?.shape?.slice(0, 1))],
    expand: c => {
      const { of, ...attributes } = c.attributes.all;
      return [c.g.ops(of?.kind === 'string' ? of.value : '', [c.x[0]], attributes, { domain: ML, outputs: 2 })[0]];
    },
  },
];
