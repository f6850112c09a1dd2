import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { RuntimeClient } from '../../extension/runtime/client.ts';
import { readSamples } from '../../extension/session/samples.ts';
import { Study } from '../../extension/session/study.ts';

const runtime = new RuntimeClient();
after(() => runtime.dispose());

for (const { file, question, target, dims } of readSamples('samples')) {
  test(`${file} opens and has gradients (${question})`, async () => {
    const study = new Study(`samples/${file}`, runtime, { trusted: () => true, limits: () => ({ timeout: 0, threads: 0 }), log: () => undefined });
    study.choose({ ...(target !== undefined && { target }), ...(dims && { dims: new Map(Object.entries(dims)) }) });
    await study.load();
    assert.ok(await study.run(), JSON.stringify(study.state));
    assert.equal(study.state, undefined);
    assert.ok(study.report!.values.some(v => v.gradient.status === 'computed' && (v.gradient.summary?.l2 ?? 0) > 0));
    assert.deepEqual(study.report!.notes.filter(n => n.startsWith('Dimensions set')), []);
  });
}
