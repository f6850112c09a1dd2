/** The part of a canvas context that the drawing uses, writing SVG: the same code that draws on the screen draws the saved picture. */
import { pathData } from './pen.ts';
import type { Pen } from './scene.ts';

interface State {
  fillStyle: string | CanvasPattern; strokeStyle: string; lineWidth: number; lineCap: string; lineJoin: string; globalAlpha: number;
  font: string; textAlign: CanvasTextAlign; dash: readonly number[]; x: number; y: number;
}

const round = (v: number) => String(Math.round(v * 100) / 100);
const escape = (s: string) => s.replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);

export class SvgPen {
  private state: State = { fillStyle: '#000', strokeStyle: '#000', lineWidth: 1, lineCap: 'butt', lineJoin: 'miter', globalAlpha: 1, font: '12px sans-serif', textAlign: 'left', dash: [], x: 0, y: 0 };
  private readonly saved: State[] = [];
  private readonly out: string[] = [];
  private path: string[] = [];
  private last: readonly [number, number] = [0, 0];
  private open = false;
  private readonly measure = new OffscreenCanvas(1, 1).getContext('2d')!;

  /** As the pen that the drawing's functions take. */
  get pen(): Pen { return this as unknown as Pen; }

  set fillStyle(v: string | CanvasPattern) { this.state.fillStyle = v; }
  set strokeStyle(v: string) { this.state.strokeStyle = v; }
  set lineWidth(v: number) { this.state.lineWidth = v; }
  set lineCap(v: string) { this.state.lineCap = v; }
  set lineJoin(v: string) { this.state.lineJoin = v; }
  set globalAlpha(v: number) { this.state.globalAlpha = v; }
  set font(v: string) { this.state.font = v; }
  get font(): string { return this.state.font; }
  set textAlign(v: CanvasTextAlign) { this.state.textAlign = v; }
  set textBaseline(_: CanvasTextBaseline) { /* always alphabetic */ }

  setLineDash(dash: readonly number[]): void { this.state.dash = dash; }
  setTransform(a: number, b: number, c: number, d: number, e: number, f: number): void {
    if (this.open) this.out.push('</g>');
    this.out.push(`<g transform="matrix(${[a, b, c, d, e, f].map(round).join(' ')})">`);
    this.open = true;
  }
  save(): void { this.saved.push({ ...this.state }); }
  restore(): void { this.state = this.saved.pop()!; }
  translate(x: number, y: number): void { this.state.x += x; this.state.y += y; }
  createPattern(): object { return { setTransform: () => undefined }; }
  measureText(text: string): TextMetrics {
    this.measure.font = this.state.font;
    return this.measure.measureText(text);
  }

