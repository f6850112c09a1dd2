/**
 * One open group, laid out: its boxes and the frames inside it as rectangles, its edges as lines. Coordinates are (u, v): v runs with the
 * data, u across. The group's own frame begins at (0, 0).
 */
import { columnsOf, type Range } from './columns.ts';
import { takeLanes, type LaneEdge } from './lanes.ts';
import { positions, type Piece } from './place.ts';
import type { GroupPlan } from './plan.ts';
import type { BoxSize } from './sizes.ts';
import { EdgeFlag, METRICS } from './types.ts';

/** What an item takes, in (u, v). `open`: the group's own layout; `part`: the open backward part beside a node. */
export interface Item {
  readonly us: number;
  readonly vs: number;
  /** The box; undefined for an open group. Its rectangle begins at the item's. */
  readonly box?: BoxSize;
  readonly boxU: number;
  readonly boxV: number;
  readonly open?: Block;
  readonly part?: { readonly block: Block; readonly u: number; readonly v: number };
}

/** An end of an edge: an item (its box or frame), its backward part, or −1: the group's own border. */
export interface End { readonly item: number; readonly part: boolean }

export interface BlockEdge {
  readonly from: End;
  readonly to: End;
  readonly points: number[];
  readonly flags: number;
  readonly uses: readonly number[];
}

export interface Block {
  readonly group: number;
  readonly us: number;
  readonly vs: number;
  readonly items: readonly Item[];
  readonly itemU: Float64Array;
  readonly itemV: Float64Array;
  readonly layer: Uint32Array;
  readonly place: Uint32Array;
  readonly entryU: Float64Array;
  readonly exitU: Float64Array;
  readonly edges: readonly BlockEdge[];
}

/** One line of an edge where an end is an open group: its uses pass the border at a port of their own. */
export interface Route {
  readonly uses: readonly number[];
  readonly from: End;
  readonly to: End;
  /** Points of attachment from the left side of the item's rectangle, and how far below its top the line begins. */
  readonly fromU: number;
  readonly fromV: number;
  readonly toU: number;
  readonly toV: number;
}

export interface BlockInput {
  readonly plan: GroupPlan;
  readonly items: readonly Item[];
  readonly routes: readonly (readonly Route[])[];
  /** Free space around the content: `header` is the depth of the frame's header at the side where data enters. */
  readonly pad: { readonly lead: number; readonly trail: number; readonly low: number; readonly high: number; readonly header: number };
  readonly least: { readonly us: number; readonly vs: number };
  /** Words in the header: an entry line does not cross the first `label` px nor the last `fact` px. */
  readonly words: { readonly label: number; readonly fact: number };
  readonly window: { readonly us: number; readonly vs: number };
}

const PORT_GAP = 14, BEND_GAP = 10, CHANNEL = 10;

export function buildBlock(input: BlockInput): Block {
  return new BlockBuilder(input).build();
}

class BlockBuilder {
  private readonly plan: GroupPlan;
  private readonly n: number;
  private readonly width: Float64Array;
  private readonly thickness: Float64Array;
  private readonly u: Float64Array;
  private readonly placed: Float64Array;
  private readonly top: Float64Array;
  private readonly laneU = new Map<number, number[]>();
  private columns: readonly Range[] = [];
  /** Edges that begin, end or pass in each column. */
  private edgesIn: number[][] = [];
  private columnOf: Uint32Array;
  private readonly right: number[] = [];
  private cutSlots = new Map<number, Map<number, number>>();
  private channel = 0;

  constructor(private readonly input: BlockInput) {
    const { plan, items } = input;
    this.plan = plan;
    this.n = items.length;
    this.width = new Float64Array(plan.count);
    this.thickness = new Float64Array(plan.layers.length);
    items.forEach((item, i) => {
      this.width[i] = item.us;
      this.thickness[plan.layer[i]!] = Math.max(this.thickness[plan.layer[i]!]!, item.vs);
    });
    this.u = new Float64Array(plan.count);
    this.placed = new Float64Array(plan.count);
    this.top = new Float64Array(plan.layers.length);
    this.columnOf = new Uint32Array(plan.layers.length);
  }

