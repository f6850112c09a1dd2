import type { Tensor } from '../../graph/tensor.ts';
import { isFloat, type DType } from '../../graph/types.ts';
import type { Family, LowerContext, Lowering } from './context.ts';

/** Integers that ONNX Runtime's arithmetic has no kernels for are widened; the result's type is then the file's again. */
const WIDER: Partial<Record<DType, DType>> = { int8: 'int32', uint8: 'int32', int16: 'int32', uint16: 'int32', uint32: 'int64', uint64: 'int64' };
export const wide = (t: Tensor): Tensor => (WIDER[t.dtype] ? t.cast(WIDER[t.dtype]!) : t);

const one = (op: string): Lowering => c => c.op(op, [wide(c.x[0])]);
const two = (op: string): Lowering => c => c.op(op, [wide(c.x[0]), wide(c.x[1])]);
const own = (op: string): Lowering => c => c.own(op, c.x.slice(0));
const plain = (op: string): Lowering => c => c.op(op, [...c.x]);

const div = (c: LowerContext, a: Tensor, b: Tensor): Tensor => c.op('Div', [a, b]);
/** Floor for floats; for integers the remainder is taken off first, since Div truncates. */
const floorDiv: Lowering = c => {
  const [a, b] = [wide(c.x[0]), wide(c.x[1])];
  return a.isFloat ? div(c, a, b).floor() : div(c, c.op('Sub', [a, c.op('Mod', [a, b])]), b);
};
const floorMod: Lowering = c => {
  const [a, b] = [wide(c.x[0]), wide(c.x[1])];
  return a.isFloat ? c.op('Sub', [a, c.op('Mul', [div(c, a, b).floor(), b])]) : c.op('Mod', [a, b]);
};
/** f(x, y) where x is not zero, else 0; y is guarded so that no NaN flows back. */
const whereNonZero = (f: (x: Tensor, y: Tensor) => Tensor): Lowering => ({ x: [x, y] }) => {
  const live = x.ne(0);
  return live.where(f(x, live.where(y, 1)), 0);
};

function addN(c: LowerContext): Tensor {
  if (c.x.length === 1) return c.x[0];
  return isFloat(c.x[0].dtype) ? c.op('Sum', [...c.x]) : c.x.slice(1).reduce((a, b) => c.op('Add', [a, b]), wide(c.x[0]));
}

/** Select with a vector as its condition chooses rows. */
function select(c: LowerContext): Tensor {
  const [condition, a, b] = c.x;
  const rows = condition.rank === 1 && (a.rank ?? 1) > 1;
  return c.op('Where', [rows ? condition.unsqueeze(Array.from({ length: a.rank! - 1 }, (_, i) => i + 1)) : condition, a, b]);
}

function cast(c: LowerContext): Tensor {
  const to = c.dtype('DstT'), [x] = c.x;
  if (to.startsWith('complex') || x.dtype.startsWith('complex')) c.refuse('complex numbers have no form in ONNX');
  // Quantised and bfloat16 numbers go through what the runtime has a kernel for.
  return x.cast(to);
}

/** tf.clip_by_value's kernel: a bound gets the gradient only where x is strictly outside. */
const clip: Lowering = c => c.op('Min', [c.op('Max', [wide(c.x[0]), wide(c.x[1])]), wide(c.x[2])]);