  beginPath(): void { this.path = []; }
  moveTo(x: number, y: number): void { this.to('M', x, y); }
  lineTo(x: number, y: number): void { this.to(this.path.length ? 'L' : 'M', x, y); }
  private to(verb: string, x: number, y: number): void { this.path.push(`${verb}${round(x)} ${round(y)}`); this.last = [x, y]; }
  bezierCurveTo(a: number, b: number, c: number, d: number, x: number, y: number): void { this.path.push(`C${[a, b, c, d, x, y].map(round).join(' ')}`); this.last = [x, y]; }
  /** A corner at (x1, y1), rounded as far as both its sides allow. */
  arcTo(x1: number, y1: number, x2: number, y2: number, radius: number): void {
    const [x0, y0] = this.last, a = Math.hypot(x0 - x1, y0 - y1), b = Math.hypot(x2 - x1, y2 - y1), r = Math.min(radius, a, b);
    if (!a || !b) return this.lineTo(x1, y1);
    this.lineTo(x1 + ((x0 - x1) / a) * r, y1 + ((y0 - y1) / a) * r);
    const x = x1 + ((x2 - x1) / b) * r, y = y1 + ((y2 - y1) / b) * r;
    this.path.push(`Q${[x1, y1, x, y].map(round).join(' ')}`);
    this.last = [x, y];
  }
  /** Whole circles are all that the drawing asks for. */
  arc(x: number, y: number, r: number): void { this.path.push(`M${round(x - r)} ${round(y)}A${round(r)} ${round(r)} 0 1 1 ${round(x + r)} ${round(y)}A${round(r)} ${round(r)} 0 1 1 ${round(x - r)} ${round(y)}`); }
  closePath(): void { this.path.push('Z'); }
  roundRect(x: number, y: number, w: number, h: number, radius: number | readonly number[]): void {
    const most = Math.min(w, h) / 2, [a, b, c, d] = (typeof radius === 'number' ? [radius, radius, radius, radius] : radius).map(r => Math.max(0, Math.min(r, most))) as [number, number, number, number];
    const corner = (r: number, px: number, py: number) => (r ? `A${round(r)} ${round(r)} 0 0 1 ${round(px)} ${round(py)}` : '');
    this.path.push(`M${round(x + a)} ${round(y)}H${round(x + w - b)}${corner(b, x + w, y + b)}V${round(y + h - c)}${corner(c, x + w - c, y + h)}H${round(x + d)}${corner(d, x, y + h - d)}V${round(y + a)}${corner(a, x + a, y)}Z`);
  }

  fill(): void { this.out.push(`<path d="${this.path.join('')}" fill="${this.paint()}"${this.common()}/>`); }
  stroke(path?: Path2D): void {
    const { state } = this, d = path ? pathData(path) : this.path.join('');
    if (d) this.out.push(`<path d="${d}" fill="none" stroke="${escape(state.strokeStyle)}" stroke-width="${round(state.lineWidth)}"${state.dash.length ? ` stroke-dasharray="${state.dash.map(round).join(' ')}"` : ''}${state.lineCap === 'round' ? ' stroke-linecap="round" stroke-linejoin="round"' : ''}${this.common()}/>`);
  }
  fillRect(x: number, y: number, w: number, h: number): void { this.out.push(`<rect x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${round(h)}" fill="${this.paint()}"${this.common()}/>`); }
  strokeRect(x: number, y: number, w: number, h: number): void { this.beginPath(); this.roundRect(x, y, w, h, 0); this.stroke(); }
  fillText(text: string, x: number, y: number): void {
    const [, weight, size = '12', family = 'sans-serif'] = /^(?:(\d+) )?([\d.]+)px (.*)$/.exec(this.state.font) ?? [], { textAlign } = this.state;
    this.out.push(`<text x="${round(x)}" y="${round(y)}" font-size="${size}" font-family="${escape(family)}"${weight ? ` font-weight="${weight}"` : ''}${textAlign === 'left' ? '' : ` text-anchor="${textAlign === 'right' ? 'end' : 'middle'}"`} fill="${this.paint()}"${this.common()}>${escape(text)}</text>`);
  }

  private paint(): string { return typeof this.state.fillStyle === 'string' ? escape(this.state.fillStyle) : 'url(#hatch)'; }
  private common(): string {
    const { globalAlpha, x, y } = this.state;
    return (globalAlpha < 1 ? ` opacity="${round(globalAlpha)}"` : '') + (x || y ? ` transform="translate(${round(x)} ${round(y)})"` : '');
  }

  /** The whole picture. `hatch`: colours of the pattern's ground and lines. */
  text(width: number, height: number, title: string, hatch: { readonly ground: string; readonly line: string }): string {
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.ceil(width)}" height="${Math.ceil(height)}" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" role="img"><title>${escape(title)}</title>`
      + `<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="5" height="5" fill="${escape(hatch.ground)}"/><path d="M0 0V5" stroke="${escape(hatch.line)}" stroke-width="3"/></pattern></defs>`
      + `${this.out.join('\n')}${this.open ? '</g>' : ''}</svg>\n`;
  }
}
