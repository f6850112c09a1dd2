import type { TensorBytes, TensorData } from '../../../kernels/graph/graph.ts';
import { DTYPE_OF_ONNX } from '../../../kernels/graph/tensor.ts';
import { BYTES_PER_ELEMENT, elementCount, type DType } from '../../../kernels/graph/types.ts';
import type { ExternalFiles } from '../externalData.ts';
import { readEntry } from './metadata.ts';
import { FIXED32, FIXED64, LENGTH, VARINT, type WireReader } from './wire.ts';

/** Tensors up to this many bytes are held; larger ones stay in the file where it holds their bytes as they are. */
export const INLINE_BYTES = 4096;
/** Numbers written as varints have to be decoded; above this they are refused. */
const LARGEST_DECODED = 512 * 2 ** 20;
const MOST_DIMS = 1024;

export interface ReadTensor {
  readonly name: string;
  readonly tensor: TensorData;
  /** True if the message has a doc_string or metadata_props. */
  readonly described: boolean;
  /** What is wrong with it, for a person. */
  readonly problem?: string;
}

/** Typed fields of TensorProto: which element types each may hold. */
const FLOAT_DATA = 4, INT32_DATA = 5, STRING_DATA = 6, INT64_DATA = 7, DOUBLE_DATA = 10, UINT64_DATA = 11;
const FIELD_OF: Readonly<Record<DType, number>> = {
  float32: FLOAT_DATA, complex64: FLOAT_DATA, float64: DOUBLE_DATA, complex128: DOUBLE_DATA, string: STRING_DATA,
  int64: INT64_DATA, uint64: UINT64_DATA, uint32: UINT64_DATA,
  int32: INT32_DATA, int16: INT32_DATA, int8: INT32_DATA, uint16: INT32_DATA, uint8: INT32_DATA, bool: INT32_DATA,
  float16: INT32_DATA, bfloat16: INT32_DATA, int4: INT32_DATA, uint4: INT32_DATA, int2: INT32_DATA, uint2: INT32_DATA,
  float4e2m1: INT32_DATA, float8e4m3fn: INT32_DATA, float8e4m3fnuz: INT32_DATA, float8e5m2: INT32_DATA, float8e5m2fnuz: INT32_DATA, float8e8m0: INT32_DATA,
};

/** Reads TensorProto from here to `end`; its numbers stay in the file unless they are small. */
export function readTensor(wire: WireReader, end: number, external: ExternalFiles | undefined): ReadTensor {
  const start = wire.position, dims: number[] = [];
  let type = 0, name = '', rawAt = -1, rawLength = 0, described = false, outside = false, segmented = false, typedBytes = 0;
  let location = '', offset = '', length = '';
  for (let key = wire.key(end); key; key = wire.key(end)) {
    switch (key) {
      case 8: dims.push(wire.int()); break;
      case 10: for (const stop = wire.end(end); wire.position < stop;) dims.push(boundedInt(wire, stop)); break;
      case 16: type = wire.int(); break;
      case 26: segmented = true; wire.skip(key, end); break;
      case 66: name = wire.string(end); break;
      case 74: {
        const stop = wire.end(end);
        rawAt = wire.position;
        rawLength = stop - rawAt;
        wire.seek(stop);
        break;
      }
      case 106: readEntry(wire, end, (k, v) => {
        if (k === 'location') location = v;
        else if (k === 'offset') offset = v;
        else if (k === 'length') length = v;
      }); break;
      case 112: outside = wire.int() === 1; break;
      case 98: case 130: described = true; wire.skip(key, end); break;
      default: {
        const before = wire.position;
        wire.skip(key, end);
        typedBytes += wire.position - before;
      }
    }
    if (dims.length > MOST_DIMS) wire.fail(`a tensor has more than ${MOST_DIMS} dimensions`);
  }
  wire.spend(16 + dims.length);

  const dtype = DTYPE_OF_ONNX.get(type), count = elementCount(dims);
  // A type that is not known says nothing of its size; no one computes with it, since its bytes are missing.
  const shaped = { dtype: dtype ?? 'uint8' as DType, dims };
  const missing = (why: string): ReadTensor => ({ name, described, problem: why, tensor: { ...shaped, bytes: { kind: 'missing', why, location } } });
  const give = (bytes: TensorBytes): ReadTensor => ({ name, described, tensor: { ...shaped, bytes } });
  if (!dtype) return missing(type === 0 ? 'its element type is not given' : `its element type ${type} is unknown`);
  if (dims.some(d => d < 0)) return missing(`its shape [${dims}] has a negative size`);
  if (count > Number.MAX_SAFE_INTEGER) return missing(`its shape [${dims}] has more elements than can be counted`);
  if (segmented) return missing('it is stored in segments, which nothing writes any more');
  const wanted = Math.ceil(count * BYTES_PER_ELEMENT[dtype]);
  const needs = () => `${dtype}[${dims}] needs ${wanted}`;

  if (outside) {
    const found = externalBytes(external, location, offset, length, wanted, dtype);
    return 'why' in found ? missing(`external data at "${location}": ${found.why}`) : give(found);
  }
  if (rawAt >= 0 && dtype !== 'string' && (rawLength > 0 || typedBytes === 0)) {
    if (rawLength !== wanted) return missing(`the file holds ${rawLength} bytes for it where ${needs()}`);
    return give(fromFile(wire, rawAt, wanted));
  }
  if (dtype === 'string') {
    wire.seek(start);
    const values = readStrings(wire, end);
    return values.length === count ? give({ kind: 'strings', values }) : missing(`the file holds ${values.length} strings for it where its shape [${dims}] needs ${count}`);
  }
  if (count === 0) return give({ kind: 'inline', bytes: new Uint8Array() });
  wire.seek(start);
  const bytes = readTyped(wire, end, dtype, count, wanted);
  wire.seek(end);
  return typeof bytes === 'string' ? missing(bytes) : give(bytes);
}

