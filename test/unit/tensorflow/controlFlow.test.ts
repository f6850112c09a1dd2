import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Attribute, Graph, Node } from '../../../kernels/graph/graph.ts';
import { subgraphsOf } from '../../../kernels/graph/graph.ts';
import { lower } from '../../../kernels/lowering/tensorflow/lower.ts';
import type { TensorFlowModel } from '../../../kernels/lowering/tensorflow/source.ts';
import { threaded } from '../../../kernels/lowering/tensorflow/state.ts';
import { structured } from '../../../kernels/lowering/tensorflow/structure.ts';
import { viewOf } from '../../../kernels/lowering/tensorflow/view.ts';
import { EMPTY_GRAPH } from '../../../kernels/graph/graph.ts';
import { tensor } from '../../../kernels/graph/types.ts';
import { open } from '../../../extension/formats/tensorflow/index.ts';
import { SHARED, hasShared, realModels } from './support.ts';

const model = (path: string): TensorFlowModel => open(path).tensorflow;
const node = (op: string, name: string, inputs: readonly string[], outputs: readonly string[] = [name], attributes: Readonly<Record<string, Attribute>> = {}): Node => ({ name, op, domain: 'tensorflow', inputs, outputs, attributes });
const graph = (nodes: readonly Node[]): Graph => ({ ...EMPTY_GRAPH, nodes, types: new Map(nodes.flatMap(n => n.outputs.map(o => [o, tensor('float32', [])] as const))) });

test('a reference variable is read where it is used: a projection after the step sees the new weights, the loss the old ones', () => {
  const nodes = [node('VariableV2', 'v', []), node('Identity', 'v/read', ['v']), node('Square', 'loss', ['v/read']), node('Const', 'rate', []), node('ApplyGradientDescent', 'step', ['v', 'rate', 'loss']),
    node('Const', 'floor', []), node('Maximum', 'project', ['v/read', 'floor']), node('Assign', 'constrain', ['v', 'project'])];
  const { graph: pure, updates } = threaded({ graph: graph(nodes), controlInputs: new Map([['floor', ['step']]]) }), of = (name: string) => pure.nodes.find(n => n.name === name)!;
  assert.deepEqual(of('loss').inputs, ['v/read']);
  assert.deepEqual(of('project').inputs, ['step', 'floor']);
  assert.deepEqual([...updates], [['v', 'constrain']]);
});

test('where nothing orders a read and a write, the read takes the old value', () => {
  const nodes = [node('VarHandleOp', 'v', []), node('Const', 'one', []), node('AssignAddVariableOp', 'add', ['v', 'one'], []), node('ReadVariableOp', 'before', ['v']), node('ReadVariableOp', 'after', ['v'])];
  const { graph: pure } = threaded({ graph: graph(nodes), controlInputs: new Map([['after', ['add']]]) });
  assert.deepEqual(['before', 'after'].map(n => pure.nodes.find(x => x.name === n)!.inputs[0]), ['v', 'add']);
});

test('a loop of TensorFlow 1 carries only what the target needs: no counters of the backward pass, no stacks', { skip: !hasShared }, () => {
  const view = viewOf(model(join(SHARED, 'oracles/tf-train-nested-loop/model.meta'))), { graph: pure } = structured(view, new Set(['loss']), undefined);
  const loops = (g: Graph): Node[] => g.nodes.flatMap(n => [...(n.op === 'While' ? [n] : []), ...subgraphsOf(n).flatMap(([, inner]) => loops(inner))]), found = loops(pure);
  assert.deepEqual(found.map(n => n.name), ['outer/While', 'outer/inner/While']);
  assert.deepEqual(found.map(n => n.inputs), [['Const', 'x', 'TensorArray:1'], ['outer/Const', 'outer/Identity_1']]);
  const ops = new Set<string>();
  const collect = (g: Graph): void => g.nodes.forEach(n => { ops.add(n.op); for (const [, inner] of subgraphsOf(n)) collect(inner); });
  collect(pure);
  for (const op of ['Enter', 'Exit', 'Merge', 'Switch', 'NextIteration', 'LoopCond', 'StackV2', 'StackPushV2']) assert.ok(!ops.has(op), `${op} is still there`);
});

test('functions are inlined under the names of their calls, and only those that are called', { skip: !hasShared }, () => {
  const source = model(join(SHARED, 'oracles/tf2-recurrent/model')), { graph: whole } = viewOf(source, source.signatures.get('serving_default'));
  assert.ok(source.functions.size > 20);
  assert.ok(whole.nodes.some(n => n.op === 'While' && n.name.startsWith('StatefulPartitionedCall/')), 'no loop');
  assert.ok(!whole.nodes.some(n => /Cudnn/.test(n.op)), 'a function that nothing calls');
});

test('the IMPALA training graph is read: its three stops, its loops and its optimizer', { skip: !hasShared }, () => {
  const view = viewOf(model(join(realModels(), 'impala_atari/graph.pbtxt')));
  assert.equal(view.graph.nodes.filter(n => n.op === 'StopGradient').length, 3);
  const { graph: pure } = structured(view, new Set(['add_1']), undefined), loops = pure.nodes.filter(n => n.op === 'While').map(n => n.name);
  assert.ok(loops.some(n => n.startsWith('vtrace_from_logits/')), loops.join());
  const { missing } = lower(view, { roots: ['add_1'] });
  assert.equal(missing.get('add_1')?.why, undefined);
});
