import { createHash } from 'node:crypto';
import { UserError } from '../../kernels/graph/errors.ts';
import { GraphBuilder } from '../../kernels/graph/builder.ts';
import type { Graph } from '../../kernels/graph/graph.ts';

import { staticShape, tensor, type DType, type TensorType, type ValueType } from '../../kernels/graph/types.ts';
import { differentiate, valuesOf, type Differentiated } from '../../kernels/autodiff/differentiate.ts';
import { withTarget, type TargetForm } from '../../kernels/autodiff/target.ts';

import { rolesOf, type Role } from '../../kernels/findings/roles.ts';
import { firstGradientNode, neededBy, withoutGradientNode } from '../../kernels/autodiff/gradientNodes.ts';
import { pruned } from '../../kernels/graph/passes.ts';
import { canonical } from '../../kernels/lowering/onnx/canonical.ts';
import { widenHalf } from '../../kernels/lowering/onnx/precision.ts';
import { recogniseStops } from '../../kernels/lowering/onnx/stops.ts';
import type { Lowered } from '../../kernels/lowering/tensorflow/lower.ts';
import { viewOf, type TensorFlowView } from '../../kernels/lowering/tensorflow/view.ts';
import { OPERATORS } from '../../kernels/operators/index.ts';
import type { ConventionName } from '../../kernels/operators/conventions.ts';
import { inferTypes, inferWith } from '../../kernels/operators/infer.ts';
import { needsExact, readSummary, type TensorSummary } from '../../kernels/statistics/summaries.ts';
import { inlineFunctions } from '../formats/onnx/inlineFunctions.ts';
import { writeModel } from '../formats/onnx/writer.ts';
import { openModel, type LoadedModel, type OpenOptions } from '../formats/model.ts';
import type { GradientReport, InputReport } from '../protocol.ts';
import type { RuntimeClient } from '../runtime/client.ts';
import { RuntimeDied } from '../runtime/errors.ts';
import type { TensorValue } from '../runtime/protocol.ts';
import { bindInputs, numbersOf, type BoundInputs } from './inputs.ts';
import { planRun, probeGraph, unmeasured, type RunPlan } from './prepare.ts';
import { buildReport } from './report.ts';
import { fileName, inTheFilesNames, loweredFile, loweredFor, optimizerReport, signatureOf, withOutputs, withStep, type Stepping } from './tensorflow.ts';
import { defaultTarget, parseTarget, type ChosenTarget } from './targets.ts';

export interface RunOptions {
  /** `NAME` or `NAME[0,281]`; without it the file's own loss. */
  readonly target?: string;
  /** Another form than the sum: a loss put on the target. */
  readonly form?: TargetForm;
  /** Start values by output instead of a target. */
  readonly cotangents?: ReadonlyMap<string, TensorValue | 'ones'>;
  /** Values of inputs by name; an unknown name is an error. */
  readonly inputs?: ReadonlyMap<string, TensorValue>;
  /** Values from an archive: those whose names are inputs are used. */
  readonly archive?: ReadonlyMap<string, TensorValue>;
  /** Tensors that the form of the target names (labels, values to compare with). */
  readonly extra?: ReadonlyMap<string, TensorValue>;
  readonly dims?: ReadonlyMap<string, number>;
  readonly seed?: number;
  readonly stops?: readonly string[];
  readonly unstops?: readonly string[];
  /** Default: by the file's origin. */
  readonly conventions?: ConventionName;
  /** Only these values' gradients. */
  readonly of?: readonly string[];
  readonly provider?: 'cpu' | 'cuda';
  readonly threads?: number;
  /** Seconds; 0 = none. */
  readonly timeout?: number;
  readonly repeat?: number;
  /** Whole tensors to bring back: gradients of these values, forward values of these. */
  readonly whole?: { readonly gradients: readonly string[] | 'all'; readonly forward: readonly string[] | 'all' };
  /** TensorFlow: nodes that are run for what they change; `file`: the training step that the file names, else what the target itself changes. */
  readonly step?: readonly string[] | 'file';
  readonly signal?: AbortSignal;
  readonly progress?: (stage: Stage) => void;
}
/** The forward graph with the values that variables have after the step. */
interface Forward {
  readonly graph: Graph;
  readonly updates: ReadonlyMap<string, string>;
}
export type Stage = 'probing' | 'differentiating' | 'building' | 'running' | 'refining';

