import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Graph, Node, TensorData, ValueInfo } from '../../kernels/graph/graph.ts';
import { tensorOf } from '../../kernels/graph/tensorData.ts';
import { staticShape, tensor } from '../../kernels/graph/types.ts';
import { writeModel } from '../../extension/formats/onnx/writer.ts';
import type { TensorValue } from '../../extension/runtime/protocol.ts';
import { mulberry } from '../../extension/session/inputs.ts';
import { GradientSession } from '../../extension/session/session.ts';
import { node, weight } from '../unit/support/graphs.ts';
import { checkModel, FLOAT32 } from './finiteDifferences.ts';
import { sharedRuntime } from './support.ts';

const float = (name: string, shape?: readonly number[]): ValueInfo => ({ name, type: tensor('float32', shape) });
const names = (...n: string[]): ValueInfo[] => n.map(name => ({ name }));
const graph = (nodes: readonly Node[], inputs: readonly ValueInfo[], outputs: readonly ValueInfo[], weights: Readonly<Record<string, TensorData>> = {}): Graph =>
  ({ name: 'g', nodes, inputs, outputs, initializers: new Map(Object.entries(weights)), types: new Map(), opsets: new Map([['', 23], ['com.microsoft', 1]]), functions: new Map() });
const count: ValueInfo = { name: 'i', type: tensor('int64', []) }, go: ValueInfo = { name: 'c', type: tensor('bool', []) };

/** Operators that are differentiated as compositions, inside control flow whose bodies state no shapes. */
const MODELS: Readonly<Record<string, Graph>> = {
  'GroupNormalization in a Scan': graph(
    [node('Scan', ['h0', 'x'], ['h', 'y'], { num_scan_inputs: 1, body: graph([node('GroupNormalization', ['xi', 's', 'b'], ['n'], { num_groups: 2 }), node('Add', ['n', 'h'], ['h2']), node('Identity', ['h2'], ['yi'])], [float('h'), float('xi')], names('h2', 'yi')) })],
    [float('h0', [2, 4, 3]), float('x', [3, 2, 4, 3]), float('s', [4]), float('b', [4])], names('y'),
  ),
  'attention of com.microsoft in a Loop': graph(
    [node('Loop', ['n', '', 'q'], ['y'], { body: graph([node('MultiHeadAttention', ['q1', 'k', 'v'], ['q2'], { num_heads: 2 }, 'com.microsoft'), node('Identity', ['c'], ['c2'])], [count, go, float('q1')], names('c2', 'q2')) })],
    [float('q', [1, 2, 8]), float('k', [1, 3, 8]), float('v', [1, 3, 8])], names('y'), { n: tensorOf('int64', [], [3]) },
  ),
  'RotaryEmbedding in a branch': graph(
    [node('ReduceSum', ['x'], ['t'], { keepdims: 0 }), node('Less', ['t', 'far'], ['p']), node('If', ['p'], ['y'], {
      then_branch: graph([node('RotaryEmbedding', ['x', 'cos', 'sin'], ['a'])], [], names('a')), else_branch: graph([node('Neg', ['x'], ['e'])], [], names('e')),
    })],
    [float('x', [1, 2, 3, 4]), float('cos', [1, 3, 2]), float('sin', [1, 3, 2])], names('y'), { far: weight([], [1000]) },
  ),
};

describe('compositions inside control flow', () => {
  const runtime = sharedRuntime(), folder = mkdtempSync(join(tmpdir(), 'adjoint-bodies-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const written = (name: string, g: Graph): string => {
    const path = join(folder, `${name.replaceAll(/\W/g, '_')}.onnx`);
    writeFileSync(path, writeModel(g).bytes);
    return path;
  };
  for (const [name, g] of Object.entries(MODELS)) {
    it(name, async () => {
      const random = mulberry(9), inputs = new Map<string, TensorValue>(g.inputs.map(i => {
        const dims = staticShape(i.type)!, t = tensorOf('float32', dims, Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1));
        return [i.name, { dtype: 'float32', dims, data: (t.bytes as { bytes: Uint8Array }).bytes }];
      }));
      const check = await checkModel(runtime, written(name, g), inputs);
      assert.deepEqual(g.inputs.map(i => i.name).filter(n => !check.inputs.includes(n)), [], 'inputs without a gradient');
      assert.ok(check.compared > 0 && check.worst <= FLOAT32.tolerance, `off by ${check.worst}: ours ${check.analytic}, difference ${check.numeric}`);
    });
  }

  it('where the shape changes from round to round, the node is named and nothing is taken for zero', async () => {
    const body = graph([node('Concat', ['x1', 'x1'], ['x2'], { axis: 0 }), node('GroupNormalization', ['x2', 's', 'b'], ['x3'], { num_groups: 1 }), node('Identity', ['c'], ['c2'])], [count, go, float('x1')], names('c2', 'x3'));
    const session = await GradientSession.open(written('growing', graph([node('Loop', ['n', '', 'x'], ['y'], { body })], [float('x', [1, 2, 3])], names('y'), { n: tensorOf('int64', [], [2]), s: weight([2], [1, 2]), b: weight([2], [0, 0]) })), runtime);
    const { report } = await session.run({ cotangents: new Map([['y', 'ones']]) }), x = report.values.find(v => v.name === 'x')!;
    assert.equal(x.gradient.status, 'unsupported');
    assert.deepEqual(x.gradient.because.map(b => [b.node, b.reason]), [['node_x3', 'unknown-shape']]);
  });
});
