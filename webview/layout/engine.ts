/**
 * The layout of one graph: keeps what does not change between requests, and lays out only the groups whose inside has changed and
 * those around them.
 */
import type { DrawingGraph, DrawingResults } from '../../extension/protocol.ts';
import { assemble } from './assemble.ts';
import { buildBlock, type Block, type End, type Item, type Route } from './block.ts';
import { firstFold } from './firstFold.ts';
import { buildHierarchy } from './hierarchy.ts';
import { mirror, placesOf, planOf, type GroupPlan } from './plan.ts';
import { boxExtent, Sizes } from './sizes.ts';
import { Ruler } from './text.ts';
import { GroupKind, METRICS, type Hierarchy, type Layout, type LayoutRequest, type TextMetrics } from './types.ts';
import { Wiring, type WiredEdge } from './wiring.ts';

/** Design 6.2: columns are chosen for the window at this scale. */
const READING = 0.75;

/** Ports that are compared with what is outside: enough to tell left from right. */
const MOST_PAIRS = 40;

interface Kept { readonly block: Block; readonly key: string; readonly inner: readonly Block[] }

export class LayoutEngine {
  readonly hierarchy: Hierarchy;
  private readonly sizes: Sizes;
  private readonly ruler: Ruler;
  private wiring: Wiring;
  private results: DrawingResults | undefined;
  private readonly plans = new Map<number, GroupPlan>();
  private readonly blocks = new Map<number, Kept>();
  private target = -1;
  private loss = -1;

  constructor(readonly graph: DrawingGraph, metrics?: TextMetrics) {
    this.hierarchy = buildHierarchy(graph);
    this.ruler = new Ruler(metrics);
    this.sizes = new Sizes(graph, this.hierarchy, this.ruler);
    this.wiring = new Wiring(graph, this.hierarchy, undefined);
  }

  /** Results choose the main path of what is planned from now on. `target`: the value whose producer is drawn as the loss. */
  setResults(results: DrawingResults | undefined, target: number): void {
    this.results = results;
    this.target = target;
    const loss = target >= 0 ? this.graph.values.producer[target]! : -1;
    if (loss === this.loss) return;
    this.loss = loss;
    this.sizes.setLoss(loss);
    this.forget();
  }

  /** The groups that are open when nobody has opened or folded any. */
  firstExpanded(): number[] { return firstFold(this.graph, this.hierarchy, this.target, this.results); }

  layout(request: LayoutRequest): Layout {
    if (request.fresh) this.forget();
    if (!sameBits(request.hidden, this.wiring.hidden)) {
      this.wiring = new Wiring(this.graph, this.hierarchy, request.hidden);
      this.forget();
    }
    const direction = request.direction ?? 'down', { width, height } = request.viewport, open = this.openGroups(request.expanded), key = `${direction} ${width} ${height}`;
    // Inner groups first: children come after their parents.
    for (let i = open.length - 1; i >= 0; i--) this.blockOf(open[i]!, direction, { width: width / READING, height: height / READING }, key);
    return assemble(this.graph, this.hierarchy, this.wiring, this.blocks.get(0)!.block, direction, request.revision, Uint32Array.from(open.filter(g => g > 0)));
  }

  private forget(): void {
    this.plans.clear();
    this.blocks.clear();
  }

  /** Open groups whose ancestors are all open and that show something, ascending; the root first. */
  private openGroups(expanded: ArrayLike<number>): number[] {
    const { parent, count } = this.hierarchy, open = new Uint8Array(count), wanted = new Uint8Array(count), list = [0];
    for (let i = 0; i < expanded.length; i++) if (expanded[i]! < count) wanted[expanded[i]!] = 1;
    open[0] = 1;
    for (let g = 1; g < count; g++) if (wanted[g] && open[parent[g]!] && this.wiring.shows(g)) { open[g] = 1; list.push(g); }
    this.isOpen = open;
    return list;
  }
  private isOpen = new Uint8Array(0);

