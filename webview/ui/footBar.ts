/** Measure, scale with numbers, the marks that occur in this graph, the sentence, and the zoom. */
import { MEASURES, type Measure } from '../state/measure.ts';
import type { CellState, Model } from '../state/model.ts';
import { toolButton } from './controls.ts';
import { h, put, styled, svg } from './dom.ts';
import { ICONS } from './icons.ts';
import type { Tokens } from './tokens.ts';

export interface FootEvents { zoomIn(): void; zoomOut(): void; fit(): void }

export class FootBar {
  readonly element: HTMLElement;
  private readonly legend = h('div', { class: 'legend' });
  private readonly figure = h('span', { class: 'mono figure' }, '100 %');

  constructor(events: FootEvents) {
    this.element = h('footer', { class: 'foot', 'aria-label': 'Legend and zoom' }, this.legend, h('span', { class: 'grow' }), h('span', { class: 'desc wide' }, 'Forward runs down, gradient runs up'),
      toolButton(ICONS.minus, 'Zoom Out', events.zoomOut), this.figure, toolButton(ICONS.plus, 'Zoom In', events.zoomIn), toolButton(ICONS.fit, 'Fit to Window', events.fit));
  }

  setZoom(k: number): void { this.figure.textContent = `${k < 0.1 ? (100 * k).toFixed(1) : Math.round(100 * k)} %`; }

  setLegend(measure: Measure, model: Model, tokens: Tokens): void {
    const scale = h('span', { class: 'scale', role: 'img', 'aria-label': scaleLabel(measure) });
    if (measure.id === 'change') {
      const names = ['less', '', '', 'same', '', '', 'more'], colors = [...tokens.change.slice(0, 3), tokens.surface, ...tokens.change.slice(3)];
      colors.forEach((c, i) => scale.append(styled(h('i', { class: 'wide-step' }, h('b', {}, names[i]!)), { background: c, color: i === 3 ? tokens.fg : tokens.kind === 'light' || tokens.kind === 'hcl' ? '#fff' : '#000' })));
    } else if (measure.id !== 'none') {
      for (let i = 0; i < 9; i++) scale.append(styled(h('i', {}, i % 2 === 0 && h('b', {}, measure.tick(i))), { background: tokens.steps[i]!, color: tokens.inks[i]! }));
    }
    put(this.legend, h('span', { class: 'desc' }, measure.short), measure.id !== 'none' && model.results && scale, ...marksIn(model).map(m => h('span', { class: 'mark' }, m.picture, m.label)));
  }
}

function scaleLabel(measure: Measure): string {
  const name = MEASURES.find(m => m.id === measure.id)!.label;
  return measure.id === 'change' ? 'Colour scale of change: less, same, more' : `Colour scale of ${name}, ${measure.tick(0)} to ${measure.tick(9)}`;
}

function marksIn(model: Model): { readonly label: string; readonly picture: SVGElement }[] {
  const states = new Set<CellState>();
  let stop = false, quantiser = false;
  if (model.results) for (let v = 0; v < model.valueCount; v++) states.add(model.valueState(v));
  for (let n = 0; n < model.nodeCount; n++) { stop ||= model.isStop(n); quantiser ||= model.isQuantiser(n); }
  const picture = (width: number, ...children: SVGElement[]) => svg('svg', { width, height: 14, viewBox: `0 0 ${width} 14`, 'aria-hidden': 'true' }, ...children), path = (d: string, className: string) => svg('path', { d, class: className });
  return [
    stop && { label: 'stop', picture: picture(18, path('M9 0V4', 'm-dash'), path('M1 6h16', 'm-bar'), path('M9 8v6', 'm-live')) },
    quantiser && { label: 'quantiser', picture: picture(16, path('M1 13h4V9h4V5h4V1h3', 'm-line')) },
    states.has('blocked') && { label: 'blocked', picture: picture(12, svg('rect', { x: 0.5, y: 1.5, width: 11, height: 11, rx: 2, class: 'm-box' }), path('M1 9L8 2M2 12L11 3M6 12l5-5', 'm-thin')) },
    states.has('zero') && { label: 'zero', picture: picture(12, svg('rect', { x: 0.75, y: 1.75, width: 10.5, height: 10.5, rx: 2, class: 'm-box' })) },
    states.has('nan') && { label: 'NaN', picture: picture(12, path('M2 3l8 8m0-8l-8 8', 'm-alarm')) },
    (states.has('nodiff') || states.has('dead')) && { label: 'no gradient to carry', picture: picture(18, path('M0 7H18', 'm-dots')) },
    states.has('unknown') && { label: 'not known', picture: picture(8, svg('text', { x: 0, y: 11, class: 'm-text' }, '?')) },
  ].filter((m): m is { label: string; picture: SVGSVGElement } => !!m);
}
