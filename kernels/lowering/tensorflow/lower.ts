import { GraphBuilder } from '../../graph/builder.ts';
import { EMPTY_GRAPH, readsOf, type Graph, type Node, type TensorData, type ValueInfo } from '../../graph/graph.ts';
import { producersOf } from '../../graph/passes.ts';
import { UnknownShape } from '../../graph/tensor.ts';
import { smallNumbers } from '../../graph/tensorData.ts';
import { staticShape, tensor, type TensorType, type ValueType } from '../../graph/types.ts';
import { OPERATORS } from '../../operators/index.ts';
import { inferWith, merge } from '../../operators/infer.ts';
import { LowerContext, NotLowered, UnknownElements, type Inputs, type Missing } from './context.ts';
import { isStructured, lowerStructured, type Region } from './controlFlow.ts';
import { LearnedElements } from './lists.ts';
import { LOWERINGS } from './registry.ts';
import { Segment } from './segment.ts';
import { SOURCES, VARIABLES } from './sources.ts';
import { structured } from './structure.ts';
import type { TensorFlowView } from './view.ts';

export interface LowerOptions {
  /** What is known beyond the file: types of inputs as they are fed, of values that a run measured (with elements). */
  readonly known?: ReadonlyMap<string, TensorType>;
  /** Values that are fed although something in the graph would compute them. */
  readonly fed?: ReadonlySet<string>;
  /** Values wanted, with all that they need; default: everything. */
  readonly roots?: Iterable<string>;
  /** Nodes that are run for what they write (a training step); what they write is then wanted too. The roots' own writes count. */
  readonly step?: readonly string[];
}

/** Values whose shapes or elements a lowering waits for. */
export interface Needs {
  readonly shapes: ReadonlySet<string>;
  readonly elements: ReadonlySet<string>;
}

export interface Lowered {
  /** ONNX operators of version 21 and our own. Values have the file's names; helper nodes carry `origin`. */
  readonly graph: Graph;
  /** Values that are not in the graph because a node on the way to them has no form in ONNX. */
  readonly missing: ReadonlyMap<string, Missing>;
  /** To be measured (all of them are in the graph) before the rest can be lowered. Empty: `missing` is final. */
  readonly needs: Needs;
  /** With `step`: variable → its value after the step. */
  readonly updates: ReadonlyMap<string, string>;
}

/** The graph in ONNX operators, node by node. A node that cannot be lowered takes away only what depends on it. */
export function lower(view: TensorFlowView, options: LowerOptions = {}): Lowered {
  const roots = options.roots && new Set(options.roots), learned = new Map<string, readonly number[]>();
  // What initialises a variable without a value is wanted whenever the variable is.
  const initial = roots && [...view.model.variables.values()].flatMap(v => (v.initialValue === undefined ? [] : [v.initialValue]));
  const { graph, updates } = structured(view, roots && initial && new Set([...roots, ...initial]), options.step), pure = { ...view, graph };
  for (;;) {
    try {
      return { ...new Lowerer(pure, { ...options, ...(roots && { roots: [...roots, ...updates.values()] }) }, learned).run(), updates };
    } catch (error) {
      if (!(error instanceof LearnedElements) || learned.has(error.list)) throw error;
      learned.set(error.list, error.shape);
    }
  }
}

class Lowerer implements Region {
  readonly g: GraphBuilder;
  private readonly missing = new Map<string, Missing>();
  private readonly shapes = new Set<string>();
  private readonly elements = new Set<string>();
  private readonly inputs = new Map<string, ValueInfo>();
  private readonly wanted: Set<string> | undefined;
  private readonly done = new Set<string>();
  private readonly producers: ReadonlyMap<string, number>;

  constructor(
    private readonly view: TensorFlowView, private readonly options: LowerOptions, private readonly learned: ReadonlyMap<string, readonly number[]>, private readonly around?: Lowerer,
  ) {
    const empty = { ...EMPTY_GRAPH, name: view.graph.name };
    this.g = around ? around.g.child(empty) : new GraphBuilder(empty, inferWith(OPERATORS));
    this.producers = producersOf(view.graph);
    this.wanted = options.roots && this.needed(options.roots);
  }

