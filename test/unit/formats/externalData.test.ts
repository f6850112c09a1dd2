import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ExternalFiles } from '../../../extension/formats/onnx/externalData.ts';

const root = mkdtempSync(join(tmpdir(), 'adjoint-external-')), folder = join(root, 'model');
after(() => rmSync(root, { recursive: true }));
mkdirSync(folder);
for (const file of ['model/model.onnx', 'model/weights.bin', 'secret.bin']) writeFileSync(join(root, file), new Uint8Array(64));
symlinkSync(join(root, 'secret.bin'), join(folder, 'link.bin'));

const locate = (location: string, trusted: boolean) => new ExternalFiles(join(folder, 'model.onnx'), trusted).locate('w', new Map([['location', location]]), 64);

test('weights beside a model are found wherever the model lies, without trust', () => assert.equal(locate('weights.bin', false).kind, 'file'));

test('a path that leaves the folder of the model is refused, trusted or not', () => {
  for (const location of ['../secret.bin', join(root, 'secret.bin'), 'a/../../secret.bin', 'C:\\secret.bin']) for (const trusted of [false, true]) assert.equal(locate(location, trusted).kind, 'missing', location);
});

test('a link that leaves the folder needs trust, and the refusal says how to give it', () => {
  const refused = locate('link.bin', false);
  assert.equal(refused.kind, 'missing');
  assert.match(refused.kind === 'missing' ? refused.why : '', /--trust/);
  assert.equal(locate('link.bin', true).kind, 'file');
});
