/** Menus of the drawing (design section 12) and of the toolbar. */
import { NodeMark } from '../../extension/protocol.ts';
import type { Hit } from '../drawing/canvas.ts';
import { dropMenu, openMenu, type MenuItem } from '../ui/menu.ts';
import type { EditorParts } from './parts.ts';
import type { Action } from './keys.ts';
import { savePicture } from './picture.ts';

type Items = (MenuItem | null)[];

export function contextMenu(editor: EditorParts, hit: Hit, x: number, y: number): void {
  const r = editor.canvas.canvas.getBoundingClientRect(), open = (label: string, items: Items) => openMenu(label, r.left + x, r.top + y, items);
  if (hit?.kind === 'header' || (hit?.kind === 'box' && hit.target.kind === 'group')) open('Group', groupItems(editor, hit.kind === 'header' ? hit.group : hit.target.ref));
  else if (hit?.kind === 'box') { editor.select(hit.target); open('Node', nodeItems(editor)); }
  else if (hit?.kind === 'tag') { editor.selectValue(hit.value, false); open('Value', nodeItems(editor)); }
  else if (hit?.kind === 'edge') open('Edge', edgeItems(editor, hit.edge));
  else open('Drawing', emptyItems(editor));
}

function nodeItems(editor: EditorParts): Items {
  const { model, selection, value: chosen } = editor, target = selection!, node = target.kind === 'node' ? target.ref : -1;
  const value = chosen >= 0 ? chosen : node >= 0 ? model!.mainValue(node) : target.ref, stop = node >= 0 && model!.isStop(node), own = value >= 0 && model!.hasUserStop(value);
  const key = (label: string, action: Action, hint?: string): MenuItem => ({ label, ...(hint && { hint }), run: () => editor.perform(action) });
  return [
    ...(model!.results ? [key('Why?', 'why', 'W'), key('Gradient of This', 'gradientOf', 'G')] : []), ...(editor.details.card?.source ? [key('Go to Source', 'source', 'F12')] : []), null,
    key(stop ? (model!.isRemoved(node) ? 'Put the Stop Back' : 'Remove Stop') : own ? 'Remove Your Stop' : 'Add Stop Here', 'stop', 'S'), null,
    key('Select Uses', 'pickUse', 'Alt+↓'), key('Select Producers', 'pickProducer', 'Alt+↑'), key('Show in Table', 'table', 'T'), null,
    key('Copy Name', 'copyName', 'Ctrl+C'), key('Copy as JSON', 'copyJson', 'Ctrl+Shift+C'), null, key('Pin', 'pin', 'P'),
  ];
}

function groupItems(editor: EditorParts, group: number): Items {
  const { model, expanded } = editor, h = model!.hierarchy!, inside: number[] = [];
  for (let g = group + 1; g < h.count; g++) if (h.first[g]! >= h.first[group]! && h.last[g]! <= h.last[group]! && model!.groupPath(g).includes(group)) inside.push(g);
  const alike = [...expanded].filter(g => h.structure[g] === h.structure[group]), target = { kind: 'group', ref: group } as const;
  return [
    { label: expanded.has(group) ? 'Fold' : 'Open', hint: 'Enter', run: () => editor.toggleGroup(group) },
    ...(inside.length ? [{ label: 'Open All Inside', run: () => { for (const g of [group, ...inside]) expanded.add(g); editor.relayout(target); } }] : []),
    ...(alike.length > 1 ? [{ label: 'Fold All Alike', run: () => { for (const g of alike) expanded.delete(g); editor.relayout(target); } }] : []), null,
    { label: 'Zoom to It', hint: 'Z', run: () => { editor.select(target); editor.perform('zoomToSelection'); } },
    { label: 'Copy Name', run: () => editor.rpc.port.post({ type: 'copy', text: model!.groupKey(group).replaceAll('\u0001', '/') }) },
  ];
}

function edgeItems(editor: EditorParts, edge: number): Items {
  const { graph } = editor.model!, use = editor.usesOfEdge(edge)[0]!, value = graph.uses.value[use]!;
  return [
    { label: 'Select Producer', run: () => editor.selectValue(value, true) },
    { label: 'Select Use', run: () => editor.select({ kind: 'node', ref: graph.uses.node[use]! }, { reveal: true }) }, null,
    { label: editor.model!.hasUserStop(value) ? 'Remove Your Stop' : 'Add Stop on This Edge', run: () => editor.rpc.port.post({ type: 'toggleStop', value }) },
  ];
}

