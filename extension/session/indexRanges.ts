import type { Graph, Node } from '../../kernels/graph/graph.ts';
import { staticShape, type TensorType } from '../../kernels/graph/types.ts';

/** Moves an integer on to where it selects something. */
const PASSES = new Set(['Cast', 'Reshape', 'Unsqueeze', 'Squeeze', 'Flatten', 'Identity', 'Expand', 'Slice', 'Transpose', 'Concat']);

/** Where the values of an integer input select nothing that the graph shows. */
const UNSEEN = 2;

/** How many different values an integer input may take so that everything it selects is there. */
export function indexRange(graph: Graph, name: string): number {
  const shapeOf = (value: string | undefined) => (value === undefined ? undefined : staticShape(graph.types.get(value)) ?? graph.initializers.get(value)?.dims);
  const follow = new Set([name]);
  let range = Infinity;
  for (const node of graph.nodes) {
    node.inputs.forEach((input, at) => {
      if (!follow.has(input)) return;
      if (PASSES.has(node.op) && (at === 0 || node.op === 'Concat')) node.outputs.forEach(o => follow.add(o));
      const selected = selectedFrom(node, at, shapeOf, graph);
      if (selected !== undefined) range = Math.min(range, selected);
    });
  }
  return Number.isFinite(range) ? Math.max(1, range) : UNSEEN;
}

/** How many things the input at `at` selects from; undefined if it selects nothing, 1 if it cannot be told. */
function selectedFrom(node: Node, at: number, shapeOf: (value: string | undefined) => readonly number[] | undefined, graph: Graph): number | undefined {
  const along = (value: number, axis: number) => {
    const shape = shapeOf(node.inputs[value]);
    return shape?.[axis < 0 ? axis + shape.length : axis] ?? 1;
  };
  switch (node.op) {
    case 'Gather': case 'GatherElements': case 'ScatterElements': case 'Scatter': return at === 1 ? along(0, int(node, 'axis', 0)) : undefined;
    case 'GatherND': case 'ScatterND': {
      if (at !== 1) return undefined;
      const data = shapeOf(node.inputs[0]), depth = shapeOf(node.inputs[1])?.at(-1), from = int(node, 'batch_dims', 0);
      return data && depth ? Math.min(...data.slice(from, from + depth)) : 1;
    }
    case 'SoftmaxCrossEntropyLoss': case 'NegativeLogLikelihoodLoss': return at === 1 ? along(0, 1) : undefined;
    case 'OneHot': return at === 0 ? ((graph.types.get(node.inputs[1]!) as TensorType | undefined)?.data?.[0] ?? 1) : undefined;
    case 'EmbedLayerNormalization': return at === 0 ? along(2, 0) : at === 1 ? along(4, 0) : undefined;
    default: return undefined;
  }
}

function int(node: Node, name: string, fallback: number): number {
  const a = node.attributes[name];
  return a?.kind === 'int' ? a.value : fallback;
}
