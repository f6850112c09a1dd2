/**
 * Graphs of any size for the benchmark and the property tests, as the drawing gets them: residual networks, decomposed
 * transformers, and training graphs as TensorFlow writes them (`gradients/…_grad` scopes and an optimizer).
 */
import { NodeMark, STATUSES, UNKNOWN_STATUS, VALUE_KINDS, type DrawingGraph, type DrawingResults, type ValueKind } from '../../extension/protocol.ts';

export type GeneratorKind = 'residual' | 'transformer' | 'training';
export const GENERATOR_KINDS: readonly GeneratorKind[] = ['residual', 'transformer', 'training'];

export interface GenerateOptions {
  /** Without scopes (as exporters to ONNX often write): the same graph, names only by operator. Default true. */
  readonly scoped?: boolean;
}

/** A pseudo random sequence in [0, 1), the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Collects nodes one by one, in topological order, and gives the drawing's typed arrays. */
export class DrawingBuilder {
  private readonly strings: string[] = [''];
  private readonly stringIndex = new Map<string, number>([['', 0]]);
  private readonly scopeNames = [0];
  private readonly scopeParents = [-1];
  private readonly scopeIndex = new Map<string, number>([['', 0]]);
  private readonly node = { name: [] as number[], op: [] as number[], scope: [] as number[], backwardOf: [] as number[], mark: [] as number[] };
  private readonly val = { name: [] as number[], producer: [] as number[], kind: [] as number[], type: [] as number[] };
  private readonly use = { value: [] as number[], node: [] as number[], input: [] as number[] };
  private readonly outs: number[] = [];
  private readonly scoped: boolean;

  constructor(options: GenerateOptions = {}) { this.scoped = options.scoped ?? true; }

  get nodes(): number { return this.node.name.length; }

  /** A value without producer. */
  source(kind: ValueKind, name: string, type = 'float32 8×64'): number {
    this.val.name.push(this.text(name));
    this.val.producer.push(-1);
    this.val.kind.push(VALUE_KINDS.indexOf(kind));
    this.val.type.push(this.text(type));
    return this.val.name.length - 1;
  }

  /** A node named `scope/op` (with a number if that is taken by the caller's `name`); gives its output value. */
  add(op: string, scope: string, inputs: readonly number[], more: { name?: string; backwardOf?: number; mark?: number; type?: string } = {}): number {
    const at = this.nodes;
    const full = this.scoped ? (scope ? `${scope}/` : '') + (more.name ?? op) : `${op}_${at}`;
    this.node.name.push(this.text(full));
    this.node.op.push(this.text(op));
    this.node.scope.push(this.scoped ? this.scopeOf(scope) : 0);
    this.node.backwardOf.push(more.backwardOf ?? -1);
    this.node.mark.push(more.mark ?? 0);
    inputs.forEach((value, input) => {
      this.use.value.push(value);
      this.use.node.push(at);
      this.use.input.push(input);
    });
    this.val.name.push(this.text(`${full}:0`));
    this.val.producer.push(at);
    this.val.kind.push(0);
    this.val.type.push(this.text(more.type ?? 'float32 8×64'));
    return this.val.name.length - 1;
  }

  output(value: number): void { this.outs.push(value); }

  build(title: string): DrawingGraph {
    const { node, val, use } = this;
    return {
      title,
      strings: this.strings,
      nodes: {
        name: Uint32Array.from(node.name), op: Uint32Array.from(node.op), scope: Uint32Array.from(node.scope),
        backwardOf: Int32Array.from(node.backwardOf), mark: Uint8Array.from(node.mark),
      },
      scopes: { name: Uint32Array.from(this.scopeNames), parent: Int32Array.from(this.scopeParents) },
      values: { name: Uint32Array.from(val.name), producer: Int32Array.from(val.producer), kind: Uint8Array.from(val.kind), type: Uint32Array.from(val.type) },
      uses: { value: Uint32Array.from(use.value), node: Uint32Array.from(use.node), input: Int32Array.from(use.input) },
      outputs: Uint32Array.from(this.outs),
    };
  }

  private text(s: string): number {
    let i = this.stringIndex.get(s);
    if (i === undefined) this.stringIndex.set(s, (i = this.strings.push(s) - 1));
    return i;
  }

