import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openModel } from '../../extension/formats/model.ts';
import { checkModel, dataSet, FLOAT32 } from './finiteDifferences.ts';
import { hasShared, SHARED, sharedRuntime, unpacked } from './support.ts';

/** The ONNX standard's own one-operator models: gradients against finite differences of ONNX Runtime. */
describe('ONNX node tests', { skip: !hasShared }, () => {
  const only = new RegExp(process.env['ADJOINT_ONLY'] ?? ''), runtime = sharedRuntime();
  const table = hasShared ? readFileSync(join(SHARED, 'reference/gradcheckable-tests.tsv'), 'utf8').trim().split('\n').map(l => l.split('\t')) : [[]];
  const column = (name: string) => table[0]!.indexOf(name), at = (row: string[], name: string) => row[column(name)] ?? '';
  const rows = table.slice(1).filter(r => at(r, 'ste') === '' && at(r, 'runs_float32') === 'yes' && only.test(at(r, 'test')));
  const folder = rows.length ? unpacked('onnx-node-tests.tar.xz') : '';
  for (const row of rows) {
    it(at(row, 'test'), async () => {
      const here = [join(folder, 'node', at(row, 'test')), join(folder, at(row, 'test'))].find(existsSync)!, path = join(here, 'model.onnx');
      const model = await openModel(path, { trust: true }), inputs = dataSet(here, model.graph.inputs.map(i => i.name));
      const check = await checkModel(runtime, path, inputs);
      assert.ok(check.inputs.length > 0, 'no input got a gradient');
      assert.ok(check.compared > 0, 'no direction could be compared: the data lies on kinks only');
      if (check.moved) console.log(`# ${at(row, 'test')}: beside its data, which lies on a kink (${check.compared} of ${FLOAT32.directions} directions compared)`);
      assert.ok(check.worst <= FLOAT32.tolerance, `off by ${check.worst}: ours ${check.analytic}, difference ${check.numeric}`);
    });
  }
});