  run(): Omit<Lowered, 'updates'> {
    const { graph } = this.view;
    for (const input of graph.inputs) this.input(input.name);
    for (const name of this.options.fed ?? []) this.input(name);
    for (const node of graph.nodes) if (!this.wanted || node.outputs.some(o => this.wanted!.has(o))) this.lower(node);
    const outputs = graph.outputs.filter(o => this.has(o.name)), types = new Map<string, ValueType>();
    const built = this.g.build(outputs, [...this.inputs.values()]);
    for (const [name, type] of built.types) types.set(name, type);
    const trainable = graph.trainable;
    return {
      graph: { ...built, types, opsets: new Map([['', 21]]), ...(trainable && { trainable }), ...(graph.metadata && { metadata: graph.metadata }) },
      missing: this.missing, needs: { shapes: this.shapes, elements: this.elements },
    };
  }

  /** Values that the roots depend on; what is fed needs nothing. */
  private needed(roots: Iterable<string>): Set<string> {
    const { graph, model } = this.view, found = new Set<string>(), open = [...roots];
    for (let value = open.pop(); value !== undefined; value = open.pop()) {
      if (found.has(value)) continue;
      found.add(value);
      if (this.options.fed?.has(value)) continue;
      const node = graph.nodes[this.producers.get(value) ?? -1];
      if (!node) continue;
      open.push(...readsOf(node));
      const variable = VARIABLES.has(node.op) && !graph.initializers.has(value) ? model.variables.get(node.name) : undefined;
      if (variable?.initialValue !== undefined) open.push(variable.initialValue);
    }
    return found;
  }

  /** A branch or a body of this graph, lowered. */
  within(graph: Graph, types: readonly (ValueType | undefined)[]): Lowerer {
    const { known } = this.options, inner = new Lowerer({ ...this.view, graph }, known ? { known } : {}, this.learned, this);
    graph.inputs.forEach((input, i) => {
      const type = types[i] ?? input.type;
      if (type) inner.g.setType(input.name, type);
    });
    for (const node of graph.nodes) inner.lower(node);
    return inner;
  }

  missingOf(value: string): Missing | undefined { return this.missing.get(value) ?? this.around?.missingOf(value); }

  has(value: string): boolean {
    return this.g.typeOf(value) !== undefined || this.g.initializers.has(value);
  }

  private input(name: string): void {
    const type = this.options.known?.get(name) ?? this.view.graph.types.get(name);
    if (type?.kind !== 'tensor') return;
    this.inputs.set(name, { name, type });
    this.g.setType(name, type);
  }

  private initializer(name: string, data: TensorData): void {
    this.g.initializers.set(name, data);
    this.g.setType(name, tensor(data.dtype, data.dims, smallNumbers(data)));
  }

  lower(node: Node): void {
    if (this.done.has(node.name)) return;
    this.done.add(node.name);
    if (SOURCES.has(node.op) || node.outputs.length === 0 || node.outputs.every(o => this.inputs.has(o))) return;
    if (VARIABLES.has(node.op)) return this.variable(node);
    if (node.op === 'Const') return this.constant(node);
    const behind = node.inputs.map(n => this.missingOf(n)).find(m => m);
    if (behind) return this.miss(node, behind);
    const absent = node.inputs.find(n => !this.has(n));
    if (absent !== undefined) return this.miss(node, { node: node.name, op: node.op, why: `its input ${absent} has no value` });
    if (isStructured(node)) {
      const why = lowerStructured(this, node);
      return why && this.miss(node, why);
    }
    const segment = new Segment(this.g, node);
    const x = node.inputs.map((value, i) => segment.port(value, i)) as unknown as Inputs;
    try {
      const rule = LOWERINGS.get(node.op);
      if (!rule) throw new NotLowered(`the operator ${node.op} has no form in ONNX here`);
      const made = rule(new LowerContext(node, x, segment, i => !!node.outputs[i] && (!this.wanted || this.wanted.has(node.outputs[i]!)), this.learned));
      segment.finish(Array.isArray(made) ? made : [made as Exclude<typeof made, readonly unknown[]>], o => this.stated(o));
      node.outputs.forEach((o, i) => { if (!this.has(o)) this.missing.set(o, { node: node.name, op: node.op, why: `its output ${i} has no form in ONNX` }); });
    } catch (error) {
      this.refused(node, error);
    }
  }

