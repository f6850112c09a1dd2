import { readsOf, type Graph } from '../../graph/graph.ts';
import { trimmed } from './bodies.ts';
import { NotStructured } from './conditions.ts';
import { raised, type Part } from './frames.ts';
import { threaded } from './state.ts';
import { withoutHandles } from './tensorArrays.ts';
import type { TensorFlowView } from './view.ts';

/** A graph in which nothing but data decides what runs. */
export interface Structured {
  readonly graph: Graph;
  /** Variable → the value that it has after the step. */
  readonly updates: ReadonlyMap<string, string>;
}

/**
 * The graph as pure dataflow: loops and conditions as nodes with graphs inside, variables and stacks as values that go from one write to
 * the next; cut down to what the roots need. Where control flow is of a make that nobody knows, it stays as it is (and what needs it has
 * no form in ONNX).
 * @param roots default: everything, without any write
 * @param step nodes that are run for what they write; with it the variables' new values are roots too
 */
export function structured(view: TensorFlowView, roots: ReadonlySet<string> | undefined, step: readonly string[] | undefined): Structured {
  if (!roots) return { graph: trimmed(inOrder(withoutHandles(view)).graph), updates: new Map() };
  const { graph, updates } = threaded(inOrder(withoutHandles(executed(view, [...roots, ...(step ?? [])]))));
  return step ? { graph: trimmed(graph, [...roots, ...updates.values()]), updates } : { graph: trimmed(graph, roots), updates: new Map() };
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
function executed(view: TensorFlowView, roots: Iterable<string>): Part {
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