export interface RunResult {
  readonly report: GradientReport;
  readonly gradients: ReadonlyMap<string, TensorValue>;
  readonly forward: ReadonlyMap<string, TensorValue>;
  /** With `step` and `whole`: variable → what the step adds to it. */
  readonly deltas: ReadonlyMap<string, TensorValue>;
}

/** Elements that a fed vector of integers may have to be taken for sizes; longer ones are token ids and the like, which change from run to run. */
const FED_SIZES = 8;

/** One open model, from file to report. The one place that knows the whole way; it knows no screen. */
export class GradientSession {
  private readonly forwardCache = new Map<string, Forward>();
  private readonly weightSummaries = new Map<string, TensorSummary>();

  private constructor(
    readonly model: LoadedModel,
    /** As the person sees it: functions inlined, stops recognised, operators as in the file. */
    readonly graph: Graph,
    /** The same in canonical ONNX; a TensorFlow graph is lowered for each run, from its view. */
    private readonly onnx: Graph | undefined,
    private readonly runtime: RuntimeClient,
    private readonly view?: TensorFlowView,
  ) {}

  /** Reads a model's structure, never its weights. */
  static async open(path: string, runtime: RuntimeClient, options: OpenOptions & { readonly signature?: string } = {}): Promise<GradientSession> {
    const model = await openModel(path, options);
    if (model.tensorflow) {
      const view = viewOf(model.tensorflow, signatureOf(model.tensorflow, options.signature));
      return new GradientSession(model, view.graph, undefined, runtime, view);
    }
    const graph = recogniseStops(inlineFunctions(model.graph));
    return new GradientSession(model, graph, canonical(graph), runtime);
  }

  private knownRoles: ReadonlyMap<string, Role> | undefined;
  private knownTypes: Graph | undefined;

  get roles(): ReadonlyMap<string, Role> { return (this.knownRoles ??= rolesOf(this.graph)); }

  /** The conventions of the framework that wrote the file. */
  get conventions(): ConventionName {
    const { producer } = this.model;
    return /pytorch|torch/i.test(producer) ? 'torch' : /tensorflow|tf2onnx|keras/i.test(producer) || this.model.format !== 'onnx' ? 'tensorflow' : 'default';
  }

  /** Types as far as they follow from the file alone. */
  get typed(): Graph { return (this.knownTypes ??= inferTypes(this.lowered, OPERATORS)); }

  /** The file's graph in ONNX, as far as it follows from the file alone. */
  private get lowered(): Graph { return this.onnx ?? this.lowering!.graph; }
  private get lowering(): Lowered | undefined { return this.view && (this.knownLowering ??= loweredFile(this.view)); }
  private knownLowering: Lowered | undefined;

  /** Nodes of a TensorFlow file that have no form in ONNX, whatever is fed; only what depends on them cannot be computed. */
  get notLowered(): { node: string; op: string }[] {
    const nodes = new Map([...(this.lowering?.missing.values() ?? [])].filter(m => !m.waits).map(m => [m.node, m.op]));
    return [...nodes].map(([node, op]) => ({ node, op }));
  }

  /** @throws UserError: what is wrong with the call, what has no gradient and was required, what failed in the run; with the dimensions that were guessed */
  async run(wished: RunOptions = {}): Promise<RunResult> {
    const guessed: string[] = [];
    try {
      return await this.compute(wished, guessed);
    } catch (error) {
      if (!guessed.length || !(error instanceof UserError) || error.code !== 'run' || error instanceof RuntimeDied) throw error;
      throw new UserError(error.code, error.message, `Dimensions were set to 1: ${guessed.join(', ')}; that may be too small. Give them with --dim NAME=N.`, error.place);
    }
  }

