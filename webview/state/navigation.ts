/** Where the arrow keys lead in the drawing that is shown: along edges, and to neighbours in the same layer. */
import type { Layout } from '../layout/types.ts';
import { edgeLook } from '../drawing/edges.ts';
import { targetOf, type Scene, type Target } from '../drawing/scene.ts';

/** Boxes at the other end, largest contribution first. An edge that ends at a frame leads to the boxes that go on from there. */
export function along(scene: Scene, box: number, way: 'uses' | 'producers'): number[] {
  const { edges } = scene.layout, mine = way === 'uses' ? edges.from : edges.to, other = way === 'uses' ? edges.to : edges.from, best = new Map<number, number>(), seen = new Set<number>();
  const visit = (end: number, uses: ReadonlySet<number> | undefined) => {
    for (let e = 0; e < edges.count; e++) {
      if (mine[e] !== end || seen.has(e)) continue;
      const carried = Array.from(edges.uses.subarray(edges.useStart[e], edges.useStart[e + 1]));
      if (uses && !carried.some(u => uses.has(u))) continue;
      seen.add(e);
      const next = other[e]!, look = edgeLook(scene, e), weight = look.state === 'nan' ? Infinity : look.norm;
      if (next >= 0) best.set(next, Math.max(best.get(next) ?? -1, weight));
      else visit(next, new Set(carried));
    }
  };
  visit(box, undefined);
  return [...best].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([b]) => b);
}

export function beside(layout: Layout, box: number, step: -1 | 1): number {
  const { boxes: b } = layout;
  for (let i = 0; i < b.count; i++) if (b.group[i] === b.group[box] && b.layer[i] === b.layer[box] && b.place[i] === b.place[box]! + step) return i;
  return -1;
}

/** The uppermost, leftmost box; the loss, else the last box. */
export function first(layout: Layout): number {
  let best = -1;
  for (let i = 0; i < layout.boxes.count; i++) if (best < 0 || layout.boxes.y[i]! < layout.boxes.y[best]! || (layout.boxes.y[i] === layout.boxes.y[best] && layout.boxes.x[i]! < layout.boxes.x[best]!)) best = i;
  const input = layout.boxes.kind.indexOf(3);
  return input >= 0 ? input : best;
}
export function last(layout: Layout): number {
  const loss = layout.boxes.kind.indexOf(4);
  return loss >= 0 ? loss : layout.boxes.count - 1;
}

export function targets(layout: Layout, boxes: readonly number[]): Target[] { return boxes.map(b => targetOf(layout, b)); }
