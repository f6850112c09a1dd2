/**
 * The drawing's editor, put together: what the host sends becomes a model, the worker's answers a picture, and every selection goes to all places.
 * Parts know nothing of each other; they meet here.
 */
import type { DrawingOptions, EditorState, Selection, ToWebview, ViewCommand } from '../../extension/protocol.ts';
import { DrawingCanvas, type Hit } from '../drawing/canvas.ts';
import { sameTarget, visibleBox, type Scene, type Target } from '../drawing/scene.ts';
import { bringIn, centreOn, fitTo, type Box, type View } from '../drawing/view.ts';
import { METRICS, type GroupResults, type Hierarchy, type Layout } from '../layout/types.ts';
import { LayoutClient } from '../layoutClient.ts';
import layoutWorker from '../layout/worker.ts?bundled';
import type { Rpc } from '../rpc.ts';
import { measureOf, type Measure, type MeasureId } from '../state/measure.ts';
import { Model } from '../state/model.ts';
import { groupsByKey, readPersisted, targetName, targetNamed, type PersistedView } from '../state/persisted.ts';
import { hatchDefs, type Colours } from '../ui/charts.ts';
import { DEFAULT_SCALE } from '../ui/scale.ts';
import { h, put } from '../ui/dom.ts';
import { FindBar } from '../ui/findBar.ts';
import { FootBar } from '../ui/footBar.ts';
import { Live } from '../ui/live.ts';
import { Minimap } from '../ui/minimap.ts';
import { readTokens, watchTokens, type Tokens } from '../ui/tokens.ts';
import { Toolbar } from '../ui/toolbar.ts';
import { perform, performView } from './actions.ts';
import { Details, type DetailsHost } from './details.ts';
import { actionOf, type Action } from './keys.ts';
import { labelOf, resultWords } from './labels.ts';
import { contextMenu, findingsMenu, moreMenu, stopsMenu } from './menus.ts';
import type { EditorParts } from './parts.ts';
import { Search } from './search.ts';
import { showState } from './stateView.ts';
import { AccessibleTree } from './tree.ts';

/** In a large graph a second layout for the first results would cost more than it shows. */
const OPEN_AGAIN_LIMIT = 20_000;
/** From the first scale on, boxes have names and numbers; from the second on, most of a drawing fits at it. */
const READABLE = 0.75, NEARLY_READABLE = 0.62;
/** What is brought in does not come to lie under the minimap. */
const MINIMAP_SPACE = 96;

export class Editor implements DetailsHost, EditorParts {
  model: Model | undefined;
  layout: Layout | undefined;
  tokens: Tokens = readTokens();
  measure: Measure | undefined;
  measureId: MeasureId = 'norm';
  selection: Target | undefined;
  /** Value that the inspector speaks of instead of the selected node, or −1. */
  value = -1;
  direction: 'down' | 'right' = 'down';
  hideOff = false;
  inspectorShown = true;
  expanded = new Set<number>();
  readonly search = new Search();
  readonly live = new Live();
  readonly canvas: DrawingCanvas;
  readonly details: Details;
  readonly minimap: Minimap;
  readonly findBar: FindBar;
  readonly history: { readonly past: View[]; readonly future: View[] } = { past: [], future: [] };
  private norm: Measure | undefined;
  private hover: Target | undefined;
  private keep: ReadonlySet<number> | undefined;
  private state: EditorState | undefined;
  private readonly worker: LayoutClient;
  private readonly toolbar: Toolbar;
  private readonly foot: FootBar;
  private readonly tree: AccessibleTree;
  private readonly heading = h('h1', { class: 'hidden' }, 'Model graph');
  private readonly strip = h('div', {});
  private readonly place = h('div', {});
  private readonly body: HTMLElement;
  private kept: PersistedView | undefined;
  private touched = false;
  private shownView: View | undefined;
  /** The view that was chosen for the person: as long as they have not moved it, a better one may take its place. */
  private fitted: View | undefined;
  /** Runs until the worker has been given the graph. */
  private opening: ReturnType<typeof setTimeout> | undefined;
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private saving: ReturnType<typeof setTimeout> | undefined;
  private afterLayout: (() => void) | undefined;
  private anchor: { readonly target: Target; readonly at: Box } | undefined;

