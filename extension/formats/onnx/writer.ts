import { realpathSync } from 'node:fs';
import { dirname, relative, sep } from 'node:path';
import type { Attribute, Graph, GraphFunction, Node, TensorData, ValueInfo } from '../../../kernels/graph/graph.ts';
import { ONNX_TYPE } from '../../../kernels/graph/tensor.ts';
import type { ValueType } from '../../../kernels/graph/types.ts';
import { UserError } from '../../../kernels/graph/errors.ts';

export interface WrittenModel {
  readonly bytes: Uint8Array;
  /** Folder that the locations of external data start from; absent when there are none. */
  readonly folder?: string;
}

/**
 * A graph as an ONNX ModelProto for ONNX Runtime. Tensors that lie in files stay there: they become external data, with locations
 * relative to `folder`. Intermediate types are not written; an output without a type is written by name alone.
 * @throws UserError('file') for a weight whose bytes cannot be had
 */
export function writeModel(graph: Graph): WrittenModel {
  const folder = commonFolder(filesOf(graph)), w = new Writer();
  w.int(1, 10);
  w.string(2, 'adjoint');
  w.message(7, () => writeGraph(w, graph, folder));
  for (const [domain, version] of graph.opsets) writeOpset(w, 8, domain, version);
  for (const f of graph.functions.values()) w.message(25, () => writeFunction(w, f, folder));
  return { bytes: w.finish(), ...(folder !== undefined && { folder }) };
}

/** Growing buffer for the protobuf wire format. A length is written after its content is known, into room kept for it. */
class Writer {
  private bytes = new Uint8Array(1 << 16);
  private at = 0;

  private room(n: number): void {
    if (this.at + n <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.at + n));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
  }
  private varint(value: number): void {
    this.room(10);
    // The largest int64 ("to the end") rounds up to 2^63 as a number, which would be written as the most negative one.
    if (value >= 2 ** 63) {
      this.bytes.fill(255, this.at, this.at + 8);
      this.bytes[this.at + 8] = 127;
      this.at += 9;
      return;
    }
    if (value < 0) {
      let v = BigInt.asUintN(64, BigInt(value));
      while (v > 127n) {
        this.bytes[this.at++] = Number(v & 127n) | 128;
        v >>= 7n;
      }
      this.bytes[this.at++] = Number(v);
      return;
    }
    while (value > 127) {
      this.bytes[this.at++] = (value % 128) | 128;
      value = Math.floor(value / 128);
    }
    this.bytes[this.at++] = value;
  }
  private tag(field: number, wire: number): void { this.varint(field * 8 + wire); }

  int(field: number, value: number): void {
    this.tag(field, 0);
    this.varint(value);
  }
  float(field: number, value: number): void {
    this.tag(field, 5);
    this.room(4);
    new DataView(this.bytes.buffer).setFloat32(this.at, value, true);
    this.at += 4;
  }
  raw(field: number, data: Uint8Array): void {
    this.tag(field, 2);
    this.varint(data.length);
    this.room(data.length);
    this.bytes.set(data, this.at);
    this.at += data.length;
  }
  string(field: number, text: string): void { this.raw(field, encoder.encode(text)); }
  ints(field: number, values: readonly number[]): void {
    if (values.length) this.message(field, () => values.forEach(v => this.varint(v)));
  }
  floats(field: number, values: readonly number[]): void {
    for (const v of values) this.float(field, v);
  }
  /** Five bytes are kept for the length: a varint may be padded with empty groups. */
  message(field: number, content: () => void): void {
    this.tag(field, 2);
    this.room(5);
    const start = this.at;
    this.at += 5;
    content();
    let length = this.at - start - 5;
    for (let i = 0; i < 5; i++) {
      this.bytes[start + i] = (length % 128) | (i < 4 ? 128 : 0);
      length = Math.floor(length / 128);
    }
  }
  finish(): Uint8Array { return this.bytes.slice(0, this.at); }
}
const encoder = new TextEncoder();

function writeGraph(w: Writer, graph: Graph, folder: string | undefined): void {
  for (const node of graph.nodes) w.message(1, () => writeNode(w, node, folder));
  w.string(2, graph.name || 'graph');
  for (const [name, tensor] of graph.initializers) w.message(5, () => writeTensor(w, tensor, name, folder));
  for (const input of graph.inputs) w.message(11, () => writeValueInfo(w, input));
  for (const output of graph.outputs) w.message(12, () => writeValueInfo(w, output));
}

function writeNode(w: Writer, node: Node, folder: string | undefined): void {
  for (const i of node.inputs) w.string(1, i);
  for (const o of node.outputs) w.string(2, o);
  w.string(3, node.name);
  w.string(4, node.op);
  for (const name in node.attributes) {
    const a = node.attributes[name]!;
    // What was kept for display only has no bytes any more; ONNX Runtime never needs it.
    if (a.kind !== 'other') w.message(5, () => writeAttribute(w, name, a, folder));
  }
  if (node.domain) w.string(7, node.domain);
}

