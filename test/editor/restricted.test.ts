/** A folder that is not trusted: models are read and drawn, nothing runs. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Drawing } from './harness/drawing.ts';
import { openWorkbench, ROOT, type Workbench } from './harness/workbench.ts';

let workbench: Workbench;
before(async () => { workbench = await openWorkbench({ folder: `${ROOT}/samples`, trusted: false }); }, { timeout: 300_000 });
after(async () => workbench?.close());

test('the graph is drawn, runs nothing and says so', async () => {
  assert.equal(await workbench.evaluate(vscode => vscode.workspace.isTrusted), false);
  await workbench.open(`${ROOT}/samples/residual-mlp.onnx`);
  const drawing = await Drawing.shown(workbench);
  await drawing.strip.getByText('Restricted Mode').waitFor();
  assert.match(await drawing.strip.innerText(), /Gradients need the model to run, and a model is code\.[^]*Manage Workspace Trust/);
  await workbench.screenshot('restricted');
  const titles = await workbench.paletteTitles('Adjoint:');
  assert.ok(titles.includes('Adjoint: Go to Node…'), 'what only looks is there');
  for (const title of ['Run Model', 'Choose Target…', 'Choose Inputs…', 'Save Gradients as NPZ…', 'Restart ONNX Runtime']) assert.ok(!titles.includes(`Adjoint: ${title}`), title);
});

test('a command that another extension calls does not run the model either', async () => {
  await workbench.evaluate(async vscode => { await vscode.commands.executeCommand('adjoint.runModel'); });
  const drawing = await Drawing.shown(workbench);
  await drawing.strip.getByText('Restricted Mode').waitFor();
  assert.doesNotMatch(await drawing.press('End'), /gradient \d/);
});
