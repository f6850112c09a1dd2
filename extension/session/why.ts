import { STATUSES, UNKNOWN_STATUS, type Because, type DrawingResults, type WhyAnswer, type WhyStep } from '../protocol.ts';
import { nodeName, valueName, type DrawnModel, type ReportIndex } from './drawn.ts';
import { figure } from './figures.ts';
import { groupBy } from './flow.ts';
import { sourceOf } from './source.ts';

/** Why the gradient of a value is what it is: one sentence, the way from the loss to it, and whether a cut on it is meant. */
export function whyOf(model: DrawnModel, known: ReportIndex, results: DrawingResults, value: number): WhyAnswer {
  const name = valueName(model.drawing, value), report = known.values.get(name), because = report?.gradient.because ?? [];
  const cuts = new Set(because.flatMap(b => model.index.nodes.get(b.node) ?? [])), steps = wayBack(model, results, value, cuts);
  const mark = because.map(b => known.marks.get(b.node)).find(m => m !== undefined);
  const stop = mark && model.index.nodes.get(mark.node);
  const at = stop ?? [...cuts][0] ?? model.drawing.values.producer[value]!, source = sourceOf(model.nodes[at]?.metadata);
  return {
    value, sentence: sentence(model, known, value), steps,
    ...(mark && { meant: mark.why, ...(stop !== undefined && { stop: { node: stop, name: mark.node } }) }),
    ...(source && { source }),
  };
}

/**
 * From the loss to the value: of all ways the one that passes the cuts and otherwise carries most, by uses from the value forward. Breadth first
 * over the uses, so each is looked at once.
 */
function wayBack(model: DrawnModel, results: DrawingResults, value: number, cuts: ReadonlySet<number>): WhyStep[] {
  const { drawing } = model, { uses, values, nodes } = drawing;
  const usesOf = groupBy(uses.value, values.name.length), outputsOf = groupBy(values.producer, nodes.name.length);
  const from = new Int32Array(values.name.length).fill(-2);
  from[value] = -1;
  const queue = [value];
  for (let head = 0; head < queue.length && from[results.target] === -2; head++) {
    const at = queue[head]!;
    const next = [...usesOf(at)].sort((a, b) => +cuts.has(uses.node[b]!) - +cuts.has(uses.node[a]!) || order(results.useNorm[b]!) - order(results.useNorm[a]!));
    for (const u of next) {
      for (const w of outputsOf(uses.node[u]!)) {
        if (from[w] !== -2) continue;
        from[w] = at;
        queue.push(w);
      }
    }
  }
  const step = (v: number): WhyStep => {
    const node = values.producer[v]!, status = results.valueStatus[v]!;
    return {
      name: node >= 0 ? nodeName(drawing, node) : valueName(drawing, v), node, status: status === UNKNOWN_STATUS ? 'not-asked' : STATUSES[status]!,
      norm: results.valueNorm[v]!, ...(cuts.has(node) && { cut: true }),
    };
  };
  if (results.target < 0 || from[results.target] === -2) return [step(value)];
  const steps: WhyStep[] = [];
  for (let v = results.target; v >= 0; v = from[v]!) steps.push(step(v));
  return steps;
}

const order = (norm: number) => (Number.isNaN(norm) ? Infinity : norm);

/** What happened to the gradient of a value, in one or two sentences. */
export function sentence(model: DrawnModel, known: ReportIndex, value: number): string {
  const name = valueName(model.drawing, value), report = known.values.get(name);
  if (!report) return `${name} is not part of the run.`;
  const { status, because, summary } = report.gradient, op = (b: Because) => known.values.get(b.node)?.op ?? model.nodes[model.index.nodes.get(b.node) ?? -1]?.op;
  const first = because[0], at = first && (op(first) ? `${op(first)} at ${first.node}` : first.node);
  switch (status) {
    case 'blocked': return !first ? `Blocked. No gradient reaches ${name}.`
      : first.reason === 'user-stop' ? `Blocked by your own stop at ${first.node}. Every path from the loss to ${name} passes it.`
        : `Blocked by ${at}${because.length > 1 ? ` and ${because.length - 1} more` : ''}. Every path from the loss to ${name} passes ${because.length > 1 ? 'one of them' : 'it'}.`;
    case 'zero': return at ? `Zero at ${at}: ${zeroReason(first.reason)}.` : `The gradient of ${name} is exactly zero.`;
    case 'unreachable': return `The loss does not depend on ${name}.`;
    case 'not-differentiable': return `${name} is ${report.dtype ?? 'not a number'}: it has no gradient.`;
    case 'unsupported': return first?.reason === 'unknown-shape' ? `A shape inside ${at} is known only while it runs. The gradient of ${name} is not known.` : `No gradient rule for ${at ?? 'an operator on the way'}. The gradient of ${name} is not known.`;
    case 'not-asked': return `The gradient of ${name} was not asked for.`;
    case 'computed': break;
  }
  if (!summary) return `A gradient arrives at ${name}.`;
  if (summary.nan || summary.inf) {
    const bad = summary.nan ? 'NaN' : 'Inf', n = summary.nan || summary.inf;
    return `${n.toLocaleString('en')} of ${summary.count.toLocaleString('en')} ${n === 1 ? 'is' : 'are'} ${bad}.`;
  }
  if (summary.l2 === 0) return `The gradient of ${name} is computed, and every element of it is 0.`;
  const uses = (known.uses.get(name) ?? []).filter(u => u.summary && u.summary.l2 > 0).sort((a, b) => b.summary!.l2 - a.summary!.l2), largest = uses[0];
  if (!largest || uses.length < 2) return `A gradient of ${figure(summary.l2)} arrives${largest ? ` through ${largest.node}` : ''}.`;
  const total = uses.reduce((sum, u) => sum + u.summary!.l2, 0), kept = summary.l2 / total;
  return `A gradient of ${figure(summary.l2)} arrives through ${uses.length} uses, the largest part through ${largest.node} (${figure(largest.summary!.l2)}).${kept < 0.5 ? ` They partly cancel: ${Math.round(100 * kept)} % is left.` : ''}`;
}

const ZERO_REASONS: Readonly<Record<string, string>> = {
  flat: 'it is piecewise constant', discrete: 'its result is discrete', source: 'it depends on no input', 'no-gradient-to-this-input': 'nothing passes to this input',
};
const zeroReason = (reason: string) => ZERO_REASONS[reason] ?? 'its derivative is zero here';
