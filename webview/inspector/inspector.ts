/** Everything known of what is selected, at the side of the drawing: header, one sentence, and the sections. It computes nothing. */
import type { NodeCard, ValueCard, WhyAnswer } from '../../extension/protocol.ts';
import { chip } from '../ui/charts.ts';
import { button, toolButton } from '../ui/controls.ts';
import { h, put, styled, type Child } from '../ui/dom.ts';
import { integer, leaf, number } from '../ui/format.ts';
import { ICONS } from '../ui/icons.ts';
import type { CellState } from '../state/model.ts';
import { attributes, contributions, findings, glyphFor, normOf, parameters, rule, section, source, stateOf, valueAndGradient, type SectionEvents } from './sections.ts';
import { steps } from './why.ts';

export interface InspectorEvents extends SectionEvents {
  why(value: number): void;
  /** Puts or removes a stop: of a node that is one, else at a value. */
  toggleStop(at: { readonly node: number } | { readonly value: number }): void;
  copy(text: string): void;
  pin(): void;
  closeWhy(): void;
  reveal(node: number): void;
  resized(): void;
}

/** A group's own figures: range and worst of what is inside. */
export interface GroupFacts {
  readonly name: string;
  readonly place: string;
  readonly state: CellState;
  readonly norm: number;
  readonly rows: readonly (readonly [string, string])[];
  readonly says: string;
}

export type Shown =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'waiting'; readonly title: string }
  | { readonly kind: 'failed'; readonly title: string; readonly message: string; readonly remedy?: string }
  | { readonly kind: 'node'; readonly card: NodeCard; readonly place: string; readonly isStop: boolean; readonly removed: boolean; readonly hasStop: boolean }
  | { readonly kind: 'value'; readonly card: ValueCard; readonly place: string; readonly hasStop: boolean }
  | { readonly kind: 'group'; readonly facts: GroupFacts }
  | { readonly kind: 'why'; readonly answer: WhyAnswer; readonly name: string; readonly place: string; readonly state: CellState; readonly norm: number };

export class Inspector {
  readonly element = h('aside', { class: 'insp', 'aria-label': 'Inspector', tabindex: -1 });
  private readonly grip = h('div', { class: 'grip', 'aria-hidden': 'true' });
  private shown: Shown = { kind: 'nothing' };
  private charts = false;

  constructor(private readonly events: InspectorEvents, readonly pinned = false) {
    if (pinned) { this.element.classList.add('pinned'); this.element.setAttribute('aria-label', 'Pinned inspector'); }
    this.grip.addEventListener('pointerdown', down => {
      const from = down.clientX, width = this.element.offsetWidth;
      this.grip.setPointerCapture(down.pointerId);
      const move = (e: PointerEvent) => this.setWidth(width + from - e.clientX);
      this.grip.addEventListener('pointermove', move);
      this.grip.addEventListener('pointerup', () => { this.grip.removeEventListener('pointermove', move); events.resized(); }, { once: true });
    });
    this.show(this.shown);
  }

  /** What the person has dragged it to, in px. */
  width: number | undefined;

  setWidth(width: number): void {
    this.width = Math.max(280, Math.min(560, width));
    styled(this.element, { width: `${this.width}px` });
  }

  focus(): void { (this.element.querySelector<HTMLElement>('button') ?? this.element).focus(); }

  show(shown: Shown): void {
    const top = sameThing(this.shown, shown) ? this.element.scrollTop : 0, focused = this.element.contains(document.activeElement) && document.activeElement !== this.element;
    this.shown = shown;
    put(this.element, this.grip, ...this.parts(shown));
    this.element.scrollTop = top;
    if (focused) this.focus();
  }
  again(): void { this.show(this.shown); }

  private parts(shown: Shown): Child[] {
    switch (shown.kind) {
      case 'nothing': return [h('p', { class: 'empty' }, 'Select a node, or press F8 for the first finding.')];
      case 'waiting': return [this.header(undefined, shown.title, '')];
      case 'failed': return [this.header(undefined, shown.title, ''), h('p', { class: 'empty' }, shown.message, shown.remedy && ` ${shown.remedy}`)];
      case 'node': return this.node(shown);
      case 'value': return this.value(shown);
      case 'group': return [this.header(chip(this.events.colours, shown.facts.state, shown.facts.norm, 'stack'), shown.facts.name, shown.facts.place, shown.facts.says),
        section(this.events, 'Gradients inside', undefined, h('div', { class: 'kv two' }, ...shown.facts.rows.flatMap(([k, v]) => [h('span', { class: 'k' }, k), h('span', {}, v)])))];
      case 'why': return this.why(shown);
    }
  }

  private header(cell: Child, title: string, sub: string, says?: string, ...actions: Child[]): HTMLElement {
    const { events } = this, more = actions.filter(Boolean);
    return h('div', { class: 'hd' },
      h('div', { class: 'line' }, cell, h('div', { class: 'grow' }, h('h2', { title }, title), sub && h('div', { class: 'sub' }, sub)),
        h('span', { class: 'right' }, toolButton(ICONS.copy, 'Copy Name', () => events.copy(title)), this.pinned ? toolButton(ICONS.close, 'Unpin', events.pin) : toolButton(ICONS.pin, 'Pin', events.pin), !this.pinned && this.shown.kind === 'why' && toolButton(ICONS.close, 'Close Why', events.closeWhy))),
      says && h('p', { class: 'says' }, says), more.length > 0 && h('div', { class: 'actions' }, ...more));
  }

