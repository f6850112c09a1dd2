/** What of a group's drawing does not depend on sizes: layers, bends, lanes, orders, the straight main path. */
import { STATUSES, type DrawingResults } from '../../extension/protocol.ts';
import { adjacency, layersOf, reduceCrossings, type Layered } from './order.ts';
import type { GroupWiring, WiredEdge } from './wiring.ts';

/** An edge over more layers runs in a lane at the border. */
const LONG = 6;
const COMPUTED = STATUSES.indexOf('computed');

export interface GroupPlan {
  readonly wiring: GroupWiring;
  /** Items, entry ports, exit ports; then bends. */
  readonly real: number;
  readonly count: number;
  readonly layer: Uint32Array;
  readonly layers: readonly number[][];
  /** Bends of each edge from above to below; undefined for an edge in a lane. */
  readonly bends: readonly (readonly number[] | undefined)[];
  /** How much an edge wants to be straight. */
  readonly weight: Float64Array;
  readonly spine: Uint8Array;
}

export function planOf(wiring: GroupWiring, results: DrawingResults | undefined, end: number): GroupPlan {
  const { items, entries, exits, edges } = wiring, n = items.length, real = n + entries + exits, inside = edges.filter(e => e.from < n && e.to < n);
  const up = adjacency(n, inside.map(e => e.to), inside.map(e => e.from)), down = adjacency(n, inside.map(e => e.from), inside.map(e => e.to));
  const itemLayer = layersOf(alongEdges(n, up, down), up, down), shift = entries ? 1 : 0, layer: number[] = Array.from(itemLayer, l => l + shift);
  let last = 0;
  for (const l of layer) last = Math.max(last, l);
  for (let p = 0; p < entries; p++) layer.push(0);
  for (let p = 0; p < exits; p++) layer.push(last + 1);
  const layers: number[][] = Array.from({ length: last + 1 + (exits ? 1 : 0) }, () => []), from: number[] = [], to: number[] = [];
  // Lines from one node or port are one trunk that splits where it is used; a group may open and then has several.
  const trunks = new Map<number, number[]>(), bends = edges.map((edge): number[] | undefined => {
    const a = layer[edge.from]!, b = layer[edge.to]!, shared = edge.from >= n || items[edge.from]! >= 0, trunk = (shared && trunks.get(edge.from)) || [];
    if (b - a > LONG) return undefined;
    if (shared) trunks.set(edge.from, trunk);
    for (let l = a + 1 + trunk.length; l < b; l++) {
      from.push(trunk.at(-1) ?? edge.from);
      to.push(trunk[trunk.push(layer.push(l) - 1) - 1]!);
    }
    from.push(b - a > 1 ? trunk[b - a - 2]! : edge.from);
    to.push(edge.to);
    return trunk.slice(0, b - a - 1);
  });
  const count = layer.length, graph = { real, count, layer: Uint32Array.from(layer), layers, up: adjacency(count, to, from), down: adjacency(count, from, to) };
  walk(graph.down, graph.up, count, v => layers[layer[v]!]!.push(v));
  reduceCrossings(graph, Math.max(4, Math.min(24, Math.floor(2e6 / (count + from.length)))));
  trunksToMiddle(graph, real);
  const strength = edges.map(e => contribution(e, results)), { weight, spine } = straight(wiring, layer, strength, end);
  sideways(graph.layers, graph.up, n, spineVertices(edges, spine));
  return { wiring, real, count, layer: graph.layer, layers, bends, weight, spine };
}

/** Place of each vertex in its layer. */
export function placesOf({ layers }: GroupPlan): ReadonlyMap<number, number> {
  const place = new Map<number, number>();
  for (const layer of layers) layer.forEach((v, i) => place.set(v, i));
  return place;
}

/** Left and right exchanged: as many crossings inside. */
export function mirror({ layers }: GroupPlan): void { for (const layer of layers) layer.reverse(); }

/** Among ends that hang on one vertex the trunk that goes on to the next layer stands in the middle: the rows come to lie under each other. */
function trunksToMiddle({ layers, up, down }: Pick<Layered, 'layers' | 'up' | 'down'>, real: number): void {
  const only = (v: number) => (up.start[v + 1]! - up.start[v]! === 1 ? up.list[up.start[v]!]! : -1);
  for (const layer of layers) {
    for (let i = 0; i < layer.length;) {
      const source = only(layer[i]!);
      let end = i + 1;
      while (source >= 0 && end < layer.length && only(layer[end]!) === source) end++;
      const run = layer.slice(i, end), trunk = run.findIndex(v => v >= real);
      if (run.length > 2 && trunk >= 0 && run.every((v, k) => k === trunk || (v < real && down.start[v] === down.start[v + 1]))) {
        const [bend] = run.splice(trunk, 1);
        run.splice(run.length >> 1, 0, bend!);
        layer.splice(i, run.length, ...run);
      }
      i = end;
    }
  }
}

