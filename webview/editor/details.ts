/** Fills inspector, pinned inspector and hover card: asks the host, drops what is no longer wanted, and shows why. */
import type { Histogram, NodeCard, ValueCard } from '../../extension/protocol.ts';
import type { Hit } from '../drawing/canvas.ts';
import type { Target } from '../drawing/scene.ts';
import type { Box } from '../drawing/view.ts';
import { Inspector, mainCard, type GroupFacts, type InspectorEvents, type Shown } from '../inspector/inspector.ts';
import { HostError, type Rpc } from '../rpc.ts';
import type { Colours } from '../ui/charts.ts';
import { HoverCard } from '../ui/hoverCard.ts';
import { cellState, type Model } from '../state/model.ts';
import { counted, integer, number } from '../ui/format.ts';
import { edgeContent, nodeCardContent, valueCardContent } from './cardContent.ts';
import { groupName, stateWords } from './labels.ts';

export interface DetailsHost {
  readonly rpc: Rpc;
  readonly model: Model | undefined;
  readonly colours: Colours;
  selectNode(node: number): void;
  selectValue(value: number): void;
  /** Boxes on the way of an answer stay; all others are dimmed. */
  answer(nodes: readonly number[] | undefined): void;
  placeOf(target: Target): Box | undefined;
  say(text: string): void;
  focusDrawing(): void;
  remember(): void;
  /** Puts the pinned inspector beside the other, or takes it away. */
  pinned(inspector: Inspector | undefined): void;
}

export class Details {
  readonly inspector: Inspector;
  readonly hover: HoverCard;
  readonly closed = new Set<string>();
  private pinned: Inspector | undefined;
  private shown: Shown = { kind: 'nothing' };
  private asking = new AbortController();
  private asked = 0;
  private readonly histograms = new Map<string, Promise<Histogram>>();
  private beforeWhy: (() => void) | undefined;
  /** What the inspector shows: for Ctrl+C and F12. */
  card: NodeCard | ValueCard | undefined;

  constructor(private readonly host: DetailsHost, stage: HTMLElement) {
    this.inspector = new Inspector(this.events());
    this.hover = new HoverCard(stage, () => host.focusDrawing());
  }

  get answering(): boolean { return this.beforeWhy !== undefined; }

  private events(): InspectorEvents {
    const { host } = this, rpc = () => host.rpc;
    return {
      get colours() { return host.colours; },
      isClosed: name => this.closed.has(name),
      toggled: (name, closed) => { if (closed) this.closed.add(name); else this.closed.delete(name); host.remember(); },
      selectNode: name => { const n = host.model?.nodeNamed(name) ?? -1; if (n >= 0) host.selectNode(n); },
      selectValue: value => host.selectValue(value),
      openSource: source => rpc().port.post({ type: 'openSource', source }),
      histogram: (value, of) => this.histogram(value, of),
      why: value => void this.why(value),
      toggleStop: at => rpc().port.post({ type: 'toggleStop', ...at }),
      copy: text => { rpc().port.post({ type: 'copy', text }); host.say('Copied.'); },
      pin: () => this.togglePin(),
      closeWhy: () => this.closeWhy(),
      reveal: node => host.selectNode(node),
      resized: () => host.remember(),
    };
  }

  private histogram(value: number, of: 'gradient' | 'forward'): Promise<Histogram> {
    const key = `${value} ${of}`;
    let answer = this.histograms.get(key);
    if (!answer) {
      this.histograms.set(key, (answer = this.host.rpc.ask('histogram', { value, of })));
      answer.catch(() => this.histograms.delete(key));
    }
    return answer;
  }

  /** New results, or another graph: histograms and the open answer are of the past. */
  forget(): void {
    this.histograms.clear();
    this.beforeWhy = undefined;
    this.host.answer(undefined);
  }

  async select(target: Target | undefined, value: number): Promise<void> {
    this.asking.abort(new DOMException('another selection', 'AbortError'));
    this.asking = new AbortController();
    const { signal } = this.asking, { model, rpc } = this.host;
    if (this.beforeWhy) { this.beforeWhy = undefined; this.host.answer(undefined); }
    this.card = undefined;
    if (!target || !model) return this.show({ kind: 'nothing' });
    if (target.kind === 'group') return this.show({ kind: 'group', facts: groupFacts(model, target.ref) });
    const title = value >= 0 ? model.valueName(value) : target.kind === 'node' ? model.name(target.ref) : model.valueName(target.ref);
    const slow = setTimeout(() => this.show({ kind: 'waiting', title }), 200);
    try {
      if (target.kind === 'node' && value < 0) {
        const card = await rpc.ask('node', { node: target.ref }, signal), group = model.hierarchy?.groupOf[target.ref] ?? 0, main = mainCard(card);
        this.card = card;
        this.show({ kind: 'node', card, place: group > 0 ? ` in ${groupName(model, group)}` : '', isStop: model.isStop(target.ref), removed: model.isRemoved(target.ref), hasStop: main !== undefined && model.hasUserStop(main.value) });
      } else {
        const at = value >= 0 ? value : target.ref, card = await rpc.ask('value', { value: at }, signal), use = model.usesOf(at)[0];
        this.card = card;
        this.show({ kind: 'value', card, place: model.valueKind(at) === 'parameter' && use !== undefined ? ` of ${model.name(model.graph.uses.node[use]!)}` : '', hasStop: model.hasUserStop(at) });
      }
    } catch (error) {
      if (signal.aborted) return;
      this.show({ kind: 'failed', title, message: (error as Error).message, ...(error instanceof HostError && error.remedy && { remedy: error.remedy }) });
    } finally { clearTimeout(slow); }
  }

