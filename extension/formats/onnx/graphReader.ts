import type { Attribute, Graph, GraphFunction, Node, TensorData, ValueInfo } from '../../../kernels/graph/graph.ts';
import { DTYPE_OF_ONNX } from '../../../kernels/graph/tensor.ts';
import { tensorOf } from '../../../kernels/graph/tensorData.ts';
import { elementCount, tensor, type Dim, type ValueType } from '../../../kernels/graph/types.ts';
import type { ExternalFiles } from './externalData.ts';
import { readEntry, readTensor, type NamedTensor } from './tensorProto.ts';
import { FIXED32, LENGTH, VARINT, WireReader } from './wire.ts';
import { scopeOf } from './scopes.ts';

/** Graphs within graphs: deeper files are hostile. */
const DEEPEST = 64;
const NO_OPSETS: ReadonlyMap<string, number> = new Map();
const NO_FUNCTIONS: ReadonlyMap<string, GraphFunction> = new Map();

/** What reading a file needs besides the bytes. */
export interface ReadContext {
  readonly r: WireReader;
  readonly external: ExternalFiles | undefined;
}

/** Reads the GraphProto from here to `end`. */
export function readGraph(c: ReadContext, end: number, depth = 0): Graph {
  const { r } = c;
  if (depth > DEEPEST) r.fail(`graphs are nested more than ${DEEPEST} deep`);
  const nodes: Node[] = [], inputs: ValueInfo[] = [], outputs: ValueInfo[] = [], stated: ValueInfo[] = [], initializers = new Map<string, TensorData>();
  const metadata = new Map<string, string>(), names = new NodeNames();
  let name = '';
  for (let key = r.key(end); key; key = r.key(end)) {
    const field = key >>> 3;
    if ((key & 7) !== LENGTH) r.skip(key, end);
    else if (field === 1) nodes.push(readNode(c, r.end(end), names, depth));
    else if (field === 2) name = r.string(end);
    else if (field === 5) {
      r.spend(24);
      const t = readTensor(r, r.end(end), c.external);
      initializers.set(t.name, t.tensor);
    } else if (field === 11) inputs.push(readValueInfo(r, r.end(end)));
    else if (field === 12) outputs.push(readValueInfo(r, r.end(end)));
    else if (field === 13) stated.push(readValueInfo(r, r.end(end)));
    else if (field === 15) readSparse(c, r.end(end), initializers);
    else if (field === 16) readEntry(r, r.end(end), metadata);
    else r.skip(key, end);
  }
  const types = new Map<string, ValueType>();
  for (const v of [...stated, ...outputs, ...inputs]) if (v.type) types.set(v.name, v.type);
  return {
    name, nodes, inputs: inputs.filter(i => !initializers.has(i.name)), outputs, initializers, types, opsets: NO_OPSETS, functions: NO_FUNCTIONS,
    ...(metadata.size && { metadata: Object.fromEntries(metadata) }),
  };
}

/** Names that are unique in their graph: the file's where it gives one for the first time, else made from the operator. */
class NodeNames {
  private readonly taken = new Set<string>();
  private readonly counters = new Map<string, number>();
  unique(given: string, op: string): string {
    if (given && !this.taken.has(given)) {
      this.taken.add(given);
      return given;
    }
    const stem = given || op;
    let n = this.counters.get(stem) ?? 0, name: string;
    do name = `${stem}_${++n}`; while (this.taken.has(name));
    this.counters.set(stem, n);
    this.taken.add(name);
    return name;
  }
}

function readNode(c: ReadContext, end: number, names: NodeNames, depth: number): Node {
  const { r } = c, inputs: string[] = [], outputs: string[] = [], attributes: Record<string, Attribute> = {};
  let name = '', op = '', domain = '', doc = '', overload = '', metadata: Map<string, string> | undefined;
  r.spend(16);
  for (let key = r.key(end); key; key = r.key(end)) {
    const field = key >>> 3;
    if ((key & 7) !== LENGTH) r.skip(key, end);
    else if (field === 1) inputs.push(r.string(end));
    else if (field === 2) outputs.push(r.string(end));
    else if (field === 3) name = r.string(end);
    else if (field === 4) op = r.string(end);
    else if (field === 5) {
      const [k, a] = readAttribute(c, r.end(end), depth);
      attributes[k] = a;
    } else if (field === 6) doc = r.string(end);
    else if (field === 7) domain = r.string(end);
    else if (field === 8) overload = r.string(end);
    else if (field === 9) readEntry(r, r.end(end), (metadata ??= new Map()));
    else r.skip(key, end);
  }
  if (!op) r.fail('a node has no operator', end);
  const meta = metadata || doc || overload
    ? { ...(metadata && Object.fromEntries(metadata)), ...(doc && { doc_string: doc }), ...(overload && { overload }) } : undefined;
  const unique = names.unique(name, op), scope = scopeOf(meta, name, outputs[0] ?? '');
  return {
    name: unique, op, domain: domain === 'ai.onnx' ? '' : domain, inputs, outputs, attributes,
    ...(scope && { scope }), ...(meta && { metadata: meta }),
  };
}

