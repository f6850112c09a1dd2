import { basename } from 'node:path';
import { UserError } from '../../kernels/graph/errors.ts';
import type { TargetForm } from '../../kernels/autodiff/target.ts';
import type { ConventionName } from '../../kernels/operators/conventions.ts';
import { RuntimeDied } from '../runtime/errors.ts';
import type { RuntimeClient } from '../runtime/client.ts';
import type { TensorValue } from '../runtime/protocol.ts';
import type {
  DrawingResults, EditorState, FindingReport, FlowTable, GradientReport, Histogram, NodeCard, RunFacts, Selection, ValueCard, WhatIf, WhyAnswer,
} from '../protocol.ts';
import { nodeCard, valueCard, type Known } from './cards.ts';
import { resultsOf } from './drawing.ts';
import { drawModel, nodeName, ReportIndex, valueName, type DrawnModel } from './drawn.ts';
import { flowTable } from './flow.ts';
import { histogramOf } from './histogram.ts';
import { numbersOf } from './inputs.ts';
import { GradientSession, type RunOptions, type Stage } from './session.ts';
import { defaultTarget, targetCandidates } from './targets.ts';
import { compareResults } from './whatIf.ts';
import { whyOf } from './why.ts';

/** What the person has chosen for a model; everything else is the file's own. */
export interface Choices {
  readonly target?: string;
  readonly form?: TargetForm;
  /** Label of the form where it is a tensor. */
  readonly inputs: ReadonlyMap<string, TensorValue>;
  readonly dims: ReadonlyMap<string, number>;
  readonly seed: number;
  readonly conventions?: ConventionName;
  readonly provider: 'cpu' | 'cuda';
  /** Values at which a stop was put, and nodes whose stop was taken away: what if. */
  readonly stops: readonly string[];
  readonly unstops: readonly string[];
}

export type StudyChange = 'model' | 'state' | 'results' | 'selection';

/** What a study needs to know of the place where it runs. */
export interface StudyPlace {
  /** The person trusts the folder: the model may run. */
  readonly trusted: () => boolean;
  /** Seconds until a run is given up (0 = none), threads of ONNX Runtime (0 = its own choice). */
  readonly limits: () => { readonly timeout: number; readonly threads: number };
  readonly log: (line: string) => void;
}

/** One run's answer, as the faces show it. */
export interface StudyResults {
  readonly index: ReportIndex;
  readonly drawing: DrawingResults;
}

/** One open model: its drawing, what the person has chosen for it, its last results, what is selected. Drawing, panel and text view show the same study. */
export class Study {
  readonly title: string;
  private model: DrawnModel | undefined;
  private last: StudyResults | undefined;
  /** Results without any what-if, to compare with. */
  private plain: DrawingResults | undefined;
  private shown: EditorState | undefined;
  private running: AbortController | undefined;
  private picked: Selection = {};
  private chosen: Choices = { inputs: new Map(), dims: new Map(), seed: 0, provider: 'cpu', stops: [], unstops: [] };
  private revision = 0;
  private disposed = false;
  /** Files that the person gave for weights which are not where the model says. */
  private readonly weightFiles = new Map<string, string>();
  private withoutWeights = false;
  private readonly listeners = new Set<(change: StudyChange, origin: unknown) => void>();

  constructor(readonly path: string, private readonly runtime: RuntimeClient, private readonly place: StudyPlace) {
    this.title = basename(path);
  }

  get drawn(): DrawnModel | undefined { return this.model; }
  get results(): StudyResults | undefined { return this.last; }
  get report(): GradientReport | undefined { return this.last?.index.report; }
  get state(): EditorState | undefined { return this.shown; }
  get isRunning(): boolean { return this.running !== undefined; }
  get selection(): Selection { return this.picked; }
  get choices(): Choices { return this.chosen; }
  get findings(): readonly FindingReport[] { return []; }
  get conventions(): ConventionName | undefined { return this.chosen.conventions ?? this.model?.session.conventions; }

