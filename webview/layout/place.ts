/** Coordinates within layers: as straight as the weights ask for, without overlaps. */
import { adjacency, type Adjacency } from './order.ts';

/** A vertex of a column: where it begins, how wide it is, and what stands beside it. */
export interface Placing {
  readonly layers: readonly (readonly number[])[];
  readonly width: Float64Array;
  /** Free space that two neighbours keep. */
  gap(left: number, right: number): number;
  /** Pieces between neighbouring layers, with the points of attachment from each vertex's left side. */
  readonly pieces: readonly Piece[];
}
export interface Piece {
  readonly from: number;
  readonly to: number;
  readonly fromAt: number;
  readonly toAt: number;
  readonly weight: number;
}

/** Pieces of this weight are straight wherever there is room. */
const RIGID = 8;

/**
 * Left sides of all vertices of the layers, written to `x` by vertex. Each sweep gives each layer the positions nearest (weighted least squares) to
 * where the neighbours want them: an isotonic regression by pooling, exact and linear.
 */
export function positions({ layers, width, gap, pieces }: Placing, x: Float64Array): void {
  const flat: number[] = [], first = [0], local = new Map<number, number>();
  for (const layer of layers) {
    for (const v of layer) local.set(v, flat.push(v) - 1);
    first.push(flat.length);
  }
  // Places in one row of all layers; `room[i]`: least distance to the left neighbour in the same layer.
  const n = flat.length, at = new Float64Array(n), room = new Float64Array(n), want = new Float64Array(n), weight = new Float64Array(n);
  for (let l = 0; l < layers.length; l++)
    for (let i = first[l]! + 1; i < first[l + 1]!; i++) {
      room[i] = width[flat[i - 1]!]! + gap(flat[i - 1]!, flat[i]!);
      at[i] = at[i - 1]! + room[i]!;
    }
  const from = Uint32Array.from(pieces, p => local.get(p.from)!), to = Uint32Array.from(pieces, p => local.get(p.to)!), numbers = Uint32Array.from(pieces.keys()), above = adjacency(n, to, numbers), below = adjacency(n, from, numbers);
  const pull = (i: number, { start, list }: Adjacency, up: boolean, least: number) => {
    for (let k = start[i]!; k < start[i + 1]!; k++) {
      const p = pieces[list[k]!]!;
      if (p.weight < least) continue;
      want[i]! += p.weight * (up ? at[from[list[k]!]!]! + p.fromAt - p.toAt : at[to[list[k]!]!]! + p.toAt - p.fromAt);
      weight[i]! += p.weight;
    }
  };
  const pools = { mean: new Float64Array(n), mass: new Float64Array(n), first: new Uint32Array(n), offset: new Float64Array(n) };
  /** `alone`: weight of staying where it is, for what nothing pulls. */
  const sweep = (ups: boolean, downs: boolean, order: 1 | -1, least: number, alone: number) => {
    for (let k = 0; k < layers.length; k++) {
      const l = order > 0 ? k : layers.length - 1 - k;
      for (let i = first[l]!; i < first[l + 1]!; i++) {
        want[i] = weight[i] = 0;
        if (ups) pull(i, above, true, least);
        if (downs) pull(i, below, false, least);
        if (weight[i]! > 0) want[i]! /= weight[i]!;
        else { want[i] = at[i]!; weight[i] = alone; }
      }
      settle(first[l]!, first[l + 1]!, want, weight, room, at, pools);
    }
  };
  for (let r = n > 20_000 ? 2 : 4; r > 0; r--) {
    sweep(true, false, 1, 0, 0.01);
    sweep(false, true, -1, 0, 0.01);
  }
  sweep(true, true, 1, 0, 0.01);
  sweep(true, true, -1, 0, 0.01);
  // At last chains and long lines are set straight; what hangs on nothing straight stays.
  sweep(true, false, 1, RIGID, 1);
  sweep(false, true, -1, RIGID, 1);
  sweep(true, false, 1, RIGID, 1);
  for (let i = 0; i < n; i++) x[flat[i]!] = at[i]!;
}

interface Pools { readonly mean: Float64Array; readonly mass: Float64Array; readonly first: Uint32Array; readonly offset: Float64Array }

/** min Σ weight (at − want)² with at[i] ≥ at[i − 1] + room[i], for begin ≤ i < end: pool adjacent violators. */
function settle(begin: number, end: number, want: Float64Array, weight: Float64Array, room: Float64Array, at: Float64Array, { mean, mass, first, offset }: Pools): void {
  let blocks = 0;
  for (let i = begin; i < end; i++) {
    offset[i] = i > begin ? offset[i - 1]! + room[i]! : 0;
    mean[blocks] = want[i]! - offset[i]!;
    mass[blocks] = weight[i]!;
    first[blocks++] = i;
    while (blocks > 1 && mean[blocks - 2]! > mean[blocks - 1]!) {
      const a = blocks - 2, b = blocks - 1, m = mass[a]! + mass[b]!;
      mean[a] = (mean[a]! * mass[a]! + mean[b]! * mass[b]!) / m;
      mass[a] = m;
      blocks--;
    }
  }
  for (let b = 0; b < blocks; b++) for (let i = first[b]!; i < (b + 1 < blocks ? first[b + 1]! : end); i++) at[i] = mean[b]! + offset[i]!;
}
