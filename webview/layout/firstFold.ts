/** What is open when a file is opened: everything of a small graph, else what people look for, never more than 60 cards. */
import { NodeMark, STATUSES, type DrawingGraph, type DrawingResults } from '../../extension/protocol.ts';
import { GroupKind, type Hierarchy } from './types.ts';

const MOST_CARDS = 60;
const COMPUTED = STATUSES.indexOf('computed');

export function firstFold(graph: DrawingGraph, hierarchy: Hierarchy, target: number, results: DrawingResults | undefined): number[] {
  const { parent, kind, childStart, count } = hierarchy, open = new Set<number>([0]), direct = new Uint32Array(count);
  for (const g of hierarchy.groupOf) direct[g]!++;
  const children = (g: number) => Array.from(hierarchy.children.subarray(childStart[g], childStart[g + 1])).filter(c => kind[c] !== GroupKind.backward);
  let cards = direct[0]! + children(0).length;
  /** Opens a group and what is around it, if the cards stay few enough. */
  const tryOpen = (group: number): void => {
    const path: number[] = [];
    for (let g = group; g > 0 && !open.has(g); g = parent[g]!) path.unshift(g);
    const more = path.reduce((sum, g) => sum + direct[g]! + children(g).length - 1, 0);
    if (cards + more > MOST_CARDS) return;
    cards += more;
    for (const g of path) open.add(g);
  };
  const loss = target >= 0 ? graph.values.producer[target]! : -1;
  if (loss >= 0) tryOpen(hierarchy.groupOf[loss]!);
  const interesting = new Set<number>();
  graph.nodes.mark.forEach((mark, n) => mark & (NodeMark.stopGradient | NodeMark.preventGradient | NodeMark.fakeQuant) && interesting.add(hierarchy.groupOf[n]!));
  results?.valueStatus.forEach((status, v) => {
    const node = graph.values.producer[v]!;
    if (status === COMPUTED && !Number.isFinite(results.valueNorm[v]!) && node >= 0) interesting.add(hierarchy.groupOf[node]!);
  });
  for (const g of interesting) tryOpen(g);
  // What is left of the room goes to the groups near the root first; a repeat says more folded.
  const queue = children(0);
  for (let head = 0; head < queue.length && cards < MOST_CARDS && head < 4 * MOST_CARDS; head++) {
    const g = queue[head]!;
    if (kind[g] === GroupKind.repeat) continue;
    tryOpen(g);
    if (open.has(g)) queue.push(...children(g));
  }
  return [...open].filter(g => g > 0);
}
