/** Orders of a group's items: without cycles, in layers, and within each layer with few crossings. All linear but for sorting. */

/** Adjacency as compressed rows: neighbours of i are `list[start[i]] …`. */
export interface Adjacency { readonly start: Uint32Array; readonly list: Uint32Array }

export function adjacency(count: number, keys: ArrayLike<number>, neighbours: ArrayLike<number>): Adjacency {
  const start = new Uint32Array(count + 1), list = new Uint32Array(keys.length);
  for (let i = 0; i < keys.length; i++) start[keys[i]! + 1]!++;
  for (let i = 0; i < count; i++) start[i + 1]! += start[i]!;
  const next = start.slice();
  for (let i = 0; i < keys.length; i++) list[next[keys[i]!]!++] = neighbours[i]!;
  return { start, list };
}

/**
 * Place of each item in an order along the edges. Ready items come by their index; where a cycle leaves none ready, the item
 * with the smallest index goes first, and the edges into it run upward.
 */
export function acyclicOrder(count: number, from: ArrayLike<number>, to: ArrayLike<number>): Uint32Array {
  const down = adjacency(count, from, to), missing = new Int32Array(count), position = new Uint32Array(count).fill(count), ready = new Heap(), done = new Uint8Array(count);
  for (let i = 0; i < to.length; i++) missing[to[i]!]!++;
  for (let i = 0; i < count; i++) if (!missing[i]) ready.push(i);
  for (let placed = 0, next = 0; placed < count; placed++) {
    let item = ready.pop();
    while (item !== undefined && done[item]) item = ready.pop();
    if (item === undefined) {
      while (done[next]) next++;
      item = next;
    }
    done[item] = 1;
    position[item] = placed;
    for (let k = down.start[item]!; k < down.start[item + 1]!; k++) if (!--missing[down.list[k]!]!) ready.push(down.list[k]!);
  }
  return position;
}

/** A binary heap of numbers, the smallest first. */
class Heap {
  private readonly items: number[] = [];
  push(value: number): void {
    const { items } = this;
    let i = items.push(value) - 1;
    while (i > 0) {
      const up = (i - 1) >> 1;
      if (items[up]! <= value) break;
      items[i] = items[up]!;
      i = up;
    }
    items[i] = value;
  }
  pop(): number | undefined {
    const { items } = this, top = items[0], last = items.pop();
    if (last === undefined || !items.length) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1]! < items[child]!) child++;
      if (items[child]! >= last) break;
      items[i] = items[child]!;
      i = child;
    }
    items[i] = last;
    return top;
  }
}

/**
 * Layers by the longest path; then items move to where their edges are shorter: a side input stands just above its consumer. `order` lists the
 * items along the edges.
 */
export function layersOf(order: ArrayLike<number>, up: Adjacency, down: Adjacency): Uint32Array {
  const count = order.length, layer = new Uint32Array(count);
  let last = 0;
  for (let i = 0; i < count; i++) {
    const v = order[i]!;
    for (let k = up.start[v]!; k < up.start[v + 1]!; k++) layer[v] = Math.max(layer[v]!, layer[up.list[k]!]! + 1);
    last = Math.max(last, layer[v]!);
  }
  const lowest = (v: number): number => {
    let l = Infinity;
    for (let k = down.start[v]!; k < down.start[v + 1]!; k++) l = Math.min(l, layer[down.list[k]!]! - 1);
    return l;
  };
  for (let i = count - 1; i >= 0; i--) {
    const v = order[i]!, uses = down.start[v + 1]! - down.start[v]!, sources = up.start[v + 1]! - up.start[v]!;
    if (uses > sources) layer[v] = Math.max(layer[v]!, lowest(v));
  }
  return narrowed(layer, order, up, down);
}

/** Ends and beginnings that would make a very wide layer go on in the layers below and above. */
function narrowed(layer: Uint32Array, order: ArrayLike<number>, up: Adjacency, down: Adjacency): Uint32Array {
  const count = order.length, most = Math.max(6, Math.ceil(Math.sqrt(count))), rows: number[][] = [];
  for (let i = 0; i < count; i++) (rows[layer[order[i]!]!] ??= []).push(order[i]!);
  if (rows.every(row => row.length <= most)) return layer;
  const ended = spill(rows, most, v => down.start[v] === down.start[v + 1]), begun = spill(ended.reverse(), most, v => up.start[v] === up.start[v + 1]).reverse();
  begun.forEach((row, l) => { for (const v of row) layer[v] = l; });
  return layer;
}

/** Rows with at most `most` items, as far as those that are free can go on in the next row. */
function spill(rows: readonly (readonly number[])[], most: number, free: (v: number) => boolean): number[][] {
  const made: number[][] = [];
  let carried: number[] = [];
  for (let l = 0; l < rows.length || carried.length; l++) {
    const row = carried.concat(rows[l] ?? []), kept = row.filter(v => !free(v)), loose = row.filter(free), stay = Math.max(most - kept.length, kept.length ? 0 : 1);
    made.push(kept.concat(loose.slice(0, stay)));
    carried = loose.slice(stay);
  }
  return made;
}