  private scopeOf(path: string): number {
    const known = this.scopeIndex.get(path);
    if (known !== undefined) return known;
    const cut = path.lastIndexOf('/'), parent = cut < 0 ? 0 : this.scopeOf(path.slice(0, cut));
    this.scopeNames.push(this.text(path.slice(cut + 1)));
    this.scopeParents.push(parent);
    this.scopeIndex.set(path, this.scopeNames.length - 1);
    return this.scopeNames.length - 1;
  }
}

/**
 * A graph with about `nodes` nodes (within one block of it) and its loss value.
 * Residual: stages of Conv BN Relu Conv BN Add Relu. Transformer: decomposed LayerNorm and GELU, one mask for all layers.
 * Training: residual forward, loss, `gradients/…_grad`, momentum updates.
 */
export function generate(kind: GeneratorKind, nodes: number, options: GenerateOptions = {}): { graph: DrawingGraph; target: number } {
  const b = new DrawingBuilder(options);
  const target = kind === 'residual' ? residual(b, nodes) : kind === 'transformer' ? transformer(b, nodes) : training(b, nodes);
  return { graph: b.build(`${kind}-${nodes}`), target };
}

function residual(b: DrawingBuilder, nodes: number): number {
  const images = b.source('input', 'images', 'float32 8×3×224×224'), labels = b.source('input', 'labels', 'int64 8');
  let x = conv(b, 'stem', images);
  x = b.add('MaxPool', 'stem', [b.add('Relu', 'stem', [norm(b, 'stem', x)])]);
  const blocks = Math.max(1, Math.round((nodes - 13) / 7)), stages = Math.min(4, blocks);
  for (let stage = 0; stage < stages; stage++) {
    const count = Math.floor(((stage + 1) * blocks) / stages) - Math.floor((stage * blocks) / stages);
    for (let i = 0; i < count; i++) {
      const s = `layer${stage + 1}/block_${i}`;
      const h = b.add('Relu', s, [norm(b, s, conv(b, s, x, 'conv1'), 'bn1')], { name: 'relu1' });
      const y = norm(b, s, conv(b, s, h, 'conv2'), 'bn2');
      const skip = i === 0 && stage > 0 ? norm(b, s, conv(b, s, x, 'downsample'), 'bn_down') : x;
      x = b.add('Relu', s, [b.add('Add', s, [y, skip])]);
    }
  }
  x = b.add('Flatten', 'head', [b.add('GlobalAveragePool', 'head', [x])]);
  x = b.add('Gemm', 'head', [x, b.source('parameter', 'head/weight'), b.source('parameter', 'head/bias')]);
  return loss(b, x, labels);
}

function conv(b: DrawingBuilder, s: string, x: number, name = 'conv'): number {
  return b.add('Conv', s, [x, b.source('parameter', `${s}/${name}/weight`)], { name });
}
function norm(b: DrawingBuilder, s: string, x: number, name = 'bn'): number {
  return b.add('BatchNormalization', s, [x, ...['scale', 'bias', 'mean', 'var'].map((p, i) => b.source(i < 2 ? 'parameter' : 'constant', `${s}/${name}/${p}`))], { name });
}
function loss(b: DrawingBuilder, x: number, labels: number): number {
  const l = b.add('ReduceMean', 'loss', [b.add('NegativeLogLikelihoodLoss', 'loss', [b.add('LogSoftmax', 'loss', [x]), labels])], { type: 'float32 scalar' });
  b.output(l);
  return l;
}

function layerNorm(b: DrawingBuilder, s: string, x: number): number {
  const centred = b.add('Sub', s, [x, b.add('ReduceMean', s, [x])]);
  const std = b.add('Sqrt', s, [b.add('Add', s, [b.add('ReduceMean', s, [b.add('Pow', s, [centred, b.source('constant', `${s}/two`)])], { name: 'var' }), b.source('constant', `${s}/eps`)])]);
  const y = b.add('Mul', s, [b.add('Div', s, [centred, std]), b.source('parameter', `${s}/gamma`)]);
  return b.add('Add', s, [y, b.source('parameter', `${s}/beta`)], { name: 'shift' });
}
function linear(b: DrawingBuilder, s: string, x: number): number {
  return b.add('Add', s, [b.add('MatMul', s, [x, b.source('parameter', `${s}/kernel`)]), b.source('parameter', `${s}/bias`)]);
}
function gelu(b: DrawingBuilder, s: string, x: number): number {
  const half = b.source('constant', `${s}/half`);
  const erf = b.add('Erf', s, [b.add('Div', s, [x, b.source('constant', `${s}/sqrt2`)])]);
  return b.add('Mul', s, [b.add('Mul', s, [x, half], { name: 'scaled' }), b.add('Add', s, [erf, b.source('constant', `${s}/one`)])]);
}

