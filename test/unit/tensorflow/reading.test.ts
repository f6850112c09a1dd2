import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../../../kernels/graph/errors.ts';
import { smallNumbers } from '../../../kernels/graph/tensorData.ts';
import { shapeOf } from '../../../kernels/lowering/tensorflow/source.ts';
import { matches, open } from '../../../extension/formats/tensorflow/index.ts';
import { openModel } from '../../../extension/formats/model.ts';
import { SHARED, encoded, fieldHead, hasShared, scratch, writeGraph, writeSparse } from './support.ts';

const folder = scratch();
const FLOAT = 1, INT32 = 3, INT64 = 9, BOOL = 10, HALF = 19, RESOURCE = 20;
const constant = (name: string, tensor: Record<string, unknown>) => ({ name, op: 'Const', attr: { dtype: { type: tensor['dtype'] }, value: { tensor } } });
const shape = (...dims: number[]) => ({ dim: dims.map(size => ({ size })) });

test('attributes are read in the form that a lowering expects', () => {
  const node = {
    name: 'n', op: 'Custom', attr: {
      flag: { b: true }, off: { b: false }, n: { i: -3 }, alpha: { f: 0.5 }, T: { type: FLOAT }, ref: { type: FLOAT + 100 }, handle: { type: RESOURCE },
      padding: { s: Buffer.from('SAME') }, shape: { shape: shape(2, -1) }, anything: { shape: { unknown_rank: true } }, scalar: { shape: {} },
      strides: { list: { i: [1, 2, 2, 1] } }, rates: { list: { f: [0.25, 0.5] } }, Tin: { list: { type: [FLOAT, RESOURCE] } }, none: { list: {} },
      shapes: { list: { shape: [shape(2, -1), { unknown_rank: true }, {}] } }, f: { func: { name: 'Body', attr: { T: { type: INT32 } } } }, branches: { list: { func: [{ name: 'A' }, { name: 'B' }] } },
      outer: { placeholder: 'T' },
    },
  };
  const { graph } = open(writeGraph(folder, { node: [node] })), a = { ...graph.nodes[0]!.attributes };
  assert.deepEqual(a, {
    flag: { kind: 'int', value: 1 }, off: { kind: 'int', value: 0 }, n: { kind: 'int', value: -3 }, alpha: { kind: 'float', value: 0.5 },
    T: { kind: 'string', value: 'float32' }, ref: { kind: 'string', value: 'float32' }, handle: { kind: 'string', value: 'resource' },
    padding: { kind: 'string', value: 'SAME' }, shape: { kind: 'ints', value: [2, -1] }, anything: { kind: 'other', value: 'unknown rank' }, scalar: { kind: 'ints', value: [] },
    strides: { kind: 'ints', value: [1, 2, 2, 1] }, rates: { kind: 'floats', value: [0.25, 0.5] }, Tin: { kind: 'strings', value: ['float32', 'resource'] }, none: { kind: 'strings', value: [] },
    shapes: { kind: 'strings', value: ['2,-1', '?', ''] }, f: { kind: 'string', value: 'Body' }, 'f.T': { kind: 'string', value: 'int32' }, branches: { kind: 'strings', value: ['A', 'B'] },
    outer: { kind: 'ref', value: 'T' },
  });
  assert.deepEqual(['2,-1', '?', ''].map(shapeOf), [[2, -1], undefined, []]);
});

