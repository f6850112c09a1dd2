/** Boxes from further away: the whole box takes the colour; words keep their size on screen, or go. Design section 6. */
import { BoxKind } from '../layout/types.ts';
import type { CellState } from '../state/model.ts';
import { drawStrip, groupState } from './groups.ts';
import { stairs, type Rect } from './nodes.ts';
import { cross, fitted, hatch, roundRect, textWidth, write, type Fonts } from './pen.ts';
import { cellColors, type Pen, type Scene } from './scene.ts';

/** `k` is the scale; `words` also says whether this level has any. */
export function drawFar(pen: Pen, scene: Scene, box: number, r: Rect, k: number, words: boolean, fonts: Fonts): void {
  const { model, tokens, layout } = scene, kind = layout.boxes.kind[box]!, ref = layout.boxes.ref[box]!, thin = 1 / k, group = kind === BoxKind.group || kind === BoxKind.repeat;
  const value = group ? -1 : kind === BoxKind.input ? ref : model.mainValue(ref), stop = !group && kind === BoxKind.node && model.isStop(ref);
  const alarm = group ? (model.groups?.alarms[ref] ?? 0) > 0 : model.valueState(value) === 'nan' || (kind === BoxKind.node && parameters(scene, ref).some(p => model.valueState(p) === 'nan'));
  const state: CellState | 'source' = kind === BoxKind.loss ? 'source' : alarm && !group ? 'nan' : group ? groupState(scene, ref) : stop ? 'plain' : model.valueState(value);
  const figure = group ? (model.groups?.outNorm[ref] ?? NaN) : scene.measure.of(value), colors = state === 'ok' ? cellColors(scene, figure) : undefined;
  if (!group && kind === BoxKind.node && model.isQuantiser(ref)) stairs(pen, r);
  else roundRect(pen, r.x, r.y, r.w, r.h, kind === BoxKind.loss || kind === BoxKind.input ? 13 : 4);
  const filled = state === 'source' ? tokens.source : state === 'nan' ? tokens.alarm : colors?.fill;
  pen.fillStyle = filled ?? (state === 'blocked' || state === 'dead' ? hatch(pen, tokens) : state === 'plain' || state === 'nodiff' ? tokens.surface : tokens.bg);
  pen.fill();
  if (!filled || (alarm && group)) {
    if (state === 'dead') pen.setLineDash([3 * thin, 2 * thin]);
    pen.strokeStyle = alarm ? tokens.alarm : tokens.none;
    pen.lineWidth = thin * (alarm ? 1.5 : 1);
    pen.stroke();
    pen.setLineDash([]);
  }
  if (stop) { pen.beginPath(); pen.moveTo(r.x - 10, r.y); pen.lineTo(r.x + r.w + 10, r.y); pen.strokeStyle = tokens.fg; pen.lineWidth = 3 * thin; pen.stroke(); }
  if (kind === BoxKind.repeat) drawStrip(pen, scene, ref, { x: r.x + 8, y: r.y + r.h - 18, w: r.w - 16, h: 13 }, fonts, false);
  if (alarm) {
    const size = Math.max(2.5 * thin, 9);
    if (group) cross(pen, r.x + r.w - size, r.y + size, Math.min(size * 0.7, 4 * thin), tokens.alarm, 2 * thin);
    else { cross(pen, r.x + r.w / 2, r.y + r.h / 2, size, '#000', 1.6 * thin); return; }
  }
  if (!words || state === 'blocked' || state === 'dead') return;
  const px = 11 * thin, font = `${px}px ${tokens.font}`, label = word(scene, kind, ref, stop);
  pen.font = font;
  const text = group ? fitted(pen, label, r.w - 8) : label;
  if (textWidth(pen, text) > r.w - 8 || px > r.h) return;
  const ink = state === 'source' ? tokens.sourceFg : colors?.ink ?? tokens.fg;
  write(pen, text, r.x + r.w / 2, (kind === BoxKind.repeat ? r.y + (r.h - 18) / 2 : r.y + r.h / 2) + px * 0.36, font, ink, 'center');
}

function parameters(scene: Scene, node: number): number[] {
  const h = scene.model.hierarchy;
  return h ? Array.from(h.parameters.subarray(h.parameterStart[node], h.parameterStart[node + 1])) : [];
}

function word(scene: Scene, kind: number, ref: number, stop: boolean): string {
  const { model } = scene;
  if (kind === BoxKind.loss) return '∂ loss';
  if (kind === BoxKind.input) return model.valueName(ref);
  if (kind !== BoxKind.node) return model.hierarchy!.label[ref]!;
  return stop ? 'stop' : model.op(ref).replace(/V\d$/, '').replace('WithMinMaxVars', '');
}

/** Alarms, stops and dead ends as marks that keep their size and merge with a count, where boxes are too small to show them. */
export function drawMarks(pen: Pen, scene: Scene, boxes: readonly number[], k: number): void {
  const { layout, model, tokens } = scene, size = 14 / k, cells = new Map<string, { x: number; y: number; alarms: number; stops: number }>();
  for (const b of boxes) {
    const kind = layout.boxes.kind[b]!, ref = layout.boxes.ref[b]!, group = kind === BoxKind.group || kind === BoxKind.repeat;
    const alarms = group ? model.groups?.alarms[ref] ?? 0 : kind === BoxKind.node && model.valueState(model.mainValue(ref)) === 'nan' ? 1 : 0, stops = kind === BoxKind.node && model.isStop(ref) ? 1 : 0;
    if (!alarms && !stops) continue;
    const x = layout.boxes.x[b]! + layout.boxes.w[b]! / 2, y = layout.boxes.y[b]! + layout.boxes.h[b]! / 2, key = `${Math.floor(x / size)},${Math.floor(y / size)}`;
    const cell = cells.get(key) ?? { x, y, alarms: 0, stops: 0 };
    cells.set(key, { ...cell, alarms: cell.alarms + alarms, stops: cell.stops + stops });
  }
  for (const { x, y, alarms, stops } of cells.values()) {
    if (alarms) {
      cross(pen, x, y, 5 / k, tokens.bg, 5 / k);
      cross(pen, x, y, 4 / k, tokens.alarm, 2.2 / k);
      if (alarms > 1) write(pen, `${alarms} ×`, x + 7 / k, y + 4 / k, `${11 / k}px ${tokens.font}`, tokens.fg);
    } else if (stops) { pen.beginPath(); pen.moveTo(x - 4 / k, y); pen.lineTo(x + 4 / k, y); pen.strokeStyle = tokens.fg; pen.lineWidth = 3 / k; pen.stroke(); }
  }
}
