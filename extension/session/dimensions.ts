import type { Graph, Node } from '../../kernels/graph/graph.ts';
import type { Dim } from '../../kernels/graph/types.ts';

/** Two dimensions that have to be equal, by the operator. */
type Pair = readonly [Dim, Dim];
type Shape = readonly Dim[];

const last = (s: Shape) => s.at(-1);

/** What an operator demands of its operands' shapes; only operators whose weight says what the data must be. */
const EQUAL: Readonly<Record<string, (n: Node, shape: (input: number) => Shape) => readonly Pair[]>> = {
  MatMul: (_, s) => [[last(s(0)), s(1).length > 1 ? s(1).at(-2) : s(1)[0]]],
  Gemm: (n, s) => [[s(0)[int(n, 'transA', 0) ? 0 : 1], s(1)[int(n, 'transB', 0) ? 1 : 0]]],
  Conv: (n, s) => [[s(0)[1], times(s(1)[1], int(n, 'group', 1))]],
  ConvTranspose: (_, s) => [[s(0)[1], s(1)[0]]],
  BatchNormalization: (_, s) => [[s(0)[1], s(1)[0]]],
  InstanceNormalization: (_, s) => [[s(0)[1], s(1)[0]]],
  LayerNormalization: (_, s) => [[last(s(0)), last(s(1))]],
  RNN: (_, s) => [[last(s(0)), last(s(1))]],
  GRU: (_, s) => [[last(s(0)), last(s(1))]],
  LSTM: (_, s) => [[last(s(0)), last(s(1))]],
};

/**
 * Sizes of symbolic dimensions that follow from how the graph uses them: the columns of a matrix that a weight multiplies, the channels of a
 * convolution. A first use decides; what does not fit later is for the run to say.
 */
export function sizesFromUses(graph: Graph): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const node of graph.nodes) {
    const rule = node.domain === '' ? EQUAL[node.op] : undefined;
    if (!rule) continue;
    const shapes = node.inputs.map(name => {
      const type = graph.types.get(name);
      return type?.kind === 'tensor' ? type.shape : undefined;
    });
    if (!shapes[0] || !shapes[1]) continue;
    for (const [a, b] of rule(node, i => shapes[i]!)) {
      if (typeof a === 'string' && typeof b === 'number' && !sizes.has(a)) sizes.set(a, b);
      if (typeof b === 'string' && typeof a === 'number' && !sizes.has(b)) sizes.set(b, a);
    }
  }
  return sizes;
}

function int(node: Node, name: string, fallback: number): number {
  const a = node.attributes[name];
  return a?.kind === 'int' ? a.value : fallback;
}

const times = (d: Dim, n: number): Dim => (typeof d === 'number' ? d * n : undefined);
