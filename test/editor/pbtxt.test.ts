/** A TensorFlow graph as text in the real VS Code: hover, definition, outline. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openWorkbench, until, type Workbench } from './harness/workbench.ts';

const node = (name: string, op: string, inputs: readonly string[], attributes = '') =>
  `node {\n  name: "${name}"\n  op: "${op}"\n${inputs.map(i => `  input: "${i}"\n`).join('')}  attr { key: "T" value { type: DT_FLOAT } }\n${attributes}}\n`;
const GRAPH = `node {\n  name: "x"\n  op: "Placeholder"\n  attr { key: "dtype" value { type: DT_FLOAT } }\n  attr { key: "shape" value { shape { dim { size: 3 } } } }\n}\n${
  node('stop', 'StopGradient', ['x'])}${node('product', 'Mul', ['x', 'stop'])}${node('loss', 'L2Loss', ['product'])}`;

const folder = mkdtempSync(join(tmpdir(), 'adj-text-')), file = join(folder, 'graph.pbtxt');
let workbench: Workbench;

before(async () => {
  writeFileSync(file, GRAPH);
  workbench = await openWorkbench({ folder });
  await workbench.open(file, 'default');
}, { timeout: 300_000 });
after(async () => {
  await workbench?.close();
  rmSync(folder, { recursive: true, force: true });
});

const line = (text: string) => GRAPH.split('\n').findIndex(l => l.includes(text));

test('a node\'s name says its gradient, and why there is none behind a stop', async () => {
  const hover = () => workbench.evaluate(async (vscode, path, at) => {
    const found = await vscode.commands.executeCommand('vscode.executeHoverProvider', vscode.Uri.file(path), new vscode.Position(at, 10)) as { contents: { value: string }[] }[];
    return found.flatMap(h => h.contents.map(c => c.value)).join('\n');
  }, file, line('name: "product"'));
  await until('the hover knows the gradient', async () => /A gradient of|arrives/.test(await hover()));
  assert.match(await hover(), /Mul/);
});

test('an input leads to its node, and the outline lists the nodes', async () => {
  const target = await workbench.evaluate(async (vscode, path, at) => {
    const [found] = await vscode.commands.executeCommand('vscode.executeDefinitionProvider', vscode.Uri.file(path), new vscode.Position(at, 11)) as { range: { start: { line: number } } }[];
    return found?.range.start.line;
  }, file, line('input: "stop"'));
  assert.equal(target, line('name: "stop"'));
  const names = await workbench.evaluate(async (vscode, path) => {
    const found = await vscode.commands.executeCommand('vscode.executeDocumentSymbolProvider', vscode.Uri.file(path)) as { name: string }[];
    return found.map(s => s.name);
  }, file);
  assert.deepEqual(names, ['x', 'stop', 'product', 'loss']);
});
