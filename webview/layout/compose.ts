/** The whole picture for a set of open groups: every open group is laid out by itself, the innermost first, and put into its parent as one box with ports. */
import { VALUE_KINDS, type DrawingGraph } from '../../extension/protocol.ts';
import { intoColumns } from './columns.ts';
import { layered, type Item, type Link, type Placed } from './layered.ts';
import { Sizes } from './sizes.ts';
import { BoxKind, EdgeFlag, GroupKind, METRICS, type Hierarchy, type Layout, type LayoutRequest, type TextMetrics } from './types.ts';

const INPUT = VALUE_KINDS.indexOf('input'), CONSTANT = VALUE_KINDS.indexOf('constant'), PARAMETER = VALUE_KINDS.indexOf('parameter');
/** More tags than this at one box are one pill with their number. */
const MOST_TAGS = 3;

/** What stands in an open group: boxes, open groups (`group`), ports of its own border (`value`). */
interface Place { readonly box: number; readonly group: number; readonly port?: 'in' | 'out' }
interface Edge { readonly from: number; readonly to: number; readonly value: number; readonly uses: number[] }
interface Inside {
  readonly group: number;
  readonly places: Place[];
  readonly edges: Map<string, Edge>;
  /** Ports by `in:` or `out:` and the value. */
  readonly ports: Map<string, number>;
  placed?: Placed;
}
interface Box { readonly kind: number; readonly ref: number; readonly group: number; readonly w: number; readonly h: number; readonly rows: number; readonly tags: number[]; readonly more: number }

export interface ComposeInput {
  readonly graph: DrawingGraph;
  readonly hierarchy: Hierarchy;
  readonly metrics?: TextMetrics | undefined;
  readonly target: number;
  /** 1 for each use on the main path. */
  readonly spine: Uint8Array;
}

export function compose(input: ComposeInput, request: LayoutRequest): Layout {
  return new Composition(input, request).layout();
}

class Composition {
  private readonly sizes: Sizes;
  private readonly right: boolean;
  private readonly open: Uint8Array;
  /** The folded group that a group's nodes are drawn as, or −1. */
  private readonly folded: Int32Array;
  private readonly boxes: Box[] = [];
  private readonly boxOfNode: Int32Array;
  private readonly boxOfGroup = new Map<number, number>();
  private readonly boxOfValue = new Map<number, number>();
  private readonly insides = new Map<number, Inside>();
  /** Place of each box, and of each open group, inside its group. */
  private readonly placeOfBox: number[] = [];
  private readonly placeOfGroup = new Map<number, number>();

  constructor(private readonly input: ComposeInput, private readonly request: LayoutRequest) {
    const { graph, hierarchy, metrics } = input;
    this.right = request.direction === 'right';
    this.sizes = new Sizes(graph, hierarchy, metrics);
    const wanted = new Set(Array.from(request.expanded));
    this.open = new Uint8Array(hierarchy.count);
    this.folded = new Int32Array(hierarchy.count).fill(-1);
    this.open[0] = 1;
    for (let g = 1; g < hierarchy.count; g++) {
      const parent = hierarchy.parent[g]!;
      if (!this.open[parent]) this.folded[g] = this.folded[parent]!;
      else if (wanted.has(g)) this.open[g] = 1;
      else this.folded[g] = g;
    }
    this.boxOfNode = new Int32Array(graph.nodes.name.length).fill(-1);
  }

  layout(): Layout {
    this.makeBoxes();
    this.makeEdges();
    const { hierarchy } = this.input;
    for (let g = hierarchy.count - 1; g >= 0; g--) if (this.open[g]) this.layOut(this.insides.get(g)!);
    return this.picture();
  }

  // ---------------------------------------------------------------- boxes