  private planOf(group: number): GroupPlan {
    let plan = this.plans.get(group);
    if (!plan) {
      const wiring = this.wiring.wiringOf(group), holds = this.loss >= 0 && this.isInside(this.loss, group) && !this.wiring.hidden?.[this.loss];
      this.plans.set(group, (plan = planOf(wiring, this.results, holds ? this.wiring.indexIn(group, this.loss) : -1)));
      if (group > 0 && this.facesAway(plan)) mirror(plan);
    }
    return plan;
  }

  /** True if more of its ports would be in the order of what they are joined with outside if the group were its mirror image. */
  private facesAway(plan: GroupPlan): boolean {
    const { wiring } = this, { group, entryOf, exitOf, items, entries } = plan.wiring, outer = this.planOf(this.hierarchy.parent[group]!), n = items.length, me = wiring.itemIndex(~group), place = placesOf(plan), outside = placesOf(outer);
    if (this.hierarchy.kind[group] === GroupKind.backward) return false;
    const pairs: { readonly side: number; readonly inner: number; readonly outer: number }[] = [];
    outer.wiring.edges.forEach((edge, e) => {
      const bends = outer.bends[e];
      if (!bends) return;
      if (edge.to === me) {
        const port = entryOf.get(wiring.entryKey(edge.uses[0]!));
        if (port !== undefined) pairs.push({ side: 0, inner: place.get(n + port)!, outer: outside.get(bends.at(-1) ?? edge.from)! });
      } else if (edge.from === me) {
        const port = exitOf[wiring.indexIn(group, wiring.upperEnd(edge.uses[0]!))]!;
        pairs.push({ side: 1, inner: place.get(n + entries + port)!, outer: outside.get(bends[0] ?? edge.to)! });
      }
    });
    let balance = 0;
    for (const a of pairs.slice(0, MOST_PAIRS)) for (const b of pairs.slice(0, MOST_PAIRS)) if (a.side === b.side) balance += Math.sign((a.inner - b.inner) * (a.outer - b.outer));
    return balance < 0;
  }
  private isInside(node: number, group: number): boolean {
    const { parent, depth, groupOf } = this.hierarchy;
    let g = groupOf[node]!;
    while (depth[g]! > depth[group]!) g = parent[g]!;
    return g === group;
  }

  private blockOf(group: number, direction: 'down' | 'right', window: { readonly width: number; readonly height: number }, key: string): Block {
    const plan = this.planOf(group), inner: Block[] = [], down = direction === 'down', kept = this.blocks.get(group);
    const blockAt = (g: number) => { const b = this.blocks.get(g)!.block; inner.push(b); return b; };
    for (const item of plan.wiring.items) {
      const g = item < 0 ? ~item : item < this.hierarchy.backward.length ? this.hierarchy.backward[item]! : -1;
      if (g >= 0 && this.isOpen[g]) blockAt(g);
    }
    if (kept && kept.key === key && kept.inner.length === inner.length && kept.inner.every((b, i) => b === inner[i])) return kept.block;
    const items = Array.from(plan.wiring.items, item => this.itemOf(item, direction)), header = this.sizes.header(group), root = group === 0, { padding, header: head } = METRICS;
    const block = buildBlock({
      plan, items, routes: plan.wiring.edges.map(e => this.routesOf(items, e)),
      pad: root ? { lead: 0, trail: 0, low: 0, high: 0, header: 0 } : down ? { lead: head + padding, trail: padding, low: padding, high: padding, header: head } : { lead: padding, trail: padding, low: head + padding, high: padding, header: 0 },
      least: root ? { us: 0, vs: 0 } : down ? { us: header.least, vs: 0 } : { us: 0, vs: header.least }, words: header,
      window: down ? { us: window.width, vs: window.height } : { us: window.height, vs: window.width },
    });
    this.blocks.set(group, { block, key, inner });
    return block;
  }

