import type { Layout } from '../layout/types.ts';
import type { Measure } from '../state/measure.ts';
import type { CellState, Model } from '../state/model.ts';
import type { Tokens } from '../ui/tokens.ts';

/** The part of a canvas context that the drawing uses, so that a picture in another form needs only these. */
export type Pen = CanvasRenderingContext2D;

/** What can be selected, hovered and searched, by what it is and not by its box: it survives folding. */
export interface Target {
  readonly kind: 'node' | 'value' | 'group';
  readonly ref: number;
}

export function sameTarget(a: Target | undefined, b: Target | undefined): boolean {
  return a?.kind === b?.kind && a?.ref === b?.ref;
}

/** Everything that a frame shows. */
export interface Scene {
  readonly model: Model;
  readonly layout: Layout;
  readonly tokens: Tokens;
  readonly measure: Measure;
  readonly selection: Target | undefined;
  readonly hover: Target | undefined;
  /** Boxes with search hits → how many; the box of the current hit. */
  readonly hits: ReadonlyMap<number, number>;
  readonly currentHit: number;
  /** Boxes that belong to the answer; all others are dimmed. */
  readonly keep: ReadonlySet<number> | undefined;
  readonly direction: 'down' | 'right';
}

/** Box index of each target in one layout. */
export function boxIndex(layout: Layout): (target: Target | undefined) => number {
  const keys = new Map<string, number>();
  for (let b = 0; b < layout.boxes.count; b++) keys.set(keyOf(targetOf(layout, b)), b);
  return target => (target ? keys.get(keyOf(target)) ?? -1 : -1);
}

function keyOf(target: Target): string { return `${target.kind}${target.ref}`; }

export function targetOf(layout: Layout, box: number): Target {
  const kind = layout.boxes.kind[box]!, ref = layout.boxes.ref[box]!;
  return { kind: kind === 3 ? 'value' : kind === 1 || kind === 2 ? 'group' : 'node', ref };
}

/** The box that shows a node: its own, else that of the folded group around it; −1 if it is hidden. */
export function visibleBox(model: Model, boxOf: (target: Target) => number, node: number): number {
  const own = boxOf({ kind: 'node', ref: node });
  if (own >= 0 || !model.hierarchy) return own;
  for (let g = model.hierarchy.groupOf[node]!; g > 0; g = model.hierarchy.parent[g]!) {
    const box = boxOf({ kind: 'group', ref: g });
    if (box >= 0) return box;
  }
  return -1;
}

/** Fill and ink of a cell in state `ok`; undefined where the measure has nothing to say. */
export function cellColors(scene: Scene, figure: number): { readonly fill: string; readonly ink: string } | undefined {
  const { measure, tokens } = scene;
  if (measure.id === 'none' || Number.isNaN(figure)) return undefined;
  const step = measure.step(figure);
  if (measure.id !== 'change') return { fill: tokens.steps[step]!, ink: tokens.inks[step]! };
  if (step === 0) return { fill: tokens.surface, ink: tokens.fg };
  const light = tokens.kind === 'light' || tokens.kind === 'hcl';
  return { fill: tokens.change[step < 0 ? step + 3 : step + 2]!, ink: light ? '#fff' : '#000' };
}

/** The number that stands beside a cell. */
export function figureText(scene: Scene, state: CellState, value: number): string {
  switch (state) {
    case 'ok': { const f = scene.measure.of(value); return Number.isNaN(f) ? '' : scene.measure.text(f); }
    case 'zero': return '0';
    case 'blocked': return 'blocked';
    case 'nan': return Number.isNaN(scene.model.norm(value)) ? 'NaN' : 'Inf';
    case 'unknown': return '?';
    default: return '';
  }
}
