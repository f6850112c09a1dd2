/** The virtual table: only the rows in the window exist. One tab stop; the active row is told by `aria-activedescendant`. */
import { chip, normBar, pill, type Colours } from '../ui/charts.ts';
import { h, put, styled, type Child } from '../ui/dom.ts';
import { number, percent } from '../ui/format.ts';
import type { ColumnId, FlowRows, Sort } from './rows.ts';

const ROW = 22, OVERSCAN = 8;

interface Column { readonly id: ColumnId; readonly label: string; readonly width: string; readonly right?: boolean; readonly extra?: boolean }

export const COLUMNS: readonly Column[] = [
  { id: 'name', label: 'Name', width: 'minmax(150px, 1fr)' }, { id: 'kind', label: 'Kind', width: '76px' }, { id: 'steps', label: 'Steps', width: '48px', right: true }, { id: 'norm', label: 'L2 norm', width: '142px' },
  { id: 'shares', label: 'Shares', width: '84px' }, { id: 'shape', label: 'Shape', width: '96px', right: true },
  { id: 'mean', label: 'Mean', width: '72px', right: true, extra: true }, { id: 'std', label: 'Std', width: '72px', right: true, extra: true }, { id: 'largest', label: 'Largest', width: '72px', right: true, extra: true },
  { id: 'forward', label: 'Forward norm', width: '88px', right: true, extra: true }, { id: 'ratio', label: 'Gradient ÷ value', width: '104px', right: true, extra: true }, { id: 'update', label: 'Update ÷ weight', width: '104px', right: true, extra: true },
];

export interface TableEvents {
  sort(sort: Sort): void;
  select(row: number, reveal: boolean): void;
  hover(row: number): void;
  menu(row: number, x: number, y: number): void;
  columns(anchor: HTMLElement): void;
}

export class Table {
  readonly element: HTMLElement;
  readonly shownColumns = new Set<ColumnId>(COLUMNS.filter(c => !c.extra).map(c => c.id));
  private readonly head = h('div', { class: 'tr th', role: 'row', 'aria-rowindex': 1 });
  private readonly rows = h('div', { class: 'rows', role: 'presentation' });
  private readonly space: HTMLElement;
  private readonly scroller: HTMLElement;
  private data: FlowRows | undefined;
  private view: Uint32Array = new Uint32Array(0);
  private colours: Colours | undefined;
  private sort: Sort = { column: undefined, descending: true };
  private active = -1;
  private selected = -1;
  private frame = 0;

  constructor(private readonly events: TableEvents) {
    this.space = h('div', { class: 'space', role: 'presentation' }, this.rows);
    this.scroller = h('div', { class: 'scroll', role: 'rowgroup', tabindex: -1 }, this.space);
    this.element = h('div', { class: 'grid', role: 'grid', tabindex: 0, 'aria-label': 'Gradients' }, h('div', { role: 'rowgroup', class: 'head' }, this.head), this.scroller);
    this.scroller.addEventListener('scroll', () => this.soon());
    new ResizeObserver(() => this.soon()).observe(this.scroller);
    this.element.addEventListener('keydown', e => this.onKey(e));
    this.rows.addEventListener('click', e => { const at = this.at(e); if (at >= 0) this.choose(at, true); this.element.focus({ preventScroll: true }); });
    this.rows.addEventListener('dblclick', e => { const at = this.at(e); if (at >= 0) this.events.select(this.view[at]!, true); });
    this.rows.addEventListener('contextmenu', e => { e.preventDefault(); const at = this.at(e); if (at >= 0) { this.choose(at, true); this.events.menu(this.view[at]!, e.clientX, e.clientY); } });
    this.rows.addEventListener('pointermove', e => { const at = this.at(e); this.events.hover(at >= 0 ? this.view[at]! : -1); });
    this.rows.addEventListener('pointerleave', () => this.events.hover(-1));
  }

  show(data: FlowRows, view: Uint32Array, sort: Sort, colours: Colours): void {
    this.data = data;
    this.view = view;
    this.sort = sort;
    this.colours = colours;
    this.active = this.selected < 0 ? -1 : view.indexOf(this.selected);
    this.element.setAttribute('aria-rowcount', String(view.length + 1));
    this.element.setAttribute('aria-colcount', String(this.shownColumns.size));
    styled(this.space, { height: `${view.length * ROW}px` });
    styled(this.element, { '--columns': COLUMNS.filter(c => this.shownColumns.has(c.id)).map(c => c.width).join(' ') });
    this.drawHead();
    this.draw();
  }

  /** The row of the shared selection, −1 for none. `reveal`: scroll to it. */
  select(row: number, reveal: boolean): void {
    this.selected = row;
    this.active = row < 0 ? -1 : this.view.indexOf(row);
    if (reveal && this.active >= 0) this.scrollTo(this.active);
    this.draw();
  }

  private drawHead(): void {
    put(this.head, ...COLUMNS.filter(c => this.shownColumns.has(c.id)).map((c, i) => {
      const on = this.sort.column === c.id, way = on ? (this.sort.descending ? 'descending' : 'ascending') : 'none';
      const press = () => this.events.sort(on ? (this.sort.descending === (c.id === 'name' || c.id === 'kind' || c.id === 'shape' || c.id === 'steps') ? { column: undefined, descending: true } : { column: c.id, descending: !this.sort.descending }) : { column: c.id, descending: !['name', 'kind', 'shape', 'steps'].includes(c.id) });
      const button = h('button', { class: 'sort', type: 'button', tabindex: i ? -1 : 0, click: press as never, contextmenu: ((e: Event) => { e.preventDefault(); this.events.columns(button); }) as never, keydown: ((e: KeyboardEvent) => this.headKey(e, i)) as never },
        c.label, on && h('span', { 'aria-hidden': 'true' }, this.sort.descending ? ' ↓' : ' ↑'));
      return h('span', { role: 'columnheader', 'aria-sort': way, class: c.right ? 'num' : '' }, button);
    }));
  }

