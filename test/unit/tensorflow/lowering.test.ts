import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { UserError } from '../../../kernels/graph/errors.ts';
import { RuntimeClient } from '../../../extension/runtime/client.ts';
import type { TensorValue } from '../../../extension/runtime/protocol.ts';
import { numbersOf } from '../../../extension/session/inputs.ts';
import { GradientSession } from '../../../extension/session/session.ts';

const runtime = new RuntimeClient(), folder = mkdtempSync(join(tmpdir(), 'adjoint-lowering-'));
after(async () => {
  await runtime.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const input = (name: string, dims: readonly number[]) => `node { name: "${name}" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "shape" value { shape { ${dims.map(d => `dim { size: ${d} }`).join(' ')} } } } }`;
const node = (name: string, op: string, inputs: readonly string[], attributes = '') => `node { name: "${name}" op: "${op}" ${inputs.map(i => `input: "${i}"`).join(' ')} attr { key: "T" value { type: DT_FLOAT } } ${attributes} }`;
const int = (name: string, value: number) => `node { name: "${name}" op: "Const" attr { key: "dtype" value { type: DT_INT64 } } attr { key: "value" value { tensor { dtype: DT_INT64 tensor_shape { } int64_val: ${value} } } } }`;
const flag = (name: string, value: boolean) => `attr { key: "${name}" value { b: ${value} } }`;

let count = 0;
function opened(...nodes: string[]): Promise<GradientSession> {
  const path = join(folder, `graph${count++}.pbtxt`);
  writeFileSync(path, nodes.join('\n'));
  return GradientSession.open(path, runtime);
}
/** Numbers that differ, none of them large. */
function values(dims: readonly number[], phase: number): TensorValue {
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(1.7 * i + phase) * 0.6);
  return { dtype: 'float32', dims, data: new Uint8Array(data.buffer) };
}
function close(what: string, ours: TensorValue | undefined, theirs: TensorValue | undefined): void {
  assert.ok(ours && theirs, `${what} is there`);
  const a = Array.from(numbersOf(ours)), b = Array.from(numbersOf(theirs));
  assert.equal(a.length, b.length, what);
  const largest = Math.max(...b.map(Math.abs));
  a.forEach((v, i) => assert.ok(Math.abs(v - b[i]!) <= 1e-5 * (1 + largest), `${what}[${i}]: ${v} and ${b[i]}`));
}

describe('lowering a TensorFlow graph', () => {
  it('names node and operator of what cannot be lowered, and computes what does not need it', async () => {
    const session = await opened(input('x', [2]), node('strange', 'NobodyKnowsThis', ['x']), node('y', 'Tanh', ['x']), node('z', 'Add', ['strange', 'y']));
    const { report } = await session.run({ target: 'y' });
    assert.equal(report.values.find(v => v.name === 'x')?.gradient.status, 'computed');
    assert.deepEqual(session.notLowered, [{ node: 'strange', op: 'NobodyKnowsThis' }]);
    await assert.rejects(session.run({ target: 'z' }), (e: unknown) => e instanceof UserError && e.code === 'no-gradient' && e.place.node === 'strange' && e.place.op === 'NobodyKnowsThis' && !!e.place.file);
  });

  it('takes the value of any tensor that is fed, also of one that it could not compute', async () => {
    const session = await opened(input('x', [2]), node('strange', 'NobodyKnowsThis', ['x']), node('y', 'Square', ['strange']));
    const { report, gradients } = await session.run({ target: 'y:0', inputs: new Map([['strange:0', values([2], 1)]]), whole: { gradients: ['strange'], forward: [] } });
    close('2 · strange', gradients.get('strange'), { ...values([2], 1), data: new Uint8Array(Float32Array.from(numbersOf(values([2], 1)), v => 2 * v).buffer) } as TensorValue);
    assert.equal(report.values.find(v => v.name === 'x')?.gradient.status, 'unreachable');
  });

  it('keeps one edge for each use under the names of the file', async () => {
    const session = await opened(input('x', [2]), node('y', 'SquaredDifference', ['x', 'x']), node('z', 'Softsign', ['x']), node('s', 'Add', ['y', 'z']));
    const { report } = await session.run({ target: 's' });
    assert.deepEqual(report.edges.filter(e => e.value === 'x').map(e => `${e.node} ${e.input}`).sort(), ['y 0', 'y 1', 'z 0']);
  });

  it('multiplies by a constant one and still knows the gradient of that constant', async () => {
    const one = 'node { name: "c" op: "Const" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "value" value { tensor { dtype: DT_FLOAT tensor_shape { } float_val: 1 } } } }';
    const session = await opened(input('x', [3]), one, node('y', 'Mul', ['c', 'x']), node('q', 'Square', ['c']), node('z', 'Add', ['y', 'q']));
    const { gradients } = await session.run({ target: 'z', inputs: new Map([['x', values([3], 0)]]), whole: { gradients: ['c'], forward: [] } });
    const sum = Array.from(numbersOf(values([3], 0))).reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(numbersOf(gradients.get('c')!)[0]! - (sum + 6)) < 1e-5);
  });

  // Nobody else has numbers for these: the operators that hold a gradient against the gradient of their forward operator.
  it('BlockLSTMGrad is the gradient of BlockLSTM', async () => {
    const shapes: Record<string, number[]> = { x: [3, 2, 4], cs: [2, 5], h: [2, 5], w: [9, 20], wci: [5], wcf: [5], wco: [5], b: [20], dcs: [3, 2, 5], dh: [3, 2, 5] };
    const names = Object.keys(shapes), attributes = flag('use_peephole', true), parameters = ['x', 'cs', 'h', 'w', 'wci', 'wcf', 'wco', 'b'];
    const session = await opened(...names.map(n => input(n, shapes[n]!)), int('t', 3), node('y', 'BlockLSTM', ['t', ...parameters], attributes),
      node('back', 'BlockLSTMGrad', ['t', ...parameters, 'y', 'y:1', 'y:2', 'y:3', 'y:4', 'y:5', 'y:6', 'dcs', 'dh'], attributes));
    const feeds = new Map(names.map((n, i) => [n, values(shapes[n]!, i)])), outputs = ['back', ...Array.from({ length: 7 }, (_, i) => `back:${i + 1}`)];
    const { gradients, forward } = await session.run({ inputs: feeds, cotangents: new Map([['y:1', feeds.get('dcs')!], ['y:6', feeds.get('dh')!]]), whole: { gradients: parameters, forward: outputs } });
    parameters.forEach((p, i) => close(p, forward.get(outputs[i]!), gradients.get(p)));
  });

  it('GRUBlockCellGrad is the gradient of GRUBlockCell', async () => {
    const shapes: Record<string, number[]> = { x: [2, 4], h: [2, 5], wru: [9, 10], wc: [9, 5], bru: [10], bc: [5], dh: [2, 5] }, names = Object.keys(shapes), six = names.slice(0, 6);
    const session = await opened(...names.map(n => input(n, shapes[n]!)), node('y', 'GRUBlockCell', six), node('back', 'GRUBlockCellGrad', [...six, 'y', 'y:1', 'y:2', 'dh']));
    const feeds = new Map(names.map((n, i) => [n, values(shapes[n]!, i)]));
    const { gradients, forward } = await session.run({ inputs: feeds, cotangents: new Map([['y:3', feeds.get('dh')!]]), whole: { gradients: ['x', 'h'], forward: ['back', 'back:1'] } });
    close('x', forward.get('back'), gradients.get('x'));
    close('h', forward.get('back:1'), gradients.get('h'));
  });

  it('LSTMBlockCellGrad is the gradient of LSTMBlockCell', async () => {
    const shapes: Record<string, number[]> = { x: [2, 4], cs: [2, 5], h: [2, 5], w: [9, 20], wci: [5], wcf: [5], wco: [5], b: [20], dcs: [2, 5], dh: [2, 5] };
    const names = Object.keys(shapes), eight = names.slice(0, 8), attributes = flag('use_peephole', true);
    const session = await opened(...names.map(n => input(n, shapes[n]!)), node('y', 'LSTMBlockCell', eight, attributes), node('back', 'LSTMBlockCellGrad', [...eight, 'y', 'y:1', 'y:2', 'y:3', 'y:4', 'y:5', 'dcs', 'dh'], attributes));
    const feeds = new Map(names.map((n, i) => [n, values(shapes[n]!, i)]));
    const { gradients, forward } = await session.run({ inputs: feeds, cotangents: new Map([['y:1', feeds.get('dcs')!], ['y:6', feeds.get('dh')!]]), whole: { gradients: ['cs', 'wci', 'wcf', 'wco'], forward: ['back', 'back:2', 'back:3', 'back:4'] } });
    ['cs', 'wci', 'wcf', 'wco'].forEach((p, i) => close(p, forward.get(['back', 'back:2', 'back:3', 'back:4'][i]!), gradients.get(p)));
  });
});
