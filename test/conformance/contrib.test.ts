import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { toAttributes } from '../../kernels/graph/attributes.ts';
import type { Graph, TensorData } from '../../kernels/graph/graph.ts';
import { tensorOf } from '../../kernels/graph/tensorData.ts';
import { tensor } from '../../kernels/graph/types.ts';
import { writeModel } from '../../extension/formats/onnx/writer.ts';
import type { TensorValue } from '../../extension/runtime/protocol.ts';
import { mulberry } from '../../extension/session/inputs.ts';
import { CASES, MICROSOFT, ML, type Case, type Given } from './contribCases.ts';
import { checkModel, FLOAT32 } from './finiteDifferences.ts';
import { sharedRuntime } from './support.ts';

/** Operators of ONNX Runtime's own domain and of classical models, against finite differences of ONNX Runtime itself. */
describe('com.microsoft and ai.onnx.ml', () => {
  const runtime = sharedRuntime(), folder = mkdtempSync(join(tmpdir(), 'adjoint-contrib-')), only = new RegExp(process.env['ADJOINT_ONLY'] ?? '');
  after(() => rmSync(folder, { recursive: true, force: true }));
  CASES.filter(c => only.test(c.name)).forEach((c, number) => {
    it(c.name, async () => {
      const path = join(folder, `${number}.onnx`), values = valuesOf(c);
      writeFileSync(path, writeModel(modelOf(c)).bytes);
      const check = await checkModel(runtime, path, values);
      const missing = c.gradients.filter(i => !check.inputs.includes(`x${i}`));
      assert.deepEqual(missing, [], `no gradient for the inputs ${missing}`);
      assert.ok(check.compared > 0, 'no direction could be compared');
      assert.ok(check.worst <= FLOAT32.tolerance, `off by ${check.worst}: ours ${check.analytic}, difference ${check.numeric}`);
    });
  });
});

function valuesOf(c: Case): Map<string, TensorValue> {
  const random = mulberry(11), values = new Map<string, TensorValue>();
  c.inputs.forEach((input, i) => {
    if (input === '') return;
    const t = Array.isArray(input) ? tensorOf('float32', input as number[], Array.from({ length: (input as number[]).reduce((a, b) => a * b, 1) }, () => 2 * random() - 1)) : dataOf(input as Given);
    values.set(`x${i}`, { dtype: t.dtype as 'float32', dims: t.dims, data: (t.bytes as { bytes: Uint8Array }).bytes });
  });
  return values;
}

const typeOf = (t: Given) => tensor(t.dtype, t.dims);
const dataOf = (t: Given): TensorData => tensorOf(t.dtype, t.dims, t.values);

function modelOf(c: Case): Graph {
  const shown = c.inputs.map((input, i) => ({ input, name: input === '' ? '' : `x${i}` })), outputs = Array.from({ length: c.outputs ?? 1 }, (_, i) => `y${i}`);
  return {
    name: 'one', initializers: new Map(), types: new Map(), functions: new Map(), opsets: new Map([['', 21], [MICROSOFT, 1], [ML, 3]]),
    nodes: [{ name: 'node', op: c.op, domain: c.domain ?? MICROSOFT, inputs: shown.map(s => s.name), outputs, attributes: toAttributes(c.attributes ?? {}) }],
    inputs: shown.filter(s => s.name).map(s => ({ name: s.name, type: Array.isArray(s.input) ? tensor('float32', s.input as number[]) : typeOf(s.input as Given) })),
    outputs: outputs.map(name => ({ name })),
  };
}
