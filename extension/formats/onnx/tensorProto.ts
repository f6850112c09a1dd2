import { UserError } from '../../../kernels/graph/errors.ts';
import type { TensorBytes, TensorData } from '../../../kernels/graph/graph.ts';
import { DTYPE_OF_ONNX } from '../../../kernels/graph/tensor.ts';
import { BYTES_PER_ELEMENT, elementCount, type DType } from '../../../kernels/graph/types.ts';
import type { TensorValue } from '../../runtime/protocol.ts';
import { memorySource, openFile, readRange } from '../byteSource.ts';
import type { ExternalFiles } from './externalData.ts';
import { LENGTH, VARINT, WireReader } from './wire.ts';

/** Payloads up to this many bytes are read; larger ones stay in the file. */
const INLINE = 4096;

/** A tensor as it stands in the file, with the name that comes after its payload. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: TensorData;
}

/** Reads the TensorProto from here to `end`. */
export function readTensor(r: WireReader, end: number, external?: ExternalFiles): NamedTensor {
  const dims: number[] = [], entries = new Map<string, string>();
  let dtype: DType | undefined, name = '', isExternal = false, number = 0;
  let raw: readonly [start: number, end: number] | undefined, strings: string[] | undefined;
  const typed = new TypedField();
  for (let key = r.key(end); key; key = r.key(end)) {
    const field = key >>> 3, wire = key & 7;
    if (field === 1) repeatedInts(r, key, end, dims);
    else if (field === 2 && wire === VARINT) {
      number = r.uint();
      dtype = DTYPE_OF_ONNX.get(number);
    } else if (field === 6 && wire === LENGTH) (strings ??= []).push(r.string(end));
    else if (field === 8 && wire === LENGTH) name = r.string(end);
    else if (field === 9 && wire === LENGTH) {
      const stop = r.end(end);
      raw = [r.position, stop];
      r.seek(stop);
    } else if (field === 13 && wire === LENGTH) readEntry(r, r.end(end), entries);
    else if (field === 14 && wire === VARINT) isExternal = r.uint() === 1;
    else if (field === 4 || field === 5 || field === 7 || field === 10 || field === 11) typed.note(r, key, end);
    else r.skip(key, end);
  }
  if (!dtype) r.fail(number ? `tensor ${name} has the unknown element type ${number}` : `tensor ${name} has no element type`, end);
  if (dims.some(d => d < 0) || elementCount(dims) > Number.MAX_SAFE_INTEGER) r.fail(`tensor ${name} has the shape [${dims}]`, end);
  return { name, tensor: { dtype, dims, bytes: bytesOf(r, name, dtype, dims, { raw, strings, typed, external: isExternal ? entries : undefined, files: external }) } };
}

interface Payload {
  readonly raw: readonly [number, number] | undefined;
  readonly strings: string[] | undefined;
  readonly typed: TypedField;
  readonly external: ReadonlyMap<string, string> | undefined;
  readonly files: ExternalFiles | undefined;
}

const INTEGERS: ReadonlySet<DType> = new Set(['int32', 'int64', 'uint8', 'bool']);

function bytesOfFile({ path, offset, length }: Extract<TensorBytes, { kind: 'file' }>): Uint8Array {
  const source = openFile(path);
  try {
    return readRange(source, offset, length);
  } finally {
    source.close();
  }
}

function bytesOf(r: WireReader, name: string, dtype: DType, dims: readonly number[], p: Payload): TensorBytes {
  const count = elementCount(dims), size = Math.ceil(count * BYTES_PER_ELEMENT[dtype]);
  if (p.external) {
    if (!p.files) return { kind: 'missing', why: 'external data is not allowed here', location: p.external.get('location') ?? '' };
    const located = p.files.locate(name, p.external, size);
    // Axes, pads and shapes: ONNX Runtime infers shapes from them, and reads no files for it.
    return located.kind === 'file' && size <= INLINE && INTEGERS.has(dtype) ? { kind: 'inline', bytes: bytesOfFile(located) } : located;
  }
  if (dtype === 'string') return { kind: 'strings', values: p.strings ?? [] };
  const here = r.position;
  try {
    if (p.raw) {
      const [start, end] = p.raw;
      // Weights are stripped on purpose ("weightless" models): the graph opens, what needs them says why it cannot.
      if (end - start !== size) return { kind: 'missing', why: `its shape [${dims}] needs ${size} bytes and the file holds ${end - start}`, location: '' };
      return reference(r, start, size);
    }
    const range = p.typed.plainRange(dtype, size);
    if (range !== undefined) return reference(r, range, size);
    if (size > 0 && p.typed.empty) return { kind: 'missing', why: `its shape [${dims}] needs ${size} bytes and the file holds none`, location: '' };
    return { kind: 'inline', bytes: p.typed.decode(r, name, dtype, count, size) };
  } finally {
    r.seek(here);
  }
}

