import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { differentiate, type DifferentiateOptions } from '../../../kernels/autodiff/differentiate.ts';
import { UserError } from '../../../kernels/graph/errors.ts';
import type { Graph } from '../../../kernels/graph/graph.ts';
import { tensorOf } from '../../../kernels/graph/tensorData.ts';
import { OPERATORS } from '../../../kernels/operators/index.ts';
import { floats, graphOf, node, weight } from '../support/graphs.ts';

const run = (graph: Graph, target: string, options: Partial<DifferentiateOptions> = {}) => differentiate(graph, { targets: [{ value: target }], registry: OPERATORS, ...options });
const statuses = (graph: Graph, target: string, options: Partial<DifferentiateOptions> = {}) =>
  Object.fromEntries([...run(graph, target, options).gradients].map(([v, g]) => [v, g.status === 'computed' || g.because.length === 0 ? g.status : `${g.status}: ${g.because.map(b => `${b.reason}@${b.node}`)}`]));

describe('what a value is told about its gradient', () => {
  it('is computed along a differentiable path, and unreachable beside it', () => {
    const g = graphOf({ inputs: { x: floats(3), z: floats(3) }, nodes: [node('Exp', ['x'], ['y']), node('Sin', ['z'], ['s'])], outputs: ['y', 's'] });
    assert.deepEqual(statuses(g, 'y'), { x: 'computed', z: 'unreachable', y: 'computed', s: 'unreachable' });
  });
  it('is blocked by the stop that cuts every path, which is named', () => {
    const g = graphOf({ inputs: { x: floats(3) }, nodes: [node('Exp', ['x'], ['a']), node('StopGradient', ['a'], ['b'], {}, 'adjoint'), node('Sin', ['b'], ['y'])], outputs: ['y'] });
    assert.deepEqual(statuses(g, 'y'), { x: 'blocked: stop-gradient@node_b', a: 'blocked: stop-gradient@node_b', b: 'computed', y: 'computed' });
    assert.equal(statuses(g, 'y', { unstops: ['node_b'] })['x'], 'computed');
  });
  it('passes beside a stop on another path', () => {
    const g = graphOf({
      inputs: { x: floats(3) }, outputs: ['y'],
      nodes: [node('StopGradient', ['x'], ['b'], {}, 'adjoint'), node('Mul', ['x', 'b'], ['y'])],
    });
    const d = run(g, 'y'), uses = d.edges.filter(e => e.value === 'x').map(e => [e.node, e.status]);
    assert.equal(d.gradients.get('x')!.status, 'computed');
    assert.deepEqual(uses, [['node_y', 'computed'], ['node_b', 'blocked']]);
  });
  it('is zero behind a rounding and behind an index, each named', () => {
    const g = graphOf({
      inputs: { x: floats(3), w: floats(3) }, outputs: ['y'],
      nodes: [node('Floor', ['x'], ['f']), node('ArgMax', ['w'], ['i'], { keepdims: 0 }), node('Gather', ['f', 'i'], ['y'])],
    });
    assert.deepEqual(statuses(g, 'y'), { x: 'zero: flat@node_f', w: 'zero: discrete@node_i', f: 'computed', i: 'not-differentiable', y: 'computed' });
  });
  it('is unsupported behind an operator that nobody knows, never zero', () => {
    const g = graphOf({ inputs: { x: floats(3) }, nodes: [node('Exp', ['x'], ['a']), node('Mystery', ['a'], ['b'], {}, 'acme'), node('Sin', ['b'], ['y'])], outputs: ['y'] });
    assert.deepEqual(statuses(g, 'y'), { x: 'unsupported: unknown-operator@node_b', a: 'unsupported: unknown-operator@node_b', b: 'computed', y: 'computed' });
  });
  it('does not fail on an unknown operator that no asked value needs', () => {
    const g = graphOf({ inputs: { x: floats(3) }, nodes: [node('Mystery', ['x'], ['b'], {}, 'acme'), node('Sin', ['b'], ['y'])], outputs: ['y'] });
    assert.equal(run(g, 'y', { of: ['b'] }).gradients.get('b')!.status, 'computed');
  });
  it('says which stop of the person cuts', () => {
    const g = graphOf({ inputs: { x: floats(3) }, nodes: [node('Exp', ['x'], ['a']), node('Sin', ['a'], ['y'])], outputs: ['y'] });
    assert.deepEqual(statuses(g, 'y', { stops: ['a'] }), { x: 'blocked: user-stop@a', a: 'blocked: user-stop@a', y: 'computed' });
  });
  it('refuses an integer target by name', () => {
    const g = graphOf({ inputs: { x: floats(3) }, nodes: [node('ArgMax', ['x'], ['i'])], outputs: ['i'] });
    assert.throws(() => run(g, 'i'), (e: unknown) => e instanceof UserError && /i is of type int64/.test(e.message));
  });
});

describe('each use of a value', () => {
  it('has its own contribution, and an expanded node keeps its name and input', () => {
    const g = graphOf({ inputs: { x: floats(1, 4), b: floats(4) }, nodes: [node('BiasGelu', ['x', 'b'], ['a'], {}, 'com.microsoft'), node('Mul', ['a', 'x'], ['y'])], outputs: ['y'] });
    const edges = run(g, 'y').edges.map(e => `${e.value}→${e.node}:${e.input} ${e.status}`);
    assert.deepEqual(edges.sort(), ['a→node_y:0 computed', 'b→node_a:1 computed', 'x→node_a:0 computed', 'x→node_y:1 computed']);
  });
  it('is summed once: x·x has two uses by one node', () => {
    const g = graphOf({ inputs: { x: floats(2) }, nodes: [node('Mul', ['x', 'x'], ['y'])], outputs: ['y'] });
    assert.equal(run(g, 'y').edges.filter(e => e.value === 'x').length, 2);
  });
});

describe('the backward graph', () => {
  it('has the shape of the value for every gradient, broadcasting undone', () => {
    const g = graphOf({ inputs: { x: floats(2, 3) }, weights: { b: weight([3], [1, 2, 3]) }, nodes: [node('Add', ['x', 'b'], ['y'])], outputs: ['y'] });
    const d = run(g, 'y'), type = d.graph.types.get(d.gradients.get('b')!.gradient!);
    assert.deepEqual(type?.kind === 'tensor' && type.shape, [3]);
  });
  it('is linear in the nodes of a chain', () => {
    const n = 4000, nodes = Array.from({ length: n }, (_, i) => node('Sin', [i ? `v${i - 1}` : 'x'], [`v${i}`]));
    const d = run(graphOf({ inputs: { x: floats(2) }, nodes, outputs: [`v${n - 1}`] }), `v${n - 1}`);
    assert.ok(d.graph.nodes.length <= 3 * n + 2, `${d.graph.nodes.length} nodes`);
  });
  it('builds nothing for inputs that nobody asked for', () => {
    const g = graphOf({ inputs: { x: floats(2) }, weights: { w: tensorOf('float32', [2], [1, 2]) }, nodes: [node('Mul', ['x', 'w'], ['y'])], outputs: ['y'] });
    const d = run(g, 'y', { of: ['w'] });
    assert.equal(d.gradients.get('x')!.status, 'not-asked');
    assert.ok(!d.edges.some(e => e.value === 'x' && e.gradient));
  });
});