function emptyItems(editor: EditorParts): Items {
  return [
    { label: 'Fit to Window', hint: '0', run: () => editor.fit() }, { label: 'Lay Out Again', hint: 'L', run: () => editor.performView('layOutAgain') },
    { label: 'Change Direction', hint: 'D', run: () => editor.performView('changeDirection') }, null, { label: 'Save Picture as SVG…', run: () => void savePicture(editor, 'svg') },
  ];
}

export function moreMenu(editor: EditorParts, anchor: HTMLElement): void {
  const { model, rpc } = editor, has = !!model?.hierarchy;
  const facts = model?.run;
  dropMenu('More', anchor, [
    ...(facts ? [{ label: facts.inputs, hint: `${facts.provider.toUpperCase()} · ${facts.conventions}`, run: () => rpc.command('chooseInputs') }, null] : []),
    { label: 'Run Model', run: () => rpc.command('run') }, { label: 'Choose Inputs…', run: () => rpc.command('chooseInputs') }, { label: 'Choose Conventions…', run: () => rpc.command('chooseConventions') }, { label: 'Choose Device…', run: () => rpc.command('chooseDevice') }, null,
    ...(has ? [{ label: 'Fold All', hint: '{', run: () => editor.performView('foldAll') }, { label: 'Unfold Level', hint: ']', run: () => editor.performView('unfoldLevel') },
      { label: 'Hide What Is Not on a Path', hint: 'H', checked: editor.hideOff, run: () => editor.perform('hide') }, { label: 'Inspector', hint: 'I', checked: editor.inspectorShown, run: () => editor.perform('inspector') },
      { label: 'Minimap', hint: 'M', checked: editor.minimap.wanted, run: () => editor.perform('minimap') }, null] : []),
    { label: 'Show Gradient Flow', hint: 'T', run: () => rpc.command('showPanel') }, { label: 'Open Text View', run: () => rpc.command('openTextView') }, { label: 'Save Report as HTML…', run: () => rpc.command('saveReport') },
    ...(has ? [{ label: 'Save Picture as SVG…', run: () => void savePicture(editor, 'svg') }, { label: 'Save Picture as PNG…', run: () => void savePicture(editor, 'png') }] : []), null,
    { label: 'Show Log', run: () => rpc.command('showLog') }, ...(has ? [{ label: 'Keys', hint: '?', run: () => editor.perform('keys') }] : []),
  ]);
}

/** Stops of the graph with their class; a checked one holds. */
export function stopsMenu(editor: EditorParts, anchor: HTMLElement): void {
  const model = editor.model!, items: Items = [], stops: number[] = [];
  for (let n = 0; n < model.nodeCount; n++) if (model.isStop(n)) stops.push(n);
  for (const node of stops.slice(0, 60)) {
    const mark = model.mark(node);
    items.push({ label: model.name(node), hint: mark & NodeMark.benign ? 'benign' : mark & NodeMark.cutsOnlyPath ? 'cuts the only path' : 'author', checked: !model.isRemoved(node), run: () => editor.rpc.port.post({ type: 'toggleStop', node }) });
  }
  for (let v = 0; v < model.valueCount && items.length < 80; v++) if (model.hasUserStop(v)) items.push({ label: model.valueName(v), hint: 'yours', checked: true, run: () => editor.rpc.port.post({ type: 'toggleStop', value: v }) });
  if (items.length) items.push(null);
  items.push({ label: 'Add a Stop at the Selection', hint: 'S', run: () => editor.perform('stop') });
  dropMenu('Stops', anchor, items);
}

export function findingsMenu(editor: EditorParts, anchor: HTMLElement): void {
  const model = editor.model!;
  dropMenu('Findings', anchor, [...model.findings.slice(0, 60).map((f): MenuItem => ({
    label: f.title, hint: [f.code, f.value ?? f.node].filter(Boolean).join(' '), run: () => {
      const value = f.value ? model.valueNamed(f.value) : -1, node = f.node ? model.nodeNamed(f.node) : -1;
      if (node >= 0 && value < 0) editor.select({ kind: 'node', ref: node }, { reveal: true });
      else if (value >= 0) editor.selectValue(value, true);
    },
  })), null, { label: 'Show All in Problems', run: () => editor.rpc.command('showFindings') }]);
}
