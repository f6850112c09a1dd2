import { writeFileSync } from 'node:fs';
import dagre from '@dagrejs/dagre';
import type { Page } from 'playwright-core';
import type { FromWebview, ToWebview } from '../../extension/protocol.ts';
import { LayoutEngine } from '../../webview/layout/engine.ts';
import { DrawnHost } from '../editor/webviewPage/drawnHost.ts';
import { hasChromium, WebviewBrowser } from '../editor/webviewPage/page.ts';
import { crossings, dagreLines, linesOf } from '../unit/layout/quality.ts';
import { GENERATOR_KINDS, generate, generateResults, type GeneratorKind } from './generators.ts';

/**
 * The drawing's webview in Chromium without a GPU, 1280 × 800: from the graph's message to the first picture, all groups opened, frames while
 * panning and zooming, the longest stall, the heap; and crossings of everything open beside dagre's where dagre can do it.
 *   npm run build && npm run bench -- drawing [--json FILE] [--kinds residual,…] [--sizes 200,2000,…] [--repeat 3]
 */
interface Row {
  kind: string; nodes: number; edges: number; firstPictureMs: number; openAllMs: number | null; panFps: number; zoomFps: number; panOpenFps: number | null; zoomOpenFps: number | null;
  longestStallMs: number; heapMb: number; crossings: number | null; dagreCrossings: number | null;
}

/** More than this is not opened all at once by the bench, nor given to dagre. */
const MOST_OPEN = 10_000, MOST_DAGRE = 500, WAIT = 120_000;

/** A host that holds the graph back until the page is ready to measure. */
class Gate {
  private readonly held: ToWebview[] = [];
  private send: ((message: ToWebview) => void) | undefined;
  private open = false;
  constructor(private readonly host: DrawnHost) {}
  connect(send: (message: ToWebview) => void): (message: FromWebview) => void {
    this.send = send;
    return this.host.connect(message => { if (this.open || message.type === 'reply') send(message); else this.held.push(message); });
  }
  give(): void {
    this.open = true;
    for (const message of this.held.splice(0)) this.send!(message);
  }
}

/** In the page: when the graph comes, when a picture is on the screen (two frames after it), stalls. */
const PROBE = `globalThis.probe = { stall: 0, given: NaN, drawn: NaN, begin() { this.drawn = NaN; this.given = performance.now(); }, label: '' };
new PerformanceObserver(list => { for (const e of list.getEntries()) if (e.startTime + e.duration > probe.given) probe.stall = Math.max(probe.stall, e.duration); }).observe({ entryTypes: ['longtask'] });
addEventListener('message', e => { if (e.data?.type === 'graph') probe.begin(); });
new MutationObserver(() => {
  const label = document.querySelector('canvas.drawing').getAttribute('aria-label'), now = /\\d+ boxes/.exec(label)?.[0] ?? '';
  if (!now || now === probe.label) return;
  probe.label = now;
  if (Number.isNaN(probe.drawn)) requestAnimationFrame(() => requestAnimationFrame(() => { probe.drawn = performance.now(); }));
}).observe(document.querySelector('canvas.drawing'), { attributes: true, attributeFilter: ['aria-label'] });`;

async function elapsed(page: Page): Promise<number> {
  for (const begin = performance.now(); performance.now() - begin < WAIT;) {
    // The page's content policy allows no eval of its own: asked from outside.
    const ms = (await page.evaluate('probe.drawn - probe.given')) as number;
    if (!Number.isNaN(ms)) return ms;
    await page.waitForTimeout(20);
  }
  throw new Error(`nothing was drawn within ${WAIT / 1000} s`);
}

/** Frames a second while a gesture runs for two seconds. */
async function frames(page: Page, gesture: (i: number) => Promise<void>): Promise<number> {
  await page.evaluate('{ const run = globalThis.count = { frames: 0 }; (function f() { run.frames++; if (globalThis.count === run) requestAnimationFrame(f); })(); }');
  const begin = performance.now();
  for (let i = 0; performance.now() - begin < 2000; i++) await gesture(i);
  const seconds = (performance.now() - begin) / 1000, count = (await page.evaluate('{ const { frames } = count; globalThis.count = undefined; frames; }')) as number;
  return count / seconds;
}
async function pan(page: Page): Promise<number> {
  await page.mouse.move(400, 400);
  await page.mouse.down();
  const fps = await frames(page, i => page.mouse.move(400 + 150 * Math.sin(i / 9), 400 + 100 * Math.cos(i / 7)));
  await page.mouse.up();
  return fps;
}
async function zoom(page: Page): Promise<number> {
  await page.keyboard.down('Control');
  const fps = await frames(page, i => page.mouse.wheel(0, i % 40 < 20 ? -24 : 24));
  await page.keyboard.up('Control');
  return fps;
}

