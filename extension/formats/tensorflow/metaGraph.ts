import { UserError } from '../../../kernels/graph/errors.ts';
import {
  canonicalValue, type BoundInput, type Collection, type Signature, type SignatureTensor, type VariableDefinition,
} from '../../../kernels/lowering/tensorflow/source.ts';
import { memorySource } from '../byteSource.ts';
import { WireReader } from '../onnx/wire.ts';
import { typeName } from './dataTypes.ts';
import { decode } from './decode.ts';
import { readGraphDef, type OperatorDef, type RawGraph } from './graphDef.ts';

interface Shape { readonly dim: readonly { readonly size: number }[]; readonly unknown_rank: boolean }
interface TensorInfo {
  readonly name?: string;
  readonly coo_sparse?: { readonly values_tensor_name: string; readonly indices_tensor_name: string; readonly dense_shape_tensor_name: string };
  readonly composite_tensor?: { readonly components: readonly TensorInfo[] };
  readonly dtype: number;
  readonly tensor_shape?: Shape;
}
interface SignatureDef { readonly inputs: ReadonlyMap<string, TensorInfo>; readonly outputs: ReadonlyMap<string, TensorInfo>; readonly method_name: string }
interface CollectionDef {
  readonly node_list?: { readonly value: readonly string[] };
  readonly bytes_list?: { readonly value: readonly Uint8Array[] };
  readonly int64_list?: { readonly value: readonly number[] };
  readonly float_list?: { readonly value: readonly number[] };
}
interface MetaInfo { readonly stripped_op_list?: { readonly op: readonly OperatorDef[] }; readonly tags: readonly string[]; readonly tensorflow_version: string }
interface SavedObject {
  readonly variable?: { readonly trainable: boolean; readonly name: string };
  readonly constant?: { readonly operation: string };
  readonly captured_tensor?: { readonly name: string; readonly concrete_function: string };
}
interface SavedObjectGraph { readonly nodes: readonly SavedObject[]; readonly concrete_functions: ReadonlyMap<string, { readonly bound_inputs: readonly number[] }> }

/** A MetaGraph: the raw graph and what the container says of it. */
export interface MetaGraph {
  readonly graph: RawGraph;
  readonly operators: readonly OperatorDef[];
  readonly tags: readonly string[];
  readonly version: string;
  readonly signatures: ReadonlyMap<string, Signature>;
  readonly collections: ReadonlyMap<string, Collection>;
  readonly boundInputs: ReadonlyMap<string, readonly BoundInput[]>;
  /** Variables of the object graph: full name → trainable (`undefined` where two of the same name differ). */
  readonly savedVariables: ReadonlyMap<string, boolean | undefined>;
}

interface Span { readonly start: number; readonly end: number }

/** Ranges of the MetaGraphs of a SavedModel with their tags. */
export function metaGraphsOf(reader: WireReader, end: number): (Span & { readonly tags: readonly string[] })[] {
  const spans: Span[] = [];
  for (let key; (key = reader.key(end)) !== 0;) {
    if (key !== 18) {
      reader.skip(key, end);
      continue;
    }
    const stop = reader.end(end);
    spans.push({ start: reader.position, end: stop });
    reader.seek(stop);
  }
  return spans.map(span => ({ ...span, tags: tagsOf(reader, span) }));
}

function tagsOf(reader: WireReader, { start, end }: Span): string[] {
  const tags: string[] = [];
  reader.seek(start);
  for (let key; (key = reader.key(end)) !== 0;) {
    if (key !== 10) {
      reader.skip(key, end);
      continue;
    }
    const stop = reader.end(end);
    for (let inner; (inner = reader.key(stop)) !== 0;) {
      if (inner === 34) tags.push(reader.string(stop));
      else reader.skip(inner, stop);
    }
  }
  return tags;
}

/** Reads the MetaGraphDef from `start` to `end`. */
export function readMetaGraph(reader: WireReader, { start, end }: Span): MetaGraph {
  let graph: RawGraph = { nodes: [], functions: [], gradients: new Map(), registeredGradients: new Map(), producer: 0 };
  let info: MetaInfo = { tags: [], tensorflow_version: '' }, objects: SavedObjectGraph | undefined;
  const signatures = new Map<string, Signature>(), collections = new Map<string, CollectionDef>();
  reader.seek(start);
  for (let key; (key = reader.key(end)) !== 0;) {
    switch (key) {
      case 10: info = decode<MetaInfo>(reader, 'MetaGraphDef.MetaInfoDef', reader.end(end)); break;
      case 18: graph = readGraphDef(reader, reader.end(end)); break;
      case 34: readNamed<CollectionDef>(reader, end, 'CollectionDef', (name, c) => { collections.set(name, c); }); break;
      case 42: readNamed<SignatureDef>(reader, end, 'SignatureDef', (name, s) => { signatures.set(name, signatureOf(name, s)); }); break;
      case 58: objects = decode<SavedObjectGraph>(reader, 'SavedObjectGraph', reader.end(end)); break;
      default: reader.skip(key, end);
    }
  }
  const names = new Set(graph.nodes.map(n => n.name));
  return {
    graph, operators: info.stripped_op_list?.op ?? [], tags: info.tags, version: info.tensorflow_version, signatures,
    collections: new Map([...collections].map(([name, c]) => [name, collectionOf(c, names)])),
    boundInputs: objects ? boundInputsOf(objects) : new Map(), savedVariables: objects ? savedVariablesOf(objects) : new Map(),
  };
}

