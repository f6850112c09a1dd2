import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isFloat } from '../../kernels/graph/types.ts';
import { readTensorProto } from '../../extension/formats/onnx/tensorProto.ts';
import type { RuntimeClient } from '../../extension/runtime/client.ts';
import type { TensorValue } from '../../extension/runtime/protocol.ts';
import { mulberry, numbersOf } from '../../extension/session/inputs.ts';
import { GradientSession } from '../../extension/session/session.ts';

/** Step, tolerance and number of directions of the check, by precision (gradients.md 4.2). */
export const FLOAT32 = { step: 3e-3, tolerance: 1e-2, directions: 3 };

/** The inputs of a node test's first data set, by the names of the model's inputs. */
export function dataSet(folder: string, names: readonly string[], set = 0): Map<string, TensorValue> {
  const data = join(folder, `test_data_set_${set}`), values = new Map<string, TensorValue>();
  for (const file of readdirSync(data)) {
    const at = /^input_(\d+)\.pb$/.exec(file)?.[1], name = at === undefined ? undefined : names[Number(at)];
    if (name !== undefined) values.set(name, readTensorProto(new Uint8Array(readFileSync(join(data, file)))));
  }
  return values;
}

export interface Check {
  readonly worst: number;
  /** Inputs that got a gradient. */
  readonly inputs: readonly string[];
  readonly analytic: number;
  readonly numeric: number;
  /** Directions in which two step sizes disagree: the function is not smooth there, and nothing was compared. */
  readonly kinks: number;
}

/**
 * The inner-product form: ⟨pullback(u), v⟩ against the central difference of ⟨u, f⟩ along v, for random u and v.
 * f is ONNX Runtime on the person's own model; nothing of ours is in it.
 * @returns the largest error relative to max(1, |numeric|) over the directions
 */
export async function checkModel(runtime: RuntimeClient, path: string, inputs: ReadonlyMap<string, TensorValue>, setting = FLOAT32, forwardPath = path): Promise<Check> {
  const session = await GradientSession.open(path, runtime, { trust: true }), random = mulberry(7);
  const plain = await runtime.createSession({ key: `fd:${forwardPath}`, model: { path: forwardPath }, provider: 'cpu' });
  const floatOutputs = plain.outputs.filter(o => o.dtype && isFloat(o.dtype)).map(o => o.name);
  const forward = async (feeds: ReadonlyMap<string, TensorValue>) =>
    (await runtime.run({ sessionId: plain.sessionId, feeds: Object.fromEntries(feeds), fetches: floatOutputs })).outputs;
  const base = await forward(inputs);
  const cotangents = new Map(floatOutputs.map(name => [name, randomLike(base[name]!, random)] as const));
  const { report, gradients } = await session.run({ inputs, cotangents, conventions: 'default', whole: { gradients: [...inputs.keys()], forward: [] } });
  const computed = report.values.filter(v => gradients.has(v.name) && v.gradient.status === 'computed').map(v => v.name);
  let worst = 0, analytic = 0, numeric = 0, kinks = 0;
  for (let d = 0; d < setting.directions && computed.length; d++) {
    const directions = new Map(computed.map(name => [name, randomLike(inputs.get(name)!, random)] as const));
    const ours = sum(computed.map(name => dot(numbersOf(gradients.get(name)!), numbersOf(directions.get(name)!))));
    const at = async (h: number) => {
      const out = await forward(new Map([...inputs].map(([n, v]) => [n, directions.has(n) ? moved(v, directions.get(n)!, h) : v] as const)));
      return sum(floatOutputs.map(o => dot(numbersOf(cotangents.get(o)!), numbersOf(out[o]!))));
    };
    const central = async (h: number) => ((await at(h)) - (await at(-h))) / (2 * h);
    const theirs = await central(setting.step), finer = await central(setting.step / 3);
    if (!(Math.abs(theirs - finer) <= setting.tolerance * Math.max(1, Math.abs(theirs)))) {
      kinks++;
      continue;
    }
    const error = Math.abs(ours - theirs) / Math.max(1, Math.abs(theirs));
    if (!(error <= worst)) [worst, analytic, numeric] = [error, ours, theirs];
  }
  await runtime.release(`fd:${forwardPath}`);
  return { worst, inputs: computed, analytic, numeric, kinks };
}

const sum = (x: readonly number[]) => x.reduce((a, b) => a + b, 0);

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let s = 0;
  for (let i = 0; i < a.length; i++) s += a[i]! * b[i]!;
  return s;
}

function ofNumbers(like: TensorValue, values: readonly number[]): TensorValue {
  const data = like.dtype === 'float64' ? Float64Array.from(values) : Float32Array.from(values);
  return { dtype: like.dtype as 'float32', dims: like.dims, data: new Uint8Array(data.buffer) };
}

function randomLike(t: TensorValue, random: () => number): TensorValue {
  return ofNumbers(t, Array.from({ length: numbersOf(t).length }, () => 2 * random() - 1));
}

function moved(t: TensorValue, direction: TensorValue, h: number): TensorValue {
  const d = numbersOf(direction);
  return ofNumbers(t, Array.from(numbersOf(t), (x, i) => x + h * d[i]!));
}
