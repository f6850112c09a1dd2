/** What each key of the drawing and each view command of the palette does. */
import type { ViewCommand } from '../../extension/protocol.ts';
import { centreOn, fitTo } from '../drawing/view.ts';
import { targetOf, visibleBox } from '../drawing/scene.ts';
import { along, beside, first, last } from '../state/navigation.ts';
import { MEASURES } from '../state/measure.ts';
import { BoxKind } from '../layout/types.ts';
import { openMenu } from '../ui/menu.ts';
import type { EditorParts } from './parts.ts';
import { KEY_LIST, type Action } from './keys.ts';
import { labelOf } from './labels.ts';
import { savePicture } from './picture.ts';

/** True if the key was for us. */
export function perform(editor: EditorParts, action: Action): boolean {
  const { canvas, model, layout, rpc, selection } = editor, scene = editor.scene();
  if (!model || !layout || !scene) return false;
  const box = selection?.kind === 'node' ? visibleBox(model, canvas.boxOf, selection.ref) : canvas.boxOf(selection);
  const go = (to: number | undefined) => {
    if (to === undefined || to < 0) { if (!selection) return; editor.live.say('No further.'); return; }
    editor.select(targetOf(layout, to), { reveal: true });
    editor.live.say(labelOf(editor.scene()!, targetOf(layout, to), to));
  };
  const start = () => go(last(layout)), step = (to: () => number | undefined) => { if (box < 0) start(); else go(to()); }, value = editor.value >= 0 ? editor.value : selection?.kind === 'value' ? selection.ref : selection?.kind === 'node' ? model.mainValue(selection.ref) : -1;
  switch (action) {
    case 'use': step(() => along(scene, box, 'uses')[0]); break;
    case 'producer': step(() => along(scene, box, 'producers')[0]); break;
    case 'pickUse': case 'pickProducer': pick(editor, box, action === 'pickUse' ? 'uses' : 'producers'); break;
    case 'left': step(() => beside(layout, box, -1)); break;
    case 'right': step(() => beside(layout, box, 1)); break;
    case 'inputs': go(first(layout)); break;
    case 'loss': start(); break;
    case 'enter':
      if (selection?.kind === 'group') editor.toggleGroup(selection.ref);
      else if (selection) { editor.inspectorShown = true; editor.bars(); editor.details.inspector.focus(); }
      break;
    case 'escape':
      if (editor.details.hover.open) editor.details.hover.hide();
      else if (editor.details.closeWhy()) break;
      else if (editor.findBar.open) editor.closeFind();
      else if (model.whatIf) rpc.command('resetWhatIf');
      else editor.select(undefined);
      break;
    case 'parent': {
      const group = box >= 0 ? layout.boxes.group[box]! : selection?.kind === 'group' ? model.hierarchy!.parent[selection.ref]! : 0;
      if (group > 0) editor.select({ kind: 'group', ref: group }, { reveal: true });
      break;
    }
    case 'foldLevel': level(editor, -1); break;
    case 'openLevel': level(editor, 1); break;
    case 'foldAll': performView(editor, 'foldAll'); break;
    case 'openAll': for (let g = 1; g < model.hierarchy!.count; g++) editor.expanded.add(g); editor.relayout(); break;
    case 'card': { const at = selection && editor.placeOf(selection); if (at) void editor.details.cardOf(editor.value >= 0 ? { kind: 'value', ref: editor.value } : selection, at); break; }
    case 'source': { const source = editor.details.card?.source; if (source) rpc.port.post({ type: 'openSource', source }); else editor.live.say('No source line is known.'); break; }
    case 'find': editor.openFind(); break;
    case 'findNext': editor.findStep(1); break;
    case 'findPrevious': editor.findStep(-1); break;
    case 'nextFinding': case 'previousFinding': finding(editor, action === 'nextFinding' ? 1 : -1); break;
    case 'why': if (value >= 0 && model.results) void editor.details.why(value); break;
    case 'stop': if (selection?.kind === 'node' && model.isStop(selection.ref)) rpc.port.post({ type: 'toggleStop', node: selection.ref }); else if (value >= 0) rpc.port.post({ type: 'toggleStop', value }); break;
    case 'gradientOf': if (value >= 0) rpc.port.post({ type: 'gradientOf', value }); break;
    case 'measure': { const all = MEASURES.filter(m => m.id !== 'change' || model.whatIf); editor.setMeasure(all[(all.findIndex(m => m.id === editor.measureId) + 1) % all.length]!.id); editor.live.say(`Colour: ${MEASURES.find(m => m.id === editor.measureId)!.label}`); break; }
    case 'zoomIn': canvas.zoom(1.25); break;
    case 'zoomOut': canvas.zoom(0.8); break;
    case 'fit': editor.fit(); break;
    case 'actual': editor.goTo({ ...canvas.view, ...centreOn(rectOf(editor), { ...canvas.view, k: 1 }, canvas.width, canvas.height) }); break;
    case 'zoomToSelection': editor.goTo(fitTo(rectOf(editor), canvas.width, canvas.height, 1.25, 80)); break;
    case 'direction': editor.direction = editor.direction === 'down' ? 'right' : 'down'; editor.relayout(selection); break;
    case 'layOut': editor.relayout(selection, true); break;
    case 'pin': editor.details.togglePin(); break;
    case 'inspector': editor.inspectorShown = !editor.inspectorShown; editor.bars(); editor.remember(); break;
    case 'minimap': editor.minimap.wanted = !editor.minimap.wanted; canvas.redraw(); break;
    case 'hide': editor.hideOff = !editor.hideOff; editor.live.say(editor.hideOff ? 'Nodes that are not on a path are hidden.' : 'All nodes are drawn.'); editor.relayout(selection); break;
    case 'table': rpc.command('showPanel'); break;
    case 'copyName': if (selection && selection.kind !== 'group') rpc.port.post({ type: 'copy', text: value >= 0 && editor.value >= 0 ? model.valueName(value) : selection.kind === 'node' ? model.name(selection.ref) : model.valueName(selection.ref) }); break;
    case 'copyJson': if (editor.details.card) rpc.port.post({ type: 'copy', text: JSON.stringify(editor.details.card, null, 2) }); break;
    case 'back': case 'forward': travel(editor, action); break;
    case 'menu': { const at = selection && editor.placeOf(selection); editor.openContextMenu(box >= 0 ? { kind: 'box', box, target: selection! } : selection?.kind === 'group' ? { kind: 'header', group: selection.ref } : undefined, at ? at.x + 20 : 40, at ? at.y + 20 : 40); break; }
    case 'keys': openMenu('Keys', 60, 60, KEY_LIST.map(([keys, does]) => ({ label: does, hint: keys, run: () => undefined }))); break;
  }
  return true;
}

