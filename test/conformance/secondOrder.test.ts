import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
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
import type { RuntimeClient } from '../../extension/runtime/client.ts';
import { hasShared, npz, readCase, SHARED, sharedRuntime, type OracleCase } from './support.ts';

const MODELS = [
  'torch-mlp-dynamo', 'torch-lenet-dynamo', 'torch-gru-dynamo', 'torch-lstm-torchscript', 'torch-sdpa-dynamo', 'torch-bert-torchscript', 'torch-vit-dynamo', 'torch-norms-dynamo',
  'torch-resnet-torchscript-train', 'torch-mobilenet-dynamo', 'torch-unet-dynamo', 'torch-vae-dynamo', 'torch-contrastive-torchscript', 'torch-loop-torchscript-loop', 'torch-cond-dynamo',
];
/** A gradient jumps where a Relu switches: the two neighbouring steps that agree best decide. */
const STEPS = [1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5], TOLERANCE = 1e-2;

/**
 * Differentiating twice: uᵀHv, the gradient of ⟨∇L(θ + t·v), u⟩ with respect to t at 0, built by differentiating the graph that
 * differentiating gave, against the central difference of our first gradients (which other suites compare with PyTorch's).
 */
describe('second order', { skip: !hasShared }, () => {
  const runtime = sharedRuntime(), only = new RegExp(process.env['ADJOINT_ONLY'] ?? '');
  for (const name of MODELS.filter(n => only.test(n))) {
    it(name, async () => {
      const folder = join(SHARED, 'oracles', name), c = readCase(folder), check = await twice(runtime, join(folder, c.model), c, await npz(join(folder, 'inputs.npz')));
      assert.equal(check.status, 'computed', check.because);
      assert.ok(Math.abs(check.difference) > 1e-4, `nothing to compare: ${check.difference}`);
      assert.ok(Math.abs(check.ours - check.difference) <= TOLERANCE * Math.max(1, Math.abs(check.difference)), `uᵀHv ${check.ours}, difference ${check.difference}`);
    });
  }
});

/** The same for each operator: the gradient of a gradient exists wherever the first one is made of differentiable operators. */
describe('second order of each operator', { skip: !hasShared }, () => {
  const folder = join(SHARED, 'oracles/torch-ops'), runtime = sharedRuntime(), only = new RegExp(process.env['ADJOINT_ONLY'] ?? '');
  const cases = hasShared ? (JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as (OracleCase & { name: string })[]) : [];
  // At a tie or a kink, and at the steps of a quantiser, there is no second derivative.
  for (const c of cases.filter(c => only.test(c.name) && !/^tie_(?!.*(prod|pow_exp))|^quantize_dequantize/.test(c.name))) {
    it(c.name, async () => {
      const all = await npz(join(folder, 'inputs.npz')), prefix = `${c.name}/`, inputs = new Map([...all].filter(([k]) => k.startsWith(prefix)).map(([k, v]) => [k.slice(prefix.length), v] as const));
      const check = await twice(runtime, join(folder, c.model), c, inputs);
      assert.ok(['computed', 'zero', 'unreachable'].includes(check.status), `${check.status}: ${check.because}`);
      assert.ok(Math.abs(check.ours - check.difference) <= TOLERANCE * Math.max(1, Math.abs(check.difference)), `uᵀHv ${check.ours}, difference ${check.difference}`);
    });
  }
});

interface Twice { readonly status: string; readonly because: string; readonly ours: number; readonly difference: number }

