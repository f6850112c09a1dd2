import { elementCount, BYTES_PER_ELEMENT, isFloat, type ValueType } from '../../kernels/graph/types.ts';
import { OPERATORS } from '../../kernels/operators/index.ts';
import { operatorKey, type NoGradient } from '../../kernels/operators/operator.ts';
import { differentiate } from '../../kernels/autodiff/differentiate.ts';
import { marksOf } from '../../kernels/findings/marks.ts';
import type { Mark } from '../protocol.ts';
import type { GradientSession } from './session.ts';
import { targetCandidates, type TargetCandidate } from './targets.ts';

export interface InspectReport {
  readonly schema: 1;
  readonly model: string;
  readonly format: string;
  readonly producer: string;
  readonly opsets: Readonly<Record<string, number>>;
  readonly inputs: readonly { name: string; shape?: readonly (number | string | null)[]; dtype?: string }[];
  readonly outputs: readonly { name: string; shape?: readonly (number | string | null)[]; dtype?: string }[];
  readonly parameters: { count: number; elements: number; bytes: number };
  readonly nodes: number;
  readonly operators: Readonly<Record<string, number>>;
  readonly functions: number;
  readonly marks: readonly Mark[];
  readonly targets: readonly TargetCandidate[];
  readonly notDifferentiable: readonly { node: string; op: string; why: string }[];
  readonly unsupported: readonly { node: string; op: string }[];
  /** Nodes with a source line. */
  readonly sources: number;
  readonly problems: readonly { node?: string; message: string }[];
}

const WHY: Readonly<Record<NoGradient, string>> = {
  flat: 'piecewise constant: its derivative is zero almost everywhere',
  discrete: 'its result is an integer, a truth value or an index',
  source: 'it depends on no input differentiably',
  'stop-gradient': 'it stops the gradient',
  'prevent-gradient': 'asking for a gradient through it is an error',
};

/** What a file holds, without running anything. */
export function inspectReport(session: GradientSession): { json: InspectReport; text: string } {
  const { graph, model } = session, typed = session.typed, operators: Record<string, number> = {}, parameters = { count: 0, elements: 0, bytes: 0 };
  const notDifferentiable: { node: string; op: string; why: string }[] = [], unsupported: { node: string; op: string }[] = [];
  // A node of TensorFlow that became one node of ONNX has that one's rule.
  const lowered = new Map(typed.nodes.filter(n => n.origin === undefined).map(n => [n.name, OPERATORS.get(operatorKey(n.op, n.domain))]));
  unsupported.push(...session.notLowered);
  let sources = 0;
  for (const node of graph.nodes) {
    const ofTensorFlow = node.domain === 'tensorflow', key = ofTensorFlow ? node.op : operatorKey(node.op, node.domain), entry = ofTensorFlow ? lowered.get(node.name) : OPERATORS.get(key);
    operators[key] = (operators[key] ?? 0) + 1;
    if (node.metadata && (node.metadata['pkg.torch.onnx.stack_trace'] || /\(\d+\): /.test(node.metadata['doc_string'] ?? ''))) sources++;
    if (entry?.noGradient) {
      if (entry.noGradient !== 'source') notDifferentiable.push({ node: node.name, op: node.op, why: WHY[entry.noGradient] });
    } else if (!entry?.pullback && !entry?.expand && !ofTensorFlow) unsupported.push({ node: node.name, op: node.op });
  }
  for (const [name, role] of session.roles) {
    const t = graph.initializers.get(name);
    if (role !== 'parameter' || !t || !isFloat(t.dtype)) continue;
    parameters.count++;
    parameters.elements += elementCount(t.dims);
    parameters.bytes += elementCount(t.dims) * BYTES_PER_ELEMENT[t.dtype];
  }
  const port = (name: string, type: ValueType | undefined) => ({
    name, ...(type?.kind === 'tensor' && { dtype: type.dtype, ...(type.shape && { shape: type.shape.map(d => d ?? null) }) }),
  });
  const targets = targetCandidates(typed);
  const json: InspectReport = {
    schema: 1, model: model.path, format: model.format, producer: model.producer, opsets: Object.fromEntries(model.graph.opsets),
    inputs: graph.inputs.map(i => port(i.name, i.type)), outputs: graph.outputs.map(o => port(o.name, typed.types.get(o.name) ?? o.type)),
    parameters, nodes: graph.nodes.length, operators, functions: model.tensorflow?.functions.size ?? model.graph.functions.size,
    marks: marksOf(graph, structuralGradients(session, targets[0]?.value), session.roles), targets, notDifferentiable, unsupported, sources,
    problems: model.problems,
  };
  return { json, text: inspectText(json) };
}

/** Statuses without a run: what is cut does not hang on numbers. */
function structuralGradients(session: GradientSession, target: string | undefined): ReturnType<typeof differentiate>['gradients'] {
  if (target === undefined) return new Map();
  try {
    return differentiate(session.typed, { targets: [{ value: target }], registry: OPERATORS }).gradients;
  } catch {
    // A rule that needs a measured shape: the classes are then those of the graph alone.
    return new Map();
  }
}

function inspectText(r: InspectReport): string {
  const shape = (p: InspectReport['inputs'][number]) => `${p.name}  ${p.dtype ?? '?'} ${p.shape ? `[${p.shape.map(d => d ?? '?').join(', ')}]` : ''}`;
  const ops = Object.entries(r.operators).sort((a, b) => b[1] - a[1]).map(([op, n]) => `${op} ${n}`);
  return [
    `${r.model}: ${r.format}${r.producer ? `, ${r.producer}` : ''}, opsets ${Object.entries(r.opsets).map(([d, v]) => `${d || 'ai.onnx'} ${v}`).join(', ')}`,
    `${r.nodes} nodes, ${r.functions} functions, ${r.parameters.count} parameters (${r.parameters.elements.toLocaleString('en')} elements, ${r.parameters.bytes.toLocaleString('en')} bytes)`,
    'inputs', ...r.inputs.map(i => `  ${shape(i)}`), 'outputs', ...r.outputs.map(o => `  ${shape(o)}`),
    `operators  ${ops.join(', ')}`,
    ...(r.targets.length ? ['targets', ...r.targets.map(t => `  ${t.value}: ${t.why}`)] : []),
    ...(r.marks.length ? ['marks', ...r.marks.map(m => `  ${m.kind} (${m.class})  ${m.node}: ${m.why}`)] : []),
    ...(r.notDifferentiable.length ? [`not differentiable: ${r.notDifferentiable.length} nodes`] : []),
    ...(r.unsupported.length ? ['no gradient rule', ...r.unsupported.map(u => `  ${u.op} at ${u.node}`)] : []),
    ...r.problems.map(p => `problem: ${p.node ? `${p.node}: ` : ''}${p.message}`),
  ].join('\n');
}
