/** Keys of the drawing (design section 9): they act only while it has the focus. */
export type Action =
  | 'use' | 'producer' | 'pickUse' | 'pickProducer' | 'left' | 'right' | 'inputs' | 'loss' | 'enter' | 'escape' | 'parent' | 'foldLevel' | 'openLevel' | 'foldAll' | 'openAll' | 'card' | 'source'
  | 'find' | 'findNext' | 'findPrevious' | 'nextFinding' | 'previousFinding' | 'why' | 'stop' | 'gradientOf' | 'measure' | 'zoomIn' | 'zoomOut' | 'fit' | 'actual' | 'zoomToSelection' | 'direction' | 'layOut'
  | 'pin' | 'inspector' | 'minimap' | 'hide' | 'table' | 'copyName' | 'copyJson' | 'back' | 'forward' | 'menu' | 'keys';

const PLAIN: Readonly<Record<string, Action>> = {
  ArrowDown: 'use', ArrowUp: 'producer', ArrowLeft: 'left', ArrowRight: 'right', Home: 'inputs', End: 'loss', Enter: 'enter', Escape: 'escape', Backspace: 'parent', '[': 'foldLevel', ']': 'openLevel',
  '{': 'foldAll', '}': 'openAll', ' ': 'card', F12: 'source', F3: 'findNext', F8: 'nextFinding', w: 'why', s: 'stop', g: 'gradientOf', c: 'measure', '+': 'zoomIn', '=': 'zoomIn', '-': 'zoomOut', '0': 'fit', '1': 'actual',
  z: 'zoomToSelection', d: 'direction', l: 'layOut', p: 'pin', i: 'inspector', m: 'minimap', h: 'hide', t: 'table', ContextMenu: 'menu', '?': 'keys',
};

export function actionOf(e: KeyboardEvent): Action | undefined {
  const control = e.ctrlKey || e.metaKey, key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
  if (control) return key === 'f' ? 'find' : key === 'c' ? (e.shiftKey ? 'copyJson' : 'copyName') : undefined;
  if (e.altKey) return ({ ArrowDown: 'pickUse', ArrowUp: 'pickProducer', ArrowLeft: 'back', ArrowRight: 'forward' } as const)[key as 'ArrowDown'];
  if (e.shiftKey) {
    const shifted = ({ F3: 'findPrevious', F8: 'previousFinding', F10: 'menu', '[': 'foldAll', ']': 'openAll' } as const)[key as 'F3'];
    if (shifted) return shifted;
  }
  return PLAIN[key];
}

export const KEY_LIST: readonly (readonly [keys: string, does: string])[] = [
  ['↓ ↑', 'along the edge to a use, to the producer; largest contribution first'], ['Alt+↓ Alt+↑', 'pick among all uses, producers'], ['← →', 'neighbour in the same layer'], ['Home End', 'inputs, loss'],
  ['Enter', 'open or fold a group; on a node: into the inspector'], ['Esc', 'close card, then why, then what-if, then selection'], ['Backspace', 'to the parent group'], ['[ ]', 'fold, open one level; Shift: all'],
  ['Space', 'hover card at the selection'], ['F12', 'go to source'], ['Ctrl+F, F3, Shift+F3', 'find, next, previous'], ['F8, Shift+F8', 'next, previous finding'], ['W', 'why is it zero, NaN, this large?'],
  ['S', 'put or remove a stop here (what if)'], ['G', 'gradient of this value'], ['C', 'cycle the measure'], ['+ − 0 1 Z', 'zoom in, out, all, 100 %, selection'], ['Alt+← Alt+→', 'back and forward through views'],
  ['D L', 'direction, lay out again'], ['P I M H', 'pin, inspector, minimap, hide what is not on a path'], ['T', 'select it in the table'], ['Ctrl+C', 'copy the full name; Shift: as JSON'], ['Shift+F10', 'menu'], ['?', 'this list'],
];
