import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openWorkbench, ROOT } from './harness/workbench.ts';

test('VS Code opens on the samples and says who it is', { timeout: 120_000 }, async () => {
  const workbench = await openWorkbench({ folder: `${ROOT}/samples` });
  try {
    assert.equal(await workbench.evaluate(vscode => vscode.workspace.isTrusted), true);
    await workbench.explorerRow('residual-mlp.onnx').waitFor({ timeout: 30_000 });
    assert.deepEqual(workbench.errors, []);
  } finally {
    await workbench.close();
  }
});
