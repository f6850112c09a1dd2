import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../../../kernels/graph/errors.ts';
import { splitValue, type TensorFlowGraph } from '../../../kernels/lowering/tensorflow/source.ts';
import { openFile, readRange } from '../../../extension/formats/byteSource.ts';
import { readCheckpoint } from '../../../extension/formats/tensorflow/checkpoint.ts';
import { crc32c, masked } from '../../../extension/formats/tensorflow/crc32c.ts';
import { matches, open } from '../../../extension/formats/tensorflow/index.ts';
import { SHARED, hasShared, realModels } from './support.ts';

const folder = realModels();

function filesBelow(path: string, wanted: RegExp): string[] {
  return readdirSync(path).flatMap(name => {
    const inner = join(path, name);
    return statSync(inner).isDirectory() ? filesBelow(inner, wanted) : wanted.test(name) ? [inner] : [];
  });
}

/** Values read by nodes that no node and no argument makes. */
function unmade({ graph }: TensorFlowGraph): string[] {
  const made = new Set([...graph.inputs.map(i => i.name), ...graph.nodes.flatMap(n => n.outputs)]);
  return graph.nodes.flatMap(n => n.inputs.filter(i => !made.has(i)));
}

/** Files of these names that hold no graph, and what a person is told of them. */
const NO_GRAPH: readonly (readonly [name: RegExp, what: RegExp])[] = [
  [/^fingerprint\.pb$/, /is the fingerprint of a SavedModel/], [/^keras_metadata\.pb$/, /is the Keras metadata of a SavedModel/],
  [/^lstm_layer_inference\.config\.pbtxt$/, /configuration of the XLA compiler/], [/\.cpb$/, /split into chunks/],
];

test('every TensorFlow file that people published opens, or says what it is', { skip: !hasShared }, () => {
  const table = new Map<string, { files: number; nodes: number; functions: number; variables: number; values: number }>(), refused: string[] = [];
  for (const path of filesBelow(folder, /\.(pb|pbtxt|meta|cpb|index)$/)) {
    assert.ok(matches(path), `${path} is not taken for a file of TensorFlow`);
    let file;
    try {
      file = open(path);
    } catch (error) {
      assert.ok(error instanceof UserError, `${path}: ${String((error as Error).stack)}`);
      const expected = NO_GRAPH.find(([name]) => name.test(basename(path)));
      assert.ok(expected && expected[1].test(error.message), `${path}: ${error.message}`);
      refused.push(error.message);
      continue;
    }
    const { tensorflow: m } = file, row = table.get(file.format) ?? { files: 0, nodes: 0, functions: 0, variables: 0, values: 0 };
    for (const g of [m, ...m.functions.values()]) assert.deepEqual(unmade(g), [], `${path}: values that nothing makes`);
    row.files++;
    row.nodes += m.graph.nodes.length + [...m.functions.values()].reduce((n, f) => n + f.graph.nodes.length, 0);
    row.functions += m.functions.size;
    row.variables += m.variables.size;
    row.values += [...m.variables.values(), ...m.graph.initializers.values()].filter(v => ('data' in v ? v.data : v) && ('data' in v ? v.data!.bytes.kind : 'bytes' in v ? v.bytes.kind : 'missing') !== 'missing').length;
    table.set(file.format, row);
  }
  console.table(Object.fromEntries(table));
  for (const r of refused) console.log(`# refused: ${r}`);
  assert.ok([...table.values()].reduce((n, r) => n + r.files, 0) >= 180, 'fewer files than the archive holds');
});

test('every value of every checkpoint is where the index says: its checksum is right', { skip: !hasShared }, () => {
  let tensors = 0, checked = 0;
  for (const root of [folder, join(SHARED, 'oracles')]) for (const path of filesBelow(root, /\.index$/)) {
    for (const t of readCheckpoint(path.slice(0, -'.index'.length)).tensors.values()) {
      tensors++;
      for (const part of t.slices.length ? t.slices : [t]) {
        const bytes = part.data?.bytes;
        if (bytes?.kind !== 'file') continue;
        const source = openFile(bytes.path);
        assert.equal(masked(crc32c(readRange(source, bytes.offset, bytes.length))), part.crc32c, `${path}: ${t.key}`);
        source.close();
        checked++;
      }
    }
  }
  console.log(`# ${tensors} tensors, ${checked} values with the right checksum`);
  assert.ok(checked > 800);
});

