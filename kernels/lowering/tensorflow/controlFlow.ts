import type { GraphBuilder } from '../../graph/builder.ts';
import { readsOf, type Attribute, type Graph, type Node, type ValueInfo } from '../../graph/graph.ts';
import { tensor, type ValueType } from '../../graph/types.ts';
import { common, plain } from '../../operators/controlFlowTypes.ts';
import { TRAINING } from '../../operators/training.ts';
import { copied, graphOf } from './bodies.ts';
import type { Missing } from './context.ts';

/** The lowering of one graph, as control flow sees it. */
export interface Region {
  readonly g: GraphBuilder;
  /** Lowers one node into the region. */
  lower(node: Node): void;
  has(value: string): boolean;
  missingOf(value: string): Missing | undefined;
  /** Lowers a branch or a body, in a builder of its own. */
  within(graph: Graph, types: readonly (ValueType | undefined)[]): Region;
}

/** True for a node whose branches are graphs. */
export function isStructured(node: Node): boolean {
  return (node.op === 'While' && !!graphOf(node, 'body')) || (node.op === 'If' && !!graphOf(node, 'then_branch')) || (node.op === 'Case' && !!graphOf(node, 'branch_0')) || node.op === 'CustomGradient' || node.op === 'FunctionGradient';
}

/** If, While and Case as If and Loop of ONNX. @returns what stands in the way, if anything does */
export function lowerStructured(region: Region, node: Node): Missing | undefined {
  for (const value of node.op === 'CustomGradient' ? node.inputs : readsOf(node)) if (!region.has(value)) return region.missingOf(value) ?? { node: node.name, op: node.op, why: `its input ${value} has no value` };
  if (node.op === 'CustomGradient') return customGradient(region, node);
  if (node.op === 'FunctionGradient') return functionGradient(region, node);
  return node.op === 'While' ? loop(region, node) : node.op === 'Case' ? choice(region, node) : branch(region, node);
}

/** Rounds in which the types of what a loop carries settle. */
const SETTLE = 5;

function loop(region: Region, node: Node): Missing | undefined {
  const { g } = region, cond = graphOf(node, 'cond')!, body = graphOf(node, 'body')!;
  let types = node.inputs.map(v => plain(g.typeOf(v))), inner = region.within(body, types);
  for (let round = 0; round < SETTLE; round++) {
    const outputs = body.outputs.map(o => plain(inner.g.typeOf(o.name))), next = types.map((t, i) => common(t, outputs[i]));
    const absent = body.outputs.find(o => !inner.has(o.name));
    if (absent) return inner.missingOf(absent.name) ?? { node: node.name, op: node.op, why: `${absent.name} in its body has no value` };
    if (JSON.stringify(next) === JSON.stringify(types)) break;
    types = next;
    inner = region.within(body, types);
  }
  const start = condition(region, cond, node.inputs), goOn = condition(inner, cond, body.outputs.map(o => o.name));
  if (typeof start !== 'string') return start;
  if (typeof goOn !== 'string') return goOn;
  const round = declared(inner.g, 'round', tensor('int64', [])), before = declared(inner.g, 'go', tensor('bool', []));
  const inputs = [round, before, ...body.inputs.map((v, i): ValueInfo => ({ name: v.name, ...(types[i] && { type: types[i]! }) }))];
  const outputs = [goOn, ...body.outputs.map(o => o.name)].map(v => passedOn(inner.g, v));
  // ONNX Runtime writes the last value of every state, wanted or not: an output without a name ends its process.
  const ends = node.outputs.map(o => o || g.fresh('end'));
  g.append({
    name: node.name, op: 'Loop', domain: '', inputs: ['', start, ...node.inputs], outputs: ends, ...(node.scope && { scope: node.scope }),
    attributes: { body: { kind: 'graph', value: inner.g.build(outputs, inputs) } },
  });
  ends.forEach((o, i) => { if (types[i]) g.setType(o, types[i]!); });
  return undefined;
}

/** The condition on given values, as a scalar of bool; or what is missing. */
function condition(region: Region, cond: Graph, states: readonly string[]): string | Missing {
  const { nodes, outputs } = copied(cond, states, `${region.g.fresh('while')}/`), value = outputs[0]!;
  for (const n of nodes) region.lower(n);
  return region.has(value) ? truth(region.g, value) : region.missingOf(value) ?? { node: cond.name, op: 'While', why: 'its condition has no value' };
}

/** A condition of TensorFlow may be a number, or a tensor of one element. */
function truth(g: GraphBuilder, value: string): string {
  const t = g.tensor(value), asBool = t.dtype === 'bool' ? t : t.cast('bool');
  return asBool.rank === 0 || asBool.rank === undefined ? asBool.name : g.op('Reshape', [asBool, g.constant('int64', [0], [])]).name;
}

function declared(g: GraphBuilder, hint: string, type: ValueType): ValueInfo {
  const name = g.fresh(hint);
  g.setType(name, type);
  return { name, type };
}

/** What a body gives must be made in it. */
function passedOn(g: GraphBuilder, value: string): ValueInfo {
  const name = g.fresh('out'), type = plain(g.typeOf(value));
  g.append({ name, op: 'Identity', domain: '', inputs: [value], outputs: [name], attributes: {} });
  if (type) g.setType(name, type);
  return { name, ...(type && { type }) };
}

