import type { Tensor } from '../../graph/tensor.ts';
import { arrays } from './arrays.ts';
import type { Family, LowerContext, Lowering } from './context.ts';

/**
 * Assignments and optimizer steps as functions from old state to new state: the results are the new values of the inputs that are state,
 * in their order. Formulas: tensorflow/core/kernels/training_ops.cc.
 */
type Rule = (x: Args, flags: Flags) => readonly Tensor[];
interface Flags { readonly nesterov: boolean; readonly updateSlots: boolean; readonly linearByRate: boolean }
/** State, hyperparameters and gradient as the operator lists them. */
type Args = readonly [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];

const mul = (a: Tensor, b: Tensor): Tensor => a.g.op('Mul', [a, b]);
const add = (a: Tensor, b: Tensor): Tensor => a.g.op('Add', [a, b]);
const sub = (a: Tensor, b: Tensor): Tensor => a.g.op('Sub', [a, b]);
const div = (a: Tensor, b: Tensor): Tensor => a.g.op('Div', [a, b]);
const max = (a: Tensor, b: Tensor): Tensor => a.g.op('Max', [a, b]);
const square = (a: Tensor): Tensor => mul(a, a);
const rest = (a: Tensor): Tensor => a.rsub(1);
/** old + (target − old) · rate, as TensorFlow's kernels have it. */
const toward = (old: Tensor, target: Tensor, rate: Tensor): Tensor => add(old, mul(sub(target, old), rate));
/** sign(x) · max(|x| − by, 0). */
const shrunk = (x: Tensor, by: Tensor): Tensor => mul(x.sign(), max(sub(x.abs(), by), x.scalar(0)));

/** −lr_power as an exponent of the accumulator. */
function ftrl(variable: Tensor, accum: Tensor, linear: Tensor, grad: Tensor, lr: Tensor, l1: Tensor, l2: Tensor, shrinkage: Tensor | undefined, power: Tensor, byRate: boolean): readonly Tensor[] {
  const after = add(accum, square(grad)), exponent = power.neg(), raised = (t: Tensor) => t.g.op('Pow', [t, exponent]);
  const pulled = shrinkage ? add(grad, mul(mul(variable, shrinkage), variable.scalar(2))) : grad, growth = mul(sub(raised(after), raised(accum)), variable);
  const one = byRate ? lr : undefined, next = add(linear, sub(one ? mul(pulled, one) : pulled, one ? growth : div(growth, lr)));
  const bound = one ? mul(l1, one) : l1, quadratic = add(one ? raised(after) : div(raised(after), lr), one ? mul(l2.mul(2), one) : l2.mul(2));
  const live = next.g.op('Greater', [next.abs(), bound]);
  return [live.where(div(sub(mul(bound, next.sign()), next), quadratic), 0), after, next];
}

const adamRate = (lr: Tensor, beta1Power: Tensor, beta2Power: Tensor): Tensor => div(mul(lr, rest(beta2Power).sqrt()), rest(beta1Power));