test('a training run is the same graph in its text form and in its MetaGraph', { skip: !hasShared }, () => {
  const text = open(join(folder, 'impala_atari/graph.pbtxt')), meta = open(join(folder, 'impala_atari/model.ckpt-90912640.meta'));
  const spelled = (g: typeof text) => g.graph.nodes.map(n => `${n.name} ${n.op} ${n.inputs.join(' ')} ^${(g.tensorflow.controlInputs.get(n.name) ?? []).join(' ^')}`).sort();
  assert.deepEqual(spelled(text), spelled(meta));
  assert.equal(meta.graph.nodes.filter(n => n.op === 'StopGradient').length, 3);
  const trained = meta.tensorflow.collections.get('trainable_variables');
  assert.ok(trained?.kind === 'variables' && trained.values.length > 0 && trained.values.every(v => meta.graph.trainable!.has(v.node)));
});

test('nodes come after what they read, but for the way back of a loop', { skip: !hasShared }, () => {
  const { graph } = open(join(folder, 'impala_atari/graph.pbtxt')), place = new Map(graph.nodes.map((n, i) => [n.name, i]));
  let back = 0;
  graph.nodes.forEach((n, i) => {
    for (const input of n.inputs) {
      const from = place.get(splitValue(input).node)!;
      if (from < i) continue;
      assert.equal(`${graph.nodes[from]!.op} → ${n.op}`, 'NextIteration → Merge');
      back++;
    }
  });
  assert.ok(back > 0);
});

interface Case { readonly model: string; readonly format: string; readonly gradients: readonly string[]; readonly names?: Readonly<Record<string, { checkpoint_key?: string }>>; readonly facts?: { tensors?: Readonly<Record<string, { dtype: string; shape: number[] }>> } }

test('the oracles open; each variable has the checkpoint key and the value that TensorFlow gave it', { skip: !hasShared }, () => {
  let opened = 0, keys = 0, values = 0;
  for (const name of readdirSync(join(SHARED, 'oracles')).filter(n => n.startsWith('tf'))) {
    const at = join(SHARED, 'oracles', name), index = ['case.json', 'index.json'].map(f => join(at, f)).find(f => statSync(f, { throwIfNoEntry: false }))!;
    const read = JSON.parse(readFileSync(index, 'utf8')) as Case | { cases: Case[] } | Case[];
    for (const c of Array.isArray(read) ? read : 'cases' in read ? read.cases : [read]) {
      if (c.format === 'tflite') continue;
      const { tensorflow: m, format } = open(join(at, c.model));
      opened++;
      if (c.format) assert.equal(format, c.format, name);
      assert.deepEqual(m.problems, [], name);
      for (const f of m.functions.values()) assert.deepEqual(f.problems, [], `${name} ${f.name}`);
      if (c.format === 'metagraph' || c.format === 'savedmodel') {
        for (const g of c.gradients) {
          const v = m.variables.get(g);
          if (!v) continue;
          assert.equal(v.data?.bytes.kind, 'file', `${name}: ${g}`);
          assert.deepEqual(v.data!.dims, v.shape, `${name}: ${g}`);
          values++;
        }
      }
      for (const [node, { checkpoint_key }] of Object.entries(c.names ?? {})) {
        if (checkpoint_key === undefined || !m.variables.has(node)) continue;
        assert.equal(m.variables.get(node)!.checkpointKey, checkpoint_key, `${name}: ${node}`);
        keys++;
      }
      for (const [key, { dtype, shape }] of Object.entries(c.facts?.tensors ?? {})) {
        const t = m.graph.initializers.get(key);
        assert.ok(t && t.bytes.kind !== 'missing', `${name}: ${key}`);
        assert.deepEqual([t.dtype, t.dims], [dtype, shape], `${name}: ${key}`);
      }
    }
  }
  console.log(`# ${opened} models, ${keys} checkpoint keys, ${values} parameters with values`);
  assert.ok(opened > 300 && keys > 50 && values > 100);
});

test('a node of a SavedModel leads to the Python lines that made it', { skip: !hasShared }, () => {
  const { tensorflow: m } = open(join(SHARED, 'oracles/tf2-train-mlp/model'));
  const step = [...m.functions.values()].find(f => f.name.startsWith('__inference_train_step'))!;
  const node = step.graph.nodes.find(n => n.op === 'MatMul')!, lines = m.sourceLines(node.name, step.name);
  assert.equal(lines.at(-1)!.function, 'call');
  assert.match(lines.at(-1)!.file, /dense\.py$/);
  assert.ok(lines.at(-1)!.line > 0);
});

test('a custom gradient keeps its rule and what it captured', { skip: !hasShared }, () => {
  const { tensorflow: m } = open(join(SHARED, 'oracles/tf2-custom-gradient/model'));
  const used = [...m.functions.values()].flatMap(f => f.graph.nodes).filter(n => n.op === 'IdentityN').map(n => n.attributes['_gradient_op_type']);
  assert.ok(used.length > 0);
  for (const a of used) assert.ok(a?.kind === 'string' && m.functions.has(m.registeredGradients.get(a.value)!));
});
