import type { TensorData } from './graph.ts';
import type { DType } from './types.ts';
import { elementCount } from './types.ts';

/** Constants up to this many elements take part in shape inference and folding. */
export const SMALL = 2048;

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function halfBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0, a = Math.abs(value);
  if (a >= 65520) return sign | 0x7c00;
  if (a < 2 ** -14) return sign | roundEven(a * 2 ** 24);
  let exponent = Math.floor(Math.log2(a));
  if (2 ** exponent > a) exponent--;
  const fraction = roundEven((a / 2 ** exponent - 1) * 1024);
  return sign | (((exponent + 15) << 10) + fraction);
}

function roundEven(x: number): number {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

/** The elements of an inline tensor as numbers; `undefined` if they are not inline, too many, or no numbers. */
export function smallNumbers(t: TensorData, limit = SMALL): number[] | undefined {
  const count = elementCount(t.dims);
  if (t.bytes.kind !== 'inline' || count > limit) return undefined;
  const { bytes } = t.bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const all = (size: number, read: (offset: number) => number) => {
    if (bytes.byteLength < size * count) return undefined;
    return Array.from({ length: count }, (_, i) => read(i * size));
  };
  switch (t.dtype) {
    case 'float32': return all(4, o => view.getFloat32(o, true));
    case 'float64': return all(8, o => view.getFloat64(o, true));
    case 'float16': return all(2, o => half(view.getUint16(o, true)));
    case 'bfloat16': return all(2, o => bfloat(view.getUint16(o, true)));
    case 'int64': return all(8, o => Number(view.getBigInt64(o, true)));
    case 'uint64': return all(8, o => Number(view.getBigUint64(o, true)));
    case 'int32': return all(4, o => view.getInt32(o, true));
    case 'uint32': return all(4, o => view.getUint32(o, true));
    case 'int16': return all(2, o => view.getInt16(o, true));
    case 'uint16': return all(2, o => view.getUint16(o, true));
    case 'int8': return all(1, o => view.getInt8(o));
    case 'uint8': case 'bool': return all(1, o => view.getUint8(o));
    default: return undefined;
  }
}

function bfloat(bits: number): number {
  const b = new DataView(new ArrayBuffer(4));
  b.setUint32(0, bits << 16);
  return b.getFloat32(0);
}

/** A constant tensor from numbers. Throws for types that have no plain numeric form. */
export function tensorOf(dtype: DType, dims: readonly number[], values: readonly number[]): TensorData {
  const n = values.length;
  const make = (size: number, write: (v: DataView, o: number, x: number) => void) => {
    const bytes = new Uint8Array(n * size), view = new DataView(bytes.buffer);
    for (let i = 0; i < n; i++) write(view, i * size, values[i]!);
    return { dtype, dims, bytes: { kind: 'inline' as const, bytes } };
  };
  switch (dtype) {
    case 'float32': return make(4, (v, o, x) => v.setFloat32(o, x, true));
    case 'float64': return make(8, (v, o, x) => v.setFloat64(o, x, true));
    case 'float16': return make(2, (v, o, x) => v.setUint16(o, halfBits(x), true));
    case 'bfloat16': return make(2, (v, o, x) => v.setUint16(o, bfloatBits(x), true));
    case 'int64': return make(8, (v, o, x) => v.setBigInt64(o, int64(x), true));
    case 'uint64': return make(8, (v, o, x) => v.setBigUint64(o, BigInt(x), true));
    case 'int32': return make(4, (v, o, x) => v.setInt32(o, x, true));
    case 'uint32': return make(4, (v, o, x) => v.setUint32(o, x, true));
    case 'int16': return make(2, (v, o, x) => v.setInt16(o, x, true));
    case 'uint16': return make(2, (v, o, x) => v.setUint16(o, x, true));
    case 'int8': return make(1, (v, o, x) => v.setInt8(o, x));
    case 'uint8': return make(1, (v, o, x) => v.setUint8(o, x));
    case 'bool': return make(1, (v, o, x) => v.setUint8(o, x ? 1 : 0));
    default: throw new Error(`no constant of type ${dtype}`);
  }
}

/** The ends of int64 ("to the end" of a Slice) round to 2^63 as numbers and would wrap to the other end. */
function int64(x: number): bigint {
  return x >= 2 ** 63 ? 2n ** 63n - 1n : x < -(2 ** 63) ? -(2n ** 63n) : BigInt(x);
}

function bfloatBits(x: number): number {
  const b = new DataView(new ArrayBuffer(4));
  b.setFloat32(0, x);
  const bits = b.getUint32(0);
  return Number.isNaN(x) ? 0x7fc0 : ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}
