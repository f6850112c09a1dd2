/** Every row of the design's grammar table in one graph, with figures set by hand: a page to look at, and what the tests of the grammar read. */
import { NodeMark, STATUSES, UNKNOWN_STATUS, type DrawingResults, type GradientStatus, type Mark } from '../../../extension/protocol.ts';
import { DrawingBuilder } from '../../bench/generators.ts';
import type { Drawn } from './drawnHost.ts';

type State = number | GradientStatus;

/** `stopRemoved`: what a what-if shows of teacher/StopGradient. */
export function grammar({ stopRemoved = false } = {}): Drawn {
  const b = new DrawingBuilder(), given = new Map<number, State>(), zeroShare = new Map<number, number>(), marks: Mark[] = [];
  const set = (value: number, state: State) => (given.set(value, state), value);
  const source = (kind: 'parameter' | 'input', name: string, state: State, type?: string) => set(b.source(kind, name, type), state);
  const node = (op: string, scope: string, inputs: number[], state: State, more: { name?: string; mark?: number; type?: string } = {}) => set(b.add(op, scope, inputs, more), state);
  const mark = (name: string, kind: Mark['kind'], cls: Mark['class'], why: string, value?: string) => marks.push({ node: name, kind, class: cls, why, ...(value && { value }) });

  const images = source('input', 'images', 0.0188), labels = source('input', 'labels', 'not-differentiable', 'int64 16'), mask = source('input', 'valid_mask', 'not-differentiable', 'bool 16×64');
  const conv = node('Conv2D', 'conv1', [images, source('parameter', 'conv1/kernel', 0.0904)], 0.0134);
  // Normalisation with a benign stop.
  const mean = node('Mean', 'instance_norm', [conv], 0.11, { name: 'mean' });
  const benign = node('StopGradient', 'instance_norm', [mean], 1.5e-9, { mark: NodeMark.stopGradient });
  mark('instance_norm/StopGradient', 'stop-gradient', 'benign', 'Nothing changes: the gradient it holds back is zero.');
  const norm = node('SquaredDifference', 'instance_norm', [conv, benign, source('parameter', 'instance_norm/gamma', 0.663), source('parameter', 'instance_norm/beta', 0.516), source('parameter', 'instance_norm/delta', 3.1e-3), source('parameter', 'instance_norm/epsilon', 2.2e-3)], 3.1e-3);
  // Fake quantisation: clipped range, bounds with and without a gradient, straight through.
  const low = node('Min', 'act_quant', [norm], 'zero'), high = node('Max', 'act_quant', [norm], 6.3e-4);
  const quant = node('FakeQuantWithMinMaxVars', 'act_quant', [norm, low, high], 0.0244, { mark: NodeMark.fakeQuant });
  zeroShare.set(norm, 0.12);
  const straight = node('Round', 'weights_quant', [quant], 0.025, { name: 'QuantizeDequantize', mark: NodeMark.straightThrough });
  let x = node('Relu', '', [straight], 0.0439);
  zeroShare.set(x, 0.94);
  for (let i = 1; i <= 12; i++) {
    const s = `res/block_${i}`, dead = i === 9, bad = i === 4, value = 0.04 * 1.09 ** i;
    const h = node('Conv2D', s, [x, source('parameter', `${s}/kernel`, dead ? 'zero' : bad ? NaN : 10 ** (0.4 + 0.05 * i))], dead ? 'zero' : value, { name: 'conv' });
    x = node('AddV2', s, [x, node('Mul', s, [node('Relu', s, [h], dead ? 'zero' : value), mask], dead ? 'zero' : value)], value);
  }
  const pool = node('Mean', 'pool', [x], 0.249);
  // Zero derivative: the ring stands where the gradient dies.
  const sigmoid = node('Sigmoid', 'gate', [source('parameter', 'gate/weights', 'zero')], 'zero'), round = node('Round', 'gate', [sigmoid], 1.03);
  const gated = node('Mul', 'gate', [pool, round], 0.311);
  const logits = node('MatMul', 'logits', [gated, source('parameter', 'logits/kernel', 3.15)], 0.344);
  const biased = node('BiasAdd', 'logits', [logits, source('parameter', 'logits/bias', 1.02)], 0.344);
  const prior = node('Log', 'prior', [source('parameter', 'prior/counts', NaN)], 0.282), guarded = node('SelectV2', 'prior', [prior], 0.609), nan = node('Sqrt', 'prior', [guarded], NaN);
  const added = node('AddV2', 'prior', [biased, nan], 0.274);
  const unknown = node('Cholesky', 'whiten', [added], 'unsupported');
  const teacher = node('MatMul', 'teacher', [pool, source('parameter', 'teacher/kernel', stopRemoved ? 0.4 : 'blocked')], stopRemoved ? 0.2 : 'blocked');
  const stop = node('StopGradient', 'teacher', [teacher], 0.176, { mark: NodeMark.stopGradient });
  mark('teacher/StopGradient', 'stop-gradient', 'cuts-only-path', 'It cuts the only path to a parameter.');
  const guard = node('PreventGradient', 'sampler', [node('Multinomial', 'sampler', [added], 'blocked')], 0.02, { mark: NodeMark.preventGradient });
  mark('sampler/PreventGradient', 'prevent-gradient', 'author', 'Taking this gradient is an error.');
  const own = node('Tanh', 'aux', [node('MatMul', 'aux', [gated, source('parameter', 'aux/kernel', 'blocked')], 'blocked')], 0.05);
  mark('aux/Tanh', 'user-stop', 'author', 'Your own stop.', 'aux/MatMul:0');
  const distill = node('SquaredDifference', 'distill', [biased, stop], 0.0791), xent = node('SparseSoftmaxCrossEntropyWithLogits', 'xent', [added, labels], 0.25);
  node('ArgMax', 'metrics', [biased], 'unreachable', { type: 'int64 16' });
  node('Mean', 'metrics', [node('Equal', 'metrics', [labels], 'not-differentiable', { type: 'bool 16' })], 'unreachable');
  const loss = node('AddN', '', [xent, distill, own, unknown, guard], 1, { name: 'loss', type: 'float32 scalar' });
  b.output(loss);

  const graph = b.build('grammar'), n = graph.values.name.length, m = graph.uses.value.length;
  const results: DrawingResults = {
    revision: 1, target: loss, valueStatus: new Uint8Array(n).fill(UNKNOWN_STATUS), valueNorm: new Float64Array(n), forwardNorm: new Float64Array(n).fill(2), valueAbsMax: new Float64Array(n),
    valueZeroShare: new Float32Array(n), valueCount: new Float64Array(n).fill(512), useStatus: new Uint8Array(m).fill(UNKNOWN_STATUS), useNorm: new Float64Array(m),
  };
  for (const [v, state] of given) {
    results.valueStatus[v] = STATUSES.indexOf(typeof state === 'number' ? 'computed' : state);
    results.valueNorm[v] = typeof state === 'number' ? state : 0;
    results.valueZeroShare[v] = zeroShare.get(v) ?? 0;
  }
  const zeros = new Set([sigmoid, low]);
  for (let u = 0; u < m; u++) {
    const v = graph.uses.value[u]!, into = graph.uses.node[u]!, makes = graph.values.producer.indexOf(into), through = given.get(makes), own_ = given.get(v);
    const state: State = own_ === 'not-differentiable' ? own_ : zeros.has(v) ? 'zero' : through === 'blocked' || through === 'zero' || through === 'unreachable' ? through : own_ !== undefined && typeof own_ !== 'number' ? own_ : typeof through === 'number' ? (makes === nan ? NaN : Math.min(Number.isNaN(own_ as number) ? Infinity : (own_ as number), Number.isNaN(through) ? Infinity : through)) : 'unsupported';
    const stopped = makes === stop && !stopRemoved || makes === benign || makes === guard;
    results.useStatus[u] = STATUSES.indexOf(stopped ? 'blocked' : typeof state === 'number' ? 'computed' : state);
    results.useNorm[u] = !stopped && typeof state === 'number' ? state : 0;
  }
  const findings = [{ code: 'GF020', title: 'Gradient is NaN', severity: 'error' as const, message: '1 of 10 is NaN, at [9].', value: 'prior/counts' }, { code: 'GF010', title: 'Stop cuts the only path', severity: 'warning' as const, message: 'teacher/kernel gets no gradient.', node: 'teacher/StopGradient' }];
  const before = results.valueNorm.slice(), statusBefore = results.valueStatus.slice();
  statusBefore[teacher] = STATUSES.indexOf('blocked');
  const stops = graph.nodes.name.findIndex(i => graph.strings[i] === 'teacher/StopGradient');
  return { graph, results, marks, findings, ...(stopRemoved && { whatIf: { removed: [stops], added: [], normBefore: before.map((x_, i) => (i % 3 ? x_ : x_ * 1.7)), statusBefore, appear: 3, change: 111, stay: 22, comparedIn: 'float64' as const } }) };
}
