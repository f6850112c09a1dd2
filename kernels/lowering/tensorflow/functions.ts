import type { Attribute, Attributes, Graph, Node, ValueInfo } from '../../graph/graph.ts';
import type { ValueType } from '../../graph/types.ts';
import { canonicalValue, splitValue, type TensorFlowFunction, type TensorFlowGraph, type TensorFlowModel } from './source.ts';

/** Calls in calls: deeper ones stay calls (a function that calls itself never ends). */
const DEEPEST = 48;
/** A graph that its calls would make larger than this keeps the rest of them as calls. */
const MOST_NODES = 2_000_000;

const CALLS: ReadonlySet<string> = new Set(['PartitionedCall', 'StatefulPartitionedCall', 'TPUPartitionedCall', 'RemoteCall']);
/** Attributes that hold the functions of structured control flow, by operator. */
const BRANCHES: Readonly<Record<string, readonly string[]>> = {
  If: ['then_branch', 'else_branch'], StatelessIf: ['then_branch', 'else_branch'], While: ['cond', 'body'], StatelessWhile: ['cond', 'body'],
};

/** A graph whose calls are replaced by what they call. */
export interface Inlined extends Pick<TensorFlowGraph, 'graph' | 'controlInputs'> {
  /** Outputs of calls that are gone → the value that stands for it. */
  readonly replaced: ReadonlyMap<string, string>;
}

interface Instance {
  readonly results: readonly string[];
  /** Nodes that have run when the call has. */
  readonly ends: readonly string[];
}

/** Where the nodes of one graph go. */
interface Sink {
  readonly nodes: Node[];
  readonly types: Map<string, ValueType>;
}

/**
 * The top-level graph with its calls inlined (nodes under the name of the call: `StatefulPartitionedCall/dense/MatMul`) and
 * If, While and Case of functions as nodes whose branches are graphs. Branches read what they are given under its outer name; the bodies
 * of While take and give the loop's values in order.
 */
export function inlineFunctions(model: TensorFlowModel): Inlined {
  return new Inliner(model).run();
}

class Inliner {
  private readonly controls = new Map<string, readonly string[]>();
  private made = 0;
  /** Values of the functions that are being inlined, by function: what a custom gradient captured is one of them. */
  private readonly open = new Map<string, (value: string) => string>();

  constructor(private readonly model: TensorFlowModel) {}

  run(): Inlined {
    const { graph, controlInputs } = this.model, sink: Sink = { nodes: [], types: new Map(graph.types) }, replaced = new Map<string, string>();
    this.region(this.model, '', replaced, [], {}, sink, 0);
    const changed = replaced.size > 0 || sink.nodes.some((n, i) => n !== graph.nodes[i]);
    for (const gone of replaced.keys()) sink.types.delete(gone);
    if (!changed) return { graph, controlInputs, replaced };
    return { graph: { ...graph, nodes: sink.nodes, types: sink.types }, controlInputs: this.controls, replaced };
  }

  /** The nodes of a graph under a prefix. @param values names of its values elsewhere; outputs of calls are added */
  private region(source: TensorFlowGraph, prefix: string, values: Map<string, string>, entry: readonly string[], bound: Attributes, sink: Sink, depth: number): Map<string, readonly string[]> {
    const ends = new Map<string, readonly string[]>(), to = (v: string) => values.get(v) ?? (v === '' ? v : prefix + v);
    const inner = new Set(source.graph.nodes.map(n => n.name));
    for (const node of source.graph.nodes) {
      const name = prefix + node.name, inputs = node.inputs.map(to);
      const before = (source.controlInputs.get(node.name) ?? []).filter(c => inner.has(c)).flatMap(c => ends.get(c) ?? [prefix + c]);
      const controls = node.inputs.length === 0 || touchesState(node) ? [...before, ...entry] : before;
      const attributes = boundAttributes(node.attributes, bound), called = depth < DEEPEST && this.made < MOST_NODES ? this.called(node, attributes) : undefined;
      if (called) {
        const rule = this.model.gradients.get(called.name);
        const { results, ends: last } = this.instance(called, `${name}/`, inputs, controls, attributes, sink, depth + 1);
        // A function with a gradient of its own keeps its results under the call's name, and the rule with them.
        if (rule !== undefined) sink.nodes.push(this.custom(node, name, node.outputs.map(to), results, inputs, this.ruleOfFunction(rule, name, results, inputs, sink, depth + 1)));
        else node.outputs.forEach((o, k) => { if (o && results[k] !== undefined) values.set(o, results[k]!); });
        ends.set(node.name, last);
        continue;
      }
      this.made++;
      if (node.op === 'SymbolicGradient' && this.symbolic(node, name, inputs, node.outputs.map(to), attributes, sink, depth)) continue;
      const type = node.op === 'IdentityN' ? attributes['_gradient_op_type'] : undefined;
      if (type?.kind === 'string' && type.value.startsWith('CustomGradient')) {
        const rule = this.ruleOfIdentity(type.value, name, inputs, sink, depth + 1), n = rule ? rule.results : inputs.length;
        sink.nodes.push(this.custom(node, name, node.outputs.map(to), inputs.slice(0, n), inputs.slice(n), rule?.graph));
        if (controls.length) this.controls.set(name, controls);
        for (const o of node.outputs) {
          const t = source.graph.types.get(o);
          if (t) sink.types.set(to(o), t);
        }
        continue;
      }
      const branches = this.branches(node.op, name, attributes, inputs, sink, depth + 1), outputs = node.outputs.map(to);
      const same = prefix === '' && !branches && inputs.every((v, i) => v === node.inputs[i]);
      sink.nodes.push(same ? node : {
        ...node, name, outputs, attributes: branches?.attributes ?? attributes, inputs: branches?.inputs ?? inputs, ...(branches && { op: branches.op }),
        ...(prefix !== '' && name.includes('/') && { scope: name.split('/').slice(0, -1) }),
      });
      if (controls.length) this.controls.set(name, controls);
      if (prefix !== '') node.outputs.forEach((o, k) => {
        const type = source.graph.types.get(o);
        if (type) sink.types.set(outputs[k]!, type);
      });
    }
    return ends;
  }

