import { AttributeReader } from '../graph/attributes.ts';
import type { InferNode } from '../graph/builder.ts';
import type { Graph, Node } from '../graph/graph.ts';
import type { ValueType } from '../graph/types.ts';
import { loopInputTypes, scanInputTypes } from './controlFlowTypes.ts';
import { inferBodyTypes } from './infer.ts';

/** Types of the inputs of a node's subgraph that hold in every round; what nothing is known of keeps what the file states. */
export function bodyInputTypes(node: Node, body: Graph, infer: InferNode, typeOf: (value: string) => ValueType | undefined): readonly (ValueType | undefined)[] {
  const given = node.inputs.map(n => (n ? typeOf(n) : undefined)), a = new AttributeReader(node.attributes);
  if (node.domain !== '') return [];
  if (node.op === 'Scan') return scanInputTypes(given, a.int('num_scan_inputs', 0), a.ints('scan_input_axes'));
  if (node.op !== 'Loop') return [];
  return loopInputTypes(body, given.slice(2), (graph, inputs) => {
    const types = inferBodyTypes(graph, inputs, infer, typeOf);
    return graph.outputs.map(o => types.get(o.name) ?? typeOf(o.name));
  });
}
