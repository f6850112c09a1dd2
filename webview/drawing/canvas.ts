/** The canvas: draws on demand, moves and zooms the view, and says what the mouse is over. It decides nothing about the graph. */
import type { Layout } from '../layout/types.ts';
import { METRICS } from '../layout/types.ts';
import { LayoutIndex } from './grid.ts';
import { paint, type FrameFacts } from './paint.ts';
import { forgetText } from './pen.ts';
import { boxIndex, targetOf, type Scene, type Target } from './scene.ts';
import { glide, zoomAt, type Box, type View } from './view.ts';

/** What lies under a point. */
export type Hit =
  | { readonly kind: 'box'; readonly box: number; readonly target: Target }
  | { readonly kind: 'header'; readonly group: number }
  | { readonly kind: 'tag'; readonly value: number }
  | { readonly kind: 'edge'; readonly edge: number }
  | undefined;

export interface CanvasEvents {
  /** After each frame: for the minimap, the zoom figure and the persisted view. */
  painted(view: View, facts: FrameFacts): void;
  press(hit: Hit, event: PointerEvent): void;
  open(hit: Hit): void;
  hover(hit: Hit, x: number, y: number): void;
  menu(hit: Hit, x: number, y: number): void;
  /** Shift+drag: boxes inside the rectangle. */
  rubber(targets: readonly Target[]): void;
}

export class DrawingCanvas {
  view: View = { x: 0, y: 0, k: 1 };
  index: LayoutIndex | undefined;
  boxOf: (target: Target | undefined) => number = () => -1;
  wheel: 'pan' | 'zoom' = 'pan';
  private scene: Scene | undefined;
  private frame = 0;
  private stopGlide: () => void = () => undefined;
  private lastZoom = 0;
  private settle: ReturnType<typeof setTimeout> | undefined;
  private band: { x0: number; y0: number; x1: number; y1: number } | undefined;
  private readonly pen: CanvasRenderingContext2D;

  constructor(readonly canvas: HTMLCanvasElement, private readonly events: CanvasEvents) {
    this.pen = canvas.getContext('2d', { alpha: false })!;
    canvas.addEventListener('wheel', e => this.onWheel(e), { passive: false });
    canvas.addEventListener('pointerdown', e => this.onPress(e));
    canvas.addEventListener('pointermove', e => { if (!e.buttons) this.events.hover(this.hitAt(e.offsetX, e.offsetY), e.offsetX, e.offsetY); });
    canvas.addEventListener('pointerleave', () => this.events.hover(undefined, 0, 0));
    canvas.addEventListener('dblclick', e => this.events.open(this.hitAt(e.offsetX, e.offsetY)));
    canvas.addEventListener('contextmenu', e => { e.preventDefault(); this.events.menu(this.hitAt(e.offsetX, e.offsetY), e.offsetX, e.offsetY); });
    new ResizeObserver(() => this.redraw()).observe(canvas);
    // Text is measured with the face that is there; a face that arrives later has other widths.
    void document.fonts.ready.then(() => { forgetText(); this.redraw(); });
  }

  get width(): number { return this.canvas.clientWidth; }
  get height(): number { return this.canvas.clientHeight; }

  setScene(scene: Scene | undefined): void {
    if (scene && scene.layout !== this.scene?.layout) {
      this.index = new LayoutIndex(scene.layout);
      this.boxOf = boxIndex(scene.layout);
    }
    this.scene = scene;
    this.redraw();
  }

  get layout(): Layout | undefined { return this.scene?.layout; }

