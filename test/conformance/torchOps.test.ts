import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TensorValue } from '../../extension/runtime/protocol.ts';
import { disagreements, hasShared, npz, runCase, SHARED, sharedRuntime, type OracleCase } from './support.ts';

/** What is known to be missing or wrong; these run and are reported as pending, never as passed. */
const PENDING: readonly (readonly [RegExp, string])[] = [
];

/** Every one-operator case of PyTorch, in its conventions. ADJOINT_ONLY=regexp picks some. */
describe('torch-ops', { skip: !hasShared }, () => {
  const folder = join(SHARED, 'oracles/torch-ops'), runtime = sharedRuntime(), only = new RegExp(process.env['ADJOINT_ONLY'] ?? '');
  const cases = hasShared ? (JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as (OracleCase & { name: string })[]) : [];
  const part = async (file: string, name: string) => {
    const all = await npz(join(folder, file)), prefix = `${name}/`;
    return new Map<string, TensorValue>([...all].filter(([k]) => k.startsWith(prefix)).map(([k, v]) => [k.slice(prefix.length), v]));
  };
  for (const c of cases.filter(c => only.test(c.name))) {
    const pending = PENDING.find(([names]) => names.test(c.name))?.[1];
    it(c.name, { ...(pending && { todo: pending }) }, async () => {
      const result = await runCase(runtime, join(folder, c.model), c, await part('inputs.npz', c.name));
      assert.deepEqual(disagreements(result, await part('expected.npz', c.name), c.gradients, c.zero ?? [], c.tolerance), []);
    });
  }
});
