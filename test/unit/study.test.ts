import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { writeModel } from '../../extension/formats/onnx/writer.ts';
import { RuntimeClient } from '../../extension/runtime/client.ts';
import { valueName } from '../../extension/session/drawn.ts';
import { GradientSession } from '../../extension/session/session.ts';
import { Study, type StudyChange } from '../../extension/session/study.ts';
import { card } from '../../extension/language/hoverCard.ts';

const runtime = new RuntimeClient();
after(() => runtime.dispose());

async function open(name: string, trusted = true): Promise<{ study: Study; changes: StudyChange[] }> {
  const study = new Study(`samples/${name}.onnx`, runtime, { trusted: () => trusted, limits: () => ({ timeout: 0, threads: 0 }), log: () => undefined }), changes: StudyChange[] = [];
  study.onChange(change => changes.push(change));
  await study.load();
  return { study, changes };
}

test('a model is drawn before it runs, and its gradients follow', async () => {
  const { study, changes } = await open('residual-mlp');
  assert.equal(study.results, undefined);
  assert.ok(study.drawn!.drawing.nodes.name.length > 5);
  assert.equal(study.value(0).report.gradient.status, 'not-asked');
  assert.ok(await study.run());
  assert.ok(changes.indexOf('model') < changes.indexOf('results'));
  assert.equal(study.state, undefined);
  const { flow, facts } = study;
  assert.ok(flow!.norm.some(n => n > 0));
  assert.equal(flow!.steps[flow!.spine[0]!], 0);
  assert.match(facts!.inputs, /generated, seed 0/);
});

test('an untrusted folder is drawn and runs nothing', async () => {
  const { study } = await open('residual-mlp', false);
  assert.equal(await study.run(), false);
  assert.deepEqual(study.state, { kind: 'restricted' });
  assert.equal(study.results, undefined);
});

test('why is a value behind a detach without a gradient: the stop is named, and lies on the way from the loss', async () => {
  const { study } = await open('simsiam-with-detach');
  await study.run();
  const { drawing } = study.drawn!, blocked = study.results!.drawing.valueStatus.indexOf(2);
  assert.ok(blocked >= 0);
  const why = study.why(blocked);
  assert.match(why.sentence, /^Blocked by StopGradient at /);
  assert.ok(why.stop);
  assert.ok(why.steps.some(s => s.cut && s.node === why.stop!.node), 'the cut is a step of the way');
  assert.match(card(study, { kind: 'value', name: valueName(drawing, blocked) })!, /Blocked by StopGradient/);
});

test('what a removed stop changes is compared with the run before, and putting it back gives that run again', async () => {
  const { study } = await open('simsiam-with-detach');
  await study.run();
  const before = Array.from(study.results!.drawing.valueNorm), stop = study.report!.marks.find(m => m.kind === 'stop-gradient')!;
  study.toggleStop({ node: stop.node });
  await study.run();
  assert.ok(study.whatIf!.appear + study.whatIf!.change > 0);
  assert.equal(study.whatIf!.removed.length, 1);
  study.resetWhatIf();
  await study.run();
  assert.equal(study.whatIf, undefined);
  assert.deepEqual(Array.from(study.results!.drawing.valueNorm), before);
});

test('a run that is cancelled leaves what was known, and says nothing as an error', async () => {
  const { study } = await open('residual-mlp');
  await study.run();
  const { results } = study, running = study.run();
  study.cancel();
  assert.equal(await running, false);
  assert.equal(study.results, results);
  assert.equal(study.state, undefined);
});

test('a histogram counts every element of a gradient', async () => {
  const { study } = await open('residual-mlp');
  await study.run();
  const value = study.results!.drawing.valueNorm.findIndex(n => n > 0), counted = await study.histogram(value, 'gradient', new AbortController().signal);
  assert.equal(counted.counts.reduce((a, b) => a + b, 0), study.results!.drawing.valueCount[value]);
});

test('a file that is not a model says so by name', async () => {
  const study = new Study('package.json', runtime, { trusted: () => true, limits: () => ({ timeout: 0, threads: 0 }), log: () => undefined });
  await study.load();
  assert.equal(study.state?.kind, 'not-a-model');
});

test('weights that are not where the model says: the file is named, and one that the person gives is used', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'adjoint-weights-'));
  try {
    const session = await GradientSession.open('samples/residual-mlp.onnx', runtime), graph = session.model.graph, bytes: Uint8Array[] = [];
    const initializers = new Map([...graph.initializers].map(([name, t]) => {
      if (t.dtype !== 'float32') return [name, t] as const;
      const data = t.bytes.kind === 'inline' ? t.bytes.bytes : t.bytes.kind === 'file' ? new Uint8Array(readFileSync(t.bytes.path)).subarray(t.bytes.offset, t.bytes.offset + t.bytes.length) : new Uint8Array();
      const offset = bytes.reduce((n, b) => n + b.length, 0);
      bytes.push(data);
      return [name, { ...t, bytes: { kind: 'file' as const, path: join(folder, 'weights.bin'), offset, length: data.length } }] as const;
    }));
    writeFileSync(join(folder, 'weights.bin'), Uint8Array.from(bytes.flatMap(b => [...b])));
    writeFileSync(join(folder, 'model.onnx'), writeModel({ ...graph, initializers }).bytes);
    renameSync(join(folder, 'weights.bin'), join(folder, 'elsewhere.bin'));
    const study = new Study(join(folder, 'model.onnx'), runtime, { trusted: () => true, limits: () => ({ timeout: 0, threads: 0 }), log: () => undefined });
    await study.load();
    assert.deepEqual(study.state, { kind: 'missing-weights', file: 'weights.bin', parameters: bytes.length });
    assert.equal(await study.run(), false);
    await study.useWeights(join(folder, 'elsewhere.bin'));
    assert.equal(study.state, undefined);
    assert.ok(await study.run());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the main path goes on to an input or a parameter, also past a stop that carries more', async () => {
  const { study } = await open('simsiam-with-detach');
  await study.run();
  const flow = study.flow!, last = flow.strings[flow.name[flow.spine.at(-1)!]!]!, { drawing } = study.drawn!, node = drawing.values.producer[flow.value[flow.spine.at(-1)!]!]!;
  assert.ok(flow.spine.length > 10, `it ends at ${last} after ${flow.spine.length} values`);
  assert.ok(node < 0 || study.node(node).parameters.length > 0, `${last} is neither an input nor beside a parameter`);
});
