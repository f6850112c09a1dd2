import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { numbersOf } from '../../extension/session/inputs.ts';
import { GradientSession } from '../../extension/session/session.ts';
import { hasShared, maxAbs, maxDifference, npz, readCase, SHARED, sharedRuntime } from './support.ts';

/** What is known to be missing or wrong; these run and are reported as pending, never as passed. */
const PENDING: readonly (readonly [RegExp, string])[] = [];

const only = new RegExp(process.env['ADJOINT_ONLY'] ?? ''), oracles = join(SHARED, 'oracles');
const PREFIX = 'delta:';

/** The training step that a file holds changes its variables and slots as it does in TensorFlow. */
describe('training steps of TensorFlow files', { skip: !hasShared }, () => {
  const runtime = sharedRuntime(), names = hasShared ? readdirSync(oracles).filter(n => /^tf2?-/.test(n) && existsSync(join(oracles, n, 'case.json')) && only.test(n)) : [];
  for (const name of names) {
    const folder = join(oracles, name), c = readCase(folder), facts = c.facts ?? {}, pending = PENDING.find(([r]) => r.test(name))?.[1];
    if (!facts['train_op'] && !/^tf2-(optimizer|train)/.test(name)) continue;
    it(name, { ...(pending && { todo: pending }) }, async () => {
      const inputs = await npz(join(folder, 'inputs.npz')), expected = await npz(join(folder, 'expected.npz')), wrong: string[] = [];
      const session = await GradientSession.open(join(folder, c.model), runtime, { ...(c.signature !== undefined && { signature: c.signature }) });
      const coarse = (facts['last_place_over_delta'] ?? {}) as Readonly<Record<string, number>>;
      const { deltas, report } = await session.run({ archive: inputs, target: c.target!, of: [], whole: { gradients: [], forward: [] }, step: facts['train_op'] ? [String(facts['train_op'])] : [] });
      for (const [key, value] of expected) {
        if (!key.startsWith(PREFIX)) continue;
        const variable = key.slice(PREFIX.length), mine = deltas.get(session.nameOf(variable));
        const theirs = numbersOf(value), ours = mine && numbersOf(mine), largest = maxAbs(theirs);
        // Where one step of the variable's last place is coarse beside the delta, that is as near as two programs can be.
        const bound = Math.max(c.tolerance * largest, (coarse[variable] ?? 0) * largest);
        if (!ours) {
          if (largest > 0) wrong.push(`${variable}: not changed`);
        } else if (ours.length !== theirs.length) wrong.push(`${variable}: ${ours.length} elements, not ${theirs.length}`);
        else {
          const off = maxDifference(ours, theirs);
          if (!(off <= bound)) wrong.push(`${variable}: off by ${off} of ${largest}`);
        }
      }
      assert.deepEqual(wrong, [], report.notes?.join('\n'));
    });
  }
});
