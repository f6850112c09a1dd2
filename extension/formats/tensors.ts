import { open, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { UserError } from '../../kernels/graph/errors.ts';
import { elementCount, BYTES_PER_ELEMENT, type DType } from '../../kernels/graph/types.ts';
import type { TensorValue } from '../runtime/protocol.ts';

/** NumPy's type codes (little-endian or one byte). */
const NUMPY: readonly (readonly [code: string, dtype: DType])[] = [
  ['<f4', 'float32'], ['<f8', 'float64'], ['<f2', 'float16'], ['|i1', 'int8'], ['<i2', 'int16'], ['<i4', 'int32'], ['<i8', 'int64'],
  ['|u1', 'uint8'], ['<u2', 'uint16'], ['<u4', 'uint32'], ['<u8', 'uint64'], ['|b1', 'bool'], ['<c8', 'complex64'], ['<c16', 'complex128'],
];

const bad = (what: string, why: string) => new UserError('usage', `${what} cannot be read: ${why}`, 'Save it again with numpy.save or numpy.savez.');

/** One array from the bytes of an .npy file (format 1 to 3, C or Fortran order, strings as <U or |S). */
export function parseNpy(bytes: Uint8Array, name: string): TensorValue {
  if (bytes.length < 10 || bytes[0] !== 0x93 || String.fromCharCode(...bytes.subarray(1, 6)) !== 'NUMPY') throw bad(name, 'it is no .npy file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), long = bytes[6]! > 1;
  const length = long ? view.getUint32(8, true) : view.getUint16(8, true), start = (long ? 12 : 10) + length;
  const header = new TextDecoder('latin1').decode(bytes.subarray(long ? 12 : 10, start));
  const descr = /'descr':\s*'([^']+)'/.exec(header)?.[1], order = /'fortran_order':\s*(True|False)/.exec(header)?.[1], shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (!descr || shape === undefined) throw bad(name, 'its header is not understood');
  const dims = shape.split(',').map(s => s.trim()).filter(Boolean).map(Number), count = elementCount(dims), data = bytes.subarray(start);
  const text = /^[<|]([US])(\d+)$/.exec(descr);
  if (text) return { dtype: 'string', dims, data: fixedStrings(data, count, text[1] as 'U' | 'S', Number(text[2])) };
  const dtype = NUMPY.find(([code]) => code === descr || code.slice(1) === descr.slice(1) && descr.startsWith('='))?.[1];
  if (!dtype || dtype === 'string') throw bad(name, `elements of type ${descr} are not supported`);
  const size = BYTES_PER_ELEMENT[dtype];
  if (data.length < count * size) throw bad(name, 'it ends too early');
  const raw = data.slice(0, count * size);
  return { dtype, dims, data: order === 'True' && dims.length > 1 ? rowMajor(raw, dims, size) : raw };
}

function fixedStrings(data: Uint8Array, count: number, kind: 'U' | 'S', width: number): string[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength), unit = kind === 'U' ? 4 : 1;
  return Array.from({ length: count }, (_, i) => {
    const codes: number[] = [];
    for (let k = 0; k < width; k++) codes.push(kind === 'U' ? view.getUint32((i * width + k) * unit, true) : data[i * width + k]!);
    return String.fromCodePoint(...codes.slice(0, codes.findLastIndex(c => c !== 0) + 1));
  });
}

function rowMajor(raw: Uint8Array, dims: readonly number[], size: number): Uint8Array {
  const out = new Uint8Array(raw.length), n = elementCount(dims), index = new Array<number>(dims.length).fill(0);
  for (let to = 0; to < n; to++) {
    let from = 0;
    for (let axis = dims.length - 1; axis >= 0; axis--) from = from * dims[axis]! + index[axis]!;
    out.set(raw.subarray(from * size, (from + 1) * size), to * size);
    for (let axis = dims.length - 1; axis >= 0 && ++index[axis]! === dims[axis]; axis--) index[axis] = 0;
  }
  return out;
}

/** An array as the bytes of an .npy file (version 1, C order). Strings and types without a NumPy code are refused. */
export function formatNpy(value: TensorValue): Uint8Array {
  const code = NUMPY.find(([, dtype]) => dtype === value.dtype)?.[0];
  if (!code || value.dtype === 'string') throw new UserError('usage', `a tensor of type ${value.dtype} cannot be saved as .npy`, 'Leave it out.');
  const shape = value.dims.length === 1 ? `(${value.dims[0]},)` : `(${value.dims.join(', ')})`;
  let header = `{'descr': '${code}', 'fortran_order': False, 'shape': ${shape}, }`;
  header = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const out = new Uint8Array(10 + header.length + value.data.length);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  out.set(new TextEncoder().encode(header), 10);
  out.set(value.data, 10 + header.length);
  return out;
}