/** AttributeProto: a value of one kind; files before IR 2 do not say which, so the field that is there decides. */
function readAttribute(c: ReadContext, end: number, depth: number): [string, Attribute] {
  const { r } = c;
  let name = '', type = 0, value: Attribute | undefined;
  const ints: number[] = [], floats: number[] = [], strings: string[] = [];
  for (let key = r.key(end); key; key = r.key(end)) {
    const field = key >>> 3, wire = key & 7;
    if (field === 1 && wire === LENGTH) name = r.string(end);
    else if (field === 2 && wire === FIXED32) value = { kind: 'float', value: r.float() };
    else if (field === 3 && wire === VARINT) value = { kind: 'int', value: r.int() };
    else if (field === 4 && wire === LENGTH) value = { kind: 'string', value: r.string(end) };
    else if (field === 5 && wire === LENGTH) value = { kind: 'tensor', value: readTensor(r, r.end(end), c.external).tensor };
    else if (field === 6 && wire === LENGTH) value = { kind: 'graph', value: readGraph(c, r.end(end), depth + 1) };
    else if (field === 7 && (wire === FIXED32 || wire === LENGTH)) each(r, wire, end, () => floats.push(r.float()));
    else if (field === 8 && (wire === VARINT || wire === LENGTH)) each(r, wire, end, () => ints.push(r.int()));
    else if (field === 9 && wire === LENGTH) strings.push(r.string(end));
    else if (field === 20 && wire === VARINT) type = r.uint();
    else if (field === 21 && wire === LENGTH) value = { kind: 'ref', value: r.string(end) };
    else r.skip(key, end);
  }
  r.spend(4 + ints.length / 2 + floats.length / 2);
  return [name, listOr(value, type, ints, floats, strings)];
}

function listOr(value: Attribute | undefined, type: number, ints: number[], floats: number[], strings: string[]): Attribute {
  if (value?.kind === 'ref') return value;
  if (type === 7 || ints.length) return { kind: 'ints', value: ints };
  if (type === 6 || floats.length) return { kind: 'floats', value: floats };
  if (type === 8 || strings.length) return { kind: 'strings', value: strings };
  if (value) return value;
  // A default-valued scalar may be left out by its writer.
  if (type === 1) return { kind: 'float', value: 0 };
  if (type === 2) return { kind: 'int', value: 0 };
  if (type === 3) return { kind: 'string', value: '' };
  return { kind: 'other', value: `attribute type ${type}` };
}

function each(r: WireReader, wire: number, end: number, one: () => void): void {
  if (wire !== LENGTH) one();
  else for (const stop = r.end(end); r.position < stop;) one();
}

function readValueInfo(r: WireReader, end: number): ValueInfo {
  let name = '', type: ValueType | undefined;
  r.spend(8);
  for (let key = r.key(end); key; key = r.key(end)) {
    if (key >>> 3 === 1 && (key & 7) === LENGTH) name = r.string(end);
    else if (key >>> 3 === 2 && (key & 7) === LENGTH) type = readType(r, r.end(end), 0);
    else r.skip(key, end);
  }
  return { name, ...(type && { type }) };
}

/** TypeProto: tensors, sparse tensors (as tensors), sequences and optionals; maps are left untyped. */
function readType(r: WireReader, end: number, depth: number): ValueType | undefined {
  let type: ValueType | undefined;
  if (depth > 16) r.fail('types are nested too deep');
  for (let key = r.key(end); key; key = r.key(end)) {
    const field = key >>> 3;
    if ((key & 7) !== LENGTH || ![1, 4, 8, 9].includes(field)) {
      r.skip(key, end);
      continue;
    }
    const stop = r.end(end);
    if (field === 1 || field === 8) type = readTensorType(r, stop);
    else {
      for (let k = r.key(stop); k; k = r.key(stop)) {
        if (k >>> 3 === 1 && (k & 7) === LENGTH) {
          const element = readType(r, r.end(stop), depth + 1);
          if (element) type = { kind: field === 4 ? 'sequence' : 'optional', element };
        } else r.skip(k, stop);
      }
    }
  }
  return type;
}

function readTensorType(r: WireReader, end: number): ValueType | undefined {
  let number = 0, shape: Dim[] | undefined;
  for (let key = r.key(end); key; key = r.key(end)) {
    if (key >>> 3 === 1 && (key & 7) === VARINT) number = r.uint();
    else if (key >>> 3 === 2 && (key & 7) === LENGTH) shape = readShape(r, r.end(end));
    else r.skip(key, end);
  }
  const dtype = DTYPE_OF_ONNX.get(number);
  return dtype && tensor(dtype, shape);
}

