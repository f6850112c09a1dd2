import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../../../kernels/graph/errors.ts';
import type { TensorBytes, TensorData } from '../../../kernels/graph/graph.ts';
import { BYTES_PER_ELEMENT, elementCount, type DType } from '../../../kernels/graph/types.ts';
import { memorySource, openFile, readRange } from '../byteSource.ts';
import { WireReader } from '../onnx/wire.ts';
import { storedType, typeName } from './dataTypes.ts';
import { decode } from './decode.ts';
import { tableEntries } from './leveldb.ts';
import { parseText } from './textFormat.ts';

interface Shape { readonly dim: readonly { readonly size: number }[] }
interface BundleEntry {
  readonly dtype: number;
  readonly shape?: Shape;
  readonly shard_id: number;
  readonly offset: number;
  readonly size: number;
  readonly crc32c: number;
  readonly slices: readonly { readonly extent: readonly { readonly start: number; readonly length?: number }[] }[];
}

/** A tensor of a checkpoint. */
export interface CheckpointTensor {
  readonly key: string;
  /** `float32`, `string`, `variant` … */
  readonly type: string;
  readonly shape: readonly number[];
  /** Absent for types without elements of ours. */
  readonly data?: TensorData;
  /** CRC-32C of the bytes in the shard, masked as stored. */
  readonly crc32c: number;
  /** Parts of a partitioned tensor: where each begins, and its value. */
  readonly slices: readonly { readonly offset: readonly number[]; readonly shape: readonly number[]; readonly data?: TensorData; readonly crc32c: number }[];
}

export interface Checkpoint {
  /** Path without `.index`. */
  readonly prefix: string;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** The serialized TrackableObjectGraph of an object-based checkpoint (TF2). */
  readonly objectGraph?: Uint8Array;
}
const OBJECT_GRAPH = '_CHECKPOINTABLE_OBJECT_GRAPH';

const LARGEST_STRINGS = 64 * 2 ** 20;
const LARGEST_JOIN = 64 * 2 ** 20;

/** Reads the index of a checkpoint (V2); values are references into its shards. Throws UserError('file') if it is damaged. */
export function readCheckpoint(prefix: string): Checkpoint {
  const source = openFile(`${prefix}.index`);
  try {
    const entries = new Map<string, BundleEntry>();
    let shards = 0;
    for (const { key, value } of tableEntries(source)) {
      const reader = new WireReader(memorySource(source.name, value), 'checkpoint index');
      if (key.length === 0) {
        const header = decode<{ num_shards: number; endianness: number }>(reader, 'BundleHeaderProto', value.length);
        if (header.endianness !== 0) throw new UserError('file', `${source.name} was written on a big-endian machine; its values cannot be read`, 'Save the checkpoint on a little-endian machine.');
        shards = header.num_shards;
      } else {
        // Keys of slices begin with a zero byte and are binary; the others are text.
        entries.set(key[0] === 0 ? Buffer.from(key).toString('latin1') : Buffer.from(key).toString('utf8'), decode<BundleEntry>(reader, 'BundleEntryProto', value.length));
      }
    }
    const files = new Shards(prefix, shards), graph = entries.get(OBJECT_GRAPH), objectGraph = graph && files.strings(graph, [])?.[0];
    const bytes = objectGraph && new Uint8Array(objectGraph.buffer, objectGraph.byteOffset, objectGraph.length);
    return { prefix, tensors: tensorsOf(entries, files), ...(bytes && { objectGraph: bytes }) };
  } finally {
    source.close();
  }
}

function tensorsOf(entries: ReadonlyMap<string, BundleEntry>, shards: Shards): Map<string, CheckpointTensor> {
  const tensors = new Map<string, CheckpointTensor>();
  for (const [key, entry] of entries) {
    if (key.startsWith('\0')) continue;
    const shape = entry.shape?.dim.map(d => d.size) ?? [], type = typeName(entry.dtype) ?? 'invalid', dtype = storedType(type);
    if (entry.slices.length === 0) {
      const data = dtype && { dtype, dims: shape, bytes: shards.bytes(entry, dtype, shape) };
      tensors.set(key, { key, type, shape, crc32c: entry.crc32c, slices: [], ...(data && { data }) });
      continue;
    }
    const slices = entry.slices.map(({ extent }) => {
      const offset = shape.map((_, d) => extent[d]?.start ?? 0), size = shape.map((n, d) => extent[d]?.length ?? n);
      const part = entries.get(sliceKey(key, shape.map((_, d) => [extent[d]?.start ?? 0, extent[d]?.length ?? -1])));
      const data = dtype && {
        dtype, dims: size,
        bytes: part ? shards.bytes(part, dtype, size) : { kind: 'missing' as const, why: `the checkpoint has no entry for this slice of ${key}`, location: shards.prefix },
      };
      return { offset, shape: size, crc32c: part?.crc32c ?? 0, ...(data && { data }) };
    });
    const data = dtype && { dtype, dims: shape, bytes: joinSlices(key, shape, dtype, slices, shards.prefix) };
    tensors.set(key, { key, type, shape, crc32c: 0, slices, ...(data && { data }) });
  }
  return tensors;
}