  build(): Block {
    const { plan, input } = this, { wiring } = plan, { pad } = input;
    this.cut();
    let at = pad.low;
    this.columns.forEach((range, c) => {
      at = this.placeColumn(range, c, at) + METRICS.gutter;
    });
    const us = Math.max(input.least.us, Math.round(at - METRICS.gutter + pad.high)), shift = this.columns.length === 1 ? Math.floor((us - pad.high - (at - METRICS.gutter)) / 2) : 0;
    if (shift > 0) this.shift(shift);
    this.orderCuts();
    const bottom = this.placeLayers(), vs = Math.max(input.least.vs, bottom), first = this.n, last = this.n + wiring.entries;
    const edges = this.edges(vs), itemV = Float64Array.from(input.items, (_, i) => this.top[plan.layer[i]!]!), place = new Uint32Array(this.n);
    for (const layer of plan.layers) layer.filter(v => v < this.n).sort((a, b) => this.u[a]! - this.u[b]!).forEach((v, p) => { place[v] = p; });
    return {
      group: wiring.group, us, vs, items: input.items, itemU: this.u.slice(0, this.n), itemV, layer: plan.layer.slice(0, this.n), place,
      entryU: this.u.slice(first, last), exitU: this.u.slice(last, last + wiring.exits), edges,
    };
  }

  /** Long groups in columns; a cut edge has a place of its own in the gutter. */
  private cut(): void {
    const { plan, input } = this, { edges } = plan.wiring, widest = plan.layers.reduce((most, l) => Math.max(most, l.reduce((w, v) => w + this.width[v]! + METRICS.sibling, 0)), 1);
    this.columns = columnsOf({ layers: plan.layers.length, thickness: this.thickness, edges: edges.map(e => [plan.layer[e.from]!, plan.layer[e.to]!] as const), widest, window: input.window, first: plan.wiring.entries ? 1 : 0, last: plan.layers.length - (plan.wiring.exits ? 1 : 0) });
    this.columns.forEach((range, c) => this.columnOf.fill(c, range.from, range.to));
    this.edgesIn = this.columns.map(() => []);
    edges.forEach((edge, e) => {
      for (let c = this.columnOf[plan.layer[edge.from]!]!; c <= this.columnOf[plan.layer[edge.to]!]!; c++) this.edgesIn[c]!.push(e);
      for (let c = this.columnOf[plan.layer[edge.from]!]!; c < this.columnOf[plan.layer[edge.to]!]!; c++) {
        const slots = this.cutSlots.get(c) ?? new Map<number, number>();
        this.cutSlots.set(c, slots);
        slots.set(e, slots.size);
        this.channel = Math.max(this.channel, slots.size * CHANNEL + 4);
      }
    });
  }

