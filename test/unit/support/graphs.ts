import { toAttributes, type AttributeInputs } from '../../../kernels/graph/attributes.ts';
import type { Graph, Node, TensorData } from '../../../kernels/graph/graph.ts';
import { tensorOf } from '../../../kernels/graph/tensorData.ts';
import { tensor, type TensorType } from '../../../kernels/graph/types.ts';
import { OPERATORS } from '../../../kernels/operators/index.ts';
import { inferTypes } from '../../../kernels/operators/infer.ts';

/** `y = Op(a, b)` in a few words; the node is named after its first output. */
export function node(op: string, inputs: readonly string[], outputs: readonly string[], attributes: AttributeInputs = {}, domain = ''): Node {
  return { name: `node_${outputs[0]}`, op, domain, inputs, outputs, attributes: toAttributes(attributes) };
}

export interface SmallGraph {
  readonly inputs: Readonly<Record<string, TensorType>>;
  readonly nodes: readonly Node[];
  readonly outputs: readonly string[];
  readonly weights?: Readonly<Record<string, TensorData>>;
}

export const floats = (...dims: number[]): TensorType => tensor('float32', dims);
export const weight = (dims: readonly number[], values: readonly number[]): TensorData => tensorOf('float32', dims, values);

/** A typed graph at opset 21. */
export function graphOf(g: SmallGraph): Graph {
  const graph: Graph = {
    name: 'small', nodes: g.nodes, inputs: Object.entries(g.inputs).map(([name, type]) => ({ name, type })), outputs: g.outputs.map(name => ({ name })),
    initializers: new Map(Object.entries(g.weights ?? {})), types: new Map(), opsets: new Map([['', 21]]), functions: new Map(),
  };
  return inferTypes(graph, OPERATORS);
}
