import type { NoGradient, Operator } from './operator.ts';
import { broadcasting, like, norm, reducedDims } from './shapes.ts';
import { tensor } from '../graph/types.ts';

const bool = (op: string, fold?: (...xs: number[]) => number): Operator =>
  ({ op, noGradient: 'discrete', infer: broadcasting('bool', fold), formula: 'the result is true or false: nothing flows back' });

const integer = (op: string, fold?: (...xs: number[]) => number): Operator =>
  ({ op, noGradient: 'discrete', infer: broadcasting(undefined, fold), formula: 'integers only: nothing flows back' });

const flat = (op: string, fold?: (x: number) => number): Operator =>
  ({ op, noGradient: 'flat', infer: broadcasting(undefined, fold), formula: 'piecewise constant: dx = 0 almost everywhere' });

const argExtreme = (op: string): Operator => ({
  op, noGradient: 'discrete', formula: 'the result is an index: nothing flows back',
  infer: c => [tensor('int64', reducedDims(c.tensor(0)?.shape, [c.attributes.int('axis', 0)], c.attributes.int('keepdims', 1) === 1))],
});

const source = (op: string, why: NoGradient = 'source'): Operator => ({ op, noGradient: why, infer: like(), formula: 'depends on no input differentiably' });

/** Operators that give no gradient: comparisons, logic, rounding, indices, random numbers. */
export const comparison: readonly Operator[] = [
  bool('Equal', (a, b) => +(a === b)), bool('Greater', (a, b) => +(a > b)), bool('Less', (a, b) => +(a < b)),
  bool('GreaterOrEqual', (a, b) => +(a >= b)), bool('LessOrEqual', (a, b) => +(a <= b)),
  bool('And', (a, b) => +(!!a && !!b)), bool('Or', (a, b) => +(!!a || !!b)), bool('Xor', (a, b) => +(!!a !== !!b)), bool('Not', a => +!a),
  bool('IsNaN'), bool('IsInf'),
  integer('BitShift'), integer('BitwiseAnd'), integer('BitwiseOr'), integer('BitwiseXor'), integer('BitwiseNot'),
  flat('Floor', Math.floor), flat('Ceil', Math.ceil), flat('Round'), flat('Sign', Math.sign),
  argExtreme('ArgMax'), argExtreme('ArgMin'),
  source('RandomNormalLike'), source('RandomUniformLike'), source('Bernoulli'), source('EyeLike'),
  {
    op: 'RandomNormal', noGradient: 'source', formula: 'random numbers: no input',
    infer: c => [tensor('float32', c.attributes.ints('shape'))],
  },
  {
    op: 'RandomUniform', noGradient: 'source', formula: 'random numbers: no input',
    infer: c => [tensor('float32', c.attributes.ints('shape'))],
  },
  { op: 'Multinomial', noGradient: 'discrete', formula: 'random indices: nothing flows back', infer: () => [tensor('int32')] },
  {
    op: 'NonZero', noGradient: 'discrete', formula: 'the result is a list of indices: nothing flows back',
    infer: c => {
      const x = c.tensor(0), rank = x?.shape?.length;
      if (rank === 1 && x?.data) {
        const at = x.data.flatMap((v, i) => (v ? [i] : []));
        return [tensor('int64', [1, at.length], at)];
      }
      return [tensor('int64', rank === undefined ? undefined : [Math.max(rank, 1), undefined])];
    },
  },
  { op: 'Unique', noGradient: 'discrete', formula: 'indices and counts: not differentiated', infer: c => [c.tensor(0) && tensor(c.tensor(0)!.dtype), tensor('int64'), tensor('int64'), tensor('int64')] },
  {
    op: 'NonMaxSuppression', noGradient: 'discrete', formula: 'the result is a list of indices: nothing flows back',
    infer: () => [tensor('int64', [undefined, 3])],
  },
  ...['RegexFullMatch', 'StringConcat', 'StringSplit', 'ImageDecoder', 'BitCast'].map((op): Operator => ({ op, since: op === 'BitCast' ? 26 : 20, noGradient: 'discrete', formula: 'strings, bytes or bits: nothing flows back', infer: () => [undefined] })),
  { op: 'StringNormalizer', noGradient: 'discrete', formula: 'strings', infer: () => [tensor('string')] },
  { op: 'TfIdfVectorizer', noGradient: 'discrete', formula: 'counts of n-grams: nothing flows back', infer: () => [tensor('float32')] },
  { op: 'Hardmax', noGradient: 'flat', infer: like(), formula: 'piecewise constant: dx = 0 almost everywhere' },
  {
    op: 'OneHot', formula: 'dvalues = [Σ dy off the hot index, Σ dy at it]', differentiable: ['values'],
    infer: c => {
      const ind = c.tensor(0)?.shape, depth = c.data(1)?.[0], v = c.tensor(2);
      if (!v) return [undefined];
      if (!ind) return [tensor(v.dtype)];
      const at = norm(c.attributes.int('axis', -1), ind.length + 1);
      return [tensor(v.dtype, [...ind.slice(0, at), depth, ...ind.slice(at)])];
    },
    pullback: c => [undefined, undefined, () => {
      const hot = c.op('OneHot', [c.x[0], c.x[1], c.g.constant('float32', [2], [0, 1])], { axis: c.attributes.int('axis', -1) }).cast('bool');
      const sum = (t: typeof hot) => t.sum().reshape([1]);
      return c.op('Concat', [sum(hot.where(0, c.dy)), sum(hot.where(c.dy, 0))], { axis: 0 });
    }],
  },
];