  redraw(): void {
    if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.draw(); });
  }

  setView(view: View, animated = false): void {
    this.stopGlide();
    if (!animated) { this.view = view; this.redraw(); return; }
    this.stopGlide = glide(this.view, view, v => { this.view = v; this.redraw(); });
  }

  zoom(factor: number, x = this.width / 2, y = this.height / 2): void { this.setView(zoomAt(this.view, factor, x, y)); }

  /** Place of a box or frame in the drawing. */
  rectOf(target: Target | undefined): Box | undefined {
    const layout = this.scene?.layout;
    if (!layout || !target) return undefined;
    const b = this.boxOf(target);
    if (b >= 0) return { x: layout.boxes.x[b]!, y: layout.boxes.y[b]!, w: layout.boxes.w[b]!, h: layout.boxes.h[b]! };
    const f = target.kind === 'group' ? layout.frames.group.indexOf(target.ref) : -1;
    return f < 0 ? undefined : { x: layout.frames.x[f]!, y: layout.frames.y[f]!, w: layout.frames.w[f]!, h: layout.frames.h[f]! };
  }

  toScreen(box: Box): Box { const { x, y, k } = this.view; return { x: box.x * k + x, y: box.y * k + y, w: box.w * k, h: box.h * k }; }

  hitAt(px: number, py: number): Hit {
    const layout = this.scene?.layout, index = this.index;
    if (!layout || !index) return undefined;
    const { x: ox, y: oy, k } = this.view, x = (px - ox) / k, y = (py - oy) / k, box = index.boxAt(x, y);
    if (box >= 0) return { kind: 'box', box, target: targetOf(layout, box) };
    const tag = k >= 0.35 ? index.tagAt(x, y) : -1;
    if (tag >= 0) return { kind: 'tag', value: layout.tags.value[tag]! };
    const frame = index.frameAt(x, y, Math.max(METRICS.header, 14 / k));
    if (frame >= 0) return { kind: 'header', group: layout.frames.group[frame]! };
    const edge = index.edgeAt(x, y, 5 / k);
    return edge >= 0 ? { kind: 'edge', edge } : undefined;
  }

  private draw(): void {
    const { canvas, scene, index } = this, ratio = devicePixelRatio || 1, width = this.width, height = this.height;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    if (!scene || !index) { this.pen.setTransform(1, 0, 0, 1, 0, 0); this.pen.fillStyle = getComputedStyle(canvas).backgroundColor; this.pen.fillRect(0, 0, canvas.width, canvas.height); return; }
    const facts = paint(this.pen, scene, index, this.view, { width, height, ratio, words: performance.now() - this.lastZoom > 80, boxOf: this.boxOf });
    if (this.band) {
      const { x0, y0, x1, y1 } = this.band;
      this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.pen.setLineDash([4, 3]);
      this.pen.strokeStyle = scene.tokens.focus;
      this.pen.lineWidth = 1;
      this.pen.strokeRect(Math.min(x0, x1) + 0.5, Math.min(y0, y1) + 0.5, Math.abs(x1 - x0), Math.abs(y1 - y0));
      this.pen.setLineDash([]);
    }
    this.events.painted(this.view, facts);
  }

  private onWheel(e: WheelEvent): void {
    e.preventDefault();
    const line = e.deltaMode === 1 ? 18 : e.deltaMode === 2 ? this.height : 1, dx = e.deltaX * line, dy = e.deltaY * line;
    if (e.ctrlKey || e.metaKey || (this.wheel === 'zoom' && !e.shiftKey)) {
      // Words wait only while steps come faster than frames.
      const now = performance.now();
      if (now - this.lastZoom < 40) { clearTimeout(this.settle); this.settle = setTimeout(() => this.redraw(), 100); }
      this.lastZoom = now - this.lastZoom < 40 ? now : now - 81;
      this.zoom(2 ** (-Math.max(-120, Math.min(120, dy)) / 180), e.offsetX, e.offsetY);
      return;
    }
    this.setView({ k: this.view.k, x: this.view.x - (e.shiftKey && !dx ? dy : dx), y: this.view.y - (e.shiftKey && !dx ? 0 : dy) });
  }

  private onPress(e: PointerEvent): void {
    if (e.button !== 0 && e.button !== 1) return;
    this.canvas.focus({ preventScroll: true });
    const start = this.view, { clientX: sx, clientY: sy, offsetX: ox, offsetY: oy } = e, hit = this.hitAt(ox, oy), rubber = e.shiftKey && e.button === 0;
    let moved = false;
    this.canvas.setPointerCapture(e.pointerId);
    const move = (m: PointerEvent) => {
      const dx = m.clientX - sx, dy = m.clientY - sy;
      if (!moved && Math.hypot(dx, dy) < 4) return;
      moved = true;
      if (rubber) { this.band = { x0: ox, y0: oy, x1: ox + dx, y1: oy + dy }; this.redraw(); } else this.setView({ k: start.k, x: start.x + dx, y: start.y + dy });
    };
    const end = () => {
      this.canvas.removeEventListener('pointermove', move);
      this.canvas.removeEventListener('pointerup', end);
      this.canvas.removeEventListener('pointercancel', end);
      if (this.band) { this.events.rubber(this.inBand()); this.band = undefined; this.redraw(); } else if (!moved) this.events.press(hit, e);
    };
    this.canvas.addEventListener('pointermove', move);
    this.canvas.addEventListener('pointerup', end);
    this.canvas.addEventListener('pointercancel', end);
  }

  private inBand(): Target[] {
    const { x, y, k } = this.view, b = this.band!, layout = this.scene!.layout;
    const area = { x0: (Math.min(b.x0, b.x1) - x) / k, x1: (Math.max(b.x0, b.x1) - x) / k, y0: (Math.min(b.y0, b.y1) - y) / k, y1: (Math.max(b.y0, b.y1) - y) / k };
    return this.index!.boxes.within(area).map(i => targetOf(layout, i));
  }
}
