import { GraphBuilder, readAttributes } from '../graph/builder.ts';
import { readsOf, type Graph, type Node } from '../graph/graph.ts';
import { ancestorsOf, descendantsOf } from '../graph/passes.ts';
import { UnknownShape, type Tensor } from '../graph/tensor.ts';
import { isFloat, staticShape, type DType, type ValueType } from '../graph/types.ts';
import type { Conventions } from '../operators/conventions.ts';
import type { Registry } from '../operators/infer.ts';
import { addSequences } from '../operators/sequenceTensors.ts';
import { operatorKey, Unsupported, ZERO, type Operator, type PullbackContext, type PullbackEntry } from '../operators/operator.ts';

export type GradientStatus = 'computed' | 'zero' | 'blocked' | 'unreachable' | 'not-differentiable' | 'unsupported' | 'not-asked';

export interface Because { readonly node: string; readonly reason: string }

/** What is known of one use's contribution, or of a value's whole gradient. */
export interface Cotangent {
  readonly status: GradientStatus;
  readonly because: readonly Because[];
  readonly tensor?: Tensor;
}

/** The contribution of one use of a value. `node` and `input` are the user's, also where the node was expanded. */
export interface Contribution extends Cotangent {
  readonly value: string;
  readonly node: string;
  readonly input: number;
}

/** A rule broke its promise: a bug of ours, named with operator and node. */
export class RuleError extends Error {
  constructor(node: Node, what: string) {
    super(`the gradient rule of ${node.op} (node ${node.name}) ${what}`);
  }
}

export interface WalkOptions {
  readonly registry: Registry;
  readonly conventions: Conventions;
  /** Values behind which the person has put a stop. */
  readonly stops: ReadonlySet<string>;
  /** Nodes whose expansion gave up, and why. */
  readonly refused?: ReadonlyMap<Node, string>;
  /** Nodes and values whose StopGradient is to be ignored. */
  readonly unstops: ReadonlySet<string>;
}

/** Causes kept for one value: enough to name what cuts, bounded so that long chains stay linear. */
const CAUSES = 8;
const NOTHING: readonly Because[] = [];

/**
 * One reverse walk over a graph's nodes. Cotangents are filed for each use; the cotangent of a value is their sum.
 * The same walk serves the top level and, through `PullbackContext.walk`, the bodies of control flow.
 */
export class Walk {
  /** Contributions by value, in the order in which the walk met the uses. */
  readonly contributions = new Map<string, Contribution[]>();
  private readonly totals = new Map<string, Cotangent>();
  private readonly quantised: ReadonlySet<string>;

  constructor(
    private readonly g: GraphBuilder,
    private readonly graph: Graph,
    private readonly options: WalkOptions,
    /** True for values that somebody asked for, or that lead to one. */
    private readonly leads: (value: string) => boolean,
    /** Integer values of an outer graph that carry a cotangent. */
    outerQuantised: ReadonlySet<string> = new Set(),
  ) {
    this.quantised = quantisedValues(graph, options.registry, n => g.typeOf(n), outerQuantised);
  }

  /** @param seeds cotangent of each target. @param onPath flag of each node that a target depends on. */
  run(seeds: ReadonlyMap<string, Tensor>, onPath: Uint8Array): void {
    for (const [value, tensor] of seeds) this.file({ value, node: '', input: -1, status: 'computed', because: NOTHING, tensor });
    for (let i = this.graph.nodes.length - 1; i >= 0; i--) if (onPath[i]) this.visit(this.graph.nodes[i]!);
  }

  /** Integers between a quantiser and its dequantiser carry a cotangent, in quantised units. */
  carries(value: string): boolean {
    return this.quantised.has(value) || isDifferentiable(this.g.typeOf(value));
  }

  /** The gradient of a value: the sum over its uses. Every use must have been visited. */
  total(value: string): Cotangent {
    const known = this.totals.get(value);
    if (known) return known;
    const found = this.sum(value);
    this.totals.set(value, found);
    return found;
  }

