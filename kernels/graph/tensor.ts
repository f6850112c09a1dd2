import type { AttributeInputs } from './attributes.ts';
import type { DType, Dim, StaticShape, TensorType, ValueType } from './types.ts';
import { isFloat, staticShape } from './types.ts';

export interface EmitOptions {
  readonly domain?: string;
  /** Number of outputs; default 1. */
  readonly outputs?: number;
  /** Types of the outputs, where the emitter knows better than inference. */
  readonly types?: readonly (ValueType | undefined)[];
}

/** What a Tensor needs of the graph that it lives in. */
export interface Emitter {
  /** Appends one node (or finds an equal one) and returns its first output. */
  op(op: string, inputs: readonly (Tensor | undefined)[], attributes?: AttributeInputs, options?: EmitOptions): Tensor;
  typeOf(name: string): ValueType | undefined;
  constant(dtype: DType, dims: readonly number[], values: readonly number[]): Tensor;
}

export type Operand = Tensor | number;

/**
 * A value of a graph under construction, as rules see it: arithmetic emits ONNX nodes into the graph. Multiplications by one,
 * additions of zero, reshapes to the same shape and the like emit nothing. Shapes may be unknown; the helpers that need one
 * (`reshapeLike`, `expandTo`, `sumTo`) then emit dynamic ONNX, so that a rule never has to ask.
 */
export class Tensor {
  constructor(readonly g: Emitter, readonly name: string) {}

  get valueType(): ValueType | undefined { return this.g.typeOf(this.name); }
  get type(): TensorType {
    const t = this.valueType;
    return t?.kind === 'tensor' ? t : { kind: 'tensor', dtype: 'float32' };
  }
  get dtype(): DType { return this.type.dtype; }
  /** All dimensions as numbers, or `undefined`. */
  get shape(): StaticShape | undefined { return staticShape(this.valueType); }
  /** Dimensions as far as known; `undefined` when the rank is not. */
  get dims(): readonly Dim[] | undefined { return this.type.shape; }
  get rank(): number | undefined { return this.type.shape?.length; }
  /** The elements where they are known before the run. */
  get data(): readonly number[] | undefined { return this.type.data; }
  get isFloat(): boolean { return isFloat(this.dtype); }

  /** The rank, or an error that names what needs it. */
  needRank(why: string): number {
    if (this.rank === undefined) throw new UnknownShape(this.name, why);
    return this.rank;
  }

  /** A scalar constant of this tensor's type. */
  scalar(value: number): Tensor { return this.g.constant(this.dtype, [], [value]); }
  private of(v: Operand): Tensor { return typeof v === 'number' ? this.scalar(v) : v; }
  private is(v: Operand, value: number): boolean {
    return v === value || (typeof v !== 'number' && v.shape?.length === 0 && v.data?.[0] === value);
  }
  private binary(op: string, b: Operand): Tensor { return this.g.op(op, [this, this.of(b)]); }

  add(b: Operand): Tensor { return this.is(b, 0) ? this : this.binary('Add', b); }
  sub(b: Operand): Tensor { return this.is(b, 0) ? this : this.binary('Sub', b); }
  /** `b − this`. */
  rsub(b: Operand): Tensor { return this.of(b).sub(this); }
  mul(b: Operand): Tensor {
    if (this.is(b, 1)) return this;
    if (this.is(this, 1) && typeof b !== 'number') return b;
    if (this.is(b, -1)) return this.neg();
    return this.binary('Mul', b);
  }
  div(b: Operand): Tensor { return this.is(b, 1) ? this : this.binary('Div', b); }
  /** `b / this`. */
  rdiv(b: Operand): Tensor { return this.is(b, 1) ? this.recip() : this.of(b).div(this); }
  pow(b: Operand): Tensor { return this.binary('Pow', b); }
  max(b: Operand): Tensor { return this.binary('Max', b); }
  min(b: Operand): Tensor { return this.binary('Min', b); }
  matmul(b: Tensor): Tensor { return this.binary('MatMul', b); }

  private unary(op: string): Tensor { return this.g.op(op, [this]); }
  neg(): Tensor { return this.unary('Neg'); }
  abs(): Tensor { return this.unary('Abs'); }
  sign(): Tensor { return this.unary('Sign'); }
  exp(): Tensor { return this.unary('Exp'); }
  log(): Tensor { return this.unary('Log'); }
  sqrt(): Tensor { return this.unary('Sqrt'); }
  recip(): Tensor { return this.unary('Reciprocal'); }
  square(): Tensor { return this.mul(this); }
  sin(): Tensor { return this.unary('Sin'); }
  cos(): Tensor { return this.unary('Cos'); }
  tanh(): Tensor { return this.unary('Tanh'); }
  sigmoid(): Tensor { return this.unary('Sigmoid'); }
  floor(): Tensor { return this.unary('Floor'); }
  ceil(): Tensor { return this.unary('Ceil'); }

