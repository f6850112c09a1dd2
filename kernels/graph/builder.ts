import { AttributeReader, toAttributes, type AttributeInputs } from './attributes.ts';
import { subgraphsOf, type Attributes, type Graph, type Node, type TensorData, type ValueInfo } from './graph.ts';
import { Tensor, type EmitOptions, type Emitter } from './tensor.ts';
import { SMALL, tensorOf } from './tensorData.ts';
import { tensor, type DType, type ValueType } from './types.ts';

/** Infers the types of one node's outputs. Given to the builder so that the graph knows nothing of operators. */
export type InferNode = (
  node: Pick<Node, 'op' | 'domain' | 'inputs' | 'outputs' | 'attributes'>,
  typeOf: (value: string) => ValueType | undefined,
) => readonly (ValueType | undefined)[];

/** Operators whose result is not a function of inputs and attributes alone: never shared. */
export const IMPURE: ReadonlySet<string> = new Set(['RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike', 'Bernoulli', 'Multinomial', 'Dropout']);

/**
 * A graph under construction: starts from the nodes of `base` and grows. Equal nodes are emitted once.
 * A child builder makes a subgraph: it sees the values of its parents and names its own apart from theirs.
 */
export class GraphBuilder implements Emitter {
  readonly nodes: Node[] = [];
  readonly initializers: Map<string, TensorData>;
  private readonly types: Map<string, ValueType>;
  private readonly byKey = new Map<string, string>();
  private readonly positions = new Map<string, number>();
  private readonly counter: { next: number };
  private readonly prefix: string;
  /** The user's node on whose behalf nodes are emitted now. */
  origin: string | undefined;

  constructor(
    readonly base: Graph,
    readonly infer: InferNode,
    readonly parent?: GraphBuilder,
  ) {
    this.initializers = new Map(base.initializers);
    this.types = new Map(base.types);
    for (const input of base.inputs) if (input.type && !this.types.has(input.name)) this.types.set(input.name, input.type);
    this.counter = parent ? parent.counter : { next: 1 };
    this.prefix = parent ? parent.prefix : freePrefix(base);
    for (const node of base.nodes) this.append(node);
  }

  /** A name that no value or node of the file has. */
  fresh(hint: string): string {
    return `${this.prefix}${hint}_${this.counter.next++}`;
  }

  /** Appends a node as it is. */
  append(node: Node): void {
    this.positions.set(node.name, this.nodes.length);
    this.nodes.push(node);
  }

  tensor(name: string): Tensor { return new Tensor(this, name); }

  typeOf(name: string): ValueType | undefined {
    return this.types.get(name) ?? this.parent?.typeOf(name);
  }
  setType(name: string, type: ValueType): void { this.types.set(name, type); }

  /** True if `name` is made here (not in a parent). */
  owns(name: string): boolean {
    return this.types.has(name) || this.initializers.has(name);
  }

  op(op: string, inputs: readonly (Tensor | undefined)[], attributes: AttributeInputs = {}, options: EmitOptions = {}): Tensor {
    return this.ops(op, inputs, attributes, options)[0]!;
  }

  /** As `op`, with all outputs. */
  ops(op: string, inputs: readonly (Tensor | undefined)[], attributes: AttributeInputs = {}, options: EmitOptions = {}): Tensor[] {
    const names = inputs.map(t => t?.name ?? '');
    while (names.at(-1) === '') names.pop();
    const attrs = toAttributes(attributes), domain = options.domain ?? '', count = options.outputs ?? 1;
    const key = IMPURE.has(op) || hasGraph(attrs) ? undefined : `${domain}:${op}(${names.join(',')})${attributeKey(attrs)}#${count}`;
    const known = key === undefined ? undefined : this.find(key);
    const first = known ?? this.fresh(op);
    const outputs = count === 1 ? [first] : Array.from({ length: count }, (_, i) => (i === 0 ? first : `${first}.${i}`));
    if (known === undefined) {
      const node: Node = { name: first, op, domain, inputs: names, outputs, attributes: attrs, ...(this.origin !== undefined && { origin: this.origin }) };
      this.append(node);
      if (key !== undefined) this.byKey.set(key, first);
      const inferred = options.types ?? this.infer(node, n => this.typeOf(n));
      outputs.forEach((o, i) => { if (inferred[i]) this.types.set(o, inferred[i]!); });
    }
    return outputs.map(o => new Tensor(this, o));
  }