  private async compute(wished: RunOptions, guessed: string[]): Promise<RunResult> {
    const options = withStep(this.view ? inTheFilesNames(wished, this.view) : wished, this.view), conventions = options.conventions ?? this.conventions;
    this.checkNames(options);
    const inputs = new Map([...(options.archive ?? [])].filter(([name]) => this.graph.inputs.some(i => i.name === name)));
    for (const [name, value] of options.inputs ?? []) inputs.set(name, value);
    const typed = this.typedWith(inputs), bound = bindInputs(typed, inputs, options.dims ?? new Map(), options.seed ?? 0);
    guessed.push(...bound.defaulted);
    const notes = notesOn(bound);
    const feeds = new Map(bound.feeds);
    const early = this.view && this.chooseTarget(withOutputs(inferTypes(typed, OPERATORS, givenTypes(bound), bound.dims), this.graph), options);
    const roots = [...(early ? [early.value] : []), ...(options.cotangents?.keys() ?? []), ...(options.whole && options.whole.forward !== 'all' ? options.whole.forward : [])];
    const { graph: complete, updates } = await this.forwardGraph(bound, conventions, options, notes, roots);
    let forward = complete;
    const target = early ?? this.chooseTarget(forward, options);
    let chosen: ChosenTarget | undefined, seeds: { value: string; cotangent?: string }[];
    if (options.cotangents?.size) {
      [forward, seeds] = withCotangents(forward, options.cotangents, feeds);
    } else {
      chosen = target!;
      forward = withExtra(forward, options.extra ?? new Map(), feeds);
      const made = withTarget(forward, inferWith(OPERATORS), chosen.value, chosen.form);
      forward = made.graph;
      seeds = [{ value: made.target }];
    }
    options.progress?.('differentiating');
    const before = performance.now();
    const d = differentiate(forward, {
      targets: seeds, registry: OPERATORS, conventions,
      ...(options.of && { of: options.of }), stops: options.stops ?? [], unstops: options.unstops ?? [],
    });
    const differentiateMs = performance.now() - before;
    const mine = valuesOf(this.graph), whole = wholeValues(options, d, mine), stepped = withDeltas(d.graph, updates);
    if (options.step && !updates.size) notes.push('Nothing that was run changes a variable.');
    const names = [...summarised(d, mine), ...stepped.deltas.values(), ...(chosen ? [seeds[0]!.value] : [])], isWeight = (v: string) => this.graph.initializers.has(v) && !feeds.has(v);
    const weights = await this.measureWeights(d.graph, names.filter(isWeight), conventions, options);
    const measured = await this.measure(stepped.graph, names.filter(v => !isWeight(v)), [...whole.names, ...(options.whole ? stepped.deltas.values() : [])], feeds, conventions, options);
    const { outputs, runMs } = measured, createMs = weights.createMs + measured.createMs, summaries = new Map([...this.weightSummaries, ...measured.summaries]);
    const losses = seeds.map(s => summaries.get(s.value)).filter(s => s !== undefined);
    const report = buildReport({
      session: this, differentiated: d, summaries, conventions, notes, userStops: options.stops ?? [],
      target: chosen ? targetName(chosen) : seeds.map(s => s.value).join(', '),
      ...(chosen?.why && { targetWhy: chosen.why }),
      loss: chosen ? lossOf(losses[0]) : NaN,
      provider: options.provider ?? 'cpu',
      inputs: inputReports(bound),
      timing: { readMs: this.model.readMs, differentiateMs, sessionMs: createMs, runMs },
    });
    const optimizer = this.view ? optimizerReport(this.view, stepped.deltas, updates, v => d.gradients.get(v)?.gradient, summaries) : [];
    return { report: { ...report, optimizer }, gradients: pick(whole.gradients, outputs), forward: pick(whole.forward, outputs), deltas: pick(stepped.deltas, outputs) };
  }

