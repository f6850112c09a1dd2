/** The card at a node or edge: after 500 ms, or at once by Space; it stays while the pointer is in it. */
import type { Box } from '../drawing/view.ts';
import { h, put, styled, type Child } from './dom.ts';

const DELAY = 500, GRACE = 180;

export class HoverCard {
  readonly element = h('div', { class: 'card', role: 'dialog', 'aria-label': 'Details', hidden: true });
  private timer: ReturnType<typeof setTimeout> | undefined;
  private key: string | undefined;
  private inside = false;
  private place: Box | undefined;

  constructor(private readonly host: HTMLElement, private readonly closed: () => void) {
    this.element.addEventListener('pointerenter', () => { this.inside = true; clearTimeout(this.timer); });
    this.element.addEventListener('pointerleave', () => { this.inside = false; this.away(); });
    this.element.addEventListener('keydown', e => { if (e.key === 'Escape') { this.hide(); e.stopPropagation(); this.closed(); } });
  }

  get open(): boolean { return !this.element.hidden; }

  /** The pointer is over something, or over nothing. */
  over(key: string | undefined, show: () => void): void {
    if (key === this.key) { if (key !== undefined && this.open) clearTimeout(this.timer); return; }
    this.key = key;
    clearTimeout(this.timer);
    if (key === undefined) this.away();
    else this.timer = setTimeout(show, this.open ? GRACE : DELAY);
  }

  /** At once; `place` is on the screen. Contents that come later replace those shown. */
  show(label: string, place: Box, ...children: Child[]): void {
    clearTimeout(this.timer);
    this.place = place;
    this.element.setAttribute('aria-label', label);
    put(this.element, ...children);
    this.element.hidden = false;
    this.settle();
  }

  hide(): void {
    clearTimeout(this.timer);
    this.key = undefined;
    this.inside = false;
    this.element.hidden = true;
  }

  private away(): void {
    clearTimeout(this.timer);
    if (this.open) this.timer = setTimeout(() => { if (!this.inside) this.hide(); }, GRACE);
  }

  /** Above the node, else below, else at its right. */
  private settle(): void {
    const { x, y, w, h: height } = this.place!, { offsetWidth: cw, offsetHeight: ch } = this.element, W = this.host.clientWidth, H = this.host.clientHeight;
    const left = Math.max(8, Math.min(W - cw - 8, x)), above = y - ch - 10, below = y + height + 10;
    const at = above >= 8 ? { left, top: above } : below + ch <= H - 8 ? { left, top: below } : { left: x + w + 10 + cw <= W - 8 ? x + w + 10 : Math.max(8, x - cw - 10), top: Math.max(8, Math.min(H - ch - 8, y)) };
    styled(this.element, { left: `${at.left}px`, top: `${at.top}px` });
  }
}
