import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { differentiate } from '../../kernels/autodiff/differentiate.ts';
import { GraphBuilder } from '../../kernels/graph/builder.ts';
import type { Graph, Node } from '../../kernels/graph/graph.ts';
import { tensor, isFloat, staticShape, type ValueType } from '../../kernels/graph/types.ts';
import { canonical } from '../../kernels/lowering/onnx/canonical.ts';
import { recogniseStops } from '../../kernels/lowering/onnx/stops.ts';
import { OPERATORS } from '../../kernels/operators/index.ts';
import { inferTypes, inferWith } from '../../kernels/operators/infer.ts';
import { inlineFunctions } from '../../extension/formats/onnx/inlineFunctions.ts';
import { writeModel } from '../../extension/formats/onnx/writer.ts';
import { openModel } from '../../extension/formats/model.ts';
import type { TensorValue } from '../../extension/runtime/protocol.ts';
import { mulberry, numbersOf } from '../../extension/session/inputs.ts';
import { planRun } from '../../extension/session/prepare.ts';
import { hasShared, npz, readCase, SHARED, sharedRuntime } from './support.ts';

const MODELS = [
  'torch-mlp-dynamo', 'torch-lenet-dynamo', 'torch-gru-dynamo', 'torch-lstm-torchscript', 'torch-sdpa-dynamo', 'torch-bert-torchscript', 'torch-vit-dynamo', 'torch-norms-dynamo',
  'torch-resnet-torchscript-train', 'torch-mobilenet-dynamo', 'torch-unet-dynamo', 'torch-vae-dynamo', 'torch-contrastive-torchscript', 'torch-loop-torchscript-loop', 'torch-cond-dynamo',
];
/** A gradient jumps where a Relu switches: the two neighbouring steps that agree best decide. */
const STEPS = [1e-3, 3e-4, 1e-4, 3e-5, 1e-5], TOLERANCE = 1e-2;

/**
 * Differentiating twice: uᵀHv, the gradient of ⟨∇L(θ + t·v), u⟩ with respect to t at 0, built by differentiating the graph that
 * differentiating gave, against the central difference of our first gradients (which other suites compare with PyTorch's).
 */
describe('second order', { skip: !hasShared }, () => {
  const runtime = sharedRuntime(), only = new RegExp(process.env['ADJOINT_ONLY'] ?? '');
  for (const name of MODELS.filter(n => only.test(n))) {
    it(name, async () => {
      const folder = join(SHARED, 'oracles', name), c = readCase(folder), inputs = await npz(join(folder, 'inputs.npz'));
      const model = await openModel(join(folder, c.model), { trust: true }), file = canonical(recogniseStops(inlineFunctions(model.graph)));
      const given = new Map<string, ValueType>([...inputs].map(([n, v]) => [n, tensor(v.dtype, v.dims)])), typed = inferTypes(file, OPERATORS, given);
      const line = alongLine(typed, c.gradients), first = differentiate(line.graph, { targets: [{ value: c.target! }], of: line.variables, registry: OPERATORS, conventions: 'torch' });
      const inner = innerProduct(first.graph, line.variables.flatMap(v => first.gradients.get(v)?.gradient ?? []));
      const second = differentiate(inner.graph, { targets: [{ value: inner.value }], of: ['t'], registry: OPERATORS, conventions: 'torch' }), slope = second.gradients.get('t')!;
      assert.equal(slope.status, 'computed', slope.because.map(b => `${b.reason} at ${b.node}`).join(', '));

      const plan = planRun(second.graph, [], [inner.value, slope.gradient!], 'torch'), written = writeModel(plan.graph);
      const session = await runtime.createSession({ key: `second:${name}`, model: written.bytes, provider: 'cpu', ...(written.folder !== undefined && { folder: written.folder }) });
      const needed = new Set(plan.graph.inputs.map(i => i.name));
      const at = async (t: number) => {
        const feeds = { ...Object.fromEntries([...inputs].map(([n, v]) => [needed.has(base(n)) ? base(n) : n, v] as const).filter(([n]) => needed.has(n))), t: scalar(t) };
        const { outputs } = await runtime.run({ sessionId: session.sessionId, feeds, fetches: [...plan.outputs] });
        return { inner: numbersOf(outputs[inner.value]!)[0]!, slope: numbersOf(outputs[slope.gradient!]!)[0]! };
      };
      const ours = (await at(0)).slope, slopes: number[] = [];
      for (const h of STEPS) slopes.push(((await at(h)).inner - (await at(-h)).inner) / (2 * h));
      const theirs = agreed(slopes);
      assert.ok(Math.abs(theirs) > 1e-4, `nothing to compare: ${theirs}`);
      assert.ok(Math.abs(ours - theirs) <= TOLERANCE * Math.max(1, Math.abs(theirs)), `uᵀHv ${ours}, difference ${theirs}`);
    });
  }
});

/** The mean of the two neighbours that lie closest. */
function agreed(slopes: readonly number[]): number {
  const pairs = slopes.slice(1).map((b, i) => ({ mean: (slopes[i]! + b) / 2, apart: Math.abs(slopes[i]! - b) }));
  return pairs.reduce((best, p) => (p.apart < best.apart ? p : best)).mean;
}

const base = (variable: string) => `${variable}.base`;
const scalar = (t: number): TensorValue => ({ dtype: 'float32', dims: [], data: new Uint8Array(Float32Array.of(t).buffer) });
const isVariable = (t: ValueType | undefined): boolean => t?.kind === 'tensor' && isFloat(t.dtype) && !!staticShape(t);

/** The graph at θ + t·v for a random v: each parameter and float input becomes such a sum; t is an input. */
function alongLine(graph: Graph, asked: readonly string[]): { graph: Graph; variables: string[] } {
  const roots = new Set([...graph.initializers.keys(), ...graph.inputs.map(i => i.name)]), variables = asked.filter(v => roots.has(v) && isVariable(graph.types.get(v)));
  const random = mulberry(3), types = new Map(graph.types).set('t', tensor('float32', [])), moved = new Set(variables);
  const rename = (n: string) => (moved.has(n) ? base(n) : n);
  for (const v of variables) types.set(base(v), graph.types.get(v)!);
  const start: Graph = {
    ...graph, types, nodes: [], initializers: new Map([...graph.initializers].map(([n, t]) => [rename(n), t])),
    inputs: [...graph.inputs.map(i => ({ ...i, name: rename(i.name) })), { name: 't', type: tensor('float32', []) }],
  };
  const g = new GraphBuilder(start, inferWith(OPERATORS));
  for (const v of variables) g.alias(g.tensor(base(v)).add(g.tensor('t').cast(g.tensor(v).dtype).mul(direction(g, v, random))), v);
  const nodes: Node[] = [...g.nodes, ...graph.nodes];
  return { graph: { ...g.build(), nodes }, variables };
}

function direction(g: GraphBuilder, variable: string, random: () => number) {
  const shape = staticShape(g.typeOf(variable))!, n = shape.reduce((a, b) => a * b, 1);
  return g.constant('float32', shape, Array.from({ length: n }, () => 2 * random() - 1)).cast(g.tensor(variable).dtype);
}

/** Σ ⟨g, u⟩ over the gradients, for random u. */
function innerProduct(graph: Graph, gradients: readonly string[]): { graph: Graph; value: string } {
  const g = new GraphBuilder(graph, inferWith(OPERATORS)), random = mulberry(4);
  const sum = gradients.map(n => g.tensor(n).mul(direction(g, n, random)).sum()).reduce((a, b) => a.add(b));
  return { graph: g.build(), value: sum.name };
}