  /** Coordinates across the data of one column that begins at `left`; gives its right side. */
  private placeColumn({ from, to }: Range, column: number, left: number): number {
    const { plan, width, u, n } = this, { edges } = plan.wiring, layers = this.layersOf(column), real = plan.real, items = this.input.items;
    const inside = (v: number) => plan.layer[v]! >= from && plan.layer[v]! < to, pieces: Piece[] = [], mine = this.edgesIn[column]!;
    for (const e of mine) {
      const edge = edges[e]!, bends = plan.bends[e];
      if (!bends) continue;
      const route = this.mainRoute(e), weight = plan.weight[e]!;
      let previous = edge.from;
      for (let k = 0; k <= bends.length; k++) {
        const next = k < bends.length ? bends[k]! : edge.to;
        if (inside(previous) && inside(next)) pieces.push({ from: previous, to: next, fromAt: previous < n ? route.fromU : 0, toAt: next < n ? route.toU : 0, weight: previous >= real && next >= real ? weight * 8 : previous >= real || next >= real ? weight * 2 : weight });
        previous = next;
      }
    }
    const wide = (v: number) => v < n && (items[v]!.box?.bar ?? false);
    const { placed } = this;
    positions({
      layers, width, pieces,
      gap: (a, b) => (a >= real || b >= real ? (a >= real && b >= real ? BEND_GAP : 12) : a >= n || b >= n ? PORT_GAP : METRICS.sibling + (items[a]!.open || items[b]!.open ? 8 : 0)) + (wide(a) ? 8 : 0) + (wide(b) ? 8 : 0),
    }, this.placed);
    let low = Infinity, high = -Infinity;
    for (const layer of layers) for (const v of layer) {
      low = Math.min(low, placed[v]! - (wide(v) ? 8 : 0));
      high = Math.max(high, placed[v]! + width[v]! + (wide(v) ? 8 : 0));
    }
    if (low === Infinity) { low = 0; high = 0; }
    const lanes: LaneEdge[] = [], middle = (low + high) / 2;
    for (const e of mine) {
      const edge = edges[e]!, a = plan.layer[edge.from]!, b = plan.layer[edge.to]!;
      if (plan.bends[e] || Math.max(from, a + 1) > Math.min(to - 1, b - 1)) continue;
      const ends: number[] = [], route = this.mainRoute(e);
      if (a >= from && edge.from < n) ends.push(placed[edge.from]! + route.fromU);
      if (b < to && edge.to < n) ends.push(placed[edge.to]! + route.toU);
      const mean = ends.length ? ends.reduce((s, x) => s + x, 0) / ends.length : middle;
      lanes.push({ edge: e, source: edge.from, from: Math.max(from, a + 1), to: Math.min(to - 1, b - 1), side: mean < middle - 8 ? 'low' : 'high' });
    }
    const taken = takeLanes(lanes), lowSpace = taken.low ? taken.low * METRICS.lane + 6 : 0, highSpace = taken.high ? taken.high * METRICS.lane + 6 : 0, move = Math.round(left + lowSpace - low);
    for (const layer of layers) for (const v of layer) u[v] = Math.round(placed[v]! + move);
    const contentLow = left + lowSpace, contentHigh = Math.round(high + move);
    for (const { edge, side, lane } of taken.lanes) {
      const at = side === 'low' ? contentLow - 6 - lane * METRICS.lane - 4 : contentHigh + 10 + lane * METRICS.lane, list = this.laneU.get(edge) ?? [];
      this.laneU.set(edge, list);
      list[column] = at;
    }
    // A port that only lanes reach stands at the end of its lane.
    const only = new Map<number, number>();
    for (const e of mine) {
      const edge = edges[e]!;
      for (const port of [edge.from, edge.to]) if (port >= n && port < real && inside(port)) {
        const at = this.laneU.get(e)?.[column];
        only.set(port, at === undefined ? NaN : only.has(port) ? only.get(port)! : at);
      }
    }
    for (const [port, at] of only) if (!Number.isNaN(at)) u[port] = at;
    this.right[column] = contentHigh + highSpace;
    return this.right[column]!;
  }

  /** Cut edges go round the corner without crossing: the one farthest to the right takes the inner way. */
  private orderCuts(): void {
    for (const [column, slots] of this.cutSlots) [...slots.keys()].map(e => ({ e, at: this.leavesAt(e, column) })).sort((p, q) => q.at - p.at).forEach(({ e }, i) => slots.set(e, i));
  }
  /** Where a cut edge comes to the lower end of a column. */
  private leavesAt(e: number, column: number): number {
    const { plan, u, n } = this, edge = plan.wiring.edges[e]!, a = plan.layer[edge.from]!, last = this.columns[column]!.to - 1;
    if (a === last) return u[edge.from]! + (edge.from < n ? this.mainRoute(e).fromU : 0);
    return plan.bends[e] ? u[plan.bends[e]![last - a - 1]!]! : this.laneU.get(e)?.[column] ?? u[edge.from]!;
  }

  /** Layers of a column; left and right exchanged if that leaves the edges from the column before in their order. */
  private layersOf(column: number): readonly (readonly number[])[] {
    const { plan } = this, { from, to } = this.columns[column]!, layers = plan.layers.slice(from, to), cuts = [...this.cutSlots.get(column - 1)?.keys() ?? []];
    const arrives = (e: number): number => {
      const edge = plan.wiring.edges[e]!, bends = plan.bends[e];
      if (plan.layer[edge.to] === from) return layers[0]!.indexOf(edge.to);
      return bends ? layers[0]!.indexOf(bends[from - plan.layer[edge.from]! - 1]!) : layers[0]!.length;
    };
    let balance = 0;
    for (const e of cuts) for (const f of cuts) balance += Math.sign((this.leavesAt(e, column - 1) - this.leavesAt(f, column - 1)) * (arrives(e) - arrives(f)));
    return balance < 0 ? layers.map(l => l.toReversed()) : layers;
  }