export const math: Family = {
  Add: two('Add'), AddV2: two('Add'), Sub: two('Sub'), Mul: two('Mul'), RealDiv: two('Div'), Div: two('Div'),
  DivNoNan: c => {
    const [x, y] = c.x, zero = y.eq(0);
    return zero.where(0, div(c, x, zero.where(1, y)));
  },
  MulNoNan: own('MulNoNan'),
  FloorDiv: floorDiv, FloorMod: floorMod,
  Mod: c => (c.x[0].isFloat ? c.op('Mod', [c.x[0], c.x[1]], { fmod: 1 }) : c.op('Mod', [wide(c.x[0]), wide(c.x[1])], { fmod: 1 })),
  TruncateMod: c => c.op('Mod', [wide(c.x[0]), wide(c.x[1])], { fmod: 1 }),
  TruncateDiv: c => {
    const q = c.op('Div', [wide(c.x[0]), wide(c.x[1])]);
    return q.isFloat ? q.sign().mul(q.abs().floor()) : q;
  },
  Maximum: two('Max'), Minimum: two('Min'), ClipByValue: clip,
  Pow: two('Pow'),
  SquaredDifference: c => {
    const d = c.op('Sub', [wide(c.x[0]), wide(c.x[1])]);
    return c.op('Mul', [d, d]);
  },
  Square: c => c.op('Mul', [wide(c.x[0]), wide(c.x[0])]),
  Sqrt: one('Sqrt'), Rsqrt: c => c.x[0].sqrt().recip(), Reciprocal: one('Reciprocal'), Inv: one('Reciprocal'),
  Exp: one('Exp'), Expm1: own('Expm1'), Log: one('Log'), Log1p: own('Log1p'),
  Abs: one('Abs'), Sign: one('Sign'), Neg: one('Neg'),
  Sin: one('Sin'), Cos: one('Cos'), Tan: one('Tan'), Asin: one('Asin'), Acos: one('Acos'), Atan: one('Atan'), Atan2: own('Atan2'),
  Sinh: one('Sinh'), Cosh: one('Cosh'), Asinh: one('Asinh'), Acosh: one('Acosh'), Atanh: one('Atanh'), Tanh: one('Tanh'),
  Sigmoid: one('Sigmoid'), Erf: one('Erf'), Erfc: c => c.op('Sub', [c.scalar(c.x[0].dtype, 1), c.op('Erf', [c.x[0]])]),
  Floor: one('Floor'), Ceil: one('Ceil'), Round: c => (c.x[0].isFloat ? c.op('Round', [c.x[0]]) : c.x[0]), Rint: one('Round'),
  Cast: cast, Select: select, SelectV2: plain('Where'),
  Equal: two('Equal'), NotEqual: c => c.op('Equal', [wide(c.x[0]), wide(c.x[1])]).not(),
  Less: two('Less'), LessEqual: two('LessOrEqual'), Greater: two('Greater'), GreaterEqual: two('GreaterOrEqual'),
  ApproximateEqual: c => c.op('Sub', [c.x[0], c.x[1]]).abs().lt(c.attributes.float('tolerance', 1e-5)),
  LogicalAnd: plain('And'), LogicalOr: plain('Or'), LogicalNot: plain('Not'),
  BitwiseAnd: plain('BitwiseAnd'), BitwiseOr: plain('BitwiseOr'), BitwiseXor: plain('BitwiseXor'), Invert: plain('BitwiseNot'),
  IsNan: one('IsNaN'), IsInf: one('IsInf'), IsFinite: c => c.x[0].isNaN().or(c.op('IsInf', [c.x[0]])).not(),
  Xdivy: whereNonZero((x, y) => x.g.op('Div', [x, y])), Xlogy: whereNonZero((x, y) => x.g.op('Mul', [x, y.log()])),
  Xlog1py: ({ x: [x, y] }) => {
    const live = x.ne(0);
    return live.where(x.g.op('Mul', [x, x.g.op('Log1p', [live.where(y, 0)], {}, { domain: 'adjoint' })]), 0);
  },
  AddN: addN, AccumulateNV2: addN,
  Identity: c => c.x[0], IdentityN: c => [...c.x], Snapshot: c => c.x[0], CheckNumerics: c => c.x[0], CheckNumericsV2: c => c.x[0], DebugIdentity: c => c.x[0], DebugIdentityV2: c => c.x[0],
  EnsureShape: c => c.x[0], PlaceholderWithDefault: c => c.x[0], ReadVariableOp: c => c.x[0],
  Lgamma: own('Lgamma'), Digamma: own('Digamma'), Ndtri: own('Ndtri'), Erfinv: own('Erfinv'), Igamma: own('Igamma'), Igammac: own('Igammac'), IgammaGradA: own('IgammaGradA'), Betainc: own('Betainc'),
  StopGradient: own('StopGradient'), PreventGradient: own('PreventGradient'),
};