  private sum(value: string): Cotangent {
    if (!this.carries(value)) return { status: 'not-differentiable', because: NOTHING };
    const uses = this.contributions.get(value);
    if (!uses) return { status: 'unreachable', because: NOTHING };
    if (this.options.stops.has(value)) return { status: 'blocked', because: [{ node: value, reason: 'user-stop' }] };
    const unknown = uses.filter(u => u.status === 'unsupported' || u.status === 'not-asked');
    if (unknown.length) return { status: unknown.some(u => u.status === 'unsupported') ? 'unsupported' : 'not-asked', because: causes(unknown) };
    const parts = uses.flatMap(u => (u.tensor ? [u.tensor] : []));
    if (parts.length === 0) return { status: inherit(uses), because: causes(uses) };
    return { status: 'computed', because: NOTHING, tensor: this.added(parts) };
  }

  private added(parts: readonly Tensor[]): Tensor {
    if (parts.length === 1) return parts[0]!;
    if (parts[0]!.valueType?.kind === 'sequence') return parts.reduce((a, b) => addSequences(this.g, a, b));
    return this.g.op('Sum', parts, {}, { types: [parts[0]!.type] });
  }

  private file(c: Contribution): void {
    const list = this.contributions.get(c.value);
    if (list) list.push(c);
    else this.contributions.set(c.value, [c]);
  }

  private visit(node: Node): void {
    const outs = node.outputs.map(o => (o ? this.total(o) : undefined));
    const entry = this.options.registry.get(operatorKey(node.op, node.domain));
    const here = node.origin ?? node.name;
    const all = (status: GradientStatus, because: readonly Because[]) => {
      node.inputs.forEach((value, input) => { if (value) this.file({ ...edgeOf(node, value, input), ...this.border(value, status, because) }); });
      for (const value of capturedBy(node)) this.file({ value, node: here, input: -1, ...this.border(value, status, because) });
    };
    const dys = outs.map(o => o?.tensor);
    const arrived = outs.filter((o): o is Cotangent => !!o && o.status !== 'unreachable');

    if (entry?.noGradient === 'stop-gradient' && (this.options.unstops.has(node.name) || this.options.unstops.has(node.outputs[0]!))) {
      this.passThrough(node, outs[0]);
      return;
    }
    if (entry?.noGradient) {
      const stop = entry.noGradient === 'stop-gradient' || entry.noGradient === 'prevent-gradient';
      // A stop cuts nothing where nothing arrives.
      if (stop && arrived.length && !arrived.some(o => o.tensor || o.status === 'unsupported')) all(inherit(arrived), causes(arrived));
      else all(stop ? 'blocked' : 'zero', [{ node: here, reason: entry.noGradient }]);
      return;
    }
    if (arrived.some(o => o.status === 'unsupported' || o.status === 'not-asked')) {
      const unknown = arrived.filter(o => o.status === 'unsupported' || o.status === 'not-asked');
      all(unknown.some(o => o.status === 'unsupported') ? 'unsupported' : 'not-asked', causes(unknown));
      return;
    }
    if (!dys.some(d => d)) {
      // A float that went into an integer (Cast, a comparison) ends here; else what ended further down is inherited.
      const carried = arrived.filter(o => o.status !== 'not-differentiable');
      if (carried.length) all(inherit(carried), causes(carried));
      else all('zero', [{ node: here, reason: 'discrete' }]);
      return;
    }
    const asked = node.inputs.some(v => v && this.carries(v) && this.leads(v)) || capturedBy(node).some(v => this.carries(v) && this.leads(v));
    if (!asked) {
      all('not-asked', NOTHING);
      return;
    }
    if (!entry?.pullback) {
      all('unsupported', [{ node: here, reason: this.options.refused?.get(node) ?? (entry ? 'no-rule' : 'unknown-operator') }]);
      return;
    }
    try {
      this.applyRule(node, entry, dys);
    } catch (error) {
      if (error instanceof Unsupported) all('unsupported', [{ node: error.node, reason: error.reason }]);
      // Inside a branch or a loop no run measures shapes.
      else if (error instanceof UnknownShape) all('unsupported', [{ node: here, reason: 'unknown-shape' }]);
      else throw error;
    }
  }