function rectOf(editor: EditorParts) {
  const { layout, canvas, selection } = editor;
  return (selection && canvas.rectOf(selection)) ?? { x: 0, y: 0, w: layout!.width, h: layout!.height };
}

function pick(editor: EditorParts, box: number, way: 'uses' | 'producers'): void {
  const scene = editor.scene()!, { layout } = scene, at = editor.selection && editor.placeOf(editor.selection);
  if (box < 0 || !at) return;
  const items = along(scene, box, way).map(b => targetOf(layout, b)).map(target => ({ label: labelOf(scene, target, editor.canvas.boxOf(target)), run: () => editor.select(target, { reveal: true }) }));
  if (items.length) openMenu(way === 'uses' ? 'Uses' : 'Producers', at.x, at.y + at.h + 40, items);
}

/** Opens all folded groups that are drawn, or folds the deepest open ones. */
function level(editor: EditorParts, by: 1 | -1): void {
  const { layout, model, expanded } = editor, hierarchy = model!.hierarchy!;
  if (by > 0) {
    for (let b = 0; b < layout!.boxes.count; b++) if (layout!.boxes.kind[b] === BoxKind.group || layout!.boxes.kind[b] === BoxKind.repeat) expanded.add(layout!.boxes.ref[b]!);
  } else {
    const deepest = Math.max(0, ...[...expanded].map(g => hierarchy.depth[g]!));
    for (const g of expanded) if (hierarchy.depth[g] === deepest) expanded.delete(g);
  }
  editor.relayout();
}

function finding(editor: EditorParts, by: 1 | -1): void {
  const { model, selection } = editor, nodes = model!.findingNodes();
  if (!nodes.length) { editor.live.say('No findings.'); return; }
  const at = selection?.kind === 'node' ? selection.ref : by > 0 ? -1 : Infinity;
  const next = by > 0 ? nodes.find(n => n > at) ?? nodes[0]! : nodes.findLast(n => n < at) ?? nodes.at(-1)!;
  editor.select({ kind: 'node', ref: next }, { reveal: true });
  const said = model!.findings.find(f => f.node === model!.name(next) || (f.value !== undefined && model!.graph.values.producer[model!.valueNamed(f.value)] === next));
  if (said) editor.live.say(`${said.title}. ${said.message}`);
}

function travel(editor: EditorParts, way: 'back' | 'forward'): void {
  const { past, future } = editor.history, from = way === 'back' ? past : future, to = from.pop();
  if (!to) return;
  (way === 'back' ? future : past).push(editor.canvas.view);
  editor.canvas.setView(to, true);
}

/** The palette's commands about the view. */
export function performView(editor: EditorParts, command: ViewCommand): void {
  switch (command) {
    case 'foldAll': editor.expanded.clear(); editor.relayout(undefined); break;
    case 'unfoldLevel': perform(editor, 'openLevel'); break;
    case 'fit': editor.fit(); break;
    case 'zoomToSelection': perform(editor, 'zoomToSelection'); break;
    case 'changeDirection': perform(editor, 'direction'); break;
    case 'layOutAgain': perform(editor, 'layOut'); break;
    case 'find': editor.openFind(); break;
    case 'findNext': perform(editor, 'findNext'); break;
    case 'findPrevious': perform(editor, 'findPrevious'); break;
    case 'nextFinding': perform(editor, 'nextFinding'); break;
    case 'previousFinding': perform(editor, 'previousFinding'); break;
    case 'explain': perform(editor, 'why'); break;
    case 'colorBy': document.querySelector<HTMLElement>('.tool .btn.sel')?.click(); break;
    case 'back': perform(editor, 'back'); break;
    case 'forward': perform(editor, 'forward'); break;
    case 'copyName': perform(editor, 'copyName'); break;
    case 'copyJson': perform(editor, 'copyJson'); break;
    case 'savePictureSvg': void savePicture(editor, 'svg'); break;
    case 'savePicturePng': void savePicture(editor, 'png'); break;
  }
}

