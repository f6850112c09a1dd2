import type protobuf from 'protobufjs';
import { VARINT, LENGTH, FIXED32, FIXED64, type WireReader } from '../onnx/wire.ts';
import { messageType } from './schema.ts';

type Scalar = 'string' | 'bytes' | 'bool' | 'int' | 'uint' | 'sint' | 'float' | 'double' | 'fixed32' | 'fixed64';
interface Slot {
  readonly name: string;
  readonly repeated: boolean;
  /** Set for map fields: reads an entry's key. */
  readonly mapKey?: Scalar;
  readonly scalar?: Scalar;
  readonly message?: string;
  /** In a oneof or a message: absent unless the file has it. */
  readonly presence: boolean;
}
interface Plan { readonly byNumber: ReadonlyMap<number, Slot>; readonly slots: readonly Slot[] }

const SCALARS: Readonly<Record<string, Scalar>> = {
  string: 'string', bytes: 'bytes', bool: 'bool', int32: 'int', int64: 'int', uint32: 'uint', uint64: 'uint', sint32: 'sint', sint64: 'sint',
  float: 'float', double: 'double', fixed32: 'fixed32', fixed64: 'fixed64',
};
const WIRE: Readonly<Record<Scalar, number>> = {
  string: LENGTH, bytes: LENGTH, bool: VARINT, int: VARINT, uint: VARINT, sint: VARINT, float: FIXED32, fixed32: FIXED32, double: FIXED64, fixed64: FIXED64,
};
const DEEPEST = 100;
/** Longest `bytes` field that is taken into memory. */
const LONGEST = 64 * 2 ** 20;

const plans = new Map<string, Plan>();

function planOf(name: string): Plan {
  let plan = plans.get(name);
  if (plan) return plan;
  const byNumber = new Map<number, Slot>();
  for (const field of messageType(name).fieldsArray) byNumber.set(field.id, slotOf(field));
  plan = { byNumber, slots: [...byNumber.values()] };
  plans.set(name, plan);
  return plan;
}

function slotOf(field: protobuf.Field): Slot {
  const resolved = field.resolvedType, isMessage = resolved !== null && 'fields' in resolved;
  const scalar = isMessage ? undefined : resolved ? 'int' : SCALARS[field.type];
  const message = isMessage ? resolved.fullName.replace(/^\.tensorflow\./, '') : undefined;
  const keyType = (field as { keyType?: string }).keyType;
  return {
    name: field.name, repeated: field.repeated, presence: isMessage || field.partOf !== null,
    ...(keyType !== undefined && { mapKey: SCALARS[keyType]! }), ...(scalar && { scalar }), ...(message !== undefined && { message }),
  };
}

/**
 * Decodes the message of type `tensorflow.NAME` that ends at `end`. Absent scalars have their default, repeated fields are
 * arrays, map fields Maps; absent messages and members of a oneof are `undefined`. 64-bit numbers are exact within 2^53, fixed64 decimal text.
 * `google.protobuf.Any` stays undecoded. Throws UserError('file') with the offset of the damage.
 */
export function decode<T>(reader: WireReader, name: string, end: number, depth = 0): T {
  if (depth > DEEPEST) reader.fail('messages are nested too deeply');
  const plan = planOf(name), out: Record<string, unknown> = {};
  reader.spend(2);
  for (const slot of plan.slots) {
    if (slot.mapKey) out[slot.name] = new Map();
    else if (slot.repeated) out[slot.name] = [];
    else if (!slot.presence) out[slot.name] = defaultOf(slot.scalar!);
  }
  for (let key; (key = reader.key(end)) !== 0;) {
    const slot = plan.byNumber.get(key >>> 3), wire = key & 7;
    if (!slot || (slot.message?.includes('google.protobuf') ?? false)) reader.skip(key, end);
    else if (slot.mapKey) {
      if (wire !== LENGTH) reader.skip(key, end);
      else readEntry(reader, slot, reader.end(end), out[slot.name] as Map<unknown, unknown>, depth);
    } else if (slot.message !== undefined) {
      if (wire !== LENGTH) { reader.skip(key, end); continue; }
      const value = decode(reader, slot.message, reader.end(end), depth + 1);
      if (slot.repeated) (out[slot.name] as unknown[]).push(value);
      else out[slot.name] = value;
    } else if (slot.repeated && wire === LENGTH && WIRE[slot.scalar!] !== LENGTH) {
      const list = out[slot.name] as unknown[];
      for (const stop = reader.end(end); reader.position < stop;) {
        reader.spend(1);
        list.push(readScalar(reader, slot.scalar!, stop));
      }
    } else if (wire !== WIRE[slot.scalar!]) reader.skip(key, end);
    else {
      const value = readScalar(reader, slot.scalar!, end);
      if (slot.repeated) {
        reader.spend(1);
        (out[slot.name] as unknown[]).push(value);
      } else out[slot.name] = value;
    }
  }
  return out as T;
}

function readEntry(reader: WireReader, slot: Slot, end: number, into: Map<unknown, unknown>, depth: number): void {
  let k: unknown = defaultOf(slot.mapKey!), value: unknown = slot.scalar ? defaultOf(slot.scalar) : undefined;
  for (let key; (key = reader.key(end)) !== 0;) {
    if (key >>> 3 === 1 && (key & 7) === WIRE[slot.mapKey!]) k = readScalar(reader, slot.mapKey!, end);
    else if (key >>> 3 === 2 && slot.message !== undefined && (key & 7) === LENGTH) value = decode(reader, slot.message, reader.end(end), depth + 1);
    else if (key >>> 3 === 2 && slot.scalar && (key & 7) === WIRE[slot.scalar]) value = readScalar(reader, slot.scalar, end);
    else reader.skip(key, end);
  }
  reader.spend(4);
  if (value === undefined) {
    const here = reader.position;
    value = decode(reader, slot.message!, here, depth + 1);
  }
  into.set(k, value);
}

function readScalar(reader: WireReader, type: Scalar, end: number): unknown {
  switch (type) {
    case 'string': return reader.string(end);
    case 'bytes': {
      const stop = reader.end(end), length = stop - reader.position;
      if (length > LONGEST) reader.fail(`a field of ${length} bytes is too long here`);
      reader.spend(length / 8);
      return reader.bytes(stop);
    }
    case 'bool': return reader.uint() !== 0;
    case 'int': return reader.int();
    case 'uint': return reader.uint();
    case 'sint': {
      const n = reader.uint();
      return n % 2 === 0 ? n / 2 : -(n + 1) / 2;
    }
    case 'float': return view(reader, 4, end).getFloat32(0, true);
    case 'fixed32': return view(reader, 4, end).getUint32(0, true);
    case 'double': return view(reader, 8, end).getFloat64(0, true);
    case 'fixed64': return String(view(reader, 8, end).getBigUint64(0, true));
  }
}

function view(reader: WireReader, size: number, end: number): DataView {
  if (reader.position + size > end) reader.fail('a field is longer than the message around it');
  return new DataView(reader.bytes(reader.position + size).buffer);
}

function defaultOf(type: Scalar): unknown {
  switch (type) {
    case 'string': return '';
    case 'bytes': return new Uint8Array(0);
    case 'bool': return false;
    case 'fixed64': return '0';
    default: return 0;
  }
}
