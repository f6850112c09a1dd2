/** Element types of ONNX tensors, by their ONNX names. */
export type DType =
  | 'float32' | 'float64' | 'float16' | 'bfloat16'
  | 'int8' | 'int16' | 'int32' | 'int64' | 'uint8' | 'uint16' | 'uint32' | 'uint64'
  | 'int4' | 'uint4' | 'int2' | 'uint2' | 'float4e2m1'
  | 'float8e4m3fn' | 'float8e4m3fnuz' | 'float8e5m2' | 'float8e5m2fnuz' | 'float8e8m0'
  | 'bool' | 'string' | 'complex64' | 'complex128';

/** A dimension: a size, a symbolic name from the file, or unknown (`undefined`). */
export type Dim = number | string | undefined;

/** What is known of a tensor before anything runs. */
export interface TensorType {
  readonly kind: 'tensor';
  readonly dtype: DType;
  /** `undefined`: not even the rank is known. `[]` is a scalar. */
  readonly shape?: readonly Dim[];
  /** The elements in row-major order, where they follow from the graph alone (shapes, axes, sizes; at most a few thousand). */
  readonly data?: readonly number[];
}
export interface SequenceType { readonly kind: 'sequence'; readonly element: ValueType }
export interface OptionalType { readonly kind: 'optional'; readonly element: ValueType }
export type ValueType = TensorType | SequenceType | OptionalType;

export type StaticShape = readonly number[];

const FLOATS: ReadonlySet<DType> = new Set<DType>(['float32', 'float64', 'float16', 'bfloat16']);

/** True for the element types that a gradient is computed in. */
export function isFloat(dtype: DType): boolean {
  return FLOATS.has(dtype);
}

export function tensor(dtype: DType, shape?: readonly Dim[], data?: readonly number[]): TensorType {
  return { kind: 'tensor', dtype, ...(shape && { shape }), ...(data && { data }) };
}

/** The shape if every dimension is a number, else `undefined`. */
export function staticShape(type: ValueType | undefined): StaticShape | undefined {
  return type?.kind === 'tensor' && type.shape?.every(d => typeof d === 'number') ? (type.shape as StaticShape) : undefined;
}

/** Number of elements of a static shape. */
export function elementCount(shape: StaticShape): number {
  let count = 1;
  for (const d of shape) count *= d;
  return count;
}

/** Bytes of one element; 4- and 2-bit types are fractions of a byte, strings have no fixed size (0). */
export const BYTES_PER_ELEMENT: Readonly<Record<DType, number>> = {
  float32: 4, float64: 8, float16: 2, bfloat16: 2,
  int8: 1, int16: 2, int32: 4, int64: 8, uint8: 1, uint16: 2, uint32: 4, uint64: 8,
  int4: 0.5, uint4: 0.5, int2: 0.25, uint2: 0.25, float4e2m1: 0.5,
  float8e4m3fn: 1, float8e4m3fnuz: 1, float8e5m2: 1, float8e5m2fnuz: 1, float8e8m0: 1,
  bool: 1, string: 0, complex64: 8, complex128: 16,
};
