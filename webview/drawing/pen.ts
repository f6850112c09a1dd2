import type { Tokens } from '../ui/tokens.ts';
import { GLYPHS, type Glyph } from '../ui/glyphs.ts';
import { cutMiddle } from '../ui/format.ts';
import type { Pen } from './scene.ts';

const paths = new Map<Glyph, Path2D>();
const data = new WeakMap<Path2D, string>();

/** What a glyph's path was made of, for a pen that writes text. */
export function pathData(path: Path2D): string { return data.get(path) ?? ''; }

/** A glyph on its 16 px grid with its upper left corner at (x, y). */
export function drawGlyph(pen: Pen, glyph: Glyph, x: number, y: number, ink: string, width = 1.4): void {
  let path = paths.get(glyph);
  if (!path) { paths.set(glyph, (path = new Path2D(GLYPHS[glyph]))); data.set(path, GLYPHS[glyph]); }
  pen.save();
  pen.translate(x, y);
  pen.strokeStyle = ink;
  pen.lineWidth = width;
  pen.lineCap = pen.lineJoin = 'round';
  pen.stroke(path);
  pen.restore();
}

export function roundRect(pen: Pen, x: number, y: number, w: number, h: number, r: number | number[]): void {
  pen.beginPath();
  pen.roundRect(x, y, w, h, r);
}

let hatchFor: { tokens: Tokens; pattern: CanvasPattern } | undefined;

/** Diagonal lines, 5 px apart: blocked, or not on a path. */
export function hatch(pen: Pen, tokens: Tokens): CanvasPattern {
  if (hatchFor?.tokens === tokens) return hatchFor.pattern;
  const size = 14, tile = new OffscreenCanvas(size, size), p = tile.getContext('2d')!;
  p.fillStyle = tokens.bg;
  p.fillRect(0, 0, size, size);
  p.strokeStyle = tokens.none;
  p.lineWidth = 3;
  for (const d of [-size, 0, size]) { p.beginPath(); p.moveTo(d - 2, size + 2); p.lineTo(d + size + 2, -2); p.stroke(); }
  const pattern = pen.createPattern(tile as unknown as CanvasImageSource, 'repeat')!;
  pattern.setTransform(new DOMMatrix().scale(0.5));
  // A pen that writes SVG has patterns of its own kind.
  if (pattern instanceof CanvasPattern) hatchFor = { tokens, pattern };
  return pattern;
}

export function cross(pen: Pen, x: number, y: number, r: number, color: string, width: number): void {
  pen.beginPath();
  pen.moveTo(x - r, y - r); pen.lineTo(x + r, y + r);
  pen.moveTo(x + r, y - r); pen.lineTo(x - r, y + r);
  pen.strokeStyle = color;
  pen.lineWidth = width;
  pen.stroke();
}

const widths = new Map<string, number>();

/** Width of a text in the font that the pen has; remembered, because the same names come in every frame. */
export function textWidth(pen: Pen, text: string): number {
  const key = `${pen.font}\0${text}`;
  let w = widths.get(key);
  if (w === undefined) {
    if (widths.size > 50_000) widths.clear();
    widths.set(key, (w = pen.measureText(text).width));
  }
  return w;
}

const cuts = new Map<string, string>();

/** The text, cut in the middle to `room` px. */
export function fitted(pen: Pen, text: string, room: number): string {
  if (textWidth(pen, text) <= room + 1) return text;
  const key = `${pen.font}\0${Math.round(room)}\0${text}`;
  let cut = cuts.get(key);
  if (cut === undefined) {
    if (cuts.size > 20_000) cuts.clear();
    cuts.set(key, (cut = cutMiddle(text, s => pen.measureText(s).width <= room)));
  }
  return cut;
}

export function forgetText(): void { widths.clear(); cuts.clear(); }

export interface Fonts { readonly name: string; readonly small: string; readonly mono: string; readonly monoBold: string; readonly bold: string; readonly tiny: string }
export function fontsOf(tokens: Tokens): Fonts {
  return { name: `12px ${tokens.font}`, small: `11px ${tokens.font}`, mono: `11px ${tokens.mono}`, monoBold: `600 11px ${tokens.mono}`, bold: `600 12px ${tokens.font}`, tiny: `10px ${tokens.mono}` };
}

export function write(pen: Pen, text: string, x: number, y: number, font: string, color: string, align: CanvasTextAlign = 'left'): void {
  if (!text) return;
  pen.font = font;
  pen.fillStyle = color;
  pen.textAlign = align;
  pen.fillText(text, x, y);
}