  /** Calls `listener` at each change until the returned function is called. `origin`: who made it. */
  onChange(listener: (change: StudyChange, origin: unknown) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  dispose(): void {
    this.disposed = true;
    this.cancel();
    this.listeners.clear();
  }

  /**
   * Reads the file's structure, again if it was read before; the selection is kept by name.
   * @param changed the file changed on disk: that is said
   */
  async load(changed = false): Promise<void> {
    const before = this.model, kept = before && this.selectedNames(before);
    this.cancel();
    if (!before) this.show({ kind: 'reading', name: this.title });
    try {
      const options = { trust: this.place.trusted(), external: this.weightFiles }, session = await GradientSession.open(this.path, this.runtime, options);
      if (this.disposed) return;
      this.model = drawModel(session, this.title);
      this.last = this.plain = undefined;
      this.picked = kept ? this.selectionOf(kept) : {};
      this.shown = this.stateOfModel(changed ? before : undefined);
      this.place.log(`${this.path}: read ${session.graph.nodes.length} nodes in ${Math.round(session.model.readMs)} ms`);
      this.emit('model');
    } catch (error) {
      if (!this.disposed) this.fail(error, before !== undefined);
    }
  }

  /** The file is gone: the last version stays drawn. */
  gone(): void { this.show({ kind: 'deleted', name: this.title }); }

  /** The file of weights that lie elsewhere than the model says; it is read again with it. */
  async useWeights(file: string): Promise<void> {
    const missing = this.missingWeights;
    if (!missing) return;
    this.weightFiles.set(missing.file, file);
    await this.load();
  }

  /** Leaves the structure without gradients, and does not ask again. */
  drawOnly(): void {
    this.withoutWeights = true;
    this.show(undefined);
  }

  choose(change: Partial<Choices>): void { this.chosen = { ...this.chosen, ...change }; }

  /** Whether Run would do something now. */
  get canRun(): boolean { return this.model !== undefined && !this.isRunning && this.place.trusted(); }

  /**
   * Computes the gradients with the present choices; the run before it is given up. Failures become the state, the results before stay.
   * @returns whether there are new results
   */
  async run(): Promise<boolean> {
    const { model } = this;
    if (!model) return false;
    if (!this.place.trusted()) return this.show({ kind: 'restricted' }), false;
    const missing = this.missingWeights;
    if (missing) return this.withoutWeights || this.show(missing), false;
    if (!this.hasTarget(model)) return false;
    this.running?.abort();
    const controller = (this.running = new AbortController());
    this.progress('probing');
    try {
      const { report } = await model.session.run({ ...this.options(), signal: controller.signal, progress: stage => this.running === controller && this.progress(stage) });
      if (this.disposed || this.running !== controller) return false;
      const index = new ReportIndex(report), drawing = resultsOf(report, model.index, ++this.revision);
      this.last = { index, drawing };
      if (!this.hasWhatIf) this.plain = drawing;
      this.running = undefined;
      this.shown = this.stateOfReport(report);
      const { timing } = report;
      this.place.log(`${this.path}: differentiated in ${Math.round(timing.differentiateMs)} ms, session ${Math.round(timing.sessionMs)} ms, run ${Math.round(timing.runMs)} ms`);
      this.emit('results');
      return true;
    } catch (error) {
      if (this.disposed || this.running !== controller) return false;
      this.running = undefined;
      this.fail(error, true);
      return false;
    }
  }

  cancel(): void {
    const { running } = this;
    this.running = undefined;
    running?.abort();
    if (running && !this.disposed) this.show(undefined);
  }

  select(selection: Selection, origin?: unknown): void {
    this.picked = selection;
    this.emit('selection', origin);
  }

  // -------------------------------------------------------------- what if

  get hasWhatIf(): boolean { return this.chosen.stops.length + this.chosen.unstops.length > 0; }

  /** Puts or takes away a stop at a value, or gives a stop of the file its gradient back. The names are those of the file. */
  toggleStop(place: { readonly node: string } | { readonly value: string }): void {
    const flip = (list: readonly string[], name: string) => (list.includes(name) ? list.filter(x => x !== name) : [...list, name]);
    if ('node' in place) this.choose({ unstops: flip(this.chosen.unstops, place.node) });
    else this.choose({ stops: flip(this.chosen.stops, place.value) });
  }

  resetWhatIf(): void { this.choose({ stops: [], unstops: [] }); }

  /** What the stops that were put or taken away change; undefined without any, or before the plain results are known. */
  get whatIf(): WhatIf | undefined {
    if (!this.hasWhatIf || !this.plain || !this.last || !this.model) return undefined;
    const { index } = this.model, { stops, unstops } = this.chosen;
    return compareResults(this.plain, this.last.drawing, unstops.flatMap(n => index.nodes.get(n) ?? []), stops.flatMap(v => index.values.get(v) ?? []));
  }

  // -------------------------------------------------------------- answers

  node(index: number): NodeCard { return nodeCard(this.require(), this.known, index); }
  value(index: number): ValueCard { return valueCard(this.require(), this.known, index); }

  /** @throws UserError('usage') before there are results */
  why(value: number): WhyAnswer {
    if (!this.last) throw new UserError('usage', 'There are no gradients yet.', 'Run the model first.');
    return whyOf(this.require(), this.last.index, this.last.drawing, value);
  }

  get flow(): FlowTable | undefined {
    return this.model && this.last && flowTable(this.model.drawing, this.last.drawing, this.last.index, this.findings);
  }

  get facts(): RunFacts | undefined {
    const report = this.report;
    if (!report) return undefined;
    const { inputs } = report, generated = inputs.filter(i => i.source === 'generated');
    const text = !inputs.length ? 'no inputs' : `${inputs.length} ${inputs.length === 1 ? 'input' : 'inputs'}, ${!generated.length ? 'from files'
      : `${generated.length === inputs.length ? '' : `${generated.length} `}generated, seed ${this.chosen.seed}`}`;
    return {
      target: report.target, ...(report.targetWhy && { targetWhy: report.targetWhy }), loss: report.loss, inputs: text,
      provider: report.provider, conventions: report.conventions, notes: report.notes,
    };
  }

  /** The elements of one tensor, counted. Runs the model once for it. */
  async histogram(value: number, of: 'gradient' | 'forward', signal: AbortSignal): Promise<Histogram> {
    const name = valueName(this.require().drawing, value), whole = { gradients: of === 'gradient' ? [name] : [], forward: of === 'forward' ? [name] : [] };
    const result = await this.require().session.run({ ...this.options(), of: [name], signal, whole });
    const tensor = (of === 'gradient' ? result.gradients : result.forward).get(name);
    if (!tensor) throw new UserError('usage', `${name} has no ${of === 'gradient' ? 'gradient' : 'value'} to count.`);
    return histogramOf(numbersOf(tensor));
  }

  /** Whole gradients of every value that has one. */
  async gradients(signal: AbortSignal): Promise<ReadonlyMap<string, TensorValue>> {
    return (await this.require().session.run({ ...this.options(), signal, whole: { gradients: 'all', forward: [] } })).gradients;
  }

  // -------------------------------------------------------------- inside

  private get known(): Known {
    return { ...(this.last && { report: this.last.index }), findings: this.findings, conventions: this.conventions ?? 'default' };
  }

  private require(): DrawnModel {
    if (!this.model) throw new UserError('usage', `${this.title} is not read yet.`);
    return this.model;
  }

  private options(): RunOptions {
    const { timeout, threads } = this.place.limits(), { target, form, inputs, dims, seed, conventions, provider, stops, unstops } = this.chosen;
    return {
      ...(target !== undefined && { target }), ...(form && { form }), inputs, dims, seed, ...(conventions && { conventions }), provider, stops, unstops,
      ...(timeout > 0 && { timeout }), ...(threads > 0 && { threads }),
    };
  }

  private hasTarget(model: DrawnModel): boolean {
    if (this.chosen.target !== undefined) return true;
    try {
      defaultTarget(model.graph);
      return true;
    } catch (error) {
      const candidates = targetCandidates(model.graph).map(({ value, why }) => ({ name: value, why }));
      if (candidates.length) this.show({ kind: 'no-target', candidates });
      else this.fail(error, true);
      return false;
    }
  }

  /** Progress by stage: how far a run inside ONNX Runtime is, it does not tell. */
  private progress(stage: Stage): void {
    const drawn = this.model!.drawing, nodes = drawn.nodes.name.length, values = drawn.values.name.length;
    const done: Record<Stage, [number, number]> = { probing: [0, 0], differentiating: [nodes, 0], building: [nodes, 0], running: [nodes, 0], refining: [nodes, values] };
    const [f, g] = done[stage];
    this.show({ kind: 'running', forward: [f, nodes], gradient: [g, values] });
  }

  private stateOfModel(before: DrawnModel | undefined): EditorState | undefined {
    const { drawing, session } = this.model!;
    if (before) {
      const added = [...this.model!.index.nodes.keys()].filter(n => !before.index.nodes.has(n)).length;
      return { kind: 'changed', name: this.title, newNodes: added };
    }
    if (this.missingWeights) return this.missingWeights;
    if (!this.place.trusted()) return { kind: 'restricted' };
    const [problem] = session.model.problems;
    return problem && { kind: 'damaged', name: this.title, message: `${problem.node ? `${problem.node}: ` : ''}${problem.message}`, drawn: drawing.nodes.name.length > 0 };
  }

  private get missingWeights(): Extract<EditorState, { kind: 'missing-weights' }> | undefined {
    const missing = [...(this.model?.session.graph.initializers.values() ?? [])].flatMap(t => (t.bytes.kind === 'missing' && t.bytes.location ? [t.bytes.location] : []));
    return missing.length ? { kind: 'missing-weights', file: missing[0]!, parameters: missing.filter(f => f === missing[0]).length } : undefined;
  }

  private stateOfReport(report: GradientReport): EditorState | undefined {
    const asked = report.values.filter(v => v.gradient.status !== 'not-differentiable' && v.kind !== 'constant'), missing = asked.filter(v => v.gradient.status === 'unsupported');
    const at = missing[0]?.gradient.because[0];
    if (!at) return undefined;
    const op = report.values.find(v => v.node === at.node)?.op ?? 'the operator';
    return { kind: 'no-rule', op, node: at.node, shown: asked.length - missing.length, total: asked.length };
  }

  private fail(error: unknown, drawn: boolean): void {
    const text = error instanceof UserError ? `${error.message}${error.place.node && !error.message.includes(error.place.node) ? ` (node ${error.place.node})` : ''}` : String(error);
    this.place.log(`${this.path}: ${error instanceof UserError ? text : error instanceof Error ? (error.stack ?? text) : text}`);
    if (error instanceof UserError && error.code === 'cancelled') return this.show(undefined);
    if (error instanceof RuntimeDied) return this.show({ kind: 'crash', message: text });
    const remedy = error instanceof UserError ? error.remedy : 'This is a bug of Adjoint; please report it with the log.';
    const log = { label: 'Show Log', command: 'showLog' as const };
    if (drawn) return this.show({ kind: 'error', title: 'No gradients', message: `${text}${/[.!?]$/.test(text) ? '' : '.'} ${remedy}`, buttons: [{ label: 'Run Again', command: 'run', primary: true }, log] });
    if (/Git LFS pointer/.test(text)) return this.show({ kind: 'lfs-pointer' });
    if (/is not a model/.test(text)) return this.show({ kind: 'not-a-model', message: text });
    this.show({ kind: 'error', title: `${this.title} cannot be read`, message: `${text}${/[.!?]$/.test(text) ? '' : '.'} ${remedy}`, buttons: [{ label: 'Open as Text', command: 'openAsText' }, log] });
  }

  private show(state: EditorState | undefined): void {
    this.shown = state;
    this.emit('state');
  }

  private emit(change: StudyChange, origin?: unknown): void {
    for (const listener of [...this.listeners]) listener(change, origin);
  }

  private selectedNames({ drawing }: DrawnModel): { node?: string; value?: string } {
    const { node, value } = this.picked;
    return { ...(node !== undefined && { node: nodeName(drawing, node) }), ...(value !== undefined && { value: valueName(drawing, value) }) };
  }

  private selectionOf({ node, value }: { node?: string; value?: string }): Selection {
    const n = node === undefined ? undefined : this.model!.index.nodes.get(node), v = value === undefined ? undefined : this.model!.index.values.get(value);
    return { ...(n !== undefined && { node: n }), ...(v !== undefined && { value: v }) };
  }
}