  constructor(readonly rpc: Rpc, root: HTMLElement) {
    this.kept = readPersisted(rpc.port.getState());
    const element = h('canvas', { class: 'drawing', tabindex: 0 }), stage = h('div', { class: 'canvas' }, element);
    this.canvas = new DrawingCanvas(element, {
      painted: view => { if (view !== this.shownView) { this.shownView = view; this.details.hover.hide(); } this.minimap.update(view, this.canvas.width, this.canvas.height); this.foot.setZoom(view.k); this.remember(); },
      press: (hit, event) => this.press(hit, event), open: hit => this.open(hit), hover: (hit, x, y) => this.over(hit, x, y),
      menu: (hit, x, y) => this.openContextMenu(hit, x, y), rubber: targets => { if (targets[0]) this.select(targets[0]); },
    });
    this.tree = new AccessibleTree(element);
    this.minimap = new Minimap((x, y) => this.canvas.setView(centreOn({ x, y, w: 0, h: 0 }, this.canvas.view, this.canvas.width, this.canvas.height)));
    this.details = new Details(this, stage);
    this.toolbar = new Toolbar({
      crumb: group => (group ? this.select({ kind: 'group', ref: group }, { reveal: true }) : this.fit()), target: () => rpc.command('chooseTarget'), findings: () => findingsMenu(this, this.toolbar.element.querySelector('.right button')!),
      whatIf: anchor => stopsMenu(this, anchor), measure: id => this.setMeasure(id), find: () => this.openFind(), more: anchor => moreMenu(this, anchor),
    });
    this.findBar = new FindBar({ query: text => this.find(text), next: () => this.findStep(1), previous: () => this.findStep(-1), close: () => this.closeFind() });
    this.toolbar.findSlot.append(this.findBar.element);
    this.foot = new FootBar({ zoomIn: () => this.canvas.zoom(1.25), zoomOut: () => this.canvas.zoom(0.8), fit: () => this.fit() });
    stage.append(this.place, this.minimap.element, this.details.hover.element, this.tree.element);
    this.body = h('div', { class: 'body' }, h('main', { class: 'stage', 'aria-label': 'Drawing' }, stage, this.foot.element), this.details.inspector.element);
    root.append(hatchDefs(), h('div', { class: 'app' }, h('header', {}, this.heading, this.toolbar.element, this.strip), this.body), this.live.element);
    element.addEventListener('keydown', e => this.onKey(e));
    this.worker = new LayoutClient(layoutWorker, {
      hierarchy: hierarchy => this.onHierarchy(hierarchy), layout: layout => this.onLayout(layout), groups: groups => this.onGroups(groups),
      failed: message => this.setState({ kind: 'error', title: 'The drawing could not be laid out', message, buttons: [{ label: 'Show Log', command: 'showLog' }] }),
    });
    watchTokens(tokens => { this.tokens = tokens; this.legend(); this.refresh(); this.details.inspector.again(); });
    this.inspectorShown = this.kept?.inspector ?? true;
    if (this.kept?.inspectorWidth) this.details.inspector.setWidth(this.kept.inspectorWidth);
    this.bars();
    for (const name of this.kept?.closedSections ?? []) this.details.closed.add(name);
  }

  // ---------------------------------------------------------------- from the host

  receive(message: ToWebview): void {
    switch (message.type) {
      case 'graph': this.setGraph(new Model(message.graph), message.options); break;
      case 'results': this.setResults(message); break;
      case 'whatIf': this.setWhatIf(message.whatIf); break;
      case 'state': this.setState(message.state); break;
      case 'select': this.fromHost(message.selection, message.reveal); break;
      case 'view': performView(this, message.command); break;
    }
  }

  private setGraph(model: Model, options: DrawingOptions): void {
    if (this.model && this.layout) this.kept = this.snapshot();
    const kept = this.kept?.title === model.graph.title ? this.kept : undefined;
    this.model = model;
    this.layout = undefined;
    this.selection = undefined;
    this.touched = false;
    this.canvas.wheel = options.wheel;
    this.direction = kept?.direction ?? options.direction;
    this.measureId = kept?.measure ?? 'norm';
    this.hideOff = kept?.hideOff ?? false;
    this.minimap.wanted = kept?.minimap ?? true;
    this.kept = kept;
    this.expanded.clear();
    this.details.forget();
    this.measureAgain();
    this.canvas.setScene(undefined);
    this.bars();
    // Results that come in the same breath choose what is open at first.
    clearTimeout(this.opening);
    this.opening = setTimeout(() => this.openWorker(), 0);
  }

  private openWorker(): void {
    this.opening = undefined;
    if (this.model) this.worker.open(this.model.graph, this.model.results, undefined, this.request());
  }

