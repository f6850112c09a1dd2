import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { float } from '../../kernels/graph/attributes.ts';
import type { Graph, Node, TensorData } from '../../kernels/graph/graph.ts';
import { tensorOf } from '../../kernels/graph/tensorData.ts';
import { tensor } from '../../kernels/graph/types.ts';
import { CONVENTIONS, type ConventionName, type ConventionQuestion } from '../../kernels/operators/conventions.ts';
import { writeModel } from '../../extension/formats/onnx/writer.ts';
import { numbersOf } from '../../extension/session/inputs.ts';
import { GradientSession } from '../../extension/session/session.ts';
import { node, weight } from '../unit/support/graphs.ts';
import { maxDifference, sharedRuntime } from './support.ts';

type Answer = Readonly<Record<string, readonly number[]>>;

interface Tie {
  readonly name: string;
  readonly question?: ConventionQuestion;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** Dimensions of the inputs where they are not one row. */
  readonly dims?: readonly number[];
  readonly nodes: readonly Node[];
  readonly weights?: Readonly<Record<string, TensorData>>;
  /** Gradient of each input for a cotangent of ones, in every convention and where one differs. */
  readonly always: Answer;
  readonly but?: Partial<Record<ConventionName, Answer>>;
}

const scalar = (v: number): TensorData => weight([], [v]);
const one = (op: string, x: readonly number[], dx: readonly number[], more: Partial<Tie> = {}, attributes = {}): Tie =>
  ({ name: `${op} at ${x.join(', ')}`, inputs: { x }, nodes: [node(op, ['x'], ['y'], attributes)], always: { x: dx }, ...more });

/** Ties, kinks and bounds: the table of what frameworks do (torch 2.15, TensorFlow 2.21), one line for each. */
const TIES: readonly Tie[] = [
  { name: 'Max of two equal inputs', question: 'elementwiseTies', inputs: { x: [1], z: [1] }, nodes: [node('Max', ['x', 'z'], ['y'])], always: { x: [0.5], z: [0.5] }, but: { tensorflow: { x: [1], z: [0] } } },
  { name: 'Min of two equal inputs', question: 'elementwiseTies', inputs: { x: [1], z: [1] }, nodes: [node('Min', ['x', 'z'], ['y'])], always: { x: [0.5], z: [0.5] }, but: { tensorflow: { x: [1], z: [0] } } },
  { name: 'Clip at constant bounds', question: 'clipAtBound', inputs: { x: [0, 0.5, 1, 2] }, nodes: [node('Clip', ['x', 'low', 'high'], ['y'])], weights: { low: scalar(0), high: scalar(1) }, always: { x: [1, 1, 1, 0] }, but: { torch: { x: [0, 1, 0, 0] } } },
  {
    name: 'Clip at a bound that is computed', question: 'clipAtTensorBound', inputs: { x: [1], low: [1] }, dims: [], nodes: [node('Identity', ['low'], ['l']), node('Clip', ['x', 'l'], ['y'])],
    always: { x: [1], low: [0] }, but: { torch: { x: [0.5], low: [0.5] } },
  },
  { name: 'Clip to 0 … 6 (Relu6) at its bounds', question: 'relu6AtBound', inputs: { x: [0, 3, 6] }, nodes: [node('Clip', ['x', 'low', 'high'], ['y'])], weights: { low: scalar(0), high: scalar(6) }, always: { x: [0, 1, 0] } },
  one('Elu', [0, 1], [2, 1], { question: 'eluAtZero', but: { tensorflow: { x: [1, 1] } } }, { alpha: float(2) }),
  one('Selu', [0], [1.0507009873554805 * 1.6732632423543772], { question: 'eluAtZero', but: { tensorflow: { x: [1.0507009873554805] } } }),
  { name: 'Pow, the exponent at a negative base', question: 'powLogOfNonPositive', inputs: { x: [-2, 2], e: [3, 3] }, nodes: [node('Pow', ['x', 'e'], ['y'])], always: { x: [12, 12], e: [0, 8 * Math.LN2] }, but: { torch: { x: [12, 12], e: [NaN, 8 * Math.LN2] } } },
  { name: 'Pow at 0 ** 0', question: 'powOfZeroToZero', inputs: { x: [0], e: [0] }, nodes: [node('Pow', ['x', 'e'], ['y'])], always: { x: [0], e: [0] }, but: { tensorflow: { x: [NaN], e: [0] } } },
  one('HardSwish', [-3, 3], [0, 1], { question: 'hardSwishAtBounds' }),
  {
    // 1.274 is 127.4 steps of 0.01: rounded it is the last level, as it stands it lies outside.
    name: 'fake quantisation half a step outside its range', question: 'fakeQuantMask', inputs: { x: [0.5, 1.274, 1.3] }, weights: { s: scalar(0.01), z: tensorOf('int8', [], [0]) },
    nodes: [node('QuantizeLinear', ['x', 's', 'z'], ['q']), node('DequantizeLinear', ['q', 's', 'z'], ['y'])], always: { x: [1, 1, 0] }, but: { tensorflow: { x: [1, 0, 0] } },
  },
  { name: 'the length of a zero vector', question: 'l2AtZero', inputs: { x: [0, 0] }, nodes: [node('ReduceL2', ['x'], ['y'], { keepdims: 0 })], always: { x: [0, 0] }, but: { tensorflow: { x: [NaN, NaN] } } },
  {
    name: 'Sqrt at 0 where nothing comes back', question: 'sqrtOfNoCotangent', inputs: { x: [0] }, weights: { zero: scalar(0) }, nodes: [node('Sqrt', ['x'], ['r']), node('Mul', ['r', 'zero'], ['y'])],
    always: { x: [NaN] }, but: { tensorflow: { x: [0] } },
  },
  one('Relu', [-1, 0, 1], [0, 0, 1]), one('Abs', [-1, 0, 1], [-1, 0, 1]), one('LeakyRelu', [0, 1], [0.01, 1]), one('HardSigmoid', [-2.5, 0, 2.5], [0, 0.2, 0]), one('ThresholdedRelu', [1, 2], [0, 1]), one('Sqrt', [0], [Infinity]),
  { name: 'PRelu at 0', inputs: { x: [0], a: [0.3] }, nodes: [node('PRelu', ['x', 'a'], ['y'])], always: { x: [0.3], a: [0] } },
  one('ReduceMax', [2, 1, 2], [0.5, 0, 0.5], {}, { keepdims: 0 }), one('ReduceMin', [1, 1, 2], [0.5, 0.5, 0], {}, { keepdims: 0 }), one('ReduceL1', [-1, 0, 2], [-1, 0, 1], {}, { keepdims: 0 }),
  one('ReduceProd', [0, 2, 3], [6, 0, 0], {}, { keepdims: 0 }), one('MaxPool', [1, 1, 0, 1], [1, 0, 0, 1], { dims: [1, 1, 4] }, { kernel_shape: [2], strides: [2] }),
  one('GlobalMaxPool', [1, 1, 0], [0.5, 0.5, 0], { dims: [1, 1, 3] }),
  { name: 'TopK among equals', inputs: { x: [1, 1, 0] }, weights: { k: tensorOf('int64', [1], [1]) }, nodes: [node('TopK', ['x', 'k'], ['y', 'i'])], always: { x: [1, 0, 0] } },
];

