/** A real VS Code window for tests. The one place that knows the workbench's DOM: its selectors move between versions. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium as playwright, type Browser, type Frame, type FrameLocator, type Locator, type Page } from 'playwright-core';
import type * as VSCode from 'vscode';
import { remoteUri, startCodeServer, windowUrl, type CodeServer } from '../../../scripts/vscode/codeServer.ts';
import { CHROMIUM_ARGS, chromium } from '../../../scripts/vscode/tools.ts';

export const ROOT = resolve(__dirname, '../../..');

/** Settings that keep a test window quiet and fast. */
const QUIET = {
  'workbench.startupEditor': 'none', 'workbench.tips.enabled': false, 'workbench.reduceMotion': 'on', 'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true, 'git.enabled': false, 'telemetry.telemetryLevel': 'off', 'update.showReleaseNotes': false,
  'extensions.autoUpdate': false, 'extensions.autoCheckUpdates': false, 'extensions.ignoreRecommendations': true,
  'typescript.disableAutomaticTypeAcquisition': true, 'editor.hover.delay': 100,
  'security.workspace.trust.startupPrompt': 'never', 'security.workspace.trust.banner': 'never',
};

/** One theme of each kind: its id, what a webview is told of it, the class of the window. */
const KINDS = {
  dark: { id: 'Dark Modern', webview: 'vscode-dark', workbench: 'vs-dark' },
  light: { id: 'Light Modern', webview: 'vscode-light', workbench: 'vs' },
  highContrast: { id: 'Default High Contrast', webview: 'vscode-high-contrast', workbench: 'hc-black' },
  highContrastLight: { id: 'Default High Contrast Light', webview: 'vscode-high-contrast-light', workbench: 'hc-light' },
} as const;
export type ThemeName = keyof typeof KINDS;
export const THEMES = Object.keys(KINDS) as readonly ThemeName[];

export interface WorkbenchOptions {
  /** The workspace; an absolute path. */
  readonly folder: string;
  /** Installs this instead of loading the working tree; then there is no `evaluate`. */
  readonly vsix?: string;
  readonly trusted?: boolean;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: NodeJS.ProcessEnv;
  readonly size?: { readonly width: number; readonly height: number };
}

/** A function that runs in the extension host: it sees only its parameters, which are JSON, and so is its result. */
type InHost<A extends unknown[], R> = (vscode: typeof VSCode, ...args: A) => R | PromiseLike<R>;

/** Starts a server and a browser, and waits until the workbench is there. */
export async function openWorkbench(options: WorkbenchOptions): Promise<Workbench> {
  const executablePath = chromium();
  const dir = mkdtempSync(join(tmpdir(), 'adj-')), portFile = join(dir, 'port'), token = randomBytes(16).toString('hex');
  let server: CodeServer | undefined, browser: Browser | undefined;
  try {
    server = await startCodeServer({ dir, vsix: options.vsix, trusted: options.trusted ?? true, settings: { ...QUIET, ...options.settings },
      development: !options.vsix, env: { ...options.env, ADJOINT_TEST_TOKEN: token, ADJOINT_TEST_PORT_FILE: portFile } });
    browser = await playwright.launch({ executablePath, args: CHROMIUM_ARGS });
    const page = await browser.newPage({ viewport: options.size ?? { width: 1400, height: 900 } });
    // Generous: a machine that is busy with something else is slow, not wrong.
    page.setDefaultTimeout(90_000);
    page.setDefaultNavigationTimeout(180_000);
    const workbench = new Workbench(page, server, browser, dir, options.vsix ? undefined : { portFile, token });
    await page.context().request.post(`${server.url}/login`, { form: { password: server.password } });
    await page.goto(windowUrl(server, options.folder, options.vsix ? [] : [
      ['extensionDevelopmentPath', remoteUri(server, ROOT)], ['extensionTestsPath', remoteUri(server, join(__dirname, 'evaluator.cjs'))]]));
    await page.waitForSelector('.monaco-workbench', { timeout: 180_000 });
    return workbench;
  } catch (error) {
    await browser?.close();
    await server?.stop();
    throw error;
  }
}

export class Workbench {
  /** What was thrown in the page and not caught. */
  readonly errors: string[] = [];

  constructor(readonly page: Page, readonly server: CodeServer, private readonly browser: Browser, private readonly dir: string,
    private readonly evaluator: { readonly portFile: string; readonly token: string } | undefined) {
    page.on('pageerror', error => this.errors.push(error.message));
  }

  /** Runs `fn(vscode, ...args)` in the extension host. */
  async evaluate<A extends unknown[], R>(fn: InHost<A, R>, ...args: A): Promise<R> {
    if (!this.evaluator) throw new Error('a window with a VSIX has no evaluator');
    const { portFile, token } = this.evaluator;
    await until('the extension host answers', () => existsSync(portFile), 180_000);
    const reply = await fetch(`http://127.0.0.1:${readFileSync(portFile, 'utf8')}/`, {
      // tsx names functions by a helper that the extension host does not have.
      method: 'POST', headers: { authorization: token }, body: JSON.stringify({ source: `(__name => ${fn.toString()})(f => f)`, args }),
    });
    const { result, error } = await reply.json() as { result: R; error?: string };
    if (error) throw new Error(error);
    return result;
  }

