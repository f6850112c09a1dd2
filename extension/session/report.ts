import { valuesOf, type Differentiated, type ValueGradient } from '../../kernels/autodiff/differentiate.ts';
import { marksOf } from '../../kernels/findings/marks.ts';
import type { Role } from '../../kernels/findings/roles.ts';
import { isFloat, staticShape, type ValueType } from '../../kernels/graph/types.ts';
import { producersOf } from '../../kernels/graph/passes.ts';
import type { Graph } from '../../kernels/graph/graph.ts';
import type { TensorSummary } from '../../kernels/statistics/summaries.ts';
import type { EdgeReport, GradientReport, InputReport, ValueReport } from '../protocol.ts';

export interface ReportParts {
  readonly session: { readonly graph: Graph; readonly roles: ReadonlyMap<string, Role>; readonly model: { readonly path: string; readonly format: string } };
  readonly differentiated: Differentiated;
  /** By value of the differentiated graph. */
  readonly summaries: ReadonlyMap<string, TensorSummary>;
  readonly conventions: string;
  readonly notes: readonly string[];
  readonly userStops: readonly string[];
  readonly target: string;
  readonly targetWhy?: string;
  readonly loss: number;
  readonly provider: string;
  readonly inputs: readonly InputReport[];
  readonly timing: GradientReport['timing'];
}

/** Puts what was computed into the person's words: their values, their nodes, each use of a value. */
export function buildReport(parts: ReportParts): GradientReport {
  const { session: { graph, roles, model }, differentiated: d, summaries } = parts, producers = producersOf(graph);
  const values = valuesOf(graph).map((name): ValueReport => {
    const node = graph.nodes[producers.get(name) ?? -1], type = d.graph.types.get(name) ?? graph.types.get(name), shape = staticShape(type);
    const g = d.gradients.get(name) ?? beside(type), summary = g.gradient && summaries.get(g.gradient), forward = summaries.get(name);
    return {
      name, kind: roles.get(name) ?? 'activation',
      ...(node && node.op !== 'Constant' && { node: node.name, op: node.op }),
      ...(shape && { shape }), ...(type?.kind === 'tensor' && { dtype: type.dtype }),
      gradient: { status: g.status, because: g.because, ...(summary && { summary }) },
      ...(forward && { forward: { summary: forward } }),
    };
  });
  const named = new Set(values.map(v => v.name));
  const edges = d.edges.flatMap((e): EdgeReport[] => {
    if (!named.has(e.value)) return [];
    const summary = e.gradient && summaries.get(e.gradient);
    return [{ value: e.value, node: e.node, input: e.input, status: e.status, ...(summary && { summary }) }];
  });
  return {
    schema: 1, model: model.path, format: model.format, target: parts.target, ...(parts.targetWhy && { targetWhy: parts.targetWhy }),
    loss: parts.loss, provider: parts.provider, conventions: parts.conventions, inputs: parts.inputs, values, edges,
    marks: marksOf(graph, d.gradients, roles, parts.userStops), optimizer: [], notes: parts.notes, timing: parts.timing,
  };
}

/** A value that was not lowered, because the target does not need it. */
function beside(type: ValueType | undefined): ValueGradient {
  return { status: type?.kind === 'tensor' && !isFloat(type.dtype) ? 'not-differentiable' : 'unreachable', because: [] };
}
