/** 176 × 82 at the lower left, only while not all is visible; drag moves. */
import { METRICS } from '../layout/types.ts';
import { BoxKind } from '../layout/types.ts';
import { groupState } from '../drawing/groups.ts';
import { cellColors, type Scene } from '../drawing/scene.ts';
import type { View } from '../drawing/view.ts';
import { h } from './dom.ts';

const W = 176, H = 82;

export class Minimap {
  readonly element = h('canvas', { class: 'minimap float', width: W, height: H, 'aria-hidden': 'true', hidden: true });
  wanted = true;
  private scene: Scene | undefined;
  private picture: OffscreenCanvas | undefined;
  private scale = 1;
  private offset: readonly [number, number] = [0, 0];

  constructor(move: (x: number, y: number) => void) {
    const go = (e: PointerEvent) => { if (e.buttons) move((e.offsetX - this.offset[0]) / this.scale, (e.offsetY - this.offset[1]) / this.scale); };
    this.element.addEventListener('pointerdown', e => { this.element.setPointerCapture(e.pointerId); go(e); });
    this.element.addEventListener('pointermove', go);
  }

  setScene(scene: Scene | undefined): void {
    if (scene && this.scene && scene.layout === this.scene.layout && scene.tokens === this.scene.tokens && scene.measure === this.scene.measure && scene.model.results === this.scene.model.results) { this.scene = scene; return; }
    this.scene = scene;
    this.picture = undefined;
  }

  /** After each frame of the drawing. */
  update(view: View, width: number, height: number): void {
    const s = this.scene;
    const all = !s || (view.x >= -2 && view.y >= -2 && view.x + s.layout.width * view.k <= width + 2 && view.y + s.layout.height * view.k <= height + 2);
    this.element.hidden = all || !this.wanted;
    if (!s || this.element.hidden) return;
    const ratio = devicePixelRatio || 1, pen = this.element.getContext('2d')!;
    if (this.element.width !== W * ratio) { this.element.width = W * ratio; this.element.height = H * ratio; this.picture = undefined; }
    this.picture ??= this.render(s, ratio);
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.fillStyle = s.tokens.bg;
    pen.fillRect(0, 0, W * ratio, H * ratio);
    pen.drawImage(this.picture as unknown as CanvasImageSource, 0, 0);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const k = this.scale / view.k, [ox, oy] = this.offset, x = Math.max(0.75, ox - view.x * k), y = Math.max(0.75, oy - view.y * k);
    pen.strokeStyle = s.tokens.focus;
    pen.lineWidth = 1.5;
    pen.strokeRect(x, y, Math.min(W - 0.75, ox + (width - view.x) * k) - x, Math.min(H - 0.75, oy + (height - view.y) * k) - y);
  }

  private render(s: Scene, ratio: number): OffscreenCanvas {
    const { layout, model, tokens } = s, canvas = new OffscreenCanvas(W * ratio, H * ratio), pen = canvas.getContext('2d')!;
    this.scale = Math.min((W - 8) / layout.width, (H - 8) / layout.height);
    this.offset = [(W - layout.width * this.scale) / 2, (H - layout.height * this.scale) / 2];
    pen.setTransform(ratio * this.scale, 0, 0, ratio * this.scale, ratio * this.offset[0], ratio * this.offset[1]);
    const least = 1 / this.scale;
    for (let b = 0; b < layout.boxes.count; b++) {
      const kind = layout.boxes.kind[b]!, ref = layout.boxes.ref[b]!, group = kind === BoxKind.group || kind === BoxKind.repeat, value = kind === BoxKind.input ? ref : group ? -1 : model.mainValue(ref);
      const state = group ? groupState(s, ref) : model.valueState(value), figure = group ? model.groups?.outNorm[ref] ?? NaN : s.measure.of(value);
      pen.fillStyle = kind === BoxKind.loss ? tokens.source : state === 'nan' ? tokens.alarm : (state === 'ok' && cellColors(s, figure)?.fill) || tokens.nodeLine;
      pen.fillRect(layout.boxes.x[b]!, layout.boxes.y[b]!, Math.max(least, layout.boxes.w[b]!), Math.max(least, Math.min(layout.boxes.h[b]!, METRICS.head * 3)));
    }
    return canvas;
  }
}
