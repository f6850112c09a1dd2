import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { numbersOf } from '../../extension/session/inputs.ts';
import { GradientSession } from '../../extension/session/session.ts';
import { hasShared, maxDifference, npz, sharedRuntime, unpacked } from './support.ts';

/** A model of brevitas with weights and activations of eight-bit floats, with the results that brevitas recorded. */
it('FloatQuant computes what brevitas computed, and passes the gradient', { skip: !hasShared }, async () => {
  const folder = join(unpacked('real-models.tar.xz'), 'qonnx/src/qonnx/data/onnx/floatquant_exec'), recorded = await npz(join(folder, 'test_data/activation.npz'));
  const session = await GradientSession.open(join(folder, 'qonnx_act_weight_fp8.onnx'), sharedRuntime(), { trust: true }), [input] = session.graph.inputs, [output] = session.graph.outputs;
  const [activations, weights] = session.graph.nodes.filter(n => n.op === 'FloatQuant').map(n => n.outputs[0]!) as [string, string], x = recorded.get('input_quant')!;
  const { forward, gradients } = await session.run({ inputs: new Map([[input!.name, x]]), cotangents: new Map([[output!.name, 'ones']]), whole: { gradients: 'all', forward: [activations, weights] } });
  // What is already a number of the format stays; the weights are rounded to it.
  for (const [name, key] of [[activations, 'input_quant'], [weights, 'weight_quant']] as const) {
    assert.ok(maxDifference(numbersOf(forward.get(name)!), numbersOf(recorded.get(key)!)) < 1e-7, `${name}: ${Array.from(numbersOf(forward.get(name)!))}, recorded ${Array.from(numbersOf(recorded.get(key)!))}`);
  }
  const rows = numbersOf(gradients.get('weight')!);
  assert.ok(maxDifference(rows, Array.from({ length: rows.length }, (_, i) => numbersOf(x)[i % 3]!)) < 1e-6, 'the weights get the activations, straight through');
});
