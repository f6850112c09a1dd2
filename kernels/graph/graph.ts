import type { DType, ValueType } from './types.ts';

/**
 * Where a tensor's bytes are. A weight is a reference into a file and never read into JavaScript;
 * only small constants are inline. Bytes are little-endian, row-major, in the layout of ONNX raw_data.
 */
export type TensorBytes =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  /** `path` is absolute; the reader has validated it. `offset` and `length` are in bytes. */
  | { readonly kind: 'file'; readonly path: string; readonly offset: number; readonly length: number }
  | { readonly kind: 'strings'; readonly values: readonly string[] }
  /** The bytes cannot be had (missing or refused external file); `why` is for a person. */
  | { readonly kind: 'missing'; readonly why: string; readonly location: string };

export interface TensorData {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly bytes: TensorBytes;
}

/** An attribute's value. Integers are numbers (exact up to 2^53). */
export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensor'; readonly value: TensorData }
  | { readonly kind: 'graph'; readonly value: Graph }
  /** Reference to an attribute of the enclosing function; gone once functions are inlined. */
  | { readonly kind: 'ref'; readonly value: string }
  /** What has no use in a gradient (types, sparse tensors, lists of graphs …), kept for display. */
  | { readonly kind: 'other'; readonly value: string };

export type Attributes = Readonly<Record<string, Attribute>>;

/** A piece of the user's file that says where a node comes from; read on demand. */
export interface SourceRef {
  /** Raw text or a byte range of the file that holds it. */
  readonly text: string;
  readonly kind: 'torch-stack-trace' | 'doc-string' | 'tf-debug-info';
}

export interface Node {
  /** Unique in its graph. Made from the operator and a counter when the file gives none. */
  readonly name: string;
  readonly op: string;
  /** `''` is ai.onnx, `adjoint` our own, anything else as in the file. */
  readonly domain: string;
  /** Names of values; `''` is an omitted optional input. Control inputs are not here. */
  readonly inputs: readonly string[];
  /** Names of values; `''` is an output that nobody wants. */
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  /**
   * The node that the user wrote and this one stands for: set on every node that a lowering, an expansion or
   * the backward pass made. Absent: this node is the user's own.
   */
  readonly origin?: string;
  /** For a node at the border of an expansion: which input of the origin's node it carries (see `expand`). */
  readonly port?: number;
  /** Scope path for folding (`['encoder', 'layer.0']`), where the file has one. */
  readonly scope?: readonly string[];
  /** metadata_props and doc_string of ONNX, or what other formats have of that kind. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface ValueInfo {
  readonly name: string;
  readonly type?: ValueType;
}

/** A function of the file: `key` is `domain::name` or `domain::name::overload`. */
export interface GraphFunction {
  readonly key: string;
  readonly domain: string;
  readonly name: string;
  readonly graph: Graph;
  /** Attribute names the function declares, with defaults where it has them. */
  readonly attributes: Readonly<Record<string, Attribute | undefined>>;
}

/**
 * The one representation, from the file to what is run. Values are names, unique in their graph (SSA);
 * a subgraph (attribute of kind `graph`) may use names of the graphs around it and may shadow them.
 * Nodes are in a topological order unless `problems` says otherwise. Immutable.
 */
export interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  /** What has to be fed. Initializers are not here. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Weights and constants by value name, in the order of the file. */
  readonly initializers: ReadonlyMap<string, TensorData>;
  /** Types of values as the file states them or inference found them. */
  readonly types: ReadonlyMap<string, ValueType>;
  /** Operator set versions by domain (`''` = ai.onnx). */
  readonly opsets: ReadonlyMap<string, number>;
  readonly functions: ReadonlyMap<string, GraphFunction>;
  /** Names for people where a value's own is not the user's (lowered graphs): value → the user's value name. */
  readonly origins?: ReadonlyMap<string, string>;
  /** Values that the format says are trainable; absent where it says nothing. */
  readonly trainable?: ReadonlySet<string>;
  readonly metadata?: Readonly<Record<string, string>>;
}

export const EMPTY_GRAPH: Graph = {
  name: '', nodes: [], inputs: [], outputs: [], initializers: new Map(), types: new Map(), opsets: new Map(), functions: new Map(),
};

/** Subgraphs of a node with the attribute that holds each. */
export function subgraphsOf(node: Node): (readonly [attribute: string, graph: Graph])[] {
  const found: (readonly [string, Graph])[] = [];
  for (const name in node.attributes) {
    const a = node.attributes[name]!;
    if (a.kind === 'graph') found.push([name, a.value]);
  }
  return found;
}

/** Every value that a node reads, those captured by its subgraphs included. */
export function readsOf(node: Node): string[] {
  const names = node.inputs.filter(n => n !== '');
  for (const [, graph] of subgraphsOf(node)) names.push(...capturesOf(graph));
  return names;
}

const captureCache = new WeakMap<Graph, readonly string[]>();

/** Names of outer values that a subgraph (or one nested in it) uses, each once. */
export function capturesOf(graph: Graph): readonly string[] {
  const known = captureCache.get(graph);
  if (known) return known;
  const own = new Set<string>([...graph.inputs.map(i => i.name), ...graph.initializers.keys()]);
  for (const node of graph.nodes) for (const o of node.outputs) own.add(o);
  const outer = new Set<string>();
  for (const node of graph.nodes) for (const n of readsOf(node)) if (!own.has(n)) outer.add(n);
  for (const o of graph.outputs) if (!own.has(o.name)) outer.add(o.name);
  const captures = [...outer];
  captureCache.set(graph, captures);
  return captures;
}
