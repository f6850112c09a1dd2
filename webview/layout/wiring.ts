/**
 * What is joined with what, for each group by itself. Nothing here depends on which groups are open, so that opening one changes neither
 * layers nor orders of another. Items of a group: its nodes, its child groups, and in the root the graph's inputs.
 */
import { VALUE_KINDS, type DrawingGraph } from '../../extension/protocol.ts';
import { acyclicOrder } from './order.ts';
import { usesByNode } from './hierarchy.ts';
import { GroupKind, type Hierarchy } from './types.ts';

const INPUT = VALUE_KINDS.indexOf('input'), PARAMETER = VALUE_KINDS.indexOf('parameter'), CONSTANT = VALUE_KINDS.indexOf('constant');
/** More ports than this on one side of a frame share places. */
const MOST_PORTS = 20;

/** An edge between two vertices of a group: the items 0 … items − 1, then the entry ports, then the exit ports. `from` lies above `to`. */
export interface WiredEdge {
  readonly from: number;
  readonly to: number;
  readonly uses: number[];
  /** All its uses run upward: a loop, or a gradient that the file computes itself. */
  back: boolean;
}

export interface GroupWiring {
  readonly group: number;
  /** Item ids: a node, ~group, or nodes + k for the k-th input. */
  readonly items: Int32Array;
  readonly edges: readonly WiredEdge[];
  readonly entries: number;
  readonly exits: number;
  /** Entry port (0 …) of the item id from whose side a use comes, exit port of the item index that it leaves. */
  readonly entryOf: ReadonlyMap<number, number>;
  readonly exitOf: Uint32Array;
}

interface Core { readonly items: Int32Array; readonly position: Uint32Array; readonly edges: WiredEdge[] }

export class Wiring {
  /** Values that are drawn as input pills. */
  readonly inputs: readonly number[];
  private readonly nodes: number;
  /** For each use: the innermost group that holds both ends, and the items there; −1 where nothing is drawn. */
  private readonly meet: Int32Array;
  private readonly above: Int32Array;
  private readonly below: Int32Array;
  private readonly met: { readonly start: Uint32Array; readonly list: Uint32Array };
  private readonly byNode: { readonly start: Uint32Array; readonly list: Uint32Array };
  private readonly byProducer: { readonly start: Uint32Array; readonly list: Uint32Array };
  private readonly producers: Int32Array;
  private readonly local: Uint32Array;
  private readonly localGroup: Uint32Array;
  private readonly cores = new Map<number, Core>();
  private readonly groups = new Map<number, GroupWiring>();

  constructor(readonly graph: DrawingGraph, readonly hierarchy: Hierarchy, readonly hidden: Uint8Array | undefined) {
    const { values, uses } = graph, n = (this.nodes = graph.nodes.name.length), inputs: number[] = [], inputOf = new Int32Array(values.name.length).fill(-1);
    const used = new Uint8Array(values.name.length);
    uses.value.forEach((v, u) => { if (!hidden?.[uses.node[u]!]) used[v] = 1; });
    for (let v = 0; v < values.name.length; v++) if (values.kind[v] === INPUT && values.producer[v]! < 0 && used[v]) inputOf[v] = inputs.push(v) - 1;
    this.inputs = inputs;
    this.local = new Uint32Array(n + inputs.length);
    this.localGroup = new Uint32Array(hierarchy.count);
    const count = uses.value.length;
    this.producers = new Int32Array(count).fill(-1);
    this.meet = new Int32Array(count).fill(-1);
    this.above = new Int32Array(count);
    this.below = new Int32Array(count);
    this.byNode = usesByNode(graph);
    for (let u = 0; u < count; u++) {
      const value = uses.value[u]!, kind = values.kind[value]!, node = uses.node[u]!;
      if (kind === PARAMETER || kind === CONSTANT) continue;
      const producer = values.producer[value]! >= 0 ? values.producer[value]! : inputOf[value]! >= 0 ? n + inputOf[value]! : -1;
      this.producers[u] = producer;
      if (producer < 0 || hierarchy.tagged[u] || hidden?.[node] || (producer < n && hidden?.[producer])) continue;
      this.join(u, producer, node);
    }
    this.met = bucket(this.meet, hierarchy.count);
    this.byProducer = bucket(this.producers, n + inputs.length);
  }

