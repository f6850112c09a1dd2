import { ints, type Tensor } from '../graph/tensor.ts';
import { isFloat, tensor } from '../graph/types.ts';
import type { ExpandContext, Operator } from './operator.ts';

export const ML = 'ai.onnx.ml';

/** X as float32 rows: the operators of this domain take any number type and compute in float32. */
export function rows(c: ExpandContext): Tensor {
  const x = c.x[0]!.cast('float32');
  return x.rank === 1 ? x.unsqueeze([0]) : x;
}

/** Rows times a flat coefficient list of [targets, features], plus intercepts. */
export function linear(c: ExpandContext, targets: number): Tensor {
  const k = c.attributes.floats('coefficients') ?? [], b = c.attributes.floats('intercepts');
  const y = c.op('Gemm', [rows(c), c.g.constant('float32', [targets, k.length / targets], k)], { transB: 1 });
  return b?.length ? y.add(c.g.constant('float32', [b.length], b)) : y;
}

/** Softmax over what is not zero; zeros stay (SOFTMAX_ZERO of the standard, the threshold is ONNX Runtime's). */
function softmaxOfNonZero(y: Tensor): Tensor {
  const live = y.abs().gt(1e-7), e = live.where(y.sub(y.reduceMax([-1], true)).exp(), 0);
  return e.div(e.sum([-1], true));
}

/** ErfInv of ONNX Runtime (Winitzki's approximation, a = 0.147), for the PROBIT transform. */
function probit(y: Tensor): Tensor {
  const x = y.mul(2).sub(1), log = x.square().rsub(1).log(), v = log.mul(0.5).add(2 / (Math.PI * 0.147));
  return x.sign().mul(v.square().sub(log.mul(1 / 0.147)).sqrt().sub(v).sqrt()).mul(Math.SQRT2);
}

export function transformed(c: ExpandContext, y: Tensor): Tensor {
  switch (c.attributes.string('post_transform', 'NONE')) {
    case 'SOFTMAX': return c.op('Softmax', [y], { axis: -1 });
    case 'SOFTMAX_ZERO': return softmaxOfNonZero(y);
    case 'LOGISTIC': return y.sigmoid();
    case 'PROBIT': return probit(y);
    default: return y;
  }
}

/** Kernel values between rows of X and the support vectors. kernel_params: gamma, coef0, degree. */
export function kernel(c: ExpandContext, x: Tensor, vectors: Tensor): Tensor {
  const [gamma = 0, coef0 = 0, degree = 0] = c.attributes.floats('kernel_params') ?? [], product = () => x.matmul(vectors.transpose([1, 0]));
  switch (c.attributes.string('kernel_type', 'LINEAR')) {
    case 'POLY': return product().mul(gamma).add(coef0).pow(degree);
    case 'SIGMOID': return product().mul(gamma).add(coef0).tanh();
    case 'RBF': return x.unsqueeze([1]).sub(vectors.unsqueeze([0])).square().sum([2]).mul(-gamma).exp();
    default: return product();
  }
}

function svmRegressor(c: ExpandContext): readonly Tensor[] {
  const x = rows(c), n = c.attributes.int('n_supports', 0), k = c.attributes.floats('coefficients') ?? [], rho = c.attributes.floats('rho')?.[0] ?? 0;
  if (n === 0) return [transformed(c, x.matmul(c.g.constant('float32', [k.length, 1], k)).add(rho))];
  const v = c.attributes.floats('support_vectors') ?? [], values = kernel(c, x, c.g.constant('float32', [n, v.length / n], v));
  return [transformed(c, values.matmul(c.g.constant('float32', [n, 1], k)).add(rho))];
}

function normalized(c: ExpandContext): readonly Tensor[] {
  const x = rows(c), kind = c.attributes.string('norm', 'MAX');
  const by = kind === 'L1' ? x.abs().sum([1], true) : kind === 'L2' ? c.op('ReduceL2', [x, ints(c.g, [1])], { keepdims: 1 }) : x.abs().reduceMax([1], true);
  return [x.div(by.eq(0).where(1, by))];
}

const float32 = (op: string, differentiable: readonly string[], formula: string, expand: Operator['expand']): Operator =>
  ({ op, domain: ML, differentiable, formula, expand, infer: c => [tensor('float32', op === 'Scaler' || op === 'Normalizer' ? c.tensor(0)?.shape : undefined)] });

const opaque = (op: string, formula: string): Operator => ({ op, domain: ML, noGradient: 'flat', formula, infer: c => [c.tensor(0) && tensor('float32'), tensor('float32')] });

/** Operators of ai.onnx.ml that are differentiable in X; trees are piecewise constant. */
export const mlOperators: readonly Operator[] = [
  float32('LinearRegressor', ['X'], 'dX = dy · coefficients', c => [transformed(c, linear(c, c.attributes.int('targets', 1)))]),
  float32('SVMRegressor', ['X'], 'through its kernel', svmRegressor),
  float32('Normalizer', ['X'], 'through x / norm', normalized),
  float32('Scaler', ['X'], 'dX = dy · scale', c => {
    const offset = c.attributes.floats('offset') ?? [], scale = c.attributes.floats('scale') ?? [], x = c.x[0]!.cast('float32');
    const row = (v: readonly number[]) => c.g.constant('float32', [v.length], v);
    const centred = offset.length ? x.sub(row(offset)) : x;
    return [scale.length ? centred.mul(row(scale)) : centred];
  }),
  {
    op: 'Imputer', domain: ML, differentiable: ['X'], formula: 'dX = dy where the element was kept',
    infer: c => [c.tensor(0) && tensor(c.tensor(0)!.dtype, c.tensor(0)!.shape)],
    pullback: c => {
      if (!isFloat(c.x[0]!.dtype)) return [undefined];
      const replaced = c.attributes.float('replaced_value_float', 0), x = c.x[0]!;
      return [() => (Number.isNaN(replaced) ? x.isNaN() : x.eq(replaced)).where(0, c.dy)];
    },
  },
  {
    op: 'ArrayFeatureExtractor', domain: ML, differentiable: ['X'], formula: 'dX = dy added up at the chosen features',
    infer: c => [c.tensor(0) && tensor(c.tensor(0)!.dtype)],
    expand: c => {
      const x = c.x[0]!, index = c.x[1]!.reshapeTo(ints(c.g, [-1]));
      return [x.rank === 1 ? x.gather(index, 0).unsqueeze([0]) : x.gather(index, -1)];
    },
  },
  float32('FeatureVectorizer', ['X …'], 'dXᵢ = its columns of dy', c => [c.op('Concat', c.x.map(x => (x.rank === 1 ? x.cast('float32').unsqueeze([1]) : x.cast('float32'))), { axis: 1 })]),
  opaque('TreeEnsembleRegressor', 'piecewise constant: dX = 0 almost everywhere'),
  opaque('TreeEnsembleClassifier', 'piecewise constant: dX = 0 almost everywhere'),
  opaque('TreeEnsemble', 'piecewise constant: dX = 0 almost everywhere'),
  ...['ZipMap', 'LabelEncoder', 'CategoryMapper', 'OneHotEncoder', 'DictVectorizer', 'CastMap'].map((op): Operator => ({ op, domain: ML, noGradient: 'discrete', formula: 'keys, labels and maps: nothing to differentiate', infer: () => [undefined] })),
  opaque('Binarizer', 'piecewise constant: dX = 0 almost everywhere'),
];
