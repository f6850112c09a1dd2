import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { after, test } from 'node:test';
import { RuntimeClient } from '../../../extension/runtime/client.ts';
import type { RuntimeOptions } from '../../../extension/runtime/client.ts';
import { RuntimeDied } from '../../../extension/runtime/errors.ts';
import type { TensorValue } from '../../../extension/runtime/protocol.ts';
import { UserError } from '../../../kernels/graph/errors.ts';
import { tensorOf } from '../../../kernels/graph/tensorData.ts';
import type { DType } from '../../../kernels/graph/types.ts';
import * as onnx from './models.ts';

function runtime(t: { after(clean: () => void): void }, options: RuntimeOptions = {}): RuntimeClient {
  const client = new RuntimeClient(undefined, options);
  t.after(() => client.dispose());
  return client;
}

function value(dtype: Exclude<DType, 'string'>, dims: number[], values: number[]): TensorValue {
  const { bytes } = tensorOf(dtype, dims, values);
  assert.ok(bytes.kind === 'inline');
  return { dtype, dims, data: bytes.bytes };
}
function floats(t: TensorValue | undefined): number[] {
  assert.ok(t && t.dtype === 'float32');
  return [...new Float32Array(t.data.slice().buffer)];
}
function userError(code: string, words: RegExp, remedy = /\S/): (error: unknown) => true {
  return error => {
    assert.ok(error instanceof UserError, String(error instanceof Error ? error.stack : error));
    assert.equal(error.code, code);
    assert.match(error.message, words);
    assert.match(error.remedy, remedy);
    return true;
  };
}
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}
const cpu = { provider: 'cpu' } as const;
const relu = { key: 'relu', model: onnx.oneNode('Relu'), ...cpu };
const loop = { key: 'loop', model: onnx.longLoop(), ...cpu };
const square = (n: number, x: number) => value('float32', [n, n], new Array<number>(n * n).fill(x));
const forLong = { trips: value('int64', [], [1e8]), m0: square(256, 0) };
const shared = new RuntimeClient();
after(() => shared.dispose());

test('a model runs: outputs, scalars and the ports come back', async () => {
  const model = onnx.model(onnx.graph(
    [onnx.node('Relu', ['x'], ['y']), onnx.node('ReduceMax', ['x'], ['top'], '', [onnx.intAttribute('keepdims', 0)]), onnx.node('Size', ['x'], ['n']), onnx.node('Cast', ['top'], ['wide'], '', [onnx.intAttribute('to', onnx.DOUBLE)])],
    [onnx.port('x', onnx.FLOAT, ['N', 2])],
    ['y', 'top', 'n', 'wide'].map(name => onnx.port(name)),
  ));
  const session = await shared.createSession({ key: 'all', model, ...cpu });
  assert.deepEqual(session.inputs, [{ name: 'x', dtype: 'float32', shape: ['N', 2] }]);
  // Outputs were given by name only: ONNX Runtime says their types and shapes.
  assert.deepEqual(session.outputs.map(o => [o.name, o.dtype, o.shape]), [['y', 'float32', ['N', 2]], ['top', 'float32', []], ['n', 'int64', []], ['wide', 'float64', []]]);
  const result = await shared.run({ sessionId: session.sessionId, feeds: { x: value('float32', [2, 2], [-1, 2, 3.5, -4]) }, fetches: ['y'], scalars: ['wide', 'n', 'top'], repeat: 4 });
  assert.deepEqual(floats(result.outputs.y), [0, 2, 3.5, 0]);
  assert.deepEqual([...result.scalars], [3.5, 4, 3.5]);
  assert.equal(result.allMs.length, 4);
  assert.ok(result.runMs > 0 && result.firstMs === result.allMs[0]);
});

