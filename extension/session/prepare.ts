import { UnknownShape } from '../../kernels/graph/tensor.ts';
import { differentiate, valuesOf, type Differentiated, type DifferentiateOptions } from '../../kernels/autodiff/differentiate.ts';
import { expandNodes } from '../../kernels/autodiff/expand.ts';
import { GraphBuilder } from '../../kernels/graph/builder.ts';
import type { Graph } from '../../kernels/graph/graph.ts';
import { pruned } from '../../kernels/graph/passes.ts';
import { staticShape, type ValueType } from '../../kernels/graph/types.ts';
import { OPERATORS } from '../../kernels/operators/index.ts';
import { CONVENTIONS, type ConventionName } from '../../kernels/operators/conventions.ts';
import { inferTypes, inferWith } from '../../kernels/operators/infer.ts';
import { planSummary, type SummaryForm, type SummaryPlan } from '../../kernels/statistics/summaries.ts';

/** Values of the top level whose shape inference could not find: the probe measures them. */
export function unmeasured(graph: Graph): string[] {
  const tensorLike = (t: ValueType | undefined) => !t || t.kind === 'tensor';
  return valuesOf(graph).filter(v => tensorLike(graph.types.get(v)) && !staticShape(graph.types.get(v)));
}

/**
 * The forward graph with a Shape of each value that is not known.
 * @returns the graph to run and, for each value, the output that holds its shape
 */
export function probeGraph(graph: Graph, values: readonly string[], conventions: ConventionName): { graph: Graph; shapes: ReadonlyMap<string, string> } {
  const g = new GraphBuilder(graph, inferWith(OPERATORS)), shapes = new Map(values.map(v => [v, g.op('Shape', [g.tensor(v)]).name]));
  const outputs = [...values, ...shapes.values()];
  return { graph: runnable(pruned(g.build(), outputs), conventions), shapes };
}

/** Operators of our own and those that ONNX Runtime lacks, replaced by what it has. */
export function runnable(graph: Graph, conventions: ConventionName): Graph {
  return expandNodes(graph, OPERATORS, CONVENTIONS[conventions], (_, entry) => entry.native === false);
}

/** What is asked of one run: summaries of values and gradients, or whole tensors. */
export interface RunPlan {
  readonly graph: Graph;
  readonly summaries: readonly SummaryPlan[];
  /** Every output to fetch. */
  readonly outputs: readonly string[];
}

/** Adds the summaries of the named values and prunes the graph to what the outputs need. Values that hold the same elements share one summary. */
export function planRun(graph: Graph, summarised: Iterable<string>, whole: Iterable<string>, conventions: ConventionName, form: SummaryForm = {}): RunPlan {
  const g = new GraphBuilder(graph, inferWith(OPERATORS)), summaries: SummaryPlan[] = [], outputs = new Set<string>(whole);
  const source = elementsOf(graph), plans = new Map<string, SummaryPlan | undefined>();
  for (const value of new Set(summarised)) {
    const of = source.get(value) ?? value;
    if (!plans.has(of)) plans.set(of, planSummary(g, of, form));
    const plan = plans.get(of);
    if (!plan) continue;
    summaries.push({ ...plan, value });
    outputs.add(plan.output);
  }
  const list = [...outputs];
  return { graph: runnable(pruned(g.build(), list), conventions), summaries, outputs: list };
}

/** Operators whose result has exactly the elements of their first input. */
const REARRANGES: ReadonlySet<string> = new Set(['Flatten', 'Identity', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze']);

/** For each value that another one's elements were rearranged into: that first one. */
function elementsOf(graph: Graph): Map<string, string> {
  const source = new Map<string, string>();
  for (const { op, domain, inputs: [from], outputs: [to] } of graph.nodes) {
    if (domain === '' && REARRANGES.has(op) && from && to && staticShape(graph.types.get(from))) source.set(to, source.get(from) ?? from);
  }
  return source;
}

/** Differentiates; where a rule needs a shape that only a run can tell, the caller's probe supplies it and the walk is done again. */
export function differentiateTyped(graph: Graph, options: Omit<DifferentiateOptions, 'registry'>): Differentiated {
  return differentiate(graph, { ...options, registry: OPERATORS });
}

export { inferTypes, OPERATORS, UnknownShape };
