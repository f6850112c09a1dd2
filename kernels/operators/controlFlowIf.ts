import { IMPURE, type GraphBuilder } from '../graph/builder.ts';
import type { Graph, Node } from '../graph/graph.ts';
import { pruned } from '../graph/passes.ts';
import type { Tensor } from '../graph/tensor.ts';
import { tensor } from '../graph/types.ts';
import { backwardBodyOf, bodyBuilder, bodyOf, fileCaptured, gradientType, output, wantedCaptures } from './controlFlowBodies.ts';
import type { PullbackContext, PullbackEntry } from './operator.ts';

const BRANCHES = ['then_branch', 'else_branch'] as const;
type Branch = (typeof BRANCHES)[number];

interface Reversed {
  readonly b: GraphBuilder;
  readonly cotangents: ReadonlyMap<string, Tensor>;
}

/**
 * Backward: an If on the same condition. A branch computes its own forward again (what the two would hand over differs in shape);
 * what it drew at random is handed over, never drawn again.
 */
export function ifPullback(c: PullbackContext): readonly PullbackEntry[] {
  const { g } = c, bodies: Readonly<Record<Branch, Graph>> = { then_branch: c.attributes.graph('then_branch')!, else_branch: c.attributes.graph('else_branch')! };
  const wanted = wantedCaptures(c, bodies.then_branch, bodies.else_branch), none = c.node.inputs.map(() => undefined);
  const reversed: Readonly<Record<Branch, Reversed>> = { then_branch: reverse(c, bodies.then_branch, wanted), else_branch: reverse(c, bodies.else_branch, wanted) };
  const live = wanted.filter(w => BRANCHES.some(k => reversed[k].cotangents.has(w)));
  if (!live.length) return none;
  const drawn = handOver(c, bodies);
  const branches = Object.fromEntries(BRANCHES.map(k => [k, backward(bodies[k], reversed[k], live, drawn[k])]));
  const types = live.map(w => tensor(gradientType(g.tensor(w).dtype), g.tensor(w).dims));
  const results = g.ops('If', [c.x[0]], branches, { outputs: live.length, types });
  return fileCaptured(c, none, new Map(live.map((w, i) => [w, results[i]!])));
}

function reverse(c: PullbackContext, body: Graph, wanted: readonly string[]): Reversed {
  const b = bodyBuilder(c.g, body, []), seeds = new Map<string, Tensor>();
  body.outputs.forEach((o, i) => {
    const dy = c.dys[i];
    if (!dy) return;
    const d = fitting(b.tensor(dy.name), b.tensor(o.name)), before = seeds.get(o.name);
    seeds.set(o.name, before ? before.add(d) : d);
  });
  return { b, cotangents: c.walk.reverse(b, body, seeds, new Set(wanted)) };
}

/** Branches may give different shapes, and the cotangent has that of the one that ran: in the other it only has to fit by its type. */
function fitting(d: Tensor, result: Tensor): Tensor {
  const [from, to] = [d.shape, result.shape];
  if (!from || !to || (from.length === to.length && from.every((n, i) => n === to[i]))) return d;
  return d.g.op('Reshape', [d, d.g.op('Shape', [result])], { allowzero: 1 }, { types: [tensor(d.dtype, to)] });
}

/** One branch of the backward If: zeros for what it does not use. */
function backward(body: Graph, { b, cotangents }: Reversed, live: readonly string[], drawn: ReadonlyMap<string, string>): Graph {
  const values = live.map(w => cotangents.get(w) ?? b.tensor(w).zerosLike().cast(gradientType(b.tensor(w).dtype)));
  const nodes: Node[] = [...drawn].map(([value, outer]) => ({ name: b.fresh('drawn'), op: 'Identity', domain: '', inputs: [outer], outputs: [value], attributes: {} }));
  nodes.push(...b.nodes.filter(n => !n.outputs.some(o => drawn.has(o))));
  const outputs = values.map(v => output(b, nodes, v.name));
  const { nodes: kept } = pruned({ ...b.build(outputs, []), nodes }, outputs.map(o => o.name));
  return backwardBodyOf(b, body, kept, [], outputs);
}

/** Makes what a branch draws at random outputs of the forward If (the other branch gives an empty tensor there): inner name → outer name. */
function handOver(c: PullbackContext, bodies: Readonly<Record<Branch, Graph>>): Readonly<Record<Branch, ReadonlyMap<string, string>>> {
  const { g } = c, drawn: Record<Branch, Map<string, string>> = { then_branch: new Map(), else_branch: new Map() };
  const builders = { then_branch: bodyBuilder(g, bodies.then_branch, []), else_branch: bodyBuilder(g, bodies.else_branch, []) };
  for (const k of BRANCHES) for (const node of bodies[k].nodes) if (IMPURE.has(node.op)) for (const o of node.outputs) if (o) drawn[k].set(o, g.fresh(node.op));
  if (!drawn.then_branch.size && !drawn.else_branch.size) return drawn;
  const extended = BRANCHES.map(k => {
    const b = builders[k], nodes = [...b.nodes], outputs = [...bodies[k].outputs];
    for (const owner of BRANCHES) {
      for (const value of drawn[owner].keys()) outputs.push(output(b, nodes, owner === k ? value : b.constant(builders[owner].tensor(value).dtype, [0], []).name));
    }
    return [k, { kind: 'graph' as const, value: bodyOf(b, bodies[k].name, nodes, [], outputs) }] as const;
  });
  const node = g.node(c.node.name)!, extra = BRANCHES.flatMap(k => [...drawn[k]]);
  for (const k of BRANCHES) for (const [value, outer] of drawn[k]) g.setType(outer, tensor(builders[k].tensor(value).dtype, builders[k].tensor(value).dims));
  g.replace({ ...node, outputs: [...node.outputs, ...extra.map(([, outer]) => outer)], attributes: { ...node.attributes, ...Object.fromEntries(extended) } });
  return drawn;
}
