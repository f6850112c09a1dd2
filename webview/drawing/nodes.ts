/** Boxes at reading size: nodes with their cell, number and parameter rows, inputs, the loss. Design section 3. */
import { NodeMark } from '../../extension/protocol.ts';
import { METRICS } from '../layout/types.ts';
import type { CellState } from '../state/model.ts';
import { leaf, number, percent } from '../ui/format.ts';
import { glyphOf, type Glyph } from '../ui/glyphs.ts';
import { cross, drawGlyph, fitted, hatch, roundRect, textWidth, write, type Fonts } from './pen.ts';
import { cellColors, figureText, type Pen, type Scene } from './scene.ts';

const HEAD = METRICS.head, ROW = METRICS.row;

export interface Rect { readonly x: number; readonly y: number; readonly w: number; readonly h: number }

/** Path of a box whose right end is cut in three steps: fake quantisation. */
export function stairs(pen: Pen, { x, y, w, h }: Rect): void {
  pen.beginPath();
  pen.moveTo(x + 3, y); pen.lineTo(x + w - 16, y); pen.lineTo(x + w - 16, y + HEAD / 3); pen.lineTo(x + w - 8, y + HEAD / 3); pen.lineTo(x + w - 8, y + (2 * HEAD) / 3);
  pen.lineTo(x + w, y + (2 * HEAD) / 3); pen.lineTo(x + w, y + h); pen.lineTo(x + 3, y + h);
  pen.arcTo(x, y + h, x, y + h - 3, 3); pen.lineTo(x, y + 3); pen.arcTo(x, y, x + 3, y, 3); pen.closePath();
}

/** In a what-if: a gradient where there was none. */
function isNew(scene: Scene, value: number): boolean { return scene.measure.id === 'change' && scene.measure.of(value) === Infinity; }

/** The 26 × 26 cell at the left of a box: filled, hollow, hatched, red, or empty with a question mark. */
export function drawCell(pen: Pen, scene: Scene, x: number, y: number, state: CellState, value: number, glyph: Glyph | undefined, radius: number | number[] = [3, 0, 0, 3]): void {
  const { tokens } = scene, colors = state === 'ok' ? cellColors(scene, scene.measure.of(value)) : undefined;
  let ink = tokens.fg;
  if (state === 'ok' && isNew(scene, value)) {
    roundRect(pen, x + 0.5, y + 0.5, HEAD - 1, HEAD - 1, radius);
    outline(pen, tokens.none);
    glyph = 'add';
  } else if (colors?.fill === tokens.surface) {
    // Unchanged: the box itself.
  } else if (colors) {
    roundRect(pen, x, y, HEAD, HEAD, radius);
    pen.fillStyle = colors.fill;
    pen.fill();
    if (tokens.outlineCells) outline(pen, tokens.none);
    ink = colors.ink;
  } else if (state === 'nan') {
    roundRect(pen, x, y, HEAD, HEAD, radius);
    pen.fillStyle = tokens.alarm;
    pen.fill();
    ink = '#000';
  } else if (state === 'zero' || state === 'blocked' || state === 'dead') {
    roundRect(pen, x + 0.5, y + 0.5, HEAD - 1, HEAD - 1, radius);
    pen.fillStyle = state === 'zero' ? tokens.bg : hatch(pen, tokens);
    pen.fill();
    outline(pen, tokens.none);
    if (glyph && state !== 'zero') drawGlyph(pen, glyph, x + 5, y + 5, tokens.bg, 5.5);
  } else if (state === 'unknown') {
    write(pen, '?', x + HEAD / 2, y + 17, `12px ${tokens.font}`, tokens.desc, 'center');
    return;
  }
  if (glyph) drawGlyph(pen, glyph, x + 5, y + 5, ink);
}

function outline(pen: Pen, color: string, width = 1): void {
  pen.strokeStyle = color;
  pen.lineWidth = width;
  pen.stroke();
}

