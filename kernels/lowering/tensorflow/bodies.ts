import { readsOf, type Attribute, type Graph, type Node, type ValueInfo } from '../../graph/graph.ts';
import { ancestorsOf } from '../../graph/passes.ts';
import { renamedNode } from '../../graph/rename.ts';

/** A graph of the given node, by attribute. */
export function graphOf(node: Node, attribute: string): Graph | undefined {
  const a = node.attributes[attribute];
  return a?.kind === 'graph' ? a.value : undefined;
}

const isLoop = (node: Node): boolean => node.op === 'While' && !!graphOf(node, 'body');
const branchKeys = (node: Node): string[] => (node.op === 'If' || node.op === 'Case' ? Object.keys(node.attributes).filter(k => graphOf(node, k)) : []);

/**
 * The graph with loops and branches cut down to what the roots need: results that nobody reads go, values that a loop hands
 * through unchanged are read from outside.
 * @param roots default: every value
 */
export function trimmed(graph: Graph, roots?: Iterable<string>): Graph {
  if (!graph.nodes.some(n => isLoop(n) || branchKeys(n).length)) return graph;
  const wanted = roots && new Set(roots), nodes: Node[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (wanted && !node.outputs.some(o => o && wanted.has(o))) {
      nodes.push(node);
      continue;
    }
    const wants = (o: string): boolean => o !== '' && (!wanted || wanted.has(o));
    const made = isLoop(node) ? trimmedLoop(node, wants) : branchKeys(node).length ? [trimmedBranches(node, wants)] : [node];
    for (const n of made) {
      nodes.push(n);
      if (wanted) for (const r of readsOf(n)) wanted.add(r);
    }
  }
  return { ...graph, nodes: nodes.reverse() };
}

/** The nodes that the values need, and no others. */
function onlyNeeded(graph: Graph): Graph {
  const { nodes } = ancestorsOf(graph, graph.outputs.map(o => o.name));
  const kept = { ...graph, nodes: graph.nodes.filter((_, i) => nodes[i]) };
  return trimmed(kept, graph.outputs.map(o => o.name));
}

function trimmedBranches(node: Node, wants: (o: string) => boolean): Node {
  const at = [...node.outputs.keys()].filter(i => wants(node.outputs[i]!)), attributes: Record<string, Attribute> = { ...node.attributes };
  for (const key of branchKeys(node)) {
    const g = graphOf(node, key)!;
    attributes[key] = { kind: 'graph', value: onlyNeeded({ ...g, outputs: at.map(i => g.outputs[i]!) }) };
  }
  return { ...node, outputs: at.map(i => node.outputs[i]!), attributes };
}

/** The loop (last in the list: nodes are collected in reverse), before it Identities for what it handed through. */
function trimmedLoop(node: Node, wants: (o: string) => boolean): Node[] {
  const cond = graphOf(node, 'cond')!, body = graphOf(node, 'body')!, count = body.inputs.length, same = throughIdentities(body);
  const through = [...Array(count).keys()].filter(i => same(body.outputs[i]!.name) === body.inputs[i]!.name), names = new Map<string, string>(), condNames = new Map<string, string>();
  for (const i of through) {
    names.set(body.inputs[i]!.name, node.inputs[i]!);
    condNames.set(cond.inputs[i]!.name, node.inputs[i]!);
  }
  const rest = [...Array(count).keys()].filter(i => !through.includes(i));
  const keep = new Set(rest.filter(i => wants(node.outputs[i] ?? ''))), read = ancestorsOf(cond, cond.outputs.map(o => o.name)).values;
  for (const i of rest) if (read.has(cond.inputs[i]!.name)) keep.add(i);
  for (let size = -1; size !== keep.size;) {
    size = keep.size;
    const reached = ancestorsOf(body, [...keep].map(i => body.outputs[i]!.name)).values;
    for (const i of rest) if (reached.has(body.inputs[i]!.name)) keep.add(i);
  }
  const kept = rest.filter(i => keep.has(i)), pick = (list: readonly ValueInfo[]) => kept.map(i => list[i]!);
  const renamed = (g: Graph, to: ReadonlyMap<string, string>, inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): Graph =>
    onlyNeeded({ ...g, inputs, nodes: g.nodes.map(n => renamedNode(n, to)), outputs: outputs.map(o => ({ ...o, name: to.get(o.name) ?? o.name })) });
  const loop: Node = {
    ...node, inputs: kept.map(i => node.inputs[i]!), outputs: kept.map(i => node.outputs[i] ?? ''),
    attributes: {
      ...node.attributes, cond: { kind: 'graph', value: renamed(cond, condNames, pick(cond.inputs), cond.outputs) },
      body: { kind: 'graph', value: renamed(body, names, pick(body.inputs), pick(body.outputs)) },
    },
  };
  const passed = through.filter(i => wants(node.outputs[i] ?? '')).map((i): Node => ({ name: `${node.name}/through_${i}`, op: 'Identity', domain: node.domain, inputs: [node.inputs[i]!], outputs: [node.outputs[i]!], attributes: {} }));
  return kept.length ? [loop, ...passed] : passed;
}

function throughIdentities(graph: Graph): (value: string) => string {
  const identity = new Map<string, string>();
  for (const n of graph.nodes) if (n.op === 'Identity') identity.set(n.outputs[0]!, n.inputs[0]!);
  return value => {
    let v = value;
    for (let next = identity.get(v); next !== undefined; next = identity.get(v)) v = next;
    return v;
  };
}

/** A graph's nodes and outputs with its inputs replaced and everything else under a prefix. */
export function copied(graph: Graph, inputs: readonly string[], prefix: string): { nodes: readonly Node[]; outputs: readonly string[] } {
  const names = new Map<string, string>(graph.inputs.map((v, i) => [v.name, inputs[i]!] as const));
  for (const node of graph.nodes) for (const o of node.outputs) if (o) names.set(o, prefix + o);
  return { nodes: graph.nodes.map(n => ({ ...renamedNode(n, names), name: prefix + n.name })), outputs: graph.outputs.map(o => names.get(o.name) ?? o.name) };
}