test('every element type that ONNX Runtime carries goes in and comes out unchanged', async () => {
  const types: [number, Exclude<DType, 'string'>][] = [[onnx.FLOAT, 'float32'], [onnx.DOUBLE, 'float64'], [onnx.FLOAT16, 'float16'], [onnx.INT64, 'int64'], [onnx.BOOL, 'bool'], [2, 'uint8'], [3, 'int8'], [4, 'uint16'], [5, 'int16'], [6, 'int32'], [12, 'uint32'], [13, 'uint64']];
  for (const [number, dtype] of types) {
    const { sessionId } = await shared.createSession({ key: `identity ${dtype}`, model: onnx.oneNode('Identity', number), ...cpu });
    const x = value(dtype, [3], [1, 0, 1]);
    // At an odd offset of a larger buffer, as a slice of a file would be.
    const odd = Uint8Array.from([9, ...x.data as Uint8Array]).subarray(1);
    const { outputs } = await shared.run({ sessionId, feeds: { x: { dtype, dims: [3], data: odd } }, fetches: ['y'] });
    assert.equal(outputs.y!.dtype, dtype);
    assert.deepEqual([...outputs.y!.data], [...x.data], dtype);
  }
  const { sessionId } = await shared.createSession({ key: 'strings', model: onnx.oneNode('Identity', onnx.STRING), ...cpu });
  const words: TensorValue = { dtype: 'string', dims: [2], data: ['a', 'ß'] };
  assert.deepEqual((await shared.run({ sessionId, feeds: { x: words }, fetches: ['y'] })).outputs.y, words);
});

test('an input that does not fit is named, with what was expected', async () => {
  const model = onnx.oneNode('Relu', onnx.FLOAT, ['N', 3]);
  const { sessionId } = await shared.createSession({ key: 'fit', model, ...cpu });
  const run = (feeds: Record<string, TensorValue>, fetches = ['y'], scalars: string[] = []) => shared.run({ sessionId, feeds, fetches, scalars });
  const good = value('float32', [1, 3], [1, 2, 3]);
  await assert.rejects(run({ z: good }), userError('usage', /no input z/, /x/));
  await assert.rejects(run({}), userError('usage', /x is missing/));
  await assert.rejects(run({ x: value('int64', [1, 3], [1, 2, 3]) }), userError('usage', /x is float32, but int64/));
  await assert.rejects(run({ x: value('float32', [3], [1, 2, 3]) }), userError('usage', /\[N, 3\], but \[3\]/));
  await assert.rejects(run({ x: value('float32', [3, 1], [1, 2, 3]) }), userError('usage', /\[N, 3\], but \[3, 1\]/));
  await assert.rejects(run({ x: { dtype: 'float32', dims: [2, 3], data: new Uint8Array(8) } }), userError('usage', /8 bytes.*needs 24/));
  await assert.rejects(run({ x: good }, ['nope']), userError('usage', /no output nope/));
  await assert.rejects(run({ x: good }, [], ['y']), userError('usage', /one number.*\[1, 3\]/));
  await assert.rejects(run({ x: good }, []), userError('usage', /no output was asked for/i));
  await assert.rejects(run({ x: good }, [], ['nope']), userError('usage', /no output nope/));
  assert.deepEqual(floats((await run({ x: good })).outputs.y), [1, 2, 3]);
});

test('what the binding cannot hand over is refused in words and does not end the process', async () => {
  const pid = shared.pid;
  const cast = (to: number) => onnx.oneNode('Cast', onnx.FLOAT, ['N'], [onnx.intAttribute('to', to)]);
  const { sessionId } = await shared.createSession({ key: 'uint4', model: cast(onnx.UINT4), ...cpu });
  const x = value('float32', [2], [1, 2]);
  await assert.rejects(shared.run({ sessionId, feeds: { x }, fetches: ['y'] }), userError('usage', /y is uint4/, /Cast/));
  await assert.rejects(shared.createSession({ key: 'bf16', model: cast(onnx.BFLOAT16), ...cpu }), userError('run', /bfloat16/, /Cast/));
  await assert.rejects(shared.createSession({ key: 'bf16 in', model: onnx.oneNode('Identity', onnx.BFLOAT16), ...cpu }), userError('run', /bfloat16/, /Cast/));
  const sequence = await shared.createSession({ key: 'seq', model: onnx.oneNode('SequenceConstruct'), ...cpu });
  await assert.rejects(shared.run({ sessionId: sequence.sessionId, feeds: { x }, fetches: ['y'] }), userError('usage', /y is no tensor/));
  assert.equal(shared.pid, pid);
});

