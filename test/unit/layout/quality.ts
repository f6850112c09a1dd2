/** What is measured of a layout: overlaps, lines through boxes, crossings. */
import type { DrawingGraph } from '../../../extension/protocol.ts';
import { BoxKind, type Layout } from '../../../webview/layout/types.ts';

interface Piece { readonly edge: number; readonly x0: number; readonly y0: number; readonly x1: number; readonly y1: number }

export function pieces({ edges }: Layout): Piece[] {
  const list: Piece[] = [];
  for (let e = 0; e < edges.count; e++)
    for (let p = edges.start[e]!; p + 1 < edges.start[e + 1]!; p++) list.push({ edge: e, x0: edges.points[2 * p]!, y0: edges.points[2 * p + 1]!, x1: edges.points[2 * p + 2]!, y1: edges.points[2 * p + 3]! });
  return list;
}

/** Pairs of boxes (tags with them) that share area, and boxes that stick out of the frame of their group. */
export function overlaps(layout: Layout): string[] {
  const { boxes: b, tags: t, frames: f } = layout, rects: { x: number; y: number; w: number; h: number; name: string }[] = [], bad: string[] = [];
  for (let i = 0; i < b.count; i++) rects.push({ x: b.x[i]!, y: b.y[i]!, w: b.w[i]!, h: b.h[i]!, name: `box ${i}` });
  for (let i = 0; i < t.count; i++) rects.push({ x: t.x[i]!, y: t.y[i]!, w: t.w[i]!, h: t.h[i]!, name: `tag ${i}` });
  sweep(rects, (p, q) => bad.push(`${p.name} and ${q.name}`));
  const frameOf = new Map(Array.from(f.group, (g, i) => [g, i]));
  for (let i = 0; i < b.count; i++) {
    const k = frameOf.get(b.group[i]!);
    if (b.group[i] === 0 || k === undefined) continue;
    if (b.x[i]! < f.x[k]! || b.y[i]! < f.y[k]! || b.x[i]! + b.w[i]! > f.x[k]! + f.w[k]! || b.y[i]! + b.h[i]! > f.y[k]! + f.h[k]!) bad.push(`box ${i} outside of frame ${k}`);
  }
  for (let i = 0; i < f.count; i++) for (let j = i + 1; j < f.count && f.count < 500; j++) {
    const apart = f.x[i]! + f.w[i]! <= f.x[j]! || f.x[j]! + f.w[j]! <= f.x[i]! || f.y[i]! + f.h[i]! <= f.y[j]! || f.y[j]! + f.h[j]! <= f.y[i]!;
    const inside = f.x[j]! >= f.x[i]! && f.y[j]! >= f.y[i]! && f.x[j]! + f.w[j]! <= f.x[i]! + f.w[i]! && f.y[j]! + f.h[j]! <= f.y[i]! + f.h[i]!;
    if (!apart && !inside) bad.push(`frame ${i} and frame ${j}`);
  }
  return bad;
}

function sweep<R extends { readonly x: number; readonly y: number; readonly w: number; readonly h: number }>(rects: R[], hit: (a: R, b: R) => void): void {
  rects.sort((a, b) => a.y - b.y);
  let active: R[] = [];
  for (const r of rects) {
    active = active.filter(a => a.y + a.h > r.y);
    for (const a of active) if (a.x < r.x + r.w && r.x < a.x + a.w) hit(a, r);
    active.push(r);
  }
}

