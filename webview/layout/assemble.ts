/** Blocks put into each other: the flat arrays that are drawn. */
import type { DrawingGraph } from '../../extension/protocol.ts';
import type { Block, End } from './block.ts';
import { boxExtent } from './sizes.ts';
import { METRICS, type Hierarchy, type Layout } from './types.ts';
import type { Wiring } from './wiring.ts';

interface Rects { x: number[]; y: number[]; w: number[]; h: number[] }
const rects = (): Rects => ({ x: [], y: [], w: [], h: [] });
const packed = (r: Rects) => ({ x: Float32Array.from(r.x), y: Float32Array.from(r.y), w: Float32Array.from(r.w), h: Float32Array.from(r.h) });

export function assemble(graph: DrawingGraph, hierarchy: Hierarchy, wiring: Wiring, root: Block, direction: 'down' | 'right', revision: number, expanded: Uint32Array): Layout {
  const down = direction === 'down', boxes = { ...rects(), kind: [] as number[], ref: [] as number[], group: [] as number[], rows: [] as number[], layer: [] as number[], place: [] as number[] };
  const frames = { ...rects(), group: [] as number[] }, tags = { ...rects(), box: [] as number[], value: [] as number[], more: [] as number[] };
  const edges = { start: [0], points: [] as number[], from: [] as number[], to: [] as number[], flags: [] as number[], group: [] as number[], useStart: [0], uses: [] as number[] };
  const put = (r: Rects, u: number, v: number, us: number, vs: number) => {
    r.x.push(down ? u : v);
    r.y.push(down ? v : u);
    r.w.push(down ? us : vs);
    r.h.push(down ? vs : us);
  };
  const edge = (from: number, to: number, flags: number, group: number, uses: readonly number[], points: readonly number[], u: number, v: number) => {
    for (let i = 0; i < points.length; i += 2) {
      const a = points[i]! + u, b = points[i + 1]! + v;
      edges.points.push(down ? a : b, down ? b : a);
    }
    edges.start.push(edges.points.length / 2);
    edges.from.push(from);
    edges.to.push(to);
    edges.flags.push(flags);
    edges.group.push(group);
    for (const use of uses) edges.uses.push(use);
    edges.useStart.push(edges.uses.length);
  };

  const visit = (block: Block, u: number, v: number, frame: number): void => {
    const { group, items } = block, boxOf = new Int32Array(items.length).fill(-1), frameOf = new Int32Array(items.length).fill(-1), partOf = new Int32Array(items.length).fill(-1), inner: { block: Block; u: number; v: number; frame: number }[] = [];
    const open = (into: Int32Array, i: number, child: Block, cu: number, cv: number) => {
      into[i] = frames.group.length;
      put(frames, cu, cv, child.us, child.vs);
      frames.group.push(child.group);
      inner.push({ block: child, u: cu, v: cv, frame: into[i]! });
    };
    items.forEach((item, i) => {
      const iu = u + block.itemU[i]!, iv = v + block.itemV[i]!;
      if (item.open) return open(frameOf, i, item.open, iu, iv);
      const box = item.box!, b = (boxOf[i] = boxes.kind.length);
      put(boxes, iu, iv, item.boxU, item.boxV);
      boxes.kind.push(box.kind);
      boxes.ref.push(box.ref);
      boxes.group.push(group);
      boxes.rows.push(box.rows);
      boxes.layer.push(block.layer[i]!);
      boxes.place.push(block.place[i]!);
      boxExtent(box, direction).tags.forEach(({ x, y }, t) => {
        tags.x.push(boxes.x[b]! + x);
        tags.y.push(boxes.y[b]! + y);
        tags.w.push(box.tags[t]!.w);
        tags.h.push(METRICS.tag);
        tags.box.push(b);
        tags.value.push(box.tags[t]!.value);
        tags.more.push(box.tags[t]!.more);
      });
      if (item.part) {
        open(partOf, i, item.part.block, iu + item.part.u, iv + item.part.v);
        const middle = iv + METRICS.head / 2;
        edge(b, ~partOf[i]!, 0, group, ownUses(graph, hierarchy, wiring, box.ref), [iu + item.boxU, middle, iu + item.part.u, middle], 0, 0);
      }
    });
    const end = ({ item, part }: End) => (item < 0 ? ~frame : part ? ~partOf[item]! : item >= 0 && frameOf[item]! >= 0 ? ~frameOf[item]! : boxOf[item]!);
    for (const e of block.edges) edge(end(e.from), end(e.to), e.flags, group, e.uses, e.points, u, v);
    for (const child of inner) visit(child.block, child.u, child.v, child.frame);
  };
  visit(root, 0, 0, 0);

  const count = boxes.kind.length;
  return {
    revision, width: down ? root.us : root.vs, height: down ? root.vs : root.us, expanded,
    boxes: { count, ...packed(boxes), kind: Uint8Array.from(boxes.kind), ref: Uint32Array.from(boxes.ref), group: Uint32Array.from(boxes.group), rows: Uint8Array.from(boxes.rows), layer: Uint32Array.from(boxes.layer), place: Uint32Array.from(boxes.place) },
    frames: { count: frames.group.length, ...packed(frames), group: Uint32Array.from(frames.group) },
    edges: {
      count: edges.from.length, start: Uint32Array.from(edges.start), points: Float32Array.from(edges.points), from: Int32Array.from(edges.from), to: Int32Array.from(edges.to), flags: Uint8Array.from(edges.flags),
      group: Uint32Array.from(edges.group), useStart: Uint32Array.from(edges.useStart), uses: Uint32Array.from(edges.uses),
    },
    tags: { count: tags.value.length, ...packed(tags), box: Uint32Array.from(tags.box), value: Uint32Array.from(tags.value), more: Uint32Array.from(tags.more) },
  };
}

/** Uses by which a node's own backward part reads it. */
function ownUses(graph: DrawingGraph, hierarchy: Hierarchy, wiring: Wiring, node: number): number[] {
  const part = hierarchy.backward[node]!, uses: number[] = [];
  for (let i = hierarchy.first[part]!; i < hierarchy.last[part]!; i++) for (const u of wiring.usesOfNode(hierarchy.order[i]!)) if (graph.values.producer[graph.uses.value[u]!] === node) uses.push(u);
  return uses;
}
