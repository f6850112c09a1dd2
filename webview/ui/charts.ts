/** Small pictures in the page: a value's cell, its histogram, and the bar of its elements by sign. Sizes and shapes as in the drawing. */
import type { Histogram, Summary } from '../../extension/protocol.ts';
import type { CellState } from '../state/model.ts';
import { h, styled, svg } from './dom.ts';
import { integer } from './format.ts';
import { GLYPHS, type Glyph } from './glyphs.ts';
import { level, type Scale } from './scale.ts';
import type { Tokens } from './tokens.ts';

/** Once in a page: the hatch that cells refer to. */
export function hatchDefs(): SVGSVGElement {
  return styled(svg('svg', { width: 0, height: 0, 'aria-hidden': 'true' }, svg('defs', {}, svg('pattern', { id: 'adj-hatch', width: 5, height: 5, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
    svg('rect', { width: 5, height: 5, class: 'c-bg' }), svg('path', { d: 'M0 0V5', class: 'c-line' })))), { position: 'absolute' });
}

/** What is needed to colour a norm: the domain of the file and the theme's inks. */
export interface Colours { readonly scale: Scale; readonly tokens: Tokens }

export function fillOf({ scale, tokens }: Colours, norm: number): { readonly fill: string; readonly ink: string } {
  const step = level(scale, norm);
  return { fill: tokens.steps[step]!, ink: tokens.inks[step]! };
}

/** Filled, hollow, hatched, red, or empty with a question mark; `glyph` inside, unless it is a small one. */
export function chip(colours: Colours, state: CellState, norm: number, glyph?: Glyph, size = 26): SVGSVGElement {
  const box = (className: string, inset: number) => svg('rect', { x: inset, y: inset, width: size - 2 * inset, height: size - 2 * inset, rx: size > 16 ? 3 : 2, class: className });
  const parts: (SVGElement | undefined)[] = [];
  let ink = 'var(--adj-fg)';
  if (state === 'ok') { const c = fillOf(colours, norm); ink = c.ink; parts.push(styled(box('', 0), { fill: c.fill })); }
  else if (state === 'nan') { ink = '#000'; parts.push(box('c-alarm', 0)); if (!glyph) parts.push(styled(svg('path', { d: `M${size * 0.25} ${size * 0.25}L${size * 0.75} ${size * 0.75}M${size * 0.75} ${size * 0.25}L${size * 0.25} ${size * 0.75}` }), { stroke: '#000', 'stroke-width': '1.5' })); }
  else if (state === 'zero') parts.push(box('c-hollow', 0.5));
  else if (state === 'blocked' || state === 'dead') parts.push(box('c-hatch', 0.5));
  else if (state === 'unknown' && !glyph) parts.push(styled(box('c-hollow', 0.5), { 'stroke-dasharray': '2 2' }));
  if (glyph && state !== 'dead') {
    const at = `translate(${(size - 16) / 2} ${(size - 16) / 2})`, d = GLYPHS[glyph];
    if (state === 'blocked') parts.push(svg('path', { d, class: 'glyph halo', transform: at }));
    parts.push(styled(svg('path', { d, class: 'glyph', transform: at }), { stroke: ink }));
  }
  return styled(svg('svg', { width: size, height: size, viewBox: `0 0 ${size} ${size}`, 'aria-hidden': 'true' }, ...parts), { flex: 'none' });
}

/** Bars as the square root of the counts, so that rare elements can be seen. `signed`: blue below zero, orange above. */
export function histogram(data: Histogram, width: number, height: number, signed: boolean): SVGSVGElement {
  const { counts, low, high } = data, most = Math.max(...counts, 1), w = width / counts.length;
  const bars = counts.map((c, i) => {
    if (!c) return undefined;
    const bar = Math.max(1, Math.sqrt(c / most) * (height - 1)), middle = low + ((i + 0.5) * (high - low)) / counts.length;
    return svg('rect', { x: i * w + 0.4, y: height - bar, width: Math.max(0.6, w - 0.8), height: bar, class: !signed || low === high ? 'c-none' : middle < 0 ? 'c-neg' : 'c-pos' });
  });
  return svg('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `Histogram from ${low.toPrecision(3)} to ${high.toPrecision(3)}, most in a bar ${integer(most)}` }, ...bars, svg('path', { d: `M0 ${height - 0.5}H${width}`, class: 'c-base' }));
}

/** Shares of the elements: NaN or Inf at least 5 px, then negative, zero, positive; without a histogram the signs are not known. */
export function pill(summary: Pick<Summary, 'count' | 'nan' | 'inf' | 'zero'>, signs: Pick<Histogram, 'negative' | 'positive'> | undefined, width: number, height = 8): SVGSVGElement {
  const bad = summary.nan + summary.inf, parts: [count: number, className: string][] = signs
    ? [[bad, 'c-alarm'], [signs.negative, 'c-neg'], [summary.zero, 'c-hollow'], [signs.positive, 'c-pos']]
    : [[bad, 'c-alarm'], [summary.zero, 'c-hollow'], [summary.count - bad - summary.zero, 'c-none']];
  const label = signs ? `NaN or Inf ${integer(bad)}, negative ${integer(signs.negative)}, zero ${integer(summary.zero)}, positive ${integer(signs.positive)}` : `NaN or Inf ${integer(bad)}, zero ${integer(summary.zero)}, not zero ${integer(summary.count - bad - summary.zero)}`;
  const picture = svg('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label });
  let x = 0;
  for (const [count, className] of parts) {
    if (!count) continue;
    const w = Math.min(width - x, Math.max(className === 'c-alarm' ? 5 : 1, (width * count) / summary.count)), hollow = className === 'c-hollow';
    picture.append(hollow ? svg('rect', { x: x + 0.5, y: 0.5, width: Math.max(0, w - 1), height: height - 1, class: className }) : svg('rect', { x, y: 0, width: Math.max(0, w - 0.75), height, class: className }));
    x += w;
  }
  return picture;
}

/** A bar whose length is the logarithm of a norm within the scale. */
export function normBar(colours: Colours, norm: number): HTMLElement {
  const { scale } = colours, share = (Math.log10(norm) - scale.low) / (9 * scale.step);
  return h('span', { class: 'bar', 'aria-hidden': 'true' }, norm > 0 && Number.isFinite(norm) && styled(h('i'), { width: `${Math.max(4, Math.min(100, 100 * share))}%`, background: fillOf(colours, norm).fill }));
}