  /** Status of an edge at values that carry nothing is their own. */
  private border(value: string, status: GradientStatus, because: readonly Because[]): Cotangent {
    return this.carries(value) ? { status, because } : { status: 'not-differentiable', because: NOTHING };
  }

  private passThrough(node: Node, out: Cotangent | undefined): void {
    if (out) this.file({ ...edgeOf(node, node.inputs[0]!, 0), ...out });
  }

  private applyRule(node: Node, entry: Operator, dys: readonly (Tensor | undefined)[]): void {
    const { g } = this, here = node.origin ?? node.name;
    g.origin = here;
    const fromBodies = new Map<string, Tensor>();
    const entries = this.entriesOf(node, entry, dys, fromBodies);
    // All parts first: a rule that gives up halfway has filed nothing.
    const parts = node.inputs.map((value, input) => {
      const thunk = entries[input];
      if (!value || !thunk || !this.carries(value) || !this.leads(value)) return undefined;
      const part = thunk();
      return part === ZERO ? ZERO : this.fitted(node, entry, value, part);
    });
    node.inputs.forEach((value, input) => {
      if (!value) return;
      const edge = edgeOf(node, value, input), part = parts[input];
      if (!this.carries(value)) this.file({ ...edge, status: 'not-differentiable', because: NOTHING });
      else if (!entries[input]) this.file({ ...edge, status: 'zero', because: [{ node: here, reason: 'no-gradient-to-this-input' }] });
      else if (part === undefined) this.file({ ...edge, status: 'not-asked', because: NOTHING });
      else if (part === ZERO) this.file({ ...edge, status: 'zero', because: [{ node: here, reason: 'zero' }] });
      else this.file({ ...edge, status: 'computed', because: NOTHING, tensor: part });
    });
    for (const value of capturedBy(node)) {
      const part = fromBodies.get(value), edge = { value, node: here, input: -1 };
      if (part) this.file({ ...edge, status: 'computed', because: NOTHING, tensor: this.fitted(node, entry, value, part) });
      else this.file({ ...edge, ...this.border(value, this.leads(value) ? 'zero' : 'not-asked', this.leads(value) ? [{ node: here, reason: 'zero' }] : NOTHING) });
    }
    g.origin = undefined;
  }

