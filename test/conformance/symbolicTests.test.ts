import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Graph } from '../../kernels/graph/graph.ts';
import { isFloat, type ValueType } from '../../kernels/graph/types.ts';
import { writeModel } from '../../extension/formats/onnx/writer.ts';
import { openModel } from '../../extension/formats/model.ts';
import { numbersOf } from '../../extension/session/inputs.ts';
import { GradientSession } from '../../extension/session/session.ts';
import { dataSet, randomAt } from './finiteDifferences.ts';
import { hasShared, maxAbs, maxDifference, sharedRuntime, unpacked } from './support.ts';
import { nodeTestRows } from './nodeTestTable.ts';

/** The same models with every dimension symbolic: the file says nothing of sizes, the gradients are the same. */
describe('ONNX node tests with symbolic shapes', { skip: !hasShared }, () => {
  const rows = nodeTestRows().filter(r => r['runs_float32'] === 'yes' && r['op'] !== 'Dropout'), runtime = sharedRuntime(), folder = rows.length ? join(unpacked('onnx-node-tests.tar.xz'), 'node') : '';
  for (const { test } of rows) {
    it(test!, async t => {
      const here = join(folder, test!), { graph } = await openModel(join(here, 'model.onnx'), { trust: true });
      const inputs = dataSet(here, graph.inputs.map(i => i.name)), open = join(here, 'symbolic.onnx');
      const outputs = graph.outputs.filter(o => o.type?.kind === 'tensor' && isFloat(o.type.dtype)).map(o => o.name);
      if (!outputs.length) return t.skip('nothing in it is a float');
      writeFileSync(open, writeModel(withOpenShapes(graph)).bytes);
      const [stated, symbolic] = [await GradientSession.open(join(here, 'model.onnx'), runtime, { trust: true }), await GradientSession.open(open, runtime, { trust: true })];
      const { forward } = await stated.run({ inputs, cotangents: new Map(outputs.map(o => [o, 'ones'])), whole: { gradients: [], forward: outputs } });
      const asked = { inputs, cotangents: new Map(outputs.map(o => [o, randomAt(forward.get(o)!)] as const)), conventions: 'default' as const, whole: { gradients: [...inputs.keys()], forward: [] } };
      const want = await stated.run(asked), got = await symbolic.run(asked);
      for (const name of inputs.keys()) {
        const a = want.gradients.get(name), b = got.gradients.get(name);
        assert.equal(!b, !a, `${name} has a gradient in one of the two only`);
        if (a && b) assert.ok(maxDifference(numbersOf(a), numbersOf(b)) <= 1e-5 * Math.max(1, maxAbs(numbersOf(a))), `the gradients of ${name} differ`);
      }
    });
  }
});

function withOpenShapes(graph: Graph): Graph {
  const open = (name: string, type: ValueType): ValueType =>
    type.kind !== 'tensor' ? { ...type, element: open(name, type.element) } : { ...type, ...(type.shape && { shape: type.shape.map((_, i) => `${name}_${i}`) }) };
  const opened = <T extends { name: string; type?: ValueType }>(v: T): T => (v.type ? { ...v, type: open(v.name, v.type) } : v);
  return { ...graph, inputs: graph.inputs.map(opened), outputs: graph.outputs.map(opened), types: new Map() };
}
