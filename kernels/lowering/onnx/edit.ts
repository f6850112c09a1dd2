import { toAttributes, type AttributeInputs } from '../../graph/attributes.ts';
import { readAttributes, type InferNode } from '../../graph/builder.ts';
import { subgraphsOf, type Attribute, type Graph, type Node, type TensorData } from '../../graph/graph.ts';
import { SMALL, smallNumbers, tensorOf } from '../../graph/tensorData.ts';
import { tensor, type Dim, type DType, type TensorType, type ValueType } from '../../graph/types.ts';

export { readAttributes };

/** Names for helper values, shared by a file's graph and all its subgraphs. */
export class Names {
  private next = 1;
  private readonly prefix: string;
  constructor(graph: Graph, base: string) {
    let prefix = `${base}.`, n = 1;
    while (uses(graph, prefix)) prefix = `${base}${++n}.`;
    this.prefix = prefix;
  }
  fresh(hint: string): string { return `${this.prefix}${hint}_${this.next++}`; }
}

function uses(graph: Graph, prefix: string): boolean {
  const has = (n: string) => n.startsWith(prefix);
  return [...graph.initializers.keys()].some(has) || graph.inputs.some(i => has(i.name)) ||
    graph.nodes.some(n => has(n.name) || n.outputs.some(has) || subgraphsOf(n).some(([, g]) => uses(g, prefix)));
}

/** One graph while its nodes are rewritten one after the other. Helper nodes carry the origin of the node they stand for. */
export class Edit {
  readonly nodes: Node[] = [];
  readonly initializers: Map<string, TensorData>;
  private readonly types: Map<string, ValueType>;
  private readonly constants = new Map<string, string>();
  /** Nodes whose outputs are typed already. */
  private typed = 0;
  /** The node that is rewritten now. */
  private current: Node | undefined;
  private after: Node[] = [];

  constructor(
    readonly graph: Graph,
    private readonly infer: InferNode,
    private readonly names: Names,
    private readonly parent?: Edit,
  ) {
    this.initializers = new Map(graph.initializers);
    this.types = new Map(graph.types);
    for (const input of graph.inputs) if (input.type && !this.types.has(input.name)) this.types.set(input.name, input.type);
    for (const [name, t] of graph.initializers) this.types.set(name, tensor(t.dtype, t.dims, smallNumbers(t)));
  }

  /** Rewrites `node` by `rewrite`, which returns what takes its place; helpers emitted meanwhile come before it. */
  rewrite(node: Node, rewrite: (node: Node) => Node): void {
    this.current = node;
    this.after = [];
    const main = rewrite(node);
    this.nodes.push(main, ...this.after);
    this.current = undefined;
  }

  /** What is known of a value: stated by the file, or following from the nodes rewritten so far. */
  typeOf(value: string): ValueType | undefined {
    for (; this.typed < this.nodes.length; this.typed++) {
      const node = this.nodes[this.typed]!, found = this.infer(node, n => this.known(n));
      node.outputs.forEach((o, i) => { if (o && found[i] && !this.types.has(o)) this.types.set(o, found[i]!); });
    }
    return this.known(value);
  }
  private known(value: string): ValueType | undefined { return this.types.get(value) ?? this.parent?.typeOf(value); }

  /** Types of a node's outputs before it is among the rewritten ones. */
  inferred(node: Node): readonly (ValueType | undefined)[] {
    return this.infer(node, n => this.typeOf(n));
  }

  tensorType(value: string | undefined): TensorType | undefined {
    const t = value ? this.typeOf(value) : undefined;
    return t?.kind === 'tensor' ? t : undefined;
  }
  dims(value: string | undefined): readonly Dim[] | undefined { return this.tensorType(value)?.shape; }
  rank(value: string | undefined): number | undefined { return this.dims(value)?.length; }
  data(value: string | undefined): readonly number[] | undefined {
    const stated = this.tensorType(value)?.data;
    return stated ?? (value && this.initializers.has(value) ? smallNumbers(this.initializers.get(value)!) : undefined);
  }

  constant(dtype: DType, dims: readonly number[], values: readonly number[]): string {
    const key = `${dtype}[${dims}]${values}`, known = this.constants.get(key);
    if (known !== undefined) return known;
    const name = this.names.fresh('const');
    this.initializers.set(name, tensorOf(dtype, dims, values));
    this.types.set(name, tensor(dtype, dims, values.length <= SMALL ? values : undefined));
    this.constants.set(key, name);
    return name;
  }
  ints(values: readonly number[]): string { return this.constant('int64', [values.length], values); }
  int(value: number): string { return this.constant('int64', [], [value]); }

  /** A scalar of the element type of `like`: a constant where that is known. */
  scalarLike(value: number, like: string): string {
    const dtype = this.tensorType(like)?.dtype;
    return dtype ? this.constant(dtype, [], [value]) : this.emit('CastLike', [this.constant('float32', [], [value]), like]);
  }

  /** A helper node; `port` says which input of the user's node it carries. */
  emit(op: string, inputs: readonly string[], attributes: AttributeInputs = {}, port?: number): string {
    const name = this.names.fresh(op);
    this.nodes.push(this.helper(name, op, inputs, [name], attributes, port));
    return name;
  }
  /** A helper that makes one of the user's values after the node itself. */
  emitAfter(op: string, inputs: readonly string[], output: string, attributes: AttributeInputs = {}): void {
    this.after.push(this.helper(this.names.fresh(op), op, inputs, [output], attributes));
  }
  fresh(hint: string): string { return this.names.fresh(hint); }

  private helper(name: string, op: string, inputs: readonly string[], outputs: readonly string[], attributes: AttributeInputs, port?: number): Node {
    const origin = this.current && (this.current.origin ?? this.current.name), { scope } = this.current ?? {};
    return {
      name, op, domain: '', inputs, outputs, attributes: toAttributes(attributes),
      ...(origin !== undefined && { origin }), ...(port !== undefined && { port }), ...(scope && { scope }),
    };
  }

  child(graph: Graph): Edit { return new Edit(graph, this.infer, this.names, this); }

  /** The rewritten graph. */
  build(): Graph { return { ...this.graph, nodes: this.nodes, initializers: this.initializers }; }
}

/** Rewrites the subgraphs of a node; the node itself if none changes. */
export function mapSubgraphs(node: Node, map: (graph: Graph) => Graph): Node {
  let attributes: Record<string, Attribute> | undefined;
  for (const [name, body] of subgraphsOf(node)) {
    const mapped = map(body);
    if (mapped !== body) (attributes ??= { ...node.attributes })[name] = { kind: 'graph', value: mapped };
  }
  return attributes ? { ...node, attributes } : node;
}

/** The node without some attributes and with others. */
export function withAttributes(node: Node, drop: readonly string[], add: AttributeInputs = {}): Node {
  const attributes: Record<string, Attribute> = { ...node.attributes };
  for (const name of drop) delete attributes[name];
  return { ...node, attributes: { ...attributes, ...toAttributes(add) } };
}