  private entriesOf(node: Node, entry: Operator, dys: readonly (Tensor | undefined)[], fromBodies: Map<string, Tensor>): readonly PullbackEntry[] {
    const { g } = this, none = undefined as unknown as Tensor;
    const context: PullbackContext = {
      node, g, dys,
      x: node.inputs.map(n => (n ? g.tensor(n) : none)),
      y: node.outputs.map(n => (n ? g.tensor(n) : none)),
      get dy() {
        const only = dys[0];
        if (!only) throw new RuleError(node, 'asks for the cotangent of an output that has none');
        return only;
      },
      output: i => g.addOutput(node.name, i),
      attributes: readAttributes(node),
      conventions: this.options.conventions,
      op: (op, inputs, attributes, options) => g.op(op, inputs, attributes, options),
      wants: i => !!node.inputs[i] && this.carries(node.inputs[i]!) && this.leads(node.inputs[i]!),
      wantsValue: name => this.carries(name) && this.leads(name),
      captured: (name, cotangent) => { fromBodies.set(name, cotangent); },
      walk: { reverse: (builder, body, seeds, wanted) => reverseBody(builder, body, seeds, wanted, this.options, this.quantised) },
    };
    try {
      const entries = entry.pullback!(context);
      return entries;
    } catch (error) {
      if (error instanceof UnknownShape || error instanceof RuleError || error instanceof Unsupported) throw error;
      throw new RuleError(node, `failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Sums a contribution back over broadcast axes and casts it to the type that the value's gradient has. */
  private fitted(node: Node, entry: Operator, value: string, part: Tensor): Tensor {
    const type = this.g.typeOf(value);
    if (type?.kind !== 'tensor') return part;
    const x = this.g.tensor(value);
    const summed = entry.broadcasts ? part.sumTo(x) : part;
    const from = staticShape(summed.valueType), to = staticShape(type);
    if (from && to && (from.length !== to.length || from.some((d, i) => d !== to[i]))) {
      throw new RuleError(node, `gives shape [${from}] for ${value} of shape [${to}]`);
    }
    return summed.cast(gradientDType(type.dtype));
  }
}

/** Element type of a gradient: the value's own, float32 for quantised integers. */
export function gradientDType(dtype: DType): DType { return isFloat(dtype) ? dtype : 'float32'; }

function isDifferentiable(type: ValueType | undefined): boolean {
  if (!type) return true;
  return type.kind === 'tensor' ? isFloat(type.dtype) : isDifferentiable(type.element);
}

/** Integers that come out of a quantiser, and what passes them on. */
function quantisedValues(graph: Graph, registry: Registry, typeOf: (v: string) => ValueType | undefined, outer: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set(outer);
  for (const node of graph.nodes) {
    const entry = registry.get(operatorKey(node.op, node.domain));
    if (!entry?.pullback || !(entry.straightThrough || node.inputs.some(n => found.has(n)))) continue;
    for (const o of node.outputs) {
      const t = typeOf(o);
      if (o && t?.kind === 'tensor' && !isFloat(t.dtype) && t.dtype !== 'bool' && t.dtype !== 'string') found.add(o);
    }
  }
  return found;
}

function edgeOf(node: Node, value: string, input: number): { value: string; node: string; input: number } {
  return { value, node: node.origin ?? node.name, input: node.port ?? input };
}

function capturedBy(node: Node): readonly string[] {
  const direct = new Set(node.inputs);
  return hasBodies(node) ? readsOf(node).filter(n => !direct.has(n)).filter((n, i, a) => a.indexOf(n) === i) : [];
}
function hasBodies(node: Node): boolean {
  for (const k in node.attributes) if (node.attributes[k]!.kind === 'graph') return true;
  return false;
}

/** What a value is when none of its uses gives it anything: cut by a stop somewhere, else zero. */
function inherit(of: readonly Cotangent[]): GradientStatus {
  const statuses = of.map(o => o.status);
  if (statuses.includes('unsupported')) return 'unsupported';
  if (statuses.includes('blocked')) return 'blocked';
  if (statuses.includes('zero') || statuses.includes('not-differentiable')) return 'zero';
  return statuses[0] ?? 'unreachable';
}

function causes(of: readonly Cotangent[]): readonly Because[] {
  if (of.length === 1) return of[0]!.because;
  const found: Because[] = [];
  for (const { because } of of) {
    for (const b of because) {
      if (found.length === CAUSES) return found;
      if (!found.some(f => f.node === b.node && f.reason === b.reason)) found.push(b);
    }
  }
  return found;
}

function reverseBody(
  builder: GraphBuilder, body: Graph, seeds: ReadonlyMap<string, Tensor>, wanted: ReadonlySet<string>, options: WalkOptions, quantised: ReadonlySet<string>,
): ReadonlyMap<string, Tensor> {
  const leading = descendantsOf(body, wanted);
  const walk = new Walk(builder, body, { ...options, stops: new Set() }, v => leading.has(v), quantised);
  walk.run(seeds, ancestorsOf(body, seeds.keys()).nodes);
  const found = new Map<string, Tensor>();
  for (const value of wanted) {
    const total = walk.total(value);
    if (total.status === 'unsupported') {
      const at = total.because[0];
      throw new Unsupported(at?.node ?? body.name, at?.reason ?? 'no-rule');
    }
    if (total.tensor) found.set(value, total.tensor);
  }
  return found;
}
