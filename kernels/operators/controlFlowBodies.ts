import { IMPURE, type GraphBuilder } from '../graph/builder.ts';
import { capturesOf, readsOf, type Graph, type Node, type ValueInfo } from '../graph/graph.ts';
import { renamedNode } from '../graph/rename.ts';
import { ancestorsOf, descendantsOf } from '../graph/passes.ts';
import type { Tensor } from '../graph/tensor.ts';
import { isFloat, type DType, type ValueType } from '../graph/types.ts';
import { inferBodyTypes } from './infer.ts';
import { ZERO, type PullbackContext, type PullbackEntry } from './operator.ts';

/** A gradient's element type: the value's own, float32 for quantised integers. */
export const gradientType = (dtype: DType): DType => (isFloat(dtype) ? dtype : 'float32');

/** A child builder that holds the body's forward nodes with the types of all its values. */
export function bodyBuilder(g: GraphBuilder, body: Graph, inputs: readonly (ValueType | undefined)[]): GraphBuilder {
  return g.child({ ...body, types: inferBodyTypes(body, inputs, g.infer, n => g.typeOf(n)) });
}

/** The reverse of a body, taken apart: what runs in the backward loop, and what the forward one has to hand over. */
export interface BodyAdjoint {
  /** Forward nodes; some may have got outputs that rules asked for. Shapes that the backward needs are measured here. */
  readonly forward: readonly Node[];
  /** Backward nodes in order, with the forward nodes that are computed again because no round changes them. */
  readonly backward: readonly Node[];
  /** Forward values (body inputs included) that the backward nodes read. */
  readonly residuals: readonly string[];
  readonly cotangents: ReadonlyMap<string, Tensor>;
}

/**
 * Reverses a body inside its builder.
 * @param seeds cotangents of the body's outputs, values of the builder
 * @param wanted body inputs and captured values
 */
export function reverseBody(c: PullbackContext, b: GraphBuilder, body: Graph, seeds: ReadonlyMap<string, Tensor>, wanted: ReadonlySet<string>): BodyAdjoint {
  const cotangents = c.walk.reverse(b, body, seeds, wanted), count = body.nodes.length;
  const needed = new Set([...cotangents.values()].map(t => t.name)), backward: Node[] = [], forward = b.nodes.slice(0, count), measured: Node[] = [];
  const made = new Set<string>([...body.inputs.map(i => i.name), ...forward.flatMap(n => n.outputs)].filter(n => n));
  for (let i = b.nodes.length - 1; i >= count; i--) {
    const node = b.nodes[i]!;
    if (!node.outputs.some(o => needed.has(o))) continue;
    // Only the shape of a forward value: a few numbers are handed over, not the value.
    if ((node.op === 'Shape' || node.op === 'Size') && made.has(node.inputs[0]!)) {
      measured.push(node);
      continue;
    }
    backward.push(node);
    for (const r of readsOf(node)) needed.add(r);
  }
  for (const node of measured) for (const o of node.outputs) made.add(o);
  forward.push(...measured);
  backward.push(...repeated(forward, body, needed));
  const repeatedOutputs = new Set(backward.flatMap(n => n.outputs));
  return {
    forward, cotangents, backward: backward.reverse(),
    residuals: [...made].filter(n => needed.has(n) && !repeatedOutputs.has(n)),
  };
}

/** Forward nodes that depend on no body input and that the backward needs, last first: the same in every round. */
function repeated(forward: readonly Node[], body: Graph, needed: Set<string>): Node[] {
  const changing = new Set(body.inputs.map(i => i.name));
  for (const node of forward) if (IMPURE.has(node.op) || readsOf(node).some(n => changing.has(n))) for (const o of node.outputs) changing.add(o);
  const found: Node[] = [];
  for (let i = forward.length - 1; i >= 0; i--) {
    const node = forward[i]!;
    if (!node.outputs.some(o => needed.has(o)) || node.outputs.some(o => changing.has(o))) continue;
    found.push(node);
    for (const r of readsOf(node)) needed.add(r);
  }
  return found;
}

