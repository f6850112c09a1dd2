import { readsOf, type Graph, type Node } from './graph.ts';

/** Producer of each value: index into `graph.nodes`. */
export function producersOf(graph: Graph): Map<string, number> {
  const producers = new Map<string, number>();
  graph.nodes.forEach((node, i) => { for (const o of node.outputs) if (o) producers.set(o, i); });
  return producers;
}

/** Flags of the nodes that the given values depend on, and those values. `graph.nodes` is in topological order. */
export function ancestorsOf(graph: Graph, values: Iterable<string>): { nodes: Uint8Array; values: Set<string> } {
  const needed = new Set(values), nodes = new Uint8Array(graph.nodes.length);
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (!node.outputs.some(o => o && needed.has(o))) continue;
    nodes[i] = 1;
    for (const r of readsOf(node)) needed.add(r);
  }
  return { nodes, values: needed };
}

/** The given values and everything that is computed from them. */
export function descendantsOf(graph: Graph, values: Iterable<string>): Set<string> {
  const reached = new Set(values);
  for (const node of graph.nodes) if (readsOf(node).some(n => reached.has(n))) for (const o of node.outputs) reached.add(o);
  return reached;
}

/** The part of the graph that the given outputs need: no dead nodes, no unused initializers. */
export function pruned(graph: Graph, outputs: readonly string[]): Graph {
  const { nodes, values } = ancestorsOf(graph, outputs);
  return {
    ...graph,
    nodes: graph.nodes.filter((_, i) => nodes[i]),
    initializers: new Map([...graph.initializers].filter(([name]) => values.has(name))),
    outputs: outputs.map(name => graph.outputs.find(o => o.name === name) ?? { name }),
  };
}

/** Nodes in a topological order (stable); values of outer graphs count as given. Throws on a cycle, naming a node on it. */
export function sorted(graph: Graph): Graph {
  const producers = producersOf(graph), state = new Uint8Array(graph.nodes.length), order: Node[] = [];
  for (let root = 0; root < graph.nodes.length; root++) {
    if (state[root]) continue;
    const stack: { node: number; reads: string[]; at: number }[] = [{ node: root, reads: readsOf(graph.nodes[root]!), at: 0 }];
    state[root] = 1;
    while (stack.length) {
      const top = stack[stack.length - 1]!;
      if (top.at === top.reads.length) {
        state[top.node] = 2;
        order.push(graph.nodes[top.node]!);
        stack.pop();
        continue;
      }
      const next = producers.get(top.reads[top.at++]!);
      if (next === undefined || state[next] === 2) continue;
      if (state[next] === 1) throw new Error(`the graph has a cycle through node ${graph.nodes[next]!.name}`);
      state[next] = 1;
      stack.push({ node: next, reads: readsOf(graph.nodes[next]!), at: 0 });
    }
  }
  return { ...graph, nodes: order };
}