  private setResults({ results, marks, findings, run }: Extract<ToWebview, { type: 'results' }>): void {
    const { model } = this;
    if (!model) return;
    const first = !model.results;
    model.setResults(results, marks, findings, run);
    this.details.forget();
    this.measureAgain();
    if (this.opening === undefined) {
      if (first && !this.touched && model.nodeCount <= OPEN_AGAIN_LIMIT) this.openWorker();
      else {
        this.worker.results(results);
        // Only now it is known which node makes the loss.
        if (first && this.layout) this.askLayout(this.selection, true);
      }
    }
    this.live.say(resultWords(model));
    this.refresh();
    this.bars();
    void this.details.select(this.selection, this.value);
  }

  private setWhatIf(whatIf: Extract<ToWebview, { type: 'whatIf' }>['whatIf']): void {
    const { model } = this;
    if (!model) return;
    model.whatIf = whatIf;
    if (whatIf && whatIf.appear + whatIf.change > 0) this.measureId = 'change';
    else if (!whatIf && this.measureId === 'change') this.measureId = 'norm';
    if (whatIf) this.live.say(`${whatIf.appear} appear, ${whatIf.change} change, ${whatIf.stay} stay.`);
    this.measureAgain();
    this.refresh();
    this.bars();
    this.showState();
    void this.details.select(this.selection, this.value);
  }

  setState(state: EditorState | undefined): void {
    if (state && state.kind !== this.state?.kind && state.kind !== 'running' && state.kind !== 'reading') this.live.say(showState(this, state, undefined).said);
    const begins = state?.kind === 'running' && this.state?.kind !== 'running';
    this.state = state;
    // A run that is over at once moves nothing.
    if (begins) { clearTimeout(this.waiting); this.waiting = setTimeout(() => this.showState(), 300); }
    else if (state?.kind !== 'running' || this.strip.firstElementChild) this.showState();
  }
  private showState(): void {
    clearTimeout(this.waiting);
    const before = this.strip.offsetHeight, shown = this.strip.firstElementChild as HTMLElement | null, { card, strip } = showState(this, this.state, this.model?.whatIf, shown ?? undefined);
    put(this.place, card);
    if (strip !== (shown ?? undefined)) put(this.strip, strip);
    // The drawing stays where it is when a strip comes above it.
    const moved = this.strip.offsetHeight - before, { view } = this.canvas;
    if (!moved || !this.layout) return;
    this.canvas.setView(view === this.fitted ? (this.fitted = this.firstView(this.layout)) : { ...view, y: view.y - moved });
  }

  private fromHost(selection: Selection, reveal: boolean): void {
    if (selection.value !== undefined && selection.value >= 0 && (selection.node === undefined || selection.node < 0)) this.selectValue(selection.value, reveal, false);
    else if (selection.node !== undefined && selection.node >= 0) this.select({ kind: 'node', ref: selection.node }, { reveal, tell: false, value: this.besidesNode(selection.node, selection.value) });
    else this.select(undefined, { tell: false });
  }
  /** A value that goes with a node is spoken of by itself only if it is a parameter of it. */
  private besidesNode(node: number, value: number | undefined): number { return value !== undefined && this.model?.graph.values.producer[value] !== node ? value : -1; }

  // ---------------------------------------------------------------- from the worker

  request() {
    const { model, canvas } = this;
    const hidden = this.hideOff && model?.results ? Uint8Array.from({ length: model.nodeCount }, (_, n) => +(['dead', 'nodiff'].includes(model.valueState(model.mainValue(n))) && model.outputs(n).length > 0)) : undefined;
    return { viewport: { width: canvas.width, height: canvas.height }, direction: this.direction, ...(hidden && { hidden }) };
  }

  /** Lays out again with the present open groups; what lies at `still` stays where it is on the screen. */
  relayout(still: Target | undefined = this.selection, fresh = false): void {
    this.touched = true;
    this.askLayout(still, fresh);
  }
  private askLayout(still: Target | undefined, fresh: boolean): void {
    const at = still && this.placeOf(still);
    this.anchor = at && { target: still!, at };
    this.worker.request([...this.expanded], { ...this.request(), ...(fresh && { fresh }) });
  }

  private onHierarchy(hierarchy: Hierarchy): void {
    this.model!.hierarchy = hierarchy;
    const open = this.kept ? groupsByKey(this.model!, this.kept.expanded) : [];
    if (!this.kept) return;
    this.expanded = new Set(open);
    this.worker.request(open, this.request());
  }