  /** The name that the file's graph has for a value: `x:0`, a key of a signature or a checkpoint, a variable's name in Python. */
  nameOf(name: string): string { return this.view ? fileName(this.view, name) : name; }

  /** As `typed`, with inputs for values of a TensorFlow graph that are fed although the graph computes them. */
  private typedWith(fed: ReadonlyMap<string, TensorValue>): Graph {
    const more = new Map([...fed].filter(([n]) => !this.graph.inputs.some(i => i.name === n)).map(([n, v]) => [n, tensor(v.dtype, v.dims)]));
    return this.view && more.size ? inferTypes(loweredFile(this.view, more).graph, OPERATORS) : this.typed;
  }

  private checkNames(options: RunOptions): void {
    const known = new Set(valuesOf(this.graph)), nodes = new Set(this.graph.nodes.map(n => n.name));
    const check = (names: readonly string[], what: string, alsoNodes: boolean) => {
      for (const n of names) if (!known.has(n) && !(alsoNodes && nodes.has(n))) throw new UserError('usage', `the model has no value named ${n} (${what})`, 'Names are those of the file.', { file: this.model.path });
    };
    check(options.of ?? [], '--of', false);
    check(options.stops ?? [], '--stop', false);
    check(options.unstops ?? [], '--unstop', true);
    check([...(options.cotangents?.keys() ?? [])], '--cotangent', false);
  }

  private chooseTarget(graph: Graph, options: RunOptions): ChosenTarget | undefined {
    if (options.cotangents?.size) return undefined;
    if (options.target === undefined) {
      const found = defaultTarget(graph);
      return options.form ? { ...found, form: options.form } : found;
    }
    const values = new Set(valuesOf(this.graph)), parsed = parseTarget(options.target, n => values.has(n));
    return options.form ? { value: parsed.value, form: options.form } : parsed;
  }

  /** The graph with every type concrete: by inference, and where that ends by one run of the forward pass. */
  private async forwardGraph(bound: BoundInputs, conventions: ConventionName, options: Stepping<RunOptions>, notes: string[], roots: readonly string[]): Promise<Forward> {
    const given = givenTypes(bound);
    const key = JSON.stringify([[...given], [...bound.dims], options.provider, this.view ? [roots, options.step] : firstGradientNode(this.lowered) && conventions]);
    const cached = this.forwardCache.get(key);
    if (cached) return cached;
    const { lowered, measured, updates } = this.view ? await this.lowerView(this.view, roots, given, bound, conventions, options, notes) : { lowered: this.lowered, measured: false, updates: new Map<string, string>() };
    const widened = widenHalf(inferTypes(lowered, OPERATORS, given, bound.dims));
    if (widened.why) notes.push(widened.why);
    let graph = inferTypes(widened.graph, OPERATORS, given, bound.dims);
    for (let node = firstGradientNode(graph); node; node = firstGradientNode(graph)) {
      const open = unmeasured(pruned(graph, neededBy(node)));
      if (open.length) graph = await this.probe(graph, open, bound, conventions, options, given);
      graph = withoutGradientNode(graph, node, OPERATORS, conventions);
    }
    const unknown = unmeasured(graph);
    if (unknown.length) graph = await this.probe(graph, unknown, bound, conventions, options, given);
    if (this.forwardCache.size > 4) this.forwardCache.clear();
    // What hangs on measured numbers holds for these inputs only.
    const forward = { graph, updates };
    if (!measured) this.forwardCache.set(key, forward);
    return forward;
  }