/** Numbers of AttributeProto.AttributeType. */
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7, strings: 8 } as const;

function writeAttribute(w: Writer, name: string, a: Attribute, folder: string | undefined): void {
  w.string(1, name);
  switch (a.kind) {
    case 'float': w.float(2, a.value); break;
    case 'int': w.int(3, a.value); break;
    case 'string': w.string(4, a.value); break;
    case 'tensor': w.message(5, () => writeTensor(w, a.value, '', folder)); break;
    case 'graph': w.message(6, () => writeGraph(w, a.value, folder)); break;
    case 'floats': w.floats(7, a.value); break;
    case 'ints': w.ints(8, a.value); break;
    case 'strings': for (const s of a.value) w.string(9, s); break;
    case 'ref': w.string(21, a.value); break;
    case 'other': break;
  }
  if (a.kind in ATTRIBUTE_TYPE) w.int(20, ATTRIBUTE_TYPE[a.kind as keyof typeof ATTRIBUTE_TYPE]);
}

function writeTensor(w: Writer, t: TensorData, name: string, folder: string | undefined): void {
  w.ints(1, t.dims);
  w.int(2, ONNX_TYPE[t.dtype]);
  const { bytes } = t;
  if (bytes.kind === 'strings') for (const s of bytes.values) w.string(6, s);
  if (name) w.string(8, name);
  if (bytes.kind === 'inline') w.raw(9, bytes.bytes);
  else if (bytes.kind === 'file') {
    const location = relative(folder!, realPath(bytes.path)).split(sep).join('/');
    const entries = [['location', location], ['offset', String(bytes.offset)], ['length', String(bytes.length)]] as const;
    for (const [key, value] of entries) w.message(13, () => { w.string(1, key); w.string(2, value); });
    w.int(14, 1);
  } else if (bytes.kind === 'missing') {
    throw new UserError('file', `the weight ${name} cannot be read: ${bytes.why}`, 'Put the file where the model expects it.', { file: bytes.location });
  }
}

function writeValueInfo(w: Writer, info: ValueInfo): void {
  w.string(1, info.name);
  const { type } = info;
  if (type) w.message(2, () => writeType(w, type));
}

function writeType(w: Writer, type: ValueType): void {
  if (type.kind === 'sequence') return w.message(4, () => w.message(1, () => writeType(w, type.element)));
  if (type.kind === 'optional') return w.message(9, () => w.message(1, () => writeType(w, type.element)));
  const { shape } = type;
  w.message(1, () => {
    w.int(1, ONNX_TYPE[type.dtype]);
    if (shape) w.message(2, () => { for (const d of shape) w.message(1, () => { if (typeof d === 'number') w.int(1, d); else if (d !== undefined) w.string(2, d); }); });
  });
}

function writeOpset(w: Writer, field: number, domain: string, version: number): void {
  w.message(field, () => { w.string(1, domain); w.int(2, version); });
}

function writeFunction(w: Writer, f: GraphFunction, folder: string | undefined): void {
  w.string(1, f.name);
  for (const i of f.graph.inputs) w.string(4, i.name);
  for (const o of f.graph.outputs) w.string(5, o.name);
  for (const [name, fallback] of Object.entries(f.attributes)) {
    if (fallback) w.message(11, () => writeAttribute(w, name, fallback, folder));
    else w.string(6, name);
  }
  for (const node of f.graph.nodes) w.message(7, () => writeNode(w, node, folder));
  for (const [domain, version] of f.graph.opsets) writeOpset(w, 9, domain, version);
  w.string(10, f.domain);
  const overload = f.key.split('::')[2];
  if (overload) w.string(13, overload);
}

const realPaths = new Map<string, string>();
/** ONNX Runtime resolves links before it asks whether a file lies in the folder. */
function realPath(path: string): string {
  let real = realPaths.get(path);
  if (real === undefined) realPaths.set(path, (real = realpathSync(path)));
  return real;
}

function filesOf(graph: Graph): Set<string> {
  const files = new Set<string>();
  const visit = (g: Graph) => {
    for (const t of g.initializers.values()) if (t.bytes.kind === 'file') files.add(realPath(t.bytes.path));
    for (const node of g.nodes) {
      for (const name in node.attributes) {
        const a = node.attributes[name]!;
        if (a.kind === 'graph') visit(a.value);
        else if (a.kind === 'tensor' && a.value.bytes.kind === 'file') files.add(realPath(a.value.bytes.path));
      }
    }
  };
  visit(graph);
  for (const f of graph.functions.values()) visit(f.graph);
  return files;
}

/** The deepest folder that holds every file. */
function commonFolder(files: ReadonlySet<string>): string | undefined {
  let common: string[] | undefined;
  for (const file of files) {
    const parts = dirname(file).split(sep);
    if (!common) common = parts;
    else {
      let n = 0;
      while (n < common.length && common[n] === parts[n]) n++;
      common = common.slice(0, n);
    }
  }
  return common && (common.join(sep) || sep);
}
