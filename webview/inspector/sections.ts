/** The parts of the inspector, each absent if it has nothing to say. They only show what the host has answered. */
import type { EdgeReport, FindingReport, GradientStatus, Histogram, NodeCard, SourceLine, Summary, ValueCard } from '../../extension/protocol.ts';
import { cellStateOf, type CellState } from '../state/model.ts';
import { chip, histogram, normBar, pill, type Colours } from '../ui/charts.ts';
import { h, type Child } from '../ui/dom.ts';
import { integer, leaf, number, percent } from '../ui/format.ts';
import { glyphOf } from '../ui/glyphs.ts';
import { ICONS, icon } from '../ui/icons.ts';

export interface SectionEvents {
  /** Open or closed sections are remembered by their names. */
  isClosed(name: string): boolean;
  toggled(name: string, closed: boolean): void;
  selectNode(name: string): void;
  selectValue(value: number): void;
  openSource(source: SourceLine): void;
  histogram(value: number, of: 'gradient' | 'forward'): Promise<Histogram>;
  readonly colours: Colours;
}

export function section(events: SectionEvents, title: string, right: Child, ...children: Child[]): HTMLElement {
  const closed = events.isClosed(title), toggle = h('button', { type: 'button', 'aria-expanded': String(!closed) }, icon(ICONS.down, 'ic small'), h('span', {}, title), h('span', { class: 'grow' }), right && h('span', { class: 'tail' }, right));
  const element = h('section', { class: closed ? 'closed' : '', 'aria-label': title }, h('h3', {}, toggle), h('div', { class: 'in' }, ...children));
  toggle.addEventListener('click', () => {
    const now = element.classList.toggle('closed');
    toggle.setAttribute('aria-expanded', String(!now));
    events.toggled(title, now);
  });
  return element;
}

export const normOf = (s: Summary | undefined): number => (!s ? 0 : s.nan ? NaN : s.inf ? Infinity : s.l2);
export const stateOf = (status: GradientStatus, s: Summary | undefined): CellState => cellStateOf(status, normOf(s));

/** What stands where a number would: the number, or why there is none. */
export function figure(status: GradientStatus, s: Summary | undefined): string {
  switch (status) {
    case 'computed': return s ? (s.nan ? 'NaN' : s.inf ? 'Inf' : number(s.l2)) : '?';
    case 'zero': return '0';
    case 'blocked': return 'blocked';
    case 'unreachable': return 'not on a path';
    case 'not-differentiable': return 'no gradient';
    default: return '?';
  }
}

const ROWS: readonly (readonly [label: string, of: (s: Summary) => number])[] = [['L2 norm', s => s.l2], ['mean', s => s.mean], ['std', s => s.std], ['min', s => s.min], ['max', s => s.max]];
const COUNTS: readonly (readonly [label: string, of: (s: Summary) => number])[] = [['NaN', s => s.nan], ['Inf', s => s.inf], ['zero', s => s.zero]];

/** Its shares say something: not all elements are finite and not zero. */
export const notable = (s: Summary): boolean => s.nan + s.inf + s.zero > 0;

/** Forward and gradient side by side; counts only where there is something to count. */
export function valueAndGradient(events: SectionEvents, card: ValueCard, showCharts: boolean, askCharts: () => void): HTMLElement {
  const { report } = card, f = report.forward?.summary, { status, summary: g } = report.gradient, rows: Child[] = [];
  const row = (label: string, of: (s: Summary) => string) => rows.push(h('span', { class: 'k' }, label), h('span', {}, f ? of(f) : ''), h('span', {}, g ? of(g) : ''));
  if (g) for (const [label, of] of ROWS) row(label, s => number(of(s)));
  else {
    rows.push(h('span', { class: 'k' }, 'L2 norm'), h('span', {}, f ? number(normOf(f)) : ''), h('span', { class: 'word' }, status === 'not-asked' ? 'not run' : figure(status, g)));
    if (f) for (const [label, of] of ROWS.slice(1)) row(label, s => number(of(s)));
  }
  for (const [label, of] of COUNTS) if ((f && of(f)) || (g && of(g))) row(label, s => (of(s) ? `${integer(of(s))} (${percent(of(s), s.count)})` : '0'));
  const charts = h('div', { class: 'charts' });
  const draw = (of: 'gradient' | 'forward', s: Summary | undefined, slot: HTMLElement) => {
    if (!s) return;
    if (!showCharts) return;
    events.histogram(card.value, of).then(data => slot.replaceChildren(histogram(data, 108, 30, of === 'gradient'), ...(of === 'gradient' ? [pill(s, data, 108)] : [])), (error: Error) => slot.replaceChildren(h('span', { class: 'tail', title: error.message }, 'not available')));
  };
  const forward = h('span', { class: 'at-right' }), gradient = h('span', { class: 'at-right' });
  draw('forward', f, forward);
  draw('gradient', g, gradient);
  charts.append(h('span', {}), forward, gradient);
  return section(events, 'Value and gradient', undefined,
    h('div', { class: 'kv' }, h('span', { class: 'k' }, report.dtype ?? 'type'), h('span', { class: 'h' }, 'forward'), h('span', { class: 'h' }, 'gradient'), ...rows,
      h('span', { class: 'k' }, 'shape'), h('span', { class: 'span' }, report.shape ? report.shape.join('×') || 'scalar' : 'not known')),
    g && !showCharts && notable(g) && h('p', { class: 'note' }, pill(g, undefined, 108)), (f || g) && (showCharts ? charts : h('p', { class: 'note' }, h('button', { class: 'link', type: 'button', click: askCharts as never }, 'Show distribution'))));
}

