/** The webviews in plain Chromium with real studies: what a person sees, reaches by keyboard and hears. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import type { Page } from 'playwright-core';
import { hasChromium, WebviewBrowser, type Theme } from './page.ts';
import { DrawnHost, flowOf } from './drawnHost.ts';
import { grammar } from './grammar.ts';
import { STATES } from './states.ts';
import { StudyHost } from './studyHost.ts';

const DIST = process.env['DIST'] ?? 'dist', ready = hasChromium && existsSync(`${DIST}/webview/main.js`), skip = ready ? false : 'needs Chromium and npm run build';
if (skip) console.log(`webview page: skipped, ${skip}`);
const axeSource = () => readFileSync(createRequire(`${process.cwd()}/package.json`).resolve('axe-core/axe.min.js'), 'utf8');

let browser: WebviewBrowser;
const hosts = new Map<string, StudyHost>(), problems: string[] = [];

async function host(model: string): Promise<StudyHost> {
  const found = hosts.get(model);
  if (found) return found;
  const made = new StudyHost(model);
  hosts.set(model, made);
  await made.study.load();
  await made.study.run();
  return made;
}

/** What the toolkit tries once, and works without: whether the browser knows :focus-visible. */
const HARMLESS = /Applying inline style violates/;
async function open(model: string, entry: 'main' | 'panelMain' = 'main', theme: Theme = 'dark', size = { width: 1280, height: 800 }): Promise<Page> {
  const page = await browser.open(await host(model), entry, theme, size, line => { if (!HARMLESS.test(line)) problems.push(line); });
  await page.waitForFunction(entry === 'main' ? () => /boxes shown/.test(document.querySelector('canvas')?.getAttribute('aria-label') ?? '') : () => document.querySelectorAll('.rows .tr').length > 0);
  return page;
}
const spoken = (page: Page) => page.locator('canvas.drawing').getAttribute('aria-label');

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axeSource());
  return page.evaluate(async () => {
    const axe = (globalThis as unknown as { axe: { run(context: unknown, options: object): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe;
    const { violations: found } = await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] });
    return found.map(v => `${v.id}: ${v.nodes.slice(0, 3).map(n => `${n.html.slice(0, 160)} ${n.failureSummary.slice(0, 200)}`).join(' | ')}`);
  });
}

before(async () => { if (ready) browser = await WebviewBrowser.start(DIST); });
after(async () => {
  await browser?.close();
  for (const h of hosts.values()) h.dispose();
});

const DETACH = 'samples/simsiam-with-detach.onnx', QUANT = 'samples/fake-quantisation.onnx', MLP = 'samples/residual-mlp.onnx';

test('a model is drawn with its loss and its gradients, and no error is logged', { skip }, async () => {
  const page = await open(DETACH);
  assert.match(await page.locator('.tool').innerText(), /Gradient of\s*loss/);
  assert.match(await page.locator('.foot').innerText(), /L2 norm/);
  await page.close();
  assert.deepEqual(problems, []);
});

test('by keyboard alone: from the loss along the gradient, into the inspector and back', { skip }, async () => {
  const page = await open(DETACH);
  await page.locator('canvas.drawing').focus();
  await page.keyboard.press('End');
  assert.match((await spoken(page))!, /the loss/);
  await page.keyboard.press('ArrowUp');
  const second = (await spoken(page))!;
  assert.match(second, /gradient/);
  assert.doesNotMatch(second, /the loss/);
  assert.equal(await page.locator('#adj-active').count(), 1, 'the selected item is what a screen reader is pointed to');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => !!document.activeElement?.closest('.insp')), true);
  await page.close();
});