/** Key of a slice: 0, name, rank, then start and length of each dimension, in TensorFlow's OrderedCode. */
function sliceKey(name: string, extents: readonly (readonly number[])[]): string {
  const escaped = Buffer.from(name, 'utf8').toString('latin1').replace(/[\0\xff]/g, c => (c === '\0' ? '\0\xff' : '\xff\0'));
  return `\0${escaped}\0\x01${orderedUint(extents.length)}${extents.flat().map(orderedInt).join('')}`;
}

function orderedUint(n: number): string {
  let bytes = '';
  for (; n > 0; n = Math.floor(n / 256)) bytes = String.fromCharCode(n % 256) + bytes;
  return String.fromCharCode(bytes.length) + bytes;
}

/** A signed number: the leading bits say how many bytes follow (as in UTF-8), negative numbers are complemented. */
function orderedInt(n: number): string {
  const magnitude = BigInt(n < 0 ? -1 - n : n), bits = magnitude === 0n ? 0 : magnitude.toString(2).length, length = Math.floor(bits / 7) + 1;
  const all = BigInt.asUintN(80, BigInt(n)), bytes = Array.from({ length }, (_, i) => Number((all >> BigInt(8 * (length - 1 - i))) & 255n));
  const header = length <= 8 ? [(0xff00 >> length) & 0xff, 0] : [0xff, (0xff00 >> (length - 8)) & 0xff];
  bytes[0]! ^= header[0]!;
  if (length > 1) bytes[1]! ^= header[1]!;
  return String.fromCharCode(...bytes);
}

class Shards {
  private readonly sizes = new Map<string, number>();
  constructor(readonly prefix: string, private readonly count: number) {}

  private path(shard: number): string {
    const number = (n: number) => String(n).padStart(5, '0');
    return `${this.prefix}.data-${number(shard)}-of-${number(this.count)}`;
  }

  private size(path: string): number {
    let size = this.sizes.get(path);
    if (size === undefined) {
      const stat = statSync(path, { throwIfNoEntry: false });
      this.sizes.set(path, (size = stat?.isFile() ? stat.size : -1));
    }
    return size;
  }

  bytes(entry: BundleEntry, dtype: DType, shape: readonly number[]): TensorBytes {
    const path = this.path(entry.shard_id), size = this.size(path), location = basename(path);
    const missing = (why: string): TensorBytes => ({ kind: 'missing', why, location });
    if (size < 0) return missing(`${location} is not beside the index`);
    if (entry.offset < 0 || entry.size < 0 || entry.offset + entry.size > size) return missing(`${location} has ${size} bytes and ends before the value (bytes ${entry.offset} to ${entry.offset + entry.size})`);
    if (dtype === 'string') {
      const values = this.strings(entry, shape);
      return values ? { kind: 'strings', values: values.map(v => v.toString('utf8')) } : missing('its strings are damaged or take too much memory');
    }
    const wanted = elementCount(shape) * BYTES_PER_ELEMENT[dtype];
    if (wanted !== entry.size) return missing(`the index gives it ${entry.size} bytes, its shape needs ${wanted}`);
    return { kind: 'file', path, offset: entry.offset, length: entry.size };
  }