  private makeBoxes(): void {
    const { graph, hierarchy, target } = this.input, { hidden } = this.request, loss = target >= 0 ? graph.values.producer[target]! : -1;
    const tags = this.tagsOfNodes();
    for (let g = 0; g < hierarchy.count; g++) {
      if (!this.open[g]) continue;
      this.insides.set(g, { group: g, places: [], edges: new Map(), ports: new Map() });
      // Parents come first: their inside is there.
      if (g > 0) this.placeOfGroup.set(g, this.inside(hierarchy.parent[g]!).places.push({ box: -1, group: g }) - 1);
    }
    for (let at = 0; at < hierarchy.order.length; at++) {
      const node = hierarchy.order[at]!, group = hierarchy.groupOf[node]!, card = this.folded[group]!;
      if (card < 0) {
        if (hidden?.[node]) continue;
        const list = tags.get(node) ?? [], shown = list.length > MOST_TAGS ? list.slice(0, MOST_TAGS) : list;
        this.boxOfNode[node] = this.box({
          kind: node === loss ? BoxKind.loss : BoxKind.node, ref: node, group, ...this.sizes.node(node), rows: this.sizes.nodeRows(node), tags: shown, more: list.length - shown.length,
        });
        continue;
      }
      // A backward part that is folded is a badge of its node, no box.
      if (hierarchy.kind[card] === GroupKind.backward) continue;
      let box = this.boxOfGroup.get(card);
      if (box === undefined) {
        if (hidden && this.allHidden(card, hidden)) continue;
        this.boxOfGroup.set(card, (box = this.box({ kind: hierarchy.kind[card] === GroupKind.repeat ? BoxKind.repeat : BoxKind.group, ref: card, group: hierarchy.parent[card]!, ...this.sizes.card(card), rows: 0, tags: [], more: 0 })));
      }
      this.boxOfNode[node] = box;
    }
    const { values, uses } = graph;
    for (let u = 0; u < uses.value.length; u++) {
      const value = uses.value[u]!;
      if (values.kind[value] !== INPUT || hierarchy.tagged[u] || this.boxOfValue.has(value) || this.boxOfNode[uses.node[u]!]! < 0) continue;
      this.boxOfValue.set(value, this.box({ kind: BoxKind.input, ref: value, group: 0, ...this.sizes.value(value), rows: 0, tags: [], more: 0 }));
    }
  }

  private box(box: Box): number {
    const index = this.boxes.push(box) - 1;
    this.placeOfBox[index] = this.inside(box.group).places.push({ box: index, group: -1 }) - 1;
    return index;
  }

  private inside(group: number): Inside { return this.insides.get(group)!; }

  private allHidden(group: number, hidden: Uint8Array): boolean {
    const { order, first, last } = this.input.hierarchy;
    for (let i = first[group]!; i < last[group]!; i++) if (!hidden[order[i]!]) return false;
    return true;
  }

  private tagsOfNodes(): Map<number, number[]> {
    const { graph: { uses }, hierarchy: { tagged } } = this.input, tags = new Map<number, number[]>();
    for (let u = 0; u < uses.value.length; u++) {
      if (!tagged[u]) continue;
      const list = tags.get(uses.node[u]!);
      if (!list) tags.set(uses.node[u]!, [uses.value[u]!]);
      else if (!list.includes(uses.value[u]!)) list.push(uses.value[u]!);
    }
    return tags;
  }

  // ---------------------------------------------------------------- edges

  /** Each use becomes edges between places: out of every open group that it leaves, across their common group, into every one that it enters. */
  private makeEdges(): void {
    const { graph: { uses, values }, hierarchy } = this.input;
    for (let u = 0; u < uses.value.length; u++) {
      const value = uses.value[u]!, kind = values.kind[value];
      if (hierarchy.tagged[u] || kind === PARAMETER || kind === CONSTANT) continue;
      const producer = values.producer[value]!, from = producer >= 0 ? this.boxOfNode[producer]! : (this.boxOfValue.get(value) ?? -1), to = this.boxOfNode[uses.node[u]!]!;
      if (from < 0 || to < 0 || from === to) continue;
      this.route(u, value, from, to);
    }
  }

  private route(use: number, value: number, from: number, to: number): void {
    const { parent, depth } = this.input.hierarchy;
    let a = this.boxes[from]!.group, b = this.boxes[to]!.group, start = this.placeOfBox[from]!, end = this.placeOfBox[to]!;
    const leave = () => {
      const inside = this.inside(a);
      this.edge(inside, start, this.port(inside, 'out', value), value, use);
      start = this.placeOfGroup.get(a)!;
      a = parent[a]!;
    };
    const enter = () => {
      const inside = this.inside(b);
      this.edge(inside, this.port(inside, 'in', value), end, value, use);
      end = this.placeOfGroup.get(b)!;
      b = parent[b]!;
    };
    while (depth[a]! > depth[b]!) leave();
    while (depth[b]! > depth[a]!) enter();
    while (a !== b) {
      leave();
      enter();
    }
    this.edge(this.inside(a), start, end, value, use);
  }

