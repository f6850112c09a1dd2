import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { disagreements, hasShared, npz, readCase, runCase, SHARED, sharedRuntime } from './support.ts';

/** Models exported by torch: gradients of parameters, inputs and intermediates, as the file stands and with stops marked. */
describe('torch models', { skip: !hasShared }, () => {
  const oracles = join(SHARED, 'oracles'), runtime = sharedRuntime(), only = new RegExp(process.env['ADJOINT_ONLY'] ?? '');
  const names = hasShared ? readdirSync(oracles).filter(n => /^torch-(?!ops$|pt2-)/.test(n) && only.test(n)) : [];
  for (const name of names) {
    const folder = join(oracles, name), c = readCase(folder), model = join(folder, c.model);
    it(name, async () => {
      const inputs = await npz(join(folder, 'inputs.npz')), expected = await npz(join(folder, 'expected.npz'));
      // Where the exporter kept a detach as an Identity, the file as it stands in plain ONNX lets it pass.
      const asItStands = await runCase(runtime, model, c, inputs, c.marks ? { unstops: c.marks } : {});
      assert.deepEqual(disagreements(asItStands, expected, c.gradients.filter(g => !c.not_finite?.includes(g)), c.zero ?? [], c.tolerance), []);
      const loss = c.facts?.['loss'];
      if (typeof loss === 'number') assert.ok(Math.abs(asItStands.report.loss - loss) <= 1e-4 * Math.max(1, Math.abs(loss)), `loss ${asItStands.report.loss}, expected ${loss}`);
      if (!c.marks) return;
      const marked = await runCase(runtime, model, c, inputs, { stops: c.marks });
      const withMark = await npz(join(folder, 'expected_marked.npz'));
      assert.deepEqual(disagreements(marked, withMark, c.gradients_marked!.filter(g => !c.marks!.includes(g)), c.zero_marked ?? [], c.tolerance), []);
    });
  }
});
