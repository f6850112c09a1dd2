import { GraphBuilder } from '../graph/builder.ts';
import { UserError } from '../graph/errors.ts';
import type { Graph, Node } from '../graph/graph.ts';
import { ancestorsOf, descendantsOf } from '../graph/passes.ts';
import { Tensor } from '../graph/tensor.ts';
import { CONVENTIONS, type ConventionName } from '../operators/conventions.ts';
import { inferWith, type Registry } from '../operators/infer.ts';
import { expandNodes, type Refused } from './expand.ts';
import { Walk, type Because, type GradientStatus } from './walk.ts';

export interface DifferentiateOptions {
  /** Values to start from, each with the value that holds its cotangent (ones where none is given). */
  readonly targets: readonly { readonly value: string; readonly cotangent?: string }[];
  readonly registry: Registry;
  readonly conventions?: ConventionName;
  /** Values whose gradient is asked for; default: every float value. */
  readonly of?: Iterable<string>;
  /** Values behind which the person has put a stop. */
  readonly stops?: Iterable<string>;
  /** StopGradient nodes, or the values they make, that are to be ignored. */
  readonly unstops?: Iterable<string>;
}

export interface ValueGradient {
  readonly status: GradientStatus;
  readonly because: readonly Because[];
  /** The value of the graph that holds the gradient; only with status `computed`. */
  readonly gradient?: string;
}

export interface EdgeGradient {
  readonly value: string;
  readonly node: string;
  /** Position among the node's inputs; −1 for a value that a subgraph of the node captures. */
  readonly input: number;
  readonly status: GradientStatus;
  readonly because: readonly Because[];
  readonly gradient?: string;
}

export interface Differentiated {
  /** Forward and backward nodes, in topological order. */
  readonly graph: Graph;
  /** For every value of the user's graph. */
  readonly gradients: ReadonlyMap<string, ValueGradient>;
  /** One entry for each use of a value by a node on the way to the target. They add up to the value's gradient. */
  readonly edges: readonly EdgeGradient[];
}

/**
 * Builds the backward pass of a graph as more nodes of the same graph (reverse mode, one walk).
 * The graph's types should be concrete (see inferTypes and the session's probe); where they are not, dynamic ONNX is emitted.
 * A pure function of its arguments.
 * @throws UserError('usage') for a target that is not a value of the graph or carries no gradient
 */
export function differentiate(graph: Graph, options: DifferentiateOptions): Differentiated {
  const { registry } = options, conventions = CONVENTIONS[options.conventions ?? 'default'];
  const targets = options.targets.map(t => t.value);
  const asked = options.of && new Set(options.of);
  const path = ancestorsOf(graph, targets), leading = asked && descendantsOf(graph, asked);
  const irrelevant = new Set<Node>(graph.nodes.filter((n, i) => !path.nodes[i] || (leading && !n.outputs.some(o => leading.has(o)))));
  const refused: Refused = new Map();
  const forward = expandNodes(graph, registry, conventions, (node, entry) => !entry.pullback && !entry.noGradient && !irrelevant.has(node), refused);

  const g = new GraphBuilder(forward, inferWith(registry));
  const leads = leadingTest(forward, graph, asked);
  const walk = new Walk(g, forward, { registry, conventions, refused, stops: new Set(options.stops), unstops: new Set(options.unstops) }, leads);
  const seeds = new Map<string, Tensor>();
  for (const { value, cotangent } of options.targets) {
    const y = g.tensor(value);
    if (!walk.carries(value)) throw new UserError('usage', `${value} is of type ${y.dtype} and has no gradient`, 'Choose a float value as the target.');
    const seed = cotangent === undefined ? y.onesLike() : g.tensor(cotangent);
    seeds.set(value, seeds.has(value) ? seeds.get(value)!.add(seed) : seed);
  }
  walk.run(seeds, ancestorsOf(forward, targets).nodes);

  const gradients = new Map<string, ValueGradient>(), wanted = (v: string) => !asked || asked.has(v);
  for (const value of valuesOf(graph)) {
    if (!wanted(value)) {
      gradients.set(value, { status: 'not-asked', because: [] });
      continue;
    }
    const { status, because, tensor } = walk.total(value);
    gradients.set(value, { status, because, ...(tensor && { gradient: tensor.name }) });
  }
  return { graph: g.build(), gradients, edges: edgesOf(graph, walk) };
}

/** Where nothing was named, everything leads; else what the named values flow into, through expansions too. */
function leadingTest(forward: Graph, graph: Graph, asked: ReadonlySet<string> | undefined): (value: string) => boolean {
  if (!asked) return () => true;
  const values = forward === graph ? descendantsOf(graph, asked) : descendantsOf(forward, asked);
  return v => values.has(v);
}

/** Every value of the top level, in the order of the file: inputs, initializers, outputs of nodes. */
export function valuesOf(graph: Graph): string[] {
  const names = new Set<string>(graph.inputs.map(i => i.name));
  for (const name of graph.initializers.keys()) names.add(name);
  for (const node of graph.nodes) for (const o of node.outputs) if (o) names.add(o);
  return [...names];
}

/** Contributions at the user's own values; what flows between the pieces of an expansion is nobody's. */
function edgesOf(graph: Graph, walk: Walk): EdgeGradient[] {
  const edges: EdgeGradient[] = [];
  for (const value of valuesOf(graph)) {
    for (const c of walk.contributions.get(value) ?? []) {
      if (c.input === -1 && c.node === '') continue;
      edges.push({ value, node: c.node, input: c.input, status: c.status, because: c.because, ...(c.tensor && { gradient: c.tensor.name }) });
    }
  }
  return edges;
}