function reference(r: WireReader, offset: number, length: number): TensorBytes {
  const { path } = r.source;
  if (path !== undefined && length > INLINE) return { kind: 'file', path, offset, length };
  return { kind: 'inline', bytes: readRange(r.source, offset, length) };
}

/** Field 4 float_data, 5 int32_data, 7 int64_data, 10 double_data, 11 uint64_data: packed or not, seen once to find, once to read. */
class TypedField {
  private readonly parts: { field: number; wire: number; start: number; end: number }[] = [];

  note(r: WireReader, key: number, end: number): void {
    const wire = key & 7, start = r.position;
    r.skip(key, end);
    const stop = r.position, last = this.parts.at(-1);
    // Unpacked elements come one after the other, each with its key: one run, not a million parts.
    if (wire !== LENGTH && last && last.field === key >>> 3 && last.wire === wire && start - last.end <= 5) last.end = stop;
    else if (wire === LENGTH) {
      r.seek(start);
      const e = r.end(end);
      this.parts.push({ field: key >>> 3, wire, start: r.position, end: e });
      r.seek(e);
    } else this.parts.push({ field: key >>> 3, wire, start, end: stop });
  }

  get empty(): boolean { return this.parts.every(p => p.end === p.start); }

  /** Offset of packed float_data or double_data, which lie in the file as raw_data would. */
  plainRange(dtype: DType, size: number): number | undefined {
    const [only, more] = this.parts;
    if (!only || more || only.wire !== LENGTH || only.end - only.start !== size) return undefined;
    return (dtype === 'float32' && only.field === 4) || (dtype === 'float64' && only.field === 10) ? only.start : undefined;
  }

  decode(r: WireReader, name: string, dtype: DType, count: number, size: number): Uint8Array {
    const held = this.parts.reduce((n, p) => n + p.end - p.start, 0);
    // A complex element is two numbers; a number of a type below one byte is one byte with several elements.
    const width = BYTES_PER_ELEMENT[dtype], numbers = width < 1 ? size : dtype.startsWith('complex') ? 2 * count : count, step = size / numbers;
    // Every number takes at least one byte in the file: no more memory than eight times what is there.
    if (numbers > held) r.fail(`tensor ${name} of ${count} elements holds ${held} bytes`);
    const bytes = new Uint8Array(size), view = new DataView(bytes.buffer);
    let at = 0;
    for (const part of this.parts) {
      r.seek(part.start);
      while (r.position < part.end) {
        if (part.wire !== LENGTH && at > 0 && r.position !== part.start) r.uint();
        if (at >= numbers) r.fail(`tensor ${name} holds more than its ${count} elements`);
        if (part.field === 4 || part.field === 10) {
          const chunk = r.bytes(r.position + (part.field === 4 ? 4 : 8));
          if (chunk.length === step) bytes.set(chunk, at * step);
          else if (dtype === 'float32') view.setFloat32(at * 4, new DataView(chunk.buffer).getFloat64(0, true), true);
          else r.fail(`tensor ${name} of type ${dtype} is stored in a field of another type`);
        } else r.intBytes(bytes, at * step, step as 1 | 2 | 4 | 8);
        at++;
      }
    }
    // Fewer numbers would be zeros that nobody wrote.
    if (at !== numbers) r.fail(`tensor ${name} of ${count} elements holds ${at} numbers where it needs ${numbers}`);
    return bytes;
  }
}

function repeatedInts(r: WireReader, key: number, end: number, into: number[]): void {
  if ((key & 7) === LENGTH) for (const stop = r.end(end); r.position < stop;) into.push(r.int());
  else if ((key & 7) === VARINT) into.push(r.int());
  else r.skip(key, end);
  if (into.length > 4096) r.fail('a tensor has more than 4,096 dimensions');
}

/** StringStringEntryProto. */
export function readEntry(r: WireReader, end: number, into: Map<string, string>): void {
  let k = '', v = '';
  for (let key = r.key(end); key; key = r.key(end)) {
    if (key >>> 3 === 1 && (key & 7) === LENGTH) k = r.string(end);
    else if (key >>> 3 === 2 && (key & 7) === LENGTH) v = r.string(end);
    else r.skip(key, end);
  }
  into.set(k, v);
}

/** One TensorProto file (`input_0.pb` of the standard's tests). Throws UserError('file') for anything else. */
export function readTensorProto(bytes: Uint8Array, name = 'tensor.pb'): TensorValue {
  const r = new WireReader(memorySource(name, bytes), 'ONNX tensor file'), { tensor } = readTensor(r, bytes.length);
  if (tensor.bytes.kind === 'strings') return { dtype: 'string', dims: tensor.dims, data: tensor.bytes.values };
  if (tensor.bytes.kind !== 'inline' || tensor.dtype === 'string') throw new UserError('file', `${name} holds no tensor values`, 'Give a TensorProto with its data inside.');
  return { dtype: tensor.dtype, dims: tensor.dims, data: tensor.bytes.bytes };
}