test('constants have the values that TensorFlow gives them, however they are written', () => {
  const { graph } = open(writeGraph(folder, {
    node: [
      constant('values', { dtype: FLOAT, tensor_shape: shape(3), float_val: [1, 2, 3] }),
      constant('lastRepeats', { dtype: INT32, tensor_shape: shape(2, 2), int_val: [7, -8] }),
      constant('empty', { dtype: INT32, tensor_shape: shape(0) }),
      constant('zeros', { dtype: FLOAT, tensor_shape: shape(2) }),
      constant('long', { dtype: INT64, tensor_shape: shape(2), int64_val: [-5, 2 ** 40] }),
      constant('flags', { dtype: BOOL, tensor_shape: shape(2), bool_val: [true, false] }),
      constant('half', { dtype: HALF, tensor_shape: shape(2), half_val: [0x3c00, 0xc000] }),
      constant('content', { dtype: INT32, tensor_shape: shape(2), tensor_content: Uint8Array.of(1, 0, 0, 0, 255, 255, 255, 255) }),
      constant('names', { dtype: 7, tensor_shape: shape(3), string_val: [Buffer.from('a'), Buffer.from('ä漢')] }),
      constant('short', { dtype: INT32, tensor_shape: shape(2), tensor_content: Uint8Array.of(1, 0, 0, 0) }),
      constant('huge', { dtype: FLOAT, tensor_shape: shape(1 << 20, 1 << 20), float_val: [0.5] }),
      constant('large', { dtype: FLOAT, tensor_shape: shape(2000), float_val: Array.from({ length: 2000 }, (_, i) => i) }),
    ],
  }));
  const value = (name: string) => {
    const a = graph.nodes.find(n => n.name === name)!.attributes['value'];
    assert.equal(a?.kind, 'tensor', name);
    return (a as Extract<typeof a, { kind: 'tensor' }>).value;
  };
  assert.deepEqual(smallNumbers(value('values')), [1, 2, 3]);
  assert.deepEqual(smallNumbers(value('lastRepeats')), [7, -8, -8, -8]);
  assert.deepEqual(smallNumbers(value('empty')), []);
  assert.deepEqual(smallNumbers(value('zeros')), [0, 0]);
  assert.deepEqual(smallNumbers(value('long')), [-5, 2 ** 40]);
  assert.deepEqual(smallNumbers(value('flags')), [1, 0]);
  assert.deepEqual(smallNumbers(value('half')), [1, -2]);
  assert.deepEqual(smallNumbers(value('content')), [1, -1]);
  assert.deepEqual(value('names').bytes, { kind: 'strings', values: ['a', 'ä漢', 'ä漢'] });
  assert.match((value('short').bytes as { why: string }).why, /4 bytes for a shape that needs 8/);
  assert.deepEqual(graph.nodes.find(n => n.name === 'huge')!.attributes['splat'], { kind: 'ints', value: [1 << 20, 1 << 20] });
  assert.deepEqual(smallNumbers(value('huge')), [0.5]);
  const large = value('large').bytes;
  assert.ok(large.kind === 'file' && large.length === 8000);
  assert.equal(readFileSync(large.path).readFloatLE(large.offset + 4 * 1999), 1999);
});

test('inputs of functions are resolved to outputs by the operator definitions', () => {
  const { tensorflow: m } = open(writeGraph(folder, {
    node: [{ name: 'x', op: 'Placeholder', attr: { dtype: { type: FLOAT }, shape: { shape: {} } } }, { name: 'call', op: 'F', input: ['x:0', '^x'] }],
    library: {
      function: [{
        signature: { name: 'F', input_arg: [{ name: 'a', type: FLOAT }], output_arg: [{ name: 'first', type: FLOAT }, { name: 'variance', type: FLOAT }] },
        node_def: [
          { name: 'bn', op: 'FusedBatchNormV3', input: ['a', 'a', 'a', 'a', 'a'], attr: { T: { type: FLOAT }, U: { type: FLOAT } } },
          { name: 'split', op: 'Split', input: ['bn:batch_mean:0', 'bn:y:0', '^bn'], attr: { num_split: { i: 3 }, T: { type: FLOAT } } },
          { name: 'add', op: 'AddV2', input: ['split:output:2', 'bn:batch_variance:0'], attr: { T: { type: FLOAT } } },
        ],
        ret: { first: 'add:z:0', variance: 'bn:batch_variance:0' },
      }],
      gradient: [{ function_name: 'F', gradient_func: 'FGrad' }],
    },
  }));
  const f = m.functions.get('F')!;
  assert.deepEqual(f.graph.nodes.map(n => [n.name, ...n.inputs]), [['bn', 'a', 'a', 'a', 'a', 'a'], ['split', 'bn:1', 'bn'], ['add', 'split:2', 'bn:2']]);
  assert.equal(f.graph.nodes[0]!.outputs.length, 6);
  assert.deepEqual(f.results, [{ name: 'first', value: 'add' }, { name: 'variance', value: 'bn:2' }]);
  assert.deepEqual([...f.controlInputs], [['split', ['bn']]]);
  assert.deepEqual(m.graph.nodes[1]!.outputs, ['call', 'call:1']);
  assert.deepEqual([...m.controlInputs], [['call', ['x']]]);
  assert.equal(m.gradients.get('F'), 'FGrad');
  assert.deepEqual(m.graph.inputs.map(i => i.name), ['x']);
});