/** The dense rules; `grad` is where the gradient stands (a sparse operator has the indices after it). */
const RULES: Readonly<Record<string, { readonly grad: number; readonly state: number; readonly rule: Rule }>> = {
  GradientDescent: { state: 1, grad: 2, rule: ([v, lr, g]) => [sub(v, mul(g, lr))] },
  ProximalGradientDescent: {
    state: 1, grad: 4,
    rule: ([v, lr, l1, l2, g]) => [div(shrunk(sub(v, mul(g, lr)), mul(lr, l1)), mul(l2, lr).add(1))],
  },
  Momentum: {
    state: 2, grad: 3,
    rule: ([v, accum, lr, g, momentum], { nesterov }) => {
      const next = add(mul(accum, momentum), g);
      return [sub(v, nesterov ? add(mul(g, lr), mul(mul(next, momentum), lr)) : mul(next, lr)), next];
    },
  },
  KerasMomentum: {
    state: 2, grad: 3,
    rule: ([v, accum, lr, g, momentum], { nesterov }) => {
      const next = sub(mul(accum, momentum), mul(g, lr));
      return [add(v, nesterov ? sub(mul(next, momentum), mul(g, lr)) : next), next];
    },
  },
  Adagrad: {
    state: 2, grad: 3,
    rule: ([v, accum, lr, g], { updateSlots }) => {
      const next = updateSlots ? add(accum, square(g)) : accum;
      return [sub(v, div(mul(g, lr), next.sqrt())), next];
    },
  },
  AdagradV2: {
    state: 2, grad: 4,
    rule: ([v, accum, lr, epsilon, g], { updateSlots }) => {
      const next = updateSlots ? add(accum, square(g)) : accum;
      return [sub(v, div(mul(g, lr), add(next.sqrt(), epsilon))), next];
    },
  },
  ProximalAdagrad: {
    state: 2, grad: 5,
    rule: ([v, accum, lr, l1, l2, g]) => {
      const next = add(accum, square(g)), rate = div(lr, next.sqrt());
      return [div(shrunk(sub(v, mul(g, rate)), mul(rate, l1)), mul(l2, rate).add(1)), next];
    },
  },
  Adam: {
    state: 3, grad: 9,
    rule: ([v, m, s, beta1Power, beta2Power, lr, beta1, beta2, epsilon, g], { nesterov }) => {
      const nextM = toward(m, g, rest(beta1)), nextS = toward(s, square(g), rest(beta2)), along = nesterov ? add(mul(g, rest(beta1)), mul(nextM, beta1)) : nextM;
      return [sub(v, div(mul(along, adamRate(lr, beta1Power, beta2Power)), add(nextS.sqrt(), epsilon))), nextM, nextS];
    },
  },
  AdamWithAmsgrad: {
    state: 4, grad: 10,
    rule: ([v, m, s, most, beta1Power, beta2Power, lr, beta1, beta2, epsilon, g]) => {
      const nextM = toward(m, g, rest(beta1)), nextS = toward(s, square(g), rest(beta2)), nextMost = max(most, nextS);
      return [sub(v, div(mul(nextM, adamRate(lr, beta1Power, beta2Power)), add(nextMost.sqrt(), epsilon))), nextM, nextS, nextMost];
    },
  },
  AdaMax: {
    state: 3, grad: 8,
    rule: ([v, m, s, beta1Power, lr, beta1, beta2, epsilon, g]) => {
      const nextM = toward(m, g, rest(beta1)), nextS = max(mul(s, beta2), g.abs());
      return [sub(v, mul(div(lr, rest(beta1Power)), div(nextM, add(nextS, epsilon)))), nextM, nextS];
    },
  },
  AdagradDA: {
    state: 3, grad: 3,
    rule: ([v, sum, squares, g, lr, l1, l2, step]) => {
      const nextSum = add(sum, g), nextSquares = add(squares, square(g)), n = step.cast(v.dtype);
      return [div(mul(shrunk(nextSum, mul(l1, n)), lr.neg()), add(mul(mul(l2, n), lr), nextSquares.sqrt())), nextSum, nextSquares];
    },
  },
  Adadelta: {
    state: 3, grad: 6,
    rule: ([v, accum, updates, lr, rho, epsilon, g]) => {
      const next = add(mul(accum, rho), mul(square(g), rest(rho))), step = mul(div(add(updates, epsilon).sqrt(), add(next, epsilon).sqrt()), g);
      return [sub(v, mul(step, lr)), next, add(mul(updates, rho), mul(square(step), rest(rho)))];
    },
  },
  RMSProp: {
    state: 3, grad: 7,
    rule: ([v, ms, mom, lr, rho, momentum, epsilon, g]) => {
      const next = toward(ms, square(g), rest(rho)), nextMom = add(mul(mom, momentum), div(mul(g, lr), add(next, epsilon).sqrt()));
      return [sub(v, nextMom), next, nextMom];
    },
  },
  CenteredRMSProp: {
    state: 4, grad: 8,
    rule: ([v, mg, ms, mom, lr, rho, momentum, epsilon, g]) => {
      const next = toward(ms, square(g), rest(rho)), nextMg = toward(mg, g, rest(rho));
      const nextMom = add(mul(mom, momentum), div(mul(g, lr), add(sub(next, square(nextMg)), epsilon).sqrt()));
      return [sub(v, nextMom), nextMg, next, nextMom];
    },
  },
  Ftrl: { state: 3, grad: 3, rule: ([v, accum, linear, g, lr, l1, l2, power], f) => ftrl(v, accum, linear, g, lr, l1, l2, undefined, power, f.linearByRate) },
  FtrlV2: { state: 3, grad: 3, rule: ([v, accum, linear, g, lr, l1, l2, shrinkage, power], f) => ftrl(v, accum, linear, g, lr, l1, l2, shrinkage, power, f.linearByRate) },
  AddSign: {
    state: 2, grad: 6,
    rule: ([v, m, lr, alpha, decay, beta, g]) => {
      const next = add(mul(m, beta), mul(g, rest(beta)));
      return [sub(v, mul(mul(lr, add(alpha, mul(mul(decay, g.sign()), next.sign()))), g)), next];
    },
  },
  PowerSign: {
    state: 2, grad: 6,
    rule: ([v, m, lr, base, decay, beta, g]) => {
      const next = add(mul(m, beta), mul(g, rest(beta)));
      return [sub(v, mul(mul(lr, mul(mul(mul(base, decay), g.sign()), next.sign()).exp()), g)), next];
    },
  },
};

