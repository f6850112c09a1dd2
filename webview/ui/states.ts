/** The states of section 8 of the design in their exact words, as a card in the drawing's place or a strip above it. */
import type { EditorState, HostCommand, StateButton } from '../../extension/protocol.ts';
import { button } from './controls.ts';
import { h, styled } from './dom.ts';
import { integer } from './format.ts';

export interface StateWords {
  readonly title: string;
  /** Parts between backquotes are code. */
  readonly text: string;
  readonly list?: readonly { readonly name: string; readonly why?: string }[];
  readonly buttons: readonly StateButton[];
  /** 0 … 1 where it is known. */
  readonly progress?: number;
  /** Only shown if it lasts longer than 300 ms. */
  readonly late?: boolean;
}

const b = (label: string, command: HostCommand, primary = false, argument?: string): StateButton => ({ label, command, ...(primary && { primary }), ...(argument !== undefined && { argument }) });
const NUMBERS = ['No', 'One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven', 'Eight', 'Nine'];

/** States of which the drawing is kept or partly there: they are a strip, not a card. */
export function isStrip(state: EditorState): boolean {
  return ['running', 'restricted', 'missing-weights', 'no-rule', 'crash', 'no-runtime', 'changed', 'deleted', 'no-findings', 'no-target'].includes(state.kind) || (state.kind === 'damaged' && state.drawn);
}

export function wordsOf(state: EditorState): StateWords {
  switch (state.kind) {
    case 'reading': return { title: `Reading ${state.name}`, text: state.nodes ? `${integer(state.nodes)} nodes so far` : '', buttons: [b('Cancel', 'cancel')], late: true };
    case 'running': {
      const [f, fn] = state.forward, [g, gn] = state.gradient;
      return { title: 'Running', text: `forward ${integer(f)} of ${integer(fn)}, gradient ${integer(g)} of ${integer(gn)}`, buttons: [b('Cancel', 'cancel')], progress: fn + gn ? (f + g) / (fn + gn) : 0 };
    }
    case 'no-target': {
      const names = state.candidates, first = names[0];
      return { title: 'Which value is the loss?', text: `${NUMBERS[names.length] ?? integer(names.length)} outputs could be. Pick one; it is remembered for this file.`, list: names,
        buttons: [...(first ? [b(`Use ${first.name}`, 'useTarget', true, first.name)] : []), b('Choose Another Value', 'chooseTarget')] };
    }
    case 'restricted': return { title: 'Restricted Mode', text: 'The graph is drawn. Gradients need the model to run, and a model is code.', buttons: [b('Manage Workspace Trust', 'manageTrust', true)] };
    case 'not-a-model': return { title: 'This is not a model', text: state.message, buttons: [b('Open as Text', 'openAsText'), b('Show Log', 'showLog')] };
    case 'lfs-pointer': return { title: 'This is a Git LFS pointer', text: 'The model itself is not here. Run `git lfs pull`.', buttons: [b('Open Terminal', 'openTerminal')] };
    case 'damaged': return { title: `${state.name} ends too early`, text: state.message, buttons: [b('Show Log', 'showLog')] };
    case 'missing-weights': return { title: `${state.file} is missing`, text: `${integer(state.parameters)} ${state.parameters === 1 ? 'parameter points' : 'parameters point'} to it. Shapes are known; values are not.`, buttons: [b('Choose File', 'chooseFile'), b('Draw Without Values', 'drawWithoutValues')] };
    case 'no-rule': {
      const behind = state.total - state.shown;
      return { title: `No gradient rule for ${state.op}`, text: `Needed at ${state.node}. ${integer(state.shown)} of ${integer(state.total)} gradients are shown; ${integer(behind)} behind it are not known.`, buttons: [b('Stop There', 'stopThere', false, state.node), b(`Show the ${integer(behind)}`, 'goToNode', false, state.node)] };
    }
    case 'crash': return { title: 'ONNX Runtime stopped', text: `${state.message} The drawing is kept.`, buttons: [b('Run Again', 'run', true), b('Show Log', 'showLog')] };
    case 'no-runtime': return { title: `Cannot run here: no ONNX Runtime for ${state.system}`, text: 'The drawing works. Gradients need a glibc system, Windows or Apple silicon.', buttons: [b('Show Supported Systems', 'showSupportedSystems')] };
    case 'changed': return { title: `${state.name} changed on disk`, text: `Read again. Selection and zoom are kept.${state.newNodes ? ` ${integer(state.newNodes)} ${state.newNodes === 1 ? 'node is' : 'nodes are'} new.` : ''}`, buttons: [] };
    case 'deleted': return { title: `${state.name} was deleted`, text: 'The drawing is the last version read.', buttons: [b('Close', 'close')] };
    case 'no-findings': return { title: 'No parameters need attention', text: `${integer(state.gradients)} gradients are finite and not zero.${state.benignStops ? ` ${integer(state.benignStops)} ${state.benignStops === 1 ? 'stop is' : 'stops are'} benign.` : ''}`, buttons: [] };
    case 'error': return { title: state.title, text: state.message, buttons: state.buttons };
  }
}

/** `git lfs pull` between backquotes becomes code. */
function withCode(text: string): (Node | string)[] {
  return text.split('`').map((part, i) => (i % 2 ? h('code', {}, part) : part));
}

export function stateCard(words: StateWords, press: (button: StateButton) => void): HTMLElement {
  return h('section', { class: words.late ? 'state late' : 'state', 'aria-label': words.title },
    h('h2', {}, words.title), words.text && h('p', { class: 'says' }, ...withCode(words.text)),
    words.list && h('ul', { class: 'mono' }, ...words.list.map(c => h('li', {}, c.name, ' ', c.why && h('span', { class: 'desc' }, c.why)))),
    words.progress !== undefined && progress(words),
    words.buttons.length > 0 && h('div', { class: 'buttons' }, ...words.buttons.map(x => button(x.label, () => press(x), x.primary))));
}

export function stateStrip(words: StateWords, press: (button: StateButton) => void): HTMLElement {
  return h('section', { class: 'strip', 'aria-label': words.title },
    h('b', {}, words.title), h('span', { class: 'grow text' }, h('span', { class: 'says' }, ...withCode(words.text)), words.progress !== undefined && h('span', { class: 'desc wide' }, ' Colours appear as they are known.')),
    words.progress !== undefined && progress(words), ...words.buttons.slice(0, 3).map(x => button(x.label, () => press(x), x.primary)));
}

/** New words and another progress in a strip or card of the same title: what has the focus in it keeps it. */
export function updateState(element: HTMLElement, words: StateWords): boolean {
  const bar = element.querySelector<HTMLElement>('.progress'), says = element.querySelector('.says');
  if (element.getAttribute('aria-label') !== words.title || !bar || !says || words.progress === undefined) return false;
  says.replaceChildren(...withCode(words.text));
  bar.setAttribute('aria-valuenow', String(Math.round(100 * words.progress)));
  styled(bar.querySelector('i')!, { width: `${Math.round(100 * words.progress)}%` });
  return true;
}

function progress({ title, progress: done = 0 }: StateWords): HTMLElement {
  return h('div', { class: 'progress', role: 'progressbar', 'aria-label': title, 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-valuenow': Math.round(100 * done) }, styled(h('i'), { width: `${Math.round(100 * done)}%` }));
}
