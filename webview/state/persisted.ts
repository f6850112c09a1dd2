/** What of a view is kept across hidden tabs and reloads: by names, so that it survives a changed file. */
import type { MeasureId } from './measure.ts';
import type { Model } from './model.ts';
import type { Target } from '../drawing/scene.ts';
import type { View } from '../drawing/view.ts';

export interface PersistedView {
  readonly version: 1;
  readonly title: string;
  /** Keys of the open groups (Model.groupKey). */
  readonly expanded: readonly string[];
  readonly view: View;
  readonly selection?: { readonly kind: Target['kind']; readonly name: string };
  readonly measure: MeasureId;
  readonly query: string;
  readonly direction: 'down' | 'right';
  readonly inspector: boolean;
  /** px */
  readonly inspectorWidth?: number;
  readonly minimap: boolean;
  readonly hideOff: boolean;
  readonly closedSections: readonly string[];
}

export function readPersisted(state: unknown): PersistedView | undefined {
  const s = state as PersistedView | undefined;
  return s && typeof s === 'object' && s.version === 1 ? s : undefined;
}

export function targetName(model: Model, target: Target): string {
  return target.kind === 'node' ? model.name(target.ref) : target.kind === 'value' ? model.valueName(target.ref) : model.groupKey(target.ref);
}

export function targetNamed(model: Model, kept: { readonly kind: Target['kind']; readonly name: string }): Target | undefined {
  const ref = kept.kind === 'node' ? model.nodeNamed(kept.name) : kept.kind === 'value' ? model.valueNamed(kept.name) : groupsByKey(model, [kept.name])[0] ?? -1;
  return ref < 0 ? undefined : { kind: kept.kind, ref };
}

/** Group numbers of those keys that this hierarchy has. */
export function groupsByKey(model: Model, keys: readonly string[]): number[] {
  const wanted = new Set(keys), found: number[] = [], h = model.hierarchy;
  for (let g = 1; h && wanted.size && g < h.count; g++) if (wanted.has(model.groupKey(g))) found.push(g);
  return found;
}