  private onLayout(layout: Layout): void {
    const first = !this.layout || (!this.touched && this.canvas.view === this.fitted);
    this.layout = layout;
    if (!this.touched && !this.kept) this.expanded = new Set(layout.expanded);
    this.refresh();
    if (this.anchor) {
      const now = this.placeOf(this.anchor.target), { view } = this.canvas;
      if (now) this.canvas.setView({ k: view.k, x: view.x + this.anchor.at.x - now.x, y: view.y + this.anchor.at.y - now.y });
      this.anchor = undefined;
    } else if (first) {
      this.fitted = this.kept ? this.kept.view : this.firstView(layout);
      this.canvas.setView(this.fitted);
      this.touched ||= this.kept !== undefined;
      const selected = this.kept?.selection && targetNamed(this.model!, this.kept.selection);
      if (this.kept?.query) { this.findBar.query = this.kept.query; this.findBar.show(); this.find(this.kept.query); }
      this.kept = undefined;
      if (selected) this.select(selected, { tell: false });
    }
    this.showState();
    this.afterLayout?.();
    this.afterLayout = undefined;
  }

  /** All of it; if that were only just too small to read, at reading size with the loss in it. */
  private firstView({ width, height }: Layout): View {
    const whole = fitTo({ x: 0, y: 0, w: width, h: height }, this.canvas.width, this.canvas.height);
    if (whole.k >= READABLE || whole.k < NEARLY_READABLE) return whole;
    return { k: READABLE, x: (this.canvas.width - width * READABLE) / 2, y: Math.min((this.canvas.height - height * READABLE) / 2, this.canvas.height - 12 - height * READABLE) };
  }

  private onGroups(groups: GroupResults): void {
    this.model!.groups = groups;
    this.refresh();
  }

  // ---------------------------------------------------------------- what is shown

  scene(): Scene | undefined {
    const { model, layout, measure } = this;
    if (!model || !layout || !measure) return undefined;
    const boxOf = this.canvas.layout === layout ? this.canvas.boxOf : undefined, hit = this.search.at >= 0 ? this.search.nodes[this.search.at] : undefined;
    return {
      model, layout, measure, tokens: this.tokens, selection: this.selection, hover: this.hover, direction: this.direction, keep: this.keep,
      hits: boxOf && this.search.nodes.length ? this.search.boxes(model, boxOf) : new Map(), currentHit: boxOf && hit !== undefined ? visibleBox(model, boxOf, hit) : -1,
    };
  }

  refresh(): void {
    if (this.layout && this.canvas.layout !== this.layout) this.canvas.setScene(this.scene());
    const scene = this.scene();
    this.canvas.setScene(scene);
    this.minimap.setScene(scene);
    this.tree.update(scene, this.canvas.boxOf);
  }

  private legend(): void { if (this.model && this.measure) this.foot.setLegend(this.measure, this.model, this.tokens); }

  private measureAgain(): void {
    if (!this.model) return;
    this.norm = measureOf('norm', this.model);
    this.measure = this.measureId === 'norm' ? this.norm : measureOf(this.measureId, this.model);
    this.legend();
  }

  bars(): void {
    this.details.inspector.element.hidden = !this.inspectorShown || !this.model;
    const { model } = this, at = this.selection, box = this.canvas.boxOf(at);
    const group = !model?.hierarchy || !at ? 0 : at.kind === 'group' ? at.ref : box >= 0 && this.layout ? this.layout.boxes.group[box]! : at.kind === 'node' ? model.hierarchy.groupOf[at.ref]! : 0;
    this.heading.textContent = `Model graph of ${model?.graph.title ?? ''}`;
    this.toolbar.setCrumbs(model?.graph.title ?? '', model, group);
    this.toolbar.setModel(model, this.measureId);
  }

  setMeasure(id: MeasureId): void {
    this.measureId = id;
    this.measureAgain();
    this.refresh();
    this.bars();
    this.remember();
  }

  /** Where a target is on the screen; what is folded away is where its group is. */
  placeOf(target: Target): Box | undefined {
    const own = this.canvas.rectOf(target), box = own || target.kind !== 'node' || !this.model ? -1 : visibleBox(this.model, this.canvas.boxOf, target.ref), b = this.layout?.boxes;
    const rect = own ?? (box >= 0 && b ? { x: b.x[box]!, y: b.y[box]!, w: b.w[box]!, h: b.h[box]! } : undefined);
    return rect && this.canvas.toScreen(rect);
  }