function boundedInt(wire: WireReader, stop: number): number {
  const value = wire.int();
  if (wire.position > stop) wire.fail('a number is longer than the field around it');
  return value;
}

/** `length` bytes that lie in the file as they are: held if small or if there is no file to point to. */
function fromFile(wire: WireReader, offset: number, length: number): TensorBytes {
  const { path } = wire.source;
  if (path !== undefined && length > INLINE_BYTES) return { kind: 'file', path, offset, length };
  const back = wire.position;
  wire.seek(offset);
  const bytes = wire.bytes(offset + length);
  wire.seek(back);
  return { kind: 'inline', bytes };
}

function externalBytes(external: ExternalFiles | undefined, location: string, offsetText: string, lengthText: string, wanted: number, dtype: DType): TensorBytes | { why: string } {
  if (dtype === 'string') return { why: 'strings cannot be external' };
  const file = external ? external(location) : { why: 'this form of the model has no folder' };
  if ('why' in file) return file;
  const offset = decimal(offsetText, 0), length = decimal(lengthText, wanted);
  if (offset === undefined) return { why: `the offset "${offsetText.slice(0, 40)}" is no number` };
  if (length === undefined) return { why: `the length "${lengthText.slice(0, 40)}" is no number` };
  if (length !== wanted) return { why: `it has ${length} bytes where its shape needs ${wanted}` };
  if (offset + length > file.size) return { why: `bytes ${offset} to ${offset + length} are wanted, but the file ends at ${file.size}` };
  return { kind: 'file', path: file.path, offset, length };
}

function decimal(text: string, fallback: number): number | undefined {
  if (text === '') return fallback;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

function readStrings(wire: WireReader, end: number): string[] {
  const values: string[] = [];
  for (let key = wire.key(end); key; key = wire.key(end)) {
    if (key !== ((STRING_DATA << 3) | LENGTH)) {
      wire.skip(key, end);
      continue;
    }
    wire.spend(3);
    values.push(wire.string(end));
  }
  return values;
}

/** The numbers of the typed field that belongs to `dtype`, in the layout of raw_data; a string says what is wrong. */
function readTyped(wire: WireReader, end: number, dtype: DType, count: number, wanted: number): TensorBytes | string {
  const field = FIELD_OF[dtype], fixed = field === FLOAT_DATA || field === DOUBLE_DATA;
  const wire1 = field === FLOAT_DATA ? FIXED32 : field === DOUBLE_DATA ? FIXED64 : VARINT;
  // A fraction of a byte: one number is one packed byte.
  const size = fixed ? (field === FLOAT_DATA ? 4 : 8) : Math.max(1, BYTES_PER_ELEMENT[dtype]);
  const numbers = wanted / size;
  if (!fixed && numbers > end - wire.position) return `the file holds too few numbers for its ${count} elements`;
  let bytes: Uint8Array | undefined, filled = 0;
  const room = (): Uint8Array => (bytes ??= new Uint8Array(wanted));
  for (let key = wire.key(end); key; key = wire.key(end)) {
    if (key >>> 3 !== field) {
      wire.skip(key, end);
    } else if ((key & 7) === LENGTH) {
      const stop = wire.end(end), length = stop - wire.position;
      if (fixed) {
        if (filled === 0 && length === wanted) return fromFile(wire, wire.position, wanted);
        if (filled + length > wanted) return `the file holds more than its ${count} elements`;
        if (wanted > LARGEST_DECODED) return 'its numbers are stored in many pieces and are too many to be put together';
        room().set(wire.bytes(stop), filled);
        filled += length;
        continue;
      }
      if (wanted > LARGEST_DECODED) return `its ${count} elements are stored as varints, too many to be decoded`;
      while (wire.position < stop) {
        if (filled === wanted) return `the file holds more than its ${count} elements`;
        wire.intBytes(room(), filled, size);
        filled += size;
      }
      if (wire.position > stop) wire.fail('a number is longer than the field around it');
    } else if ((key & 7) === wire1) {
      if (filled === wanted) return `the file holds more than its ${count} elements`;
      if (wanted > LARGEST_DECODED) return `its ${count} elements are stored one by one, too many to be decoded`;
      // The encoded size bounds what is allocated: one number has at least one byte and its key.
      if (numbers > end) return `the file holds too few numbers for its ${count} elements`;
      if (fixed) room().set(wire.bytes(wire.position + size), filled);
      else wire.intBytes(room(), filled, size);
      filled += size;
    } else wire.fail(`field ${field} of a tensor has wire type ${key & 7}`);
  }
  if (filled === wanted && bytes) return { kind: 'inline', bytes };
  return filled === 0 ? 'the file holds no data for it' : `the file holds ${filled / size} numbers for its ${count} elements`;
}