  /** Opens a file as a double click does. */
  async open(file: string, viewType = 'adjoint.graph'): Promise<void> {
    await this.evaluate(async (vscode, path, type) => void await vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(path), type), resolve(file), viewType);
  }

  async closeEditors(): Promise<void> {
    await this.evaluate(async vscode => void await vscode.commands.executeCommand('workbench.action.closeAllEditors'));
  }

  /** The document inside the webview that holds `selector`. */
  async webview(selector: string, timeout = 90_000): Promise<Frame> {
    let found: Frame | undefined;
    await until(`a webview holds ${selector}`, async () => {
      for (const frame of this.page.frames()) {
        if (await frame.locator(selector).count().catch(() => 0)) return Boolean(found = frame);
      }
      return false;
    }, timeout);
    return found!;
  }

  /** The visible webview at `index`, without waiting for its contents. */
  webviewAt(index = 0): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').nth(index).frameLocator('iframe#active-frame');
  }

  /** Titles that the command palette offers for `typed`, in its order. */
  async paletteTitles(typed: string): Promise<string[]> {
    await this.page.keyboard.press('F1');
    await this.page.locator('.quick-input-widget input').first().fill(`>${typed}`);
    await this.page.waitForTimeout(400);
    // The list is virtual: what is not in view is not in the document. Each row says its place and how many there are.
    const titles = new Map<number, string>(), rows = this.page.locator('.quick-input-list .monaco-list-row');
    await until(`the palette has shown all its rows for ${typed}`, async () => {
      const seen = await rows.evaluateAll(list => list.map(row => ({ at: Number(row.getAttribute('data-index')), of: Number(row.getAttribute('aria-setsize')), title: row.querySelector('.label-name')?.textContent ?? '' })));
      for (const { at, title } of seen) titles.set(at, title);
      if (seen[0] && titles.size >= seen[0].of) return true;
      await this.page.keyboard.press('PageDown');
      return false;
    });
    await this.page.keyboard.press('Escape');
    return [...titles.values()];
  }

  /** Chooses the command in the palette. */
  async command(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    await this.page.locator('.quick-input-widget input').first().fill(`>${title}`);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().click();
  }

  explorerRow(name: string): Locator {
    return this.page.locator(`.explorer-folders-view .monaco-list-row[aria-label="${name}"]`);
  }

  hover(text: string): Locator {
    return this.page.locator('.monaco-hover .hover-contents', { hasText: text }).first();
  }

  notification(text: string | RegExp): Locator {
    return this.page.locator('.notifications-toasts').getByText(text).first();
  }

  quickPick(text: string | RegExp): Locator {
    return this.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first();
  }

  /** Changes the theme, and waits until the window and every webview in it has it. */
  async theme(name: ThemeName): Promise<void> {
    const { id, webview, workbench } = KINDS[name];
    await this.evaluate(async (vscode, theme) => void await vscode.workspace.getConfiguration().update('workbench.colorTheme', theme, vscode.ConfigurationTarget.Global), id);
    await this.page.waitForSelector(`.monaco-workbench.${workbench}`);
    await until(`the webviews have the theme ${id}`, async () => {
      const kinds = await Promise.all(this.page.frames().map(frame => frame.locator('body[data-vscode-theme-kind]').getAttribute('data-vscode-theme-kind', { timeout: 500 }).catch(() => null)));
      return kinds.every(kind => kind === null || kind === webview);
    });
    await this.page.waitForTimeout(600);
  }

  /** WCAG A and AA violations in the webview: one line each, empty when there are none. */
  async accessibility(frame: Frame): Promise<string[]> {
    await frame.evaluate(readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8'));
    const { violations } = await frame.evaluate(() => (globalThis as unknown as { axe: typeof import('axe-core') }).axe.run(document, { runOnly: ['wcag2a', 'wcag2aa'] }));
    return violations.map(v => `${v.id} (${v.impact}): ${v.nodes.map(n => n.target.join(' ')).slice(0, 3).join('; ')} ${v.nodes[0]?.failureSummary ?? ''}`);
  }

  /** A picture under out/shots; returns its path. */
  async screenshot(name: string): Promise<string> {
    const path = join(ROOT, 'out', 'shots', `${name}.png`);
    mkdirSync(join(ROOT, 'out', 'shots'), { recursive: true });
    await this.page.screenshot({ path });
    return path;
  }

  /** For `afterEach`: what was to be seen when a test failed. */
  async keepPictureOf(context: unknown): Promise<void> {
    // The types of Node 20.9 do not know `passed`, which came with 20.12.
    const { name, passed } = context as { readonly name: string; readonly passed: boolean };
    if (!passed) console.log(`picture: ${await this.screenshot(`failed-${name.replace(/\W+/g, '-').slice(0, 60)}`)}`);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.server.stop();
    // The file watcher of a window outlives its server by some seconds and may still write here.
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 });
  }
}

/** Waits until `check` holds, and fails with what was waited for. */
export async function until(what: string, check: () => boolean | Promise<boolean>, timeoutMs = 90_000): Promise<void> {
  for (const begin = Date.now(); !await check();) {
    if (Date.now() - begin > timeoutMs) throw new Error(`after ${timeoutMs / 1000} s still not: ${what}`);
    await new Promise(done => setTimeout(done, 50));
  }
}
