import { GraphBuilder, readAttributes, type InferNode } from '../graph/builder.ts';
import { subgraphsOf, type Attribute, type Graph, type Node } from '../graph/graph.ts';
import { Tensor } from '../graph/tensor.ts';
import { inferBodyTypes, inferWith, type Registry } from '../operators/infer.ts';
import { operatorKey, type Operator } from '../operators/operator.ts';
import type { Conventions } from '../operators/conventions.ts';

/** Nesting of expansions (an expansion may use operators that are expanded themselves). */
const DEPTH = 8;

/**
 * Replaces the nodes that `chosen` picks by their expansions, in subgraphs too. Each replaced node keeps its outputs' names.
 * Its inputs enter through one Identity each, marked with origin and port: the contribution of a use is what flows back through it.
 */
export function expandNodes(graph: Graph, registry: Registry, conventions: Conventions, chosen: (node: Node, entry: Operator) => boolean): Graph {
  return expandInto(graph, registry, conventions, chosen, inferWith(registry), undefined, 0);
}

function expandInto(
  graph: Graph, registry: Registry, conventions: Conventions, chosen: (node: Node, entry: Operator) => boolean,
  infer: InferNode, parent: GraphBuilder | undefined, depth: number,
): Graph {
  const g = new GraphBuilder({ ...graph, nodes: [] }, infer, parent);
  let changed = false;
  for (const node of graph.nodes) {
    const entry = registry.get(operatorKey(node.op, node.domain));
    if (entry?.expand && depth < DEPTH && chosen(node, entry)) {
      changed = true;
      expandOne(g, node, entry, conventions);
    } else {
      const attributes = expandBodies(node, g, registry, conventions, chosen, infer, depth);
      if (attributes) changed = true;
      g.append(attributes ? { ...node, attributes } : node);
    }
  }
  if (!changed) return graph;
  return expandInto(g.build(), registry, conventions, chosen, infer, parent, depth + 1);
}

function expandOne(g: GraphBuilder, node: Node, entry: Operator, conventions: Conventions): void {
  const origin = node.origin ?? node.name;
  g.origin = origin;
  const x = node.inputs.map((name, i) => (name ? port(g, name, origin, i, node) : (undefined as unknown as Tensor)));
  const results = entry.expand!({
    node, x, g, conventions, attributes: readAttributes(node),
    op: (op, inputs, attributes, options) => g.op(op, inputs, attributes, options),
    wantsOutput: i => !!node.outputs[i],
  });
  node.outputs.forEach((name, i) => {
    if (!name) return;
    const result = results[i];
    if (!result) throw new Error(`the expansion of ${node.op} (${node.name}) gives no output ${i}`);
    g.alias(result, name);
  });
  g.origin = undefined;
}

/** Ports inside another expansion (origin already set) need none of their own. */
function port(g: GraphBuilder, value: string, origin: string, index: number, node: Node): Tensor {
  if (node.origin !== undefined) return g.tensor(value);
  const name = g.fresh('port'), type = g.typeOf(value);
  g.append({ name, op: 'Identity', domain: '', inputs: [value], outputs: [name], attributes: {}, origin, port: index });
  if (type) g.setType(name, type);
  return new Tensor(g, name);
}

function expandBodies(
  node: Node, g: GraphBuilder, registry: Registry, conventions: Conventions, chosen: (node: Node, entry: Operator) => boolean, infer: InferNode, depth: number,
): Record<string, Attribute> | undefined {
  let attributes: Record<string, Attribute> | undefined;
  for (const [name, body] of subgraphsOf(node)) {
    const types = inferBodyTypes(body, [], infer, n => g.typeOf(n));
    const expanded = expandInto({ ...body, types }, registry, conventions, chosen, infer, g, depth);
    if (expanded.nodes.length !== body.nodes.length || expanded.nodes.some((n, i) => n !== body.nodes[i])) {
      attributes ??= { ...node.attributes };
      attributes[name] = { kind: 'graph', value: expanded };
    }
  }
  return attributes;
}