function transformer(b: DrawingBuilder, nodes: number): number {
  const ids = b.source('input', 'input_ids', 'int64 8×128'), given = b.source('input', 'attention_mask', 'int64 8×128'), labels = b.source('input', 'labels', 'int64 8');
  const mask = b.add('Mul', 'mask', [b.add('Sub', 'mask', [b.add('Cast', 'mask', [b.add('Unsqueeze', 'mask', [given])])])]);
  const position = b.add('Gather', 'embeddings/position', [b.add('Slice', 'embeddings/position', [b.add('Shape', 'embeddings/position', [ids], { type: 'int64 2' })], { type: 'int64 2' }), b.source('parameter', 'embeddings/position/table')]);
  let x = layerNorm(b, 'embeddings/norm', b.add('Add', 'embeddings', [b.add('Gather', 'embeddings/word', [b.source('parameter', 'embeddings/word/table'), ids]), position]));
  const before = b.nodes, perLayer = 51, layers = Math.max(1, Math.round((nodes - before - 8) / perLayer));
  for (let i = 0; i < layers; i++) {
    const s = `encoder/layer_${i}`, a = `${s}/attention`;
    const [q, k, v] = ['query', 'key', 'value'].map(n => b.add('Transpose', `${a}/${n}`, [b.add('Reshape', `${a}/${n}`, [linear(b, `${a}/${n}`, x)])]));
    const scores = b.add('Div', a, [b.add('MatMul', a, [q!, b.add('Transpose', a, [k!])], { name: 'scores' }), b.source('constant', `${a}/scale`)]);
    const p = b.add('Softmax', a, [b.add('Add', a, [scores, mask])]);
    const o = b.add('Reshape', a, [b.add('Transpose', a, [b.add('MatMul', a, [p, v!])], { name: 'merge' })]);
    x = layerNorm(b, `${a}/output/norm`, b.add('Add', `${a}/output`, [linear(b, `${a}/output/dense`, o), x]));
    const h = gelu(b, `${s}/intermediate/gelu`, linear(b, `${s}/intermediate`, x));
    x = layerNorm(b, `${s}/output/norm`, b.add('Add', `${s}/output`, [linear(b, `${s}/output/dense`, h), x]));
  }
  const pooled = b.add('Tanh', 'pooler', [linear(b, 'pooler', b.add('Gather', 'pooler', [x]))]);
  return loss(b, linear(b, 'classifier', pooled), labels);
}

function training(b: DrawingBuilder, nodes: number): number {
  interface Step { readonly node: number; readonly x: number[]; readonly y: number; readonly scope: string; readonly op: string; readonly weight?: number }
  const steps: Step[] = [];
  const forward = (op: string, scope: string, x: number[], weight?: number): number => {
    const node = b.nodes, y = b.add(op, scope, weight === undefined ? x : [...x, weight]);
    steps.push({ node, x, y, scope, op, ...(weight === undefined ? {} : { weight }) });
    return y;
  };
  const images = b.source('input', 'images'), labels = b.source('input', 'labels', 'int64 8'), rate = b.source('input', 'learning_rate', 'float32 scalar');
  const perBlock = 24, blocks = Math.max(1, Math.round((nodes - 14) / perBlock));
  let x = forward('MatMul', 'stem', [images], b.source('parameter', 'stem/kernel'));
  for (let i = 0; i < blocks; i++) {
    const s = `tower/block_${i}`;
    let h = forward('MatMul', s, [x], b.source('parameter', `${s}/kernel`));
    h = forward('BiasAdd', s, [h], b.source('parameter', `${s}/bias`));
    h = forward('Relu', s, [h]);
    h = forward('Mul', s, [h], b.source('parameter', `${s}/gain`));
    x = forward('AddV2', s, [h, x]);
  }
  x = forward('MatMul', 'logits', [x], b.source('parameter', 'logits/kernel'));
  const out = forward('SparseSoftmaxCrossEntropyWithLogits', 'loss', [x, labels]), l = forward('Mean', 'loss', [out]);
  b.output(l);

  const pending = new Map<number, number[]>([[l, [b.add('Fill', 'gradients', [b.add('Shape', 'gradients', [l], { type: 'int32 0' })])]]]);
  const momentum: { name: string; weight: number; gradient: number }[] = [];
  for (const step of steps.toReversed()) {
    const arrived = pending.get(step.y);
    if (!arrived) continue;
    const of = `gradients/${step.scope}/${step.op}_grad`, twin = { backwardOf: step.node };
    const dy = arrived.length > 1 ? b.add('AddN', 'gradients', arrived, { name: `AddN_${step.node}` }) : arrived[0]!;
    const local = step.op === 'Relu' ? b.add('ReluGrad', of, [dy, step.y], twin) : dy;
    step.x.forEach((value, i) => {
      if (value === labels || value === images) return;
      const dx = step.op === 'Relu' ? local : b.add(step.op === 'MatMul' ? 'MatMul' : 'Mul', of, step.op === 'AddV2' ? [dy] : [dy, step.weight ?? step.x[i]!], { ...twin, name: `dx_${i}` });
      pending.set(value, [...(pending.get(value) ?? []), dx]);
    });
    if (step.weight !== undefined) {
      let dw = b.add(step.op === 'MatMul' ? 'MatMul' : 'Mul', of, [dy, step.x[0]!], { ...twin, name: 'dw' });
      dw = b.add('Reshape', of, [b.add('Sum', of, [dw], twin)], twin);
      momentum.push({ name: `${step.scope}/${step.op}`, weight: step.weight, gradient: dw });
    }
  }
  for (const { name, weight, gradient } of momentum)
    b.add('ApplyMomentum', `train/Momentum/update_${name}`, [weight, b.source('constant', `${name}/Momentum`), rate, gradient, b.source('constant', 'train/Momentum/momentum')]);
  return l;
}

