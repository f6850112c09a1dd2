/** Lanes at the borders of a group, for edges over many layers. */

export interface LaneEdge {
  readonly edge: number;
  /** Edges from one vertex share a lane: one trunk that splits where it is used. */
  readonly source: number;
  /** Layers that it passes, both included. */
  readonly from: number;
  readonly to: number;
  readonly side: 'low' | 'high';
}

/** More lanes than this on one side share places. */
const MOST_LANES = 24;

export interface TakenLanes {
  readonly lanes: readonly { readonly edge: number; readonly side: 'low' | 'high'; readonly lane: number }[];
  /** Number of lanes on each side. */
  readonly low: number;
  readonly high: number;
}

/** Short ones inside, long ones outside, so that nested skips do not cross. Lane 0 is nearest to the content. */
export function takeLanes(edges: readonly LaneEdge[]): TakenLanes {
  const lanes: { edge: number; side: 'low' | 'high'; lane: number }[] = [], used = { low: 0, high: 0 };
  for (const side of ['low', 'high'] as const) {
    const trunks = new Map<number, { from: number; to: number; edges: number[] }>();
    for (const e of edges) {
      if (e.side !== side) continue;
      const trunk = trunks.get(e.source);
      if (!trunk) trunks.set(e.source, { from: e.from, to: e.to, edges: [e.edge] });
      else {
        trunk.from = Math.min(trunk.from, e.from);
        trunk.to = Math.max(trunk.to, e.to);
        trunk.edges.push(e.edge);
      }
    }
    const taken: { from: number; to: number }[][] = [];
    for (const trunk of [...trunks.values()].sort((a, b) => a.to - a.from - (b.to - b.from) || a.from - b.from)) {
      let lane = taken.findIndex(t => free(t, trunk.from, trunk.to));
      if (lane < 0) lane = taken.length < MOST_LANES ? taken.push([]) - 1 : (trunk.from + trunk.to) % MOST_LANES;
      insert(taken[lane]!, trunk);
      for (const edge of trunk.edges) lanes.push({ edge, side, lane });
    }
    used[side] = taken.length;
  }
  return { lanes, ...used };
}

/** `taken` is sorted by its begin; intervals of one lane do not overlap unless the lane is shared. */
function free(taken: readonly { readonly from: number; readonly to: number }[], from: number, to: number): boolean {
  const k = after(taken, from);
  return (k === 0 || taken[k - 1]!.to < from) && (k === taken.length || taken[k]!.from > to);
}
function after(taken: readonly { readonly from: number }[], from: number): number {
  let low = 0, high = taken.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (taken[middle]!.from < from) low = middle + 1;
    else high = middle;
  }
  return low;
}
function insert(taken: { from: number; to: number }[], item: { from: number; to: number }): void { taken.splice(after(taken, item.from), 0, item); }
