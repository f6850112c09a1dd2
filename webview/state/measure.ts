/** What the colour says: the measures of "Colour ▾", each with its own domain, fixed for a file and target. */
import { STATUSES } from '../../extension/protocol.ts';
import { number } from '../ui/format.ts';
import { changeStep, level, scaleFor, STEPS, tick, type Scale } from '../ui/scale.ts';
import type { Model } from './model.ts';

export type MeasureId = 'norm' | 'rms' | 'largest' | 'zeroShare' | 'ratio' | 'forward' | 'change' | 'none';

export const MEASURES: readonly { readonly id: MeasureId; readonly label: string }[] = [
  { id: 'norm', label: 'Gradient L2 norm' }, { id: 'rms', label: 'RMS per element' }, { id: 'largest', label: 'Largest |g|' }, { id: 'zeroShare', label: 'Zero share' },
  { id: 'ratio', label: 'Gradient ÷ value' }, { id: 'forward', label: 'Forward norm' }, { id: 'change', label: 'Change' }, { id: 'none', label: 'None' },
];

/** Name of the measure in the foot bar. */
const SHORT: Readonly<Record<MeasureId, string>> = {
  norm: 'L2 norm', rms: 'RMS', largest: 'Largest |g|', zeroShare: 'Zero share', ratio: 'Gradient ÷ value', forward: 'Forward norm', change: 'Change', none: 'No colour',
};

export interface Measure {
  readonly id: MeasureId;
  readonly short: string;
  readonly scale: Scale;
  /** The figure of a value, NaN where there is none. */
  of(value: number): number;
  /** Step 0 … 8 of a figure; for Change −3 … 3. */
  step(figure: number): number;
  text(figure: number): string;
  /** Text at the low end of a step in the legend. */
  tick(step: number): string;
}

export function measureOf(id: MeasureId, model: Model): Measure {
  const r = model.results, w = model.whatIf;
  const figures: Record<MeasureId, (v: number) => number> = {
    norm: v => r?.valueNorm[v] ?? NaN,
    rms: v => (r ? r.valueNorm[v]! / Math.sqrt(r.valueCount[v]! || 1) : NaN),
    largest: v => r?.valueAbsMax[v] ?? NaN,
    zeroShare: v => r?.valueZeroShare[v] ?? NaN,
    ratio: v => (r && r.forwardNorm[v]! > 0 ? r.valueNorm[v]! / r.forwardNorm[v]! : NaN),
    forward: v => r?.forwardNorm[v] ?? NaN,
    // Infinity: there was no gradient before.
    change: v => (!r || !w ? NaN : STATUSES[w.statusBefore[v]!] === 'computed' && w.normBefore[v]! > 0 ? r.valueNorm[v]! / w.normBefore[v]! : Infinity),
    none: () => NaN,
  };
  const of = figures[id];
  if (id === 'zeroShare') {
    return { id, short: SHORT[id], of, scale: { low: 0, step: 0 }, step: f => Math.max(0, Math.min(STEPS - 1, Math.floor(f * STEPS))), text: f => `${Math.round(f * 100)} %`, tick: s => `${Math.round((100 * s) / STEPS)} %` };
  }
  if (id === 'change') {
    return { id, short: SHORT[id], of, scale: { low: 0, step: 0 }, step: f => changeStep(1, f), text: f => (f === Infinity ? 'new' : Math.abs(f - 1) <= 0.01 ? '×1' : `×${number(f)}`), tick: () => '' };
  }
  const all = new Float64Array(id === 'none' ? 0 : model.valueCount);
  for (let v = 0; v < all.length; v++) all[v] = model.valueState(v) === 'ok' || id === 'forward' ? of(v) : NaN;
  const scale = scaleFor(all);
  return { id, short: SHORT[id], of, scale, step: f => level(scale, f), text: number, tick: s => tick(scale, s) };
}