  private async lowerView(view: TensorFlowView, roots: readonly string[], given: ReadonlyMap<string, ValueType>, bound: BoundInputs, conventions: ConventionName, options: Stepping<RunOptions>, notes: string[]): Promise<{ lowered: Graph; measured: boolean; updates: ReadonlyMap<string, string> }> {
    let measured = false;
    const lowered = await loweredFor(view, roots, given, this.model.path, async (graph, shapes, elements) => {
      options.progress?.('probing');
      measured = true;
      const probe = probeGraph(canonical(graph), [...shapes, ...elements], conventions), names = [...probe.shapes.values(), ...elements];
      const { outputs } = await this.execute({ graph: probe.graph, summaries: [], outputs: names }, bound.feeds, options);
      const found = new Map<string, TensorType>();
      for (const [value, shape] of probe.shapes) {
        const type = graph.types.get(value), dtype = elements.includes(value) ? outputs[value]!.dtype : type?.kind === 'tensor' ? type.dtype : undefined;
        if (dtype) found.set(value, tensor(dtype, Array.from(numbersOf(outputs[shape]!)), elements.includes(value) ? Array.from(numbersOf(outputs[value]!)) : undefined));
      }
      return found;
    }, options.step);
    for (const [variable, after] of lowered.updates) {
      const why = lowered.missing.get(after);
      if (why) notes.push(`What the step does to ${variable} is not known: ${why.op} at node ${why.node} is not supported (${why.why}).`);
    }
    return { lowered: canonical(lowered.graph), measured, updates: lowered.updates };
  }

  private async probe(graph: Graph, unknown: readonly string[], bound: BoundInputs, conventions: ConventionName, options: RunOptions, given: ReadonlyMap<string, ValueType>): Promise<Graph> {
    options.progress?.('probing');
    const probe = probeGraph(graph, unknown, conventions), names = [...probe.shapes.values()];
    const { outputs, metadata } = await this.execute({ graph: probe.graph, summaries: [], outputs: names }, bound.feeds, options);
    const types = new Map(graph.types);
    for (const [value, output] of probe.shapes) {
      const dtype = metadata.get(value) ?? (graph.types.get(value)?.kind === 'tensor' ? (graph.types.get(value) as { dtype: DType }).dtype : undefined);
      if (dtype && outputs[output]) types.set(value, tensor(dtype, Array.from(numbersOf(outputs[output]!))));
    }
    return inferTypes({ ...graph, types }, OPERATORS, given, bound.dims);
  }

  private async execute(plan: RunPlan, feeds: ReadonlyMap<string, TensorValue>, options: RunOptions): Promise<{ outputs: Record<string, TensorValue>; createMs: number; runMs: number; metadata: Map<string, DType>; key: string }> {
    options.progress?.('building');
    const { bytes, folder } = writeModel(plan.graph);
    // Every value between two nodes is looked at, so that ONNX Runtime has nothing to fuse; trying took it most of the time to create a session.
    const provider = options.provider ?? 'cpu', key = createHash('sha1').update(bytes).update(`${folder ?? ''}:${provider}:${options.threads ?? ''}`).digest('hex');
    const common = { ...(options.signal && { signal: options.signal }), ...(options.timeout && { timeLimitMs: options.timeout * 1000 }) };
    const session = await this.runtime.createSession({ key, model: bytes, provider, optimization: 'disabled', ...(folder !== undefined && { folder }), ...(options.threads && { threads: options.threads }) }, common).catch(error => { throw this.withNode(error); });
    options.progress?.('running');
    const needed = new Set(plan.graph.inputs.map(i => i.name));
    const feed = Object.fromEntries([...feeds].filter(([n]) => needed.has(n)));
    const { outputs, runMs } = await this.runtime.run({ sessionId: session.sessionId, feeds: feed, fetches: [...plan.outputs], ...(options.repeat && { repeat: options.repeat }) }, common);
    const metadata = new Map(session.outputs.flatMap(o => (o.dtype ? [[o.name, o.dtype] as const] : [])));
    return { outputs, createMs: session.createMs, runMs, metadata, key };
  }

