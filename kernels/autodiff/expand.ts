import { GraphBuilder, readAttributes, type InferNode } from '../graph/builder.ts';
import { subgraphsOf, type Attribute, type Graph, type Node } from '../graph/graph.ts';
import { Tensor, UnknownShape } from '../graph/tensor.ts';
import { bodyInputTypes } from '../operators/bodyInputs.ts';
import { inferBodyTypes, inferWith, type Registry } from '../operators/infer.ts';
import { operatorKey, Unsupported, type Operator } from '../operators/operator.ts';
import type { Conventions } from '../operators/conventions.ts';

/** Nesting of expansions (an expansion may use operators that are expanded themselves). */
const DEPTH = 8;

/**
 * Replaces the nodes that `chosen` picks by their expansions, in subgraphs too. Each replaced node keeps its outputs' names.
 * Its inputs enter through one Identity each, marked with origin and port: the contribution of a use is what flows back through it.
 */
export function expandNodes(graph: Graph, registry: Registry, conventions: Conventions, chosen: (node: Node, entry: Operator) => boolean, refused: Refused = new Map()): Graph {
  return expandInto(graph, { registry, conventions, chosen, infer: inferWith(registry), refused }, undefined, 0);
}

/** Nodes whose expansion gave up, and why: a form that is not covered, or a size that only a run can tell. They stay as they are. */
export type Refused = Map<Node, string>;

interface Expansion {
  readonly registry: Registry;
  readonly conventions: Conventions;
  readonly chosen: (node: Node, entry: Operator) => boolean;
  readonly infer: InferNode;
  readonly refused: Refused;
}

function expandInto(graph: Graph, how: Expansion, parent: GraphBuilder | undefined, depth: number): Graph {
  const g = new GraphBuilder({ ...graph, nodes: [] }, how.infer, parent);
  let changed = false;
  for (const node of graph.nodes) {
    const entry = how.registry.get(operatorKey(node.op, node.domain));
    if (entry?.expand && depth < DEPTH && !how.refused.has(node) && how.chosen(node, entry) && expanded(g, node, entry, how)) {
      changed = true;
    } else {
      const attributes = expandBodies(node, g, how, depth);
      if (attributes) changed = true;
      g.append(attributes ? { ...node, attributes } : node);
    }
  }
  if (!changed) return graph;
  return expandInto(g.build(), how, parent, depth + 1);
}

/** Expands the node in place. @returns false if its expansion gives up */
function expanded(g: GraphBuilder, node: Node, entry: Operator, how: Expansion): boolean {
  try {
    expandOne(g, node, entry, how.conventions);
    return true;
  } catch (error) {
    g.origin = undefined;
    if (error instanceof UnknownShape) how.refused.set(node, 'unknown-shape');
    else if (error instanceof Unsupported) how.refused.set(node, error.reason);
    else throw error;
    return false;
  }
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

function expandBodies(node: Node, g: GraphBuilder, how: Expansion, depth: number): Record<string, Attribute> | undefined {
  let attributes: Record<string, Attribute> | undefined;
  for (const [name, body] of subgraphsOf(node)) {
    const typeOf = (n: string) => g.typeOf(n), types = inferBodyTypes(body, bodyInputTypes(node, body, how.infer, typeOf), how.infer, typeOf);
    const inside = expandInto({ ...body, types }, how, g, depth);
    if (inside.nodes.length !== body.nodes.length || inside.nodes.some((n, i) => n !== body.nodes[i])) {
      attributes ??= { ...node.attributes };
      attributes[name] = { kind: 'graph', value: inside };
    }
  }
  return attributes;
}