  private itemOf(id: number, direction: 'down' | 'right'): Item {
    const down = direction === 'down';
    if (id < 0 && this.isOpen[~id]) {
      const open = this.blocks.get(~id)!.block;
      return { us: open.us, vs: open.vs, boxU: 0, boxV: 0, open };
    }
    const box = this.sizes.of(this.wiring, id), extent = boxExtent(box, direction), [us, vs] = down ? [extent.w, extent.h] : [extent.h, extent.w], [boxU, boxV] = down ? [box.w, box.h] : [box.h, box.w];
    const backward = id >= 0 && id < this.hierarchy.backward.length ? this.hierarchy.backward[id]! : -1;
    if (backward < 0 || !this.isOpen[backward]) return { us, vs, box, boxU, boxV };
    const block = this.blocks.get(backward)!.block, u = us + 24;
    return { us: u + block.us, vs: Math.max(vs, block.vs), box, boxU, boxV, part: { block, u, v: 0 } };
  }

  /** An edge as lines: one for each pair of ports where an end is an open group. */
  private routesOf(items: readonly Item[], edge: WiredEdge): Route[] {
    const n = items.length, upper = edge.from < n ? items[edge.from]! : undefined, lower = edge.to < n ? items[edge.to]! : undefined;
    if (!upper?.open && !upper?.part && !lower?.open && !lower?.part) return [this.route(edge.uses, this.leaving(edge.from, upper, -1), this.arriving(edge.to, lower, -1))];
    const routes = new Map<number, { uses: number[]; from: ReturnType<LayoutEngine['leaving']>; to: ReturnType<LayoutEngine['arriving']> }>();
    for (const use of edge.uses) {
      const from = this.leaving(edge.from, upper, use), to = this.arriving(edge.to, lower, use), key = (from.port + 1) * 4096 + to.port + 1, route = routes.get(key);
      if (route) route.uses.push(use);
      else routes.set(key, { uses: [use], from, to });
    }
    return [...routes.values()].map(r => this.route(r.uses, r.from, r.to));
  }
  private route(uses: readonly number[], from: { end: End; u: number; v: number }, to: { end: End; u: number; v: number }): Route {
    return { uses, from: from.end, to: to.end, fromU: from.u, fromV: from.v, toU: to.u, toV: to.v };
  }
  private leaving(vertex: number, item: Item | undefined, use: number): { end: End; port: number; u: number; v: number } {
    if (!item) return { end: { item: -1, part: false }, port: -1, u: 0, v: 0 };
    const exit = (block: Block) => this.wiring.wiringOf(block.group).exitOf[this.wiring.indexIn(block.group, this.wiring.upperEnd(use))]!;
    if (item.open) { const port = exit(item.open); return { end: { item: vertex, part: false }, port, u: item.open.exitU[port]!, v: item.open.vs }; }
    if (item.part && this.isInside(this.wiring.upperEnd(use), item.part.block.group)) { const port = exit(item.part.block); return { end: { item: vertex, part: true }, port: 100 + port, u: item.part.u + item.part.block.exitU[port]!, v: item.part.v + item.part.block.vs }; }
    return { end: { item: vertex, part: false }, port: -1, u: item.boxU / 2, v: item.boxV };
  }
  private arriving(vertex: number, item: Item | undefined, use: number): { end: End; port: number; u: number; v: number } {
    if (!item) return { end: { item: -1, part: false }, port: -1, u: 0, v: 0 };
    const entry = (block: Block) => this.wiring.wiringOf(block.group).entryOf.get(this.wiring.entryKey(use))!;
    if (item.open) { const port = entry(item.open); return { end: { item: vertex, part: false }, port, u: item.open.entryU[port]!, v: 0 }; }
    if (item.part && this.isInside(this.wiring.lowerEnd(use), item.part.block.group)) { const port = entry(item.part.block); return { end: { item: vertex, part: true }, port: 100 + port, u: item.part.u + item.part.block.entryU[port]!, v: item.part.v }; }
    return { end: { item: vertex, part: false }, port: -1, u: item.boxU / 2, v: 0 };
  }
}

function sameBits(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === b) return true;
  if (!a || !b || a.length !== b.length) return !(a?.includes(1) || b?.includes(1));
  return a.every((x, i) => x === b[i]);
}
