import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../kernels/graph/errors.ts';
import { tensorOf } from '../../kernels/graph/tensorData.ts';
import { isFloat } from '../../kernels/graph/types.ts';
import { widenHalf } from '../../kernels/lowering/onnx/precision.ts';
import { OPERATORS } from '../../kernels/operators/index.ts';
import { inferTypes } from '../../kernels/operators/infer.ts';
import { readTensorProto } from '../../extension/formats/onnx/tensorProto.ts';
import { writeModel } from '../../extension/formats/onnx/writer.ts';
import type { RuntimeClient } from '../../extension/runtime/client.ts';
import type { TensorValue } from '../../extension/runtime/protocol.ts';
import { mulberry, numbersOf, widened } from '../../extension/session/inputs.ts';
import { GradientSession } from '../../extension/session/session.ts';

/** Step, tolerance and number of directions of the check, by precision (gradients.md 4.2). */
export const FLOAT32 = { step: 3e-3, tolerance: 1e-2, directions: 3 };

/** Steps tried, in units of the setting's. Three neighbours have to agree: the first, or others where those do not. */
const FIRST = [1, 1 / 3, 1 / 9], FINER = [1 / 27, 1 / 81], WIDER = [30, 10, 3];
/** How far data that lies on a kink is moved, and how often that is tried. */
const MOVE = 0.07, MOVES = 8;
/** Values of this size stand for −∞ in masked scores: no difference quotient exists there. */
const HUGE = 1e30;

/** The inputs (or outputs) of a node test's first data set, by the names of the model's. */
export function dataSet(folder: string, names: readonly string[], kind: 'input' | 'output' = 'input'): Map<string, TensorValue> {
  const data = join(folder, 'test_data_set_0'), pattern = new RegExp(`^${kind}_(\\d+)\\.pb$`), values = new Map<string, TensorValue>();
  for (const file of readdirSync(data)) {
    const at = pattern.exec(file)?.[1], name = at === undefined ? undefined : names[Number(at)];
    if (name !== undefined) values.set(name, readTensorProto(new Uint8Array(readFileSync(join(data, file)))));
  }
  return values;
}

export interface Check {
  /** The largest error relative to max(1, |numeric|) over the directions. */
  readonly worst: number;
  /** Inputs that got a gradient. */
  readonly inputs: readonly string[];
  readonly analytic: number;
  readonly numeric: number;
  /** Directions that were compared. */
  readonly compared: number;
  /** True if the data lay on a kink and a point beside it was taken. */
  readonly moved: boolean;
}

export type Feeds = ReadonlyMap<string, TensorValue>;
type Forward = (feeds: Feeds) => Promise<Record<string, TensorValue>>;

/**
 * The inner-product form: ⟨pullback(u), v⟩ against the central difference of ⟨u, f⟩ along v, for random u and v.
 * f is ONNX Runtime on the person's own model; nothing of ours is in it. (A half-precision model is run in float32: steps drown in half.)
 * Where the data lies on a kink, a point beside it is taken.
 * @param ours f is what our session computes: for models that ONNX Runtime cannot run as they stand
 */
export async function checkModel(runtime: RuntimeClient, path: string, data: Feeds, { ours = false, setting = FLOAT32 } = {}): Promise<Check> {
  const session = await GradientSession.open(path, runtime, { trust: true }), key = `fd:${path}`;
  if (ours) {
    const half = widenHalf(inferTypes(session.graph, OPERATORS)), wide = `${path}.float32.onnx`;
    if (half.why) {
      writeFileSync(wide, writeModel(half.graph).bytes);
      return checkModel(runtime, wide, new Map([...data].map(([n, v]) => [n, widened(v)] as const)), { ours, setting });
    }
  }
  const { forward, names } = ours ? sessionForward(session) : await runtimeForward(runtime, session, path, key);
  if (!names.length) return noGradient(session, data);
  const random = mulberry(7);
  try {
    const here: Feeds = new Map([...data].map(([n, v]) => [n, widened(v)] as const)), base = await forward(here);
    let check = await checkAt(session, forward, data, here, base, random, setting);
    for (let move = 0; check.compared < setting.directions && check.inputs.length && move < MOVES; move++) {
      const beside = new Map([...here].map(([n, v]) => [n, check.inputs.includes(n) ? moved(v, randomLike(v, random), MOVE) : v] as const)), there = await forward(beside);
      // Outside the domain.
      if (names.some(n => finite(there[n]!) < finite(base[n]!))) continue;
      const other = await checkAt(session, forward, data, beside, there, random, setting);
      if (other.compared > check.compared) check = { ...other, moved: true };
    }
    return check;
  } finally {
    await runtime.release(key);
  }
}