  private show(shown: Shown): void {
    this.shown = shown;
    this.inspector.show(shown);
  }

  async why(value: number): Promise<void> {
    const { model, rpc } = this.host, before = this.shown;
    if (!model) return;
    this.hover.hide();
    try {
      const answer = await rpc.ask('why', { value });
      if (this.host.model !== model) return;
      this.beforeWhy = () => this.show(before);
      const producer = model.graph.values.producer[value]!, use = model.usesOf(value)[0], consumer = use === undefined ? -1 : model.graph.uses.node[use]!;
      const place = model.valueKind(value) === 'parameter' && consumer >= 0 ? `Parameter of ${model.name(consumer)} · ${model.type(value)}` : producer >= 0 ? `${model.op(producer)} · ${model.type(value)}` : model.type(value);
      this.show({ kind: 'why', answer, name: model.valueName(value), place, state: model.valueState(value), norm: model.norm(value) });
      this.host.answer([...answer.steps.map(s => s.node), ...(producer < 0 && consumer >= 0 ? [consumer] : [])].filter(n => n >= 0));
      this.host.say(answer.sentence);
    } catch (error) { this.host.say((error as Error).message); this.show({ kind: 'failed', title: model.valueName(value), message: (error as Error).message }); }
  }

  closeWhy(): boolean {
    if (!this.beforeWhy) return false;
    this.beforeWhy();
    this.beforeWhy = undefined;
    this.host.answer(undefined);
    return true;
  }

  togglePin(): void {
    if (this.pinned) this.pinned = undefined;
    else if (this.shown.kind !== 'nothing') {
      this.pinned = new Inspector(this.events(), true);
      this.pinned.show(this.shown);
    }
    this.host.pinned(this.pinned);
  }

  // ---------------------------------------------------------------- hover

  /** The pointer rests on something, or on nothing. */
  over(hit: Hit, x: number, y: number, edgeUses: readonly number[]): void {
    const key = !hit ? undefined : hit.kind === 'box' ? `box ${hit.box}` : hit.kind === 'edge' ? `edge ${hit.edge}` : hit.kind === 'tag' ? `tag ${hit.value}` : `group ${hit.group}`;
    this.hover.over(key, () => { if (hit) this.showCard(hit, { x: x - 4, y: y - 4, w: 8, h: 8 }, edgeUses); });
  }

  showCard(hit: NonNullable<Hit>, at: Box, edgeUses: readonly number[]): void {
    const { model, colours } = this.host;
    if (!model) return;
    if (hit.kind === 'edge') { if (edgeUses.length) this.hover.show('Edge', at, ...edgeContent(model, edgeUses, colours)); return; }
    if (hit.kind === 'tag') return void this.cardOf({ kind: 'value', ref: hit.value }, at);
    const target: Target = hit.kind === 'header' ? { kind: 'group', ref: hit.group } : hit.target;
    void this.cardOf(target, (hit.kind === 'box' && this.host.placeOf(target)) || at);
  }

  async cardOf(target: Target, at: Box): Promise<void> {
    const { model, rpc, colours } = this.host, events = { why: (v: number) => void this.why(v), openSource: this.events().openSource }, ticket = ++this.asked;
    if (!model) return;
    if (target.kind === 'group') {
      const { name, says, rows } = groupFacts(model, target.ref);
      const list = rows.map(([k, v]) => `${k} ${v}`).join(' · ');
      this.hover.show(name, at, name, says ? `. ${says}` : '', list && ` ${list}`);
      return;
    }
    try {
      const content = target.kind === 'node' ? nodeCardContent(await rpc.ask('node', { node: target.ref }), colours, events) : valueCardContent(await rpc.ask('value', { value: target.ref }), colours, events);
      if (ticket === this.asked && this.host.model === model) this.hover.show(target.kind === 'node' ? model.name(target.ref) : model.valueName(target.ref), at, ...content);
    } catch (error) { if (ticket === this.asked) this.hover.show('Error', at, (error as Error).message); }
  }
}

/** What a group says of itself: range of the norms inside, worst first. */
function groupFacts(model: Model, group: number): GroupFacts {
  const h = model.hierarchy!, r = model.groups, state = r ? cellState(r.outStatus[group]!, r.outNorm[group]!) : 'plain', norm = r?.outNorm[group] ?? NaN, parent = h.parent[group]!, instances = h.childStart[group + 1]! - h.childStart[group]!;
  const rows: [string, string][] = [['nodes', integer(h.last[group]! - h.first[group]!)]];
  if (h.kind[group] === 1) rows.push(['repeats', integer(instances)]);
  if (r) {
    if (r.maxNorm[group]! > 0) rows.push(['L2 norms', `${number(r.minNorm[group]!)} to ${number(r.maxNorm[group]!)}`]);
    rows.push(['at its output', state === 'ok' ? number(norm) : stateWords(state, norm)]);
    for (const [label, n] of [['NaN or Inf', r.alarms[group]!], ['zero', r.zeros[group]!], ['blocked', r.blocked[group]!], ['not known', r.unknown[group]!]] as const) if (n) rows.push([label, integer(n)]);
  }
  const says = !r ? '' : r.alarms[group] ? `${counted(r.alarms[group]!, 'value is', 'values are')} not finite.` : state === 'blocked' ? 'No gradient leaves it: blocked.' : '';
  return { name: h.label[group]!, place: parent > 0 ? `Group in ${groupName(model, parent)}` : 'Group', state, norm, rows, says };
}