/** The 11 × 11 cell of a parameter row. */
export function drawSmallCell(pen: Pen, scene: Scene, x: number, y: number, state: CellState, value: number): void {
  const { tokens } = scene, colors = state === 'ok' ? cellColors(scene, scene.measure.of(value)) : undefined;
  roundRect(pen, x, y, 11, 11, 2);
  if (colors || state === 'nan') {
    pen.fillStyle = colors?.fill ?? tokens.alarm;
    pen.fill();
    if (state === 'nan') cross(pen, x + 5.5, y + 5.5, 3, '#000', 1.5);
    return;
  }
  pen.fillStyle = state === 'blocked' || state === 'dead' ? hatch(pen, tokens) : tokens.bg;
  pen.fill();
  if (state === 'plain' || state === 'unknown') pen.setLineDash([2, 2]);
  outline(pen, tokens.none);
  pen.setLineDash([]);
}

function surface(pen: Pen, scene: Scene, r: Rect, radius: number, dead: boolean, alarm: boolean, steps: boolean): void {
  const { tokens } = scene;
  if (steps) stairs(pen, { x: r.x + 0.5, y: r.y + 0.5, w: r.w - 1, h: r.h - 1 });
  else roundRect(pen, r.x + 0.5, r.y + 0.5, r.w - 1, r.h - 1, radius);
  pen.fillStyle = dead ? tokens.bg : tokens.surface;
  pen.fill();
  if (dead) pen.setLineDash([3, 2]);
  outline(pen, alarm ? tokens.alarm : dead || steps ? tokens.none : tokens.nodeLine, alarm ? 1.5 : 1);
  pen.setLineDash([]);
}

/** What stands at the right of a node: its figure, or what a stop holds back; `brief` where there is little room. */
export function nodeText(scene: Scene, node: number): { readonly text: string; readonly strong: boolean; readonly brief?: string } {
  const { model } = scene, value = model.mainValue(node), state = model.valueState(value);
  if (model.isStop(node)) {
    if (!model.results || state !== 'ok') return { text: state === 'nan' ? 'stops NaN' : state === 'zero' ? 'stops 0' : '', strong: state === 'nan' };
    const norm = model.norm(value), verb = model.isRemoved(node) ? 'passes' : (model.mark(node) & NodeMark.preventGradient) ? 'throws' : 'stops';
    return { text: `${verb} ${norm < 1e-7 ? '≈0' : number(norm)}`, strong: false, brief: norm < 1e-7 ? '≈0' : number(norm) };
  }
  if (state === 'nodiff') return { text: typeTail(model.type(value)), strong: false };
  const clipped = clippedShare(scene, node), figure = figureText(scene, state, value);
  return { text: (clipped ? `${clipped} clipped ` : '') + figure, strong: state === 'nan', ...(clipped && { brief: figure }) };
}

/** Share of a quantiser's input gradient that is exactly zero: what lies outside its range; only from 1 %. */
function clippedShare(scene: Scene, node: number): string {
  const { model } = scene, r = model.results;
  if (!r || !model.isQuantiser(node)) return '';
  const use = model.nodeUseStart[node]!;
  if (use >= model.nodeUseStart[node + 1]!) return '';
  const share = r.valueZeroShare[model.graph.uses.value[use]!]!, own = r.valueZeroShare[model.mainValue(node)] ?? 0;
  return share - own >= 0.01 && model.usesOf(model.graph.uses.value[use]!).length === 1 ? percent(share - own, 1) : '';
}

const SHORT_TYPES: Readonly<Record<string, string>> = { int64: 'i64', int32: 'i32', int16: 'i16', int8: 'i8', uint8: 'u8', uint16: 'u16', bool: 'bool', string: 'string' };
export function typeTail(type: string): string {
  const name = type.split(' ')[0] ?? '';
  return SHORT_TYPES[name] ?? name;
}

