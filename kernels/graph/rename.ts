import { subgraphsOf, type Attribute, type Graph, type Node } from './graph.ts';

/** The node with values renamed, in its subgraphs too (where they are not shadowed). */
export function renamedNode(node: Node, names: ReadonlyMap<string, string>): Node {
  if (!names.size) return node;
  const to = (n: string) => names.get(n) ?? n;
  let attributes: Record<string, Attribute> | undefined;
  for (const [key, graph] of subgraphsOf(node)) {
    const inner = renamedBody(graph, names);
    if (inner !== graph) (attributes ??= { ...node.attributes })[key] = { kind: 'graph', value: inner };
  }
  return { ...node, inputs: node.inputs.map(to), outputs: node.outputs.map(to), ...(attributes && { attributes }) };
}

/** A subgraph whose captured values got other names. */
function renamedBody(graph: Graph, names: ReadonlyMap<string, string>): Graph {
  const own = new Set<string>([...graph.inputs.map(i => i.name), ...graph.initializers.keys(), ...graph.nodes.flatMap(n => n.outputs)]);
  const captured = new Map([...names].filter(([n]) => !own.has(n)));
  if (!captured.size) return graph;
  return {
    ...graph, nodes: graph.nodes.map(n => renamedNode(n, captured)),
    outputs: graph.outputs.map(o => (captured.has(o.name) ? { ...o, name: captured.get(o.name)! } : o)),
  };
}