/** One entry of a map from names to messages. */
function readNamed<T>(reader: WireReader, outer: number, type: string, found: (name: string, value: T) => void): void {
  const end = reader.end(outer);
  let name = '', value: T | undefined;
  for (let key; (key = reader.key(end)) !== 0;) {
    if (key === 10) name = reader.string(end);
    else if (key === 18) value = decode<T>(reader, type, reader.end(end));
    else reader.skip(key, end);
  }
  if (value !== undefined) found(name, value);
}

function signatureOf(name: string, s: SignatureDef): Signature {
  const tensors = (map: ReadonlyMap<string, TensorInfo>) => [...map].map(([key, t]): SignatureTensor => {
    const type = typeName(t.dtype), shape = t.tensor_shape && !t.tensor_shape.unknown_rank ? t.tensor_shape.dim.map(d => (d.size < 0 ? -1 : d.size)) : undefined;
    return { key, values: valuesOf(t), ...(type !== undefined && { type }), ...(shape && { shape }) };
  }).sort((a, b) => (a.key < b.key ? -1 : 1));
  return { name, method: s.method_name, inputs: tensors(s.inputs), outputs: tensors(s.outputs) };
}

function valuesOf(t: TensorInfo): string[] {
  const s = t.coo_sparse;
  if (s) return [s.indices_tensor_name, s.values_tensor_name, s.dense_shape_tensor_name].map(canonicalValue);
  if (t.composite_tensor) return t.composite_tensor.components.flatMap(valuesOf);
  return t.name ? [canonicalValue(t.name)] : [];
}

function collectionOf(c: CollectionDef, nodes: ReadonlySet<string>): Collection {
  if (c.node_list) return { kind: 'names', values: c.node_list.value };
  if (c.int64_list) return { kind: 'numbers', values: c.int64_list.value };
  if (c.float_list) return { kind: 'numbers', values: c.float_list.value };
  if (!c.bytes_list) return { kind: 'opaque', count: 0 };
  const variables = c.bytes_list.value.map(bytes => variableOf(bytes, nodes));
  return variables.every(v => v !== undefined) ? { kind: 'variables', values: variables } : { kind: 'opaque', count: variables.length };
}

interface VariableDef {
  readonly variable_name: string;
  readonly initializer_name: string;
  readonly snapshot_name: string;
  readonly initial_value_name: string;
  readonly save_slice_info_def?: { readonly full_name: string; readonly full_shape: readonly number[]; readonly var_offset: readonly number[]; readonly var_shape: readonly number[] };
}

/** The serialized message as a variable of this graph; `undefined` if it is some other message. */
function variableOf(bytes: Uint8Array, nodes: ReadonlySet<string>): VariableDefinition | undefined {
  let v: VariableDef;
  try {
    v = decode<VariableDef>(new WireReader(memorySource('collection', bytes)), 'VariableDef', bytes.length);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
  const node = canonicalValue(v.variable_name), s = v.save_slice_info_def;
  if (!nodes.has(node)) return undefined;
  return {
    node, initializer: v.initializer_name, snapshot: canonicalValue(v.snapshot_name), initialValue: canonicalValue(v.initial_value_name),
    ...(s && { slice: { of: s.full_name, fullShape: s.full_shape, offset: s.var_offset, shape: s.var_shape } }),
  };
}

function boundInputsOf(objects: SavedObjectGraph): Map<string, readonly BoundInput[]> {
  const bound = (id: number): BoundInput => {
    const object = objects.nodes[id];
    if (object?.variable) return { kind: 'variable', fullName: object.variable.name };
    if (object?.captured_tensor) return { kind: 'captured', value: canonicalValue(object.captured_tensor.name), function: object.captured_tensor.concrete_function };
    if (object?.constant) return { kind: 'constant', node: object.constant.operation };
    return { kind: 'other' };
  };
  return new Map([...objects.concrete_functions].map(([name, f]) => [name, f.bound_inputs.map(bound)]));
}

function savedVariablesOf(objects: SavedObjectGraph): Map<string, boolean | undefined> {
  const found = new Map<string, boolean | undefined>();
  for (const { variable } of objects.nodes) {
    if (!variable || variable.name === '') continue;
    found.set(variable.name, found.has(variable.name) && found.get(variable.name) !== variable.trainable ? undefined : variable.trainable);
  }
  return found;
}