/** Items in an order along the edges: each after all above it. */
function alongEdges(count: number, up: { readonly start: Uint32Array }, down: { readonly start: Uint32Array; readonly list: Uint32Array }): Uint32Array {
  const missing = new Uint32Array(count), order = new Uint32Array(count);
  let filled = 0;
  for (let v = 0; v < count; v++) if (!(missing[v] = up.start[v + 1]! - up.start[v]!)) order[filled++] = v;
  for (let i = 0; i < filled; i++) for (let k = down.start[order[i]!]!; k < down.start[order[i]! + 1]!; k++) if (!--missing[down.list[k]!]!) order[filled++] = down.list[k]!;
  return order;
}

/** Visits every vertex once, neighbours soon after each other: the first order within the layers. */
function walk(down: { readonly start: Uint32Array; readonly list: Uint32Array }, up: { readonly start: Uint32Array; readonly list: Uint32Array }, count: number, visit: (v: number) => void): void {
  const seen = new Uint8Array(count), stack: number[] = [];
  for (let root = 0; root < count; root++) {
    if (seen[root]) continue;
    stack.push(root);
    while (stack.length) {
      const v = stack.pop()!;
      if (seen[v]) continue;
      seen[v] = 1;
      visit(v);
      for (const { start, list } of [up, down]) for (let k = start[v + 1]! - 1; k >= start[v]!; k--) if (!seen[list[k]!]) stack.push(list[k]!);
    }
  }
}

/** Largest norm that its uses contribute, a NaN above all; 0 where none is known. */
function contribution(edge: WiredEdge, results: DrawingResults | undefined): number {
  let most = 0;
  if (results) for (const u of edge.uses) if (results.useStatus[u] === COMPUTED) most = Math.max(most, Number.isNaN(results.useNorm[u]!) ? Infinity : results.useNorm[u]!);
  return most;
}

/**
 * The main path from `end` (the item with the loss, else what leaves the group) upward, by the largest contribution and, before results are known,
 * by the longest chain. Its edges outweigh all others; an edge that is the main one of both its ends outweighs what only passes.
 */
function straight({ items, edges, entries, exits }: GroupWiring, layer: readonly number[], strength: readonly number[], end: number): Pick<GroupPlan, 'weight' | 'spine'> {
  const n = items.length, best = new Int32Array(n + entries + exits).fill(-1), bestOut = best.slice(), weight = new Float64Array(edges.length).fill(1), spine = new Uint8Array(edges.length);
  const beats = (e: number, other: number, near: 'from' | 'to'): boolean => {
    if (other < 0 || strength[e] !== strength[other]) return other < 0 || strength[e]! > strength[other]!;
    const a = layer[edges[e]![near]]!, b = layer[edges[other]![near]]!;
    return a !== b ? (near === 'from' ? a > b : a < b) : edges[e]!.uses.length > edges[other]!.uses.length;
  };
  edges.forEach((edge, e) => {
    if (edge.back) { weight[e] = 0.5; return; }
    if (beats(e, best[edge.to]!, 'from')) best[edge.to] = e;
    if (beats(e, bestOut[edge.from]!, 'to')) bestOut[edge.from] = e;
  });
  edges.forEach((edge, e) => { if (best[edge.to] === e && bestOut[edge.from] === e) weight[e] = 12; });
  let at = end;
  if (at < 0) for (let p = 0; p < exits; p++) { const port = n + entries + p; if (best[port]! >= 0 && (at < 0 || beats(best[port]!, best[at]!, 'from'))) at = port; }
  if (at < 0) for (let v = 0; v < n; v++) if (at < 0 || layer[v]! > layer[at]!) at = v;
  for (let steps = 0; at >= 0 && best[at]! >= 0 && steps <= n + 1; steps++) {
    const e = best[at]!;
    spine[e] = 1;
    weight[e] = 1000;
    at = edges[e]!.from;
  }
  return { weight, spine };
}

function spineVertices(edges: readonly WiredEdge[], spine: Uint8Array): Set<number> {
  const on = new Set<number>();
  edges.forEach((e, i) => { if (spine[i]) { on.add(e.from); on.add(e.to); } });
  return on;
}

/** A mirror image has as many crossings: the one with side inputs left of the main path is taken. */
function sideways(layers: number[][], up: { readonly start: Uint32Array }, items: number, spine: ReadonlySet<number>): void {
  let balance = 0;
  for (const layer of layers) {
    const middle = layer.findIndex(v => spine.has(v));
    if (middle >= 0) layer.forEach((v, i) => { if (v < items && up.start[v + 1] === up.start[v] && !spine.has(v)) balance += i < middle ? -1 : 1; });
  }
  if (balance > 0) for (const layer of layers) layer.reverse();
}
