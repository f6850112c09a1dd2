/**
 * A layered drawing of one group's items (Sugiyama's scheme): layers by longest path, order by medians, places by least squares that keep the order.
 * Edges over many layers run in lanes at the border instead of through the layers, so the work is linear in items and edges.
 */
import { METRICS } from './types.ts';

/** An item: a box, an open group with ports, or a port in the group's own border (no size). */
export interface Item {
  readonly w: number;
  readonly h: number;
  /** A port in the upper border is above everything, one in the lower border below. */
  readonly port?: 'in' | 'out';
}

export interface Link {
  readonly from: number;
  readonly to: number;
  /** Where it leaves and arrives, in px from the item's left side; NaN: where there is room. */
  readonly fromX: number;
  readonly toX: number;
  readonly spine: boolean;
}

/** Rows of the drawing: `y[l]` is the top of layer l, `bottom[l]` its end. */
export interface Placed {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly layer: Uint32Array;
  /** From the left among the items of the layer. */
  readonly place: Uint32Array;
  readonly width: number;
  readonly height: number;
  /** For each link: x, y pairs from source to target; `lane` and `back` as the link runs. */
  readonly routes: readonly Route[];
}
export interface Route {
  readonly points: number[];
  readonly lane: boolean;
  readonly back: boolean;
  /** It runs through the gutter between two columns. */
  readonly column?: boolean;
}

/** Longer edges run in lanes. */
const LANE_FROM = 7;
const SWEEPS = 6, PLACINGS = 8;

interface Cell {
  /** Item, or ~link for a bend. */
  readonly what: number;
  readonly w: number;
  x: number;
}

/** @param header px at the top that belong to the group's header; @param padding px around */
export function layered(items: readonly Item[], links: readonly Link[], header: number, padding: number): Placed {
  return new Layering(items, links, header, padding).place();
}

class Layering {
  private readonly layerOf: Uint32Array;
  private readonly back: Uint8Array;
  private readonly inLane: Uint8Array;
  private layers: Cell[][] = [];
  /** Cells of each link from source to target, where it runs through the layers. */
  private readonly chains: (Cell[] | undefined)[];
  private readonly cellOf: Cell[];

  constructor(private readonly items: readonly Item[], private readonly links: readonly Link[], private readonly header: number, private readonly padding: number) {
    this.layerOf = new Uint32Array(items.length);
    this.back = new Uint8Array(links.length);
    this.inLane = new Uint8Array(links.length);
    this.chains = new Array<Cell[] | undefined>(links.length);
    this.cellOf = items.map((item, i) => ({ what: i, w: item.w, x: 0 }));
  }

  place(): Placed {
    this.layer();
    this.bend();
    this.order();
    this.coordinates();
    return this.result();
  }

  /** Layers by longest path; sources move down to their first use. Links against the order of the items are turned round. */
  private layer(): void {
    const { items, links, layerOf, back } = this, n = items.length, ins = new Uint32Array(n), outgoing: number[][] = items.map(() => []);
    links.forEach((l, i) => {
      if (l.from === l.to) return void (back[i] = 1);
      outgoing[l.from]!.push(i);
      ins[l.to]!++;
    });
    const ready: number[] = [], done = new Uint8Array(n), sequence: number[] = [];
    for (let i = 0; i < n; i++) if (!ins[i]) ready.push(i);
    let head = 0, scan = 0;
    for (;;) {
      while (head < ready.length) {
        const at = ready[head++]!;
        if (done[at]) continue;
        done[at] = 1;
        sequence.push(at);
        for (const i of outgoing[at]!) {
          const { to } = links[i]!;
          if (done[to]) back[i] = 1;
          else if (--ins[to]! === 0) ready.push(to);
        }
      }
      // Boxes drawn as one can form a ring: the first that is left begins.
      while (scan < n && done[scan]) scan++;
      if (scan === n) break;
      ready.push(scan);
    }
    const top = items.some(i => i.port === 'in') ? 1 : 0;
    for (const at of sequence) {
      if (items[at]!.port !== 'in') layerOf[at] = Math.max(layerOf[at]!, top);
      for (const i of outgoing[at]!) if (!back[i]) layerOf[links[i]!.to] = Math.max(layerOf[links[i]!.to]!, layerOf[at]! + 1);
    }
    const fixed = new Uint8Array(n), earliest = new Uint32Array(n).fill(0xffffffff);
    links.forEach((l, i) => !back[i] && (fixed[l.to] = 1));
    for (let k = sequence.length - 1; k >= 0; k--) {
      const at = sequence[k]!;
      for (const i of outgoing[at]!) if (!back[i]) earliest[at] = Math.min(earliest[at]!, layerOf[links[i]!.to]!);
      if (!fixed[at] && earliest[at] !== 0xffffffff && items[at]!.port !== 'in') layerOf[at] = Math.max(top, earliest[at]! - 1);
    }
    let deepest = 0;
    for (let i = 0; i < n; i++) if (items[i]!.port !== 'out') deepest = Math.max(deepest, layerOf[i]!);
    for (let i = 0; i < n; i++) if (items[i]!.port === 'out') layerOf[i] = deepest + 1;
  }

