import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TensorValue } from '../../extension/runtime/protocol.ts';
import { RuntimeClient } from '../../extension/runtime/client.ts';
import { numbersOf } from '../../extension/session/inputs.ts';
import { GradientSession, type RunResult } from '../../extension/session/session.ts';
import { disagreements, hasShared, maxAbs, npz, readCase, SHARED, sharedRuntime, type OracleCase } from './support.ts';

/** What is known to be missing or wrong; these run and are reported as pending, never as passed. */
const PENDING: readonly (readonly [RegExp, string])[] = [];

const only = new RegExp(process.env['ADJOINT_ONLY'] ?? '');
const pendingFor = (name: string) => PENDING.find(([names]) => names.test(name))?.[1];
const oracles = join(SHARED, 'oracles');

/** Gradients that TensorFlow gives no tensor for: here too they must be nothing or zero. */
const cut = (c: OracleCase): string[] => [...(c.zero ?? []), ...(c.blocked ?? [])];

for (const family of ['tf-ops', 'tf-quant']) {
  describe(family, { skip: !hasShared }, () => {
    const folder = join(oracles, family), runtime = sharedRuntime();
    const cases = hasShared ? (JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as (OracleCase & { name: string })[]) : [];
    const part = async (file: string, name: string) => {
      const all = await npz(join(folder, file)), prefix = `${name}/`;
      return new Map<string, TensorValue>([...all].filter(([k]) => k.startsWith(prefix)).map(([k, v]) => [k.slice(prefix.length), v]));
    };
    for (const c of cases.filter(c => only.test(c.name))) {
      const pending = pendingFor(c.name);
      it(c.name, { ...(pending && { todo: pending }) }, async () => {
        assert.deepEqual(await run(runtime, join(folder, c.model), c, await part('inputs.npz', c.name), await part('expected.npz', c.name)), []);
      });
    }
  });
}

/** Zero in exact arithmetic: float32 leaves up to a millionth of the case's largest gradient, and other sums leave other remains. */
function noise(name: string, result: RunResult, expected: ReadonlyMap<string, TensorValue>, c: OracleCase): boolean {
  const theirs = expected.get(name), ours = result.gradients.get(name);
  if (!theirs || !ours) return false;
  const largest = Math.max(...c.gradients.map(n => maxAbs(numbersOf(expected.get(n) ?? theirs))));
  return Math.max(maxAbs(numbersOf(theirs)), maxAbs(numbersOf(ours))) <= 1e-6 * largest;
}

/** Runs a case as a person would; names are those of the case. */
async function run(runtime: RuntimeClient, model: string, c: OracleCase, inputs: ReadonlyMap<string, TensorValue>, expected: ReadonlyMap<string, TensorValue>): Promise<string[]> {
  const session = await GradientSession.open(model, runtime, { ...(c.signature !== undefined && { signature: c.signature }) }), of = [...c.gradients, ...cut(c)], mine = (names: readonly string[]) => names.map(n => session.nameOf(n));
  const cotangents = c.cotangents && new Map(Object.entries(c.cotangents).map(([output, key]) => [output, inputs.get(key)!] as const));
  const result = await session.run({ archive: inputs, of, ...(cotangents ? { cotangents } : { target: c.target! }), ...(c.conventions && { conventions: c.conventions }), whole: { gradients: c.gradients, forward: [] } });
  const named = new Map([...expected].map(([k, v]) => [session.nameOf(k), v]));
  return disagreements(result, named, mine(c.gradients).filter(n => !noise(n, result, named, c)), mine(cut(c)), c.tolerance);
}

describe('tensorflow models', { skip: !hasShared }, () => {
  const runtime = sharedRuntime(), names = hasShared ? readdirSync(oracles).filter(n => /^tf2?-/.test(n) && !n.startsWith('tf-lite') && existsSync(join(oracles, n, 'case.json'))) : [];
  for (const name of names.filter(n => only.test(n))) {
    const folder = join(oracles, name), c = readCase(folder), pending = pendingFor(name);
    it(name, { ...(pending && { todo: pending }) }, async () => {
      const inputs = existsSync(join(folder, 'inputs.npz')) ? await npz(join(folder, 'inputs.npz')) : new Map<string, TensorValue>();
      assert.deepEqual(await run(runtime, join(folder, c.model), c, inputs, await npz(join(folder, 'expected.npz'))), []);
    });
  }
});
