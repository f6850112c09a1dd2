/** The Gradient Flow panel: chart and table of the same rows; hover and selection are shared, the selection with the drawing too. */
import type { Selection, ToWebview } from '../../extension/protocol.ts';
import type { Rpc } from '../rpc.ts';
import { hatchDefs } from '../ui/charts.ts';
import { button, textField, toolButton } from '../ui/controls.ts';
import { h, put } from '../ui/dom.ts';
import { counted, integer } from '../ui/format.ts';
import { ICONS } from '../ui/icons.ts';
import { dropMenu, openMenu } from '../ui/menu.ts';
import { DEFAULT_SCALE, scaleFor, type Scale } from '../ui/scale.ts';
import { readTokens, watchTokens, type Tokens } from '../ui/tokens.ts';
import { FlowChart } from './chart.ts';
import { FlowRows, type ColumnId, type Sort, type Tab } from './rows.ts';
import { COLUMNS, Table } from './table.ts';

interface PersistedPanel { readonly version: 1; readonly tab: Tab; readonly text: string; readonly sort: Sort; readonly columns: readonly ColumnId[] }

const TABS: readonly (readonly [Tab, string])[] = [['parameters', 'Parameters'], ['values', 'Values'], ['problems', 'Problems']];

export class Panel {
  private rows: FlowRows | undefined;
  private tokens: Tokens = readTokens();
  private scale: Scale = DEFAULT_SCALE;
  private tab: Tab = 'parameters';
  private text = '';
  private sort: Sort = { column: undefined, descending: true };
  private range: readonly [number, number] = [0, Infinity];
  private selection: Selection = {};
  private selected = -1;
  private hovered = -1;
  private view = new Uint32Array(0);
  private readonly chart: FlowChart;
  private readonly table: Table;
  private readonly tabs: HTMLElement;
  private readonly count = h('span', { class: 'desc count', role: 'status' });
  private readonly field;
  private readonly body: HTMLElement;
  private readonly empty = h('div', { class: 'empty' });