/**
 * Plausible results: norms that fall (or grow) with the distance from the loss, with noise; every so often a zero, a blocked or
 * not differentiable value, and one NaN if `alarms`.
 */
export function generateResults(graph: DrawingGraph, target: number, seed = 1, alarms = true): DrawingResults {
  const next = random(seed), n = graph.values.name.length, m = graph.uses.value.length, nodes = graph.nodes.name.length;
  const code = (s: (typeof STATUSES)[number]) => STATUSES.indexOf(s);
  const r = {
    revision: 1, target,
    valueStatus: new Uint8Array(n).fill(UNKNOWN_STATUS), valueNorm: new Float64Array(n), forwardNorm: new Float64Array(n), valueAbsMax: new Float64Array(n),
    valueZeroShare: new Float32Array(n), valueCount: new Float64Array(n), useStatus: new Uint8Array(m).fill(UNKNOWN_STATUS), useNorm: new Float64Array(m),
  };
  const rate = 6 / nodes;
  const place = (v: number) => graph.values.producer[v]!;
  for (let v = 0; v < n; v++) {
    const kind = VALUE_KINDS[graph.values.kind[v]!]!, depth = place(v);
    r.forwardNorm[v] = 1 + 9 * next();
    r.valueCount[v] = 512;
    const chance = next();
    if (kind === 'constant') continue;
    const type = graph.strings[graph.values.type[v]!]!;
    if (type.startsWith('int')) r.valueStatus[v] = code('not-differentiable');
    else if (chance < 0.01) r.valueStatus[v] = code('zero');
    else if (chance < 0.015) r.valueStatus[v] = code('blocked');
    else {
      r.valueStatus[v] = code('computed');
      r.valueNorm[v] = 10 ** (-(nodes - Math.max(0, depth)) * rate + next());
      r.valueAbsMax[v] = r.valueNorm[v]! / 4;
    }
    r.valueZeroShare[v] = r.valueStatus[v] === code('zero') ? 1 : next() * 0.5;
  }
  r.valueNorm[target] = 1;
  if (alarms && n > 20) r.valueNorm[graph.uses.value[Math.floor(m / 3)]!] = NaN;
  for (let u = 0; u < m; u++) {
    const v = graph.uses.value[u]!;
    r.useStatus[u] = r.valueStatus[v]!;
    r.useNorm[u] = r.valueNorm[v]! * (0.5 + 0.5 * next());
  }
  return r;
}

/** The same graph with a stop before the given share of its nodes marked, for tests of marks. */
export function withStops(graph: DrawingGraph, every: number): DrawingGraph {
  const mark = graph.nodes.mark.slice();
  for (let n = every; n < mark.length; n += every) mark[n] = NodeMark.stopGradient | NodeMark.cutsOnlyPath;
  return { ...graph, nodes: { ...graph.nodes, mark } };
}
