import type { Attribute } from '../../../kernels/graph/graph.ts';
import { shapeText } from '../../../kernels/lowering/tensorflow/source.ts';
import { FIXED32, LENGTH, VARINT, type WireReader } from '../onnx/wire.ts';
import { typeName } from './dataTypes.ts';
import { readShape, readTensor } from './tensorProto.ts';

/** A NodeDef as it lies in the file, attributes already in our form. */
export interface RawNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: string[];
  readonly device: string;
  readonly attributes: Record<string, Attribute>;
  /** `_output_shapes` in the form of `shapeText`. */
  readonly outputShapes?: readonly string[];
}

export type AttributeMap = Record<string, Attribute>;
const DEEPEST = 32;
/** Longer strings in attributes (serialized engines and the like) are only described. */
const LONGEST_TEXT = 64 * 1024;

/** Reads a NodeDef that ends at `end`. */
export function readNode(reader: WireReader, end: number): RawNode {
  let name = '', op = '', device = '';
  const inputs: string[] = [], attributes: AttributeMap = Object.create(null);
  reader.spend(16);
  for (let key; (key = reader.key(end)) !== 0;) {
    switch (key) {
      case 10: name = reader.string(end); break;
      case 18: op = reader.string(end); break;
      case 26:
        reader.spend(2);
        inputs.push(reader.string(end));
        break;
      case 34: device = reader.string(end); break;
      case 42: readAttributeEntry(reader, reader.end(end), attributes, 0); break;
      default: reader.skip(key, end);
    }
  }
  const shapes = attributes['_output_shapes'];
  if (shapes === undefined) return { name, op, inputs, device, attributes };
  delete attributes['_output_shapes'];
  return { name, op, inputs, device, attributes, ...(shapes.kind === 'strings' && { outputShapes: shapes.value }) };
}

/** Reads an entry of a map from names to AttrValue into `into`. */
export function readAttributeEntry(reader: WireReader, end: number, into: AttributeMap, depth: number, prefix = ''): void {
  let name = '', at = -1, stop = -1;
  for (let key; (key = reader.key(end)) !== 0;) {
    if (key === 10) name = reader.string(end);
    else if (key === 18) {
      stop = reader.end(end);
      at = reader.position;
      reader.seek(stop);
    } else reader.skip(key, end);
  }
  reader.spend(8);
  if (at < 0) return;
  reader.seek(at);
  readValue(reader, stop, prefix + name, into, depth);
  reader.seek(end);
}

/** Reads an AttrValue into `into[name]`; what belongs to it (attributes of a function) follows under `name.X`. */
function readValue(reader: WireReader, end: number, name: string, into: AttributeMap, depth: number): void {
  if (depth > DEEPEST) reader.fail('attributes are nested too deeply');
  for (let key; (key = reader.key(end)) !== 0;) {
    switch (key) {
      case 10: into[name] = readList(reader, reader.end(end), name, into, depth); break;
      case 18: into[name] = { kind: 'string', value: text(reader, end) }; break;
      case 24: into[name] = { kind: 'int', value: reader.int() }; break;
      case 37: into[name] = { kind: 'float', value: reader.float() }; break;
      case 40: into[name] = { kind: 'int', value: reader.uint() === 0 ? 0 : 1 }; break;
      case 48: into[name] = { kind: 'string', value: typeName(reader.uint()) ?? 'invalid' }; break;
      case 58: {
        const shape = readShape(reader, reader.end(end));
        into[name] = shape ? { kind: 'ints', value: shape } : { kind: 'other', value: 'unknown rank' };
        break;
      }
      case 66: {
        const t = readTensor(reader, reader.end(end));
        into[name] = t.data ? { kind: 'tensor', value: t.data } : { kind: 'other', value: `${t.type ?? 'untyped'} tensor` };
        if (t.splat) into['splat'] = { kind: 'ints', value: t.dims };
        break;
      }
      case 74: into[name] = { kind: 'ref', value: reader.string(end) }; break;
      case 82: into[name] = { kind: 'string', value: readFunctionName(reader, reader.end(end), name, into, depth) }; break;
      default: reader.skip(key, end);
    }
  }
}

function readFunctionName(reader: WireReader, end: number, attribute: string, into: AttributeMap, depth: number): string {
  let name = '';
  for (let key; (key = reader.key(end)) !== 0;) {
    if (key === 10) name = reader.string(end);
    else if (key === 18) readAttributeEntry(reader, reader.end(end), into, depth + 1, `${attribute}.`);
    else reader.skip(key, end);
  }
  return name;
}

function readList(reader: WireReader, end: number, name: string, into: AttributeMap, depth: number): Attribute {
  const numbers: number[] = [], texts: string[] = [];
  let kind: 'ints' | 'floats' | 'strings' | 'other' = 'strings', tensors = 0;
  for (let key; (key = reader.key(end)) !== 0;) {
    const field = key >>> 3, packed = (key & 7) === LENGTH;
    reader.spend(2);
    switch (field) {
      case 2: texts.push(text(reader, end)); break;
      case 3: case 4: case 5: case 6: {
        const wire = field === 4 ? FIXED32 : VARINT;
        if (!packed && (key & 7) !== wire) {
          reader.skip(key, end);
          break;
        }
        if (field !== 6) kind = field === 4 ? 'floats' : 'ints';
        const stop = packed ? reader.end(end) : 0;
        do {
          if (packed && reader.position >= stop) break;
          reader.spend(1);
          if (field === 4) numbers.push(reader.float());
          else if (field === 6) texts.push(typeName(reader.uint()) ?? 'invalid');
          else numbers.push(reader.int());
        } while (packed);
        break;
      }
      case 7: texts.push(shapeText(readShape(reader, reader.end(end)))); break;
      case 8:
        tensors++;
        reader.skip(key, end);
        break;
      case 9: texts.push(readFunctionName(reader, reader.end(end), `${name}.${texts.length}`, into, depth)); break;
      default: reader.skip(key, end);
    }
  }
  if (tensors) return { kind: 'other', value: `${tensors} tensors` };
  return kind === 'strings' ? { kind, value: texts } : { kind, value: numbers };
}

function text(reader: WireReader, end: number): string {
  const start = reader.position, stop = reader.end(end), length = stop - reader.position;
  if (length > LONGEST_TEXT) {
    reader.seek(stop);
    return `(${length} bytes)`;
  }
  reader.seek(start);
  return reader.string(end);
}