  constructor(private readonly rpc: Rpc, root: HTMLElement) {
    const kept = rpc.port.getState() as PersistedPanel | undefined;
    this.chart = new FlowChart({ hover: row => this.hover(row), select: row => this.choose(row, true), range: (from, to) => { this.range = [from, to]; this.refresh(); } });
    this.table = new Table({
      sort: sort => { this.sort = sort; this.refresh(); }, select: (row, reveal) => this.choose(row, reveal), hover: row => this.hover(row),
      menu: (row, x, y) => this.rowMenu(row, x, y), columns: anchor => this.columnMenu(anchor),
    });
    this.field = textField('Filter', 'Filter: conv1, op:Conv, zero:, > 1e3', text => { this.text = text; this.refresh(); });
    if (kept?.version === 1) {
      ({ tab: this.tab, text: this.text, sort: this.sort } = kept);
      this.field.value = kept.text;
      this.table.shownColumns.clear();
      for (const c of kept.columns) this.table.shownColumns.add(c);
    }
    this.tabs = h('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Rows' });
    const more = toolButton(ICONS.more, 'More', () => dropMenu('More', more, [
      ...this.columnItems(), null, { label: 'Copy Table as CSV', run: () => this.copy(this.view) },
      { label: 'Save Table as CSV…', run: () => { if (this.rows) rpc.port.post({ type: 'save', name: 'gradients.csv', encoding: 'utf8', data: this.rows.csv(this.view) }); } },
    ]), { className: '' });
    more.setAttribute('aria-haspopup', 'menu');
    const toggle = toolButton(ICONS.layers, 'Table', () => { const on = this.body.classList.toggle('table-only'); toggle.setAttribute('aria-pressed', String(on)); }, { text: 'Table', className: 'table-toggle' });
    toggle.setAttribute('aria-pressed', 'false');
    this.body = h('div', { class: 'pbody', hidden: true },
      h('section', { class: 'flow', 'aria-label': 'Chart' }, this.chart.element),
      h('section', { class: 'tbl', 'aria-label': 'Table' }, h('div', { class: 'bar2' }, this.tabs, h('span', { class: 'grow' }), this.count, this.field.element, more), h('div', { class: 'pane', role: 'tabpanel', id: 'rows', 'aria-label': 'Gradients' }, this.table.element)));
    root.append(hatchDefs(), h('main', { class: 'panel' }, h('h1', { class: 'hidden' }, 'Gradient Flow'), this.empty, this.body, toggle));
    watchTokens(tokens => { this.tokens = tokens; this.refresh(); });
    this.showEmpty(undefined);
  }

  receive(message: ToWebview): void {
    if (message.type === 'flow') this.setFlow(message);
    else if (message.type === 'select') this.fromHost(message.selection, message.reveal);
  }

  private setFlow({ flow, model }: Extract<ToWebview, { type: 'flow' }>): void {
    this.rows = flow && new FlowRows(flow);
    this.body.hidden = !flow;
    this.empty.hidden = !!flow;
    if (!this.rows) return this.showEmpty(model);
    this.scale = scaleFor(this.rows.flow.norm.filter((_, i) => this.rows!.state(i) === 'ok'));
    this.range = [0, Infinity];
    this.chart.setData(this.rows);
    this.selected = this.rowOf(this.selection);
    this.table.select(this.selected, false);
    this.refresh();
  }

  private showEmpty(model: string | undefined): void {
    put(this.empty, model === undefined
      ? h('section', { class: 'state', 'aria-label': 'No model' }, h('p', {}, 'Open a model to see its gradients.'), h('div', { class: 'buttons' }, button('Open Model…', () => this.rpc.command('openModel'), true), button('Open Sample', () => this.rpc.command('openSample'))))
      : h('section', { class: 'state', 'aria-label': 'Not run' }, h('p', {}, `${model} has not been run yet.`), h('div', { class: 'buttons' }, button('Run Model', () => this.rpc.command('run'), true))));
  }

  private refresh(): void {
    const { rows } = this;
    if (!rows) return;
    this.view = rows.view({ tab: this.tab, text: this.text, sort: this.sort, from: this.range[0], to: Math.min(this.range[1], rows.maxSteps) }) as Uint32Array<ArrayBuffer>;
    if (!rows.hasUpdates) this.table.shownColumns.delete('update');
    this.table.show(rows, this.view, this.sort, { scale: this.scale, tokens: this.tokens });
    this.drawTabs(rows);
    this.look();
    this.rpc.port.setState({ version: 1, tab: this.tab, text: this.text, sort: this.sort, columns: [...this.table.shownColumns] } satisfies PersistedPanel);
  }

  private look(): void { this.chart.setLook({ tokens: this.tokens, scale: this.scale, selected: this.selected, hovered: this.hovered }); }

  private drawTabs(rows: FlowRows): void {
    const focused = this.tabs.contains(document.activeElement);
    put(this.tabs, ...TABS.map(([id, label]) => {
      const on = id === this.tab;
      return h('button', { class: on ? 'btn sel' : 'btn', role: 'tab', type: 'button', 'aria-selected': String(on), 'aria-controls': 'rows', tabindex: on ? 0 : -1, click: (() => this.setTab(id)) as never, keydown: ((e: KeyboardEvent) => this.tabKey(e)) as never }, label);
    }));
    if (focused) this.tabs.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
    let parameters = 0, inputs = 0;
    for (const r of this.view) if (rows.kind(r) === 'parameter') parameters++; else if (rows.kind(r) === 'input') inputs++;
    const filtered = this.text.trim() || this.range[0] > 0 || this.range[1] < rows.maxSteps;
    this.count.textContent = this.tab === 'parameters' ? [counted(parameters, 'parameter'), inputs && counted(inputs, 'input')].filter(Boolean).join(', ') : this.tab === 'values' ? counted(this.view.length, 'value') : this.view.length ? `${integer(this.view.length)} need attention` : 'No parameters need attention';
    if (filtered) this.count.textContent += ', filtered';
  }
  private setTab(tab: Tab): void { this.tab = tab; this.refresh(); }
  private tabKey(e: KeyboardEvent): void {
    const at = TABS.findIndex(([id]) => id === this.tab), to = e.key === 'ArrowRight' ? at + 1 : e.key === 'ArrowLeft' ? at - 1 : undefined;
    if (to === undefined) return;
    e.preventDefault();
    this.setTab(TABS[(to + TABS.length) % TABS.length]![0]);
  }

  private hover(row: number): void {
    if (row === this.hovered) return;
    this.hovered = row;
    this.look();
    this.chart.element.title = row >= 0 && this.rows ? this.rows.name(row) : '';
  }

  private choose(row: number, reveal: boolean): void {
    const value = this.rows!.flow.value[row]!;
    this.selected = row;
    this.selection = { value };
    this.rpc.port.post({ type: 'select', selection: this.selection });
    this.showSelected(reveal);
  }
  private showSelected(reveal: boolean): void {
    // A row of another tab is not shown by a selection; its tab is, so that selecting in one place selects in all.
    if (this.selected >= 0 && !this.view.includes(this.selected) && !this.text) { this.tab = this.rows!.kind(this.selected) === 'parameter' ? 'parameters' : 'values'; this.refresh(); }
    this.table.select(this.selected, reveal);
    this.look();
  }

  private fromHost(selection: Selection, reveal: boolean): void {
    this.selection = selection;
    this.selected = this.rowOf(selection);
    if (this.rows) this.showSelected(reveal || this.selected >= 0);
  }
  private rowOf({ value }: Selection): number { return value === undefined ? -1 : this.rows?.rowOf(value) ?? -1; }

  private rowMenu(row: number, x: number, y: number): void {
    openMenu('Row', x, y, [
      { label: 'Reveal in Graph', hint: 'Enter', run: () => this.choose(row, true) }, null,
      { label: 'Copy Name', run: () => this.rpc.port.post({ type: 'copy', text: this.rows!.name(row) }) }, { label: 'Copy Row', run: () => this.copy([row]) }, { label: 'Copy Table', run: () => this.copy(this.view) },
    ]);
  }
  private columnMenu(anchor: HTMLElement): void { dropMenu('Columns', anchor, this.columnItems()); }
  private columnItems() {
    return COLUMNS.filter(c => c.id !== 'name' && (c.id !== 'update' || this.rows?.hasUpdates)).map(c => ({
      label: c.label, checked: this.table.shownColumns.has(c.id), run: () => { if (!this.table.shownColumns.delete(c.id)) this.table.shownColumns.add(c.id); this.refresh(); },
    }));
  }
  private copy(rows: ArrayLike<number>): void { if (this.rows) this.rpc.port.post({ type: 'copy', text: this.rows.csv(rows) }); }
}
