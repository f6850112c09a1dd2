/** One frame: only what is in the window, at the level of detail that the scale and the counts allow. */
import { BoxKind, METRICS } from '../layout/types.ts';
import { drawDirection, drawEdge } from './edges.ts';
import { drawFar, drawMarks } from './far.ts';
import type { Area, LayoutIndex } from './grid.ts';
import { drawCard, drawFrame, drawTag } from './groups.ts';
import { drawInput, drawLoss, drawNode, drawUserStop, type Rect } from './nodes.ts';
import { fontsOf, roundRect, write } from './pen.ts';
import { visibleBox, type boxIndex, type Pen, type Scene } from './scene.ts';
import type { View } from './view.ts';

export const LIMITS = { boxes: 4000, pieces: 6000 } as const;

export type Level = 0 | 1 | 2 | 3;
export function levelOf(k: number): Level { return k >= 0.75 ? 0 : k >= 0.35 ? 1 : k >= 0.08 ? 2 : 3; }

export interface FrameOptions {
  readonly width: number;
  readonly height: number;
  readonly ratio: number;
  /** While zooming fast: text waits until the view rests. */
  readonly words: boolean;
  readonly boxOf: ReturnType<typeof boxIndex>;
  /** A picture to save: however many boxes there are, each is drawn. */
  readonly all?: boolean;
}

export interface FrameFacts { readonly level: Level; readonly boxes: number; readonly pieces: number }

const rectOf = (b: { x: Float32Array; y: Float32Array; w: Float32Array; h: Float32Array }, i: number): Rect => ({ x: b.x[i]!, y: b.y[i]!, w: b.w[i]!, h: b.h[i]! });

export function paint(pen: Pen, scene: Scene, index: LayoutIndex, view: View, { width, height, ratio, words, boxOf, all = false }: FrameOptions): FrameFacts {
  const { layout, tokens } = scene, k = view.k, fonts = fontsOf(tokens);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = tokens.bg;
  pen.fillRect(0, 0, width, height);
  pen.setTransform(ratio * k, 0, 0, ratio * k, ratio * view.x, ratio * view.y);
  pen.textBaseline = 'alphabetic';
  const area: Area = { x0: -view.x / k, y0: -view.y / k, x1: (width - view.x) / k, y1: (height - view.y) / k };
  const limits = all ? { boxes: Infinity, pieces: Infinity } : LIMITS, boxes = index.boxes.within(area, limits.boxes), { edges, pieces } = index.edges(area, limits.pieces);
  let level = levelOf(k);
  if (boxes.length > limits.boxes && level < 3) level = (level + 1) as Level;
  if (boxes.length > limits.boxes) boxes.length = limits.boxes;
  const dim = (box: number) => { pen.globalAlpha = scene.keep && !scene.keep.has(box) ? 0.22 : 1; };

  for (let f = 0; f < layout.frames.count; f++) {
    const r = rectOf(layout.frames, f);
    if (r.x > area.x1 || r.y > area.y1 || r.x + r.w < area.x0 || r.y + r.h < area.y0) continue;
    pen.globalAlpha = scene.keep ? 0.22 : 1;
    if (level === 0) drawFrame(pen, scene, layout.frames.group[f]!, r, fonts, words);
    else farFrame(pen, scene, layout.frames.group[f]!, r, k, words);
  }
  for (const e of edges) {
    const from = layout.edges.from[e]!, to = layout.edges.to[e]!;
    pen.globalAlpha = scene.keep && !((from < 0 || scene.keep.has(from)) && (to < 0 || scene.keep.has(to)) && keptEnds(scene, from, to)) ? 0.22 : 1;
    drawEdge(pen, scene, e, k, level >= 2);
  }
  pen.globalAlpha = 1;
  tagEdges(pen, scene, boxOf, k);
  for (const b of boxes) { dim(b); drawBox(pen, scene, b, level, k, words, fonts); }
  if (level < 2) for (const t of index.tags.within(area, limits.boxes)) { dim(layout.tags.box[t]!); drawTag(pen, scene, layout.tags.value[t]!, layout.tags.more[t]!, rectOf(layout.tags, t), fonts, words && level === 0); }
  pen.globalAlpha = 1;
  if (level >= 2) drawMarks(pen, scene, boxes, k);
  rings(pen, scene, boxOf, k, level, edges);
  return { level, boxes: boxes.length, pieces };
}

function keptEnds(scene: Scene, from: number, to: number): boolean {
  return (from >= 0 && scene.keep!.has(from)) || (to >= 0 && scene.keep!.has(to));
}

function drawBox(pen: Pen, scene: Scene, b: number, level: Level, k: number, words: boolean, fonts: ReturnType<typeof fontsOf>): void {
  const { boxes } = scene.layout, kind = boxes.kind[b]!, ref = boxes.ref[b]!, r = rectOf(boxes, b);
  if (level > 0) drawFar(pen, scene, b, r, k, words && level === 1, fonts);
  else if (kind === BoxKind.node) drawNode(pen, scene, ref, boxes.rows[b]!, r, fonts, words);
  else if (kind === BoxKind.input) drawInput(pen, scene, ref, r, fonts, words);
  else if (kind === BoxKind.loss) drawLoss(pen, scene, ref, r, fonts, words);
  else drawCard(pen, scene, ref, kind === BoxKind.repeat, r, fonts, words);
  if (kind === BoxKind.node ? Array.from(scene.model.outputs(ref)).some(v => scene.model.hasUserStop(v)) : kind === BoxKind.input && scene.model.hasUserStop(ref)) drawUserStop(pen, scene, r);
}

