import type { Summary, ValueCard } from '../protocol.ts';
import { figure } from '../session/figures.ts';
import type { Study } from '../session/study.ts';
import type { TextToken } from './textForm.ts';

/** A hover's text (Markdown) for a value's or node's name; undefined if the name is not drawn. */
export function card(study: Study, { kind, name }: Pick<TextToken, 'kind' | 'name'>): string | undefined {
  const index = (kind === 'node' ? study.drawn?.index.nodes : study.drawn?.index.values)?.get(name);
  if (index === undefined) return undefined;
  return kind === 'node' ? nodeText(study, index) : valueText(study, study.value(index));
}

function nodeText(study: Study, index: number): string {
  const node = study.node(index);
  return [
    `**${escape(node.name)}** · ${escape(node.domain ? `${node.domain}.${node.op}` : node.op)}`,
    node.mark && `${escape(node.mark.kind)} (${node.mark.class}): ${escape(node.mark.why)}`,
    node.formula?.length && `\`\`\`text\n${node.formula.join('\n')}\n\`\`\``,
    node.convention && escape(node.convention),
    ...node.outputs.map(v => valueText(study, v)),
    node.source && `${escape(node.source.file)}:${node.source.line}${node.source.text ? ` \`${node.source.text}\`` : ''}`,
  ].filter(Boolean).join('\n\n');
}

function valueText(study: Study, { value, report, uses }: ValueCard): string {
  const shape = report.shape ? report.shape.join('×') || 'scalar' : '', gradient = report.gradient.summary, forward = report.forward?.summary;
  const sentence = study.results ? study.why(value).sentence : 'Not run yet.';
  return [
    `**${escape(report.name)}** · ${report.kind} · ${[report.dtype, shape].filter(Boolean).join(' ')}`,
    escape(sentence),
    (gradient || forward) && table(forward, gradient),
    uses.length > 1 && uses.map(u => `- through ${escape(u.node)}: ${u.summary ? figure(u.summary.l2) : u.status}`).join('\n'),
  ].filter(Boolean).join('\n\n');
}

const ROWS: readonly (readonly [string, (s: Summary) => string])[] = [
  ['L2 norm', s => figure(s.l2)], ['mean', s => figure(s.mean)], ['std', s => figure(s.std)], ['min', s => figure(s.min)], ['max', s => figure(s.max)],
  ['zero', s => `${s.zero.toLocaleString('en')} of ${s.count.toLocaleString('en')}`],
  ['NaN, Inf', s => `${s.nan.toLocaleString('en')}, ${s.inf.toLocaleString('en')}`],
];

function table(forward: Summary | undefined, gradient: Summary | undefined): string {
  const rows = ROWS.map(([name, of]) => `| ${name} | ${forward ? of(forward) : ''} | ${gradient ? of(gradient) : ''} |`);
  return ['| | value | gradient |', '|---|--:|--:|', ...rows].join('\n');
}

function escape(text: string): string {
  return text.replace(/[\\`*_{}[\]<>#|$]/g, c => `\\${c}`);
}
