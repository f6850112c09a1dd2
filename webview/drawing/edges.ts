/** Edges: colour and width are the norm of what this use contributes; obstacles are shapes on the line. Design section 3. */
import { BoxKind, EdgeFlag } from '../layout/types.ts';
import type { CellState } from '../state/model.ts';
import { strokeWidth } from '../ui/scale.ts';
import { cross } from './pen.ts';
import type { Pen, Scene } from './scene.ts';

export interface EdgeLook {
  readonly state: CellState;
  /** Largest contribution among the uses that it carries. */
  readonly norm: number;
  /** One of its uses is where the gradient becomes zero: its consumer has a gradient. */
  readonly dies: boolean;
}

const ORDER: readonly CellState[] = ['nan', 'ok', 'unknown', 'zero', 'blocked', 'dead', 'nodiff', 'plain'];

export function edgeLook(scene: Scene, edge: number): EdgeLook {
  const { edges } = scene.layout, { model } = scene, norms = model.results?.useNorm;
  let state: CellState = 'plain', norm = 0, dies = false;
  for (let k = edges.useStart[edge]!; k < edges.useStart[edge + 1]!; k++) {
    const use = edges.uses[k]!, s = model.useState(use);
    if (ORDER.indexOf(s) < ORDER.indexOf(state)) state = s;
    if (s === 'ok') norm = Math.max(norm, norms![use]!);
    if (s === 'zero' && model.valueState(model.mainValue(model.graph.uses.node[use]!)) === 'ok') dies = true;
  }
  return { state, norm, dies: dies && state === 'zero' };
}

/** The curve of an edge: upright pieces straight, slanted ones as S within the rectangle of their ends. */
export function trace(pen: Pen, scene: Scene, edge: number, rough: boolean): void {
  const { start, points: p, flags } = scene.layout.edges, from = start[edge]!, to = start[edge + 1]!;
  pen.beginPath();
  pen.moveTo(p[2 * from]!, p[2 * from + 1]!);
  const square = (flags[edge]! & EdgeFlag.column) !== 0;
  for (let i = from + 1; i < to; i++) {
    const x0 = p[2 * i - 2]!, y0 = p[2 * i - 1]!, x1 = p[2 * i]!, y1 = p[2 * i + 1]!;
    if (square && i + 1 < to) pen.arcTo(x1, y1, p[2 * i + 2]!, p[2 * i + 3]!, 6);
    else if (rough || square || x0 === x1 || y0 === y1) pen.lineTo(x1, y1);
    else if (scene.direction === 'right') pen.bezierCurveTo((x0 + x1) / 2, y0, (x0 + x1) / 2, y1, x1, y1);
    else pen.bezierCurveTo(x0, (y0 + y1) / 2, x1, (y0 + y1) / 2, x1, y1);
  }
}

/** `k`: pixels on screen for one of the drawing, so that marks keep their size far out. */
export function drawEdge(pen: Pen, scene: Scene, edge: number, k: number, rough: boolean): void {
  const look = edgeLook(scene, edge), { tokens, measure } = scene, thin = 1 / Math.min(1, k), coloured = measure.id === 'norm' || measure.id === 'rms' || measure.id === 'largest';
  trace(pen, scene, edge, rough);
  pen.lineCap = 'butt';
  pen.strokeStyle = tokens.none;
  switch (look.state) {
    case 'ok':
      if (coloured) { pen.strokeStyle = tokens.steps[measure.id === 'norm' ? measure.step(look.norm) : Math.max(0, Math.min(8, measure.step(look.norm)))]!; pen.lineWidth = Math.max(strokeWidth(measure.scale, look.norm), 0.75 * thin); }
      else { pen.strokeStyle = tokens.nodeLine; pen.lineWidth = 1.25 * thin; }
      if (scene.layout.edges.flags[edge]! & EdgeFlag.column) pen.lineWidth = 1.5 * thin;
      break;
    case 'nan': pen.strokeStyle = tokens.alarm; pen.lineWidth = 2.5 * thin; break;
    case 'zero': pen.lineWidth = thin; break;
    case 'blocked': pen.lineWidth = 1.5 * thin; pen.setLineDash([5 * thin, 4 * thin]); break;
    case 'plain': case 'unknown': pen.strokeStyle = look.state === 'plain' ? tokens.nodeLine : tokens.none; pen.lineWidth = 1.25 * thin; break;
    default: pen.lineWidth = 1.25 * thin; pen.setLineDash([1.5 * thin, 3 * thin]);
  }
  pen.stroke();
  pen.setLineDash([]);
  if (look.state === 'nan') crosses(pen, scene, edge, thin);
  if (look.dies) ring(pen, scene, edge, thin);
}

