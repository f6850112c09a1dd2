/** A webview's page in plain Chromium: the bundled script under the policy that VS Code would set, with its theme variables. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { extname, join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { FromWebview, ToWebview } from '../../../extension/protocol.ts';

/** Whoever answers a page. */
export interface PageHost { connect(send: (message: ToWebview) => void): (message: FromWebview) => void }

export const THEMES = { dark: 'vscode-dark', light: 'vscode-light', hc: 'vscode-high-contrast', hcl: 'vscode-high-contrast vscode-high-contrast-light' } as const;
export type Theme = keyof typeof THEMES;

const CHROMIUM = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(p => p && existsSync(p));
export const hasChromium = CHROMIUM !== undefined;

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export class WebviewBrowser {
  private constructor(private readonly browser: Browser, private readonly server: Server, private readonly origin: string) {}

  /** @param dist folder that holds webview/main.js and its neighbours */
  static async start(dist: string): Promise<WebviewBrowser> {
    const css = readFileSync(join(process.cwd(), 'test/editor/webviewPage/themes.css'));
    const server = createServer((request, response) => {
      const url = new URL(request.url!, 'http://x'), types: Record<string, string> = { '.js': 'text/javascript', '.css': 'text/css' };
      if (url.pathname === '/themes.css') return void response.setHeader('Content-Type', 'text/css').end(css);
      const file = join(dist, url.pathname);
      if (extname(file) in types && existsSync(file)) return void response.setHeader('Content-Type', types[extname(file)]!).end(readFileSync(file));
      response.setHeader('Content-Type', 'text/html').end(html(url.searchParams.get('entry')!, url.searchParams.get('theme') as Theme));
    });
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    const browser = await chromium.launch({ executablePath: CHROMIUM!, args: ARGS });
    return new WebviewBrowser(browser, server, `http://127.0.0.1:${(server.address() as { port: number }).port}`);
  }

  /** A page that talks with a host; `log` takes what goes wrong in it. */
  async open(host: PageHost, entry: 'main' | 'panelMain', theme: Theme, size: { width: number; height: number }, log: (line: string) => void): Promise<Page> {
    const page = await this.browser.newPage({ viewport: size });
    page.on('console', m => { if (['error', 'warning'].includes(m.type())) log(`${m.type()}: ${m.text()}`); });
    page.on('pageerror', e => log(`exception: ${e.stack ?? e.message}`));
    let ready = Promise.resolve(), closed = false;
    page.on('close', () => (closed = true));
    // Typed arrays keep their kind on the way, as they do between VS Code's host and its webviews.
    const send = (message: ToWebview) => { ready = ready.then(async () => { if (!closed) await page.evaluate(text => (globalThis as unknown as { fromHost(text: string): void }).fromHost(text), encode(message)); }).catch((e: Error) => { if (!closed) log(`send: ${e.message}`); }); };
    const take = host.connect(send);
    await page.exposeFunction('toHost', (text: string) => take(JSON.parse(text) as FromWebview));
    await page.addInitScript(STUB);
    await page.goto(`${this.origin}/?entry=${entry}&theme=${theme}`);
    return page;
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.server.close();
  }
}

function html(entry: string, theme: Theme): string {
  const policy = `default-src 'none'; style-src 'self'; script-src 'nonce-abc'; worker-src blob:; img-src 'self' data:; font-src 'self'`;
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Adjoint</title><meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="stylesheet" href="/themes.css"><link rel="stylesheet" href="/webview/${entry}.css"></head><body class="${THEMES[theme]}" data-vscode-theme-id="${theme}"><script nonce="abc" src="/webview/${entry}.js"></script></body></html>`;
}

const KINDS = [Uint8Array, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array, Float32Array, Float64Array];

function encode(message: ToWebview): string {
  return JSON.stringify(message, (_, v: unknown) => {
    const kind = KINDS.find(K => v instanceof K);
    if (kind) return { $: kind.name, bytes: Buffer.from((v as Uint8Array).buffer, (v as Uint8Array).byteOffset, (v as Uint8Array).byteLength).toString('base64') };
    return typeof v === 'number' && !Number.isFinite(v) ? { $: 'number', text: String(v) } : v;
  });
}

const STUB = `(() => {
  let state;
  globalThis.acquireVsCodeApi = () => ({ postMessage: m => globalThis.toHost(JSON.stringify(m)), getState: () => state, setState: s => { state = s; globalThis.savedState = s; } });
  globalThis.fromHost = text => postMessage(JSON.parse(text, (_, v) => {
    if (!v || typeof v !== 'object' || !v.$) return v;
    if (v.$ === 'number') return Number(v.text);
    const bytes = Uint8Array.from(atob(v.bytes), c => c.charCodeAt(0));
    return new globalThis[v.$](bytes.buffer);
  }), '*');
})();`;
