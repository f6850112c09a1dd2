import type { Graph, TensorData } from '../../graph/graph.ts';

/**
 * A TensorFlow graph as the file says it. `graph` holds the nodes (domain `tensorflow`, `op` the file's operator, or the
 * name of a function of the library), values in the form `node` (output 0) and `node:k`; what `Graph` has no place for is beside it.
 *
 * Attributes: `bool` is an int (0, 1); `type` a string (`float32`, `resource`, `variant`, `qint8`; a reference type as its base type);
 * `shape` ints (−1 unknown; an unknown rank is of kind `other`); lists of shapes are strings (`shapeOf`); a function is its name
 * (attributes bound to it follow as `ATTR.NAME`); an empty list is of kind `strings`; `_output_shapes` is left out: `graph.types` has it.
 * A constant that repeats one element is `value` (a scalar) with `splat` (its dimensions), where spelling it out would take much memory.
 */
export interface TensorFlowGraph {
  /** Nodes in an order where NextIteration → Merge is the only edge that goes back; control edges are followed too. */
  readonly graph: Graph;
  /** Control inputs by node: names of nodes (in a function also of arguments). Nodes without any are left out. */
  readonly controlInputs: ReadonlyMap<string, readonly string[]>;
  /** What is wrong with the graph, for a person: dangling inputs, cycles, duplicate names. */
  readonly problems: readonly string[];
}

export interface FunctionArgument {
  /** Name of the argument; its value in the body is `name`, of a list `name`, `name:1` … */
  readonly name: string;
  readonly values: readonly string[];
  /** `float32`, `resource` …; `undefined` where it hangs on an attribute of the call. */
  readonly type?: string;
  /** The name that the person gave it in Python. */
  readonly userName?: string;
}

/** A function of the library. `graph.inputs` are the arguments' values in order, `graph.outputs` the results'. */
export interface TensorFlowFunction extends TensorFlowGraph {
  readonly name: string;
  readonly arguments: readonly FunctionArgument[];
  /** In order; `value` is a value of the body (several results may be the same value). */
  readonly results: readonly { readonly name: string; readonly value: string }[];
  /** Nodes that run whenever the function runs, though no result needs them. */
  readonly controlResults: readonly string[];
  readonly stateful: boolean;
}

/** Where a variable's value comes from in the checkpoint. */
export interface TensorFlowVariable {
  /** The VariableV2, Variable or VarHandleOp node. */
  readonly node: string;
  readonly kind: 'ref' | 'resource';
  readonly type: string;
  /** −1 unknown; absent: not even the rank is stated. */
  readonly shape?: readonly number[];
  readonly sharedName: string;
  /** Name that Python gave it, where the object graph says it (`dense/kernel`). */
  readonly fullName?: string;
  readonly checkpointKey?: string;
  /** The value, as a reference into a shard of the checkpoint. Of kind `missing` where the checkpoint should have it and has not. Absent: no checkpoint, or the variable is not in it. */
  readonly data?: TensorData;
  /** By the collection or the object graph; absent where the file does not say. */
  readonly trainable?: boolean;
  /** Value assigned by its initializer (`w/Initializer/random_uniform`), where the graph has one. */
  readonly initialValue?: string;
  /** Node that assigns it. */
  readonly initializer?: string;
  /** Part of a larger, partitioned variable. */
  readonly slice?: { readonly of: string; readonly fullShape: readonly number[]; readonly offset: readonly number[]; readonly shape: readonly number[] };
  /** Slot of an optimizer, where the object graph says it: name of the slot (`m`) and node of the variable it belongs to. */
  readonly slot?: { readonly name: string; readonly variable: string };
}

export interface SignatureTensor {
  readonly key: string;
  /** Value of the top-level graph; of a composite (sparse, ragged) tensor its parts in order. */
  readonly values: readonly string[];
  readonly type?: string;
  readonly shape?: readonly number[];
}
export interface Signature {
  readonly name: string;
  readonly method: string;
  readonly inputs: readonly SignatureTensor[];
  readonly outputs: readonly SignatureTensor[];
}

/** A collection of the MetaGraph. Serialized messages other than variables are only counted. */
export type Collection =
  | { readonly kind: 'names'; readonly values: readonly string[] }
  | { readonly kind: 'variables'; readonly values: readonly VariableDefinition[] }
  | { readonly kind: 'numbers'; readonly values: readonly number[] }
  | { readonly kind: 'opaque'; readonly count: number };

export interface VariableDefinition {
  /** Node of the variable. */
  readonly node: string;
  readonly initializer: string;
  readonly snapshot: string;
  readonly initialValue: string;
  readonly slice?: TensorFlowVariable['slice'];
}

/** What a captured input of a concrete function is bound to. */
export type BoundInput =
  | { readonly kind: 'variable'; readonly fullName: string }
  /** A tensor inside another function (captured by a custom gradient). */
  | { readonly kind: 'captured'; readonly value: string; readonly function: string }
  | { readonly kind: 'constant'; readonly node: string }
  | { readonly kind: 'other' };

/** A file of TensorFlow: the top-level graph and what the container says of it. */
export interface TensorFlowModel extends TensorFlowGraph {
  readonly container: 'GraphDef' | 'MetaGraph' | 'SavedModel' | 'checkpoint';
  /** TensorFlow's version and the tags of the MetaGraph, where stated. */
  readonly version: string;
  readonly tags: readonly string[];
  readonly functions: ReadonlyMap<string, TensorFlowFunction>;
  /** `library.gradient`: function → the function that is its gradient (arguments x …, dy …). */
  readonly gradients: ReadonlyMap<string, string>;
  /** `library.registered_gradients`: value of `_gradient_op_type` → function. */
  readonly registeredGradients: ReadonlyMap<string, string>;
  /** By function: what its trailing, captured arguments are bound to (SavedModel's object graph). */
  readonly boundInputs: ReadonlyMap<string, readonly BoundInput[]>;
  readonly signatures: ReadonlyMap<string, Signature>;
  readonly collections: ReadonlyMap<string, Collection>;
  /** Variables of the top-level graph by node. */
  readonly variables: ReadonlyMap<string, TensorFlowVariable>;
  /** Nodes and functions that only save and restore; noise in a drawing. */
  readonly saver: { readonly nodes: ReadonlySet<string>; readonly functions: ReadonlySet<string> };
  readonly checkpoint?: { readonly path: string; readonly why: string };
  /** Frames of the traceback that made a node, outermost first; of a node in a function with its name. Read on demand. */
  readonly sourceLines: (node: string, functionName?: string) => readonly SourceLine[];
}

export interface SourceLine {
  /** Path on the exporting machine. */
  readonly file: string;
  readonly line: number;
  readonly function: string;
  readonly code: string;
}

/** A shape out of a list of shapes: dimensions (−1 unknown), or `undefined` for an unknown rank. */
export function shapeOf(text: string): readonly number[] | undefined {
  return text === '?' ? undefined : text === '' ? [] : text.split(',').map(Number);
}

/** The form that `shapeOf` reads. */
export function shapeText(shape: readonly number[] | undefined): string {
  return shape === undefined ? '?' : shape.join(',');
}

/** Node and output index of a value `node` or `node:k`. */
export function splitValue(value: string): { readonly node: string; readonly output: number } {
  const colon = value.lastIndexOf(':');
  if (colon < 0) return { node: value, output: 0 };
  return { node: value.slice(0, colon), output: Number(value.slice(colon + 1)) };
}

/** The canonical form of a tensor name of TensorFlow: `node:0` is `node`. */
export function canonicalValue(name: string): string {
  return name.endsWith(':0') ? name.slice(0, -2) : name;
}