test('an error of ONNX Runtime names the node and what to do', async () => {
  const x = (port: string) => onnx.port(port, onnx.FLOAT, [`${port}0`]);
  const two = (op: string) => onnx.model(onnx.graph([onnx.node(op, ['a', 'b'], ['y'], 'middle')], [x('a'), x('b')], [onnx.port('y')]));
  const place = (node: string, op: string) => (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.deepEqual([error.place.node, error.place.op], [node, op]);
    assert.doesNotMatch(error.message, /onnxruntime_src|\.(h|cc):\d/);
    return true;
  };
  const mismatch = await shared.createSession({ key: 'add', model: two('Add'), ...cpu });
  await assert.rejects(shared.run({ sessionId: mismatch.sessionId, feeds: { a: value('float32', [2], [1, 2]), b: value('float32', [3], [1, 2, 3]) }, fetches: ['y'] }), place('middle', 'Add'));
  await assert.rejects(shared.createSession({ key: 'foo', model: two('Foo'), ...cpu }), place('middle', 'Foo'));
  await assert.rejects(shared.createSession({ key: 'erf', model: onnx.oneNode('Erf', onnx.DOUBLE), ...cpu }), place('it', 'Erf'));
  await assert.rejects(shared.createSession({ key: 'bytes', model: Uint8Array.from([1, 2, 3]), ...cpu }), userError('file', /not a whole ONNX file/));
  const big = await shared.createSession({ key: 'big', model: onnx.oneNode('ConstantOfShape', onnx.INT64), ...cpu });
  await assert.rejects(shared.run({ sessionId: big.sessionId, feeds: { x: value('int64', [1], [2 ** 44]) }, fetches: ['y'] }), userError('run', /Out of memory in node it.*65536\.0 GiB/, /smaller/));
});

test('a session is opened once for its key; the oldest is closed and opened again when it is needed', async t => {
  const client = runtime(t, { limits: { sessions: 2 } });
  const x = value('float32', [1], [-2]);
  const first = await client.createSession(relu);
  assert.equal(first.cached, false);
  const again = await client.createSession(relu);
  assert.deepEqual([again.cached, again.sessionId], [true, first.sessionId]);
  for (const op of ['Neg', 'Abs', 'Exp']) await client.createSession({ key: op, model: onnx.oneNode(op), ...cpu });
  assert.deepEqual(floats((await client.run({ sessionId: first.sessionId, feeds: { x }, fetches: ['y'] })).outputs.y), [0]);
  await client.release('relu');
  await assert.rejects(client.run({ sessionId: first.sessionId, feeds: { x }, fetches: ['y'] }), /was released/);
});

test('a feed with a key crosses once and also survives a restart', async t => {
  const client = runtime(t, { limits: { feedBytes: 20 } });
  const { sessionId } = await client.createSession(relu);
  const run = async (key: string, n: number) => floats((await client.run({ sessionId, feeds: { x: { key, value: value('float32', [3], [n, n, n]) } }, fetches: ['y'] })).outputs.y);
  assert.deepEqual(await run('a', 1), [1, 1, 1]);
  assert.deepEqual(await run('a', 5), [1, 1, 1], 'the key stands for the value that was sent first');
  assert.deepEqual(await run('b', 2), [2, 2, 2]);
  assert.deepEqual(await run('a', 7), [7, 7, 7], 'a was let go for b and is sent again');
  client.restart();
  assert.deepEqual(await run('a', 8), [8, 8, 8]);
});

test('cancel ends a long run within 0.3 s, and the next request works', async t => {
  const client = runtime(t);
  const { sessionId } = await client.createSession(loop);
  const stop = new AbortController();
  const running = client.run({ sessionId, feeds: forLong, fetches: ['y'] }, { signal: stop.signal });
  const queued = client.createSession(relu);
  await wait(300);
  assert.equal(client.state, 'busy');
  const begin = performance.now();
  stop.abort();
  await assert.rejects(running, userError('cancelled', /Cancelled/, /^$/));
  const took = performance.now() - begin;
  assert.ok(took < 300, `${took} ms`);
  const { outputs } = await client.run({ sessionId: (await queued).sessionId, feeds: { x: value('float32', [1], [3]) }, fetches: ['y'] });
  assert.deepEqual(floats(outputs.y), [3]);
  // The long session itself is opened again by its next use.
  assert.deepEqual(floats((await client.run({ sessionId, feeds: { trips: value('int64', [], [2]), m0: square(256, 0.5) }, fetches: ['y'] })).outputs.y)[0], (256 * 0.25) * 256 * 0.5);
});