  private shift(by: number): void {
    for (let v = 0; v < this.u.length; v++) this.u[v]! += by;
    for (const list of this.laneU.values()) for (let c = 0; c < list.length; c++) if (list[c] !== undefined) list[c]! += by;
    for (let c = 0; c < this.right.length; c++) this.right[c]! += by;
  }

  /** Coordinates along the data; gives the block's end. A gap grows with how far its lines go sideways. */
  private placeLayers(): number {
    const { plan, top, thickness, input } = this, { wiring } = plan, { pad } = input, start = pad.lead + this.channel, reach = new Float64Array(plan.layers.length);
    wiring.edges.forEach((_, e) => {
      const path = this.pathOf(e);
      for (let k = 0; k + 1 < path.length; k++) {
        const l = path[k]!.layerAfter;
        reach[l] = Math.max(reach[l]!, Math.abs(path[k]!.u - path[k + 1]!.u));
      }
    });
    let end = 0;
    this.columns.forEach(({ from, to }, c) => {
      let v = start;
      for (let l = from; l < to; l++) {
        if (c === 0 && l === 0 && wiring.entries) { top[0] = 0; continue; }
        if (l === plan.layers.length - 1 && wiring.exits) { top[l] = v - METRICS.gap + pad.trail; continue; }
        top[l] = v;
        v += thickness[l]! + (l + 1 < to ? METRICS.gap + Math.min(24, Math.max(0, Math.round((reach[l]! - 160) / 16))) : METRICS.gap);
      }
      end = Math.max(end, v - METRICS.gap);
    });
    return Math.round(end + this.channel + pad.trail);
  }

  private bottomOf(layer: number): number {
    return layer === 0 && this.plan.wiring.entries ? this.input.pad.header : this.top[layer]! + this.thickness[layer]!;
  }

  /** The stations of an edge: u and the layer whose lower side a piece leaves. */
  private pathOf(e: number): { readonly u: number; readonly layerAfter: number }[] {
    const { plan, u, n } = this, edge = plan.wiring.edges[e]!, route = this.mainRoute(e), a = plan.layer[edge.from]!, b = plan.layer[edge.to]!, bends = plan.bends[e];
    const path = [{ u: u[edge.from]! + (edge.from < n ? route.fromU : 0), layerAfter: a }];
    if (bends) for (const bend of bends) path.push({ u: u[bend]!, layerAfter: plan.layer[bend]! });
    else path.push({ u: this.laneU.get(e)?.find(x => x !== undefined) ?? path[0]!.u, layerAfter: b - 1 });
    path.push({ u: u[edge.to]! + (edge.to < n ? route.toU : 0), layerAfter: b });
    return path;
  }

  private mainRoute(e: number): Route {
    const routes = this.input.routes[e]!;
    let best = routes[0]!;
    for (const r of routes) if (r.uses.length > best.uses.length) best = r;
    return best;
  }

  private edges(vs: number): BlockEdge[] {
    const { plan, input } = this, made: BlockEdge[] = [], arrivals = this.arrivals();
    plan.wiring.edges.forEach((edge, e) => {
      input.routes[e]!.forEach(route => {
        const points = this.line(e, route, vs, arrivals.get(route)), crossed = this.columnOf[plan.layer[edge.from]!] !== this.columnOf[plan.layer[edge.to]!];
        if (edge.back) reverse(points);
        made.push({
          from: edge.back ? route.to : route.from, to: edge.back ? route.from : route.to, points, uses: route.uses,
          flags: (plan.spine[e] ? EdgeFlag.spine : 0) | (plan.bends[e] ? 0 : EdgeFlag.lane) | (edge.back ? EdgeFlag.back : 0) | (crossed ? EdgeFlag.column : 0),
        });
      });
    });
    return made;
  }