/** A frame whose name keeps 11 px on screen, where it fits. */
function farFrame(pen: Pen, scene: Scene, group: number, r: Rect, k: number, words: boolean): void {
  const { tokens, model } = scene, px = 11 / k;
  roundRect(pen, r.x, r.y, r.w, r.h, 8);
  pen.fillStyle = tokens.group;
  pen.fill();
  pen.strokeStyle = tokens.nodeLine;
  pen.lineWidth = 1 / k;
  pen.stroke();
  const label = model.hierarchy!.label[group]!;
  if (!words || px > METRICS.header + 8) return;
  pen.font = `${px}px ${tokens.font}`;
  if (pen.measureText(label).width < r.w - 10) write(pen, label, r.x + 6, r.y + Math.min(METRICS.header - 4, 3 + px), pen.font, tokens.desc);
}

/** A value that is used often has tags and no edges; while it is selected, its edges are drawn and its tags ringed. */
function tagEdges(pen: Pen, scene: Scene, boxOf: ReturnType<typeof boxIndex>, k: number): void {
  const { model, selection, tokens, layout } = scene, tagged = model.hierarchy?.tagged, thin = 1 / Math.min(1, k);
  if (!tagged || !selection || selection.kind === 'group') return;
  const values = selection.kind === 'value' ? [selection.ref] : Array.from(model.outputs(selection.ref)), from = selection.kind === 'value' ? boxOf(selection) : visibleBox(model, boxOf, selection.ref), right = scene.direction === 'right';
  pen.strokeStyle = tokens.focus;
  pen.lineWidth = 1.25 * thin;
  for (const value of values) {
    for (const use of model.usesOf(value)) {
      const to = tagged[use] ? visibleBox(model, boxOf, model.graph.uses.node[use]!) : -1;
      if (from < 0 || to < 0 || to === from) continue;
      const a = rectOf(layout.boxes, from), b = rectOf(layout.boxes, to);
      const [x0, y0, x1, y1] = right ? [a.x + a.w, a.y + a.h / 2, b.x, b.y + b.h / 2] : [a.x + a.w / 2, a.y + a.h, b.x + b.w / 2, b.y];
      pen.beginPath();
      pen.moveTo(x0, y0);
      if (right) pen.bezierCurveTo((x0 + x1) / 2, y0, (x0 + x1) / 2, y1, x1, y1);
      else pen.bezierCurveTo(x0, (y0 + y1) / 2, x1, (y0 + y1) / 2, x1, y1);
      pen.stroke();
    }
    for (let t = 0; k >= 0.35 && t < layout.tags.count; t++) {
      if (layout.tags.value[t] !== value) continue;
      const r = rectOf(layout.tags, t);
      roundRect(pen, r.x - 3, r.y - 3, r.w + 6, r.h + 6, (r.h + 6) / 2);
      pen.stroke();
    }
  }
}

/** Selection, hover and search hits; the direction of the gradient on the edges of the selection. */
function rings(pen: Pen, scene: Scene, boxOf: ReturnType<typeof boxIndex>, k: number, level: Level, edges: readonly number[]): void {
  const { boxes } = scene.layout, { tokens } = scene, thin = Math.max(1, 0.75 / k), selected = boxOf(scene.selection), hovered = boxOf(scene.hover);
  const ring = (b: number, off: number, width: number, color: string) => {
    const stop = boxes.kind[b] === BoxKind.node && scene.model.isStop(boxes.ref[b]!), side = stop ? 8 : 0, r = rectOf(boxes, b);
    roundRect(pen, r.x - side - off, r.y - (stop ? 5 : 0) - off, r.w + 2 * (side + off), r.h + (stop ? 5 : 0) + 2 * off, 3 + off);
    pen.strokeStyle = color;
    pen.lineWidth = width;
    pen.stroke();
  };
  for (const [b, count] of scene.hits) {
    if (b < 0) continue;
    pen.fillStyle = tokens.fg;
    const x = boxes.x[b]!, w = boxes.w[b]!, y = boxes.y[b]! + METRICS.head - 4;
    pen.fillRect(level ? x : x + 33, level ? boxes.y[b]! + boxes.h[b]! : y, level ? w : Math.max(20, w - 90), 2 * thin);
    if (count > 1 || boxes.kind[b] === BoxKind.group || boxes.kind[b] === BoxKind.repeat) {
      const px = 11 * Math.max(1, 0.75 / k), text = `${count} found`;
      pen.font = `600 ${px}px ${tokens.font}`;
      const tw = pen.measureText(text).width + 10;
      roundRect(pen, x + w - tw - 4, boxes.y[b]! - px * 0.8, tw, px * 1.5, px * 0.75);
      pen.fillStyle = tokens.fg;
      pen.fill();
      write(pen, text, x + w - tw + 1, boxes.y[b]! + px * 0.35, pen.font, tokens.bg);
    }
  }
  if (scene.currentHit >= 0) ring(scene.currentHit, 2.5 * thin, 1.25 * thin, tokens.fg);
  if (hovered >= 0 && hovered !== selected) ring(hovered, 2.5 * thin, 1.25 * thin, tokens.fg);
  if (selected < 0) return;
  if (level === 0) for (const e of edges) if (scene.layout.edges.from[e] === selected || scene.layout.edges.to[e] === selected) drawDirection(pen, scene, e, selected);
  ring(selected, 4 * thin, 2 * thin, tokens.focus);
}