  /** Bends where a link passes a layer; long links go to the lanes. */
  private bend(): void {
    const { items, links, layerOf, back, layers } = this;
    const into = (l: number, cell: Cell) => (layers[l] ??= []).push(cell);
    items.forEach((_, i) => into(layerOf[i]!, this.cellOf[i]!));
    for (let l = 0; l < layers.length; l++) layers[l] ??= [];
    links.forEach((link, i) => {
      const from = layerOf[link.from]!, to = layerOf[link.to]!;
      if (back[i] || to - from >= LANE_FROM) return void (this.inLane[i] = 1);
      const chain = [this.cellOf[link.from]!];
      for (let l = from + 1; l < to; l++) {
        const cell: Cell = { what: ~i, w: 0, x: 0 };
        chain.push(cell);
        into(l, cell);
      }
      chain.push(this.cellOf[link.to]!);
      this.chains[i] = chain;
    });
  }

  /** Neighbours of each cell in the layer above and below, with how much the joint should be straight. */
  private joints(): { readonly up: Map<Cell, Joint[]>; readonly down: Map<Cell, Joint[]> } {
    const up = new Map<Cell, Joint[]>(), down = new Map<Cell, Joint[]>();
    const add = (map: Map<Cell, Joint[]>, cell: Cell, joint: Joint) => {
      const list = map.get(cell);
      if (list) list.push(joint);
      else map.set(cell, [joint]);
    };
    this.chains.forEach((chain, i) => {
      if (!chain) return;
      const link = this.links[i]!;
      for (let k = 1; k < chain.length; k++) {
        const a = chain[k - 1]!, b = chain[k]!, at = (cell: Cell, x: number) => (cell.what < 0 ? 0 : Number.isNaN(x) ? cell.w / 2 : x);
        const offset = at(a, link.fromX) - at(b, link.toX), weight = link.spine ? 16 : a.what < 0 && b.what < 0 ? 4 : a.what < 0 || b.what < 0 ? 2 : 1;
        add(up, b, { cell: a, offset, weight });
        add(down, a, { cell: b, offset: -offset, weight });
      }
    });
    return { up, down };
  }