async function measure(browser: WebviewBrowser, kind: GeneratorKind, size: number): Promise<Row> {
  const { graph, target } = generate(kind, size), results = generateResults(graph, target), gate = new Gate(new DrawnHost({ graph, results }));
  const page = await browser.open(gate, 'main', 'dark', { width: 1280, height: 800 }, () => undefined), devtools = await page.context().newCDPSession(page);
  try {
    await page.waitForSelector('canvas.drawing');
    await page.waitForTimeout(500);
    await page.evaluate(PROBE);
    gate.give();
    const firstPictureMs = await elapsed(page);
    await page.waitForTimeout(500);
    const panFps = await pan(page), zoomFps = await zoom(page);
    await devtools.send('HeapProfiler.collectGarbage');
    const heapMb = ((await page.evaluate('performance.memory.usedJSHeapSize')) as number) / 1e6;
    let openAllMs: number | null = null, panOpenFps: number | null = null, zoomOpenFps: number | null = null;
    if (size <= MOST_OPEN) {
      await page.locator('canvas.drawing').focus();
      await page.evaluate('probe.begin()');
      await page.keyboard.press('}');
      openAllMs = await elapsed(page);
      await page.waitForTimeout(300);
      panOpenFps = await pan(page);
      zoomOpenFps = await zoom(page);
    }
    const longestStallMs = (await page.evaluate('probe.stall')) as number;
    return { kind, nodes: graph.nodes.name.length, edges: graph.uses.value.length, firstPictureMs, openAllMs, panFps, zoomFps, panOpenFps, zoomOpenFps, longestStallMs, heapMb, ...counted(graph, target, size) };
  } finally { await page.close(); }
}

function counted(graph: ReturnType<typeof generate>['graph'], target: number, size: number): Pick<Row, 'crossings' | 'dagreCrossings'> {
  if (size > MOST_OPEN / 2) return { crossings: null, dagreCrossings: null };
  const engine = new LayoutEngine(graph);
  engine.setResults(undefined, target);
  const layout = engine.layout({ revision: 1, expanded: Array.from({ length: engine.hierarchy.count }, (_, g) => g), viewport: { width: 1280, height: 800 } });
  return { crossings: crossings(linesOf(layout)), dagreCrossings: size <= MOST_DAGRE ? crossings(dagreLines(dagre, graph, layout, engine.hierarchy.tagged)) : null };
}

const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!;
function medians(rows: readonly Row[]): Row {
  return Object.fromEntries(Object.entries(rows[0]!).map(([key, value]) => [key, typeof value === 'number' ? Math.round(median(rows.map(r => r[key as 'heapMb'])) * 10) / 10 : value])) as unknown as Row;
}

async function main(args: readonly string[]): Promise<void> {
  const option = (name: string) => { const at = args.indexOf(`--${name}`); return at < 0 ? undefined : args[at + 1]; };
  if (!hasChromium) return void console.log('drawing: no Chromium here, nothing measured');
  const kinds = (option('kinds')?.split(',') ?? GENERATOR_KINDS) as readonly GeneratorKind[], sizes = (option('sizes') ?? '200,2000,10000,50000,100000').split(',').map(Number), repeat = Number(option('repeat') ?? 1), rows: Row[] = [];
  const browser = await WebviewBrowser.start(process.env['DIST'] ?? 'dist');
  try {
    for (const size of sizes) for (const kind of kinds) {
      const runs: Row[] = [];
      for (let r = 0; r < repeat; r++) runs.push(await measure(browser, kind, size));
      rows.push(medians(runs));
      console.log(JSON.stringify(rows.at(-1)));
    }
  } finally { await browser.close(); }
  const file = option('json');
  if (file) writeFileSync(file, `${JSON.stringify(rows, undefined, 1)}\n`);
}

main(process.argv.slice(2)).then(() => process.exit(0), (error: Error) => { console.error(error.stack); process.exit(1); });
