/** Coordinates within layers: as straight as the weights ask for, without overlaps. */

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
 * Left sides of all vertices. Each sweep gives each layer the positions nearest (weighted least squares) to where the neighbours want them: an
 * isotonic regression by pooling, exact and linear.
 */
export function positions({ layers, width, gap, pieces }: Placing, count: number): Float64Array {
  const x = new Float64Array(count), want = new Float64Array(count), weight = new Float64Array(count);
  const above = group(pieces, count, 'to'), below = group(pieces, count, 'from');
  for (const layer of layers) {
    let at = 0;
    layer.forEach((v, i) => {
      if (i) at += width[layer[i - 1]!]! + gap(layer[i - 1]!, v);
      x[v] = at;
    });
  }
  const pull = (v: number, list: readonly Piece[], up: boolean) => {
    for (const p of list) {
      const d = up ? x[p.from]! + p.fromAt - p.toAt : x[p.to]! + p.toAt - p.fromAt;
      want[v]! += d * p.weight;
      weight[v]! += p.weight;
    }
  };
  const sweep = (ups: boolean, downs: boolean, order: 1 | -1) => {
    for (let k = 0; k < layers.length; k++) {
      const layer = layers[order > 0 ? k : layers.length - 1 - k]!;
      for (const v of layer) {
        want[v] = weight[v] = 0;
        if (ups) pull(v, above[v] ?? [], true);
        if (downs) pull(v, below[v] ?? [], false);
        if (weight[v]! > 0) want[v]! /= weight[v]!;
        else { want[v] = x[v]!; weight[v] = 0.01; }
      }
      settle(layer, want, weight, width, gap, x);
    }
  };
  const rounds = count > 20_000 ? 2 : 4;
  for (let r = 0; r < rounds; r++) {
    sweep(true, false, 1);
    sweep(false, true, -1);
  }
  sweep(true, true, 1);
  sweep(true, true, -1);
  // At last chains and long lines are set straight; what hangs on nothing straight stays.
  const straighten = (order: 1 | -1) => {
    for (let k = 0; k < layers.length; k++) {
      const layer = layers[order > 0 ? k : layers.length - 1 - k]!;
      for (const v of layer) {
        want[v] = weight[v] = 0;
        pull(v, (order > 0 ? above : below)[v]?.filter(p => p.weight >= RIGID) ?? [], order > 0);
        if (weight[v]! > 0) want[v]! /= weight[v]!;
        else { want[v] = x[v]!; weight[v] = 1; }
      }
      settle(layer, want, weight, width, gap, x);
    }
  };
  straighten(1);
  straighten(-1);
  straighten(1);
  return x;
}

function group(pieces: readonly Piece[], count: number, end: 'from' | 'to'): (Piece[] | undefined)[] {
  const lists: (Piece[] | undefined)[] = Array.from({ length: count });
  for (const p of pieces) (lists[p[end]] ??= []).push(p);
  return lists;
}

/** min Σ weight (x − want)² with x[i + 1] ≥ x[i] + width[i] + gap: pool adjacent violators. */
function settle(layer: readonly number[], want: Float64Array, weight: Float64Array, width: Float64Array, gap: (a: number, b: number) => number, x: Float64Array): void {
  const n = layer.length, offset = new Float64Array(n), mean = new Float64Array(n), mass = new Float64Array(n), first = new Uint32Array(n);
  let blocks = 0;
  for (let i = 0; i < n; i++) {
    const v = layer[i]!;
    if (i) offset[i] = offset[i - 1]! + width[layer[i - 1]!]! + gap(layer[i - 1]!, v);
    mean[blocks] = want[v]! - offset[i]!;
    mass[blocks] = weight[v]!;
    first[blocks++] = i;
    while (blocks > 1 && mean[blocks - 2]! > mean[blocks - 1]!) {
      const a = blocks - 2, b = blocks - 1, m = mass[a]! + mass[b]!;
      mean[a] = (mean[a]! * mass[a]! + mean[b]! * mass[b]!) / m;
      mass[a] = m;
      blocks--;
    }
  }
  for (let b = 0; b < blocks; b++) for (let i = first[b]!; i < (b + 1 < blocks ? first[b + 1]! : n); i++) x[layer[i]!] = mean[b]! + offset[i]!;
}