  private action(label: string, run: () => void): HTMLElement { return h('button', { class: 'link', type: 'button', click: run as never }, label); }
  private valueSections(card: ValueCard): Child[] {
    return [valueAndGradient(this.events, card, this.charts, () => { this.charts = true; this.again(); }), contributions(this.events, card)];
  }

  private node({ card, place, isStop, removed, hasStop }: Extract<Shown, { kind: 'node' }>): Child[] {
    const main = mainCard(card), { events } = this, summary = main?.report.gradient.summary, status = main?.report.gradient.status ?? 'not-asked', ran = status !== 'not-asked';
    const cell = chip(events.colours, isStop ? 'plain' : ran ? stateOf(status, summary) : 'plain', normOf(summary), glyphFor(card));
    const says = [card.mark?.why, main?.sentence].filter(Boolean).join(' ');
    return [
      this.header(cell, card.name, `${card.domain && card.domain !== 'ai.onnx' ? `${card.domain}.` : ''}${card.op}${place}`, says,
        main && ran && this.action('Why?', () => events.why(main.value)),
        isStop ? this.action(removed ? 'Put the Stop Back' : 'What If It Were Removed?', () => events.toggleStop({ node: card.node })) : main && this.action(hasStop ? 'Remove Your Stop' : 'Stop Here', () => events.toggleStop({ value: main.value }))),
      ...(main ? this.valueSections(main) : []),
      rule(events, card), parameters(events, card), attributes(events, card), outputs(events, card, main), source(events, card.source ?? main?.source),
      findings(events, [...card.findings, ...card.outputs.flatMap(o => o.findings), ...card.parameters.flatMap(p => p.findings)]),
    ];
  }

  private value({ card, place, hasStop }: Extract<Shown, { kind: 'value' }>): Child[] {
    const { report } = card, { status, summary } = report.gradient, { events } = this, kind = report.kind[0]!.toUpperCase() + report.kind.slice(1);
    return [
      this.header(chip(events.colours, status === 'not-asked' ? 'plain' : stateOf(status, summary), normOf(summary), report.kind === 'input' ? 'input' : undefined), report.name, [`${kind}${place}`, report.shape?.join('×'), report.dtype].filter(Boolean).join(' · '), card.sentence,
        status !== 'not-asked' && this.action('Why?', () => events.why(card.value)), this.action(hasStop ? 'Remove Your Stop' : 'Stop Here', () => events.toggleStop({ value: card.value }))),
      ...this.valueSections(card), source(events, card.source), findings(events, card.findings),
    ];
  }

  private why({ answer, name, place, state, norm }: Extract<Shown, { kind: 'why' }>): Child[] {
    const { events } = this, title = state === 'nan' ? 'Why is it not finite?' : state === 'ok' ? 'Where does this gradient come from?' : 'Why is there no gradient?', stop = answer.stop;
    return [
      this.header(chip(events.colours, state, norm), name, place),
      section(events, title, undefined, h('p', {}, answer.sentence), steps(events.colours, answer, node => events.reveal(node))),
      answer.meant && section(events, 'Is it meant?', undefined, h('p', {}, answer.meant),
        h('div', { class: 'buttons' }, stop && button('What If It Were Removed?', () => events.toggleStop({ node: stop.node }), true), answer.source && button('Go to Source', () => events.openSource(answer.source!)))),
    ];
  }
}

/** The output that the inspector speaks of: one with NaN first, else the first with a gradient, else the first. */
export function mainCard(card: NodeCard): ValueCard | undefined {
  const { outputs } = card;
  return outputs.find(o => stateOf(o.report.gradient.status, o.report.gradient.summary) === 'nan') ?? outputs.find(o => stateOf(o.report.gradient.status, o.report.gradient.summary) === 'ok') ?? outputs[0];
}

/** The other outputs of a node that has several. */
function outputs(events: SectionEvents, card: NodeCard, main: ValueCard | undefined): HTMLElement | undefined {
  if (card.outputs.length < 2) return undefined;
  return section(events, 'Outputs', integer(card.outputs.length), ...card.outputs.map(o => {
    const { status, summary } = o.report.gradient, state = stateOf(status, summary);
    return h('div', { class: 'use' }, chip(events.colours, state, normOf(summary), undefined, 11), h('span', { class: 'name', title: o.report.name }, leaf(o.report.name)), h('span', { class: 'tail' }, o === main ? 'shown' : ''), h('span', { class: 'num' }, state === 'ok' ? number(normOf(summary)) : state === 'nan' ? 'NaN' : state === 'zero' ? '0' : ''));
  }));
}

function sameThing(a: Shown, b: Shown): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind === 'node' && b.kind === 'node') return a.card.node === b.card.node;
  return a.kind === 'value' && b.kind === 'value' ? a.card.value === b.card.value : false;
}
