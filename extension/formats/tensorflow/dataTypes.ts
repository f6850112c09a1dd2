import type { DType } from '../../../kernels/graph/types.ts';

/** Element types by their number in a DataType field. */
const NAMES: readonly (string | undefined)[] = [
  undefined, 'float32', 'float64', 'int32', 'uint8', 'int16', 'int8', 'string', 'complex64', 'int64', 'bool', 'qint8', 'quint8', 'qint32',
  'bfloat16', 'qint16', 'quint16', 'uint16', 'complex128', 'float16', 'resource', 'variant', 'uint32', 'uint64', 'float8e5m2', 'float8e4m3fn',
  'float8e4m3fnuz', 'float8e4m3b11fnuz', 'float8e5m2fnuz', 'int4', 'uint4', 'int2', 'uint2', 'float4e2m1',
];
const REFERENCE = 100;

/** `float32`, `resource` … of a DataType number; a reference type is its base type. `undefined` for 0 and unknown numbers. */
export function typeName(number: number): string | undefined {
  return NAMES[number > REFERENCE ? number - REFERENCE : number];
}

const STORED: Readonly<Record<string, DType>> = {
  float32: 'float32', float64: 'float64', float16: 'float16', bfloat16: 'bfloat16', int8: 'int8', int16: 'int16', int32: 'int32', int64: 'int64',
  uint8: 'uint8', uint16: 'uint16', uint32: 'uint32', uint64: 'uint64', bool: 'bool', string: 'string', complex64: 'complex64', complex128: 'complex128',
  float8e5m2: 'float8e5m2', float8e4m3fn: 'float8e4m3fn', float8e4m3fnuz: 'float8e4m3fnuz', float8e5m2fnuz: 'float8e5m2fnuz',
  // Quantised types are integers with a meaning of their own; narrow ones take a byte each in TensorFlow.
  qint8: 'int8', quint8: 'uint8', qint16: 'int16', quint16: 'uint16', qint32: 'int32', int4: 'int8', uint4: 'uint8', int2: 'int8', uint2: 'uint8',
};

/** How elements of a TensorFlow type lie in memory; `undefined` for handles (`resource`, `variant`) and types that ONNX has not. */
export function storedType(name: string | undefined): DType | undefined {
  return name === undefined ? undefined : STORED[name];
}