  private find(key: string): string | undefined {
    return this.byKey.get(key) ?? this.parent?.find(key);
  }

  constant(dtype: DType, dims: readonly number[], values: readonly number[]): Tensor {
    const key = `const:${dtype}[${dims}]${values.map(v => (Object.is(v, -0) ? '-0' : v)).join(',')}`;
    const known = this.find(key);
    if (known !== undefined) return new Tensor(this, known);
    const name = this.fresh('const');
    this.initializers.set(name, tensorOf(dtype, dims, values));
    this.types.set(name, tensor(dtype, dims, values.length <= SMALL ? values : undefined));
    this.byKey.set(key, name);
    return new Tensor(this, name);
  }

  /** An Identity of `t` under the given name: how an expansion's result takes the place of a user's value. */
  alias(t: Tensor, name: string): void {
    this.append({ name: this.fresh('Identity'), op: 'Identity', domain: '', inputs: [t.name], outputs: [name], attributes: {}, ...(this.origin !== undefined && { origin: this.origin }) });
    if (!this.types.has(name) && t.valueType) this.types.set(name, t.valueType);
  }

  /** Output `i` of the node named `node`, added if the node does not have it yet. */
  addOutput(node: string, i: number, type?: ValueType): Tensor {
    const at = this.positions.get(node)!, old = this.nodes[at]!;
    if (old.outputs[i]) return new Tensor(this, old.outputs[i]);
    const outputs = [...old.outputs];
    while (outputs.length <= i) outputs.push('');
    outputs[i] = this.fresh(`${old.op}.${i}`);
    this.nodes[at] = { ...old, outputs };
    const inferred = type ?? this.infer(this.nodes[at]!, n => this.typeOf(n))[i];
    if (inferred) this.types.set(outputs[i]!, inferred);
    return new Tensor(this, outputs[i]!);
  }

  /** Replaces a node that is already in the graph (same outputs or more). */
  replace(node: Node): void {
    this.nodes[this.positions.get(node.name)!] = node;
  }

  node(name: string): Node | undefined {
    const at = this.positions.get(name);
    return at === undefined ? undefined : this.nodes[at];
  }

  /** A builder for a subgraph with the given inputs. */
  child(base: Graph): GraphBuilder {
    return new GraphBuilder(base, this.infer, this);
  }

  /** The graph as it is now. Inputs are the base's unless given. */
  build(outputs: readonly ValueInfo[] = this.base.outputs, inputs: readonly ValueInfo[] = this.base.inputs): Graph {
    return { ...this.base, nodes: [...this.nodes], initializers: this.initializers, types: this.types, outputs, inputs };
  }
}

export function readAttributes(node: Pick<Node, 'attributes'>): AttributeReader {
  return new AttributeReader(node.attributes);
}

/** A file that was itself differentiated by us (second order), and a graph whose bodies were expanded, already have names with the plain prefix. */
function freePrefix(graph: Graph): string {
  let prefix = 'adj.', n = 1;
  while (hasPrefix(graph, prefix)) prefix = `adj${++n}.`;
  return prefix;
}

function hasPrefix(graph: Graph, prefix: string): boolean {
  for (const name of graph.initializers.keys()) if (name.startsWith(prefix)) return true;
  return graph.nodes.some(node => node.outputs.some(o => o.startsWith(prefix)) || subgraphsOf(node).some(([, body]) => hasPrefix(body, prefix)));
}

function hasGraph(attributes: Attributes): boolean {
  for (const k in attributes) if (attributes[k]!.kind === 'graph') return true;
  return false;
}

function attributeKey(attributes: Attributes): string {
  let key = '';
  for (const name in attributes) {
    const a = attributes[name]!;
    key += `;${name}=`;
    if (a.kind === 'tensor') key += a.value.bytes.kind === 'inline' ? `${a.value.dtype}[${a.value.dims}]${a.value.bytes.bytes.join()}` : `?${Math.random()}`;
    else key += `${a.kind}:${String((a as { value: unknown }).value)}`;
  }
  return key;
}
