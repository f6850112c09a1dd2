/**
 * log10 of the gradient norm from the loss (left) to the inputs (right), by steps of the longest path. Squares are parameters, dots are values, the line is
 * the main path; what is not finite stands on a rail above, what is zero or blocked on a rail below. On a canvas, because there may be 100,000 of them.
 */
import { quadtree, scaleLinear, type Quadtree, type ScaleLinear } from 'd3';
import { cross } from '../drawing/pen.ts';
import { number } from '../ui/format.ts';
import { level, type Scale } from '../ui/scale.ts';
import type { Tokens } from '../ui/tokens.ts';
import { h } from '../ui/dom.ts';
import type { FlowRows } from './rows.ts';

const MARGIN = { left: 46, right: 16, top: 24, bottom: 46 };

export interface ChartEvents {
  hover(row: number): void;
  select(row: number): void;
  /** Range of steps that is shown; all: 0 and the largest. */
  range(from: number, to: number): void;
}

export interface ChartLook { readonly tokens: Tokens; readonly scale: Scale; readonly selected: number; readonly hovered: number }

export class FlowChart {
  readonly element = h('canvas', { class: 'chart', role: 'img', 'aria-label': 'Gradient norm by steps back from the loss' });
  private data: FlowRows | undefined;
  private look: ChartLook | undefined;
  private points: Quadtree<number> | undefined;
  private x: ScaleLinear<number, number> = scaleLinear();
  private y: ScaleLinear<number, number> = scaleLinear();
  private domain: readonly [number, number] = [0, 1];
  private log: readonly [number, number] = [-3, 1];
  private band: readonly [number, number] | undefined;
  private frame = 0;

  constructor(private readonly events: ChartEvents) {
    const { element } = this;
    new ResizeObserver(() => this.redraw()).observe(element);
    element.addEventListener('pointermove', e => { if (!e.buttons) this.events.hover(this.rowAt(e.offsetX, e.offsetY)); });
    element.addEventListener('pointerleave', () => this.events.hover(-1));
    element.addEventListener('pointerdown', e => this.onPress(e));
    element.addEventListener('dblclick', () => this.setRange(0, this.data?.maxSteps ?? 1));
  }

  setData(data: FlowRows): void {
    this.data = data;
    let low = Infinity, high = -Infinity;
    for (let i = 0; i < data.count; i++) {
      if (data.state(i) !== 'ok' || data.flow.steps[i]! < 0) continue;
      const l = Math.log10(data.flow.norm[i]!);
      if (l < low) low = l;
      if (l > high) high = l;
    }
    this.log = low <= high ? [Math.floor(low * 2) / 2 - 0.25, Math.ceil(high * 2) / 2 + 0.25] : [-3, 1];
    this.domain = [0, Math.max(1, data.maxSteps)];
    this.redraw();
  }
  setLook(look: ChartLook): void { this.look = look; this.redraw(); }

  private setRange(from: number, to: number): void {
    this.domain = [from, Math.max(from + 1, to)];
    this.redraw();
    this.events.range(from, to);
  }