  private port(inside: Inside, side: 'in' | 'out', value: number): number {
    const key = `${side}:${value}`;
    let place = inside.ports.get(key);
    if (place === undefined) inside.ports.set(key, (place = inside.places.push({ box: -1, group: -1, port: side }) - 1));
    return place;
  }

  private edge(inside: Inside, from: number, to: number, value: number, use: number): void {
    // Between two boxes all values are one edge; at ports each value has its own.
    const boxes = inside.places[from]!.box >= 0 && inside.places[to]!.box >= 0, key = `${from}:${to}:${boxes ? '' : value}`, edge = inside.edges.get(key);
    if (edge) edge.uses.push(use);
    else inside.edges.set(key, { from, to, value, uses: [use] });
  }

  // ---------------------------------------------------------------- places

  private layOut(inside: Inside): void {
    const { spine } = this.input, { right } = this, sized = inside.places.map((p): Item => (p.port ? { w: 0, h: 0, port: p.port } : p.box >= 0 ? this.itemOf(this.boxes[p.box]!) : this.sizeOf(this.inside(p.group))));
    const items = right ? sized.map((i): Item => ({ ...i, w: i.h, h: i.w })) : sized;
    const links = [...inside.edges.values()].map((e): Link => ({
      from: e.from, to: e.to, fromX: this.attach(inside, e.from, 'out', e.value), toX: this.attach(inside, e.to, 'in', e.value), spine: e.uses.some(u => spine[u]),
    }));
    const root = inside.group === 0, header = root ? 0 : METRICS.header, placed = layered(items, links, right ? 0 : header, root ? 22 : METRICS.padding);
    inside.placed = right ? turned(placed, header) : root ? intoColumns(placed, items, this.request.viewport) : placed;
  }

  private itemOf({ w, h, tags, more }: Box): Item {
    const beside = tags.length ? METRICS.tail + Math.max(...tags.map(v => this.sizes.tag(v)), more ? 50 : 0) : 0;
    return { w: w + beside, h: Math.max(h, (tags.length + +(more > 0)) * (METRICS.tag + 2)) };
  }

  private sizeOf({ group, placed }: Inside): Item {
    return { w: Math.max(placed!.width, this.sizes.header(group)), h: placed!.height };
  }

  /** Where a value enters or leaves a place: at the port of an open group, else at the middle of the box itself. */
  private attach(inside: Inside, place: number, side: 'in' | 'out', value: number): number {
    const { group, box } = inside.places[place]!;
    if (group >= 0) {
      const inner = this.inside(group), port = inner.ports.get(`${side}:${value}`);
      return port === undefined ? NaN : (this.right ? inner.placed!.y : inner.placed!.x)[port]!;
    }
    // Tags stand beside a box: its own middle is not the item's.
    return box >= 0 && !this.right && this.boxes[box]!.tags.length ? this.boxes[box]!.w / 2 : NaN;
  }

  // ---------------------------------------------------------------- the picture

