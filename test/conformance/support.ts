import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ConventionName } from '../../kernels/operators/conventions.ts';
import { readNpz } from '../../extension/formats/tensors.ts';
import { RuntimeClient } from '../../extension/runtime/client.ts';
import type { TensorValue } from '../../extension/runtime/protocol.ts';
import { numbersOf } from '../../extension/session/inputs.ts';
import { GradientSession, type RunOptions, type RunResult } from '../../extension/session/session.ts';

/** The folder of outside truth beside the repository; the suites that need it say so when it is not there. */
export const SHARED = resolve(fileURLToPath(new URL('.', import.meta.url)), '../../../shared');
export const hasShared = existsSync(join(SHARED, 'oracles'));
if (!hasShared) console.log('# skipped: ../shared/oracles and ../shared/data are not there');

/** One child process for a whole test file. */
export function sharedRuntime(): RuntimeClient {
  const runtime = new RuntimeClient();
  after(() => runtime.dispose());
  return runtime;
}

/** Unpacks an archive of ../shared/data into a folder that is removed when the test file ends. */
export function unpacked(archive: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'adjoint-data-'));
  execFileSync('tar', ['xf', join(SHARED, 'data', archive), '-C', folder]);
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface OracleCase {
  readonly name?: string;
  readonly model: string;
  readonly target?: string;
  readonly signature?: string;
  readonly cotangents?: Readonly<Record<string, string>>;
  readonly dims?: Readonly<Record<string, number>>;
  readonly gradients: readonly string[];
  readonly zero?: readonly string[];
  readonly blocked?: readonly string[];
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly marks?: readonly string[];
  readonly gradients_marked?: readonly string[];
  readonly zero_marked?: readonly string[];
  readonly not_finite?: readonly string[];
  readonly conventions?: ConventionName;
  readonly tolerance: number;
}

export function readCase(folder: string): OracleCase {
  return JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as OracleCase;
}

const npzCache = new Map<string, Promise<Map<string, TensorValue>>>();
export function npz(path: string): Promise<Map<string, TensorValue>> {
  let found = npzCache.get(path);
  if (!found) npzCache.set(path, (found = readNpz(path) as Promise<Map<string, TensorValue>>));
  return found;
}

/** Runs one case as a person would and returns every gradient whole. */
export async function runCase(runtime: RuntimeClient, model: string, c: OracleCase, inputs: ReadonlyMap<string, TensorValue>, more: RunOptions = {}): Promise<RunResult> {
  const session = await GradientSession.open(model, runtime, { trust: true });
  const cotangents = c.cotangents && new Map(Object.entries(c.cotangents).map(([output, key]) => [output, inputs.get(key)!] as const));
  const values = new Set(session.graph.inputs.map(i => i.name));
  return session.run({
    inputs: new Map([...inputs].filter(([k]) => values.has(k))),
    ...(cotangents ? { cotangents } : { target: c.target! }),
    ...(c.dims && { dims: new Map(Object.entries(c.dims)) }),
    ...(c.conventions && { conventions: c.conventions }),
    whole: { gradients: 'all', forward: [] },
    ...more,
  });
}

/** Differences from the outside truth, in words; empty = agreement. `zero` values have a status that says so or nothing above the noise. */
export function disagreements(result: RunResult, expected: ReadonlyMap<string, TensorValue>, gradients: readonly string[], zero: readonly string[], tolerance: number): string[] {
  const wrong: string[] = [], statuses = new Map(result.report.values.map(v => [v.name, v.gradient]));
  let largest = 0;
  for (const name of gradients) {
    const theirs = expected.get(name);
    if (!theirs) continue;
    const want = numbersOf(theirs), ours = result.gradients.get(name), scale = maxAbs(want);
    largest = Math.max(largest, scale);
    if (!ours) {
      const s = statuses.get(name);
      if (scale === 0 && s && ['zero', 'blocked', 'unreachable'].includes(s.status)) continue;
      wrong.push(`${name}: ${s ? `${s.status} ${s.because.map(b => `${b.reason}@${b.node}`).join(' ')}` : 'not a value'}`);
      continue;
    }
    const got = numbersOf(ours);
    if (got.length !== want.length) {
      wrong.push(`${name}: ${got.length} elements, expected ${want.length}`);
      continue;
    }
    const error = maxDifference(got, want) / (scale || 1);
    if (!(error <= tolerance)) wrong.push(`${name}: off by ${error.toExponential(1)} of its largest`);
  }
  for (const name of zero) {
    const s = statuses.get(name), ours = result.gradients.get(name);
    if (!s) wrong.push(`${name}: not a value`);
    else if (s.status === 'computed' && ours && !(maxAbs(numbersOf(ours)) <= Math.max(2e-6 * largest, 1e-9))) wrong.push(`${name}: ${maxAbs(numbersOf(ours))}, expected zero`);
    else if (s.status === 'unsupported') wrong.push(`${name}: unsupported, expected zero`);
  }
  return wrong;
}

export function maxAbs(x: ArrayLike<number>): number {
  let m = 0;
  for (let i = 0; i < x.length; i++) m = Math.max(m, Math.abs(x[i]!));
  return m;
}

export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let m = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!, y = b[i]!, d = Math.abs(x - y);
    // The same NaN or infinity on both sides is agreement.
    if (Number.isNaN(d) ? !(Number.isNaN(x) && Number.isNaN(y)) && x !== y : false) return Infinity;
    if (d > m) m = d;
  }
  return m;
}