/** A node at reading size, with its rows. `words` false: while zooming fast, text waits. */
export function drawNode(pen: Pen, scene: Scene, node: number, rows: number, r: Rect, fonts: Fonts, words: boolean): void {
  const { model, tokens } = scene, value = model.mainValue(node), state = model.valueState(value), stop = model.isStop(node), steps = model.isQuantiser(node);
  const params = rowValues(scene, node), shown = params.slice(0, Math.min(rows, METRICS.maxRows)), alarm = state === 'nan' || params.some(p => model.valueState(p) === 'nan');
  const dead = state === 'dead', pill = state === 'nodiff' && !params.length && !stop && !steps;
  surface(pen, scene, r, pill ? HEAD / 2 : 3, dead, alarm, steps);
  const glyph = stop ? 'stop' : steps ? (model.mark(node) & NodeMark.straightThrough ? 'straight' : 'quant') : glyphOf(model.op(node));
  if (stop) drawGlyph(pen, 'stop', r.x + 5, r.y + 5, tokens.fg);
  else if (!pill) drawCell(pen, scene, r.x, r.y, state, value, dead ? undefined : state === 'nodiff' ? undefined : glyph);
  if (rows) {
    pen.beginPath(); pen.moveTo(r.x + 0.5, r.y + HEAD + 0.5); pen.lineTo(r.x + r.w - 0.5, r.y + HEAD + 0.5);
    outline(pen, tokens.nodeLine);
  }
  if (words) {
    const { text: whole, strong, brief } = nodeText(scene, node), end = r.x + r.w - (steps ? 20 : pill ? 11 : 8), start = r.x + (pill ? 12 : state === 'nodiff' && !stop ? 10 : 33);
    const font = strong ? fonts.monoBold : fonts.mono, name = model.shortName(node);
    // The name goes before what stands beside the figure.
    pen.font = fonts.name;
    const wanted = textWidth(pen, name);
    pen.font = font;
    const text = brief !== undefined && end - start - textWidth(pen, whole) - 8 < wanted ? brief : whole;
    write(pen, text, end, r.y + 17, font, strong ? tokens.fg : tokens.desc, 'right');
    const room = end - start - (text ? textWidth(pen, text) + 8 : 0);
    pen.font = fonts.name;
    write(pen, fitted(pen, name, room), start, r.y + 17, fonts.name, state === 'blocked' || dead ? tokens.desc : tokens.fg);
  }
  shown.forEach((p, i) => drawRow(pen, scene, p, r, r.y + HEAD + 1 + i * ROW, fonts, words));
  if (words && params.length > METRICS.maxRows && rows > METRICS.maxRows) write(pen, `${params.length - METRICS.maxRows} more`, r.x + 33, r.y + HEAD + 14.5 + METRICS.maxRows * ROW, fonts.small, tokens.desc);
  if (stop) drawBar(pen, scene, node, r);
  healthPill(pen, scene, value, state, r);
}

function rowValues(scene: Scene, node: number): number[] {
  const h = scene.model.hierarchy;
  return h ? Array.from(h.parameters.subarray(h.parameterStart[node], h.parameterStart[node + 1])) : [];
}

function drawRow(pen: Pen, scene: Scene, value: number, r: Rect, y: number, fonts: Fonts, words: boolean): void {
  const { model, tokens } = scene, state = model.valueState(value);
  drawSmallCell(pen, scene, r.x + 8, y + 4, state, value);
  if (!words) return;
  const text = figureText(scene, state, value), strong = state === 'nan';
  write(pen, text, r.x + r.w - 8, y + 13.5, strong ? fonts.monoBold : fonts.mono, strong ? tokens.fg : tokens.desc, 'right');
  const room = r.w - 33 - 8 - (text ? textWidth(pen, text) + 8 : 0);
  pen.font = fonts.small;
  write(pen, fitted(pen, parameterName(model.valueName(value), model.name(scene.model.usesOf(value).length ? model.graph.uses.node[model.usesOf(value)[0]!]! : 0)), room), r.x + 33, y + 13.5, fonts.small, tokens.desc);
}

/** A parameter's last part: "layer1.0.conv1.weight" is "weight" in its node. */
export function parameterName(name: string, node: string): string {
  const last = leaf(name);
  if (last !== name) return last;
  const dot = name.lastIndexOf('.');
  return dot > 0 && dot < name.length - 1 && node !== name ? name.slice(dot + 1) : name;
}