test('cancelling what still waits costs nobody a restart', async t => {
  const client = runtime(t);
  const { sessionId } = await client.createSession(loop);
  const pid = client.pid;
  const running = client.run({ sessionId, feeds: { trips: value('int64', [], [300]), m0: square(256, 0) }, fetches: ['y'] });
  await assert.rejects(client.createSession(relu, { signal: AbortSignal.abort() }), userError('cancelled', /./, /^$/));
  await running;
  assert.equal(client.pid, pid);
});

test('a crash rejects what was running, is not repeated, and the next request works', async t => {
  const lines: string[] = [];
  const client = runtime(t, { log: line => lines.push(line) });
  const { sessionId } = await client.createSession(loop);
  const running = client.run({ sessionId, feeds: forLong, fetches: ['y'] });
  await wait(200);
  process.kill(client.pid!, 'SIGKILL');
  await assert.rejects(running, error => error instanceof RuntimeDied && userError('run', /SIGKILL/, /memory/)(error));
  assert.equal(client.state, 'stopped');
  const { sessionId: next } = await client.createSession(relu);
  await client.run({ sessionId: next, feeds: { x: value('float32', [1], [1]) }, fetches: ['y'] });
  assert.equal(lines.filter(l => /started/.test(l)).length, 2);
});

test('after too many crashes it stays down and says so, until it is restarted', async t => {
  const client = runtime(t, { limits: { crashes: 3, withinMs: 60_000 } });
  for (let i = 0; i < 3; i++) {
    const { sessionId } = await client.createSession(loop);
    const running = client.run({ sessionId, feeds: forLong, fetches: ['y'] });
    await wait(50);
    process.kill(client.pid!, 'SIGSEGV');
    await assert.rejects(running, userError('run', /SIGSEGV/));
  }
  assert.equal(client.state, 'failed');
  await assert.rejects(client.createSession(relu), userError('run', /crashed 3 times in 1 minutes?/, /Restart ONNX Runtime/));
  client.restart();
  assert.equal((await client.createSession(relu)).cached, false);
});

test('a run over its time limit is stopped', async t => {
  const client = runtime(t);
  const { sessionId } = await client.createSession(loop);
  await assert.rejects(client.run({ sessionId, feeds: forLong, fetches: ['y'] }, { timeLimitMs: 200 }), userError('run', /0\.2 s/, /time limit/));
  assert.notEqual(client.state, 'failed');
});

test('a run that takes more memory than allowed is stopped', { skip: process.platform !== 'linux' && 'memory is watched during a run on Linux only' }, async t => {
  const client = runtime(t, { limits: { maxRssBytes: 400 * 2 ** 20 } });
  // 1.2 GB of ones, then work on it that lasts.
  const model = onnx.model(onnx.graph(
    [onnx.node('Expand', ['x', 's'], ['b']), ...Array.from({ length: 40 }, (_, i) => onnx.node('Exp', [i ? `e${i - 1}` : 'b'], [`e${i}`])), onnx.node('ReduceMax', ['e39'], ['y'])],
    [onnx.port('x', onnx.FLOAT, [1]), onnx.port('s', onnx.INT64, [1])], [onnx.port('y')],
  ));
  const { sessionId } = await client.createSession({ key: 'grow', model, ...cpu });
  await assert.rejects(client.run({ sessionId, feeds: { x: value('float32', [1], [-1]), s: value('int64', [1], [3e8]) }, fetches: ['y'] }), userError('run', /more than 400\.0 MiB/, /smaller/));
});