export async function readNpy(path: string): Promise<TensorValue> {
  return parseNpy(new Uint8Array(await readFile(path)), path);
}

const inflate = promisify(zlib.inflateRaw);
/** In Node since 20.15; its types here are older. */
const { crc32 } = zlib as unknown as { crc32(data: Uint8Array): number };

/** Every array of an .npz archive (stored or deflated entries, ZIP64 sizes), by its name without `.npy`. */
export async function readNpz(path: string): Promise<Map<string, TensorValue>> {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(await readFile(path));
  } catch (error) {
    throw bad(path, (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), found = new Map<string, TensorValue>();
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw bad(path, 'it is no .npz archive');
  let count = view.getUint16(end + 10, true), at = view.getUint32(end + 16, true);
  if (at === 0xffffffff && end >= 20) {
    const zip64 = Number(view.getBigUint64(end - 12, true));
    count = Number(view.getBigUint64(zip64 + 32, true));
    at = Number(view.getBigUint64(zip64 + 48, true));
  }
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50) throw bad(path, 'its directory is damaged');
    const method = view.getUint16(at + 10, true), nameLength = view.getUint16(at + 28, true), extra = view.getUint16(at + 30, true);
    let packed = view.getUint32(at + 20, true), size = view.getUint32(at + 24, true), local = view.getUint32(at + 42, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    let e = at + 46 + nameLength;
    const extraEnd = e + extra;
    for (; e + 4 <= extraEnd; e += 4 + view.getUint16(e + 2, true)) {
      if (view.getUint16(e, true) !== 1) continue;
      let f = e + 4;
      const next = () => { const v = Number(view.getBigUint64(f, true)); f += 8; return v; };
      if (size === 0xffffffff) size = next();
      if (packed === 0xffffffff) packed = next();
      if (local === 0xffffffff) local = next();
    }
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true), raw = bytes.subarray(start, start + packed);
    const content = method === 0 ? raw : method === 8 ? new Uint8Array(await inflate(raw)) : undefined;
    if (!content) throw bad(path, `${name} is packed by method ${method}`);
    if (name.endsWith('.npy')) found.set(name.slice(0, -4), parseNpy(content, `${path}:${name}`));
    at += 46 + nameLength + extra + view.getUint16(at + 32, true);
  }
  return found;
}

/** Writes arrays as an .npz archive (stored entries, as numpy.savez does). Tensors that have no NumPy type are left out and returned. */
export async function saveNpz(path: string, entries: ReadonlyMap<string, TensorValue>): Promise<string[]> {
  const file = await open(path, 'w'), directory: Uint8Array[] = [], skipped: string[] = [];
  let at = 0;
  try {
    for (const [key, value] of entries) {
      if (!NUMPY.some(([, dtype]) => dtype === value.dtype)) {
        skipped.push(key);
        continue;
      }
      const content = formatNpy(value), name = new TextEncoder().encode(`${key}.npy`), crc = crc32(content);
      const header = zipHeader(0x04034b50, 30, name, crc, content.length);
      await file.write(header);
      await file.write(content);
      directory.push(zipHeader(0x02014b50, 46, name, crc, content.length, at));
      at += header.length + content.length;
      if (at > 0xffffffff) throw new UserError('usage', `${path} would be larger than 4 GiB`, 'Save fewer tensors with --of.');
    }
    const size = directory.reduce((n, d) => n + d.length, 0), end = new DataView(new ArrayBuffer(22));
    end.setUint32(0, 0x06054b50, true);
    end.setUint16(8, directory.length, true);
    end.setUint16(10, directory.length, true);
    end.setUint32(12, size, true);
    end.setUint32(16, at, true);
    for (const d of directory) await file.write(d);
    await file.write(new Uint8Array(end.buffer));
  } finally {
    await file.close();
  }
  return skipped;
}

/** A local header (30 bytes) or a directory entry (46 bytes) with its name; the date is 1 January 1980. */
function zipHeader(signature: number, length: 30 | 46, name: Uint8Array, crc: number, size: number, offset = 0): Uint8Array {
  const out = new Uint8Array(length + name.length), v = new DataView(out.buffer), o = length === 46 ? 2 : 0;
  v.setUint32(0, signature, true);
  if (o) v.setUint16(4, 20, true);
  v.setUint16(4 + o, 20, true);
  v.setUint16(6 + o, 0x0800, true);
  v.setUint16(12 + o, 0x21, true);
  v.setUint32(14 + o, crc, true);
  v.setUint32(18 + o, size, true);
  v.setUint32(22 + o, size, true);
  v.setUint16(26 + o, name.length, true);
  if (o) v.setUint32(42, offset, true);
  out.set(name, length);
  return out;
}
