import type { Node, TensorData } from '../../../kernels/graph/graph.ts';
import { BYTES_PER_ELEMENT, elementCount } from '../../../kernels/graph/types.ts';
import {
  splitValue, type Collection, type TensorFlowFunction, type TensorFlowGraph, type TensorFlowVariable, type VariableDefinition,
} from '../../../kernels/lowering/tensorflow/source.ts';
import { memorySource } from '../byteSource.ts';
import { WireReader } from '../onnx/wire.ts';
import type { Checkpoint, CheckpointTensor } from './checkpoint.ts';
import { decode } from './decode.ts';

const VARIABLES = new Set(['VariableV2', 'Variable', 'VarHandleOp']);
const PASSING = new Set(['Identity', 'ReadVariableOp', 'Cast']);
const RESTORING = new Set(['RestoreV2', 'Restore', 'RestoreSlice']);
const ASSIGNING = new Set(['Assign', 'AssignVariableOp']);
const CALLING = new Set(['PartitionedCall', 'StatefulPartitionedCall']);
const DEEPEST_CALL = 8;

/** Where the graph's own restore operators put a tensor of the checkpoint. */
interface Binding { readonly key: string; readonly slice?: TensorFlowVariable['slice'] }

interface Sources {
  readonly main: TensorFlowGraph;
  readonly functions: ReadonlyMap<string, TensorFlowFunction>;
  readonly collections: ReadonlyMap<string, Collection>;
  /** Full name → trainable, of the object graph. */
  readonly savedVariables: ReadonlyMap<string, boolean | undefined>;
  readonly checkpoint?: Checkpoint;
}

/**
 * The variables of the top-level graph with what the file says of each. A variable's key in the checkpoint is the one that the
 * graph's own restore operators use; without these, the name that the checkpoint has.
 */
export function variablesOf(sources: Sources): Map<string, TensorFlowVariable> {
  const { main, collections, checkpoint } = sources, found = new Map<string, TensorFlowVariable>();
  const nodes = main.graph.nodes.filter(n => VARIABLES.has(n.op));
  if (nodes.length === 0) return found;
  const definitions = new Map<string, VariableDefinition>();
  for (const c of collections.values()) if (c.kind === 'variables') for (const v of c.values) definitions.set(v.node, v);
  const trainable = collections.get('trainable_variables'), trained = trainable?.kind === 'variables' ? new Set(trainable.values.map(v => v.node)) : undefined;
  const bindings = restored(sources), initial = initialisers(main), objects = objectNames(checkpoint);
  const nodeOfKey = new Map([...bindings].map(([node, b]) => [b.key, node]));
  for (const node of nodes) {
    const definition = definitions.get(node.name), shared = stringOf(node, 'shared_name') ?? '', binding = bindings.get(node.name);
    const names = [node.name, shared, definition?.slice?.of ?? ''].filter(n => n !== '');
    const key = binding?.key ?? names.map(n => objects.keyOf.get(n) ?? n).find(n => checkpoint?.tensors.has(n));
    const about = key === undefined ? undefined : objects.byKey.get(key), fullName = about?.fullName ?? (sources.savedVariables.has(shared) ? shared : undefined);
    const slice = definition?.slice ?? binding?.slice, tensor = key === undefined ? undefined : checkpoint?.tensors.get(key);
    const data = checkpoint && (tensor ? valueOf(tensor, slice) : binding && absent(node, binding.key, checkpoint));
    const shape = node.attributes['shape'], first = initial.get(node.name), slotOwner = about?.slot && nodeOfKey.get(about.slot.of);
    const trains = trained ? trained.has(node.name) : fullName === undefined ? undefined : sources.savedVariables.get(fullName);
    found.set(node.name, {
      node: node.name, kind: node.op === 'VarHandleOp' ? 'resource' : 'ref', type: stringOf(node, 'dtype') ?? 'invalid', sharedName: shared,
      ...(shape?.kind === 'ints' && { shape: shape.value }),
      ...(fullName !== undefined && { fullName }), ...(key !== undefined && { checkpointKey: key }), ...(data && { data }),
      ...(trains !== undefined && { trainable: trains }),
      ...((definition?.initialValue || first) && { initialValue: definition?.initialValue || first!.value }),
      ...((definition?.initializer || first) && { initializer: definition?.initializer || first!.node }),
      ...(slice && { slice }),
      ...(slotOwner !== undefined && { slot: { name: about!.slot!.name, variable: slotOwner } }),
    });
  }
  return found;
}

