import { staticShape } from '../../kernels/graph/types.ts';
import { CONVENTIONS, type ConventionName, type ConventionQuestion } from '../../kernels/operators/conventions.ts';
import { OPERATORS } from '../../kernels/operators/index.ts';
import { operatorKey } from '../../kernels/operators/operator.ts';
import type { FindingReport, NodeCard, ValueCard, ValueReport } from '../protocol.ts';
import { attributeText } from './attributes.ts';
import { nodeName, valueName, type DrawnModel, type ReportIndex } from './drawn.ts';
import { sourceOf } from './source.ts';
import { sentence } from './why.ts';

/** What is known when a card is asked for. Without a report every gradient is `not-asked`. */
export interface Known {
  readonly report?: ReportIndex;
  readonly findings: readonly FindingReport[];
  readonly conventions: ConventionName;
}

/** Everything known of one value of the drawing. */
export function valueCard(model: DrawnModel, known: Known, value: number): ValueCard {
  const name = valueName(model.drawing, value), node = model.nodes[model.drawing.values.producer[value]!], source = sourceOf(node?.metadata);
  return {
    value, report: known.report?.values.get(name) ?? withoutRun(model, name, value), ...(known.report && { sentence: sentence(model, known.report, value) }), uses: known.report?.uses.get(name) ?? [],
    findings: known.findings.filter(f => f.value === name), ...(source && { source }),
  };
}

function withoutRun({ graph, roles, nodes, drawing }: DrawnModel, name: string, value: number): ValueReport {
  const type = graph.types.get(name), shape = staticShape(type), node = nodes[drawing.values.producer[value]!];
  return {
    name, kind: roles.get(name) ?? 'activation', ...(node && { node: node.name, op: node.op }),
    ...(shape && { shape }), ...(type?.kind === 'tensor' && { dtype: type.dtype }), gradient: { status: 'not-asked', because: [] },
  };
}

/** Everything known of one node of the drawing: its outputs and its parameters have cards of their own. */
export function nodeCard(model: DrawnModel, known: Known, index: number): NodeCard {
  const node = model.nodes[index]!, name = nodeName(model.drawing, index), source = sourceOf(node.metadata), mark = known.report?.marks.get(name);
  const at = (value: string) => model.index.values.get(value), cards = (values: readonly string[]) =>
    values.flatMap(v => (at(v) === undefined ? [] : [valueCard(model, known, at(v)!)]));
  return {
    node: index, name, op: node.op, ...(node.domain && { domain: node.domain }), ...ruleOf(node.op, node.domain, known.conventions),
    attributes: Object.entries(node.attributes).map(([key, a]) => ({ name: key, text: attributeText(a) })),
    ...(mark && { mark }), ...(source && { source }),
    outputs: cards(node.outputs), parameters: cards([...new Set(node.inputs)].filter(v => model.roles.get(v) === 'parameter')),
    findings: known.findings.filter(f => f.node === name && f.value === undefined),
  };
}

/** The backward rule of an operator, and which side of a choice among frameworks it takes. */
export function ruleOf(op: string, domain: string, conventions: ConventionName): Pick<NodeCard, 'formula' | 'convention'> {
  const entry = OPERATORS.get(operatorKey(op, domain));
  if (!entry) return {};
  const choices = (entry.questions ?? []).map(q => CHOICES[q](conventions));
  return { formula: entry.formula.split(/; |, (?=d[A-Za-z_]+\w* = )/), ...(choices.length > 0 && { convention: `${choices.join('; ')} (${conventions})` }) };
}

/** What each convention says, in words. */
const CHOICES: Readonly<Record<ConventionQuestion, (name: ConventionName) => string>> = {
  elementwiseTies: c => (CONVENTIONS[c].elementwiseTies === 'even' ? 'equal operands share the gradient' : 'of equal operands the first gets the gradient'),
  clipAtBound: c => `exactly at a bound ${CONVENTIONS[c].clipAtBound ? 'the gradient passes' : 'nothing passes'}`,
  clipAtTensorBound: c => `at a computed bound ${CONVENTIONS[c].clipAtTensorBound} of the gradient goes to the input`,
  relu6AtBound: c => `exactly at 0 and 6 ${CONVENTIONS[c].relu6AtBound ? 'the gradient passes' : 'nothing passes'}`,
  eluAtZero: c => `at 0 the ${CONVENTIONS[c].eluAtZero} side counts`,
  powLogOfNonPositive: c => (CONVENTIONS[c].powLogOfNonPositive === 'zero' ? 'log of a base ≤ 0 counts as 0' : 'log of a base ≤ 0 as it is computed'),
  hardSwishAtBounds: c => `slope ${CONVENTIONS[c].hardSwishAtBounds.join(' at −3, ')} at 3`,
  fakeQuantMask: c => (CONVENTIONS[c].fakeQuantMask === 'rounded' ? 'what rounds into the range passes' : 'what lies in the range passes'),
  powOfZeroToZero: c => (CONVENTIONS[c].powOfZeroToZero === 'zero' ? 'x⁰ has no slope, also at 0' : 'the slope of x⁰ at 0 is 0/0'),
  sqrtOfNoCotangent: c => (CONVENTIONS[c].sqrtOfNoCotangent === 'zero' ? 'where no gradient arrives none passes, also at 0' : 'at 0 as it is computed: 0·∞ is NaN'),
  l2AtZero: c => (CONVENTIONS[c].l2AtZero === 'zero' ? 'at the zero vector the gradient is 0' : 'at the zero vector the gradient is 0/0'),
};