/** A layered graph with one vertex in each layer that an edge passes. */
export interface Layered {
  /** Vertices 0 … real − 1 are given, the others are bends. */
  readonly real: number;
  readonly count: number;
  readonly layer: Uint32Array;
  readonly layers: number[][];
  /** Pieces between neighbouring layers. */
  readonly up: Adjacency;
  readonly down: Adjacency;
}

/** Sorts each layer for few crossings: sweeps of barycentres, then exchanges of neighbours. Keeps the best order that it has seen. */
export function reduceCrossings(g: Layered, rounds: number): void {
  const place = new Uint32Array(g.count), key = new Float64Array(g.count), settle = () => { for (const layer of g.layers) layer.forEach((v, i) => { place[v] = i; }); };
  settle();
  const count = () => totalCrossings(g, place);
  let best = count(), kept = g.layers.map(l => l.slice()), stale = 0;
  for (let round = 0; round < rounds && best > 0 && stale < 4; round++) {
    const downward = round % 2 === 0, next = downward ? g.up : g.down;
    for (let l = downward ? 1 : g.layers.length - 2; l >= 0 && l < g.layers.length; l += downward ? 1 : -1) {
      const layer = g.layers[l]!;
      if (layer.length < 2) continue;
      for (const v of layer) {
        let sum = 0;
        const from = next.start[v]!, to = next.start[v + 1]!;
        for (let k = from; k < to; k++) sum += place[next.list[k]!]!;
        key[v] = to > from ? sum / (to - from) : -1;
      }
      sortHeld(layer, key, round % 4 >= 2);
      layer.forEach((v, i) => { place[v] = i; });
    }
    exchange(g, place);
    const now = count();
    if (now < best) {
      best = now;
      kept = g.layers.map(l => l.slice());
      stale = 0;
    } else stale++;
  }
  kept.forEach((layer, l) => { g.layers[l]!.splice(0, layer.length, ...layer); });
}

/** Sorts by key; vertices without one (−1) keep their places. `turn`: equal keys change their order. */
function sortHeld(layer: number[], key: Float64Array, turn: boolean): void {
  const moving = layer.filter(v => key[v]! >= 0), rank = new Map(moving.map((v, i) => [v, i]));
  moving.sort((a, b) => key[a]! - key[b]! || (turn ? rank.get(b)! - rank.get(a)! : rank.get(a)! - rank.get(b)!));
  let next = 0;
  for (let i = 0; i < layer.length; i++) if (key[layer[i]!]! >= 0) layer[i] = moving[next++]!;
}

/** Exchanges neighbours as long as that removes crossings. Only in layers of a bounded width: the work is width × degree. */
function exchange({ layers, up, down }: Layered, place: Uint32Array): void {
  for (let pass = 0, better = true; better && pass < 4; pass++) {
    better = false;
    for (const layer of layers) {
      if (layer.length > 400) continue;
      for (let i = 0; i + 1 < layer.length; i++) {
        const a = layer[i]!, b = layer[i + 1]!, gain = pairCrossings(up, place, a, b) - pairCrossings(up, place, b, a) + pairCrossings(down, place, a, b) - pairCrossings(down, place, b, a);
        if (gain <= 0) continue;
        layer[i] = b;
        layer[i + 1] = a;
        place[b] = i;
        place[a] = i + 1;
        better = true;
      }
    }
  }
}

function pairCrossings({ start, list }: Adjacency, place: Uint32Array, a: number, b: number): number {
  let crossings = 0;
  for (let i = start[a]!; i < start[a + 1]!; i++) for (let j = start[b]!; j < start[b + 1]!; j++) if (place[list[i]!]! > place[list[j]!]!) crossings++;
  return crossings;
}

/** Crossings between all neighbouring layers, by an accumulating tree: (pieces) log (width). */
export function totalCrossings({ layers, down }: Layered, place: Uint32Array): number {
  let total = 0;
  for (let l = 0; l + 1 < layers.length; l++) {
    const upper = layers[l]!, width = layers[l + 1]!.length;
    if (upper.length < 2 || width < 2) continue;
    const tree = new Uint32Array(width + 1);
    let seen = 0;
    for (const v of upper) {
      const ends: number[] = [];
      for (let k = down.start[v]!; k < down.start[v + 1]!; k++) ends.push(place[down.list[k]!]!);
      for (const e of ends) {
        let notAfter = 0;
        for (let i = e + 1; i > 0; i -= i & -i) notAfter += tree[i]!;
        total += seen - notAfter;
      }
      for (const e of ends) for (let i = e + 1; i <= width; i += i & -i) tree[i]!++;
      seen += ends.length;
    }
  }
  return total;
}
