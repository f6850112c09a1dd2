/** The hidden tree that the drawing's one tab stop points into: ancestors, siblings and neighbours of the selection. */
import { along } from '../state/navigation.ts';
import { boxIndex, targetOf, type Scene, type Target } from '../drawing/scene.ts';
import { h, put } from '../ui/dom.ts';
import { groupName, labelOf } from './labels.ts';

const SIBLINGS = 40, NEIGHBOURS = 20;

export class AccessibleTree {
  readonly element = h('div', { class: 'hidden', role: 'tree', id: 'adj-tree', 'aria-label': 'Graph around the selection' });

  constructor(private readonly canvas: HTMLCanvasElement) {
    canvas.setAttribute('role', 'application');
    canvas.setAttribute('aria-roledescription', 'model graph');
    canvas.setAttribute('aria-owns', 'adj-tree');
    this.update(undefined, () => -1);
  }

  update(scene: Scene | undefined, boxOf: ReturnType<typeof boxIndex>): void {
    const { canvas } = this;
    if (!scene) {
      canvas.setAttribute('aria-label', 'Model graph, nothing drawn');
      canvas.removeAttribute('aria-activedescendant');
      put(this.element, h('div', { role: 'treeitem', 'aria-level': 1 }, 'Nothing is drawn'));
      return;
    }
    const { model, layout, selection } = scene, box = boxOf(selection), items: HTMLElement[] = [];
    const group = box >= 0 ? layout.boxes.group[box]! : selection?.kind === 'group' ? model.hierarchy!.parent[selection.ref]! : 0;
    const add = (text: string, level: number, more: Record<string, string | number> = {}) => items.push(h('div', { role: 'treeitem', 'aria-level': level, ...more }, text));
    add(model.graph.title, 1, { 'aria-expanded': 'true' });
    const path = model.groupPath(Math.max(0, group));
    path.forEach((g, i) => add(groupName(model, g), i + 2, { 'aria-expanded': 'true' }));
    const level = path.length + 2;
    let active = '';
    const siblings = siblingsOf(scene, group, box);
    for (const { target, box: b, at, of } of siblings) {
      const selected = selection?.kind === target.kind && selection.ref === target.ref;
      add(`${labelOf(scene, target, b)}, ${at} of ${of}`, level, { 'aria-setsize': of, 'aria-posinset': at, ...(target.kind === 'group' && { 'aria-expanded': String(b < 0) }), ...(selected && { id: 'adj-active', 'aria-selected': 'true' }) });
      if (!selected || b < 0) continue;
      active = 'adj-active';
      for (const way of ['producers', 'uses'] as const) along(scene, b, way).slice(0, NEIGHBOURS).forEach(n => add(`${way === 'uses' ? 'used by' : 'from'} ${labelOf(scene, targetOf(layout, n), n)}`, level + 1));
    }
    if (selection && !active && selection.kind === 'group') { add(labelOf(scene, selection, -1), level, { id: 'adj-active', 'aria-selected': 'true', 'aria-expanded': 'true' }); active = 'adj-active'; }
    put(this.element, ...items);
    canvas.setAttribute('aria-label', `${model.graph.title}. ${layout.boxes.count} boxes shown of ${model.nodeCount} nodes. Selected: ${selection ? labelOf(scene, selection, box) : 'none'}.`);
    if (active) canvas.setAttribute('aria-activedescendant', active);
    else canvas.removeAttribute('aria-activedescendant');
  }
}

interface Sibling { readonly target: Target; readonly box: number; readonly at: number; readonly of: number }

/** Boxes of one group in reading order, at most SIBLINGS around the selected one. */
function siblingsOf({ layout }: Scene, group: number, box: number): Sibling[] {
  const { boxes } = layout, mine: number[] = [];
  for (let b = 0; b < boxes.count; b++) if (boxes.group[b] === group) mine.push(b);
  mine.sort((a, b) => boxes.layer[a]! - boxes.layer[b]! || boxes.place[a]! - boxes.place[b]!);
  const at = Math.max(0, mine.indexOf(box)), from = Math.max(0, Math.min(at - SIBLINGS / 2, mine.length - SIBLINGS));
  return mine.slice(from, from + SIBLINGS).map((b, i) => ({ target: targetOf(layout, b), box: b, at: from + i + 1, of: mine.length }));
}
