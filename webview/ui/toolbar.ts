/** Breadcrumb · Gradient of X ▾ · the input line · findings · What If · Colour ▾ · Find · More. */
import { MEASURES, type MeasureId } from '../state/measure.ts';
import type { Model } from '../state/model.ts';
import { toolButton } from './controls.ts';
import { h, put } from './dom.ts';
import { ICONS, icon } from './icons.ts';
import { dropMenu } from './menu.ts';
import { leaf } from './format.ts';

export interface ToolbarEvents {
  crumb(group: number): void;
  target(): void;
  findings(): void;
  whatIf(anchor: HTMLElement): void;
  measure(id: MeasureId): void;
  find(): void;
  more(anchor: HTMLElement): void;
}

export class Toolbar {
  readonly element = h('div', { class: 'tool', role: 'toolbar', 'aria-label': 'Drawing' });
  readonly findSlot = h('div', { class: 'find-slot' });
  private readonly crumbs = h('nav', { class: 'crumbs', 'aria-label': 'Breadcrumb' });
  private readonly facts = h('span', { class: 'facts' });
  private readonly right = h('span', { class: 'right' });

  constructor(private readonly events: ToolbarEvents) {
    const more = toolButton(ICONS.more, 'More', () => events.more(more), { menu: false });
    more.setAttribute('aria-haspopup', 'menu');
    this.element.append(this.crumbs, this.facts, h('span', { class: 'grow' }), this.right, this.findSlot, toolButton(ICONS.search, 'Find (Ctrl+F)', events.find), more);
  }

  setCrumbs(title: string, model: Model | undefined, group: number): void {
    const path = model?.hierarchy ? model.groupPath(group) : [];
    const crumb = (label: string, g: number, last: boolean) => h('button', { class: `btn crumb ${last ? 'last' : ''}`, type: 'button', title: label, click: (() => this.events.crumb(g)) as never }, label);
    put(this.crumbs, !!title && crumb(title, 0, !path.length), ...path.flatMap((g, i) => [icon(ICONS.chevron, 'ic small'), crumb(model!.hierarchy!.label[g]!, g, i === path.length - 1)]));
  }

  setModel(model: Model | undefined, measure: MeasureId): void {
    const run = model?.run, { events } = this;
    put(this.facts,
      model && h('button', { class: 'btn', type: 'button', title: run ? `${run.target}${run.targetWhy ? `: ${run.targetWhy}` : ''}. Choose another target.` : 'Choose Target', click: (() => events.target()) as never },
        icon(ICONS.target), h('span', {}, 'Gradient of ', h('b', {}, run ? leaf(run.target) : '…')), icon(ICONS.down, 'ic small')),
      run && h('span', { class: 'sep wide' }), run && h('span', { class: 'desc wide facts-line', title: [run.targetWhy, ...run.notes].filter(Boolean).join('\n') }, [run.targetWhy && `${run.target}: ${run.targetWhy}`, run.inputs].filter(Boolean).join(' · ')));
    const count = model?.findings.length ?? 0, label = MEASURES.find(m => m.id === measure)!.label;
    const whatIf: HTMLButtonElement = toolButton(ICONS.stop, 'What If', () => events.whatIf(whatIf), { text: 'What If' });
    const colour: HTMLButtonElement = toolButton(ICONS.layers, `Colour: ${label}`, () => dropMenu('Colour', colour, MEASURES.filter(m => m.id !== 'change' || model?.whatIf).map(m => ({ label: m.label, checked: m.id === measure, run: () => events.measure(m.id) }))), { text: `Colour: ${measure === 'norm' ? 'gradient' : label.toLowerCase()}`, className: 'sel', menu: true });
    put(this.right,
      count > 0 && toolButton(ICONS.warning, `${count} ${count === 1 ? 'finding' : 'findings'}`, events.findings, { text: count === 1 ? '1 finding' : `${count} findings` }),
      count > 0 && h('span', { class: 'narrow count', 'aria-hidden': 'true' }, String(count)),
      model?.results && whatIf, model && h('span', { class: 'sep' }), model && colour);
  }
}
