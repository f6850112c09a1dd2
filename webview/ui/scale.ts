/**
 * The colour scale: nine discrete steps, half a decade each, or a whole decade if the norms span more than 4.5 decades.
 * The top step holds the largest finite norm; what lies beyond the ends takes the end's step.
 */
import { number } from './format.ts';

export const STEPS = 9;

export interface Scale {
  /** log10 of the low end of step 0. */
  readonly low: number;
  /** Decades a step. */
  readonly step: number;
}

export const DEFAULT_SCALE: Scale = { low: -3, step: 0.5 };

/** The domain for these norms; fixed per file and target, so that nothing recolours when something is folded. */
export function scaleFor(norms: ArrayLike<number>): Scale {
  let min = Infinity, max = 0;
  for (let i = 0; i < norms.length; i++) {
    const v = norms[i]!;
    if (v > 0 && v < Infinity) { if (v < min) min = v; if (v > max) max = v; }
  }
  if (!max) return DEFAULT_SCALE;
  const decades = Math.log10(max / min), step = decades > 4.5 ? 1 : 0.5;
  const top = Math.ceil(Math.log10(max) / step + 1e-9) * step;
  return { low: top - STEPS * step, step };
}

export function level(scale: Scale, norm: number): number {
  return Math.max(0, Math.min(STEPS - 1, Math.floor((Math.log10(norm) - scale.low) / scale.step)));
}

/** Width of an edge in px: 1.25 … 6 by the same number as the colour. */
export function strokeWidth(scale: Scale, norm: number): number {
  const t = (Math.log10(norm) - scale.low) / (scale.step * STEPS);
  return 1.25 + 4.75 * Math.max(0, Math.min(1, t));
}

/** Low end of a step as text, for the legend. */
export function tick(scale: Scale, step: number): string {
  const v = Number((10 ** (scale.low + scale.step * step)).toPrecision(3));
  return v >= 1000 ? v.toExponential(0).replace('e+', 'e') : number(v);
}

/** Change of a norm in steps of ×1.1, ×2, ×10: −3 (much less) … 3 (much more); 0 is within 1 % or less than ×1.1. */
export function changeStep(before: number, after: number): number {
  const ratio = after / before, size = ratio >= 1 ? ratio : 1 / ratio;
  const step = size >= 10 ? 3 : size >= 2 ? 2 : size >= 1.1 || size > 1.01 ? 1 : 0;
  return ratio >= 1 ? step : -step;
}
