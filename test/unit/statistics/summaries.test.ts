import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { GraphBuilder } from '../../../kernels/graph/builder.ts';
import { EMPTY_GRAPH, type Graph } from '../../../kernels/graph/graph.ts';
import { tensor } from '../../../kernels/graph/types.ts';
import { inferWith } from '../../../kernels/operators/infer.ts';
import { OPERATORS } from '../../../kernels/operators/index.ts';
import { readSummary, rowsOf, summaryOf } from '../../../kernels/statistics/summaries.ts';
import { writeModel } from '../../../extension/formats/onnx/writer.ts';
import { RuntimeClient } from '../../../extension/runtime/client.ts';
import { numbersOf } from '../../../extension/session/inputs.ts';
import { planRun } from '../../../extension/session/prepare.ts';

const runtime = new RuntimeClient();
after(() => runtime.dispose());

function graphOf(shape: readonly number[]): Graph {
  const type = tensor('float32', shape), base: Graph = { ...EMPTY_GRAPH, inputs: [{ name: 'x', type }], types: new Map([['x', type]]), opsets: new Map([['', 21]]) };
  const g = new GraphBuilder(base, inferWith(OPERATORS));
  g.alias(g.tensor('x').transpose([1, 0]), 'turned');
  return g.build();
}

/** Every third element is zero, the others have a mean beside their spread. */
const elements = (count: number) => Float32Array.from({ length: count }, (_, i) => (i % 3 === 0 ? 0 : Math.sin(i * 12.9898) + 0.25));

for (const [shape, rows] of [[[5, 13], 1], [[1, 40009], 1], [[96, 1000], 160], [[256, 512], 256]] as const) {
  for (const form of [{ bytes: true }, { bytes: false }, { exact: true }]) {
    test(`figures of ${shape.join('×')} elements, ${JSON.stringify(form)}, are those of the elements in hand`, async () => {
      const count = shape[0] * shape[1], x = elements(count), plan = planRun(graphOf(shape), ['x', 'turned'], [], 'default', form);
      assert.equal(rowsOf(count), rows);
      const [own, turned] = plan.summaries;
      assert.equal(turned!.output, own!.output, 'a transposed tensor has the same elements: one summary serves both');
      const { sessionId } = await runtime.createSession({ key: JSON.stringify([shape, form]), model: writeModel(plan.graph).bytes, provider: 'cpu' });
      const feeds = { x: { dtype: 'float32', dims: shape, data: new Uint8Array(x.buffer) } } as const;
      const { outputs } = await runtime.run({ sessionId, feeds, fetches: [...plan.outputs] });
      const got = readSummary(own!, numbersOf(outputs[own!.output]!)), expected = summaryOf(x);
      for (const key of ['count', 'nan', 'inf', 'zero', 'min', 'max', 'absMax'] as const) assert.equal(got[key], expected[key], key);
      for (const key of ['mean', 'std', 'l1', 'l2'] as const) assert.ok(Math.abs(got[key] - expected[key]) <= 1e-5 * expected[key], `${key}: ${got[key]} instead of ${expected[key]}`);
    });
  }
}
