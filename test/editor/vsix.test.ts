/** The extension as a person has it: packed, installed, a model double-clicked. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { packageVsix } from '../../scripts/package.ts';
import { Drawing } from './harness/drawing.ts';
import { openWorkbench, ROOT, until, type Workbench } from './harness/workbench.ts';

let workbench: Workbench;
before(async () => { workbench = await openWorkbench({ folder: `${ROOT}/samples`, vsix: packageVsix() }); }, { timeout: 300_000 });
after(async () => workbench?.close());

test('double click: drawn, run by the ONNX Runtime of the package', async () => {
  const row = workbench.explorerRow('residual-mlp.onnx');
  await row.waitFor({ timeout: 60_000 });
  // A file that is opened before the extension is known stays a "binary file".
  await until('the extension is known', async () => (await workbench.paletteTitles('Adjoint: Open Sample')).includes('Adjoint: Open Sample Model'), 120_000);
  await row.dblclick();
  const drawing = await Drawing.shown(workbench);
  await drawing.coloured();
  assert.match(await drawing.press('End'), /the loss, gradient 1,/);
  assert.deepEqual(workbench.errors, []);
});

test('the samples ship with it', async () => {
  await workbench.command('Adjoint: Open Sample Model');
  await workbench.quickPick('simsiam-with-detach').click();
  await until('the sample is drawn', async () => /simsiam/.test(await Drawing.shown(workbench).then(d => d.label()).catch(() => '')));
});