/** Boxes that a line passes through, other than those at its ends; a slanted piece counts with the rectangle that its curve keeps to. */
export function linesThroughBoxes(layout: Layout): string[] {
  const { boxes: b, edges } = layout, bad: string[] = [], cells = new Map<string, number[]>(), SIZE = 200;
  const each = (x0: number, y0: number, x1: number, y1: number, visit: (key: string) => void) => {
    for (let i = Math.floor(x0 / SIZE); i <= Math.floor(x1 / SIZE); i++) for (let j = Math.floor(y0 / SIZE); j <= Math.floor(y1 / SIZE); j++) visit(`${i},${j}`);
  };
  for (let i = 0; i < b.count; i++) each(b.x[i]!, b.y[i]!, b.x[i]! + b.w[i]!, b.y[i]! + b.h[i]!, key => cells.set(key, [...(cells.get(key) ?? []), i]));
  for (const p of pieces(layout)) {
    const x0 = Math.min(p.x0, p.x1), x1 = Math.max(p.x0, p.x1), y0 = Math.min(p.y0, p.y1), y1 = Math.max(p.y0, p.y1), seen = new Set<number>();
    each(x0, y0, x1, y1, key => {
      for (const i of cells.get(key) ?? []) {
        if (seen.has(i) || i === edges.from[p.edge] || i === edges.to[p.edge]) continue;
        seen.add(i);
        if (x1 > b.x[i]! && x0 < b.x[i]! + b.w[i]! && y1 > b.y[i]! && y0 < b.y[i]! + b.h[i]!) bad.push(`edge ${p.edge} through box ${i}`);
      }
    });
  }
  return bad;
}

/** Pairs of lines that cross, ends in common left out. `lines`: polylines as x, y pairs. */
export function crossings(lines: readonly (readonly number[])[]): number {
  const list: Piece[] = [];
  lines.forEach((line, edge) => { for (let i = 0; i + 3 < line.length; i += 2) list.push({ edge, x0: line[i]!, y0: line[i + 1]!, x1: line[i + 2]!, y1: line[i + 3]! }); });
  list.sort((a, b) => Math.min(a.y0, a.y1) - Math.min(b.y0, b.y1));
  const crossed = new Set<number>();
  let active: Piece[] = [];
  for (const p of list) {
    const top = Math.min(p.y0, p.y1);
    active = active.filter(a => Math.max(a.y0, a.y1) > top);
    for (const a of active) if (a.edge !== p.edge && meet(a, p)) crossed.add(Math.min(a.edge, p.edge) * lines.length + Math.max(a.edge, p.edge));
    active.push(p);
  }
  return crossed.size;
}
function side(p: Piece, x: number, y: number): number { return Math.sign((p.x1 - p.x0) * (y - p.y0) - (p.y1 - p.y0) * (x - p.x0)); }
function meet(p: Piece, q: Piece): boolean {
  return side(p, q.x0, q.y0) * side(p, q.x1, q.y1) < 0 && side(q, p.x0, p.y0) * side(q, p.x1, p.y1) < 0;
}
export function linesOf({ edges }: Layout): number[][] {
  return Array.from({ length: edges.count }, (_, e) => Array.from(edges.points.subarray(2 * edges.start[e]!, 2 * edges.start[e + 1]!)));
}

/** The same nodes and lines as dagre draws them, without groups: its own measure of the same graph. */
export function dagreLines(dagre: typeof import('@dagrejs/dagre').default, graph: DrawingGraph, { boxes }: Layout, tagged: Uint8Array): number[][] {
  const g = new dagre.graphlib.Graph();
  g.setGraph({ nodesep: 16, ranksep: 18 });
  g.setDefaultEdgeLabel(() => ({}));
  for (let b = 0; b < boxes.count; b++) g.setNode(boxes.kind[b] === BoxKind.input ? `v${boxes.ref[b]!}` : `n${boxes.ref[b]!}`, { width: boxes.w[b]!, height: boxes.h[b]! });
  graph.uses.value.forEach((value, use) => {
    const producer = graph.values.producer[value]!, from = producer >= 0 ? `n${producer}` : `v${value}`, to = `n${graph.uses.node[use]!}`;
    if (!tagged[use] && g.hasNode(from) && g.hasNode(to)) g.setEdge(from, to, {});
  });
  dagre.layout(g);
  return g.edges().map(e => (g.edge(e) as { points: { x: number; y: number }[] }).points.flatMap(p => [p.x, p.y]));
}
