import type { Operand, Tensor } from '../graph/tensor.ts';
import { DTYPE_OF_ONNX } from '../graph/tensor.ts';
import { tensor } from '../graph/types.ts';
import { ZERO, type Operator, type PullbackContext, type PullbackEntry } from './operator.ts';
import { broadcasting, like } from './shapes.ts';

/** A function of one input: its derivative as a factor of dy, from the input or the output already computed. */
function unary(op: string, factor: (x: Tensor, y: Tensor) => Operand, formula: string, since = 1, name = 'input'): Operator {
  return {
    op, since, formula: `dx = dy · ${formula}`, differentiable: [name], infer: like(),
    pullback: ({ x: [x], y: [y], dy }) => [() => dy.mul(factor(x!, y!))],
  };
}

const two = ['A', 'B'];

/** Elementwise maximum or minimum of several inputs. */
function extreme(op: 'Max' | 'Min', fold: (...xs: number[]) => number): Operator {
  return {
    op, since: 8, broadcasts: true, infer: broadcasting(undefined, fold), differentiable: ['data_0'], questions: ['elementwiseTies'],
    formula: 'dxᵢ = dy where xᵢ is the extreme; equal inputs share it (TensorFlow: the first takes it)',
    pullback: c => {
      const { x, y: [y], dy, conventions } = c;
      const hits = x.map(v => v.eq(y!));
      if (x.length === 1) return [() => dy];
      if (conventions.elementwiseTies === 'first') {
        return x.map((_, i) => () => (i === 0 ? hits[0]! : hits.slice(0, i).reduce((taken, h) => taken.and(h.not()), hits[i]!)).where(dy, 0));
      }
      const share = () => dy.div(hits.map(h => h.cast(dy.dtype)).reduce((a, b) => a.add(b)));
      return x.map((_, i) => () => hits[i]!.where(share(), 0));
    },
  };
}

function pow(c: PullbackContext): readonly PullbackEntry[] {
  const { x: [a, b], y: [y], dy, conventions } = c;
  const dBase = () => {
    const e = b!.castLike(a!);
    if (b!.data?.length === 1) {
      const p = b!.data[0]!;
      if (p === 0 && conventions.powOfZeroToZero === 'zero') return dy.zerosLike();
      if (p === 1) return dy;
      if (p === 2) return dy.mul(a!.mul(2));
      return dy.mul(c.op('Pow', [a!, a!.scalar(p - 1)]).mul(p));
    }
    // x⁰ is constant, also at x = 0, where 0·0⁻¹ would be NaN.
    const slope = dy.mul(e).mul(a!.pow(e.sub(e.scalar(1))));
    return conventions.powOfZeroToZero === 'zero' ? e.eq(0).where(0, slope) : slope;
  };
  const dExponent = () => {
    // What x ** 2 leaves in a file of torch: a number there, not a tensor, and at x < 0 its derivative does not exist.
    if (conventions.powLogOfNonPositive === 'as-computed' && b!.rank === 0 && Number.isInteger(b!.data?.[0])) return ZERO;
    if (conventions.powLogOfNonPositive === 'zero') return a!.gt(0).where(dy.mul(y!).mul(a!.gt(0).where(a!, 1).log()), 0);
    return a!.eq(0).and(b!.castLike(a!).ge(0)).where(0, dy.mul(y!).mul(a!.log()));
  };
  return [dBase, dExponent];
}