function stringOf(node: Node, attribute: string): string | undefined {
  const a = node.attributes[attribute];
  return a?.kind === 'string' ? a.value : undefined;
}

function absent(node: Node, key: string, checkpoint: Checkpoint): TensorData | undefined {
  const dtype = stringOf(node, 'dtype'), shape = node.attributes['shape'];
  if (dtype === undefined || !(dtype in BYTES_PER_ELEMENT)) return undefined;
  return {
    dtype: dtype as TensorData['dtype'], dims: shape?.kind === 'ints' ? shape.value : [],
    bytes: { kind: 'missing', why: `the checkpoint has no entry ${key}`, location: checkpoint.prefix },
  };
}

/** A variable's value in the checkpoint: the whole tensor, or the part that the variable is. */
function valueOf(tensor: CheckpointTensor, slice: TensorFlowVariable['slice']): TensorData | undefined {
  if (!slice || same(slice.shape, tensor.shape)) return tensor.data;
  const part = tensor.slices.find(s => same(s.offset, slice.offset) && same(s.shape, slice.shape));
  if (part) return part.data;
  const data = tensor.data;
  if (!data || !same(slice.fullShape, tensor.shape)) return undefined;
  const rows = slice.shape.every((n, d) => d === 0 || n === tensor.shape[d]), { bytes } = data;
  const row = elementCount(tensor.shape.slice(1)) * BYTES_PER_ELEMENT[data.dtype], offset = (slice.offset[0] ?? 0) * row, length = (slice.shape[0] ?? 1) * row;
  if (rows && bytes.kind === 'file' && offset >= 0 && offset + length <= bytes.length) return { dtype: data.dtype, dims: slice.shape, bytes: { ...bytes, offset: bytes.offset + offset, length } };
  if (rows && bytes.kind === 'inline' && offset >= 0 && offset + length <= bytes.bytes.length) return { dtype: data.dtype, dims: slice.shape, bytes: { kind: 'inline', bytes: bytes.bytes.slice(offset, offset + length) } };
  return { dtype: data.dtype, dims: slice.shape, bytes: bytes.kind === 'missing' ? bytes : { kind: 'missing', why: `the checkpoint divides ${tensor.key} otherwise than the graph`, location: tensor.key } };
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** Variables by the tensors that the graph's restore operators assign to them, through functions that are called for it. */
function restored({ main, functions }: Sources): Map<string, Binding> {
  const found = new Map<string, Binding>();
  const walk = (graph: TensorFlowGraph['graph'], handles: ReadonlyMap<string, string>, depth: number): void => {
    const makers = new Map<string, Node>();
    for (const node of graph.nodes) makers.set(node.name, node);
    const maker = (value: string | undefined) => (value === undefined ? undefined : makers.get(splitValue(value).node));
    for (const node of graph.nodes) {
      if (ASSIGNING.has(node.op)) {
        const variable = variableBehind(node.inputs[0], maker, handles), binding = variable === undefined ? undefined : restoredValue(node.inputs[1], maker);
        if (binding) found.set(variable!, binding);
      } else if (CALLING.has(node.op) && depth < DEEPEST_CALL) {
        const callee = functions.get(stringOf(node, 'f') ?? '');
        if (!callee || !restoring(callee, functions)) continue;
        const inner = new Map<string, string>();
        callee.graph.inputs.forEach((argument, i) => {
          const variable = variableBehind(node.inputs[i], maker, handles);
          if (variable !== undefined) inner.set(argument.name, variable);
        });
        walk(callee.graph, inner, depth + 1);
      }
    }
  };
  walk(main.graph, new Map(), 0);
  return found;
}

const restoringCache = new WeakMap<TensorFlowFunction, boolean>();
function restoring(f: TensorFlowFunction, functions: ReadonlyMap<string, TensorFlowFunction>, depth = 0): boolean {
  const known = restoringCache.get(f);
  if (known !== undefined) return known;
  restoringCache.set(f, false);
  const does = f.graph.nodes.some(n => {
    if (RESTORING.has(n.op)) return true;
    const callee = CALLING.has(n.op) && depth < DEEPEST_CALL ? functions.get(stringOf(n, 'f') ?? '') : undefined;
    return callee !== undefined && restoring(callee, functions, depth + 1);
  });
  restoringCache.set(f, does);
  return does;
}

type Maker = (value: string | undefined) => Node | undefined;

function variableBehind(value: string | undefined, maker: Maker, handles: ReadonlyMap<string, string>): string | undefined {
  for (let i = 0, at = value; at !== undefined && i < 16; i++) {
    const handle = handles.get(at);
    if (handle !== undefined) return handle;
    const node = maker(at);
    if (!node) return undefined;
    if (VARIABLES.has(node.op)) return handles.size ? undefined : node.name;
    if (!PASSING.has(node.op)) return undefined;
    at = node.inputs[0];
  }
  return undefined;
}

function restoredValue(value: string | undefined, maker: Maker): Binding | undefined {
  let at = value;
  for (let i = 0; at !== undefined && i < 16; i++) {
    const node = maker(at);
    if (!node) return undefined;
    if (RESTORING.has(node.op)) {
      const { output } = splitValue(at), key = stringsOf(maker(node.inputs[1]))?.[output], spec = stringsOf(maker(node.inputs[2]))?.[output];
      if (key === undefined) return undefined;
      const slice = spec ? sliceOf(key, spec) : undefined;
      return { key, ...(slice && { slice }) };
    }
    if (!PASSING.has(node.op)) return undefined;
    at = node.inputs[0];
  }
  return undefined;
}

function stringsOf(node: Node | undefined): readonly string[] | undefined {
  const value = node?.op === 'Const' ? node.attributes['value'] : undefined;
  return value?.kind === 'tensor' && value.value.bytes.kind === 'strings' ? value.value.bytes.values : undefined;
}

/** "6 4 0,3:0,4": the full shape, then start and length of each dimension ("-" is all of it). */
function sliceOf(of: string, spec: string): TensorFlowVariable['slice'] | undefined {
  const words = spec.trim().split(' '), extents = words.pop()!.split(':'), fullShape = words.map(Number);
  if (fullShape.length !== extents.length || fullShape.some(n => !Number.isInteger(n))) return undefined;
  const parts = extents.map((e, d) => (e === '-' ? [0, fullShape[d]!] : e.split(',').map(Number)));
  if (parts.some(p => p.length !== 2 || !p.every(Number.isInteger))) return undefined;
  return { of, fullShape, offset: parts.map(p => p[0]!), shape: parts.map(p => p[1]!) };
}

/** The first assignment of each variable that is its initializer, by TensorFlow's naming: `w/Assign`. */
function initialisers(main: TensorFlowGraph): Map<string, { readonly node: string; readonly value: string }> {
  const found = new Map<string, { node: string; value: string }>();
  for (const node of main.graph.nodes) {
    const [target, value] = node.inputs;
    if (ASSIGNING.has(node.op) && target !== undefined && value !== undefined && node.name === `${target}/Assign`) found.set(target, { node: node.name, value });
  }
  return found;
}

interface ObjectGraph {
  readonly nodes: readonly {
    readonly attributes: readonly { readonly full_name: string; readonly checkpoint_key: string }[];
    readonly slot_variables: readonly { readonly original_variable_node_id: number; readonly slot_name: string; readonly slot_variable_node_id: number }[];
  }[];
}
interface ObjectNames {
  readonly keyOf: ReadonlyMap<string, string>;
  readonly byKey: ReadonlyMap<string, { readonly fullName: string; readonly slot?: { readonly name: string; readonly of: string } }>;
}

/** What an object-based checkpoint calls its variables: full name ↔ key, and whose slot each is. */
function objectNames(checkpoint: Checkpoint | undefined): ObjectNames {
  const keyOf = new Map<string, string>(), byKey = new Map<string, { fullName: string; slot?: { name: string; of: string } }>(), bytes = checkpoint?.objectGraph;
  if (!bytes) return { keyOf, byKey };
  const { nodes } = decode<ObjectGraph>(new WireReader(memorySource(`${checkpoint.prefix}.index`, bytes), 'checkpoint'), 'TrackableObjectGraph', bytes.length);
  for (const { attributes } of nodes) for (const a of attributes) {
    if (!keyOf.has(a.full_name)) keyOf.set(a.full_name, a.checkpoint_key);
    byKey.set(a.checkpoint_key, { fullName: a.full_name });
  }
  for (const { slot_variables } of nodes) for (const s of slot_variables) {
    const slot = nodes[s.slot_variable_node_id]?.attributes[0], original = nodes[s.original_variable_node_id]?.attributes[0];
    if (slot && original) byKey.set(slot.checkpoint_key, { fullName: slot.full_name, slot: { name: s.slot_name, of: original.checkpoint_key } });
  }
  return { keyOf, byKey };
}
