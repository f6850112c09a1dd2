import { UserError } from '../../../kernels/graph/errors.ts';
import { subgraphsOf, type Attribute, type Attributes, type Graph, type GraphFunction, type Node } from '../../../kernels/graph/graph.ts';
import { functionKey } from './graphReader.ts';

const DEEPEST = 64;

/**
 * The graph with every call of a function of the file replaced by its body. Nodes and inner values are named `CALL/name`; inputs and outputs
 * keep the caller's names. The call is a scope of its own, so that the drawing can fold it.
 * @throws UserError('file') for functions that call themselves
 */
export function inlineFunctions(graph: Graph): Graph {
  if (graph.functions.size === 0) return graph;
  const opsets = new Map(graph.opsets);
  for (const f of graph.functions.values()) for (const [domain, version] of f.graph.opsets) if (!opsets.has(domain)) opsets.set(domain, version);
  return { ...inlined(graph, graph.functions, 0), functions: new Map(), opsets };
}

function inlined(graph: Graph, functions: ReadonlyMap<string, GraphFunction>, depth: number): Graph {
  if (depth > DEEPEST) throw new UserError('file', 'its functions call each other without end', 'Export the model again.');
  const nodes: Node[] = [], types = new Map(graph.types);
  for (const node of graph.nodes) {
    const f = functions.get(functionKey(node.domain, node.op, node.metadata?.['overload'])) ?? functions.get(functionKey(node.domain, node.op));
    if (!f) {
      nodes.push(withBodies(node, functions, depth));
      continue;
    }
    const body = inlined({ ...f.graph, functions }, functions, depth + 1), call = new Call(node, f);
    for (const inner of body.nodes) nodes.push(call.copy(inner));
    for (const [name, type] of body.types) if (!types.has(call.value(name))) types.set(call.value(name), type);
    nodes.push(...call.passedThrough());
  }
  return { ...graph, nodes, types };
}

function withBodies(node: Node, functions: ReadonlyMap<string, GraphFunction>, depth: number): Node {
  const bodies = subgraphsOf(node);
  if (!bodies.length) return node;
  const attributes: Record<string, Attribute> = { ...node.attributes };
  for (const [name, body] of bodies) attributes[name] = { kind: 'graph', value: inlined(body, functions, depth + 1) };
  return { ...node, attributes };
}

/** One call: how the names of the function's body become names of the caller. */
class Call {
  private readonly names = new Map<string, string>();
  private readonly aliases: (readonly [from: string, to: string])[] = [];
  private readonly scope: readonly string[];

  constructor(private readonly node: Node, private readonly f: GraphFunction) {
    this.scope = [...(node.scope ?? []), node.name.split('/').at(-1)!];
    f.graph.inputs.forEach((input, i) => this.names.set(input.name, node.inputs[i] ?? ''));
    f.graph.outputs.forEach((output, i) => {
      const to = node.outputs[i];
      if (!to) return;
      // An output that is an input itself, or given twice, needs a copy.
      if (this.names.has(output.name)) this.aliases.push([this.names.get(output.name)!, to]);
      else this.names.set(output.name, to);
    });
  }

  value(name: string): string {
    return name === '' ? '' : (this.names.get(name) ?? `${this.node.name}/${name}`);
  }

  copy(inner: Node, shadowed: ReadonlySet<string> = new Set()): Node {
    const rename = (n: string) => (shadowed.has(n) ? n : this.value(n));
    return {
      ...inner, name: `${this.node.name}/${inner.name}`, inputs: inner.inputs.map(rename), outputs: inner.outputs.map(rename),
      attributes: this.attributes(inner.attributes, shadowed), scope: [...this.scope, ...(inner.scope ?? [])],
    };
  }

  private attributes(all: Attributes, shadowed: ReadonlySet<string>): Attributes {
    const found: Record<string, Attribute> = {};
    for (const name in all) {
      const a = all[name]!;
      if (a.kind === 'ref') {
        const given = this.node.attributes[a.value] ?? this.f.attributes[a.value];
        if (given) found[name] = given;
      } else if (a.kind === 'graph') found[name] = { kind: 'graph', value: this.body(a.value, shadowed) };
      else found[name] = a;
    }
    return found;
  }

  /** A subgraph's own names stay; what it captures is renamed. */
  private body(graph: Graph, outer: ReadonlySet<string>): Graph {
    const own = new Set([...outer, ...graph.inputs.map(i => i.name), ...graph.initializers.keys(), ...graph.nodes.flatMap(n => n.outputs)]);
    const nodes = graph.nodes.map(n => ({ ...this.copy(n, own), name: n.name }));
    return { ...graph, nodes, outputs: graph.outputs.map(o => (own.has(o.name) ? o : { ...o, name: this.value(o.name) })) };
  }

  passedThrough(): Node[] {
    return this.aliases.map(([from, to], i) => ({
      name: `${this.node.name}/Identity_${i}`, op: 'Identity', domain: '', inputs: [from], outputs: [to], attributes: {}, scope: this.scope,
    }));
  }
}
