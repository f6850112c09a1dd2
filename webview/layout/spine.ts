/** The main path: from the target always to the use that carries most, without results to the first. */
import { VALUE_KINDS, type DrawingGraph, type DrawingResults } from '../../extension/protocol.ts';
import { usesByNode } from './hierarchy.ts';

const INPUT = VALUE_KINDS.indexOf('input');

/** @returns 1 for each use on the path */
export function spineOf(graph: DrawingGraph, target: number, results: DrawingResults | undefined): Uint8Array {
  const spine = new Uint8Array(graph.uses.value.length), { start, list } = usesByNode(graph), { producer, kind } = graph.values;
  const seen = new Set<number>();
  for (let value = target >= 0 ? target : (graph.outputs[0] ?? -1); value >= 0 && producer[value]! >= 0 && !seen.has(value);) {
    seen.add(value);
    const node = producer[value]!;
    let best = -1, most = -1;
    for (let k = start[node]!; k < start[node + 1]!; k++) {
      const u = list[k]!, v = graph.uses.value[u]!;
      if (producer[v]! < 0 && kind[v] !== INPUT) continue;
      const norm = results ? (Number.isNaN(results.useNorm[u]!) ? Infinity : results.useNorm[u]!) : 0;
      if (norm > most) [best, most] = [u, norm];
    }
    if (best < 0) break;
    spine[best] = 1;
    value = graph.uses.value[best]!;
  }
  return spine;
}
