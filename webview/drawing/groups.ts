/** Groups: the outline of an open one, the stacked card of a folded one, and the strip of repeated blocks. */
import { METRICS } from '../layout/types.ts';
import { cellState, type CellState } from '../state/model.ts';
import { cellColors, type Pen, type Scene } from './scene.ts';
import { cross, drawGlyph, fitted, hatch, roundRect, textWidth, write, type Fonts } from './pen.ts';
import type { Rect } from './nodes.ts';
import { counted } from '../ui/format.ts';

export function groupState(scene: Scene, group: number): CellState {
  const g = scene.model.groups;
  return g ? cellState(g.outStatus[group]!, g.outNorm[group]!) : 'plain';
}

/** The one fact at the right of an open group's header. */
export function groupFact(scene: Scene, group: number): string {
  const h = scene.model.hierarchy!;
  return counted(h.last[group]! - h.first[group]!, 'node');
}

export function drawFrame(pen: Pen, scene: Scene, group: number, r: Rect, fonts: Fonts, words: boolean): void {
  const { tokens, model } = scene;
  roundRect(pen, r.x + 0.5, r.y + 0.5, r.w - 1, r.h - 1, 5);
  pen.fillStyle = tokens.group;
  pen.fill();
  pen.strokeStyle = tokens.nodeLine;
  pen.lineWidth = 1;
  pen.stroke();
  if (!words) return;
  const fact = groupFact(scene, group);
  pen.font = fonts.small;
  const factWidth = textWidth(pen, fact) + 16, wide = r.w > factWidth + 110;
  pen.font = fonts.name;
  const label = fitted(pen, model.hierarchy!.label[group]!, r.w - 44 - (wide ? factWidth : 0));
  write(pen, label, r.x + 12, r.y + 17, fonts.name, tokens.desc);
  const x = r.x + 18 + textWidth(pen, label);
  pen.beginPath(); pen.moveTo(x, r.y + 11); pen.lineTo(x + 3.5, r.y + 14.5); pen.lineTo(x + 7, r.y + 11);
  pen.strokeStyle = tokens.desc;
  pen.stroke();
  if (wide) write(pen, fact, r.x + r.w - 12, r.y + 17, fonts.small, tokens.desc, 'right');
}

/** A card with two more behind it. */
export function drawCard(pen: Pen, scene: Scene, group: number, repeat: boolean, r: Rect, fonts: Fonts, words: boolean): void {
  const { tokens, model } = scene, h = model.hierarchy!, groups = model.groups, state = groupState(scene, group), alarm = (groups?.alarms[group] ?? 0) > 0;
  for (const d of [6, 3, 0]) {
    roundRect(pen, r.x + d + 0.5, r.y + d + 0.5, r.w - 1, r.h - 1, 4);
    pen.fillStyle = d ? tokens.bg : tokens.surface;
    pen.fill();
    pen.strokeStyle = alarm && !d ? tokens.alarm : tokens.nodeLine;
    pen.lineWidth = alarm && !d ? 1.5 : 1;
    pen.stroke();
  }
  groupCell(pen, scene, group, state, r);
  if (words) {
    const instances = h.childStart[group + 1]! - h.childStart[group]!;
    let end = r.x + r.w - 8;
    const right = repeat ? `×${instances}` : alarm ? `${groups!.alarms[group]} NaN` : groupFigure(scene, group, state);
    if (repeat) {
      pen.font = fonts.small;
      const w = textWidth(pen, right) + 14;
      roundRect(pen, end - w + 0.5, r.y + 5.5, w - 1, 15, 8);
      pen.strokeStyle = tokens.none; pen.lineWidth = 1; pen.stroke();
      write(pen, right, end - w / 2, r.y + 17, fonts.small, tokens.fg, 'center');
      end -= w + 8;
    } else if (right) {
      write(pen, right, end, r.y + 17, alarm ? fonts.monoBold : fonts.mono, alarm ? tokens.fg : tokens.desc, 'right');
      end -= textWidth(pen, right) + 8;
    }
    pen.font = fonts.name;
    write(pen, fitted(pen, h.label[group]!, end - r.x - 33), r.x + 33, r.y + 17, fonts.name, state === 'blocked' || state === 'dead' ? tokens.desc : tokens.fg);
  }
  if (repeat) drawStrip(pen, scene, group, { x: r.x + 10, y: r.y + METRICS.head + 2, w: r.w - 20, h: 13 }, fonts, words);
}

