import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isFloat, type DType, type ValueType } from '../../kernels/graph/types.ts';
import { openModel } from '../../extension/formats/model.ts';
import { numbersOf } from '../../extension/session/inputs.ts';
import { GradientSession, type RunResult } from '../../extension/session/session.ts';
import { besideData, dataSet, randomAt, type Feeds } from './finiteDifferences.ts';
import { hasShared, maxAbs, maxDifference, sharedRuntime, unpacked } from './support.ts';

const TOLERANCE = 1e-3;
/** Element types that the binding of ONNX Runtime takes. */
const BOUND: ReadonlySet<DType> = new Set<DType>(['float32', 'float64', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8', 'uint64', 'uint32', 'uint16', 'uint8', 'bool']);

const isTensorOf = (type: ValueType | undefined, is: (d: DType) => boolean): boolean => type?.kind === 'tensor' && is(type.dtype);

/** A function operator and its body are one function: our rule for the operator gives what differentiating the body gives. */
describe('Function operators and their expansions', { skip: !hasShared }, () => {
  const only = new RegExp(process.env['ADJOINT_ONLY'] ?? ''), runtime = sharedRuntime(), folder = hasShared ? join(unpacked('onnx-node-tests.tar.xz'), 'node') : '';
  const twins = (hasShared ? readdirSync(folder) : []).filter(n => /_expanded/.test(n) && only.test(n) && existsSync(join(folder, n.replace(/_expanded.*/, '')))).sort();
  for (const twin of twins) {
    it(twin, async t => {
      const here = join(folder, twin.replace(/_expanded.*/, '')), open = (f: string) => GradientSession.open(join(f, 'model.onnx'), runtime, { trust: true });
      const { graph } = await openModel(join(here, 'model.onnx'), { trust: true });
      const fed = graph.inputs.every(i => isTensorOf(i.type, d => BOUND.has(d))), outputs = graph.outputs.filter(o => isTensorOf(o.type, isFloat)).map(o => o.name);
      if (!fed) return t.skip('its inputs cannot be fed: sequences, 8-bit floats, 4-bit numbers');
      if (!outputs.length || !graph.inputs.some(i => isTensorOf(i.type, isFloat))) return t.skip('nothing in it is a float');
      const inputs = dataSet(here, graph.inputs.map(i => i.name));
      const sessions = [await open(here), await open(join(folder, twin))] as const;
      // At a kink the two may differ by convention: beside it they may not.
      let wrong = await differences(sessions, inputs, outputs);
      if (wrong.length) wrong = await differences(sessions, besideData(inputs, 0.02), outputs);
      assert.deepEqual(wrong, []);
    });
  }
});

async function differences(sessions: readonly [GradientSession, GradientSession], inputs: Feeds, outputs: readonly string[]): Promise<string[]> {
  const shapes = await sessions[0].run({ inputs, cotangents: new Map(outputs.map(o => [o, 'ones'])), whole: { gradients: [], forward: outputs } });
  const cotangents = new Map(outputs.map(o => [o, randomAt(shapes.forward.get(o)!)] as const)), names = [...inputs.keys()];
  const [rule, body] = await Promise.all(sessions.map(s => s.run({ inputs, cotangents, conventions: 'default', whole: { gradients: names, forward: [] } }))) as [RunResult, RunResult];
  return names.flatMap(name => {
    const a = rule.gradients.get(name), b = body.gradients.get(name), statusOf = (r: RunResult) => r.report.values.find(v => v.name === name)?.gradient;
    if (!a || !b) {
      const there = a ?? b, size = there ? maxAbs(numbersOf(there)) : 0, missing = statusOf(a ? body : rule);
      return size > 0 || missing?.status === 'unsupported' ? [`${name}: ${a ? 'the body' : 'the rule'} says ${missing?.status} ${missing?.because.map(x => x.reason).join()}, the other computes up to ${size}`] : [];
    }
    // A body that masks with Where after a softmax over nothing leaks NaN back (0 · NaN): the rule does not.
    const ours = numbersOf(a), want = Array.from(numbersOf(b), (x, i) => (Number.isNaN(x) ? ours[i]! : x)), scale = Math.max(maxAbs(want), 1e-3), off = maxDifference(ours, want) / scale;
    return off <= TOLERANCE ? [] : [`${name}: rule and body differ by ${off.toExponential(1)} of the largest`];
  });
}
