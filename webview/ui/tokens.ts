/**
 * The tokens of styles/tokens.css as resolved colours, for the canvas. They are read through a probe element, and again
 * whenever the theme's class or id on the body changes.
 */
export interface Tokens {
  readonly kind: 'dark' | 'light' | 'hc' | 'hcl';
  readonly bg: string; readonly fg: string; readonly desc: string; readonly surface: string; readonly nodeLine: string; readonly group: string;
  readonly line: string; readonly grid: string; readonly none: string; readonly alarm: string; readonly source: string; readonly sourceFg: string;
  readonly neg: string; readonly pos: string; readonly focus: string; readonly link: string;
  /** Colours of the nine steps, and black or white for what stands on them. */
  readonly steps: readonly string[];
  readonly inks: readonly string[];
  /** Change: much less, less, a little less, a little more, more, much more. */
  readonly change: readonly string[];
  /** The lowest step has less than 3:1 against this background: cells get an outline. */
  readonly outlineCells: boolean;
  readonly font: string;
  readonly mono: string;
}

const NAMES = { bg: 'bg', fg: 'fg', desc: 'desc', surface: 'surface', nodeLine: 'node-line', group: 'group', line: 'line', grid: 'grid', none: 'none', alarm: 'alarm',
  source: 'source', sourceFg: 'source-fg', neg: 'neg', pos: 'pos', focus: 'focus', link: 'link' } as const;

/** [r, g, b] in 0 … 1 of what `getComputedStyle` answers: rgb(…) or color(srgb …). */
export function channels(color: string): [number, number, number] {
  const n = (color.match(/-?\d*\.?\d+(?:e-?\d+)?/g) ?? ['0', '0', '0']).map(Number), unit = color.startsWith('color(') ? 1 : 255;
  return [n[0]! / unit, n[1]! / unit, n[2]! / unit];
}

/** Relative luminance (WCAG 2). */
export function luminance(color: string): number {
  const [r, g, b] = channels(color).map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(a: string, b: string): number {
  const x = luminance(a) + 0.05, y = luminance(b) + 0.05;
  return x > y ? x / y : y / x;
}

export function readTokens(): Tokens {
  const probe = document.createElement('span');
  probe.hidden = true;
  document.body.append(probe);
  const color = (name: string) => { probe.style.color = `var(--adj-${name})`; return getComputedStyle(probe).color; };
  const change = ['less3', 'less2', 'less1', 'more1', 'more2', 'more3'].map(color);
  const named = Object.fromEntries(Object.entries(NAMES).map(([key, name]) => [key, color(name)])) as Record<keyof typeof NAMES, string>;
  const steps = Array.from({ length: 9 }, (_, i) => color(`g${i}`)), classes = document.body.classList;
  probe.style.fontFamily = 'var(--adj-mono)';
  const mono = getComputedStyle(probe).fontFamily, font = getComputedStyle(document.body).fontFamily;
  probe.remove();
  return {
    ...named, steps, font, mono,
    kind: classes.contains('vscode-high-contrast-light') ? 'hcl' : classes.contains('vscode-high-contrast') ? 'hc' : classes.contains('vscode-light') ? 'light' : 'dark',
    inks: steps.map(s => (contrast(s, 'rgb(0,0,0)') >= 4.6 ? '#000' : '#fff')),
    change,
    outlineCells: contrast(steps[0]!, named.bg) < 3,
  };
}

/** Calls back with the new tokens after every change of theme. */
export function watchTokens(changed: (tokens: Tokens) => void): () => void {
  const observer = new MutationObserver(() => changed(readTokens()));
  observer.observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id', 'data-vscode-theme-kind'] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
  return () => observer.disconnect();
}

export function reducedMotion(): boolean {
  return document.body.classList.contains('vscode-reduce-motion') || matchMedia('(prefers-reduced-motion: reduce)').matches;
}