  fit(): void { if (this.layout) this.goTo(fitTo({ x: 0, y: 0, w: this.layout.width, h: this.layout.height }, this.canvas.width, this.canvas.height)); }

  /** A move that Alt+← takes back. */
  goTo(view: View): void {
    this.history.past.push(this.canvas.view);
    if (this.history.past.length > 50) this.history.past.shift();
    this.history.future.length = 0;
    this.canvas.setView(view, true);
  }

  // What inspector and hover card ask for.
  get colours(): Colours { return { scale: this.norm?.scale ?? DEFAULT_SCALE, tokens: this.tokens }; }
  selectNode(node: number): void { this.select({ kind: 'node', ref: node }, { reveal: true }); }
  say(text: string): void { this.live.say(text); }
  focusDrawing(): void { this.canvas.canvas.focus(); }
  pinned(pane: { readonly element: HTMLElement } | undefined): void {
    this.body.querySelector('.pinned')?.remove();
    if (pane) this.details.inspector.element.before(pane.element);
  }

  /** Boxes of an answer; undefined: nothing is dimmed. */
  answer(nodes: readonly number[] | undefined): void {
    if (!nodes) { if (this.keep) { this.keep = undefined; this.refresh(); } return; }
    const show = () => {
      this.keep = new Set(nodes.map(n => visibleBox(this.model!, this.canvas.boxOf, n)).filter(b => b >= 0));
      this.refresh();
    };
    show();
    this.afterLayout = this.worker.busy ? show : undefined;
  }

  // ---------------------------------------------------------------- selecting, opening

  select(target: Target | undefined, { value = -1, reveal = false, tell = true }: { readonly value?: number; readonly reveal?: boolean; readonly tell?: boolean } = {}): void {
    const same = sameTarget(target, this.selection) && value === this.value;
    this.selection = target;
    this.value = value;
    this.keep = undefined;
    this.details.hover.hide();
    this.refresh();
    this.bars();
    if (!same || this.details.answering) void this.details.select(target, value);
    if (tell && !same) this.rpc.port.post({ type: 'select', selection: this.selectionFor(target, value) });
    if (reveal && target) this.reveal(target);
    this.remember();
  }

  private selectionFor(target: Target | undefined, value: number): Selection {
    if (!target || !this.model || target.kind === 'group') return {};
    if (target.kind === 'value') return { value: target.ref };
    const shown = value >= 0 ? value : this.model.mainValue(target.ref);
    return { node: target.ref, ...(shown >= 0 && { value: shown }) };
  }

  /** A value where it is drawn: its node, its input pill, or the node that it is a parameter of. */
  selectValue(value: number, reveal = true, tell = true): void {
    const { model } = this;
    if (!model) return;
    const producer = model.graph.values.producer[value]!, use = model.usesOf(value)[0];
    if (producer >= 0) this.select({ kind: 'node', ref: producer }, { reveal, tell, value: model.mainValue(producer) === value ? -1 : value });
    else if (this.canvas.boxOf({ kind: 'value', ref: value }) >= 0 || use === undefined) this.select({ kind: 'value', ref: value }, { reveal, tell });
    else this.select({ kind: 'node', ref: model.graph.uses.node[use]! }, { reveal, tell, value });
  }

  /** Opens what is folded around a target and brings it into the window. */
  reveal(target: Target): void {
    const { model } = this, hierarchy = model?.hierarchy;
    const bring = () => {
      const rect = this.canvas.rectOf(target), { view, width, height } = this.canvas;
      if (rect) this.goTo(bringIn(rect, view.k < 0.5 ? centreOn(rect, { ...view, k: 0.9 }, width, height) : view, width, height - MINIMAP_SPACE));
    };
    if (!model || !hierarchy || target.kind === 'value') return bring();
    const path = model.groupPath(target.kind === 'node' ? hierarchy.groupOf[target.ref]! : hierarchy.parent[target.ref]!), folded = path.filter(g => !this.expanded.has(g));
    if (!folded.length) return bring();
    for (const g of folded) this.expanded.add(g);
    this.afterLayout = bring;
    this.relayout({ kind: 'group', ref: folded[0]! });
  }