  /** Order in each layer by the medians of the neighbours, down and up; the best of the sweeps by crossings stays. */
  private order(): void {
    const { layers } = this, { up, down } = this.joints(), at = new Map<Cell, number>();
    const number = () => layers.forEach(layer => layer.forEach((cell, i) => at.set(cell, i)));
    number();
    let best = layers.map(l => [...l]), fewest = this.crossings(at, down);
    for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep++) {
      const downward = sweep % 2 === 0, joints = downward ? up : down, walk = downward ? layers.keys() : [...layers.keys()].reverse();
      for (const l of walk) {
        const layer = layers[l]!, key = new Map(layer.map(cell => [cell, median(joints.get(cell)?.map(j => at.get(j.cell)!) ?? [], at.get(cell)!)]));
        layer.sort((a, b) => key.get(a)! - key.get(b)! || at.get(a)! - at.get(b)!);
        layer.forEach((cell, i) => at.set(cell, i));
      }
      const now = this.crossings(at, down);
      if (now < fewest) {
        fewest = now;
        best = layers.map(l => [...l]);
      }
    }
    this.layers = best;
  }

  /** Inversions between neighbouring layers, counted with a binary indexed tree. */
  private crossings(at: ReadonlyMap<Cell, number>, down: ReadonlyMap<Cell, Joint[]>): number {
    let total = 0;
    for (let l = 0; l + 1 < this.layers.length; l++) {
      const size = this.layers[l + 1]!.length, tree = new Uint32Array(size + 1);
      let seen = 0;
      for (const cell of this.layers[l]!) {
        const ends = (down.get(cell) ?? []).map(j => at.get(j.cell)!);
        for (const end of ends) {
          let before = 0;
          for (let i = end + 1; i > 0; i -= i & -i) before += tree[i]!;
          total += seen - before;
        }
        for (const end of ends) {
          seen++;
          for (let i = end + 1; i <= size; i += i & -i) tree[i]!++;
        }
      }
    }
    return total;
  }

  /** x by least squares to the neighbours' places, layer by layer, the order and the gaps kept. */
  private coordinates(): void {
    const { layers } = this, { up, down } = this.joints();
    for (const layer of layers) {
      let x = 0;
      for (const cell of layer) {
        cell.x = x;
        x += cell.w + gapAfter(cell);
      }
      for (const cell of layer) cell.x -= x / 2;
    }
    for (let pass = 0; pass < PLACINGS; pass++) {
      const downward = pass % 2 === 0, both = pass >= PLACINGS - 2, walk = downward ? layers.keys() : [...layers.keys()].reverse();
      for (const l of walk) {
        const layer = layers[l]!, wanted = new Float64Array(layer.length), weights = new Float64Array(layer.length);
        layer.forEach((cell, i) => {
          const joints = [...((downward || both) && up.get(cell) || []), ...((!downward || both) && down.get(cell) || [])];
          let sum = 0, weight = 0;
          for (const j of joints) {
            sum += j.weight * (j.cell.x + j.offset);
            weight += j.weight;
          }
          wanted[i] = weight ? sum / weight : cell.x;
          weights[i] = weight || 0.05;
        });
        settle(layer, wanted, weights);
      }
    }
    let left = Infinity;
    for (const layer of layers) for (const cell of layer) left = Math.min(left, cell.x);
    for (const layer of layers) for (const cell of layer) cell.x = Math.round(cell.x - left);
  }

  private result(): Placed {
    const { items, links, layers, layerOf, header, padding } = this, y = new Float64Array(items.length), tops: number[] = [], bottoms: number[] = [];
    const lanes = this.lanes(), ported = items.some(i => i.port === 'in'), leaving = items.some(i => i.port === 'out'), lastLayer = layers.length - 1;
    let at = ported ? 0 : header + padding;
    layers.forEach((layer, l) => {
      let height = 0;
      for (const cell of layer) if (cell.what >= 0) height = Math.max(height, items[cell.what]!.h);
      tops.push(at);
      bottoms.push((at += height));
      at += ported && l === 0 ? header + padding : leaving && l === lastLayer - 1 ? padding : METRICS.gap;
    });
    const height = leaving ? bottoms.at(-1)! : (bottoms.at(-1) ?? header + padding) + padding;
    const left = padding + lanes.left * METRICS.lane, x = new Float64Array(items.length), place = new Uint32Array(items.length);
    let right = 0;
    layers.forEach((layer, l) => {
      let count = 0;
      for (const cell of layer) {
        cell.x += left;
        right = Math.max(right, cell.x + cell.w);
        if (cell.what < 0) continue;
        x[cell.what] = cell.x;
        y[cell.what] = tops[l]!;
        place[cell.what] = count++;
      }
    });
    const width = right + lanes.right * METRICS.lane + padding, ends = this.ends();
    const routes = links.map((link, i): Route => {
      const fromX = x[link.from]! + ends.from[i]!, toX = x[link.to]! + ends.to[i]!, a = layerOf[link.from]!, b = layerOf[link.to]!;
      const start = [fromX, y[link.from]! + items[link.from]!.h], chain = this.chains[i];
      if (chain) {
        const points = start;
        if (bottoms[a]! > points[1]!) points.push(fromX, bottoms[a]!);
        for (let k = 1; k < chain.length - 1; k++) points.push(chain[k]!.x, tops[a + k]!, chain[k]!.x, bottoms[a + k]!);
        points.push(toX, tops[b]!);
        return { points: smooth(points), lane: false, back: false };
      }
      const lane = lanes.of[i]!, laneX = lane < 0 ? left + lane * METRICS.lane : right + (lane + 1) * METRICS.lane, gapBelow = (l: number) => (l < lastLayer ? tops[l + 1]! : bottoms[l]! + padding / 2);
      const gapAbove = b > 0 ? bottoms[b - 1]! : Math.max(2, tops[0]! - padding / 2);
      return { points: [...start, fromX, bottoms[a]!, laneX, gapBelow(a), laneX, gapAbove, toX, tops[b]!], lane: true, back: this.back[i] === 1 };
    });
    return { x, y, layer: layerOf, place, width, height, routes };
  }

  /** Lanes left (−1, −2 …) and right (0, 1 …) of everything: intervals that overlap get lanes of their own. */
  private lanes(): { readonly of: Int32Array; readonly left: number; readonly right: number } {
    const { links, layerOf, cellOf } = this, of = new Int32Array(links.length), ends: number[][] = [[], []];
    let width = 0;
    for (const layer of this.layers) for (const cell of layer) width = Math.max(width, cell.x + cell.w);
    const long = [...links.keys()].filter(i => this.inLane[i]).map(i => {
      const { from, to } = links[i]!, a = layerOf[from]!, b = layerOf[to]!, middle = (cellOf[from]!.x + cellOf[from]!.w / 2 + cellOf[to]!.x + cellOf[to]!.w / 2) / 2;
      return { i, low: Math.min(a, b), high: Math.max(a, b), right: middle > width / 2 };
    }).sort((p, q) => p.low - q.low || q.high - p.high);
    for (const { i, low, high, right } of long) {
      const side = ends[+right]!;
      let lane = side.findIndex(end => end < low);
      if (lane < 0) lane = side.length;
      side[lane] = high;
      of[i] = right ? lane : -1 - lane;
    }
    return { of, left: ends[0]!.length, right: ends[1]!.length };
  }

  /** Where links leave and arrive: beside each other in the order of their other ends, the straight one in the middle. */
  private ends(): { readonly from: Float64Array; readonly to: Float64Array } {
    const { items, links } = this, out = { from: new Float64Array(links.length), to: new Float64Array(links.length) };
    const spread = (side: 'from' | 'to', other: (i: number) => number, given: (i: number) => number) => {
      const at: number[][] = items.map(() => []);
      links.forEach((l, i) => at[l[side]]!.push(i));
      at.forEach((list, item) => {
        const { w } = items[item]!;
        const free = list.filter(i => Number.isNaN(given(i))).sort((a, b) => other(a) - other(b));
        let middle = free.findIndex(i => links[i]!.spine);
        if (middle < 0) middle = (free.length - 1) / 2;
        const step = Math.min(14, (w - 24) / Math.max(1, 2 * Math.max(middle, free.length - 1 - middle)));
        free.forEach((i, k) => (out[side][i] = w / 2 + (k - middle) * step));
        for (const i of list) if (!Number.isNaN(given(i))) out[side][i] = given(i);
      });
    };
    const next = (i: number, from: boolean) => {
      const chain = this.chains[i], cell = chain ? (from ? chain[1]! : chain[chain.length - 2]!) : this.cellOf[from ? links[i]!.to : links[i]!.from]!;
      return cell.x + cell.w / 2;
    };
    spread('from', i => next(i, true), i => links[i]!.fromX);
    spread('to', i => next(i, false), i => links[i]!.toX);
    return out;
  }
}

