import { AttributeReader } from '../graph/attributes.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { UserError } from '../graph/errors.ts';
import type { Graph, Node } from '../graph/graph.ts';
import { ancestorsOf, descendantsOf } from '../graph/passes.ts';
import { renamedNode } from '../graph/rename.ts';
import type { ConventionName } from '../operators/conventions.ts';
import { inferWith, type Registry } from '../operators/infer.ts';
import { TRAINING } from '../operators/training.ts';
import { differentiate, valuesOf } from './differentiate.ts';

/** The first Gradient node of ai.onnx.preview.training: nothing before it depends on another one. */
export function firstGradientNode(graph: Graph): Node | undefined {
  return graph.nodes.find(n => n.op === 'Gradient' && n.domain === TRAINING);
}

/** Values whose shapes are needed before a Gradient node can be replaced. */
export function neededBy(gradient: Node): readonly string[] {
  const a = new AttributeReader(gradient.attributes), y = a.string('y');
  return [...(y === undefined ? [] : [y]), ...gradient.inputs.filter(n => n)];
}

/**
 * The graph with one Gradient node replaced by what it stands for: the part of the graph from `xs` and `zs` to `y`, evaluated at the
 * node's inputs, and its backward pass. Each input enters through one Identity, so that the contribution of the use can be told.
 * @throws UserError('usage') if a name that the node gives is no value of the graph
 */
export function withoutGradientNode(graph: Graph, gradient: Node, registry: Registry, conventions: ConventionName): Graph {
  const at = graph.nodes.indexOf(gradient), a = new AttributeReader(gradient.attributes), infer = inferWith(registry);
  const named = [...(a.strings('xs') ?? []), ...(a.strings('zs') ?? [])], y = a.string('y') ?? '';
  const before: Graph = { ...graph, nodes: graph.nodes.slice(0, at) }, path = ancestorsOf(before, [y]);
  const known = new Set(valuesOf(before));
  for (const n of [y, ...named]) if (!known.has(n)) throw new UserError('usage', `node ${gradient.name} (Gradient) names ${n || 'no y'}, which is no value of the graph`, 'Its attributes xs, zs and y are names of values.', { node: gradient.name });

  const g = new GraphBuilder(before, infer), names = new Map<string, string>(), ports: string[] = [];
  named.forEach((value, i) => {
    const input = gradient.inputs[i] || value, port = g.fresh('port'), type = g.typeOf(input);
    g.append({ name: port, op: 'Identity', domain: '', inputs: [input], outputs: [port], attributes: {}, origin: gradient.name, port: i });
    if (type) g.setType(port, type);
    names.set(value, port);
    ports.push(port);
  });
  const reached = descendantsOf(before, named);
  before.nodes.forEach((node, i) => {
    if (!path.nodes[i] || !node.outputs.some(o => reached.has(o))) return;
    for (const o of node.outputs) if (o && !names.has(o)) names.set(o, g.fresh(node.op));
    // A value that is itself among xs keeps its port; the node that made it gives the name to nobody.
    const copy = renamedNode(node, names), outputs = node.outputs.map((o, k) => (named.includes(o) ? '' : copy.outputs[k]!));
    if (outputs.every(o => !o)) return;
    g.append({ ...copy, outputs, name: g.fresh(node.name), origin: gradient.name });
    node.outputs.forEach((o, k) => {
      const type = outputs[k] ? g.typeOf(o) : undefined;
      if (type) g.setType(outputs[k]!, type);
    });
  });
  return spliced(graph, at, differentiated(g.build(), names.get(y) ?? y, ports, gradient, registry, conventions));
}

/** The copy and its backward pass; what xs get becomes the node's outputs, zeros where y does not depend on one. */
function differentiated(graph: Graph, y: string, ports: readonly string[], gradient: Node, registry: Registry, conventions: ConventionName): Graph {
  const d = differentiate(graph, { targets: [{ value: y }], registry, conventions, of: ports });
  const g = new GraphBuilder(d.graph, inferWith(registry));
  gradient.outputs.forEach((output, i) => {
    if (!output) return;
    const found = d.gradients.get(ports[i]!);
    if (found?.status === 'unsupported') throw new UserError('no-gradient', `node ${gradient.name} (Gradient) needs the gradient of ${found.because[0]?.node ?? y}, which has none (${found.because[0]?.reason ?? 'no rule'})`, undefined, { node: gradient.name });
    g.alias(found?.gradient === undefined ? g.tensor(ports[i]!).zerosLike() : g.tensor(found.gradient), output);
  });
  const own = new Set(graph.nodes.map(n => n.name)), built = g.build();
  return { ...built, nodes: built.nodes.map(n => (own.has(n.name) ? n : { ...n, origin: gradient.name })) };
}

function spliced(graph: Graph, at: number, replaced: Graph): Graph {
  return { ...replaced, nodes: [...replaced.nodes, ...graph.nodes.slice(at + 1)], outputs: graph.outputs, inputs: graph.inputs };
}