  private redraw(): void { this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.draw(); }); }

  private onPress(e: PointerEvent): void {
    const { element } = this, x0 = e.offsetX, y0 = e.offsetY;
    if (e.button !== 0) return;
    element.setPointerCapture(e.pointerId);
    const move = (m: PointerEvent) => { if (this.band || Math.abs(m.offsetX - x0) > 4) { this.band = [x0, m.offsetX]; this.redraw(); } };
    const up = () => {
      element.removeEventListener('pointermove', move);
      if (this.band) {
        const [a, b] = [Math.min(...this.band), Math.max(...this.band)].map(p => Math.max(this.domain[0], Math.min(this.domain[1], this.x.invert(p)))) as [number, number];
        this.band = undefined;
        this.setRange(Math.floor(a), Math.ceil(b));
      } else { const row = this.rowAt(x0, y0); if (row >= 0) this.events.select(row); }
    };
    element.addEventListener('pointermove', move);
    element.addEventListener('pointerup', up, { once: true });
  }

  private rowAt(x: number, y: number): number { return this.points?.find(x, y, 9) ?? -1; }

  /** Height of a row's mark: on the log axis or on a rail. */
  private heightOf(row: number, height: number): number {
    const state = this.data!.state(row);
    return state === 'ok' ? this.y(Math.log10(this.data!.flow.norm[row]!)) : state === 'nan' ? 12 : height - MARGIN.bottom + 14;
  }

  private draw(): void {
    const { element, data, look } = this, ratio = devicePixelRatio || 1, width = element.clientWidth, height = element.clientHeight;
    if (!data || !look || !width || !height) return;
    element.width = Math.round(width * ratio);
    element.height = Math.round(height * ratio);
    const pen = element.getContext('2d')!, { tokens, scale } = look, { flow } = data, right = width - MARGIN.right, bottom = height - MARGIN.bottom;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    this.x = scaleLinear(this.domain, [MARGIN.left + 6, right - 6]);
    this.y = scaleLinear(this.log, [bottom, MARGIN.top]);
    const { x } = this, line = (x0: number, y0: number, x1: number, y1: number, color: string, w = 1, dash: number[] = []) => { pen.beginPath(); pen.setLineDash(dash); pen.moveTo(x0, y0); pen.lineTo(x1, y1); pen.strokeStyle = color; pen.lineWidth = w; pen.stroke(); pen.setLineDash([]); };
    const write = (text: string, tx: number, ty: number, align: CanvasTextAlign = 'left', font = `11px ${tokens.font}`) => { pen.font = font; pen.textAlign = align; pen.lineJoin = 'round'; pen.strokeStyle = tokens.bg; pen.lineWidth = 3; pen.strokeText(text, tx, ty); pen.fillStyle = tokens.desc; pen.fillText(text, tx, ty); };
    const mono = `10.5px ${tokens.mono}`, step = Math.max(1, Math.ceil((this.log[1] - this.log[0]) / Math.max(2, (bottom - MARGIN.top) / 22)));
    for (let d = Math.ceil(this.log[0] / step) * step; d <= this.log[1]; d += step) { line(MARGIN.left, Math.round(this.y(d)) + 0.5, right, Math.round(this.y(d)) + 0.5, tokens.grid); write(number(Number((10 ** d).toPrecision(3))), MARGIN.left - 8, this.y(d) + 3.5, 'right', mono); }
    const bands = shownBands(flow.bands, (from, to) => x(to) - x(from));
    for (const b of bands) {
      const x0 = Math.max(MARGIN.left, x(b.from) - 3), x1 = Math.min(right, x(b.to) + 3);
      if (x1 <= x0) continue;
      pen.globalAlpha = 0.045;
      pen.fillStyle = tokens.fg;
      pen.fillRect(x0, MARGIN.top, x1 - x0, bottom - MARGIN.top);
      pen.globalAlpha = 1;
    }
    const rail = bottom + 14;
    line(MARGIN.left, rail + 0.5, right, rail + 0.5, tokens.grid, 1, [2, 3]);
    write('none', MARGIN.left - 8, rail + 3.5, 'right');
    const bad = data.flow.status.some((_, i) => data.state(i) === 'nan');
    if (bad) write('NaN', MARGIN.left - 8, 15.5, 'right');
    pen.save();
    pen.beginPath();
    pen.rect(MARGIN.left - 6, 0, right - MARGIN.left + 12, height);
    pen.clip();
    this.mainPath(pen, tokens, height);
    this.marks(pen, tokens, scale, height);
    this.selection(pen, look, height);
    pen.restore();
    for (const b of bands) {
      const x0 = x(b.from), x1 = Math.min(right, x(b.to)), text = `${b.label}${Number.isNaN(b.rate) ? '' : `: ×${number(b.rate)} a block`}`;
      pen.font = `11px ${tokens.font}`;
      if (x1 - x0 > pen.measureText(text).width + 4) write(text, x1 - 2, bottom - 7, 'right');
    }
    const [from, to] = this.domain, all = from <= 0 && to >= data.maxSteps;
    write(from <= 0 ? 'loss' : `${Math.round(from)} steps back`, MARGIN.left, height - 9, 'left', mono);
    write(all ? `${data.maxSteps} steps back${this.farthest()}` : `${Math.round(to)} steps back · double click: all`, right, height - 9, 'right', mono);
    if (width > 500) this.legend(pen, tokens, width);
    if (this.band) { pen.globalAlpha = 0.12; pen.fillStyle = tokens.focus; pen.fillRect(Math.min(...this.band), MARGIN.top, Math.abs(this.band[1] - this.band[0]), bottom - MARGIN.top); pen.globalAlpha = 1; }
    this.describe(data);
  }

  private farthest(): string {
    const data = this.data!, row = data.flow.steps.findIndex((s, i) => s === data.maxSteps && data.kind(i) === 'input');
    return row < 0 ? '' : `: ${data.name(row)}`;
  }

  private mainPath(pen: CanvasRenderingContext2D, tokens: Tokens, height: number): void {
    const data = this.data!;
    pen.beginPath();
    let begun = false;
    for (const row of data.flow.spine) {
      if (data.state(row) !== 'ok') continue;
      const px = this.x(data.flow.steps[row]!), py = this.heightOf(row, height);
      if (begun) pen.lineTo(px, py); else pen.moveTo(px, py);
      begun = true;
    }
    pen.globalAlpha = 0.75;
    pen.strokeStyle = tokens.fg;
    pen.lineWidth = 1.25;
    pen.stroke();
    pen.globalAlpha = 1;
  }

  private marks(pen: CanvasRenderingContext2D, tokens: Tokens, scale: Scale, height: number): void {
    const data = this.data!, { flow } = data, rows: number[] = [], rail = height - MARGIN.bottom + 14, taken = new Map<string, number>();
    for (let i = 0; i < data.count; i++) {
      const step = flow.steps[i]!, state = data.state(i), parameter = data.kind(i) === 'parameter';
      if (step < this.domain[0] || step > this.domain[1] || state === 'nodiff' || state === 'plain') continue;
      const px = this.x(step), py = this.heightOf(i, height);
      // Marks that fall on each other are drawn once.
      const key = `${Math.round(px)},${Math.round(py)},${state},${parameter}`;
      if (taken.has(key) && data.count > 5000) continue;
      taken.set(key, i);
      rows.push(i);
      pen.beginPath();
      if (state === 'ok') {
        pen.fillStyle = tokens.steps[level(scale, flow.norm[i]!)]!;
        if (step === 0 && flow.spine[0] === i) { pen.fillStyle = tokens.source; pen.arc(px, py, 5, 0, 7); pen.fill(); } else if (parameter) { pen.rect(px - 3.5, py - 3.5, 7, 7); pen.fill(); pen.strokeStyle = tokens.bg; pen.lineWidth = 1; pen.stroke(); } else { pen.arc(px, py, 2.2, 0, 7); pen.fill(); }
      } else if (state === 'nan') cross(pen, px, py, 4, tokens.alarm, 2);
      else if (flow.stop[i]) { pen.moveTo(px, rail - 8); pen.lineTo(px, rail + 8); pen.strokeStyle = tokens.fg; pen.lineWidth = 3.5; pen.stroke(); } else {
        if (parameter || state === 'blocked') pen.rect(px - 3.5, py - 3.5, 7, 7); else pen.arc(px, py, 2.4, 0, 7);
        pen.fillStyle = tokens.bg;
        pen.fill();
        pen.strokeStyle = tokens.none;
        pen.lineWidth = state === 'zero' && parameter ? 1.5 : 1;
        if (state === 'unknown') pen.setLineDash([2, 2]);
        pen.stroke();
        pen.setLineDash([]);
        if (state === 'blocked' || state === 'dead') { pen.beginPath(); pen.moveTo(px - 3, py + 3); pen.lineTo(px + 3, py - 3); pen.moveTo(px - 3, py); pen.lineTo(px, py - 3); pen.moveTo(px, py + 3); pen.lineTo(px + 3, py); pen.stroke(); }
      }
    }
    this.points = quadtree<number>().x(i => this.x(flow.steps[i]!)).y(i => this.heightOf(i, height)).addAll(rows);
  }

  private selection(pen: CanvasRenderingContext2D, { tokens, selected, hovered }: ChartLook, height: number): void {
    const { flow } = this.data!;
    for (const [row, color, width] of [[hovered, tokens.fg, 1.25], [selected, tokens.focus, 2]] as const) {
      if (row < 0 || flow.steps[row]! < 0) continue;
      const px = this.x(flow.steps[row]!);
      pen.strokeStyle = color;
      pen.lineWidth = 1;
      if (row === selected) { pen.beginPath(); pen.moveTo(px, MARGIN.top); pen.lineTo(px, height - MARGIN.bottom); pen.stroke(); }
      pen.beginPath();
      pen.arc(px, this.heightOf(row, height), 6, 0, 7);
      pen.lineWidth = width;
      pen.stroke();
    }
  }

  private legend(pen: CanvasRenderingContext2D, tokens: Tokens, width: number): void {
    const x0 = width - 232;
    pen.fillStyle = tokens.none;
    pen.fillRect(x0, 8, 7, 7);
    pen.beginPath(); pen.arc(x0 + 76, 11.5, 2.4, 0, 7); pen.fill();
    pen.beginPath(); pen.moveTo(x0 + 122, 11.5); pen.lineTo(x0 + 138, 11.5); pen.strokeStyle = tokens.fg; pen.lineWidth = 1.25; pen.stroke();
    pen.font = `11px ${tokens.font}`;
    pen.textAlign = 'left';
    pen.fillStyle = tokens.desc;
    pen.fillText('parameter', x0 + 12, 15.5);
    pen.fillText('value', x0 + 83, 15.5);
    pen.fillText('main path', x0 + 143, 15.5);
  }

  private describe(data: FlowRows): void {
    let low = Infinity, high = 0, bad = 0, none = 0;
    for (let i = 0; i < data.count; i++) {
      const n = data.flow.norm[i]!, state = data.state(i);
      if (state === 'ok') { low = Math.min(low, n); high = Math.max(high, n); } else if (state === 'nan') bad++; else if (state === 'zero' || state === 'blocked') none++;
    }
    this.element.setAttribute('aria-label', `Gradient norm by steps back from the loss: ${data.maxSteps} steps, norms from ${number(low)} to ${number(high)}${bad ? `, ${bad} not finite` : ''}${none ? `, ${none} zero or blocked` : ''}. The table holds the same.`);
  }
}

const LEAST_BAND = 56;

/** Bands that are wide enough to be read, and of those that lie in each other the innermost. */
function shownBands<B extends { readonly from: number; readonly to: number }>(bands: readonly B[], width: (from: number, to: number) => number): readonly B[] {
  const wide = bands.filter(b => width(b.from, b.to) >= LEAST_BAND);
  return wide.filter(b => !wide.some(o => o !== b && o.from >= b.from && o.to <= b.to && o.to - o.from < b.to - b.from));
}