test('a blocked node says who blocks it and shows the way from the loss; removing the stop in thought shows what appears', { skip }, async () => {
  const page = await open(DETACH), study = await host(DETACH);
  await page.keyboard.press('Control+f');
  await page.locator('canvas.drawing').focus();
  await page.keyboard.press('Control+f');
  await page.keyboard.type('blocked:');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => /Blocked by/.test(document.querySelector('.insp')?.textContent ?? ''));
  await page.locator('.insp .actions button', { hasText: 'Why?' }).click();
  await page.waitForSelector('.steps li.cut');
  assert.match(await page.locator('.steps li.cut').innerText(), /stops here/);
  await page.locator('vscode-button', { hasText: 'What If It Were Removed?' }).click();
  await page.waitForSelector('.strip[aria-label="What if"]');
  assert.match(await page.locator('.strip').innerText(), /were removed\?/);
  await page.locator('.strip vscode-button', { hasText: 'Put It Back' }).click();
  await page.waitForFunction(() => !document.querySelector('.strip'));
  assert.equal(study.study.hasWhatIf, false);
  await page.close();
});

test('selecting in the drawing selects the row in the panel, and the other way', { skip }, async () => {
  const drawing = await open(MLP), panel = await open(MLP, 'panelMain', 'dark', { width: 1200, height: 300 });
  await panel.locator('.rows .tr').nth(2).click();
  const name = await panel.locator('.rows .tr.on [role=gridcell]').first().innerText();
  await drawing.waitForFunction(n => document.querySelector('.insp h2')?.textContent === n, name);
  await drawing.locator('canvas.drawing').focus();
  await drawing.keyboard.press('End');
  await panel.waitForFunction(n => { const on = document.querySelector('.rows .tr.on [role=gridcell]')?.textContent; return on !== undefined && on !== n; }, name);
  await drawing.close();
  await panel.close();
});

test('the table sorts, filters and counts', { skip }, async () => {
  const panel = await open(MLP, 'panelMain', 'light', { width: 1200, height: 300 });
  const first = async () => panel.locator('.rows .tr').first().locator('[role=gridcell]').first().innerText();
  await panel.locator('.sort', { hasText: 'Name' }).click();
  const a = await first();
  await panel.locator('.sort', { hasText: 'Name' }).click();
  assert.notEqual(await first(), a);
  assert.equal(await panel.locator('[aria-sort=descending]').count(), 1);
  const all = Number(await panel.locator('[role=grid]').getAttribute('aria-rowcount'));
  await panel.locator('.bar2 vscode-text-field').click();
  await panel.keyboard.type('bias');
  await panel.waitForFunction(n => Number(document.querySelector('[role=grid]')?.getAttribute('aria-rowcount')) < n, all);
  for (const row of await panel.locator('.rows .tr').allInnerTexts()) assert.match(row, /bias/);
  await panel.close();
});

test('a table of 100,000 rows holds only those in the window, and its last row is one key away', { skip }, async () => {
  const host_ = new DrawnHost({ flow: flowOf(100_000) }), panel = await browser.open(host_, 'panelMain', 'dark', { width: 1200, height: 400 }, line => { if (!HARMLESS.test(line)) problems.push(line); });
  await panel.waitForFunction(() => document.querySelectorAll('.rows .tr').length > 0);
  await panel.locator('[role=tab]', { hasText: 'Values' }).click();
  assert.equal(await panel.locator('[role=grid]').getAttribute('aria-rowcount'), '50001');
  assert.ok(await panel.locator('.rows .tr').count() < 60);
  assert.match(await panel.locator('.rows .tr').first().innerText(), /NaN/, 'what is not finite comes first');
  await panel.locator('[role=grid]').focus();
  await panel.keyboard.press('End');
  await panel.waitForFunction(() => document.querySelector('.rows .tr.on')?.getAttribute('aria-rowindex') === '50001');
  assert.equal(host_.received.filter(m => m.type === 'select').length, 1);
  await panel.locator('.sort', { hasText: 'L2 norm' }).click();
  await panel.close();
  assert.deepEqual(problems, []);
});