/** What a person gets at ties, kinks and bounds, by the convention in force. */
describe('conventions', () => {
  const runtime = sharedRuntime(), folder = mkdtempSync(join(tmpdir(), 'adjoint-ties-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  TIES.forEach((tie, number) => {
    it(tie.name, async () => {
      const path = join(folder, `${number}.onnx`);
      writeFileSync(path, writeModel(modelOf(tie)).bytes);
      const session = await GradientSession.open(path, runtime);
      const inputs = new Map(Object.entries(tie.inputs).map(([n, v]) => [n, { dtype: 'float32' as const, dims: tie.dims ?? [v.length], data: new Uint8Array(Float32Array.from(v).buffer) }]));
      for (const conventions of Object.keys(CONVENTIONS) as ConventionName[]) {
        const { gradients, report } = await session.run({ inputs, conventions, cotangents: new Map([['y', 'ones']]), whole: { gradients: 'all', forward: [] } });
        assert.equal(report.conventions, conventions);
        for (const [n, want] of Object.entries(tie.but?.[conventions] ?? tie.always)) {
          const got = gradients.has(n) ? Array.from(numbersOf(gradients.get(n)!)) : want.map(() => 0);
          assert.ok(maxDifference(got, want) < 1e-5, `${conventions}: d${n} is [${got}], expected [${want}]`);
        }
      }
    });
  });

  it('every question has a case, and one where the presets differ', () => {
    for (const question of Object.keys(CONVENTIONS.default).filter(q => q !== 'name') as ConventionQuestion[]) {
      const cases = TIES.filter(t => t.question === question), differ = new Set(Object.values(CONVENTIONS).map(c => JSON.stringify(c[question]))).size > 1;
      assert.ok(cases.length, `${question} has no case`);
      assert.equal(cases.some(t => t.but), differ, question);
    }
  });
});

function modelOf(tie: Tie): Graph {
  return {
    name: 'tie', types: new Map(), functions: new Map(), opsets: new Map([['', 21]]), initializers: new Map(Object.entries(tie.weights ?? {})), nodes: tie.nodes,
    inputs: Object.entries(tie.inputs).map(([name, v]) => ({ name, type: tensor('float32', tie.dims ?? [v.length]) })), outputs: [{ name: 'y' }],
  };
}
