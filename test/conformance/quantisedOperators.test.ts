import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { float, type AttributeInputs } from '../../kernels/graph/attributes.ts';
import type { Graph, Node, TensorData } from '../../kernels/graph/graph.ts';
import { tensorOf } from '../../kernels/graph/tensorData.ts';
import { tensor } from '../../kernels/graph/types.ts';
import { writeModel } from '../../extension/formats/onnx/writer.ts';
import type { TensorValue } from '../../extension/runtime/protocol.ts';
import { mulberry, numbersOf } from '../../extension/session/inputs.ts';
import { GradientSession, type RunResult } from '../../extension/session/session.ts';
import { node } from '../unit/support/graphs.ts';
import { maxAbs, maxDifference, sharedRuntime } from './support.ts';

const MICROSOFT = 'com.microsoft';

interface Case {
  readonly name: string;
  /** Float inputs and their dimensions; each is quantised to `q…`, with scale `s` and zero point `z`. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** The quantised operator, from `qa`, `qb` … to `qy` (or from floats to `y`, where it makes floats). */
  readonly fused: readonly Node[];
  /** The same on floats: from `a`, `b` … (dequantised) to `f`. */
  readonly plain: readonly Node[];
  readonly float?: boolean;
}

const WEIGHTS: Readonly<Record<string, TensorData>> = {
  s: tensorOf('float32', [], [0.02]), z: tensorOf('uint8', [], [128]), t: tensorOf('float32', [], [0.05]), u: tensorOf('uint8', [], [120]),
  w: tensorOf('int8', [3, 2, 2, 2], Array.from({ length: 24 }, (_, i) => ((i * 37) % 50) - 25)), ws: tensorOf('float32', [3], [0.01, 0.02, 0.03]), wz: tensorOf('int8', [3], [0, 0, 0]),
  bias: tensorOf('int32', [3], [100, -200, 300]), biasScale: tensorOf('float32', [3], [0.0002, 0.0004, 0.0006]), biasZero: tensorOf('int32', [3], [0, 0, 0]),
  m: tensorOf('int8', [4, 3], Array.from({ length: 12 }, (_, i) => ((i * 29) % 60) - 30)), ms: tensorOf('float32', [], [0.02]), mz: tensorOf('int8', [], [0]), condition: tensorOf('bool', [2, 3], [1, 0, 1, 0, 0, 1]),
};
const weightDq = (x: string, s: string, z: string, axis?: number): Node => node('DequantizeLinear', [x, s, z], [`f${x}`], axis === undefined ? {} : { axis });
const contrib = (op: string, inputs: readonly string[], attributes: AttributeInputs = {}) => node(op, inputs, ['qy'], attributes, MICROSOFT);
const square = { a: [2, 3], b: [2, 3] };

const CASES: readonly Case[] = [
  { name: 'QLinearAdd', inputs: square, fused: [contrib('QLinearAdd', ['qa', 's', 'z', 'qb', 's', 'z', 't', 'u'])], plain: [node('Add', ['a', 'b'], ['f'])] },
  { name: 'QLinearMul', inputs: square, fused: [contrib('QLinearMul', ['qa', 's', 'z', 'qb', 's', 'z', 't', 'u'])], plain: [node('Mul', ['a', 'b'], ['f'])] },
  { name: 'QLinearSigmoid', inputs: { a: [2, 3] }, fused: [contrib('QLinearSigmoid', ['qa', 's', 'z', 't', 'u'])], plain: [node('Sigmoid', ['a'], ['f'])] },
  { name: 'QLinearLeakyRelu', inputs: { a: [2, 3] }, fused: [contrib('QLinearLeakyRelu', ['qa', 's', 'z', 't', 'u'], { alpha: float(0.2) })], plain: [node('LeakyRelu', ['a'], ['f'], { alpha: float(0.2) })] },
  { name: 'QLinearConcat', inputs: square, fused: [contrib('QLinearConcat', ['t', 'u', 'qa', 's', 'z', 'qb', 's', 'z'], { axis: 1 })], plain: [node('Concat', ['a', 'b'], ['f'], { axis: 1 })] },
  { name: 'QLinearWhere', inputs: square, fused: [contrib('QLinearWhere', ['condition', 'qa', 's', 'z', 'qb', 's', 'z', 't', 'u'])], plain: [node('Where', ['condition', 'a', 'b'], ['f'])] },
  { name: 'QLinearGlobalAveragePool', inputs: { a: [1, 2, 3, 3] }, fused: [contrib('QLinearGlobalAveragePool', ['qa', 's', 'z', 't', 'u'], { channels_last: 0 })], plain: [node('GlobalAveragePool', ['a'], ['f'])] },
  { name: 'QLinearAveragePool', inputs: { a: [1, 2, 4, 4] }, fused: [contrib('QLinearAveragePool', ['qa', 's', 'z', 't', 'u'], { kernel_shape: [2, 2], strides: [1, 1] })], plain: [node('AveragePool', ['a'], ['f'], { kernel_shape: [2, 2] })] },
  { name: 'QLinearConv with channels of their own scale and a bias', inputs: { a: [1, 2, 4, 4] }, fused: [node('QLinearConv', ['qa', 's', 'z', 'w', 'ws', 'wz', 't', 'u', 'bias'], ['qy'])], plain: [weightDq('w', 'ws', 'wz', 0), weightDq('bias', 'biasScale', 'biasZero', 0), node('Conv', ['a', 'fw', 'fbias'], ['f'])] },
  { name: 'QLinearMatMul', inputs: { a: [2, 4] }, fused: [node('QLinearMatMul', ['qa', 's', 'z', 'm', 'ms', 'mz', 't', 'u'], ['qy'])], plain: [weightDq('m', 'ms', 'mz'), node('MatMul', ['a', 'fm'], ['f'])] },
  { name: 'QGemm', inputs: { a: [2, 4] }, fused: [contrib('QGemm', ['qa', 's', 'z', 'm', 'ms', 'mz', '', 't', 'u'])], plain: [weightDq('m', 'ms', 'mz'), node('MatMul', ['a', 'fm'], ['f'])] },
  { name: 'DynamicQuantizeMatMul', inputs: { a: [2, 4] }, float: true, fused: [node('DequantizeLinear', ['qa', 's', 'z'], ['a']), node('DynamicQuantizeMatMul', ['a', 'm', 'ms', 'mz'], ['y'], {}, MICROSOFT)], plain: [weightDq('m', 'ms', 'mz'), node('DynamicQuantizeLinear', ['a'], ['da', 'ds', 'dz']), node('DequantizeLinear', ['da', 'ds', 'dz'], ['fa']), node('MatMul', ['fa', 'fm'], ['f'])] },
  { name: 'MatMulIntegerToFloat', inputs: { a: [2, 4] }, float: true, fused: [node('MatMulIntegerToFloat', ['qa', 'm', 's', 'ms', 'z', 'mz'], ['y'], {}, MICROSOFT)], plain: [weightDq('m', 'ms', 'mz'), node('MatMul', ['a', 'fm'], ['f'])] },
];

