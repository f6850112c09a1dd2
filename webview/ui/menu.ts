import { h, styled } from './dom.ts';

export interface MenuItem {
  readonly label: string;
  /** Shown at the right: a key, or why. */
  readonly hint?: string;
  readonly checked?: boolean;
  run(): void;
}

/** A list at a place of the window: arrow keys, Enter, Escape; the focus goes back to where it was. `null` is a line. */
export function openMenu(label: string, x: number, y: number, items: readonly (MenuItem | null)[]): void {
  document.querySelector('.menu')?.remove();
  const before = document.activeElement as HTMLElement | null, buttons: HTMLButtonElement[] = [];
  const close = (restore: boolean) => { list.remove(); removeEventListener('pointerdown', outside, true); if (restore) before?.focus(); };
  const outside = (e: Event) => { if (!list.contains(e.target as Node)) close(false); };
  const list = h('div', { class: 'menu', role: 'menu', 'aria-label': label });
  for (const item of items) {
    if (!item) { list.append(h('div', { class: 'line', role: 'separator' })); continue; }
    const check = item.checked === undefined ? undefined : item.checked ? '✓' : '';
    const entry = h('button', { class: 'item', type: 'button', tabindex: -1, role: item.checked === undefined ? 'menuitem' : 'menuitemradio', ...(item.checked !== undefined && { 'aria-checked': String(item.checked) }), click: (() => { close(true); item.run(); }) as never },
      check !== undefined && h('span', { class: 'check', 'aria-hidden': 'true' }, check), h('span', { class: 'grow' }, item.label), item.hint && h('span', { class: 'desc' }, item.hint));
    buttons.push(entry);
    list.append(entry);
  }
  list.addEventListener('keydown', e => {
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement), to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[e.key];
    if (to !== undefined) buttons[(to + buttons.length) % buttons.length]?.focus();
    else if (e.key === 'Escape' || e.key === 'Tab') close(true);
    else return;
    e.preventDefault();
    e.stopPropagation();
  });
  (document.querySelector('main') ?? document.body).append(list);
  styled(list, { left: `${Math.max(4, Math.min(x, innerWidth - list.offsetWidth - 4))}px`, top: `${Math.max(4, Math.min(y, innerHeight - list.offsetHeight - 4))}px` });
  addEventListener('pointerdown', outside, true);
  buttons[0]?.focus();
}

/** The same, under the control that opens it. */
export function dropMenu(label: string, anchor: HTMLElement, items: readonly (MenuItem | null)[]): void {
  const r = anchor.getBoundingClientRect();
  openMenu(label, r.left, r.bottom + 2, items);
}