  /** ONNX Runtime tells the operator that it does not know, not where it stands. */
  private withNode(error: unknown): unknown {
    if (!(error instanceof UserError) || !error.place.op || error.place.node) return error;
    const node = this.graph.nodes.find(n => n.op === error.place.op);
    return node ? new UserError(error.code, error.message, error.remedy, { ...error.place, node: node.name, file: this.model.path }) : error;
  }

  /** Weights do not change from run to run: their summaries are computed once, and their session is closed again. */
  private async measureWeights(graph: Graph, weights: readonly string[], conventions: ConventionName, options: RunOptions): Promise<{ createMs: number }> {
    const missing = weights.filter(w => !this.weightSummaries.has(w));
    if (!missing.length) return { createMs: 0 };
    const { summaries, createMs, key } = await this.measure({ ...graph, inputs: [] }, missing, [], new Map(), conventions, { ...options, repeat: 1 });
    if (key !== undefined) await this.runtime.release(key);
    for (const [name, summary] of summaries) this.weightSummaries.set(name, summary);
    return { createMs };
  }

  /** One run for the summaries of the named values, and a second for those whose cheap figures do not tell the truth. */
  private async measure(graph: Graph, values: readonly string[], whole: readonly string[], feeds: ReadonlyMap<string, TensorValue>, conventions: ConventionName, options: RunOptions): Promise<Measured> {
    const bytes = options.provider !== 'cuda', plan = planRun(graph, values, whole, conventions, { bytes }), summaries = new Map<string, TensorSummary>();
    if (!plan.outputs.length) return { summaries, outputs: {}, createMs: 0, runMs: 0 };
    const { outputs, createMs, runMs, key } = await this.execute(plan, feeds, options);
    for (const s of plan.summaries) summaries.set(s.value, readSummary(s, numbersOf(outputs[s.output]!)));
    const poor = plan.summaries.filter(s => needsExact(s, summaries.get(s.value)!)).map(s => s.value);
    if (poor.length) {
      options.progress?.('refining');
      const exact = planRun(graph, poor, [], conventions, { exact: true }), again = await this.execute(exact, feeds, { ...options, repeat: 1 });
      for (const s of exact.summaries) summaries.set(s.value, readSummary(s, numbersOf(again.outputs[s.output]!)));
    }
    return { summaries, outputs, createMs, runMs, key };
  }
}

interface Measured {
  readonly summaries: ReadonlyMap<string, TensorSummary>;
  readonly outputs: Readonly<Record<string, TensorValue>>;
  readonly createMs: number;
  readonly runMs: number;
  /** Of the session that was run. */
  readonly key?: string;
}

function givenTypes(bound: BoundInputs): Map<string, ValueType> {
  return new Map<string, ValueType>([...bound.feeds].map(([n, v]) => [n, fedType(v)]));
}

/** Sizes that are fed (a shape, axes, a number of rows) are known before the run, as if they stood in the file. */
function fedType(v: TensorValue): ValueType {
  const sizes = (v.dtype === 'int64' || v.dtype === 'int32') && v.dims.length <= 1 && (v.dims[0] ?? 1) <= FED_SIZES;
  return tensor(v.dtype, v.dims, sizes ? Array.from(numbersOf(v)) : undefined);
}

function notesOn(bound: BoundInputs): string[] {
  const notes: string[] = [];
  if (bound.generated.size) notes.push(`Inputs generated: ${[...bound.generated].join(', ')}.`);
  if (bound.defaulted.length) notes.push(`Dimensions set to 1: ${bound.defaulted.join(', ')}.`);
  return notes;
}

