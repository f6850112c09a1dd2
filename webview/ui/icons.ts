import { svg } from './dom.ts';
import { GLYPHS } from './glyphs.ts';

/** Icons of the window's parts, on the same 16 px grid as the operators' glyphs. */
export const ICONS = {
  chevron: 'M6 4l4 4-4 4', down: 'M4 6l4 4 4-4', search: 'M11 7a4 4 0 1 1-8 0a4 4 0 1 1 8 0M10 10l3.5 3.5', target: GLYPHS.loss,
  layers: 'M8 2.5L14 6 8 9.5 2 6zM2.5 9.5L8 13l5.5-3.5', warning: 'M8 2.5L14 13.5H2zM8 6.5v3.5M8 11.8v.2', more: 'M3.5 8h.1M8 8h.1M12.5 8h.1',
  close: 'M4 4l8 8M12 4l-8 8', plus: 'M8 4v8M4 8h8', minus: 'M4 8h8', fit: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10',
  pin: 'M6 2.5h4M7 2.5v4l-2 2.5h6L9 6.5v-4M8 9v4.5', copy: 'M5.5 5.5h8v8h-8zM3 10.5H2.5v-8h8V3', stop: GLYPHS.stop, up: 'M4 10l4-4 4 4',
  check: 'M3 8.5l3 3 7-7.5', play: 'M5 3l8 5-8 5z', back: 'M13 8H3.5M7 4.5L3.5 8 7 11.5', forward: 'M3 8h9.5M9 4.5L12.5 8 9 11.5',
} as const;

export function icon(path: string, className = 'ic'): SVGSVGElement {
  return svg('svg', { class: className, viewBox: '0 0 16 16', 'aria-hidden': 'true' }, svg('path', { d: path }));
}
