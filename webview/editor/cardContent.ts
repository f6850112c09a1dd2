/** What the hover card says: the first lines of the inspector. */
import type { NodeCard, SourceLine, ValueCard } from '../../extension/protocol.ts';
import { figure, glyphFor, normOf, notable, sourceLink, stateOf } from '../inspector/sections.ts';
import { mainCard } from '../inspector/inspector.ts';
import type { Model } from '../state/model.ts';
import { chip, pill, type Colours } from '../ui/charts.ts';
import { h, type Child } from '../ui/dom.ts';
import { leaf, number } from '../ui/format.ts';
import { stateWords } from './labels.ts';

export interface CardEvents { why(value: number): void; openSource(source: SourceLine): void }

function typeOf(card: ValueCard): string { return [card.report.shape && (card.report.shape.join('×') || 'scalar'), card.report.dtype].filter(Boolean).join(' · '); }

function head(cell: Child, title: string, type: string): HTMLElement {
  return h('div', { class: 'head' }, cell, h('span', { class: 'title grow' }, title), h('span', { class: 'desc mono' }, type));
}

function links(events: CardEvents, card: ValueCard | undefined, source: SourceLine | undefined, code: string | undefined): Child {
  const ran = card && card.report.gradient.status !== 'not-asked';
  if (!ran && !source && !code) return undefined;
  return h('div', { class: 'links' }, ran && h('button', { class: 'link', type: 'button', click: (() => events.why(card.value)) as never }, 'Why?'), source && sourceLink(events, source), h('span', { class: 'grow' }), code && h('span', { class: 'desc' }, code));
}

function figures(card: ValueCard): Child[] {
  const { status, summary } = card.report.gradient, forward = card.report.forward?.summary;
  if (!summary && !forward) return [];
  return [h('div', { class: 'row' }, h('span', { class: 'desc' }, 'gradient'), h('span', { class: 'mono' }, figure(status, summary)), h('span', { class: 'grow' }), forward && h('span', { class: 'desc' }, 'forward'), forward && h('span', { class: 'mono' }, number(normOf(forward)))),
    summary && notable(summary) && h('div', { class: 'row' }, pill(summary, undefined, 322))];
}

export function nodeCardContent(card: NodeCard, colours: Colours, events: CardEvents): Child[] {
  const main = mainCard(card), { status, summary } = main?.report.gradient ?? { status: 'not-asked' as const, summary: undefined };
  const bad = card.parameters.find(p => stateOf(p.report.gradient.status, p.report.gradient.summary) === 'nan'), found = [...card.findings, ...card.outputs.flatMap(o => o.findings), ...card.parameters.flatMap(p => p.findings)][0];
  const stop = card.mark?.kind.includes('gradient') === true;
  const cell = chip(colours, stop || status === 'not-asked' ? 'plain' : stateOf(status, summary), normOf(summary), glyphFor(card), 22);
  return [head(cell, card.name, main ? typeOf(main) : ''), h('p', { class: 'desc' }, card.op), ...[card.mark?.why, found?.message ?? bad?.sentence ?? main?.sentence].filter(Boolean).map(text => h('p', {}, text!)),
    ...(main ? figures(main) : []), links(events, bad ?? main, card.source ?? main?.source, found?.code)];
}

export function valueCardContent(card: ValueCard, colours: Colours, events: CardEvents): Child[] {
  const { status, summary } = card.report.gradient;
  return [head(chip(colours, status === 'not-asked' ? 'plain' : stateOf(status, summary), normOf(summary), undefined, 14), card.report.name, typeOf(card)), card.sentence && h('p', {}, card.sentence), ...figures(card), links(events, card, card.source, card.findings[0]?.code)];
}

/** "0.0244 of 0.0244 through FakeQuantWithMinMaxVars", one line for each use that the edge carries. */
export function edgeContent(model: Model, uses: readonly number[], colours: Colours): Child[] {
  const { graph } = model, first = graph.uses.value[uses[0]!]!;
  const line = (u: number) => {
    const value = graph.uses.value[u]!, node = graph.uses.node[u]!, state = model.useState(u), norm = model.results?.useNorm[u] ?? NaN, whole = model.norm(value);
    const text = state === 'ok' ? `${number(norm)}${Number.isFinite(whole) ? ` of ${number(whole)}` : ''} through ${leaf(model.name(node))}` : state === 'plain' ? `to ${leaf(model.name(node))}` : `${stateWords(state, norm)} through ${leaf(model.name(node))}`;
    return h('div', { class: 'row' }, chip(colours, state === 'plain' ? 'plain' : state, norm, undefined, 11), h('span', { class: 'grow' }, text));
  };
  return [head(undefined, uses.every(u => graph.uses.value[u] === first) ? model.valueName(first) : `${uses.length} uses`, uses.every(u => graph.uses.value[u] === first) ? model.type(first) : ''), ...uses.slice(0, 8).map(line), uses.length > 8 && h('p', { class: 'desc' }, `and ${uses.length - 8} more`)];
}
