/** Which words stand where: a card in the drawing's place, or a strip above the drawing. */
import type { EditorState, StateButton, WhatIf } from '../../extension/protocol.ts';
import { button } from '../ui/controls.ts';
import { h } from '../ui/dom.ts';
import { counted, integer } from '../ui/format.ts';
import { isStrip, stateCard, stateStrip, updateState, wordsOf } from '../ui/states.ts';
import type { EditorParts } from './parts.ts';

export interface StateParts { readonly card: HTMLElement | undefined; readonly strip: HTMLElement | undefined; readonly said: string }

/** `shown`: what stands there now; it is kept where only its figures change. */
export function showState(editor: EditorParts, state: EditorState | undefined, whatIf: WhatIf | undefined, shown?: HTMLElement): StateParts {
  const { rpc, model, layout } = editor, press = (b: StateButton) => rpc.command(b.command, b.argument);
  const search = editor.search.query.trim(), nothing = model && search && !editor.search.nodes.length ? notFound(editor, search) : undefined;
  if (state) {
    const words = wordsOf(state), said = `${words.title}. ${words.text}`.replaceAll('`', '');
    if (layout && isStrip(state) && !nothing && shown && updateState(shown, words)) return { card: undefined, strip: shown, said };
    return layout && isStrip(state) ? { card: undefined, strip: nothing ?? stateStrip(words, press), said } : { card: stateCard(words, press), strip: nothing, said };
  }
  const strip = nothing ?? (whatIf && model ? whatIfStrip(editor, whatIf) : undefined);
  return { card: model && !layout ? laying(model.nodeCount) : undefined, strip, said: '' };
}

function laying(nodes: number): HTMLElement {
  return h('section', { class: 'state late', 'aria-label': 'Laying out' }, h('h2', {}, 'Laying out'), h('p', { class: 'desc' }, `${integer(nodes)} nodes. Cards appear as they are placed.`));
}

function notFound(editor: EditorParts, query: string): HTMLElement {
  const other = editor.search.instead(editor.model!);
  return h('section', { class: 'strip', 'aria-label': 'Nothing found' }, h('b', {}, `“${query}” matches nothing`), h('span', { class: 'grow text' }, `Searched ${counted(editor.model!.nodeCount, 'node')}: name, operator, shape, type.`),
    other && button(`Search “${other.word}” (${integer(other.hits)})`, () => { editor.findBar.query = other.word; editor.find(other.word); }));
}

/** "What if teacher/StopGradient were removed?  3 gradients appear, 111 change, 22 stay." */
function whatIfStrip(editor: EditorParts, whatIf: WhatIf): HTMLElement {
  const { model, rpc } = editor, removed = whatIf.removed.map(n => model!.name(n)), added = whatIf.added.map(v => model!.valueName(v));
  const question = [removed.length && `${removed.length > 2 ? counted(removed.length, 'stop') : removed.join(' and ')} were removed`, added.length && `the gradient were stopped at ${added.length > 2 ? counted(added.length, 'value') : added.join(' and ')}`].filter(Boolean).join(' and ');
  const same = whatIf.appear + whatIf.change === 0 ? `${integer(whatIf.stay)} of ${integer(whatIf.stay)} gradients stay the same.` : `${counted(whatIf.appear, 'gradient appears', 'gradients appear')}, ${integer(whatIf.change)} change, ${integer(whatIf.stay)} stay.`;
  return h('section', { class: 'strip', 'aria-label': 'What if' }, h('b', {}, `What if ${question}?`), h('span', { class: 'grow text' }, same, h('span', { class: 'desc wide' }, ` Compared in ${whatIf.comparedIn}.`)),
    button('Next Stop', () => rpc.command('nextStop')), button('Put It Back', () => rpc.command('resetWhatIf'), true));
}