  eq(b: Operand): Tensor { return this.binary('Equal', b); }
  ne(b: Operand): Tensor { return this.eq(b).not(); }
  gt(b: Operand): Tensor { return this.binary('Greater', b); }
  ge(b: Operand): Tensor { return this.binary('GreaterOrEqual', b); }
  lt(b: Operand): Tensor { return this.binary('Less', b); }
  le(b: Operand): Tensor { return this.binary('LessOrEqual', b); }
  not(): Tensor { return this.unary('Not'); }
  and(b: Tensor): Tensor { return this.binary('And', b); }
  or(b: Tensor): Tensor { return this.binary('Or', b); }
  isNaN(): Tensor { return this.unary('IsNaN'); }
  /** With this as the condition (bool). A mask is applied by `where`, never by multiplying: 0·inf would be NaN. */
  where(a: Operand, b: Operand): Tensor {
    const like = typeof a !== 'number' ? a : (b as Tensor);
    return this.g.op('Where', [this, like.of(a), like.of(b)]);
  }

  cast(dtype: DType): Tensor { return dtype === this.dtype ? this : this.g.op('Cast', [this], { to: ONNX_TYPE[dtype] }); }
  castLike(other: Tensor): Tensor { return this.cast(other.dtype); }

  // ---- shape

  /** The shape as an int64 vector: a constant where it is known. */
  shapeTensor(): Tensor { return this.shape ? ints(this.g, this.shape) : this.g.op('Shape', [this]); }
  /** Dimension `axis` (may be negative) as an int64 vector of one element. */
  dimTensor(axis: number): Tensor {
    const rank = this.rank, d = rank === undefined ? undefined : this.dims![axis < 0 ? axis + rank : axis];
    if (typeof d === 'number') return ints(this.g, [d]);
    return axis === -1 ? this.g.op('Shape', [this], { start: -1 }) : this.g.op('Shape', [this], { start: axis, end: axis + 1 });
  }
  /** Number of elements as a scalar of this tensor's type. */
  sizeTensor(): Tensor {
    if (this.shape) return this.scalar(this.shape.reduce((a, b) => a * b, 1));
    return this.g.op('Size', [this]).cast(this.dtype);
  }
  reshape(dims: StaticShape): Tensor {
    const s = this.shape;
    if (s && s.length === dims.length && s.every((d, i) => d === dims[i])) return this;
    return this.g.op('Reshape', [this, ints(this.g, dims)], dims.includes(0) ? { allowzero: 1 } : {});
  }
  /** Reshape by an int64 vector that is computed in the graph. */
  reshapeTo(shape: Tensor): Tensor {
    if (shape.data && !shape.data.includes(0) && !shape.data.includes(-1)) return this.reshape(shape.data);
    return this.g.op('Reshape', [this, shape]);
  }
  reshapeLike(ref: Tensor): Tensor {
    if (ref.shape) return this.reshape(ref.shape);
    return this.g.op('Reshape', [this, ref.shapeTensor()], { allowzero: 1 });
  }
  transpose(perm: readonly number[]): Tensor {
    return perm.every((p, i) => p === i) ? this : this.g.op('Transpose', [this], { perm });
  }
  /** Exchanges the last two axes. */
  transposeLast(): Tensor {
    const r = this.needRank('transposing the last two axes');
    return this.transpose([...Array(r - 2).keys(), r - 1, r - 2]);
  }
  unsqueeze(axes: readonly number[]): Tensor { return axes.length ? this.g.op('Unsqueeze', [this, ints(this.g, axes)]) : this; }
  squeeze(axes: readonly number[]): Tensor { return axes.length ? this.g.op('Squeeze', [this, ints(this.g, axes)]) : this; }
  /** Broadcast to the shape of `ref`. */
  expandTo(ref: Tensor): Tensor { return ref.shape ? this.expand(ref.shape) : this.g.op('Expand', [this, ref.shapeTensor()]); }
  expand(dims: StaticShape): Tensor {
    const s = this.shape;
    if (s && s.length === dims.length && s.every((d, i) => d === dims[i])) return this;
    return this.g.op('Expand', [this, ints(this.g, dims)]);
  }
  slice(starts: readonly number[], ends: readonly number[], axes: readonly number[], steps?: readonly number[]): Tensor {
    return this.g.op('Slice', [this, ints(this.g, starts), ints(this.g, ends), ints(this.g, axes), steps && ints(this.g, steps)]);
  }
  gather(indices: Tensor, axis: number): Tensor { return this.g.op('Gather', [this, indices], { axis }); }
  /** Zeros of this tensor's shape and type. */
  zerosLike(): Tensor { return this.filledLike(0); }
  onesLike(): Tensor { return this.filledLike(1); }
  filledLike(value: number): Tensor { return this.scalar(value).expandTo(this); }