/** uᵀHv of the case's target, or of the inner product of its outputs with their start values. */
async function twice(runtime: RuntimeClient, path: string, c: OracleCase, inputs: ReadonlyMap<string, TensorValue>): Promise<Twice> {
  const model = await openModel(path, { trust: true }), file = canonical(recogniseStops(inlineFunctions(model.graph)));
  const given = new Map<string, ValueType>([...inputs].map(([n, v]) => [n, tensor(v.dtype, v.dims)])), starts = Object.entries(c.cotangents ?? {});
  const fed: Graph = { ...file, inputs: [...file.inputs, ...starts.map(([, key]) => ({ name: key, type: given.get(key)! }))] };
  const line = alongLine(inferTypes(fed, OPERATORS, given), c.gradients), targets = starts.length ? starts.map(([value, cotangent]) => ({ value, cotangent })) : [{ value: c.target! }];
  const first = differentiate(line.graph, { targets, of: line.variables, registry: OPERATORS, conventions: 'torch' });
  const inner = innerProduct(first.graph, line.variables.flatMap(v => first.gradients.get(v)?.gradient ?? []));
  const second = differentiate(inner.graph, { targets: [{ value: inner.value }], of: [T], registry: OPERATORS, conventions: 'torch' }), slope = second.gradients.get(T)!;

  const plan = planRun(second.graph, [], [inner.value, ...(slope.gradient === undefined ? [] : [slope.gradient])], 'torch'), written = writeModel(plan.graph);
  const session = await runtime.createSession({ key: `second:${path}`, model: written.bytes, provider: 'cpu', ...(written.folder !== undefined && { folder: written.folder }) });
  const needed = new Set(plan.graph.inputs.map(i => i.name)), values = [...inputs].map(([n, v]) => [needed.has(base(n)) ? base(n) : n, v] as const).filter(([n]) => needed.has(n));
  const at = async (t: number) => {
    const { outputs } = await runtime.run({ sessionId: session.sessionId, feeds: { ...Object.fromEntries(values), [T]: scalar(t) }, fetches: [...plan.outputs] });
    return { inner: numbersOf(outputs[inner.value]!)[0]!, slope: slope.gradient === undefined ? 0 : numbersOf(outputs[slope.gradient]!)[0]! };
  };
  const ours = (await at(0)).slope, slopes: number[] = [];
  for (const h of STEPS) slopes.push(((await at(h)).inner - (await at(-h)).inner) / (2 * h));
  await runtime.release(`second:${path}`);
  return { status: slope.status, because: slope.because.map(b => `${b.reason} at ${b.node}`).join(', '), ours, difference: agreed(slopes) };
}

/** The mean of the first two neighbours, from the largest step on, that agree; else of those that lie closest. */
function agreed(slopes: readonly number[]): number {
  const pairs = slopes.slice(1).map((b, i) => ({ mean: (slopes[i]! + b) / 2, apart: Math.abs(slopes[i]! - b) }));
  const close = pairs.find(p => p.apart <= (TOLERANCE / 4) * Math.max(1, Math.abs(p.mean)));
  return (close ?? pairs.reduce((best, p) => (p.apart < best.apart ? p : best))).mean;
}

/** The input that moves the point along the line. */
const T = 'along';
const base = (variable: string) => `${variable}.base`;
const scalar = (t: number): TensorValue => ({ dtype: 'float32', dims: [], data: new Uint8Array(Float32Array.of(t).buffer) });
const isVariable = (t: ValueType | undefined): boolean => t?.kind === 'tensor' && isFloat(t.dtype) && !!staticShape(t);

/** The graph at θ + t·v for a random v: each parameter and float input becomes such a sum; t is an input. */
function alongLine(graph: Graph, asked: readonly string[]): { graph: Graph; variables: string[] } {
  const roots = new Set([...graph.initializers.keys(), ...graph.inputs.map(i => i.name)]), variables = asked.filter(v => roots.has(v) && isVariable(graph.types.get(v)));
  const random = mulberry(3), types = new Map(graph.types).set(T, tensor('float32', [])), moved = new Set(variables);
  const rename = (n: string) => (moved.has(n) ? base(n) : n);
  for (const v of variables) types.set(base(v), graph.types.get(v)!);
  const start: Graph = {
    ...graph, types, nodes: [], initializers: new Map([...graph.initializers].map(([n, t]) => [rename(n), t])),
    inputs: [...graph.inputs.map(i => ({ ...i, name: rename(i.name) })), { name: T, type: tensor('float32', []) }],
  };
  const g = new GraphBuilder(start, inferWith(OPERATORS));
  for (const v of variables) g.alias(g.tensor(base(v)).add(g.tensor(T).cast(g.tensor(v).dtype).mul(direction(g, v, random))), v);
  const nodes: Node[] = [...g.nodes, ...graph.nodes];
  return { graph: { ...g.build(), nodes }, variables };
}

function direction(g: GraphBuilder, variable: string, random: () => number) {
  const shape = staticShape(g.typeOf(variable));
  // A gradient of a shape that only a run can tell is summed.
  if (!shape) return g.tensor(variable).onesLike();
  const n = shape.reduce((a, b) => a * b, 1);
  return g.constant('float32', shape, Array.from({ length: n }, () => 2 * random() - 1)).cast(g.tensor(variable).dtype);
}

/** Σ ⟨g, u⟩ over the gradients, for random u. */
function innerProduct(graph: Graph, gradients: readonly string[]): { graph: Graph; value: string } {
  const g = new GraphBuilder(graph, inferWith(OPERATORS)), random = mulberry(4);
  const sum = gradients.map(n => g.tensor(n).mul(direction(g, n, random)).sum().cast('float32')).reduce((a, b) => a.add(b), g.constant('float32', [], [0]));
  return { graph: g.build(), value: sum.name };
}
