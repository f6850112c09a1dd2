import { readsOf, type Graph } from '../../graph/graph.ts';
import { trimmed } from './bodies.ts';
import { NotStructured } from './conditions.ts';
import { raised, type Part } from './frames.ts';
import { RUN } from './functions.ts';
import { withoutHandles } from './tensorArrays.ts';
import type { TensorFlowView } from './view.ts';

/**
 * The graph as pure dataflow: loops and conditions as nodes with graphs inside, cut down to what the roots need.
 * Where control flow is of a make that nobody knows, it stays as it is (and what needs it has no form in ONNX).
 * @param roots default: everything
 */
export function structured(view: TensorFlowView, roots: ReadonlySet<string> | undefined): Graph {
  const part = roots ? executed(view, roots) : view;
  return trimmed(inOrder(withoutHandles(part)).graph, roots);
}

function inOrder(part: Part): Part {
  try {
    return raised(part);
  } catch (error) {
    if (error instanceof NotStructured) return part;
    throw error;
  }
}

/** The nodes that run when the roots are asked for: what they read, and what has to run before. */
function executed(view: TensorFlowView, roots: ReadonlySet<string>): Part {
  const { graph, controlInputs } = view, producers = new Map<string, number>(), named = new Map<string, number>(), run = new Set<number>();
  graph.nodes.forEach((node, i) => {
    named.set(node.name, i);
    for (const o of node.outputs) if (o) producers.set(o, i);
  });
  const open: number[] = [], see = (i: number | undefined) => { if (i !== undefined && !run.has(i)) open.push(i); };
  for (const r of roots) see(producers.get(r) ?? named.get(r));
  for (let i = open.pop(); i !== undefined; i = open.pop()) {
    if (run.has(i)) continue;
    run.add(i);
    const node = graph.nodes[i]!;
    for (const v of readsOf(node)) see(producers.get(v));
    for (const c of controlInputs.get(node.name) ?? []) see(named.get(c));
  }
  return { graph: { ...graph, nodes: graph.nodes.filter((_, i) => run.has(i)) }, controlInputs };
}

/** Nodes of a branch that run though no result needs them. */
export function runOf(graph: Graph): readonly string[] {
  const text = graph.metadata?.[RUN];
  return text ? text.split('\n') : [];
}
