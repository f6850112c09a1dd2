// npm run screenshots: the editor, the panel, the hover card and the report in dark, light and high contrast, into media/.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium as playwright } from 'playwright-core';
import { Drawing } from '../test/editor/harness/drawing.ts';
import { openWorkbench, type ThemeName, type Workbench } from '../test/editor/harness/workbench.ts';
import { CHROMIUM_ARGS, chromium } from './vscode/tools.ts';

const ROOT = dirname(__dirname), MODEL = join(ROOT, 'samples/simsiam-with-detach.onnx'), SIZE = { width: 1440, height: 900 };
/** A stop: what it holds back is the question of this sample. */
const SELECTED = 'node_detach';
/** What would only say that this window is a test's. */
const SETTINGS = { 'window.commandCenter': false, 'workbench.layoutControl.enabled': false };
const THEMES = ['dark', 'light', 'highContrast'] as const satisfies readonly ThemeName[];
const FILE_NAMES = { dark: 'dark', light: 'light', highContrast: 'high-contrast' } as const;
const picture = (what: string, theme: (typeof THEMES)[number]) => ({ path: join(ROOT, 'media', `${what}-${FILE_NAMES[theme]}.png`) });

async function editorPictures(workbench: Workbench): Promise<void> {
  const { page } = workbench;
  await workbench.open(MODEL);
  const drawing = await Drawing.shown(workbench);
  await drawing.coloured();
  // The explorer would take a fifth of the picture and say nothing.
  await workbench.evaluate(async vscode => { await vscode.commands.executeCommand('workbench.action.closeSidebar'); });
  await workbench.command('Adjoint: Go to Node…');
  await page.keyboard.type(SELECTED);
  await workbench.quickPick(SELECTED).click();
  await drawing.inspector.locator('h2', { hasText: SELECTED }).waitFor();
  for (const theme of THEMES) {
    await workbench.theme(theme);
    await drawing.press('0');
    await page.waitForTimeout(800);
    await page.screenshot(picture('editor', theme));

    await drawing.press('z', ' ');
    await drawing.card.waitFor();
    await page.waitForTimeout(1500);
    await page.screenshot(picture('hover', theme));
    await page.keyboard.press('Escape');
  }
  await workbench.command('Adjoint: Show Gradient Flow');
  await workbench.webview('.rows .tr');
  for (const theme of THEMES) {
    await workbench.theme(theme);
    await drawing.press('0');
    await page.waitForTimeout(500);
    await page.screenshot(picture('panel', theme));
  }
}

async function reportPictures(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'adj-')), file = join(dir, 'report.html');
  execFileSync(process.execPath, ['dist/adjoint.js', 'report', MODEL, '-o', file], { cwd: ROOT });
  const browser = await playwright.launch({ executablePath: chromium(), args: CHROMIUM_ARGS });
  try {
    for (const theme of THEMES) {
      const page = await browser.newPage({ viewport: SIZE, colorScheme: theme === 'light' ? 'light' : 'dark', contrast: theme === 'highContrast' ? 'more' : 'no-preference' });
      await page.goto(pathToFileURL(file).href);
      await page.locator('canvas.drawing').waitFor();
      await page.waitForTimeout(1500);
      await page.screenshot(picture('report', theme));
      await page.close();
    }
  } finally {
    await browser.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  await reportPictures();
  const workbench = await openWorkbench({ folder: join(ROOT, 'samples'), size: SIZE, settings: SETTINGS });
  try {
    await editorPictures(workbench);
  } finally {
    await workbench.close();
  }
}

void main().catch((error: Error) => {
  console.error(error.stack);
  process.exitCode = 1;
});