  private instance(f: TensorFlowFunction, prefix: string, inputs: readonly string[], entry: readonly string[], bound: Attributes, sink: Sink, depth: number): Instance {
    const values = new Map(f.graph.inputs.map((v, i) => [v.name, inputs[i] ?? ''] as const));
    const before = this.open.get(f.name);
    this.open.set(f.name, v => values.get(v) ?? prefix + v);
    const own = new Set(f.graph.nodes.map(n => n.name)), ends = this.region(f, prefix, values, entry, bound, sink, depth);
    if (before) this.open.set(f.name, before);
    else this.open.delete(f.name);
    const results = f.results.map(r => values.get(r.value) ?? prefix + r.value), last = new Set<string>();
    for (const name of [...f.controlResults, ...f.results.map(r => splitValue(r.value).node)]) if (own.has(name)) for (const e of ends.get(name) ?? [prefix + name]) last.add(e);
    for (const e of entry) last.add(e);
    return { results, ends: [...last] };
  }

  /** Values with a rule of their own: results, then arguments; the rule takes the results' cotangents and gives the arguments'. */
  private custom(node: Node, name: string, outputs: readonly string[], results: readonly string[], args: readonly string[], rule: Graph | undefined): Node {
    return {
      ...node, name, op: 'CustomGradient', inputs: [...results, ...args], outputs,
      attributes: { results: { kind: 'int', value: results.length }, ...(rule && { gradient: { kind: 'graph' as const, value: rule } }) },
    };
  }

  /** `library.gradient`: a function of (arguments …, cotangents …). */
  private ruleOfFunction(rule: string, name: string, results: readonly string[], args: readonly string[], outer: Sink, depth: number): Graph | undefined {
    const cotangents = results.map((_, i) => `${name}/gradient/d_${i}`);
    return this.rule(rule, `${name}/gradient/`, cotangents, [...args, ...cotangents], args.length, outer, depth, []);
  }

  /**
   * `library.registered_gradients`: a function of a cotangent for every output of the IdentityN (its arguments' are zeros), then of what the
   * rule captured, which the object graph names.
   */
  private ruleOfIdentity(type: string, name: string, inputs: readonly string[], outer: Sink, depth: number): { graph: Graph | undefined; results: number } | undefined {
    const rule = this.model.registeredGradients.get(type), f = rule === undefined ? undefined : this.model.functions.get(rule);
    if (!f || rule === undefined) return undefined;
    const results = inputs.length - f.results.length, captured: string[] = [];
    for (const b of this.model.boundInputs.get(rule) ?? []) {
      const value = b.kind === 'captured' ? this.open.get(b.function)?.(canonicalValue(b.value)) : b.kind === 'constant' ? b.node : b.kind === 'variable' ? [...this.model.variables.values()].find(v => v.fullName === b.fullName)?.node : undefined;
      if (value === undefined) return { graph: undefined, results };
      captured.push(value);
    }
    const cotangents = inputs.slice(0, results).map((_, i) => `${name}/gradient/d_${i}`), zeros = inputs.slice(results).map((v, i): Node => ({
      name: `${name}/gradient/zeros_${i}`, op: 'ZerosLike', domain: 'tensorflow', inputs: [v], outputs: [`${name}/gradient/zeros_${i}`], attributes: {},
    }));
    return { graph: this.rule(rule, `${name}/gradient/`, cotangents, [...cotangents, ...zeros.map(z => z.name), ...captured], f.results.length, outer, depth, zeros), results };
  }