const flagsOf = (c: LowerContext): Flags => ({
  nesterov: c.attributes.int('use_nesterov', 0) === 1, updateSlots: c.attributes.int('update_slots', 1) === 1, linearByRate: c.attributes.int('multiply_linear_by_lr', 0) === 1,
});

/** Rows that the indices name get the dense rule; each row stands once (optimizers sum repeated ones before). */
function sparse({ rule, grad, state }: (typeof RULES)[string]): Lowering {
  return c => {
    const indices = c.x[grad + 1]!, given = c.x.filter((_, i) => i !== grad + 1), places = indices.cast('int64').unsqueeze([1]);
    const rows = given.map((t, i) => (i < state ? c.op('Gather', [t, indices], { axis: 0 }) : t));
    return rule(rows as unknown as Args, flagsOf(c)).map((t, i) => c.op('ScatterND', [given[i], places, t]));
  };
}

const optimizers = Object.entries(RULES).flatMap(([name, entry]): (readonly [string, Lowering])[] => {
  const dense: Lowering = c => entry.rule(c.x as unknown as Args, flagsOf(c));
  return [[`Apply${name}`, dense], [`ResourceApply${name}`, dense], [`SparseApply${name}`, sparse(entry)], [`ResourceSparseApply${name}`, sparse(entry)]];
});

const REDUCTIONS: Readonly<Record<string, string>> = { Add: 'add', Sub: 'add', Mul: 'mul', Div: 'mul', Update: 'none', Min: 'min', Max: 'max' };

/** Rows of a variable combined with updates; a scalar update is meant for each. */
function scatter(kind: string, nd: boolean): Lowering {
  return c => {
    const [variable, given, updates] = c.x, indices = given.cast('int64'), change = kind === 'Sub' ? updates.neg() : kind === 'Div' ? updates.recip() : updates;
    const shape = () => c.op('Concat', [c.op('Shape', [given]), c.op('Shape', [variable], { start: 1 })], { axis: 0 });
    const wide = !nd && updates.rank === 0 && given.rank !== undefined ? c.op('Expand', [change, shape()]) : change;
    return c.op('ScatterND', [variable, nd ? indices : indices.unsqueeze([-1]), wide], { reduction: REDUCTIONS[kind]! });
  };
}
const scatters = Object.keys(REDUCTIONS).flatMap(kind => [
  [`Scatter${kind}`, scatter(kind, false)], [`ResourceScatter${kind}`, scatter(kind, false)],
  ...(kind === 'Mul' || kind === 'Div' ? [] : [[`ScatterNd${kind}`, scatter(kind, true)], [`ResourceScatterNd${kind}`, scatter(kind, true)]] as const),
] as const);

const assign: Lowering = c => c.x[1];
const slice: Lowering = c => arrays['TensorStridedSliceUpdate']!(c);

/** TensorFlow has no gradient through a write: what was assigned is a constant to what reads it. */
const written = (entries: Readonly<Record<string, Lowering>>): Family => Object.fromEntries(Object.entries(entries).map(([op, rule]) => [op, (c: LowerContext) => {
  const made = rule(c);
  return (made instanceof Array ? made : [made as Tensor]).map(t => t && c.stopped(t));
}]));

export const updates: Family = {
  // What is asked of a variable besides its value.
  VariableShape: c => c.op('Shape', [c.x[0]]).cast(c.dtype('out_type', 'int32')), VarIsInitializedOp: c => c.scalar('bool', 1), IsVariableInitialized: c => c.scalar('bool', 1),
  ...written({
    Assign: assign, AssignVariableOp: assign,
    AssignAdd: c => add(c.x[0], c.x[1]), AssignAddVariableOp: c => add(c.x[0], c.x[1]), AssignSub: c => sub(c.x[0], c.x[1]), AssignSubVariableOp: c => sub(c.x[0], c.x[1]),
    StridedSliceAssign: slice, ResourceStridedSliceAssign: slice,
    ...Object.fromEntries(scatters), ...Object.fromEntries(optimizers),
  }),
};
