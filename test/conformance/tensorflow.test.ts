import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TensorValue } from '../../extension/runtime/protocol.ts';
import { RuntimeClient } from '../../extension/runtime/client.ts';
import { numbersOf } from '../../extension/session/inputs.ts';
import { GradientSession, type RunResult } from '../../extension/session/session.ts';
import { disagreements, hasShared, maxAbs, maxDifference, npz, readCase, SHARED, sharedRuntime, type OracleCase } from './support.ts';

/** What is known to be missing or wrong; these run and are reported as pending, never as passed. */
const PENDING: readonly (readonly [RegExp, string])[] = [];

/** TensorFlow's own gradient is wrong (the oracles' README): ours is compared with the exact one. */
const EXACT: Readonly<Record<string, string>> = {
  Cumprod_zero: 'TensorFlow divides by the zero; the exact gradient is not zero there',
  DynamicStitch_duplicates: 'TensorFlow gives a gradient to the entry that was overwritten',
};

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
      it(c.name, { ...(pending && { todo: pending }) }, async t => {
        if (EXACT[c.name]) {
          t.diagnostic(EXACT[c.name]!);
          assert.deepEqual(await againstDifferences(runtime, join(folder, c.model), c, await part('inputs.npz', c.name)), []);
          return;
        }
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

/** Runs a case as a person would and says where it differs: gradients, values of the forward pass, what the file's own backward part holds, causes. */
async function run(runtime: RuntimeClient, model: string, c: OracleCase, inputs: ReadonlyMap<string, TensorValue>, expected: ReadonlyMap<string, TensorValue>): Promise<string[]> {
  const session = await GradientSession.open(model, runtime, { ...(c.signature !== undefined && { signature: c.signature }) }), mine = (names: readonly string[]) => names.map(n => session.nameOf(n));
  const forward = [...expected.keys()].filter(k => k.startsWith('forward:')).map(k => k.slice('forward:'.length)), own = Object.entries((c.facts?.['gradient_nodes'] ?? {}) as Record<string, string>);
  const cotangents = c.cotangents && new Map(Object.entries(c.cotangents).map(([output, key]) => [output, inputs.get(key)!] as const));
  const result = await session.run({
    archive: inputs, of: [...c.gradients, ...cut(c)], ...(cotangents ? { cotangents } : { target: c.target! }), ...(c.conventions && { conventions: c.conventions }),
    whole: { gradients: c.gradients, forward: [...forward, ...own.flatMap(([v, n]) => (c.gradients.includes(v) ? [n] : []))] },
  });
  const named = new Map([...expected].map(([k, v]) => [session.nameOf(k), v])), wrong = disagreements(result, named, mine(c.gradients).filter(n => !noise(n, result, named, c)), mine(cut(c)), c.tolerance);
  for (const name of forward) compare(`forward:${name}`, result.forward.get(session.nameOf(name)), expected.get(`forward:${name}`)!, c.tolerance, wrong);
  // An IndexedSlices is another shape; the rest is the gradient that TensorFlow itself wrote into the file.
  for (const [variable, node] of own) {
    const theirs = expected.get(variable), ours = result.forward.get(session.nameOf(node));
    if (theirs && (!ours || ours.dims.join() === theirs.dims.join())) compare(`${variable} of the file itself (${node})`, ours, theirs, c.tolerance, wrong);
  }
  wrong.push(...causes(result, c, n => session.nameOf(n)));
  return wrong;
}

/** Central differences along each element of each gradient asked for. */
async function againstDifferences(runtime: RuntimeClient, model: string, c: OracleCase, inputs: ReadonlyMap<string, TensorValue>): Promise<string[]> {
  const session = await GradientSession.open(model, runtime), cotangents = new Map(Object.entries(c.cotangents!).map(([output, key]) => [output, inputs.get(key)!] as const)), wrong: string[] = [];
  const run = (archive: ReadonlyMap<string, TensorValue>) => session.run({ archive, cotangents, conventions: 'tensorflow', whole: { gradients: c.gradients, forward: [...cotangents.keys()] } });
  const weighted = async (archive: ReadonlyMap<string, TensorValue>) => {
    const { forward } = await run(archive);
    return [...cotangents].reduce((sum, [output, w]) => sum + Array.from(numbersOf(w)).reduce((s, v, i) => s + v * numbersOf(forward.get(output)!)[i]!, 0), 0);
  };
  const { gradients } = await run(inputs), step = 0.25;
  for (const name of c.gradients) {
    const at = inputs.get(name)!, ours = numbersOf(gradients.get(name)!);
    for (let i = 0; i < ours.length; i++) {
      const moved = (by: number) => {
        const data = Float32Array.from(numbersOf(at));
        data[i]! += by;
        return weighted(new Map(inputs).set(name, { dtype: 'float32', dims: at.dims, data: new Uint8Array(data.buffer) }));
      };
      // Both operators are linear in each element: the difference is exact.
      const difference = ((await moved(step)) - (await moved(-step))) / (2 * step);
      if (!(Math.abs(difference - ours[i]!) <= 1e-3 * (1 + Math.abs(difference)))) wrong.push(`${name}[${i}]: ${ours[i]}, by differences ${difference}`);
    }
  }
  return wrong;
}

function compare(what: string, ours: TensorValue | undefined, theirs: TensorValue, tolerance: number, wrong: string[]): void {
  const want = numbersOf(theirs), got = ours && numbersOf(ours);
  if (!got || got.length !== want.length) wrong.push(`${what}: ${got ? `${got.length} elements, expected ${want.length}` : 'not computed'}`);
  else if (!(maxDifference(got, want) <= tolerance * (maxAbs(want) || 1))) wrong.push(`${what}: off by ${(maxDifference(got, want) / (maxAbs(want) || 1)).toExponential(1)} of its largest`);
}

/** Blocked values have that status and the nodes that cut them, by TensorFlow's own registry. */
function causes(result: RunResult, c: OracleCase, nameOf: (name: string) => string): string[] {
  const cutBy = (c.facts?.['cut_by'] ?? {}) as Record<string, string[] | string>, statuses = new Map(result.report.values.map(v => [v.name, v.gradient]));
  return Object.entries(cutBy).flatMap(([name, by]) => {
    const found = statuses.get(nameOf(name)), nodes = typeof by === 'string' && !by.startsWith('not connected') ? [by] : by;
    // TensorFlow calls what went through a Round not connected; here it is zero, by the Round.
    // (Or the operator that cuts is all that the case says.)
    if (!Array.isArray(nodes)) return found?.status === 'unreachable' || found?.status === 'zero' ? [] : [`${name}: ${found?.status ?? 'no value'}, expected unreachable`];
    if (!found) return [`${name}: no value`];
    const because = found.because.map(b => b.node);
    return (found.status === 'blocked' || found.status === 'zero') && because.some(b => nodes.some(n => b === n || b.endsWith(`/${n}`))) ? [] : [`${name}: ${found.status} by ${because.join(', ') || 'nothing'}, expected ${nodes.join(', ')}`];
  });
}

describe('tensorflow models', { skip: !hasShared }, () => {
  const runtime = sharedRuntime(), names = hasShared ? readdirSync(oracles).filter(n => /^tf2?-/.test(n) && !n.startsWith('tf-lite') && existsSync(join(oracles, n, 'case.json')) && (readCase(join(oracles, n)).target ?? readCase(join(oracles, n)).cotangents) !== undefined) : [];
  for (const name of names.filter(n => only.test(n))) {
    const folder = join(oracles, name), c = readCase(folder), pending = pendingFor(name);
    it(name, { ...(pending && { todo: pending }) }, async () => {
      const inputs = existsSync(join(folder, 'inputs.npz')) ? await npz(join(folder, 'inputs.npz')) : new Map<string, TensorValue>();
      assert.deepEqual(await run(runtime, join(folder, c.model), c, inputs, await npz(join(folder, 'expected.npz'))), []);
    });
  }
});
