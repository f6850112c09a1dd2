/** Widths of text without a DOM. */
import type { TextMetrics } from './types.ts';

/** Widths at 12 px of a common sans serif face, for a caller that has measured none. */
const COMMON: TextMetrics = (() => {
  const advance = new Float32Array(256).fill(6.7);
  const set = (characters: string, width: number) => { for (const c of characters) advance[c.charCodeAt(0)] = width; };
  set("ijlI|!.,:;'`", 3);
  set(' ftr()[]{}/\\-', 4);
  set('ABCDEGHKNOPQRSUVXYZ&', 8.2);
  set('mwMW@%', 10.4);
  return { advance, other: 9 };
})();

/** Width in px of a text at 12 px, or scaled to another size. */
export class Ruler {
  constructor(private readonly metrics: TextMetrics = COMMON) {}

  width(text: string, size = 12): number {
    const { advance, other } = this.metrics;
    let w = 0;
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i);
      w += c < advance.length ? advance[c]! : other;
    }
    return (w * size) / 12;
  }
}