  /** Strings lie as their lengths (varints), a checksum of these (4 bytes), and the bytes. `undefined` if they are not there or damaged. */
  strings(entry: BundleEntry, shape: readonly number[]): Buffer[] | undefined {
    const path = this.path(entry.shard_id), count = elementCount(shape), values: Buffer[] = [];
    if (entry.offset < 0 || entry.size < 0 || entry.size > LARGEST_STRINGS || entry.offset + entry.size > this.size(path) || count > entry.size) return undefined;
    const source = openFile(path);
    let bytes: Buffer;
    try {
      bytes = Buffer.from(readRange(source, entry.offset, entry.size));
    } finally {
      source.close();
    }
    const lengths: number[] = [];
    let at = 0;
    for (let i = 0; i < count; i++) {
      let length = 0, scale = 1, b: number | undefined;
      do {
        b = bytes[at++];
        if (b === undefined) return undefined;
        length += (b & 127) * scale;
        scale *= 128;
      } while (b >= 128);
      lengths.push(length);
    }
    at += 4;
    for (const length of lengths) {
      if (at + length > bytes.length) return undefined;
      values.push(bytes.subarray(at, at + length));
      at += length;
    }
    return values;
  }
}

/** A partitioned tensor as one, where it is small enough to be put together in memory. */
function joinSlices(key: string, shape: readonly number[], dtype: DType, slices: CheckpointTensor['slices'], location: string): TensorBytes {
  const size = BYTES_PER_ELEMENT[dtype], total = elementCount(shape) * size;
  const missing = (why: string): TensorBytes => ({ kind: 'missing', why, location: basename(location) });
  if (dtype === 'string' || !(total <= LARGEST_JOIN)) return missing(`${key} is partitioned into ${slices.length} parts that are only used one by one`);
  const whole = new Uint8Array(total);
  let covered = 0;
  for (const slice of slices) {
    const bytes = slice.data?.bytes;
    if (bytes?.kind !== 'file') return bytes?.kind === 'missing' ? bytes : missing(`a part of ${key} has no value`);
    if (slice.shape.some((n, d) => n < 0 || slice.offset[d]! < 0 || slice.offset[d]! + n > shape[d]!)) return missing(`a part of ${key} lies outside its shape`);
    const source = openFile(bytes.path);
    try {
      copyInto(whole, shape, readRange(source, bytes.offset, bytes.length), slice.offset, slice.shape, size);
    } finally {
      source.close();
    }
    covered += elementCount(slice.shape);
  }
  return covered * size === total ? { kind: 'inline', bytes: whole } : missing(`the parts of ${key} do not cover it`);
}

function copyInto(whole: Uint8Array, shape: readonly number[], part: Uint8Array, offset: readonly number[], size: readonly number[], width: number): void {
  const rank = shape.length, row = (size[rank - 1] ?? 1) * width, rows = row === 0 ? 0 : part.length / row;
  for (let r = 0; r < rows; r++) {
    let rest = r, at = offset[rank - 1] ?? 0, stride = shape[rank - 1] ?? 1;
    for (let d = rank - 2; d >= 0; d--) {
      at += (offset[d]! + (rest % size[d]!)) * stride;
      rest = Math.floor(rest / size[d]!);
      stride *= shape[d]!;
    }
    whole.set(part.subarray(r * row, (r + 1) * row), at * width);
  }
}

/** The checkpoint that belongs to a graph file, and why it was taken; `undefined` if none lies beside it. */
export function checkpointBeside(path: string): { readonly prefix: string; readonly why: string } | undefined {
  const folder = dirname(path), stem = join(folder, basename(path).replace(/\.(meta|pb|pbtxt|pb\.txt|textproto|graphdef)$/, ''));
  if (existsSync(`${stem}.index`)) return { prefix: stem, why: `${basename(stem)}.index lies beside the graph under the same name` };
  const listed = listedCheckpoint(folder);
  if (listed !== undefined && existsSync(`${join(folder, listed)}.index`)) return { prefix: join(folder, listed), why: `the file "checkpoint" beside the graph names ${listed}` };
  const found = readdirSync(folder).filter(f => f.endsWith('.index'));
  if (found.length === 1) return { prefix: join(folder, found[0]!.slice(0, -'.index'.length)), why: `${found[0]} is the only checkpoint beside the graph` };
  return undefined;
}

/** Name of the newest checkpoint by the text file `checkpoint`: only the name, its folder is the exporting machine's. */
function listedCheckpoint(folder: string): string | undefined {
  const file = join(folder, 'checkpoint'), stat = statSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size > 2 ** 20) return undefined;
  try {
    const bytes = parseText('CheckpointState', readFileSync(file, 'utf8'), 'checkpoint');
    const state = decode<{ model_checkpoint_path: string }>(new WireReader(memorySource('checkpoint', bytes)), 'CheckpointState', bytes.length);
    return state.model_checkpoint_path.split(/[\\/]/).pop() || undefined;
  } catch (error) {
    // A damaged list of checkpoints takes nothing from the graph beside it.
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