/** One row for each use, and their sum; said when they cancel. */
export function contributions(events: SectionEvents, card: ValueCard): HTMLElement | undefined {
  const { uses } = card, { status, summary } = card.report.gradient;
  if (!uses.length) return undefined;
  const row = (use: EdgeReport) => {
    const state = stateOf(use.status, use.summary), norm = normOf(use.summary);
    return h('button', { class: 'use', type: 'button', title: `${use.node}, input ${use.input}`, click: (() => events.selectNode(use.node)) as never },
      chip(events.colours, state, norm, undefined, 11), h('span', { class: 'name' }, leaf(use.node)), normBar(events.colours, norm), h('span', { class: state === 'nan' ? 'num strong' : 'num' }, figure(use.status, use.summary)));
  };
  const order = (u: EdgeReport) => (Number.isNaN(normOf(u.summary)) ? Infinity : normOf(u.summary)), sorted = [...uses].sort((a, b) => order(b) - order(a)), shown = sorted.slice(0, 24);
  const total = uses.reduce((sum, u) => sum + (u.summary?.l2 ?? 0), 0), kept = summary && total > 0 ? summary.l2 / total : 1;
  return section(events, 'Contributions', uses.length === 1 ? 'one use' : `the sum over ${integer(uses.length)} uses`, ...shown.map(row),
    sorted.length > shown.length && h('p', { class: 'note desc' }, `${integer(sorted.length - shown.length)} smaller ones are not listed.`),
    uses.length > 1 && h('div', { class: 'use sum' }, icon(ICONS.plus), h('span', {}, 'sum'), h('span', {}), h('span', { class: 'num' }, figure(status, summary))),
    kept < 0.5 && h('p', { class: 'note' }, `They partly cancel: ${percent(kept, 1)} is left.`));
}

export function rule(events: SectionEvents, card: NodeCard): HTMLElement {
  return section(events, 'Backward rule', card.op, card.formula?.length ? h('div', { class: 'code' }, card.formula.join('\n')) : h('p', { class: 'note' }, `No gradient rule for ${card.op}.`), card.convention && h('p', { class: 'note desc' }, card.convention));
}

export function parameters(events: SectionEvents, card: NodeCard): HTMLElement | undefined {
  if (!card.parameters.length) return undefined;
  return section(events, 'Parameters', integer(card.parameters.length), ...card.parameters.map(p => {
    const { status, summary } = p.report.gradient, norm = normOf(summary), state = stateOf(status, summary);
    return h('button', { class: 'use', type: 'button', title: p.report.name, click: (() => events.selectValue(p.value)) as never },
      chip(events.colours, state, norm, undefined, 11), h('span', { class: 'name' }, leaf(p.report.name)), normBar(events.colours, norm), h('span', { class: state === 'nan' ? 'num strong' : 'num' }, figure(status, summary)));
  }));
}

export function attributes(events: SectionEvents, card: NodeCard): HTMLElement | undefined {
  if (!card.attributes.length) return undefined;
  return section(events, 'Attributes', integer(card.attributes.length), h('div', { class: 'kv two' }, ...card.attributes.flatMap(a => [h('span', { class: 'k' }, a.name), h('span', {}, a.text)])));
}

export function source(events: SectionEvents, line: SourceLine | undefined): HTMLElement | undefined {
  if (!line) return undefined;
  return section(events, 'Source', undefined, h('div', { class: 'src' }, sourceLink(events, line), line.text && h('span', { class: 'mono desc text', title: line.text }, line.text.trim())));
}

export function sourceLink(events: Pick<SectionEvents, 'openSource'>, line: SourceLine): HTMLElement {
  const file = line.file.split(/[\\/]/).pop()!;
  return h('button', { class: 'link mono', type: 'button', title: `${line.file}:${line.line}`, click: (() => events.openSource(line)) as never }, `${file}:${line.line}`);
}

export function findings(events: SectionEvents, list: readonly FindingReport[]): HTMLElement | undefined {
  if (!list.length) return undefined;
  return section(events, list.length === 1 ? 'Finding' : 'Findings', list.length > 1 && integer(list.length), ...list.map(f => h('div', { class: 'found' }, icon(ICONS.warning), h('div', {}, h('div', {}, `${f.code} ${f.title}`), h('div', { class: 'desc' }, f.message)))));
}

export const glyphFor = (card: NodeCard) => (card.mark?.kind === 'fake-quant' ? 'quant' : card.mark?.kind === 'straight-through' ? 'straight' : card.mark?.kind.includes('gradient') ? 'stop' : glyphOf(card.op));