/** A quantised operator passes what its plain form passes between DequantizeLinear and QuantizeLinear, and computes the levels that ONNX Runtime's own kernel computes. */
describe('quantised operators', () => {
  const runtime = sharedRuntime(), folder = mkdtempSync(join(tmpdir(), 'adjoint-quantised-')), only = new RegExp(process.env['ADJOINT_ONLY'] ?? '');
  after(() => rmSync(folder, { recursive: true, force: true }));
  const run = async (name: string, c: Case, nodes: readonly Node[]): Promise<RunResult & { readonly native: TensorValue }> => {
    const path = join(folder, `${name}.onnx`), random = mulberry(5), inputs = new Map<string, TensorValue>();
    for (const [input, dims] of Object.entries(c.inputs)) {
      const t = tensorOf('float32', dims, Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => 4 * random() - 2));
      inputs.set(`x${input}`, { dtype: 'float32', dims, data: (t.bytes as { bytes: Uint8Array }).bytes });
    }
    writeFileSync(path, writeModel(modelOf(c, nodes)).bytes);
    const session = await GradientSession.open(path, runtime), upstream = new Map([['y', 'ones' as const]]);
    const result = await session.run({ inputs, cotangents: upstream, conventions: 'default', whole: { gradients: 'all', forward: ['y'] } });
    const plain = await runtime.createSession({ key: path, model: { path }, provider: 'cpu' });
    return { ...result, native: (await runtime.run({ sessionId: plain.sessionId, feeds: Object.fromEntries(inputs), fetches: ['y'] })).outputs['y']! };
  };
  CASES.filter(c => only.test(c.name)).forEach((c, i) => {
    it(c.name, async () => {
      const between = Object.keys(c.inputs).map(n => node('DequantizeLinear', [`q${n}`, 's', 'z'], [n]));
      const fused = await run(`fused${i}`, c, c.float ? c.fused : [...c.fused, node('DequantizeLinear', ['qy', 't', 'u'], ['y'])]);
      const plain = await run(`plain${i}`, c, [...between, ...c.plain, ...(c.float ? [node('Identity', ['f'], ['y'])] : [node('QuantizeLinear', ['f', 't', 'u'], ['qy']), node('DequantizeLinear', ['qy', 't', 'u'], ['y'])])]);
      assert.ok(maxDifference(numbersOf(fused.forward.get('y')!), numbersOf(fused.native)) <= (c.float ? 1e-5 : 0.0501), 'the results differ by more than one step');
      for (const n of Object.keys(c.inputs)) {
        const ours = numbersOf(fused.gradients.get(`x${n}`)!), theirs = numbersOf(plain.gradients.get(`x${n}`)!);
        assert.ok(maxAbs(theirs) > 0, `${n} gets a gradient`);
        assert.ok(maxDifference(ours, theirs) <= 1e-5 * maxAbs(theirs), `${n}: [${Array.from(ours)}], expected [${Array.from(theirs)}]`);
      }
    });
  });
});

function modelOf(c: Case, nodes: readonly Node[]): Graph {
  const used = new Set(nodes.flatMap(n => n.inputs));
  return {
    name: 'quantised', types: new Map(), functions: new Map(), opsets: new Map([['', 21], [MICROSOFT, 1]]),
    initializers: new Map(Object.entries(WEIGHTS).filter(([n]) => used.has(n) || n === 's' || n === 'z')),
    nodes: [...Object.keys(c.inputs).map(n => node('QuantizeLinear', [`x${n}`, 's', 'z'], [`q${n}`])), ...nodes],
    inputs: Object.entries(c.inputs).map(([n, dims]) => ({ name: `x${n}`, type: tensor('float32', dims) })), outputs: [{ name: 'y' }],
  };
}