  /** What a node reads. */
  usesOfNode(node: number): Uint32Array { return this.byNode.list.subarray(this.byNode.start[node], this.byNode.start[node + 1]); }
  private groupOf(node: number): number { return node < this.nodes ? this.hierarchy.groupOf[node]! : 0; }
  /** What a group is in its parent's list: a backward part goes with its node. */
  private itemOf(group: number): number { return this.hierarchy.kind[group] === GroupKind.backward ? this.hierarchy.host[group]! : ~group; }

  private join(use: number, from: number, to: number): void {
    const { depth, parent } = this.hierarchy;
    let a = this.groupOf(from), b = this.groupOf(to), up = from, down = to;
    while (a !== b) {
      if (depth[a]! >= depth[b]!) { up = this.itemOf(a); a = parent[a]!; }
      else { down = this.itemOf(b); b = parent[b]!; }
    }
    if (up === down) return;
    this.meet[use] = a;
    this.above[use] = up;
    this.below[use] = down;
  }

  /** The item of `group` that holds the node, by its index there. */
  indexIn(group: number, node: number): number {
    const { parent } = this.hierarchy;
    let item = node;
    for (let g = this.groupOf(node); g !== group; g = parent[g]!) item = this.itemOf(g);
    return this.itemIndex(item);
  }
  /** Index of an item in its group's list. */
  itemIndex(item: number): number { return item < 0 ? this.localGroup[~item]! : this.local[item]!; }

  /** Items in the order in which they can be drawn downward, and the edges between them. */
  private core(group: number): Core {
    const known = this.cores.get(group);
    if (known) return known;
    const items = this.itemsOf(group), { met, graph } = this, backward = (node: number) => node < this.nodes && graph.nodes.backwardOf[node]! >= 0;
    items.forEach((item, i) => { if (item < 0) this.localGroup[~item] = i; else this.local[item] = i; });
    const pairs = new Map<number, { a: number; b: number; uses: number[]; weight: number }>(), n = items.length;
    for (let k = met.start[group]!; k < met.start[group + 1]!; k++) {
      const use = met.list[k]!, a = this.itemIndex(this.above[use]!), b = this.itemIndex(this.below[use]!), key = a * n + b;
      let pair = pairs.get(key);
      if (!pair) pairs.set(key, (pair = { a, b, uses: [], weight: 0 }));
      pair.uses.push(use);
      if (!backward(this.producers[use]!)) pair.weight++;
    }
    // Of two ways between the same items the one with more forward uses counts.
    const from: number[] = [], to: number[] = [];
    for (const { a, b, weight, uses } of pairs.values()) {
      const other = pairs.get(b * n + a);
      if (other && (other.weight > weight || (other.weight === weight && (other.uses.length > uses.length || (other.uses.length === uses.length && b < a))))) continue;
      from.push(a);
      to.push(b);
    }
    const position = acyclicOrder(n, from, to), edges = new Map<number, WiredEdge>();
    for (const { a, b, uses } of pairs.values()) {
      const back = position[a]! > position[b]!, [top, low] = back ? [b, a] : [a, b], key = top * n + low, edge = edges.get(key);
      if (!edge) edges.set(key, { from: top, to: low, uses, back });
      else {
        append(edge.uses, uses);
        edge.back &&= back;
      }
    }
    const core = { items, position, edges: [...edges.values()] };
    this.cores.set(group, core);
    return core;
  }

  private itemsOf(group: number): Int32Array {
    const h = this.hierarchy, { hidden } = this, items: number[] = [];
    if (group === 0) for (let k = 0; k < this.inputs.length; k++) items.push(this.nodes + k);
    // Nodes and child groups in the order of the file: the nodes of a child are passed over at once.
    const childAt = new Map<number, number>();
    for (let c = h.childStart[group]!; c < h.childStart[group + 1]!; c++) childAt.set(h.first[h.children[c]!]!, h.children[c]!);
    for (let at = h.first[group]!; at < h.last[group]!;) {
      const child = childAt.get(at);
      if (child !== undefined && h.last[child]! > at) {
        if (h.kind[child] !== GroupKind.backward && this.shows(child)) items.push(~child);
        at = h.last[child]!;
      } else {
        const node = h.order[at++]!;
        if (!hidden?.[node]) items.push(node);
      }
    }
    return Int32Array.from(items);
  }
  /** True if something of the group is not hidden. */
  shows(group: number): boolean {
    const { order, first, last } = this.hierarchy;
    if (!this.hidden) return true;
    for (let i = first[group]!; i < last[group]!; i++) if (!this.hidden[order[i]!]) return true;
    return false;
  }