test('a broken graph opens and says what is broken', () => {
  const { problems, graph } = open(writeGraph(folder, {
    node: [
      { name: 'a', op: 'Add', input: ['nowhere', 'b'] }, { name: 'b', op: 'Neg', input: ['a'] }, { name: 'b', op: 'Neg', input: ['c:1'] }, { name: 'c', op: 'Exp', input: ['b', '^gone'] },
    ],
  }));
  const all = problems.map(p => p.message).join('\n');
  for (const text of [/nothing makes the value nowhere/, /two nodes are named b/, /control input \^gone of c does not exist/, /cycle through node/, /c \(Exp\) has 1 outputs, but output 1 is read/]) assert.match(all, text);
  assert.equal(new Set(graph.nodes.map(n => n.name)).size, 4);
});

test('a file that is no graph is named as what it is', async () => {
  const file = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const cases: readonly (readonly [path: string, message: RegExp])[] = [
    [file('lfs.pb', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n'), /Git LFS pointer/],
    [file('tensor.pb', encoded('TensorProto', { dtype: FLOAT, tensor_shape: shape(2), tensor_content: new Uint8Array(8) })), /single tensor/],
    [file('page.pb', '<!DOCTYPE html><html></html>'), /HTML/], [file('empty.pb', ''), /empty/], [file('noise.pb', Uint8Array.from({ length: 500 }, (_, i) => (i * 197 + 91) % 251)), /another kind/],
    [file('net.pbtxt', 'name: "LeNet"\nlayer {\n  name: "data"\n}\n'), /Caffe network/], [file('broken.pbtxt', 'node {\n  name: "a"\n  op "Const"\n}\n'), /line 3/],
    [file('zip.pb', 'PK\x03\x04abcdefgh'), /ZIP/],
  ];
  for (const [path, message] of cases) {
    await assert.rejects(openModel(path), (e: unknown) => e instanceof UserError && e.code === 'file' && message.test(e.message), path);
  }
  assert.equal(matches(file('model.onnx', Uint8Array.of(8, 8, 0x12, 1, 0x78, 0x3a, 2, 0x12, 0, 0x42, 2, 0x10, 17))), false);
});

test('a damaged file is an error for a person, never a crash', { skip: !hasShared }, () => {
  const oracles = join(SHARED, 'oracles'), models = ['tf-s1-instance-norm/model.pb', 'tf-train-partitioned/model.meta', 'tf-file-checkpoint/model.index', 'tf2-custom-gradient/model/saved_model.pb', 'tf-s2-fake-quant-pbtxt/model.pbtxt'];
  let seed = 1, opened = 0, refused = 0;
  const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
  for (const name of models) {
    const bytes = new Uint8Array(readFileSync(join(oracles, name))), suffix = /\.[a-z]+$/.exec(name)![0], path = join(folder, `damaged${suffix}`);
    const attempt = (damaged: Uint8Array, how: string) => {
      writeFileSync(path, damaged);
      try {
        if (matches(path)) open(path);
        opened++;
      } catch (error) {
        assert.ok(error instanceof UserError && error.message.length > 10, `${name}, ${how}: ${String((error as Error).stack)}`);
        refused++;
      }
    };
    for (let i = 0; i < 120; i++) {
      const cut = random(bytes.length);
      attempt(bytes.subarray(0, cut), `cut at ${cut}`);
      const hit = Uint8Array.from(bytes), places = Array.from({ length: 1 + random(4) }, () => random(bytes.length));
      for (const p of places) hit[p] = random(256);
      attempt(hit, `bytes ${places.join()} changed`);
    }
  }
  console.log(`# ${opened} damaged files opened, ${refused} refused`);
  assert.ok(refused > 200);
});

test('messages that nest without end or claim more than there is are refused', () => {
  const field = (number: number, content: readonly number[]) => [...fieldHead(number, content.length), ...content];
  // AttrValue { func { attr { value: AttrValue … } } }
  let nested: number[] = [];
  for (let i = 0; i < 300; i++) nested = field(10, field(2, field(2, nested)));
  const path = join(folder, 'nested.pb');
  writeFileSync(path, Uint8Array.from(field(1, [...field(1, [0x6e]), ...field(2, [0x6f]), ...field(5, field(2, nested))])));
  assert.throws(() => open(path), (e: unknown) => e instanceof UserError && /nested too deeply/.test(e.message));
  writeFileSync(path, Uint8Array.from([...field(1, [...field(1, [0x6e]), ...field(2, [0x6f])]), ...fieldHead(1, 2 ** 40), 0x0a]));
  assert.throws(() => open(path), (e: unknown) => e instanceof UserError && /claims 1099511627776 bytes/.test(e.message));
  const deep = join(folder, 'deep.pbtxt');
  writeFileSync(deep, `node { attr { key: "a" value ${'{ func { attr { key: "a" value '.repeat(3000)}`);
  assert.throws(() => open(deep), UserError);
});

test('a checkpoint whose shards are gone or cut leaves the graph, and says so', { skip: !hasShared }, () => {
  const from = join(SHARED, 'oracles/tf-s5-asked'), to = join(folder, 'lost');
  mkdirSync(to);
  for (const f of ['model.meta', 'model.index']) copyFileSync(join(from, f), join(to, f));
  const gone = open(join(to, 'model.meta'));
  assert.match(gone.problems.map(p => p.message).join(), /model\.data-00000-of-00001 is not beside the index/);
  writeFileSync(join(to, 'model.data-00000-of-00001'), new Uint8Array(8));
  assert.match(open(join(to, 'model.meta')).problems.map(p => p.message).join(), /has 8 bytes and ends before the value/);
  writeFileSync(join(to, 'model.index'), new Uint8Array(readFileSync(join(from, 'model.index')).map((b, i) => (i === 20 ? b ^ 1 : b))));
  const damaged = open(join(to, 'model.meta'));
  assert.match(damaged.notes.join(), /cannot be read.*checksum/);
  assert.ok(damaged.graph.nodes.length > 100);
});

test('a graph opens in the time of its nodes, not of its weights', () => {
  for (const [label, count, bytes, wrapped] of [['GraphDef', 400, 512 * 1024, false], ['SavedModel', 1000, 2 * 2 ** 20 + 128 * 1024, true]] as const) {
    const path = join(folder, wrapped ? 'saved_model.pb' : 'large.pb'), size = writeSparse(path, count, bytes, wrapped);
    const before = process.memoryUsage(), started = performance.now(), { graph } = open(path), ms = performance.now() - started, after = process.memoryUsage();
    console.log(`# ${label} of ${(size / 2 ** 20).toFixed(0)} MiB, ${count} constants: ${ms.toFixed(0)} ms, resident memory +${((after.rss - before.rss) / 2 ** 20).toFixed(0)} MiB`);
    assert.equal(graph.nodes.length, count);
    const last = graph.nodes.at(-1)!.attributes['value'];
    assert.ok(last?.kind === 'tensor' && last.value.bytes.kind === 'file' && last.value.bytes.offset + last.value.bytes.length === size);
    assert.ok(ms < 10_000 && after.rss - before.rss < 200 * 2 ** 20);
  }
});