  private headKey(e: KeyboardEvent, i: number): void {
    e.stopPropagation();
    const buttons = [...this.head.querySelectorAll<HTMLButtonElement>('button')], to = e.key === 'ArrowRight' ? i + 1 : e.key === 'ArrowLeft' ? i - 1 : -1;
    if (e.key === 'ContextMenu' || (e.key === 'F10' && e.shiftKey)) { e.preventDefault(); this.events.columns(buttons[i]!); }
    if (!buttons[to]) return;
    for (const b of buttons) b.tabIndex = b === buttons[to] ? 0 : -1;
    buttons[to].focus();
  }

  private soon(): void { this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.draw(); }); }

  private draw(): void {
    const { data, view, scroller } = this;
    if (!data) return;
    const from = Math.max(0, Math.floor(scroller.scrollTop / ROW) - OVERSCAN), to = Math.min(view.length, Math.ceil((scroller.scrollTop + scroller.clientHeight) / ROW) + OVERSCAN), elements: HTMLElement[] = [];
    for (let at = from; at < to; at++) elements.push(this.row(data, at));
    // The active row exists even out of the window, so that it can be told.
    if (this.active >= 0 && (this.active < from || this.active >= to)) elements.push(this.row(data, this.active));
    this.rows.replaceChildren(...elements);
    if (this.active >= 0) this.element.setAttribute('aria-activedescendant', `row-${this.view[this.active]}`);
    else this.element.removeAttribute('aria-activedescendant');
  }

  private row(data: FlowRows, at: number): HTMLElement {
    const row = this.view[at]!, on = row === this.selected;
    return styled(h('div', { class: on ? 'tr on' : 'tr', role: 'row', id: `row-${row}`, 'aria-rowindex': at + 2, 'aria-selected': String(on), 'data-at': at }, ...COLUMNS.filter(c => this.shownColumns.has(c.id)).map(c => this.cell(data, row, c))), { top: `${at * ROW}px` });
  }

  private cell(data: FlowRows, row: number, { id, right }: Column): HTMLElement {
    const { flow } = data, state = data.state(row), colours = this.colours!;
    const text = (t: string, className = '') => h('span', { role: 'gridcell', class: [className, right && 'num'].filter(Boolean).join(' '), ...(id === 'name' && { title: t }) }, t);
    switch (id) {
      case 'name': return text(data.name(row));
      case 'kind': return text(data.kind(row), 'desc');
      case 'steps': return text(flow.steps[row]! < 0 ? '' : String(flow.steps[row]));
      case 'shape': return text(data.shape(row), 'desc');
      case 'norm': {
        const norm = flow.norm[row]!, words: Child = state === 'nan' ? h('b', {}, Number.isNaN(norm) ? 'NaN' : 'Inf') : state === 'ok' ? number(norm) : state === 'zero' ? '0' : '';
        const bad = flow.nan[row]! + flow.inf[row]!;
        const right = state === 'ok' ? normBar(colours, norm) : h('span', { class: 'desc' }, state === 'nan' ? `${bad} of ${flow.count[row]}` : { zero: 'zero', blocked: 'blocked', dead: 'not on a path', unknown: 'not known', nodiff: 'no gradient', plain: '' }[state]);
        return h('span', { role: 'gridcell', class: 'norm' }, chip(colours, state, norm, undefined, 11), h('span', { class: 'num' }, words), right);
      }
      case 'shares': {
        const count = flow.count[row]!;
        return h('span', { role: 'gridcell', class: 'shares', title: count && (state === 'ok' || state === 'nan') ? `${percent(flow.zero[row]!, count)} zero` : '' }, (state === 'ok' || state === 'nan') && flow.zero[row]! + flow.nan[row]! + flow.inf[row]! > 0 && pill({ count, nan: flow.nan[row]!, inf: flow.inf[row]!, zero: flow.zero[row]! }, undefined, 72));
      }
      default: { const f = data.figure(row, id); return text(Number.isNaN(f) ? '' : number(f)); }
    }
  }

  private at(e: Event): number { const tr = (e.target as Element).closest<HTMLElement>('.tr'); return tr?.dataset['at'] === undefined ? -1 : Number(tr.dataset['at']); }

  private choose(at: number, tell: boolean): void {
    this.active = at;
    this.selected = this.view[at]!;
    this.draw();
    if (tell) this.events.select(this.selected, false);
  }

  private scrollTo(at: number): void {
    const { scroller } = this, top = at * ROW;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + ROW > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = top + ROW - scroller.clientHeight;
  }

  private onKey(e: KeyboardEvent): void {
    if (e.target !== this.element) return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / ROW) - 1), last = this.view.length - 1;
    const to = { ArrowDown: this.active + 1, ArrowUp: Math.max(0, this.active - 1), PageDown: this.active + page, PageUp: this.active - page, Home: 0, End: last }[e.key];
    if (to !== undefined && last >= 0) { const at = Math.max(0, Math.min(last, to)); this.scrollTo(at); this.choose(at, true); }
    else if (e.key === 'Enter' && this.active >= 0) this.events.select(this.view[this.active]!, true);
    else if ((e.key === 'ContextMenu' || (e.key === 'F10' && e.shiftKey)) && this.active >= 0) { const r = this.rows.querySelector(`#row-${this.view[this.active]}`)!.getBoundingClientRect(); this.events.menu(this.view[this.active]!, r.left + 20, r.bottom); }
    else return;
    e.preventDefault();
  }
}
