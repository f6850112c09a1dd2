import type { TensorData } from '../../../kernels/graph/graph.ts';
import { BYTES_PER_ELEMENT, type DType } from '../../../kernels/graph/types.ts';
import { FIXED32, FIXED64, LENGTH, VARINT, type WireReader } from '../onnx/wire.ts';
import { storedType, typeName } from './dataTypes.ts';

/** Payloads above this many bytes stay in the file. */
export const INLINE = 4096;
/** A constant that repeats one value is spelled out up to this many bytes. */
const LARGEST_SPLAT = 64 * 1024;
/** Payloads that have to be rewritten to be used (varints, partly repeated lists) are taken into memory up to this many bytes. */
const LARGEST_REWRITE = 256 * 2 ** 20;
const MOST_DIMS = 254;

export interface ReadTensor {
  /** `float32`, `resource` …; `undefined` for an invalid type. */
  readonly type: string | undefined;
  /** Dimensions as stated; −1 unknown. */
  readonly dims: readonly number[];
  /** Absent for handles and types without elements of ours. */
  readonly data?: TensorData;
  /** `data` is a scalar that fills `dims`. */
  readonly splat: boolean;
}

/** A shape message: dimensions with −1 for an unknown one, `undefined` for an unknown rank. */
export function readShape(reader: WireReader, end: number): number[] | undefined {
  const dims: number[] = [];
  let unknown = false;
  for (let key; (key = reader.key(end)) !== 0;) {
    if (key === 18) {
      const stop = reader.end(end);
      let size = 0;
      for (let inner; (inner = reader.key(stop)) !== 0;) {
        if (inner === 8) size = reader.int();
        else reader.skip(inner, stop);
      }
      if (dims.length === MOST_DIMS) reader.fail(`a shape has more than ${MOST_DIMS} dimensions`);
      dims.push(size < 0 ? -1 : size);
    } else if (key === 24) unknown = reader.uint() !== 0;
    else reader.skip(key, end);
  }
  return unknown ? undefined : dims;
}

interface Part { readonly start: number; readonly end: number }

/** Field of the typed values by stored type, and how one element is encoded there. */
function valueField(type: string): { field: number; wire: number } | undefined {
  switch (type) {
    case 'float32': return { field: 5, wire: FIXED32 };
    case 'float64': return { field: 6, wire: FIXED64 };
    case 'complex64': return { field: 9, wire: FIXED32 };
    case 'complex128': return { field: 12, wire: FIXED64 };
    case 'int64': return { field: 10, wire: VARINT };
    case 'bool': return { field: 11, wire: VARINT };
    case 'float16': case 'bfloat16': return { field: 13, wire: VARINT };
    case 'uint32': return { field: 16, wire: VARINT };
    case 'uint64': return { field: 17, wire: VARINT };
    case 'string': return { field: 8, wire: LENGTH };
    default: return type.startsWith('float8') || type.startsWith('float4') ? { field: 18, wire: LENGTH } : { field: 7, wire: VARINT };
  }
}

/** Reads a TensorProto. Large payloads are not read but referred to, where the file holds the elements as they are. */
export function readTensor(reader: WireReader, end: number): ReadTensor {
  let type: string | undefined, dims: number[] | undefined = [], content: Part | undefined;
  const parts = new Map<number, Part[]>();
  for (let key; (key = reader.key(end)) !== 0;) {
    const field = key >>> 3, start = reader.position;
    if (key === 8) type = typeName(reader.uint());
    else if (key === 18) dims = readShape(reader, reader.end(end));
    else if (key === 34) {
      const stop = reader.end(end);
      content = { start: reader.position, end: stop };
      reader.seek(stop);
    } else if (field >= 5 && field <= 18 && field !== 14 && field !== 15) {
      let list = parts.get(field);
      if (!list) parts.set(field, (list = []));
      reader.spend(3);
      if ((key & 7) === LENGTH) {
        const stop = reader.end(end);
        list.push({ start: reader.position, end: stop });
        reader.seek(stop);
      } else {
        reader.skip(key, end);
        list.push({ start, end: reader.position });
      }
    } else reader.skip(key, end);
  }
  const stored = storedType(type), shape = dims ?? [];
  if (type === undefined || stored === undefined || dims === undefined) return { type, dims: shape, splat: false };
  const after = reader.position;
  const made = tensorData(reader, stored, shape, content, parts.get(valueField(type)!.field) ?? [], valueField(type)!.wire);
  reader.seek(after);
  return { type, dims: shape, ...made };
}