  /** Where lines arrive along a box's upper side: side by side in the order from where they come; a straight one stays in the middle. */
  private arrivals(): Map<Route, number> {
    const { plan, input, u, n } = this, at = new Map<Route, number>(), lists = new Map<number, { route: Route; from: number }[]>();
    plan.wiring.edges.forEach((edge, e) => {
      if (edge.to >= n || !input.items[edge.to]!.box) return;
      input.routes[e]!.forEach(route => {
        if (route.to.part) return;
        const bends = plan.bends[e], from = bends?.length ? u[bends.at(-1)!]! : bends ? u[edge.from]! + (edge.from < n ? route.fromU : 0) : this.laneAt(e, plan.layer[edge.to]!), list = lists.get(edge.to) ?? [];
        lists.set(edge.to, list);
        list.push({ route, from });
      });
    });
    for (const [item, list] of lists) {
      if (list.length < 2) continue;
      const { boxU } = input.items[item]!, middle = u[item]! + boxU / 2, room = boxU - 20, pitch = Math.min(14, room / (list.length - 1));
      list.sort((a, b) => a.from - b.from);
      const straight = list.findIndex(l => Math.abs(l.from - middle) < 3), anchor = straight >= 0 ? straight : (list.length - 1) / 2;
      list.forEach((l, i) => at.set(l.route, Math.round(Math.max(10, Math.min(boxU - 10, boxU / 2 + (i - anchor) * pitch)))));
    }
    return at;
  }

  private laneAt(e: number, layer: number): number {
    const list = this.laneU.get(e);
    return list?.[this.columnOf[Math.max(0, layer - 1)]!] ?? list?.find(x => x !== undefined) ?? 0;
  }

  private line(e: number, route: Route, vs: number, arrival: number | undefined): number[] {
    const { plan, u, n, top, input } = this, edge = plan.wiring.edges[e]!, a = plan.layer[edge.from]!, b = plan.layer[edge.to]!, points: number[] = [], fromPort = edge.from >= n, toPort = edge.to >= n;
    const add = (x: number, y: number) => {
      const k = points.length;
      if (k >= 2 && points[k - 2] === x && points[k - 1] === y) return;
      if (k >= 4 && points[k - 2] === x && points[k - 4] === x) points[k - 1] = y;
      else points.push(x, y);
    };
    const startU = u[edge.from]! + (fromPort ? 0 : route.fromU), endU = u[edge.to]! + (toPort ? 0 : arrival ?? route.toU);
    if (fromPort) {
      const { header } = input.pad, covered = header > 0 && (startU < input.words.label || startU > this.right.at(-1)! + input.pad.high - input.words.fact);
      add(startU, covered ? header : 0);
    } else add(startU, top[a]! + route.fromV);
    add(startU, this.bottomOf(a));
    let layer = a;
    const goTo = (x: number, next: number) => {
      const c = this.columnOf[layer]!;
      if (this.columnOf[next] !== c) this.gutter(points, add, e, c, x);
      add(x, top[next]!);
      layer = next;
    };
    const bends = plan.bends[e];
    if (bends)
      for (const bend of bends) {
        goTo(u[bend]!, plan.layer[bend]!);
        add(u[bend]!, this.bottomOf(layer));
      }
    else {
      const lanes = this.laneU.get(e) ?? [];
      for (let c = this.columnOf[a]!; c <= this.columnOf[b]!; c++) {
        const range = this.columns[c]!, from = Math.max(range.from, a + 1), to = Math.min(range.to - 1, b - 1);
        if (from > to || lanes[c] === undefined) continue;
        goTo(lanes[c]!, from);
        layer = to;
        add(lanes[c]!, this.bottomOf(to));
      }
    }
    goTo(endU, b);
    if (toPort) add(endU, vs);
    else if (route.toV) add(endU, top[b]! + route.toV);
    return points;
  }

  /** From the lower end of a column through the gutter to the upper end of the next. */
  private gutter(points: number[], add: (x: number, y: number) => void, e: number, column: number, x: number): void {
    const slot = this.cutSlots.get(column)?.get(e) ?? 0, { to } = this.columns[column]!, low = this.bottomOf(to - 1) + 8 + slot * CHANNEL, g = this.right[column]! + METRICS.gutter / 2 + slot * 8 - 4, high = this.input.pad.lead + 2 + slot * CHANNEL;
    add(points.at(-2)!, low);
    add(g, low);
    add(g, high);
    add(x, high);
  }
}

function reverse(points: number[]): void {
  for (let i = 0, j = points.length - 2; i < j; i += 2, j -= 2) {
    const [x, y] = [points[i]!, points[i + 1]!];
    points[i] = points[j]!;
    points[i + 1] = points[j + 1]!;
    points[j] = x;
    points[j + 1] = y;
  }
}
