import { AttributeReader } from '../graph/attributes.ts';
import type { InferNode } from '../graph/builder.ts';
import type { Graph, Node } from '../graph/graph.ts';
import { smallNumbers } from '../graph/tensorData.ts';
import { isFloat, tensor, type Dim, type TensorType, type ValueType } from '../graph/types.ts';
import { operatorKey, type InferContext, type Operator } from './operator.ts';

export type Registry = ReadonlyMap<string, Operator>;

/** Inference by the table's entries; an operator without one gives the first input's element type and no shape. */
export function inferWith(registry: Registry): InferNode {
  const infer: InferNode = (node, typeOf) => {
    const inputs = node.inputs.map(n => (n ? typeOf(n) : undefined));
    const entry = registry.get(operatorKey(node.op, node.domain));
    if (!entry?.infer) return node.outputs.map(() => assumed(inputs));
    const body = (graph: Graph, given: readonly (ValueType | undefined)[]) => inferBody(graph, given, infer, typeOf);
    return entry.infer(new Context(node, inputs, body));
  };
  return infer;
}

/** The element type that nearly every operator keeps. */
function assumed(inputs: readonly (ValueType | undefined)[]): TensorType | undefined {
  const tensors = inputs.filter((t): t is TensorType => t?.kind === 'tensor');
  const like = tensors.find(t => isFloat(t.dtype)) ?? tensors[0];
  return like && { kind: 'tensor', dtype: like.dtype };
}

class Context implements InferContext {
  readonly op: string;
  readonly attributes: AttributeReader;
  readonly outputs: number;
  constructor(
    private readonly node: Pick<Node, 'op' | 'inputs' | 'outputs' | 'attributes'>,
    readonly inputs: readonly (ValueType | undefined)[],
    readonly body: InferContext['body'],
  ) {
    this.op = node.op;
    this.attributes = new AttributeReader(node.attributes);
    this.outputs = node.outputs.length;
  }
  tensor(i: number): TensorType | undefined {
    const t = this.inputs[i];
    return t?.kind === 'tensor' ? t : undefined;
  }
  data(i: number): readonly number[] | undefined { return this.tensor(i)?.data; }
  has(i: number): boolean { return !!this.node.inputs[i]; }
}

/** Types of all values inside a subgraph; values of the graphs around it come from `outer`. */
export function inferBodyTypes(
  graph: Graph, inputs: readonly (ValueType | undefined)[], infer: InferNode, outer: (value: string) => ValueType | undefined,
): Map<string, ValueType> {
  const types = new Map<string, ValueType>(graph.types);
  graph.inputs.forEach((input, i) => {
    const t = inputs[i] ?? input.type;
    if (t) types.set(input.name, t);
  });
  addInitializers(graph, types);
  const typeOf = (n: string) => types.get(n) ?? outer(n);
  for (const node of graph.nodes) setTypes(node, infer(node, typeOf), types);
  return types;
}

function inferBody(graph: Graph, inputs: readonly (ValueType | undefined)[], infer: InferNode, outer: (value: string) => ValueType | undefined) {
  const types = inferBodyTypes(graph, inputs, infer, outer);
  return graph.outputs.map(o => types.get(o.name) ?? outer(o.name));
}

function addInitializers(graph: Graph, types: Map<string, ValueType>): void {
  for (const [name, t] of graph.initializers) types.set(name, tensor(t.dtype, t.dims, smallNumbers(t)));
}

function setTypes(node: Node, inferred: readonly (ValueType | undefined)[], types: Map<string, ValueType>): void {
  node.outputs.forEach((o, i) => {
    if (!o) return;
    const merged = merge(inferred[i], types.get(o));
    if (merged) types.set(o, merged);
  });
}

/** What inference found, completed by what the file states (its symbolic names included). */
export function merge(found: ValueType | undefined, stated: ValueType | undefined): ValueType | undefined {
  if (!found || !stated) return found ?? stated;
  if (found.kind !== 'tensor' || stated.kind !== 'tensor') return found;
  if (!found.shape || !stated.shape || found.shape.length !== stated.shape.length) return { ...found, ...((found.shape ?? stated.shape) && { shape: found.shape ?? stated.shape }) };
  const shape: Dim[] = found.shape.map((d, i) => (typeof d === 'number' ? d : typeof stated.shape![i] === 'number' ? stated.shape![i] : d ?? stated.shape![i]));
  return { ...found, shape };
}

/**
 * The graph with the types of all values that follow from its inputs.
 * @param given types of inputs as they will be fed (concrete shapes); others keep what the file states
 * @param dims sizes of symbolic dimensions
 */
export function inferTypes(graph: Graph, registry: Registry, given: ReadonlyMap<string, ValueType> = new Map(), dims: ReadonlyMap<string, number> = new Map()): Graph {
  const bind = (t: ValueType | undefined): ValueType | undefined =>
    t?.kind !== 'tensor' || !t.shape ? t : { ...t, shape: t.shape.map(d => (typeof d === 'string' ? dims.get(d) ?? d : d)) };
  const types = new Map<string, ValueType>();
  for (const [name, t] of graph.types) types.set(name, bind(t)!);
  for (const input of graph.inputs) {
    const t = given.get(input.name) ?? bind(input.type);
    if (t) types.set(input.name, t);
  }
  for (const [name, t] of given) types.set(name, t);
  addInitializers(graph, types);
  const infer = inferWith(registry), typeOf = (n: string) => types.get(n);
  for (const node of graph.nodes) setTypes(node, infer(node, typeOf), types);
  // What is fed is what the graph declares: ONNX Runtime cannot use sizes that are fed through an input of unknown length.
  return { ...graph, types, inputs: graph.inputs.map(i => (given.has(i.name) ? { ...i, type: given.get(i.name)! } : i)) };
}