/** Which carried values take part: those that a wanted value reaches and that reach an output with a cotangent, over any number of rounds. */
export function activeStates(
  body: Graph, states: readonly { readonly input: string; readonly output: string; readonly float: boolean; readonly seeded: boolean; readonly wanted: boolean }[],
  wantedElsewhere: readonly string[], seededElsewhere: readonly string[],
): boolean[] {
  const varied = states.map(s => s.wanted), useful = states.map(s => s.seeded);
  for (let grew = true; grew;) {
    grew = false;
    const reached = descendantsOf(body, [...wantedElsewhere, ...states.filter((_, i) => varied[i]).map(s => s.input)]);
    const reaching = ancestorsOf(body, [...seededElsewhere, ...states.filter((_, i) => useful[i]).map(s => s.output)]).values;
    states.forEach((s, i) => {
      if (!varied[i] && s.float && reached.has(s.output)) varied[i] = grew = true;
      if (!useful[i] && s.float && reaching.has(s.input)) useful[i] = grew = true;
    });
  }
  return states.map((s, i) => s.float && varied[i]! && useful[i]!);
}

/** Outer values that the bodies use and whose gradient somebody asked for. */
export function wantedCaptures(c: PullbackContext, ...bodies: readonly Graph[]): string[] {
  return [...new Set(bodies.flatMap(capturesOf))].filter(n => c.wantsValue(n));
}

/** The cotangents of captured values: filed, or added to the entry of an input that is the same value. */
export function fileCaptured(c: PullbackContext, entries: (Tensor | undefined)[], captured: ReadonlyMap<string, Tensor>): readonly PullbackEntry[] {
  for (const [name, t] of captured) {
    const at = c.node.inputs.indexOf(name);
    if (at < 0) c.captured(name, t);
    else entries[at] = entries[at] ? entries[at].add(t) : t;
  }
  return entries.map(t => () => t ?? ZERO);
}

/** A body of the builder's values: only the constants that its nodes read. */
export function bodyOf(b: GraphBuilder, name: string, nodes: readonly Node[], inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): Graph {
  const read = new Set<string>(outputs.map(o => o.name));
  for (const node of nodes) for (const r of readsOf(node)) read.add(r);
  return { ...b.build(outputs, inputs), name, nodes, initializers: new Map([...b.initializers].filter(([n]) => read.has(n))) };
}

/** The same for a backward body: what has the name of a forward value there gets another one, as ONNX wants. */
export function backwardBodyOf(
  b: GraphBuilder, body: Graph, nodes: readonly Node[], inputs: readonly ValueInfo[], outputs: readonly ValueInfo[],
): Graph {
  const forward = new Set([...body.inputs.map(i => i.name), ...body.nodes.flatMap(n => n.outputs)]), names = new Map<string, string>();
  for (const n of [...inputs.map(i => i.name), ...nodes.flatMap(n => n.outputs)]) if (forward.has(n) && n !== '') names.set(n, b.fresh('again'));
  for (const [from, to] of names) {
    const t = b.typeOf(from);
    if (t) b.setType(to, t);
  }
  const renamed = (v: ValueInfo): ValueInfo => (names.has(v.name) ? { ...v, name: names.get(v.name)! } : v);
  const nodeNames = new Set(body.nodes.map(n => n.name));
  const copies = nodes.map(n => {
    const copy = renamedNode(n, names);
    return nodeNames.has(n.name) ? { ...copy, name: b.fresh(n.op) } : copy;
  });
  return bodyOf(b, `${body.name}.backward`, copies, inputs.map(renamed), outputs.map(renamed));
}

/** A body's output must be made in the body: an Identity under a name of its own. */
export function output(b: GraphBuilder, nodes: Node[], value: string, type?: ValueType): ValueInfo {
  const name = b.fresh('out'), t = type ?? b.typeOf(value);
  nodes.push({ name, op: 'Identity', domain: '', inputs: [value], outputs: [name], attributes: {} });
  if (t) b.setType(name, t);
  return { name, ...(t && { type: t }) };
}