function readShape(r: WireReader, end: number): Dim[] {
  const shape: Dim[] = [];
  for (let key = r.key(end); key; key = r.key(end)) {
    if (key >>> 3 !== 1 || (key & 7) !== LENGTH) {
      r.skip(key, end);
      continue;
    }
    const stop = r.end(end);
    let dim: Dim;
    for (let k = r.key(stop); k; k = r.key(stop)) {
      if (k >>> 3 === 1 && (k & 7) === VARINT) {
        const size = r.int();
        // Some writers say −1 (or 0 for a batch) where they mean unknown.
        dim = size >= 0 ? size : undefined;
      } else if (k >>> 3 === 2 && (k & 7) === LENGTH) dim = r.string(stop) || undefined;
      else r.skip(k, stop);
    }
    shape.push(dim);
    r.spend(1);
  }
  return shape;
}

/** SparseTensorProto: written out where it is small. */
function readSparse(c: ReadContext, end: number, into: Map<string, TensorData>): void {
  const { r } = c, dims: number[] = [];
  let values: NamedTensor | undefined, indices: NamedTensor | undefined;
  for (let key = r.key(end); key; key = r.key(end)) {
    const field = key >>> 3, wire = key & 7;
    if (field === 1 && wire === LENGTH) values = readTensor(r, r.end(end), c.external);
    else if (field === 2 && wire === LENGTH) indices = readTensor(r, r.end(end), c.external);
    else if (field === 3 && (wire === VARINT || wire === LENGTH)) each(r, wire, end, () => dims.push(r.int()));
    else r.skip(key, end);
  }
  if (!values || !indices) return r.fail('a sparse initializer has no values or no indices', end);
  into.set(values.name, densified(values, indices, dims));
}

function densified(values: NamedTensor, indices: NamedTensor, dims: number[]): TensorData {
  const count = elementCount(dims), { dtype, bytes } = values.tensor, at = indices.tensor.bytes;
  const missing = (why: string): TensorData => ({ dtype, dims, bytes: { kind: 'missing', why, location: '' } });
  if (bytes.kind !== 'inline' || at.kind !== 'inline' || count > 1 << 20) return missing('it is a large sparse tensor, which is not supported');
  const dense = tensorOf(dtype, dims, new Array<number>(count).fill(0)), into = (dense.bytes as { bytes: Uint8Array }).bytes, width = into.length / Math.max(1, count);
  const view = new DataView(at.bytes.buffer, at.bytes.byteOffset, at.bytes.byteLength), n = elementCount(values.tensor.dims), rank = indices.tensor.dims.length === 2 ? dims.length : 1;
  for (let i = 0; i < n; i++) {
    let flat = 0;
    for (let d = 0; d < rank; d++) {
      const k = Number(view.getBigInt64((i * rank + d) * 8, true));
      flat = rank === 1 ? k : flat * dims[d]! + k;
    }
    if (flat < 0 || flat >= count) return missing('an index of this sparse tensor is out of range');
    into.set(bytes.bytes.subarray(i * width, (i + 1) * width), flat * width);
  }
  return dense;
}

/** FunctionProto. */
export function readFunction(c: ReadContext, end: number): GraphFunction {
  const { r } = c, nodes: Node[] = [], inputs: ValueInfo[] = [], outputs: ValueInfo[] = [], attributes: Record<string, Attribute | undefined> = {};
  const opsets = new Map<string, number>(), names = new NodeNames(), stated = new Map<string, ValueType>();
  let name = '', domain = '', overload = '';
  for (let key = r.key(end); key; key = r.key(end)) {
    const field = key >>> 3;
    if ((key & 7) !== LENGTH) r.skip(key, end);
    else if (field === 1) name = r.string(end);
    else if (field === 4) inputs.push({ name: r.string(end) });
    else if (field === 5) outputs.push({ name: r.string(end) });
    else if (field === 6) attributes[r.string(end)] = undefined;
    else if (field === 7) nodes.push(readNode(c, r.end(end), names, 1));
    else if (field === 9) readOpset(r, r.end(end), opsets);
    else if (field === 10) domain = r.string(end);
    else if (field === 11) {
      const [k, a] = readAttribute(c, r.end(end), 1);
      attributes[k] = a;
    } else if (field === 12) {
      const v = readValueInfo(r, r.end(end));
      if (v.type) stated.set(v.name, v.type);
    } else if (field === 13) overload = r.string(end);
    else r.skip(key, end);
  }
  const graph: Graph = { name, nodes, inputs, outputs, initializers: new Map(), types: stated, opsets, functions: NO_FUNCTIONS };
  return { key: functionKey(domain, name, overload), domain, name, graph, attributes };
}

export function functionKey(domain: string, name: string, overload = ''): string {
  return `${domain === 'ai.onnx' ? '' : domain}::${name}${overload ? `::${overload}` : ''}`;
}

export function readOpset(r: WireReader, end: number, into: Map<string, number>): void {
  let domain = '', version = 0;
  for (let key = r.key(end); key; key = r.key(end)) {
    if (key >>> 3 === 1 && (key & 7) === LENGTH) domain = r.string(end);
    else if (key >>> 3 === 2 && (key & 7) === VARINT) version = r.int();
    else r.skip(key, end);
  }
  into.set(domain === 'ai.onnx' ? '' : domain, version);
}