function withCotangents(graph: Graph, cotangents: ReadonlyMap<string, TensorValue | 'ones'>, feeds: Map<string, TensorValue>): [Graph, { value: string; cotangent?: string }[]] {
  const seeds: { value: string; cotangent?: string }[] = [], inputs = [...graph.inputs], types = new Map(graph.types);
  for (const [value, start] of cotangents) {
    if (start === 'ones') {
      seeds.push({ value });
      continue;
    }
    const shape = staticShape(types.get(value));
    if (shape && (shape.length !== start.dims.length || shape.some((d, i) => d !== start.dims[i]))) {
      throw new UserError('usage', `${value} has shape [${shape}], and its cotangent [${start.dims}]`, 'Give a cotangent of the shape of the value.');
    }
    const name = `adjoint.cotangent.${value}`, type = tensor(start.dtype, start.dims);
    inputs.push({ name, type });
    types.set(name, type);
    feeds.set(name, start);
    seeds.push({ value, cotangent: name });
  }
  return [{ ...graph, inputs, types }, seeds];
}

/** Adds what a step changes: the new value of each variable minus the old one. What could not be lowered is left out. */
function withDeltas(graph: Graph, updates: ReadonlyMap<string, string>): { graph: Graph; deltas: ReadonlyMap<string, string> } {
  const deltas = new Map<string, string>();
  if (!updates.size) return { graph, deltas };
  const g = new GraphBuilder(graph, inferWith(OPERATORS));
  for (const [variable, after] of updates) {
    const t = graph.types.get(after);
    if (t?.kind === 'tensor' && t.dtype !== 'bool' && t.dtype !== 'string' && graph.types.has(variable)) deltas.set(variable, g.op('Sub', [g.tensor(after), g.tensor(variable)]).name);
  }
  return { graph: g.build(), deltas };
}

function withExtra(graph: Graph, extra: ReadonlyMap<string, TensorValue>, feeds: Map<string, TensorValue>): Graph {
  if (!extra.size) return graph;
  const inputs = [...graph.inputs], types = new Map(graph.types);
  for (const [name, value] of extra) {
    const type = tensor(value.dtype, value.dims);
    inputs.push({ name, type });
    types.set(name, type);
    feeds.set(name, value);
  }
  return { ...graph, inputs, types };
}

/** Every numeric value of the file, its gradient, and each use's contribution. */
function summarised(d: Differentiated, values: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (const v of values) {
    const t = d.graph.types.get(v);
    if (t?.kind === 'tensor' && t.dtype !== 'string') names.add(v);
    const g = d.gradients.get(v)?.gradient;
    if (g) names.add(g);
  }
  for (const e of d.edges) if (e.gradient) names.add(e.gradient);
  return names;
}

function wholeValues(options: RunOptions, d: Differentiated, values: readonly string[]): { names: string[]; gradients: Map<string, string>; forward: Map<string, string> } {
  const gradients = new Map<string, string>(), forward = new Map<string, string>(), w = options.whole;
  if (w) {
    for (const v of w.gradients === 'all' ? values : w.gradients) {
      const g = d.gradients.get(v)?.gradient, kind = g && d.graph.types.get(g)?.kind;
      // A sequence cannot be fetched.
      if (g && (!kind || kind === 'tensor')) gradients.set(v, g);
    }
    for (const v of w.forward === 'all' ? values.filter(x => d.graph.types.get(x)?.kind === 'tensor') : w.forward) forward.set(v, v);
  }
  return { names: [...gradients.values(), ...forward.values()], gradients, forward };
}

function pick(names: ReadonlyMap<string, string>, outputs: Record<string, TensorValue>): Map<string, TensorValue> {
  return new Map([...names].flatMap(([k, v]) => (outputs[v] ? [[k, outputs[v]!] as const] : [])));
}

const lossOf = (s: TensorSummary | undefined): number => (!s ? NaN : s.nan ? NaN : s.inf ? Infinity : s.mean);

function targetName(t: ChosenTarget): string {
  return t.form.kind === 'element' ? `${t.value}[${t.form.index.join(',')}]` : t.value;
}

function inputReports(bound: BoundInputs): InputReport[] {
  return [...bound.feeds].map(([name, v]) => ({ name, shape: v.dims, dtype: v.dtype, source: bound.generated.has(name) ? ('generated' as const) : ('file' as const) }));
}