interface Function { readonly forward: Forward; readonly names: readonly string[] }

async function runtimeForward(runtime: RuntimeClient, session: GradientSession, path: string, key: string): Promise<Function> {
  const half = widenHalf(inferTypes(session.graph, OPERATORS)), create = () => runtime.createSession({ key, model: half.why ? writeModel(half.graph).bytes : { path }, provider: 'cpu' });
  let plain = await create();
  // A seeded random operator draws the same numbers in every new session, others in every run of one.
  const names = plain.outputs.filter(o => o.dtype && isFloat(o.dtype)).map(o => o.name), drawn = session.graph.nodes.some(n => n.op === 'Dropout');
  const forward: Forward = async feeds => {
    if (drawn) {
      await runtime.release(key);
      plain = await create();
    }
    return (await runtime.run({ sessionId: plain.sessionId, feeds: Object.fromEntries(feeds), fetches: names })).outputs;
  };
  return { forward, names };
}

function sessionForward(session: GradientSession): Function {
  const names = session.graph.outputs.filter(o => o.type?.kind === 'tensor' && isFloat(o.type.dtype)).map(o => o.name);
  return { names, forward: async inputs => Object.fromEntries((await session.run({ inputs, cotangents: new Map(names.map(n => [n, 'ones'])), whole: { gradients: [], forward: names } })).forward) };
}

/** A model without a float output: whoever asks is told that nothing can be differentiated. */
async function noGradient(session: GradientSession, inputs: Feeds): Promise<Check> {
  const target = session.graph.outputs[0]!.name;
  let worst = Infinity;
  await session.run({ inputs, target }).catch((e: unknown) => {
    if (e instanceof UserError) worst = 0;
  });
  return { worst, inputs: [...inputs.keys()], analytic: 0, numeric: 0, compared: FLOAT32.directions, moved: false };
}

async function checkAt(
  session: GradientSession, forward: Forward, data: Feeds, inputs: Feeds, base: Record<string, TensorValue>, random: () => number, setting: typeof FLOAT32,
): Promise<Check> {
  const cotangents = new Map(Object.keys(base).map(name => [name, randomAt(base[name]!, random)] as const));
  const fed = new Map([...inputs].map(([n, v]) => [n, v.dtype === data.get(n)!.dtype ? v : narrowed(v, data.get(n)!.dtype)] as const));
  const { report, gradients } = await session.run({ inputs: fed, cotangents, conventions: 'default', whole: { gradients: [...inputs.keys()], forward: [] } });
  const computed = report.values.filter(v => gradients.has(v.name) && v.gradient.status === 'computed').map(v => v.name);
  const along = (v: Feeds) => sum(computed.map(n => dot(numbersOf(gradients.get(n)!), numbersOf(v.get(n)!))));
  const f = async (feeds: Feeds) => {
    const out = await forward(feeds);
    return sum([...cotangents].map(([o, u]) => dot(numbersOf(u), numbersOf(out[o]!))));
  };
  const f0 = await f(inputs);
  let worst = 0, analytic = 0, numeric = 0, compared = 0;
  for (let d = 0; d < setting.directions && computed.length; d++) {
    const directions = new Map(computed.map(name => [name, randomLike(inputs.get(name)!, random)] as const)), ours = along(directions);
    const at = (h: number): Feeds => new Map([...inputs].map(([n, v]) => [n, directions.has(n) ? moved(v, directions.get(n)!, h) : v] as const));
    // Elements round when they are moved: what ours says of that part is taken out.
    const shifted = (h: number) => !Number.isFinite(ours) ? 0 : sum(computed.map(n => dotDifference(gradients.get(n)!, at(h).get(n)!, inputs.get(n)!))) - h * ours;
    const theirs = await difference(async h => (await f(at(h))) - shifted(h), f0, setting);
    if (theirs === undefined) continue;
    compared++;
    const error = Math.abs(ours - theirs) / Math.max(1, Math.abs(theirs));
    if (!(error <= worst)) [worst, analytic, numeric] = [error, ours, theirs];
  }
  return { worst, inputs: computed, analytic, numeric, compared, moved: false };
}

/**
 * The derivative at 0 by central differences at shrinking steps.
 * @returns `undefined` at a kink: the slopes on the two sides stay apart as the step shrinks, or no three steps agree
 */