  toggleGroup(group: number): void {
    if (this.expanded.has(group)) this.expanded.delete(group);
    else this.expanded.add(group);
    this.live.say(`${this.model!.hierarchy!.label[group]} ${this.expanded.has(group) ? 'open' : 'folded'}.`);
    this.relayout({ kind: 'group', ref: group });
    this.remember();
  }

  private press(hit: Hit, event: PointerEvent): void {
    this.details.hover.hide();
    if (!hit) return this.select(undefined);
    if (hit.kind === 'header') return this.select({ kind: 'group', ref: hit.group });
    if (hit.kind === 'tag') return this.selectValue(hit.value, false);
    if (hit.kind === 'edge') return this.details.showCard(hit, { x: event.offsetX - 4, y: event.offsetY - 4, w: 8, h: 8 }, this.usesOfEdge(hit.edge));
    this.select(hit.target, { value: this.rowAt(hit.box, event.offsetY) });
  }

  usesOfEdge(edge: number): number[] { const e = this.layout!.edges; return Array.from(e.uses.subarray(e.useStart[edge], e.useStart[edge + 1])); }

  /** The parameter whose row is under the pointer, or −1. */
  private rowAt(box: number, y: number): number {
    const { boxes } = this.layout!, { view } = this.canvas, hierarchy = this.model!.hierarchy!, node = boxes.ref[box]!;
    if (boxes.kind[box] !== 0 || view.k < 0.75) return -1;
    const row = Math.floor(((y - view.y) / view.k - boxes.y[box]! - METRICS.head) / METRICS.row);
    return row >= 0 && row < Math.min(METRICS.maxRows, boxes.rows[box]!) ? hierarchy.parameters[hierarchy.parameterStart[node]! + row] ?? -1 : -1;
  }

  private open(hit: Hit): void {
    const target = hit?.kind === 'header' ? ({ kind: 'group', ref: hit.group } as const) : hit?.kind === 'box' ? hit.target : undefined;
    if (target?.kind === 'group') this.toggleGroup(target.ref);
  }

  private over(hit: Hit, x: number, y: number): void {
    const target = hit?.kind === 'box' ? hit.target : undefined;
    if (!sameTarget(target, this.hover)) { this.hover = target; this.canvas.setScene(this.scene()); }
    this.canvas.canvas.style.cursor = hit ? 'pointer' : 'default';
    this.details.over(hit, x, y, hit?.kind === 'edge' ? this.usesOfEdge(hit.edge) : []);
  }

  perform(action: Action): boolean { return perform(this, action); }
  performView(command: ViewCommand): void { performView(this, command); }
  openContextMenu(hit: Hit, x: number, y: number): void { contextMenu(this, hit, x, y); }

  private onKey(e: KeyboardEvent): void {
    const action = actionOf(e);
    if (!action || !this.perform(action)) return;
    e.preventDefault();
    e.stopPropagation();
  }

  // ---------------------------------------------------------------- find

  openFind(): void { this.findBar.show(); }
  closeFind(): void {
    this.findBar.hide();
    this.find('');
    this.canvas.canvas.focus();
  }
  find(query: string): void {
    this.search.run(this.model, query);
    this.findBar.setCount(this.search.at, this.search.nodes.length);
    this.refresh();
    this.showState();
    this.remember();
  }
  findStep(by: 1 | -1): void {
    const node = this.search.step(by);
    this.findBar.setCount(this.search.at, this.search.nodes.length);
    if (node === undefined) return;
    this.select({ kind: 'node', ref: node }, { reveal: true });
    this.live.say(`${this.search.at + 1} of ${this.search.nodes.length}: ${labelOf(this.scene()!, this.selection!, this.canvas.boxOf(this.selection))}`);
  }

  // ---------------------------------------------------------------- remembered

  private snapshot(): PersistedView {
    const { model, selection } = this;
    return {
      version: 1, title: model!.graph.title, expanded: model!.hierarchy ? [...this.expanded].map(g => model!.groupKey(g)) : [], view: this.canvas.view, measure: this.measureId, query: this.search.query, direction: this.direction,
      ...(selection && model!.hierarchy && { selection: { kind: selection.kind, name: targetName(model!, selection) } }), inspector: this.inspectorShown, ...(this.details.inspector.width && { inspectorWidth: this.details.inspector.width }), minimap: this.minimap.wanted, hideOff: this.hideOff, closedSections: [...this.details.closed],
    };
  }
  remember(): void {
    clearTimeout(this.saving);
    this.saving = setTimeout(() => { if (this.model && this.layout) this.rpc.port.setState(this.snapshot()); }, 250);
  }
}
