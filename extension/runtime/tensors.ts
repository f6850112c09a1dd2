import type * as Ort from 'onnxruntime-node';
import { UserError } from '../../kernels/graph/errors.ts';
import type { DType } from '../../kernels/graph/types.ts';
import { BYTES_PER_ELEMENT, elementCount } from '../../kernels/graph/types.ts';
import type { NumericTensor, PortInfo, TensorValue } from './protocol.ts';

/** The arrays that the binding takes and gives; types that are absent here it cannot hand over. */
const ARRAYS = {
  float32: Float32Array, float64: Float64Array, float16: Uint16Array,
  int8: Int8Array, int16: Int16Array, int32: Int32Array, int64: BigInt64Array,
  uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, uint64: BigUint64Array, bool: Uint8Array,
} as const;
type Carried = keyof typeof ARRAYS;

function isCarried(dtype: DType): dtype is Carried {
  return dtype in ARRAYS;
}

/**
 * A feed as ONNX Runtime's tensor, checked against the input it is for: the binding's own messages name neither.
 * Throws UserError('usage').
 */
export function toOrt(ort: typeof Ort, port: PortInfo, value: TensorValue): Ort.Tensor {
  const { dtype, dims } = value;
  if (port.dtype === undefined) throw new UserError('usage', `Input ${port.name} is no tensor; sequences and optional values cannot be fed.`, 'Choose a part of the model with tensor inputs.');
  if (dtype !== port.dtype) throw new UserError('usage', `Input ${port.name} is ${port.dtype}, but ${dtype} was given.`, 'Convert the input.');
  checkDims(port, dims);
  const count = elementCount(dims);
  if (dtype === 'string') {
    if (value.data.length !== count) throw wrongLength(port.name, dims, value.data.length, 'strings', count);
    return new ort.Tensor('string', value.data as string[], dims);
  }
  if (!isCarried(dtype)) {
    throw new UserError('usage', `Input ${port.name} is ${dtype}, which ONNX Runtime's Node binding cannot take.`, 'Feed float32 and put a Cast in the graph.');
  }
  const { data } = value as NumericTensor;
  const size = BYTES_PER_ELEMENT[dtype];
  if (data.byteLength !== count * size) throw wrongLength(port.name, dims, data.byteLength, 'bytes', count * size);
  const aligned = data.byteOffset % size === 0 ? data : data.slice();
  const array = new ARRAYS[dtype](aligned.buffer as ArrayBuffer, aligned.byteOffset, count);
  return new ort.Tensor(dtype as 'float32', array as Float32Array, dims);
}

function checkDims({ name, shape }: PortInfo, dims: readonly number[]): void {
  // An empty shape may stand for an unknown rank; ONNX Runtime checks that one itself.
  if (!shape?.length) return;
  const fits = shape.length === dims.length && shape.every((d, i) => typeof d === 'string' || d === dims[i]);
  if (!fits) throw new UserError('usage', `Input ${name} has the shape [${shape.map(d => d || '?').join(', ')}], but [${dims.join(', ')}] was given.`, 'Give an input of the right shape.');
}

function wrongLength(name: string, dims: readonly number[], got: number, unit: string, expected: number): UserError {
  return new UserError('usage', `Input ${name} has ${got} ${unit}; the shape [${dims.join(', ')}] needs ${expected}.`, 'Give all elements of the input.');
}

/** Rejects outputs that must not be fetched: a 4-bit tensor ends the whole process inside the binding. */
export function checkFetch(port: PortInfo): void {
  if (port.dtype === undefined) {
    throw new UserError('usage', `Output ${port.name} is no tensor; sequences, maps and optional values cannot be fetched.`, 'Take a tensor out of it in the graph (SequenceAt, OptionalGetElement).');
  }
  if (port.dtype !== 'string' && !isCarried(port.dtype)) {
    throw new UserError('usage', `Output ${port.name} is ${port.dtype}, which ONNX Runtime's Node binding cannot hand over.`, 'Put a Cast to int8 or float32 in the graph.');
  }
}

export function fromOrt(tensor: Ort.Tensor): TensorValue {
  const { type, dims, data } = tensor;
  if (type === 'string') return { dtype: 'string', dims: [...dims], data: data as string[] };
  const { buffer, byteOffset, byteLength } = data as Float32Array;
  return { dtype: type as Carried, dims: [...dims], data: new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength) };
}

/** The only element of an output as a number; int64 beyond 2⁵³ is rounded. Throws UserError('usage') where there is not one number. */
export function scalarOf(name: string, tensor: Ort.Tensor): number {
  const { type, data } = tensor;
  if (data.length !== 1) throw new UserError('usage', `Output ${name} was asked for as one number, but it has the shape [${tensor.dims.join(', ')}].`, 'Fetch it as a tensor.');
  if (type === 'string' || type === 'float16') throw new UserError('usage', `Output ${name} was asked for as one number, but it is ${type}.`, 'Put a Cast to float32 in the graph.');
  return Number(data[0]);
}