async function difference(f: (h: number) => Promise<number>, f0: number, { step, tolerance }: typeof FLOAT32): Promise<number | undefined> {
  const at = async (scale: number): Promise<Quotient> => {
    const h = scale * step, up = await f(h), down = await f(-h);
    return { slope: (up - down) / (2 * h), jump: Math.abs(up + down - 2 * f0) / h };
  };
  const first = await each(FIRST, at), [one, two] = first as [Quotient, Quotient];
  // A smooth function's jump shrinks with the step; one of rounding errors grows.
  if (two.jump > tolerance * Math.max(1, Math.abs(one.slope)) && two.jump > 0.6 * one.jump && (await at(10)).jump > 0.5 * two.jump) return undefined;
  let best = steadiest(first);
  if (best.spread > tolerance / 10) best = steadiest([...(await each(WIDER, at)), ...first, ...(await each(FINER, at))]);
  return best.spread <= tolerance / 2 ? best.slope : undefined;
}

/** Difference quotients at one step: of both sides together, and how far the two sides' lie apart. */
interface Quotient { readonly slope: number; readonly jump: number }

/** Of slopes at shrinking steps, the three neighbours that agree best: the middle one and the largest difference between them. */
function steadiest(tried: readonly Quotient[]): { slope: number; spread: number } {
  const threes = tried.slice(2).map((c, i) => {
    const [a, b] = [tried[i]!, tried[i + 1]!];
    return { slope: b.slope, spread: Math.max(spread(a, b), spread(b, c), spread(a, c)) };
  });
  return threes.reduce((a, b) => (b.spread < a.spread ? b : a));
}

const spread = (a: { slope: number }, b: { slope: number }): number => Math.abs(a.slope - b.slope) / Math.max(1, Math.abs(a.slope));

async function each<A, B>(items: readonly A[], f: (a: A) => Promise<B>): Promise<B[]> {
  const results: B[] = [];
  for (const item of items) results.push(await f(item));
  return results;
}

const finite = (t: TensorValue): number => Array.from(numbersOf(t)).filter(Number.isFinite).length;

const sum = (x: readonly number[]) => x.reduce((a, b) => a + b, 0);

/** ⟨g, a − b⟩ over the elements that g does not annul. */
function dotDifference(g: TensorValue, a: TensorValue, b: TensorValue): number {
  const [w, x, y] = [numbersOf(g), numbersOf(a), numbersOf(b)];
  return dot(w, Array.from(w, (v, i) => (v === 0 ? 0 : x[i]! - y[i]!)));
}

/** Elements with weight zero do not count, whatever they are. */
function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let s = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== 0) s += a[i]! * b[i]!;
  return s;
}

function ofNumbers(like: TensorValue, values: readonly number[]): TensorValue {
  const data = like.dtype === 'float64' ? Float64Array.from(values) : Float32Array.from(values);
  return { dtype: like.dtype as 'float32', dims: like.dims, data: new Uint8Array(data.buffer) };
}

function randomLike(t: TensorValue, random: () => number): TensorValue {
  return ofNumbers(t, Array.from({ length: numbersOf(t).length }, () => 2 * random() - 1));
}

/** The floats moved a little each, in their element type. */
export function besideData(data: Feeds, by: number, random = mulberry(11)): Feeds {
  const isNumeric = (v: TensorValue) => v.dtype !== 'string' && isFloat(v.dtype);
  return new Map([...data].map(([n, v]) => [n, isNumeric(v) ? narrowed(moved(widened(v), randomLike(widened(v), random), by), v.dtype) : v] as const));
}

/** Random weights for a result, none where it is not finite. */
export function randomAt(t: TensorValue, random = mulberry(5)): TensorValue {
  return ofNumbers(t, Array.from(numbersOf(t), x => (Math.abs(x) < HUGE ? 2 * random() - 1 : 0)));
}

/** Back in the element type of the file. */
function narrowed(t: TensorValue, dtype: TensorValue['dtype']): TensorValue {
  const { bytes } = tensorOf(dtype, t.dims, Array.from(numbersOf(t)));
  return { dtype: dtype as 'float16', dims: t.dims, data: (bytes as { bytes: Uint8Array }).bytes };
}

function moved(t: TensorValue, direction: TensorValue, h: number): TensorValue {
  const d = numbersOf(direction);
  return ofNumbers(t, Array.from(numbersOf(t), (x, i) => x + h * d[i]!));
}