  private picture(): Layout {
    const { hierarchy } = this.input, n = this.boxes.length, boxX = new Float32Array(n), boxY = new Float32Array(n), layer = new Uint32Array(n), place = new Uint32Array(n);
    const origin = new Map<number, readonly [number, number]>([[0, [0, 0]]]), frames: { group: number; x: number; y: number; w: number; h: number }[] = [], frameOf = new Map<number, number>();
    const edges = new EdgeList();
    for (let g = 0; g < hierarchy.count; g++) {
      if (!this.open[g]) continue;
      const inside = this.inside(g), placed = inside.placed!, { x, y } = placed, [ox, oy] = origin.get(g)!;
      if (g > 0) frameOf.set(g, frames.push({ group: g, x: ox, y: oy, ...this.sizeOf(inside) }) - 1);
      inside.places.forEach((p, i) => {
        if (p.group >= 0) origin.set(p.group, [ox + x[i]!, oy + y[i]!]);
        if (p.box < 0) return;
        boxX[p.box] = ox + x[i]!;
        boxY[p.box] = oy + y[i]!;
        layer[p.box] = placed.layer[i]!;
        place[p.box] = placed.place[i]!;
      });
    }
    for (const [g, inside] of this.insides) {
      const [ox, oy] = origin.get(g)!, { routes } = inside.placed!;
      const end = (i: number) => {
        const p = inside.places[i]!;
        return p.box >= 0 ? p.box : ~frameOf.get(p.port ? g : p.group)!;
      };
      [...inside.edges.values()].forEach((e, i) => {
        const { lane, back, column } = routes[i]!, spine = e.uses.some(u => this.input.spine[u]), points = routes[i]!.points.map((v, k) => v + (k % 2 ? oy : ox)), { box } = inside.places[e.from]!;
        // Beside a box may stand tags that make the item larger than it.
        if (box >= 0) points[this.right ? 0 : 1] = this.right ? boxX[box]! + this.boxes[box]!.w : boxY[box]! + this.boxes[box]!.h;
        edges.add(points, end(e.from), end(e.to), (spine ? EdgeFlag.spine : 0) | (lane ? EdgeFlag.lane : 0) | (back ? EdgeFlag.back : 0) | (column ? EdgeFlag.column : 0), g, e.uses);
      });
    }
    const root = this.inside(0);
    return {
      revision: this.request.revision, width: root.placed!.width, height: root.placed!.height,
      boxes: {
        count: n, x: boxX, y: boxY, w: Float32Array.from(this.boxes, b => b.w), h: Float32Array.from(this.boxes, b => b.h), kind: Uint8Array.from(this.boxes, b => b.kind),
        ref: Uint32Array.from(this.boxes, b => b.ref), group: Uint32Array.from(this.boxes, b => b.group), rows: Uint8Array.from(this.boxes, b => b.rows), layer, place,
      },
      frames: {
        count: frames.length, x: Float32Array.from(frames, f => f.x), y: Float32Array.from(frames, f => f.y), w: Float32Array.from(frames, f => f.w), h: Float32Array.from(frames, f => f.h),
        group: Uint32Array.from(frames, f => f.group),
      },
      edges: edges.build(), tags: this.tags(boxX, boxY), expanded: Uint32Array.from([...this.insides.keys()].filter(g => g > 0).sort((a, b) => a - b)),
    };
  }

  private tags(x: Float32Array, y: Float32Array): Layout['tags'] {
    const list: { x: number; y: number; w: number; box: number; value: number; more: number }[] = [];
    this.boxes.forEach((b, i) => {
      const at = (k: number) => ({ x: x[i]! + b.w + METRICS.tail, y: y[i]! + 3 + k * (METRICS.tag + 2), box: i });
      b.tags.forEach((value, k) => list.push({ ...at(k), w: this.sizes.tag(value), value, more: 0 }));
      if (b.more) list.push({ ...at(b.tags.length), w: 50, value: b.tags[0]!, more: b.more });
    });
    return {
      count: list.length, x: Float32Array.from(list, t => t.x), y: Float32Array.from(list, t => t.y), w: Float32Array.from(list, t => t.w), h: new Float32Array(list.length).fill(METRICS.tag),
      box: Uint32Array.from(list, t => t.box), value: Uint32Array.from(list, t => t.value), more: Uint32Array.from(list, t => t.more),
    };
  }
}

/** Edges as they are added, then as arrays. */
class EdgeList {
  private readonly start = [0];
  private readonly points: number[] = [];
  private readonly ends: [number, number][] = [];
  private readonly flags: number[] = [];
  private readonly groups: number[] = [];
  private readonly useStart = [0];
  private readonly uses: number[] = [];

  add(points: readonly number[], from: number, to: number, flags: number, group: number, uses: readonly number[]): void {
    for (const p of points) this.points.push(p);
    this.start.push(this.points.length / 2);
    this.ends.push([from, to]);
    this.flags.push(flags);
    this.groups.push(group);
    for (const u of uses) this.uses.push(u);
    this.useStart.push(this.uses.length);
  }

  build(): Layout['edges'] {
    return {
      count: this.ends.length, start: Uint32Array.from(this.start), points: Float32Array.from(this.points), from: Int32Array.from(this.ends, e => e[0]), to: Int32Array.from(this.ends, e => e[1]),
      flags: Uint8Array.from(this.flags), group: Uint32Array.from(this.groups), useStart: Uint32Array.from(this.useStart), uses: Uint32Array.from(this.uses),
    };
  }
}

/** Forward to the right: the same drawing with its axes exchanged; the header stays at the top. */
function turned(placed: Placed, header: number): Placed {
  const swap = (points: readonly number[]) => points.map((_, i) => (i % 2 ? points[i - 1]! + header : points[i + 1]!));
  return {
    ...placed, x: placed.y, y: placed.x.map(v => v + header), width: placed.height, height: placed.width + header,
    routes: placed.routes.map(r => ({ ...r, points: swap(r.points) })),
  };
}