test('a distribution is asked for once and shown', { skip }, async () => {
  const page = await open(MLP);
  await page.locator('canvas.drawing').focus();
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowUp');
  await page.locator('.insp button', { hasText: 'Show distribution' }).click();
  await page.waitForSelector('.insp .charts svg[aria-label^="Histogram"]');
  await page.close();
});

test('the drawing is saved as SVG and PNG, with every node of it', { skip }, async () => {
  const page = await open(DETACH), study = await host(DETACH), saved = () => study.received.flatMap(m => (m.type === 'save' ? [m] : []));
  study.send({ type: 'view', command: 'savePictureSvg' });
  study.send({ type: 'view', command: 'savePicturePng' });
  for (let i = 0; i < 50 && saved().length < 2; i++) await page.waitForTimeout(50);
  const svg = saved().find(m => m.encoding === 'utf8')!, png = saved().find(m => m.encoding === 'base64')!;
  assert.match(svg.data, /^<svg [^]*<\/svg>\n$/);
  assert.match(svg.data, /url\(#hatch\)/, 'blocked nodes are hatched');
  assert.match(svg.data, />∂ /, 'the loss');
  assert.deepEqual([...Buffer.from(png.data, 'base64').subarray(1, 4)], [...Buffer.from('PNG')]);
  const broken = await page.evaluate(text => new DOMParser().parseFromString(text, 'image/svg+xml').querySelector('parsererror')?.textContent, svg.data);
  assert.equal(broken, undefined);
  await page.close();
});

test('every state stands in its words, with and without a drawing, and axe finds nothing in it', { skip }, async () => {
  for (const drawn of [true, false]) {
    const host_ = new DrawnHost(drawn ? grammar() : {}), page = await browser.open(host_, 'main', drawn ? 'light' : 'dark', { width: 1100, height: 700 }, line => { if (!HARMLESS.test(line)) problems.push(line); });
    if (drawn) await page.waitForFunction(() => /boxes shown/.test(document.querySelector('canvas')?.getAttribute('aria-label') ?? ''));
    else await page.waitForSelector('.tool');
    for (const [state, title, ...buttons] of STATES) {
      host_.state(state);
      const place = page.locator(`section[aria-label='${title}']`);
      await place.waitFor({ state: 'attached' });
      await page.waitForTimeout(350);
      assert.ok((await place.innerText()).includes(title), state.kind);
      for (const b of buttons) assert.equal(await place.locator('vscode-button', { hasText: b }).count(), 1, `${state.kind}: ${b}`);
      assert.deepEqual(await violations(page), [], `${state.kind}${drawn ? ' above a drawing' : ''}`);
    }
    await page.close();
  }
  assert.deepEqual(problems, []);
});

for (const theme of ['dark', 'light', 'hc', 'hcl'] as const) {
  test(`axe finds nothing in the ${theme} theme: drawing with inspector, why, menu, find; panel`, { skip }, async () => {
    const page = await open(DETACH, 'main', theme);
    assert.deepEqual(await violations(page), [], 'at rest');
    await page.locator('canvas.drawing').focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowUp');
    await page.waitForSelector('.insp section');
    assert.deepEqual(await violations(page), [], 'with the inspector');
    await page.keyboard.press(' ');
    await page.waitForSelector('.card:not([hidden])');
    assert.deepEqual(await violations(page), [], 'with the card');
    await page.keyboard.press('w');
    await page.waitForSelector('.steps li');
    assert.deepEqual(await violations(page), [], 'why');
    await page.keyboard.press('Shift+F10');
    await page.waitForSelector('.menu');
    assert.deepEqual(await violations(page), [], 'with a menu');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+f');
    await page.keyboard.type('sofmax');
    await page.waitForSelector('.strip');
    assert.deepEqual(await violations(page), [], 'nothing found');
    await page.close();
    const panel = await open(QUANT, 'panelMain', theme, { width: 1200, height: 300 });
    await panel.locator('.rows .tr').nth(1).click();
    assert.deepEqual(await violations(panel), [], 'panel');
    await panel.close();
  });
}
