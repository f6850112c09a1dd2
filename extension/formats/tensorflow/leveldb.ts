import snappy from 'snappyjs';
import { UserError } from '../../../kernels/graph/errors.ts';
import { readRange, type ByteSource } from '../byteSource.ts';
import { crc32c, masked } from './crc32c.ts';

const FOOTER = 48;
const MAGIC = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
const LARGEST_BLOCK = 256 * 2 ** 20;
const MOST_ENTRIES = 10e6;
const LONGEST_KEY = 64 * 1024;

export interface TableEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** True if the source ends with the magic number of a LevelDB table. */
export function isTable(source: ByteSource): boolean {
  if (source.size < FOOTER) return false;
  const end = new Uint8Array(8);
  return source.read(source.size - 8, end) === 8 && MAGIC.every((b, i) => end[i] === b);
}

/** Entries of a LevelDB table in its order; each block's checksum is verified. Throws UserError('file') on damage. */
export function* tableEntries(source: ByteSource): Generator<TableEntry> {
  if (!isTable(source)) throw damaged(source, 'it does not end as a checkpoint index does', source.size);
  const footer = new Cursor(readRange(source, source.size - FOOTER, FOOTER), source, source.size - FOOTER);
  footer.varint();
  footer.varint();
  let count = 0;
  for (const { value } of blockEntries(source, footer.varint(), footer.varint())) {
    const handle = new Cursor(value, source, 0);
    for (const entry of blockEntries(source, handle.varint(), handle.varint())) {
      if (++count > MOST_ENTRIES) throw damaged(source, `it has more than ${MOST_ENTRIES} entries`, 0);
      yield entry;
    }
  }
}

function* blockEntries(source: ByteSource, offset: number, size: number): Generator<TableEntry> {
  // A block is followed by its kind (1 byte) and its checksum (4 bytes).
  if (offset + size + 5 > source.size - FOOTER || size > LARGEST_BLOCK) throw damaged(source, `a block of ${size} bytes does not fit into it`, offset);
  const stored = readRange(source, offset, size + 5), kind = stored[size]!;
  const sum = new DataView(stored.buffer, size + 1, 4).getUint32(0, true);
  if (masked(crc32c(stored.subarray(0, size + 1))) !== sum) throw damaged(source, 'the checksum of a block is wrong', offset);
  const block = kind === 0 ? stored.subarray(0, size) : kind === 1 ? uncompressed(source, stored.subarray(0, size), offset) : undefined;
  if (!block) throw damaged(source, `compression ${kind} is not known`, offset);
  if (block.length < 4) throw damaged(source, 'a block is too short', offset);
  const restarts = new DataView(block.buffer, block.byteOffset + block.length - 4, 4).getUint32(0, true), end = block.length - 4 - restarts * 4;
  if (end < 0) throw damaged(source, 'a block has more restart points than bytes', offset);
  const cursor = new Cursor(block.subarray(0, end), source, offset);
  let key = new Uint8Array(0);
  while (cursor.at < end) {
    const shared = cursor.varint(), own = cursor.varint(), length = cursor.varint();
    if (shared > key.length) throw damaged(source, 'a key refers to more of its predecessor than there is', offset);
    if (shared + own > LONGEST_KEY) throw damaged(source, `a key has ${shared + own} bytes`, offset);
    const next = new Uint8Array(shared + own);
    next.set(key.subarray(0, shared));
    next.set(cursor.take(own), shared);
    key = next;
    yield { key, value: cursor.take(length) };
  }
}

function uncompressed(source: ByteSource, bytes: Uint8Array, offset: number): Uint8Array {
  try {
    return snappy.uncompress(bytes, LARGEST_BLOCK);
  } catch (error) {
    throw damaged(source, `a block cannot be uncompressed (${(error as Error).message})`, offset);
  }
}

/** Walks over bytes of a block. */
class Cursor {
  at = 0;
  constructor(private readonly bytes: Uint8Array, private readonly source: ByteSource, private readonly base: number) {}

  varint(): number {
    let value = 0, scale = 1;
    for (let i = 0; i < 10; i++) {
      const b = this.bytes[this.at++];
      if (b === undefined) break;
      value += (b & 127) * scale;
      if (b < 128) return value;
      scale *= 128;
    }
    throw damaged(this.source, 'a number does not end', this.base);
  }

  take(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) throw damaged(this.source, 'an entry is longer than its block', this.base);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

function damaged(source: ByteSource, why: string, offset: number): UserError {
  return new UserError('file', `${source.name} is damaged or is no checkpoint index: ${why} (byte ${offset})`, 'Get the file again.', source.path === undefined ? {} : { file: source.path });
}