/** A × every 16 px. */
function crosses(pen: Pen, scene: Scene, edge: number, thin: number): void {
  const { start, points: p } = scene.layout.edges;
  let left = 8 * thin;
  for (let i = start[edge]! + 1; i < start[edge + 1]!; i++) {
    const x0 = p[2 * i - 2]!, y0 = p[2 * i - 1]!, dx = p[2 * i]! - x0, dy = p[2 * i + 1]! - y0, length = Math.hypot(dx, dy);
    while (left < length) {
      const t = left / length, s = dx && dy ? 3 * t * t - 2 * t * t * t : t, x = x0 + dx * s, y = y0 + dy * t;
      cross(pen, x, y, 4.5 * thin, scene.tokens.bg, 4.5 * thin);
      cross(pen, x, y, 4 * thin, scene.tokens.alarm, 2 * thin);
      left += 16 * thin;
    }
    left -= length;
  }
}

/** The end of an edge at its consumer. */
export function endOf(scene: Scene, edge: number): readonly [x: number, y: number] {
  const { start, points } = scene.layout.edges, i = start[edge + 1]! - 1;
  return [points[2 * i]!, points[2 * i + 1]!];
}

function ring(pen: Pen, scene: Scene, edge: number, thin: number): void {
  const [x, y] = endOf(scene, edge), right = scene.direction === 'right';
  pen.beginPath();
  pen.arc(right ? x - 7 * thin : x, right ? y : y - 7 * thin, 4 * thin, 0, 2 * Math.PI);
  pen.fillStyle = scene.tokens.bg;
  pen.fill();
  pen.strokeStyle = scene.tokens.none;
  pen.lineWidth = 1.5 * thin;
  pen.stroke();
}

/** A small ∧ near the node on each edge of the selection that carries a gradient: its direction. */
export function drawDirection(pen: Pen, scene: Scene, edge: number, box: number): void {
  const { edges, boxes } = scene.layout, look = edgeLook(scene, edge);
  if (look.state !== 'ok') return;
  const last = edges.to[edge] === box, i = last ? edges.start[edge + 1]! - 1 : edges.start[edge]!, right = scene.direction === 'right';
  const stop = boxes.kind[box] === BoxKind.node && scene.model.isStop(boxes.ref[box]!) ? 8 : 0, off = last ? -(9 + stop) : 9;
  const x = edges.points[2 * i]! + (right ? off : 0), y = edges.points[2 * i + 1]! + (right ? 0 : off);
  const line = () => {
    pen.beginPath();
    if (right) { pen.moveTo(x + 2.5, y - 5); pen.lineTo(x - 2.5, y); pen.lineTo(x + 2.5, y + 5); }
    else { pen.moveTo(x - 5, y + 2.5); pen.lineTo(x, y - 2.5); pen.lineTo(x + 5, y + 2.5); }
  };
  line(); pen.strokeStyle = scene.tokens.bg; pen.lineWidth = 5; pen.stroke();
  line(); pen.strokeStyle = scene.tokens.fg; pen.lineWidth = 1.75; pen.stroke();
}
