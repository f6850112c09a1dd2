/** The extension from the working tree in a trusted folder: what a person sees, selects, hovers, and finds in the palette. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { Drawing } from './harness/drawing.ts';
import { openWorkbench, ROOT, THEMES, until, type Workbench } from './harness/workbench.ts';

const MLP = `${ROOT}/samples/residual-mlp.onnx`, DETACH = `${ROOT}/samples/simsiam-with-detach.onnx`;
let workbench: Workbench;

before(async () => { workbench = await openWorkbench({ folder: `${ROOT}/samples` }); }, { timeout: 300_000 });
after(async () => workbench?.close());
afterEach(t => workbench.keepPictureOf(t));

/** Opens a model alone. */
async function open(model: string): Promise<Drawing> {
  await workbench.closeEditors();
  await workbench.open(model);
  const drawing = await Drawing.shown(workbench);
  await drawing.coloured();
  return drawing;
}

/** Children of the server that run ONNX Runtime. */
function runtimePids(): number[] {
  const parents = new Map<number, number>(), workers: number[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      parents.set(Number(entry), Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${entry}/status`, 'utf8'))![1]));
      if (readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes(`${ROOT}/dist/worker.js`)) workers.push(Number(entry));
    } catch { /* it has ended meanwhile */ }
  }
  const ours = (pid: number | undefined): boolean => pid !== undefined && (pid === workbench.server.pid || ours(parents.get(pid)));
  return workers.filter(ours);
}

const palette = async () => (await workbench.paletteTitles('Adjoint:')).filter(t => t.startsWith('Adjoint: ')).map(t => t.slice('Adjoint: '.length));

test('without a model the palette offers only what works without one', async () => {
  await workbench.explorerRow('residual-mlp.onnx').waitFor();
  await workbench.evaluate(async vscode => { await vscode.extensions.getExtension('adjoint.adjoint')!.activate(); });
  assert.deepEqual((await palette()).sort(), ['Open Model…', 'Open Sample Model', 'Show Log']);
});

test('a model opens as a drawing, and its gradients come by themselves', async () => {
  const drawing = await open(MLP);
  assert.match(await drawing.label(), /^residual-mlp\.onnx\. \d+ boxes shown of 7 nodes\./);
  assert.match(await drawing.frame.locator('.tool').innerText(), /Gradient of\s*loss/);
  assert.match(await drawing.press('End'), /the loss, gradient 1,/);
});

test('a node that is selected fills the inspector: value and gradient, rule, parameters', async () => {
  const drawing = await open(MLP);
  const selected = await drawing.press('End', 'ArrowUp', 'ArrowUp'), name = selected.split(',')[0]!;
  await drawing.inspector.locator('h2', { hasText: name }).waitFor();
  const text = await drawing.inspector.innerText();
  for (const section of [/Value and gradient/i, /Backward rule/i]) assert.match(text, section);
  assert.match(text, /L2/);
});

test('a click selects, and the pointer over a node opens its card', async () => {
  const drawing = await open(MLP), { page } = workbench;
  const name = (await drawing.press('End', 'ArrowUp', 'ArrowUp')).split(',')[0]!, { x, y } = await drawing.selectedPlace();
  await drawing.press('Escape');
  await page.mouse.move(x - 3, y - 3);
  await page.mouse.move(x, y);
  await drawing.card.waitFor();
  assert.ok((await drawing.card.innerText()).includes(name), 'the card is about the node under the pointer');
  await page.keyboard.press('Escape');
  await page.mouse.click(x, y);
  await drawing.inspector.locator('h2', { hasText: name }).waitFor();
});

test('with a model the palette offers each command that can work, and no other', async () => {
  const drawing = await open(DETACH);
  const always = ['Run Model', 'Choose Target…', 'Go to Node…', 'Find in Graph', 'Show Gradient Flow', 'Fold All', 'Unfold Level', 'Fit to Window', 'Change Direction',
    'Lay Out Again', 'Color By…', 'Choose Inputs…', 'Choose Conventions…', 'Choose Device…', 'Save Picture as SVG…', 'Save Picture as PNG…', 'Save Report as HTML…',
    'Open Text View', 'Restart ONNX Runtime', 'Show Log', 'Open Model…', 'Open Sample Model', 'What If: Remove Stop…'];
  await drawing.press('Escape', 'Escape');
  const without = await palette();
  assert.deepEqual(always.filter(t => !without.includes(t)), [], 'missing');
  for (const title of ['Cancel Run', 'Explain Gradient', 'Copy Name', 'What If: Add Stop Here', 'Reset What If']) assert.ok(!without.includes(title), `${title} cannot work now`);
  await drawing.press('End', 'ArrowUp');
  await until('the selection has reached the host', async () => (await palette()).includes('Copy Name'));
  const selected = await palette();
  for (const title of ['Explain Gradient', 'What If: Add Stop Here', 'Zoom to Selection', 'Copy as JSON']) assert.ok(selected.includes(title), title);
});

test('the panel shows every gradient; a row that is selected there is selected in the drawing', async () => {
  const drawing = await open(MLP);
  await workbench.command('Adjoint: Show Gradient Flow');
  const panel = await workbench.webview('.rows .tr');
  assert.ok(Number(await panel.locator('[role=grid]').getAttribute('aria-rowcount')) > 5);
  const row = panel.locator('.rows .tr').nth(1), name = await row.locator('[role=gridcell]').first().innerText();
  await row.click();
  await drawing.inspector.locator('h2', { hasText: name }).waitFor();
  await workbench.evaluate(async vscode => { await vscode.commands.executeCommand('workbench.action.closePanel'); });
});

test('in the text view a name has a hover with shape, figures and status', async () => {
  await open(MLP);
  await workbench.command('Adjoint: Open Text View');
  const token = workbench.page.locator('.view-line span', { hasText: 'head.weight' }).last();
  await token.waitFor();
  const { uri, position } = await workbench.evaluate(vscode => {
    const { document } = vscode.window.activeTextEditor!, at = document.positionAt(document.getText().indexOf('head.weight') + 2);
    return { uri: document.uri.toString(), position: [at.line, at.character] as const };
  });
  const text = await workbench.evaluate(async (vscode, uri, line, character) => {
    const hovers = await vscode.commands.executeCommand<{ contents: { value: string }[] }[]>('vscode.executeHoverProvider', vscode.Uri.parse(uri), new vscode.Position(line, character));
    return hovers.flatMap(h => h.contents.map(c => c.value)).join('\n');
  }, uri, ...position);
  assert.match(text, /head\.weight.*parameter.*5×16/s);
  assert.match(text, /L2 norm \|.*\| *[\d.]+/);
  await workbench.page.keyboard.press('Control+Home');
  await token.hover();
  await workbench.hover('L2 norm').waitFor();
});

for (const theme of THEMES) {
  test(`axe finds nothing in the drawing and its inspector in the theme ${theme}`, async () => {
    const drawing = await open(DETACH);
    await workbench.theme(theme);
    await drawing.press('End', 'ArrowUp');
    await drawing.inspector.locator('h2').first().waitFor();
    await workbench.screenshot(`editor-${theme}`);
    assert.deepEqual(await workbench.accessibility(drawing.frame), []);
  });
}

test('hidden and shown again, the drawing is as it was', async () => {
  const drawing = await open(DETACH), selected = await drawing.press('End', 'ArrowUp');
  await workbench.page.waitForTimeout(600);
  await workbench.open(MLP);
  await until('the other model is drawn', async () => /residual-mlp/.test(await Drawing.shown(workbench).then(d => d.label())));
  await workbench.open(DETACH);
  await until('the first model is drawn again, with its selection', async () => (await Drawing.shown(workbench).then(d => d.label()).catch(() => '')).includes(`Selected: ${selected}`));
});

test('ONNX Runtime killed while it runs: said in the drawing, nothing lost, and Run Again works', async () => {
  const drawing = await open(MLP), [pid] = runtimePids();
  assert.ok(pid, 'its process is there');
  process.kill(pid, 'SIGSTOP');
  await workbench.command('Adjoint: Run Model');
  await drawing.frame.locator('.strip[aria-label="Running"]').waitFor();
  process.kill(pid, 'SIGKILL');
  await drawing.strip.getByText('ONNX Runtime stopped').waitFor();
  assert.match(await drawing.label(), /boxes shown/, 'the drawing is kept');
  await drawing.strip.getByText('Run Again').click();
  await drawing.strip.getByText('ONNX Runtime stopped').waitFor({ state: 'hidden' });
  await until('another process runs it', () => runtimePids().some(p => p !== pid));
});

test('nothing was thrown in the window', () => assert.deepEqual(workbench.errors, []));