function branch(region: Region, node: Node): Missing | undefined {
  const { g } = region, graphs = ['then_branch', 'else_branch'].map(k => graphOf(node, k)!), inner = graphs.map(b => region.within(b, []));
  const results: ValueInfo[][] = [[], []];
  for (let i = 0; i < node.outputs.length; i++) {
    const names = graphs.map(b => b.outputs[i]!.name), lacks = names.map((n, k) => (inner[k]!.has(n) ? undefined : inner[k]!.missingOf(n) ?? { node: node.name, op: node.op, why: `${n} has no value` }));
    // An optional that holds nothing in one branch is never read there.
    const empty = lacks.findIndex(m => m?.op === 'OptionalNone'), other = empty < 0 ? undefined : inner[1 - empty]!.g.typeOf(names[1 - empty]!);
    if (other?.kind === 'tensor' && !lacks[1 - empty]) names[empty] = inner[empty]!.g.constant(other.dtype, [0], []).name;
    else if (lacks[0] ?? lacks[1]) return lacks[0] ?? lacks[1];
    names.forEach((n, k) => results[k]!.push(passedOn(inner[k]!.g, n)));
  }
  g.append({
    name: node.name, op: 'If', domain: '', inputs: [truth(g, node.inputs[0]!)], outputs: node.outputs, ...(node.scope && { scope: node.scope }),
    attributes: { then_branch: { kind: 'graph', value: inner[0]!.g.build(results[0]!, []) }, else_branch: { kind: 'graph', value: inner[1]!.g.build(results[1]!, []) } },
  });
  node.outputs.forEach((o, i) => {
    const type = common(results[0]![i]!.type, results[1]![i]!.type);
    if (o && type) g.setType(o, type);
  });
  return undefined;
}

/** Case is an If for every branch but the last, which also takes every other index. */
function choice(region: Region, node: Node): Missing | undefined {
  const { g } = region, graphs = Object.keys(node.attributes).filter(k => k.startsWith('branch_') && graphOf(node, k)).map((_, i) => graphOf(node, `branch_${i}`)!);
  const index = g.tensor(node.inputs[0]!), last = graphs.length - 1;
  if (last === 0) return branch(region, { ...node, inputs: [g.constant('bool', [], [1]).name], attributes: both(graphs[0]!, graphs[0]!) });
  const conditions = graphs.slice(0, last).map((_, i) => index.eq(i).name);
  let rest = graphs[last]!;
  for (let i = last - 1; i > 0; i--) {
    const name = `${node.name}/case_${i}`, outputs = graphs[i]!.outputs.map((o, k): ValueInfo => ({ ...o, name: `${name}:${k}` }));
    rest = { ...graphs[i]!, nodes: [{ ...node, name, op: 'If', inputs: [conditions[i]!], outputs: outputs.map(o => o.name), attributes: both(graphs[i]!, rest) }], outputs, inputs: [], initializers: new Map() };
  }
  return branch(region, { ...node, op: 'If', inputs: [conditions[0]!], attributes: both(graphs[0]!, rest) });
}

const both = (yes: Graph, no: Graph): Node['attributes'] => ({ then_branch: { kind: 'graph', value: yes }, else_branch: { kind: 'graph', value: no } });

/** Values with a rule of their own (see operators/customGradient.ts). A rule that cannot be lowered is missing only where it is asked for. */
function customGradient(region: Region, node: Node): undefined {
  const { g } = region, results = node.attributes['results']?.kind === 'int' ? node.attributes['results'].value : 0, rule = graphOf(node, 'gradient');
  const attributes: Record<string, Attribute> = { results: { kind: 'int', value: results } };
  if (rule) {
    const inner = region.within(rule, node.inputs.slice(0, results).map(v => plain(g.typeOf(v)))), absent = rule.outputs.find(o => !inner.has(o.name));
    if (absent) attributes['why'] = { kind: 'string', value: inner.missingOf(absent.name)?.why ?? `${absent.name} has no value` };
    else attributes['gradient'] = { kind: 'graph', value: inner.g.build(rule.outputs.map(o => passedOn(inner.g, o.name)), rule.inputs.map((v, i): ValueInfo => ({ ...v, ...(g.typeOf(node.inputs[i]!) && { type: plain(g.typeOf(node.inputs[i]!))! }) }))) };
  }
  g.append({ name: node.name, op: 'CustomGradient', domain: 'adjoint', inputs: node.inputs, outputs: node.outputs, attributes, ...(node.scope && { scope: node.scope }) });
  node.outputs.forEach((o, i) => {
    const type = plain(g.typeOf(node.inputs[i] ?? ''));
    if (o && type) g.setType(o, type);
  });
  return undefined;
}

/** The gradients of a function's results, weighed by their cotangents, with respect to its arguments: a Gradient node. */
function functionGradient(region: Region, node: Node): undefined {
  const { g } = region, n = node.attributes['arguments']?.kind === 'int' ? node.attributes['arguments'].value : 0, count = (node.inputs.length - n) / 2;
  const terms = Array.from({ length: count }, (_, i) => {
    const dy = g.op('StopGradient', [g.tensor(node.inputs[n + count + i]!)], {}, { domain: 'adjoint' });
    return g.op('ReduceSum', [g.op('Mul', [g.tensor(node.inputs[n + i]!), dy])], { keepdims: 0 });
  });
  const y = terms.reduce((a, b) => g.op('Add', [a, b])), xs = node.inputs.slice(0, n);
  g.append({ name: node.name, op: 'Gradient', domain: TRAINING, inputs: xs, outputs: node.outputs, attributes: { xs: { kind: 'strings', value: xs }, y: { kind: 'string', value: y.name } } });
  node.outputs.forEach((o, i) => {
    const type = plain(g.typeOf(xs[i]!));
    if (o && type) g.setType(o, type);
  });
  return undefined;
}