  private refused(node: Node, error: unknown): void {
    if (error instanceof UnknownElements) {
      this.measure('elements', node.inputs[error.input]!);
    } else if (error instanceof UnknownShape) {
      for (const value of node.inputs) if (this.g.typeOf(value)?.kind === 'tensor' && !staticShape(this.g.typeOf(value))) this.measure('shapes', value);
    } else if (error instanceof TypeError || error instanceof RangeError) {
      // Inputs or attributes that the operator does not have: damage, or a version of it that nobody knows.
      return this.miss(node, { node: node.name, op: node.op, why: `its inputs or attributes are not those of the operator: ${error.message}` });
    } else if (!(error instanceof NotLowered)) throw error;
    this.miss(node, { node: node.name, op: node.op, why: error.message, ...(!(error instanceof NotLowered) && { waits: true }) });
  }

  /** A run can measure what is at the top level; what changes from round to round has no numbers of its own. */
  private measure(what: 'shapes' | 'elements', value: string): void {
    if (!this.around) this[what].add(value);
    else if (this.around.has(value)) this.around.measure(what, value);
  }

  private miss(node: Node, cause: Missing): void {
    for (const o of node.outputs) if (!this.inputs.has(o)) this.missing.set(o, cause);
  }

  /** What the file or a run says of a value's type. */
  private stated(value: string): TensorType | undefined {
    const known = this.options.known?.get(value), type = this.view.graph.types.get(value);
    return known ?? (type?.kind === 'tensor' ? type : undefined);
  }

  private constant(node: Node): void {
    const { value, splat } = node.attributes, name = node.outputs[0]!;
    if (value?.kind !== 'tensor') return this.miss(node, { node: node.name, op: node.op, why: 'it holds no tensor' });
    if (splat?.kind !== 'ints') return this.initializer(name, { ...value.value });
    const { dtype } = value.value, dims = splat.value, one = this.g.fresh('splat'), shape = this.g.constant('int64', [dims.length], dims);
    this.initializer(one, { ...value.value, dims: [] });
    this.g.append({ name: node.name, op: 'Expand', domain: '', inputs: [one, shape.name], outputs: [name], attributes: {} });
    this.g.setType(name, tensor(dtype, dims));
  }

  /** A variable's value: of the checkpoint, else what its initializer makes. */
  private variable(node: Node): void {
    const name = node.outputs[0]!, data = this.view.graph.initializers.get(name), variable = this.view.model.variables.get(node.name);
    if (data && data.bytes.kind !== 'missing') return this.initializer(name, data);
    const initial = variable?.initialValue;
    // Nothing orders an initializer before its variable: what it needs comes first now.
    if (initial !== undefined) for (const i of [...this.needed([initial])].map(v => this.producers.get(v)).filter(i => i !== undefined).sort((a, b) => a - b)) this.lower(this.view.graph.nodes[i]!);
    const type = initial === undefined ? undefined : this.g.typeOf(initial);
    if (initial === undefined || !type) {
      const cause = initial === undefined ? undefined : this.missing.get(initial);
      return this.miss(node, cause ?? { node: node.name, op: node.op, why: data?.bytes.kind === 'missing' ? data.bytes.why : 'the variable has no value: there is no checkpoint, and the graph does not initialise it' });
    }
    this.g.append({ name: node.name, op: 'Identity', domain: '', inputs: [initial], outputs: [name], attributes: {} });
    this.g.setType(name, merge(type, this.stated(name)) ?? type);
  }
}