export const elementwise: readonly Operator[] = [
  unary('Abs', x => x.sign(), 'sign x', 1, 'X'),
  unary('Neg', () => -1, '−1', 1, 'X'),
  unary('Exp', (_, y) => y, 'eˣ'),
  unary('Log', x => x.recip(), '1/x'),
  {
    ...unary('Sqrt', (_, y) => y.mul(2).recip(), '1/(2√x)', 1, 'X'), questions: ['sqrtOfNoCotangent'],
    pullback: ({ y: [y], dy, conventions }) => [() => {
      const dx = dy.mul(y!.mul(2).recip());
      return conventions.sqrtOfNoCotangent === 'zero' ? dy.eq(0).where(0, dx) : dx;
    }],
  },
  unary('Reciprocal', (_, y) => y.square().neg(), '−1/x²', 1, 'X'),
  unary('Sin', x => x.cos(), 'cos x', 7),
  unary('Cos', x => x.sin().neg(), '−sin x', 7),
  unary('Tan', (_, y) => y.square().add(1), '1 + tan²x', 7),
  unary('Asin', x => x.square().rsub(1).sqrt().recip(), '1/√(1 − x²)', 7),
  unary('Acos', x => x.square().rsub(1).sqrt().recip().neg(), '−1/√(1 − x²)', 7),
  unary('Atan', x => x.square().add(1).recip(), '1/(1 + x²)', 7),
  unary('Sinh', x => x.g.op('Cosh', [x]), 'cosh x', 9),
  unary('Cosh', x => x.g.op('Sinh', [x]), 'sinh x', 9),
  unary('Tanh', (_, y) => y.square().rsub(1), '1 − tanh²x'),
  unary('Asinh', x => x.square().add(1).sqrt().recip(), '1/√(x² + 1)', 9),
  unary('Acosh', x => x.sub(1).mul(x.add(1)).sqrt().recip(), '1/√(x² − 1)', 9),
  unary('Atanh', x => x.square().rsub(1).recip(), '1/(1 − x²)', 9),
  unary('Erf', x => x.square().neg().exp().mul(2 / Math.sqrt(Math.PI)), '2/√π · e^(−x²)', 9),
  unary('Sigmoid', (_, y) => y.mul(y.rsub(1)), 'σ(x)(1 − σ(x))', 1, 'X'),

  {
    op: 'Add', broadcasts: true, infer: broadcasting(undefined, (a, b) => a + b), formula: 'da = dy, db = dy', differentiable: two,
    pullback: ({ dy }) => [() => dy, () => dy],
  },
  {
    op: 'Sub', broadcasts: true, infer: broadcasting(undefined, (a, b) => a - b), formula: 'da = dy, db = −dy', differentiable: two,
    pullback: ({ dy }) => [() => dy, () => dy.neg()],
  },
  {
    op: 'Mul', broadcasts: true, infer: broadcasting(undefined, (a, b) => a * b), formula: 'da = dy · b, db = dy · a', differentiable: two,
    pullback: ({ x: [a, b], dy }) => [() => dy.mul(b!), () => dy.mul(a!)],
  },
  {
    op: 'Div', broadcasts: true, formula: 'da = dy / b, db = −dy · a / b²', differentiable: two,
    infer: c => broadcasting(undefined, c.tensor(0)?.dtype === 'int64' || c.tensor(0)?.dtype === 'int32' ? (a, b) => Math.trunc(a / b) : (a, b) => a / b)(c),
    pullback: ({ x: [a, b], dy }) => [() => dy.div(b!), () => dy.mul(a!).div(b!.square()).neg()],
  },
  {
    op: 'Pow', broadcasts: true, infer: c => broadcasting(c.tensor(0)?.dtype, (a, b) => a ** b)(c), differentiable: ['X', 'Y'],
    formula: 'dx = dy · e · xᵉ⁻¹ (0 at e = 0), de = dy · y · ln x', questions: ['powLogOfNonPositive', 'powOfZeroToZero'], pullback: pow,
  },
  {
    op: 'Mod', since: 10, broadcasts: true, formula: 'da = dy, db = −dy · quotient (fmod truncates, else floor)', differentiable: two,
    infer: c => broadcasting(undefined, c.attributes.int('fmod', 0) ? (a, b) => a % b : (a, b) => a - Math.floor(a / b) * b)(c),
    pullback: ({ x: [a, b], y: [y], dy }) => [() => dy, () => dy.mul(a!.sub(y!).div(b!)).neg()],
  },
  extreme('Max', Math.max),
  extreme('Min', Math.min),
  {
    op: 'Sum', since: 8, broadcasts: true, infer: broadcasting(), formula: 'dxᵢ = dy', differentiable: ['data_0'],
    pullback: ({ x, dy }) => x.map(() => () => dy),
  },
  {
    op: 'Mean', since: 8, broadcasts: true, infer: broadcasting(), formula: 'dxᵢ = dy / n', differentiable: ['data_0'],
    pullback: ({ x, dy }) => x.map(() => () => dy.mul(1 / x.length)),
  },
  {
    op: 'Where', since: 9, broadcasts: true, formula: 'dx = dy where the condition holds, dy elsewhere to y', differentiable: ['X', 'Y'],
    infer: c => {
      const shape = broadcasting('bool')(c)[0], t = c.tensor(1) ?? c.tensor(2), data = c.data(0), a = c.data(1), b = c.data(2);
      if (!t || shape?.kind !== 'tensor') return [undefined];
      const n = shape.shape?.reduce<number>((p, d) => p * (typeof d === 'number' ? d : NaN), 1) ?? NaN;
      const pick = (v: readonly number[], i: number) => v[v.length === 1 ? 0 : i]!;
      const known = data && a && b && [data, a, b].every(v => v.length === n || v.length === 1);
      return [tensor(t.dtype, shape.shape, known ? Array.from({ length: n }, (_, i) => (pick(data, i) ? pick(a, i) : pick(b, i))) : undefined)];
    },
    pullback: ({ x: [condition], dy }) => [undefined, () => condition!.where(dy, 0), () => condition!.where(0, dy)],
  },
  { op: 'Identity', infer: c => [c.inputs[0]], formula: 'dx = dy', differentiable: ['input'], pullback: ({ dy }) => [() => dy] },
  {
    op: 'Cast', formula: 'dx = dy, in the type of x', differentiable: ['input'],
    infer: c => {
      const to = DTYPE_OF_ONNX.get(c.attributes.int('to', 1)) ?? 'float32', t = c.tensor(0);
      const integral = !to.startsWith('float') && to !== 'bfloat16';
      const data = t?.data?.map(v => (to === 'bool' ? +(v !== 0) : integral ? Math.trunc(v) : v));
      return [tensor(to, t?.shape, to === 'string' ? undefined : data)];
    },
    pullback: ({ dy }) => [() => dy],
  },
  {
    op: 'CastLike', since: 15, formula: 'dx = dy, in the type of x', differentiable: ['input'],
    infer: c => [c.tensor(1) && tensor(c.tensor(1)!.dtype, c.tensor(0)?.shape)],
    pullback: ({ dy }) => [() => dy, undefined],
  },
];