function groupFigure(scene: Scene, group: number, state: CellState): string {
  const norm = scene.model.groups?.outNorm[group] ?? NaN;
  return state === 'ok' ? (scene.measure.id === 'norm' ? scene.measure.text(norm) : '') : state === 'zero' ? '0' : state === 'blocked' ? 'blocked' : state === 'unknown' ? '?' : '';
}

function groupCell(pen: Pen, scene: Scene, group: number, state: CellState, r: Rect): void {
  const { tokens } = scene, norm = scene.model.groups?.outNorm[group] ?? NaN, S = METRICS.head;
  let ink = tokens.fg;
  roundRect(pen, r.x + 0.5, r.y + 0.5, S - 1, S - 1, [4, 0, 0, 0]);
  const colors = state === 'ok' && scene.measure.id !== 'none' ? cellColors(scene, scene.measure.id === 'change' ? 1 : norm) : undefined;
  if (colors?.fill === tokens.surface) ink = tokens.fg;
  else if (colors || state === 'nan') { pen.fillStyle = colors?.fill ?? tokens.alarm; pen.fill(); ink = colors?.ink ?? '#000'; }
  else if (state === 'zero' || state === 'blocked' || state === 'dead') {
    pen.fillStyle = state === 'zero' ? tokens.bg : hatch(pen, tokens); pen.fill();
    pen.strokeStyle = tokens.none; pen.lineWidth = 1; pen.stroke();
    if (state !== 'zero') drawGlyph(pen, 'stack', r.x + 5, r.y + 5, tokens.bg, 5.5);
  }
  drawGlyph(pen, 'stack', r.x + 5, r.y + 5, ink);
}

/** One cell for each repeat (or bin of repeats): the norm of its parameters; zero hollow with 0, NaN red with ×. */
export function drawStrip(pen: Pen, scene: Scene, group: number, r: Rect, fonts: Fonts, words: boolean): void {
  const groups = scene.model.groups, { tokens } = scene;
  if (!groups) return;
  const from = groups.stripStart[group]!, n = groups.stripStart[group + 1]! - from, w = r.w / n;
  for (let i = 0; i < n; i++) {
    const norm = groups.strip[from + i]!, state = cellState(groups.stripStatus[from + i]!, norm), x = r.x + w * i;
    roundRect(pen, x + 1, r.y, Math.max(1, w - 2), r.h, 2);
    // Only the norm is known for each repeat: another measure leaves the cells neutral.
    if (state === 'ok') { pen.fillStyle = scene.measure.id === 'norm' ? tokens.steps[scene.measure.step(norm)]! : tokens.nodeLine; pen.fill(); continue; }
    pen.fillStyle = state === 'nan' ? tokens.alarm : state === 'blocked' || state === 'dead' ? hatch(pen, tokens) : tokens.bg;
    pen.fill();
    if (state === 'nan') { cross(pen, x + w / 2, r.y + r.h / 2, 3, '#000', 1.5); continue; }
    pen.strokeStyle = tokens.none; pen.lineWidth = 1; pen.stroke();
    if (words && w >= 9 && (state === 'zero' || state === 'unknown')) write(pen, state === 'zero' ? '0' : '?', x + w / 2, r.y + 10.5, fonts.tiny, tokens.fg, 'center');
  }
}

/** The pill of a value used often, and its dotted tail. */
export function drawTag(pen: Pen, scene: Scene, value: number, more: number, r: Rect, fonts: Fonts, words: boolean): void {
  const { tokens, model } = scene;
  pen.beginPath(); pen.setLineDash([1.5, 3]); pen.moveTo(r.x - METRICS.tail, r.y + r.h / 2); pen.lineTo(r.x, r.y + r.h / 2);
  pen.strokeStyle = tokens.none; pen.lineWidth = 1.25; pen.stroke(); pen.setLineDash([]);
  roundRect(pen, r.x + 0.5, r.y + 0.5, r.w - 1, r.h - 1, r.h / 2);
  pen.fillStyle = tokens.bg; pen.fill(); pen.lineWidth = 1; pen.stroke();
  if (!words) return;
  pen.font = fonts.small;
  write(pen, more > 1 ? `${more} more` : fitted(pen, model.valueName(value).split('/').pop()!, r.w - 16), r.x + r.w / 2, r.y + 14, fonts.small, tokens.desc, 'center');
}

