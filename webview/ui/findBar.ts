/** The field at the right of the toolbar: "3 of 14", next, previous. */
import { textField, toolButton } from './controls.ts';
import { h } from './dom.ts';
import { ICONS } from './icons.ts';

export interface FindEvents { query(text: string): void; next(): void; previous(): void; close(): void }

export class FindBar {
  readonly element: HTMLElement;
  private readonly field;
  private readonly count = h('span', { class: 'desc count' });

  constructor(events: FindEvents) {
    this.field = textField('Find in Graph', 'Find: conv1, op:Conv, zero:', text => events.query(text));
    this.element = h('div', { class: 'find', role: 'search', hidden: true }, this.field.element, this.count, toolButton(ICONS.up, 'Previous (Shift+F3)', events.previous), toolButton(ICONS.down, 'Next (F3)', events.next), toolButton(ICONS.close, 'Close (Escape)', events.close));
    this.element.addEventListener('keydown', e => {
      if (e.key === 'Escape') events.close();
      else if (e.key === 'Enter' || e.key === 'F3') (e.shiftKey ? events.previous : events.next)();
      else return;
      e.preventDefault();
      e.stopPropagation();
    });
  }

  get open(): boolean { return !this.element.hidden; }
  get query(): string { return this.field.value; }
  set query(text: string) { this.field.value = text; }

  show(): void { this.element.hidden = false; this.field.select(); }
  hide(): void { this.element.hidden = true; }
  setCount(at: number, total: number): void { this.count.textContent = !this.query.trim() ? '' : total ? `${at + 1} of ${total}` : '0'; }
}