  /** True if the consumer is drawn above the producer. */
  reversed(use: number): boolean {
    const { position } = this.core(this.meet[use]!);
    return position[this.itemIndex(this.above[use]!)]! > position[this.itemIndex(this.below[use]!)]!;
  }
  /** The end that is drawn above, and the one below: nodes, or nodes + k for inputs. */
  upperEnd(use: number): number { return this.reversed(use) ? this.graph.uses.node[use]! : this.producers[use]!; }
  lowerEnd(use: number): number { return this.reversed(use) ? this.producers[use]! : this.graph.uses.node[use]!; }
  /** Item id at the meeting group on the upper side: the key of the entry ports on the way down. */
  entryKey(use: number): number { return this.reversed(use) ? this.below[use]! : this.above[use]!; }

  wiringOf(group: number): GroupWiring {
    const known = this.groups.get(group);
    if (known) return known;
    const { items, edges } = this.core(group), { depth, order, first, last } = this.hierarchy, mine = depth[group]!;
    const entering = new Map<number, Map<number, number[]>>(), leaving = new Map<number, number[]>();
    const outside = (use: number) => this.meet[use]! >= 0 && this.meet[use] !== group && depth[this.meet[use]!]! < mine;
    const take = (use: number, node: number) => {
      if (!outside(use)) return;
      const at = this.indexIn(group, node);
      if (this.upperEnd(use) === node) push(leaving, at, use);
      else {
        const key = this.entryKey(use), targets = entering.get(key) ?? new Map<number, number[]>();
        entering.set(key, targets);
        push(targets, at, use);
      }
    };
    if (group > 0)
      for (let i = first[group]!; i < last[group]!; i++) {
        const node = order[i]!;
        for (let k = this.byNode.start[node]!; k < this.byNode.start[node + 1]!; k++) take(this.byNode.list[k]!, node);
        for (let k = this.byProducer.start[node]!; k < this.byProducer.start[node + 1]!; k++) take(this.byProducer.list[k]!, node);
      }
    const back = (uses: readonly number[]) => uses.every(u => this.reversed(u));
    const entryOf = new Map<number, number>(), exitOf = new Uint32Array(items.length), entries = Math.min(MOST_PORTS, entering.size), exits = Math.min(MOST_PORTS, leaving.size);
    const joined = new Map<number, WiredEdge>(), vertices = items.length + entries + exits;
    const connect = (from: number, to: number, uses: number[]) => {
      const key = from * vertices + to, edge = joined.get(key);
      if (edge) { append(edge.uses, uses); edge.back &&= back(uses); } else joined.set(key, { from, to, uses, back: back(uses) });
    };
    // Ports that share a place are neighbours in the order of the items that they belong to.
    const keys = [...entering].map(([key, targets]) => ({ key, targets, at: Math.min(...targets.keys()) })).sort((a, b) => a.at - b.at || a.key - b.key);
    keys.forEach(({ key, targets }, i) => {
      const port = Math.floor((i * entries) / keys.length);
      entryOf.set(key, port);
      for (const [to, uses] of targets) connect(items.length + port, to, uses);
    });
    [...leaving].sort((a, b) => a[0] - b[0]).forEach(([from, uses], i) => {
      const port = Math.floor((i * exits) / leaving.size);
      exitOf[from] = port;
      connect(from, items.length + entries + port, uses);
    });
    const wiring = { group, items, edges: [...edges, ...joined.values()], entries, exits, entryOf, exitOf };
    this.groups.set(group, wiring);
    return wiring;
  }
}

/** Without spreading: a long list of arguments would overflow the stack. */
function append(list: number[], more: readonly number[]): void { for (const m of more) list.push(m); }
function push(map: Map<number, number[]>, key: number, value: number): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** Counting sort of indices by key; keys below 0 are left out. */
function bucket(keys: Int32Array, count: number): { readonly start: Uint32Array; readonly list: Uint32Array } {
  const start = new Uint32Array(count + 1);
  for (const k of keys) if (k >= 0) start[k + 1]!++;
  for (let i = 0; i < count; i++) start[i + 1]! += start[i]!;
  const next = start.slice(), list = new Uint32Array(start[count]!);
  keys.forEach((k, i) => { if (k >= 0) list[next[k]!++] = i; });
  return { start, list };
}
