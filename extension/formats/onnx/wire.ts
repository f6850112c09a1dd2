import { UserError } from '../../../kernels/graph/errors.ts';
import type { ByteSource } from '../byteSource.ts';

/** Wire types of the protobuf encoding. */
export const VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5;

const WINDOW = 64 * 1024;
/** Units of about 8 bytes that the decoded graph may take; a hostile file must not fill the memory. */
const BUDGET = 100e6;
/** Longer strings are no names; they are read whole only where the caller asks for bytes. */
const LONGEST_STRING = 64 * 2 ** 20;

/**
 * A cursor over the protobuf wire format of a source, through one window. Nothing is read that is skipped:
 * a payload costs its length prefix. All positions are absolute byte offsets; every error names one.
 */
export class WireReader {
  private readonly content = new Uint8Array(WINDOW);
  /** The same memory, for its readers of numbers and text. */
  private readonly window = Buffer.from(this.content.buffer);
  private base = 0;
  private at = 0;
  private filled = 0;
  /** The varint read last, as 28 + 28 + 8 bits. */
  private low = 0;
  private mid = 0;
  private high = 0;
  private spent = 0;
  private readonly table: (string | undefined)[] = new Array(1 << 14);

  constructor(readonly source: ByteSource, /** What kind of file messages speak of. */ private readonly what = 'ONNX file') {}

  get position(): number { return this.base + this.at; }

  seek(position: number): void {
    const at = position - this.base;
    if (at >= 0 && at <= this.filled) this.at = at;
    else {
      this.base = position;
      this.at = this.filled = 0;
    }
  }

  fail(message: string, offset = this.position): never {
    throw new UserError('file', `${this.source.name} is damaged or is no ${this.what}: ${message} (byte ${offset})`, 'Get the file again, or export the model once more.',
      this.source.path === undefined ? {} : { file: this.source.path });
  }

  /** Counts what the decoded form costs; fails before an absurd number of parts fills the memory. */
  spend(units: number): void {
    this.spent += units;
    if (this.spent > BUDGET) this.fail('it has more parts than any model (the limit protects the memory)');
  }

  private refill(): void {
    this.base += this.at;
    this.at = 0;
    this.filled = this.base < this.source.size ? this.source.read(this.base, this.content) : 0;
    if (this.filled === 0) this.fail('it ends in the middle of a field');
  }

  private byte(): number {
    if (this.at >= this.filled) this.refill();
    return this.window[this.at++]!;
  }

  private readVarint(): void {
    const start = this.position;
    let low = 0, mid = 0, high = 0, b = 0;
    for (let i = 0; i < 10; i++) {
      b = this.byte();
      if (i < 4) low |= (b & 127) << (7 * i);
      else if (i < 8) mid |= (b & 127) << (7 * (i - 4));
      else high |= (b & 127) << (7 * (i - 8));
      if (b < 128) {
        this.low = low;
        this.mid = mid;
        this.high = high & 255;
        return;
      }
    }
    this.fail('a number has more than 10 bytes', start);
  }

  /** An unsigned varint, exact up to 2^53. */
  uint(): number {
    const first = this.byte();
    if (first < 128) return first;
    this.at--;
    this.readVarint();
    return this.low + this.mid * 2 ** 28 + this.high * 2 ** 56;
  }

  /** An int64 (or int32) varint as a number, exact within 2^53. */
  int(): number {
    const first = this.byte();
    if (first < 128) return first;
    this.at--;
    this.readVarint();
    if (this.high < 128) return this.low + this.mid * 2 ** 28 + this.high * 2 ** 56;
    return -((~this.low & 0xfffffff) + (~this.mid & 0xfffffff) * 2 ** 28 + (~this.high & 255) * 2 ** 56 + 1);
  }

  /** A varint's lowest `size` bytes (1, 2, 4 or 8), written little-endian: exact for any 64 bits. */
  intBytes(into: Uint8Array, offset: number, size: number): void {
    this.readVarint();
    const { low, mid, high } = this;
    into[offset] = low;
    if (size === 1) return;
    into[offset + 1] = low >>> 8;
    if (size === 2) return;
    into[offset + 2] = low >>> 16;
    into[offset + 3] = (low >>> 24) | (mid << 4);
    if (size === 4) return;
    into[offset + 4] = mid >>> 4;
    into[offset + 5] = mid >>> 12;
    into[offset + 6] = mid >>> 20;
    into[offset + 7] = high;
  }

  float(): number {
    this.need(4);
    const value = this.window.readFloatLE(this.at);
    this.at += 4;
    return value;
  }

  /** The next field's key (number · 8 + wire type), or 0 at the end of the message. */
  key(end: number): number {
    const start = this.position;
    if (start >= end) {
      if (start > end) this.fail('a field is longer than the message around it');
      return 0;
    }
    const key = this.uint();
    if (key < 8 || key > 0xffffffff) this.fail(`field number ${Math.floor(key / 8)} is not allowed`, start);
    return key;
  }

  /** End of the length-delimited field that begins here; checked against the end of the message around it. */
  end(outer: number): number {
    const start = this.position, length = this.uint(), end = this.position + length;
    if (end > outer) this.fail(`a field claims ${length} bytes where ${Math.max(0, outer - this.position)} are left`, start);
    return end;
  }

  skip(key: number, outer: number): void {
    switch (key & 7) {
      case VARINT: this.uint(); return;
      case FIXED64: this.seek(this.position + 8); break;
      case LENGTH: this.seek(this.end(outer)); return;
      case FIXED32: this.seek(this.position + 4); break;
      default: this.fail(`wire type ${key & 7} of field ${key >>> 3} is not used by ${this.what}s`);
    }
    if (this.position > outer) this.fail('a field is longer than the message around it');
  }

  /** The string that begins here (with its length). Equal short strings are one object. */
  string(outer: number): string {
    const end = this.end(outer), length = end - this.position;
    if (length === 0) return '';
    if (length > WINDOW) {
      if (length > LONGEST_STRING) this.fail(`a name has ${length} bytes`);
      this.spend(length / 4);
      return Buffer.from(this.bytes(end)).toString('utf8');
    }
    this.need(length);
    const { window, at } = this;
    this.at += length;
    if (length > 96) {
      this.spend(length / 8);
      return window.toString('utf8', at, at + length);
    }
    let hash = length, ascii = 0;
    for (let i = at; i < at + length; i++) {
      const b = window[i]!;
      ascii |= b;
      hash = (Math.imul(hash, 31) + b) | 0;
    }
    if (ascii >= 128) return window.toString('utf8', at, at + length);
    const slot = (hash ^ (hash >>> 15)) & (this.table.length - 1), known = this.table[slot];
    if (known !== undefined && known.length === length) {
      let i = 0;
      while (i < length && known.charCodeAt(i) === window[at + i]) i++;
      if (i === length) return known;
    }
    this.spend(2);
    return (this.table[slot] = window.toString('latin1', at, at + length));
  }

  /** The bytes from here to `end`, copied. Callers bound the length. */
  bytes(end: number): Uint8Array {
    const length = end - this.position, copy = new Uint8Array(length);
    if (this.at + length <= this.filled) {
      copy.set(this.window.subarray(this.at, this.at + length));
    } else if (this.source.read(this.position, copy) < length) {
      this.fail('it ends in the middle of a field', this.source.size);
    }
    this.seek(end);
    return copy;
  }

  private need(length: number): void {
    if (this.at + length <= this.filled) return;
    this.base += this.at;
    this.at = 0;
    this.filled = this.source.read(this.base, this.content);
    if (this.filled < length) this.fail('it ends in the middle of a field', this.base + this.filled);
  }
}