/** The bar of a stop over the whole top edge; open in the middle where the stop is removed. */
export function drawBar(pen: Pen, scene: Scene, node: number, r: Rect): void {
  const benign = (scene.model.mark(node) & NodeMark.benign) !== 0;
  pen.beginPath();
  if (scene.model.isRemoved(node)) {
    pen.moveTo(r.x - 7, r.y - 2); pen.lineTo(r.x - 7 + (r.w + 14) * 0.3, r.y - 2);
    pen.moveTo(r.x + r.w + 7, r.y - 2); pen.lineTo(r.x + r.w + 7 - (r.w + 14) * 0.3, r.y - 2);
  } else { pen.moveTo(r.x - 7, r.y - 2); pen.lineTo(r.x + r.w + 7, r.y - 2); }
  outline(pen, scene.tokens.fg, benign ? 2 : 4);
}

/** A person's own stop at a value: the bar, dashed, under the box that makes it. */
export function drawUserStop(pen: Pen, scene: Scene, r: Rect): void {
  pen.beginPath();
  pen.setLineDash([8, 3]);
  pen.moveTo(r.x + r.w / 2 - 26, r.y + r.h + 4); pen.lineTo(r.x + r.w / 2 + 26, r.y + r.h + 4);
  outline(pen, scene.tokens.fg, 4);
  pen.setLineDash([]);
}

/** Only where it matters: from 90 % zero, at the bottom edge; NaN and Inf have their red outline. */
function healthPill(pen: Pen, scene: Scene, value: number, state: CellState, r: Rect): void {
  const share = scene.model.results?.valueZeroShare[value] ?? 0;
  if (state !== 'ok' || share < 0.9 || r.h > HEAD) return;
  const x = r.x + HEAD + 4, w = r.w - HEAD - 8, full = w * (1 - share);
  pen.fillStyle = scene.tokens.none;
  pen.fillRect(x, r.y + r.h - 4, Math.max(1, full), 3);
  pen.strokeStyle = scene.tokens.none;
  pen.lineWidth = 1;
  pen.strokeRect(x + 0.5, r.y + r.h - 3.5, w - 1, 2);
}

/** A graph input: a pill with a filled round cell; without a gradient to carry, only name and type. */
export function drawInput(pen: Pen, scene: Scene, value: number, r: Rect, fonts: Fonts, words: boolean): void {
  const { model, tokens } = scene, state = model.valueState(value), bare = state === 'nodiff';
  surface(pen, scene, r, HEAD / 2, state === 'dead', state === 'nan', false);
  if (!bare) drawCell(pen, scene, r.x, r.y, state, value, 'input', HEAD / 2);
  if (!words) return;
  const text = bare ? typeTail(model.type(value)) : figureText(scene, state, value), start = r.x + (bare ? 12 : 33), end = r.x + r.w - 11;
  write(pen, text, end, r.y + 17, state === 'nan' ? fonts.monoBold : fonts.mono, state === 'nan' ? tokens.fg : tokens.desc, 'right');
  const room = end - start - (text ? textWidth(pen, text) + 8 : 0);
  pen.font = fonts.name;
  write(pen, fitted(pen, leaf(model.valueName(value)), room), start, r.y + 17, fonts.name, state === 'blocked' || state === 'dead' ? tokens.desc : tokens.fg);
}

/** The lamp: the only solid shape. */
export function drawLoss(pen: Pen, scene: Scene, node: number, r: Rect, fonts: Fonts, words: boolean): void {
  const { tokens, model } = scene;
  roundRect(pen, r.x, r.y, r.w, HEAD, HEAD / 2);
  pen.fillStyle = tokens.source;
  pen.fill();
  if (!words) return;
  pen.font = fonts.mono;
  const target = model.results?.target ?? -1, name = `∂ ${leaf(target >= 0 ? model.valueName(target).replace(/:0$/, '') : model.shortName(node))}`, figure = model.run ? number(model.run.loss) : '';
  // What it holds goes before what it starts from.
  const right = Number.isFinite(model.run?.loss) && textWidth(pen, `${figure} · seed 1`) + 60 < r.w - 26 ? `${figure} · seed 1` : figure;
  write(pen, right, r.x + r.w - 13, r.y + 17, fonts.mono, tokens.sourceFg, 'right');
  const room = r.w - 26 - (right ? textWidth(pen, right) + 8 : 0);
  pen.font = fonts.bold;
  write(pen, fitted(pen, name, room), r.x + 13, r.y + 17, fonts.bold, tokens.sourceFg);
}
