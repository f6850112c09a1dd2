import { h } from './dom.ts';

/** The one polite live region: results of an action, said once. */
export class Live {
  readonly element = h('div', { class: 'hidden', role: 'status', 'aria-live': 'polite' });
  say(text: string): void {
    if (this.element.textContent === text) this.element.textContent = '';
    this.element.textContent = text;
  }
}