interface Joint {
  readonly cell: Cell;
  /** This cell's place minus the other's, if the joint is straight. */
  readonly offset: number;
  readonly weight: number;
}

const gapAfter = (cell: Cell) => (cell.what < 0 ? METRICS.lane : METRICS.sibling);

function median(places: number[], own: number): number {
  if (!places.length) return own;
  places.sort((a, b) => a - b);
  const middle = places.length >> 1;
  return places.length % 2 ? places[middle]! : (places[middle - 1]! + places[middle]!) / 2;
}

/** The places nearest to the wanted ones (weighted least squares) that keep order and gaps: pooling of neighbours that would overlap. */
function settle(layer: readonly Cell[], wanted: Float64Array, weights: Float64Array): void {
  const shift: number[] = [], pools: { sum: number; weight: number; from: number }[] = [];
  let offset = 0;
  layer.forEach((cell, i) => {
    shift.push(offset);
    offset += cell.w + gapAfter(cell);
    let pool = { sum: weights[i]! * (wanted[i]! - shift[i]!), weight: weights[i]!, from: i };
    for (let before = pools.at(-1); before && before.sum / before.weight > pool.sum / pool.weight; before = pools.at(-1)) {
      pools.pop();
      pool = { sum: before.sum + pool.sum, weight: before.weight + pool.weight, from: before.from };
    }
    pools.push(pool);
  });
  pools.forEach((pool, p) => {
    const to = pools[p + 1]?.from ?? layer.length;
    for (let i = pool.from; i < to; i++) layer[i]!.x = pool.sum / pool.weight + shift[i]!;
  });
}

/** Points on one vertical line but its ends say nothing. */
function smooth(points: readonly number[]): number[] {
  const kept: number[] = [];
  for (let i = 0; i < points.length; i += 2) {
    const x = points[i]!, y = points[i + 1]!, n = kept.length;
    if (n >= 4 && kept[n - 2] === x && kept[n - 4] === x) kept[n - 1] = y;
    else kept.push(x, y);
  }
  return kept;
}