test('weights outside the model are found in the given folder only', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'adjoint-test-'));
  try {
    writeFileSync(join(folder, 'w.bin'), Uint8Array.from([7, ...new Uint8Array(new Float32Array([10, 20]).buffer)]));
    const model = (location: string) => onnx.model(onnx.graph([onnx.node('Add', ['x', 'w'], ['y'])], [onnx.port('x', onnx.FLOAT, [2])], [onnx.port('y')], [onnx.externalInitializer('w', onnx.FLOAT, [2], location, 1, 8)]));
    const { sessionId } = await shared.createSession({ key: 'external', model: model('w.bin'), folder, ...cpu });
    assert.deepEqual(floats((await shared.run({ sessionId, feeds: { x: value('float32', [2], [1, 2]) }, fetches: ['y'] })).outputs.y), [11, 22]);
    await assert.rejects(shared.createSession({ key: 'away', model: model('../w.bin'), folder: join(folder, '.'), ...cpu }), userError('file', /weights outside/i));
    await assert.rejects(shared.createSession({ key: 'none', model: model('none.bin'), folder, ...cpu }), userError('file', /none\.bin/));
    writeFileSync(join(folder, 'm.onnx'), model('w.bin'));
    const byPath = await shared.createSession({ key: 'path', model: { path: join(folder, 'm.onnx') }, ...cpu });
    assert.deepEqual(byPath.inputs.map(i => i.name), ['x']);
    await assert.rejects(shared.createSession({ key: 'no file', model: { path: join(folder, 'no.onnx') }, ...cpu }), userError('file', /no\.onnx/));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a profile tells the time of each node', async () => {
  const { sessionId } = await shared.createSession({ ...relu, key: 'profiled', profile: true });
  await shared.run({ sessionId, feeds: { x: value('float32', [1], [1]) }, fetches: ['y'] });
  const path = await shared.endProfiling(sessionId);
  const events = JSON.parse(readFileSync(path, 'utf8')) as { name: string; args?: { op_name?: string } }[];
  rmSync(join(path, '..'), { recursive: true });
  assert.ok(events.some(e => e.name.startsWith('it') && e.args?.op_name === 'Relu'));
  const plain = await shared.createSession(relu);
  await assert.rejects(shared.endProfiling(plain.sessionId), userError('usage', /not opened for profiling/));
});

test('CUDA that is not there: the missing library, where it was looked for, and how to get it', async t => {
  const [cpuState, cuda] = await shared.providers();
  assert.equal(cpuState?.available, true);
  if (cuda?.available) return t.skip('CUDA is there');
  const absent = /libonnxruntime_providers_(shared|cuda)\.so.*not in|no CUDA provider/;
  assert.match(cuda!.reason!, absent);
  await assert.rejects(shared.createSession({ ...relu, key: 'cuda', provider: 'cuda' }), userError('run', absent, /onnxruntime-gpu==\d|CPU/));
});

test('provider libraries from a folder of the person are loaded, and what fails there is said', { skip: process.platform !== 'linux' && 'links beside the library are made on Linux only' }, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'adjoint-test-'));
  try {
    for (const name of ['shared', 'cuda']) writeFileSync(join(folder, `libonnxruntime_providers_${name}.so`), 'no library');
    const client = runtime(t, { cudaFolders: folder });
    await assert.rejects(client.createSession({ ...relu, provider: 'cuda' }), userError('run', /CUDA cannot be used:.*providers_shared\.so.*(too short|invalid ELF)/, /nvidia-smi/));
    const [, cuda] = await client.providers();
    assert.equal(cuda!.available, false);
    assert.equal((await client.createSession(relu)).outputs[0]!.name, 'y', 'the CPU still works');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a run does not outlive a host that was killed', { skip: process.platform !== 'linux' && 'the process table is read on Linux only' }, async () => {
  const host = fork(join(__dirname, 'hostThatRuns.ts'), [], { execArgv: process.execArgv });
  const [pid] = (await once(host, 'message')) as [number];
  await wait(300);
  host.kill('SIGKILL');
  for (let i = 0; i < 40 && isAlive(pid); i++) await wait(100);
  assert.equal(isAlive(pid), false);
});

test('a script that cannot start is an error, not a hang', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'adjoint-test-'));
  try {
    const script = join(folder, 'broken.js');
    writeFileSync(script, 'throw new Error("no luck");');
    const client = new RuntimeClient(script);
    t.after(() => client.dispose());
    await assert.rejects(client.createSession(relu), userError('run', /exit code 1/));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
