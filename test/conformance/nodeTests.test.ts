import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openModel } from '../../extension/formats/model.ts';
import { numbersOf } from '../../extension/session/inputs.ts';
import { GradientSession } from '../../extension/session/session.ts';
import { checkModel, dataSet, FLOAT32, type Check } from './finiteDifferences.ts';
import { nodeTestRows } from './nodeTestTable.ts';
import { hasShared, maxAbs, maxDifference, sharedRuntime, unpacked } from './support.ts';

/** Not run: the target would be an 8-bit float, a 4-bit one or a sequence, or there is no kernel for unsigned exponents. */
const NOT_RUN = new Set(['Cast', 'CastLike', 'SequenceMap', 'SplitToSequence', 'Pow']);

/** How near to the standard's values a result comes, by the element type of the file. */
const NEAR: Readonly<Record<string, number>> = { float16: 2e-3, bfloat16: 2e-2 };

const runtime = sharedRuntime(), rows = nodeTestRows();
const folder = rows.length ? unpacked('onnx-node-tests.tar.xz') : '';

/** The standard's own one-operator models: gradients against finite differences of ONNX Runtime. */
describe('ONNX node tests', { skip: !hasShared }, () => {
  for (const { test } of rows.filter(r => r['runs_float32'] === 'yes')) {
    it(test!, async () => {
      const { path, inputs } = await testCase(test!);
      agrees(test!, await checkModel(runtime, path, inputs));
    });
  }
});

/** Those that ONNX Runtime cannot run as they stand: we expand them. The values are the standard's, the gradients those of finite differences. */
describe('ONNX node tests of operators that ONNX Runtime lacks', { skip: !hasShared }, () => {
  for (const { test } of rows.filter(r => r['runs_float32'] !== 'yes' && !NOT_RUN.has(r['op']!))) {
    it(test!, async () => {
      const { path, inputs, expected } = await testCase(test!), session = await GradientSession.open(path, runtime, { trust: true });
      const target = [...expected.keys()][0]!, { forward } = await session.run({ inputs, target, whole: { gradients: [], forward: [...expected.keys()] } });
      for (const [name, value] of expected) {
        const want = numbersOf(value);
        assert.ok(maxDifference(numbersOf(forward.get(name)!), want) <= (NEAR[value.dtype] ?? 1e-4) * Math.max(1, maxAbs(want)), `${name} differs from the standard's`);
      }
      agrees(test!, await checkModel(runtime, path, inputs, { ours: true }));
    });
  }
});

async function testCase(test: string) {
  const here = [join(folder, 'node', test), join(folder, test)].find(existsSync)!, path = join(here, 'model.onnx'), { graph } = await openModel(path, { trust: true });
  return { path, inputs: dataSet(here, graph.inputs.map(i => i.name)), expected: dataSet(here, graph.outputs.map(o => o.name), 'output') };
}

function agrees(test: string, check: Check): void {
  assert.ok(check.inputs.length > 0, 'no input got a gradient');
  assert.ok(check.compared > 0, 'no direction could be compared: the data lies on kinks only');
  if (check.moved) console.log(`# ${test}: beside its data, which lies on a kink (${check.compared} of ${FLOAT32.directions} directions compared)`);
  assert.ok(check.worst <= FLOAT32.tolerance, `off by ${check.worst}: ours ${check.analytic}, difference ${check.numeric}`);
}