function tensorData(reader: WireReader, dtype: DType, dims: readonly number[], content: Part | undefined, parts: readonly Part[], wire: number): { data: TensorData; splat: boolean } {
  const missing = (why: string) => ({ data: { dtype, dims, bytes: { kind: 'missing' as const, why, location: reader.source.name } }, splat: false });
  if (dims.some(d => d < 0)) return missing('its shape is not fully known');
  const count = dims.reduce((a, b) => a * b, 1);
  if (count > Number.MAX_SAFE_INTEGER / 16) return missing('its shape has more elements than any memory');
  if (dtype === 'string') return strings(reader, dims, count, parts, missing);
  const size = BYTES_PER_ELEMENT[dtype], total = count * size;
  if (content && content.end > content.start) {
    if (content.end - content.start !== total) return missing(`the file holds ${content.end - content.start} bytes for a shape that needs ${total}`);
    return { data: { dtype, dims, bytes: bytesAt(reader, content) }, splat: false };
  }
  const raw = wire !== VARINT;
  if (raw && parts.length === 1 && parts[0]!.end - parts[0]!.start === total && total > 0) return { data: { dtype, dims, bytes: bytesAt(reader, parts[0]!) }, splat: false };
  let length = 0;
  for (const p of parts) length += p.end - p.start;
  if (length > LARGEST_REWRITE) return missing('its values are stored in a form that is too long to be rewritten');
  const values = raw ? joined(reader, parts, length) : varints(reader, parts, length, size);
  const have = values.length / size;
  if (!Number.isInteger(have)) return missing('its values end in the middle of an element');
  if (have > count) return missing(`the file holds ${have} values for a shape of ${count}`);
  if (have <= 1 && count > 1 && total > LARGEST_SPLAT) {
    const one = have === 1 ? values : new Uint8Array(size);
    return { data: { dtype, dims: [], bytes: { kind: 'inline', bytes: one } }, splat: true };
  }
  if (have === count) return { data: { dtype, dims, bytes: { kind: 'inline', bytes: values } }, splat: false };
  if (total > LARGEST_REWRITE) return missing('its last value repeats so often that it cannot be written out');
  reader.spend(total / 8);
  const full = new Uint8Array(total);
  full.set(values);
  // The last of the given values fills the rest.
  if (have > 0) for (let i = have; i < count; i++) full.copyWithin(i * size, (have - 1) * size, have * size);
  return { data: { dtype, dims, bytes: { kind: 'inline', bytes: full } }, splat: false };
}

function bytesAt(reader: WireReader, { start, end }: Part): TensorData['bytes'] {
  const length = end - start, { path } = reader.source;
  if (length > INLINE && path !== undefined) return { kind: 'file', path, offset: start, length };
  reader.spend(length / 8);
  reader.seek(start);
  return { kind: 'inline', bytes: reader.bytes(end) };
}

function joined(reader: WireReader, parts: readonly Part[], length: number): Uint8Array {
  reader.spend(length / 8);
  const out = new Uint8Array(length);
  let at = 0;
  for (const p of parts) {
    reader.seek(p.start);
    out.set(reader.bytes(p.end), at);
    at += p.end - p.start;
  }
  return out;
}

function varints(reader: WireReader, parts: readonly Part[], length: number, size: number): Uint8Array {
  reader.spend((length * size) / 8);
  const out = new Uint8Array(length * size);
  let at = 0;
  for (const p of parts) {
    reader.seek(p.start);
    while (reader.position < p.end) {
      reader.intBytes(out, at, size);
      at += size;
    }
    if (reader.position > p.end) reader.fail('a number is longer than the list around it');
  }
  return out.slice(0, at);
}

function strings(reader: WireReader, dims: readonly number[], count: number, parts: readonly Part[], missing: (why: string) => { data: TensorData; splat: boolean }): { data: TensorData; splat: boolean } {
  if (parts.length > count) return missing(`the file holds ${parts.length} strings for a shape of ${count}`);
  const splat = parts.length <= 1 && count > LARGEST_SPLAT;
  if (!splat && count > LARGEST_SPLAT && parts.length < count) return missing('its last string repeats too often to be written out');
  const values: string[] = [];
  for (const p of parts) {
    if (p.end - p.start > LARGEST_REWRITE) return missing('it holds a string that is too long');
    reader.spend((p.end - p.start) / 4);
    reader.seek(p.start);
    values.push(Buffer.from(reader.bytes(p.end)).toString('utf8'));
  }
  if (splat) return { data: { dtype: 'string', dims: [], bytes: { kind: 'strings', values: [values[0] ?? ''] } }, splat };
  while (values.length < count) values.push(values.at(-1) ?? '');
  return { data: { dtype: 'string', dims, bytes: { kind: 'strings', values } }, splat: false };
}
