import type { Graph, GraphFunction, Node } from '../../graph/graph.ts';
import { subgraphsOf } from '../../graph/graph.ts';
import { OPERATORS } from '../../operators/index.ts';
import { inferWith } from '../../operators/infer.ts';
import { ADAPTERS } from './adapters.ts';
import { Edit, mapSubgraphs, Names, withAttributes } from './edit.ts';

/** The operator set that graphs are brought to; graphs with newer operators get the newest that these need. */
const CANONICAL = 21;
/** The newest one that ONNX Runtime runs. */
const NEWEST = 26;

/**
 * The graph in one form of ai.onnx, whatever operator set (1 … 28) the file is written in: operators as in version 21, or the version
 * (at most 26) that its newest operator asks for. Names of nodes and values stay; helper nodes carry `origin`.
 * Operators that were never standard (experimental ones, other domains) are left as they are.
 */
export function canonical(graph: Graph): Graph {
  const names = new Names(graph, 'std'), infer = inferWith(OPERATORS), version = versionOf(graph) ?? CANONICAL;
  const converted = convert(new Edit(graph, infer, names), version);
  const functions = new Map<string, GraphFunction>();
  for (const [key, f] of graph.functions) {
    const own = versionOf(f.graph) ?? version;
    functions.set(key, { ...f, graph: convert(new Edit(f.graph, infer, new Names(f.graph, 'std')), own) });
  }
  const stamp = Math.max(CANONICAL, Math.min(NEWEST, newest([converted, ...[...functions.values()].map(f => f.graph)])));
  for (const [key, f] of functions) functions.set(key, { ...f, graph: stamped(f.graph, stamp) });
  return { ...stamped(converted, stamp), functions };
}

function versionOf(graph: Graph): number | undefined {
  return graph.opsets.get('') ?? graph.opsets.get('ai.onnx');
}

function stamped(graph: Graph, version: number): Graph {
  const opsets = new Map(graph.opsets);
  opsets.delete('ai.onnx');
  return { ...graph, opsets: opsets.set('', version) };
}

function convert(e: Edit, version: number): Graph {
  for (const node of e.graph.nodes) e.rewrite(node, n => adapted(n, e, version));
  return e.build();
}

function adapted(original: Node, e: Edit, version: number): Node {
  let node = mapSubgraphs(original.domain === 'ai.onnx' ? { ...original, domain: '' } : original, body => convert(e.child(body), version));
  if (node.domain === '') {
    if ('consumed_inputs' in node.attributes) node = withAttributes(node, ['consumed_inputs']);
    const { op } = node;
    for (const [before, adapt] of ADAPTERS[op] ?? []) if (version < before && node.op === op) node = adapt(node, e);
  }
  return node;
}

/** The version that the newest operator (or newest feature of one) needs. */
function newest(graphs: readonly Graph[]): number {
  let since = 1;
  for (const graph of graphs) {
    for (const node of graph.nodes) {
      if (node.domain === '') since = Math.max(since, OPERATORS.get(node.op)?.since ?? 1, needed(node));
      since = Math.max(since, newest(subgraphsOf(node).map(([, g]) => g)));
    }
  }
  return since;
}

/** Inputs and attributes that operators of version 21 got later. */
function needed(node: Node): number {
  const has = (name: string) => name in node.attributes;
  switch (node.op) {
    case 'Attention': return has('left_window_size') || has('right_window_size') ? 25 : node.inputs[6] ? 24 : 23;
    case 'Cast': case 'CastLike': return has('round_mode') ? 24 : 1;
    case 'DequantizeLinear': return has('output_dtype') ? 23 : 1;
    case 'QuantizeLinear': return has('precision') ? 23 : 1;
    default: return 1;
  }
}