  private rule(functionName: string, prefix: string, cotangents: readonly string[], given: readonly string[], count: number, outer: Sink, depth: number, before: readonly Node[]): Graph | undefined {
    const graph = depth < DEEPEST ? this.branch(functionName, prefix, given, outer, depth) : undefined;
    return graph && { ...graph, inputs: cotangents.map(name => ({ name })), nodes: [...before, ...graph.nodes], outputs: graph.outputs.slice(0, count) };
  }

  /** SymbolicGradient(arguments …, cotangents …): the function's body, and a node that differentiates it. */
  private symbolic(node: Node, name: string, inputs: readonly string[], outputs: readonly string[], attributes: Attributes, sink: Sink, depth: number): boolean {
    const a = attributes['f'], f = a?.kind === 'string' ? this.model.functions.get(a.value) : undefined, n = f?.graph.inputs.length ?? 0;
    if (!f || depth >= DEEPEST) return false;
    const { results } = this.instance(f, `${name}/`, inputs.slice(0, n), [], attributes, sink, depth + 1);
    sink.nodes.push({ ...node, name, op: 'FunctionGradient', inputs: [...inputs.slice(0, n), ...results, ...inputs.slice(n)], outputs, attributes: { arguments: { kind: 'int', value: n } } });
    return true;
  }

  private called(node: Node, attributes: Attributes): TensorFlowFunction | undefined {
    const { functions, saver } = this.model, f = attributes['f'], name = CALLS.has(node.op) ? (f?.kind === 'string' ? f.value : '') : node.op;
    return saver.functions.has(name) ? undefined : functions.get(name);
  }

  /** Functions of a structured node as graphs. */
  private branches(op: string, name: string, attributes: Attributes, inputs: readonly string[], sink: Sink, depth: number): { op: string; attributes: Attributes; inputs: readonly string[] } | undefined {
    if (depth >= DEEPEST) return undefined;
    if (op === 'Case' || op === 'StatelessCase') {
      const list = attributes['branches'], names = list?.kind === 'strings' ? list.value : [], graphs = names.map((n, i) => this.branch(n, `${name}/branch_${i}/`, inputs.slice(1), sink, depth));
      if (!graphs.length || graphs.some(g => !g)) return undefined;
      return { op: 'Case', inputs: inputs.slice(0, 1), attributes: { ...attributes, ...Object.fromEntries(graphs.map((g, i) => [`branch_${i}`, { kind: 'graph' as const, value: g! }])) } };
    }
    const keys = BRANCHES[op];
    if (!keys) return undefined;
    const loop = keys[0] === 'cond', made = keys.map(key => {
      const f = attributes[key], prefix = `${name}/${key}/`;
      if (f?.kind !== 'string') return undefined;
      return loop ? this.branch(f.value, prefix, undefined, sink, depth) : this.branch(f.value, prefix, inputs.slice(1), sink, depth);
    });
    if (made.some(g => !g)) return undefined;
    const graphs = Object.fromEntries(keys.map((key, i) => [key, { kind: 'graph' as const, value: made[i]! } satisfies Attribute]));
    return { op: loop ? 'While' : 'If', inputs: loop ? inputs : inputs.slice(0, 1), attributes: { ...attributes, ...graphs } };
  }

  /** A function as a graph. @param given values of the graph around it for its arguments; without them they are the graph's inputs */
  private branch(functionName: string, prefix: string, given: readonly string[] | undefined, outer: Sink, depth: number): Graph | undefined {
    const f = this.model.functions.get(functionName);
    if (!f) return undefined;
    const sink: Sink = { nodes: [], types: new Map() };
    const inputs: ValueInfo[] = given ? [] : f.graph.inputs.map(v => ({ ...v, name: prefix + v.name }));
    for (const input of inputs) if (input.type) sink.types.set(input.name, input.type);
    const { results } = this.instance(f, prefix, given ?? inputs.map(i => i.name), [], {}, sink, depth);
    const outputs = results.map((name): ValueInfo => {
      const type = sink.types.get(name) ?? outer.types.get(name);
      return { name, ...(type && { type }) };
    });
    return { name: functionName, nodes: sink.nodes, inputs, outputs, initializers: new Map(), types: sink.types, opsets: new Map(), functions: new Map() };
  }
}

const STATEFUL = /Variable|Assign|Apply|Scatter(?!Nd$)|Stack|Read/;
function touchesState(node: Node): boolean {
  return STATEFUL.test(node.op) || CALLS.has(node.op) || node.op in BRANCHES;
}

/** Attributes with those that refer to the call's replaced. */
function boundAttributes(attributes: Attributes, bound: Attributes): Attributes {
  let changed: Record<string, Attribute> | undefined;
  for (const [key, a] of Object.entries(attributes)) {
    const value = a.kind === 'ref' ? bound[a.value] ?? bound[`f.${a.value}`] : undefined;
    if (value) (changed ??= { ...attributes })[key] = value;
  }
  return changed ?? attributes;
}
