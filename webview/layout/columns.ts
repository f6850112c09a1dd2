/** A drawing that is taller than the window is broken into columns where few edges are cut. */
import { METRICS } from './types.ts';

/** Layers from … to − 1. */
export interface Range { readonly from: number; readonly to: number }

const MOST_CUT = 2;

export function columnsOf({ layers, thickness, edges, widest, window, first, last }: {
  readonly layers: number;
  readonly thickness: ArrayLike<number>;
  /** Layers of the two ends of each edge. */
  readonly edges: readonly (readonly [number, number])[];
  readonly widest: number;
  /** Part of the window along and across the data at the scale of reading. */
  readonly window: { readonly us: number; readonly vs: number };
  /** Layers that hold items: ports before and after stay with them. */
  readonly first: number;
  readonly last: number;
}): readonly Range[] {
  const whole = [{ from: 0, to: layers }], height = new Float64Array(layers + 1);
  for (let l = 0; l < layers; l++) height[l + 1] = height[l]! + thickness[l]! + METRICS.gap;
  const total = height[layers]!, fits = Math.floor((window.us + METRICS.gutter) / (widest + METRICS.gutter));
  if (total <= window.vs || window.vs <= 0 || last - first < 4) return whole;
  let wanted = Math.ceil(total / window.vs);
  // Too long for columns side by side in the window: as many as give the drawing the window's shape.
  if (wanted > fits) wanted = Math.max(fits, Math.round(Math.sqrt((total * window.us) / ((widest + METRICS.gutter) * window.vs))));
  if (wanted < 2) return whole;
  const crossing = new Int32Array(layers + 2);
  for (const [a, b] of edges) if (b > a) { crossing[a + 1]!++; crossing[b + 1]!--; }
  for (let l = 1; l <= layers; l++) crossing[l]! += crossing[l - 1]!;
  const ranges: Range[] = [], part = total / wanted;
  let from = 0, at = first + 1;
  while (total - height[from]! > 1.35 * part) {
    let best = -1;
    while (at < last && height[at]! - height[from]! < 0.6 * part) at++;
    for (let l = at; l < last && (height[l]! - height[from]! <= 1.3 * part || best < 0); l++) {
      if (crossing[l]! > MOST_CUT) continue;
      if (best < 0 || crossing[l]! < crossing[best]! || (crossing[l] === crossing[best] && Math.abs(height[l]! - height[from]! - part) < Math.abs(height[best]! - height[from]! - part))) best = l;
    }
    if (best < 0) break;
    ranges.push({ from, to: best });
    from = best;
    at = best + 1;
  }
  ranges.push({ from, to: layers });
  return ranges;
}
