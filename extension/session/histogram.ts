import type { Histogram } from '../protocol.ts';

const BINS = 40;

/** Counts of the finite elements between their least and their largest in 40 equal steps; one step where all are equal. */
export function histogramOf(elements: ArrayLike<number>): Histogram {
  let low = Infinity, high = -Infinity, negative = 0, positive = 0;
  for (let i = 0; i < elements.length; i++) {
    const x = elements[i]!;
    if (!Number.isFinite(x)) continue;
    if (x < low) low = x;
    if (x > high) high = x;
    if (x < 0) negative++;
    else if (x > 0) positive++;
  }
  if (low > high) return { low: 0, high: 0, counts: [], negative, positive };
  const bins = low === high ? 1 : BINS, counts = new Array<number>(bins).fill(0), scale = bins / (high - low || 1);
  for (let i = 0; i < elements.length; i++) {
    const x = elements[i]!;
    if (Number.isFinite(x)) counts[Math.min(bins - 1, Math.floor((x - low) * scale))]!++;
  }
  return { low, high, counts, negative, positive };
}
