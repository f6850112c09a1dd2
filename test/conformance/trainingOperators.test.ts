import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openModel } from '../../extension/formats/model.ts';
import { readTensorProto } from '../../extension/formats/onnx/tensorProto.ts';
import { numbersOf } from '../../extension/session/inputs.ts';
import { GradientSession } from '../../extension/session/session.ts';
import { dataSet } from './finiteDifferences.ts';
import { hasShared, maxAbs, maxDifference, sharedRuntime, unpacked } from './support.ts';

const MODELS = [
  'simple/test_gradient_of_add', 'simple/test_gradient_of_add_and_mul', 'node/test_adagrad', 'node/test_adagrad_multiple', 'node/test_adam',
  'node/test_adam_multiple', 'node/test_momentum', 'node/test_momentum_multiple', 'node/test_nesterov_momentum',
];

/** ai.onnx.preview.training, which ONNX Runtime does not run: a file with these operators gives the outputs that the standard's own data state. */
describe('training operators of the ONNX standard', { skip: !hasShared }, () => {
  const runtime = sharedRuntime(), folder = hasShared ? unpacked('onnx-node-tests.tar.xz') : '';
  for (const name of MODELS) {
    it(name, async () => {
      const here = [join(folder, name), join(folder, name.replace(/^\w+\//, ''))].find(existsSync)!, path = join(here, 'model.onnx');
      const { graph } = await openModel(path, { trust: true }), outputs = graph.outputs.map(o => o.name);
      const session = await GradientSession.open(path, runtime, { trust: true });
      const result = await session.run({
        inputs: dataSet(here, graph.inputs.map(i => i.name)), cotangents: new Map(outputs.map(o => [o, 'ones' as const])), conventions: 'default',
        whole: { gradients: 'all', forward: outputs },
      });
      for (const file of readdirSync(join(here, 'test_data_set_0')).filter(f => f.startsWith('output_'))) {
        const output = outputs[Number(/\d+/.exec(file)![0])]!, want = numbersOf(readTensorProto(new Uint8Array(readFileSync(join(here, 'test_data_set_0', file)))));
        const got = result.forward.get(output);
        assert.ok(got, `${output} was not computed`);
        assert.ok(maxDifference(numbersOf(got), want) <= 1e-6 * Math.max(1, maxAbs(want)), `${output}: [${Array.from(numbersOf(got))}], expected [${Array.from(want)}]`);
      }
    });
  }

  it('a Gradient node is differentiated like any other: d = (a + b) · a with its own derivatives 2a + b and a', async () => {
    const here = [join(folder, 'simple/test_gradient_of_add_and_mul'), join(folder, 'test_gradient_of_add_and_mul')].find(existsSync)!, inputs = dataSet(here, ['a', 'b']);
    const session = await GradientSession.open(join(here, 'model.onnx'), runtime, { trust: true }), [a, b] = ['a', 'b'].map(n => numbersOf(inputs.get(n)!)[0]!) as [number, number];
    const { gradients, report } = await session.run({ inputs, cotangents: new Map(['d', 'dd_da', 'dd_db'].map(o => [o, 'ones' as const])), whole: { gradients: 'all', forward: [] } });
    assert.ok(Math.abs(numbersOf(gradients.get('a')!)[0]! - (2 * a + b + 2 + 1)) < 1e-5);
    assert.ok(Math.abs(numbersOf(gradients.get('b')!)[0]! - (a + 1)) < 1e-5);
    const uses = report.values.find(v => v.name === 'a')!;
    assert.equal(uses.gradient.status, 'computed');
  });
});