  // ---- reductions; no axes = all

  private reduce(op: string, axes: readonly number[] | undefined, keepdims: boolean): Tensor {
    if (axes && axes.length === 0) return this;
    return this.g.op(op, [this, axes && ints(this.g, axes)], { keepdims: keepdims ? 1 : 0 });
  }
  sum(axes?: readonly number[], keepdims = false): Tensor { return this.reduce('ReduceSum', axes, keepdims); }
  mean(axes?: readonly number[], keepdims = false): Tensor { return this.reduce('ReduceMean', axes, keepdims); }
  reduceMax(axes?: readonly number[], keepdims = false): Tensor { return this.reduce('ReduceMax', axes, keepdims); }
  reduceMin(axes?: readonly number[], keepdims = false): Tensor { return this.reduce('ReduceMin', axes, keepdims); }
  prod(axes?: readonly number[], keepdims = false): Tensor { return this.reduce('ReduceProd', axes, keepdims); }

  /** Sums over the axes along which `ref` was broadcast to this shape: the adjoint of broadcasting. */
  sumTo(ref: Tensor): Tensor {
    const from = this.dims, to = ref.dims;
    if (this.shape && ref.shape) return this.sumToStatic(ref.shape);
    // Equal symbolic dimensions are the same size; a lone unknown may be 1 at run time.
    if (from && to && from.length === to.length && from.every((d, i) => d !== undefined && d === to[i])) return this;
    return this.sumToDynamic(ref);
  }
  private sumToStatic(to: StaticShape): Tensor {
    const from = this.shape!, lead = from.length - to.length, axes: number[] = [];
    for (let i = 0; i < from.length; i++) if (i < lead || (to[i - lead] === 1 && from[i] !== 1)) axes.push(i);
    return this.sum(axes, true).reshape(to);
  }
  /** gradients.md 2: axes = where the padded shapes differ. Right for scalars and empty tensors too. */
  private sumToDynamic(ref: Tensor): Tensor {
    const { g } = this, mine = g.op('Shape', [this]), theirs = g.op('Shape', [ref]);
    const missing = g.op('Sub', [g.op('Shape', [mine]), g.op('Shape', [theirs])]);
    const ones = g.op('Expand', [ints(g, [1]), missing]);
    const padded = g.op('Concat', [ones, theirs], { axis: 0 });
    const axes = g.op('Reshape', [g.op('NonZero', [padded.eq(mine).not()]), ints(g, [-1])]);
    const summed = g.op('ReduceSum', [this, axes], { keepdims: 1, noop_with_empty_axes: 1 });
    return g.op('Reshape', [summed, theirs], { allowzero: 1 }, { types: [{ ...ref.type, dtype: this.dtype }] });
  }
}

/** A rule needs a rank or size that is only known at run time; the session then probes the forward pass and tries again. */
export class UnknownShape extends Error {
  constructor(readonly value: string, readonly why: string) {
    super(`the shape of ${value} is not known, and ${why} needs it`);
  }
}

/** An int64 vector. */
export function ints(g: Emitter, values: readonly number[]): Tensor {
  return g.constant('int64', [values.length], values);
}

/** Numbers of TensorProto.DataType. */
export const ONNX_TYPE: Readonly<Record<DType, number>> = {
  float32: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7, string: 8, bool: 9, float16: 10, float64: 11,
  uint32: 12, uint64: 13, complex64: 14, complex128: 15, bfloat16: 16, float8e4m3fn: 17, float8e4m3fnuz: 18, float8e5m2: 19,
  float8e5m2fnuz: 20, uint4: 21, int4: 22, float4e2m1: 23, float8e8m0: 24, uint2: 25, int2: 26,
};
export const DTYPE_OF_ONNX: ReadonlyMap<number, DType> = new Map(Object.entries(ONNX_TYPE).map(([k, v]) => [v, k as DType]));
