import type { GraphBuilder } from '../graph/builder.ts';
import { EMPTY_GRAPH, type Node } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { tensor, type SequenceType, type TensorType, type ValueType } from '../graph/types.ts';
import { bodyOf, gradientType, output } from './controlFlowBodies.ts';

/** What gradients of sequences are made of: a cotangent of a sequence is a sequence of cotangents, element by element. */

export const elementOf = (t: ValueType | undefined): ValueType | undefined => (t && t.kind !== 'tensor' ? t.element : undefined);
export const sequenceOf = (t: ValueType | undefined): ValueType | undefined => t && { kind: 'sequence', element: t };

function elementType(s: Tensor): TensorType {
  const t = elementOf(s.valueType);
  return t?.kind === 'tensor' ? t : tensor('float32');
}

/** SequenceMap: one result for each element of the sequences, which have equal lengths. */
export function mapSequence(g: GraphBuilder, sequences: readonly Tensor[], build: (elements: readonly Tensor[]) => Tensor): Tensor {
  const b = g.child(EMPTY_GRAPH), inputs = sequences.map(s => {
    const name = b.fresh('element'), type = elementType(s);
    b.setType(name, type);
    return { name, type };
  });
  const result = build(inputs.map(i => b.tensor(i.name))), nodes: Node[] = [...b.nodes], out = output(b, nodes, result.name);
  const body = bodyOf(b, 'element', nodes, inputs, [out]);
  const type: SequenceType = { kind: 'sequence', element: tensor(result.dtype, result.dims) };
  return g.ops('SequenceMap', sequences, { body }, { outputs: 1, types: [type] })[0]!;
}

/** Zeros for each element. */
export const zerosOfSequence = (g: GraphBuilder, s: Tensor): Tensor => mapSequence(g, [s], ([x]) => {
  const like = x!.g.op('Expand', [x!.g.constant(gradientType(x!.dtype), [], [0]), x!.g.op('Shape', [x!])]);
  return like;
});

/** The sum of two sequences, element by element. */
export const addSequences = (g: GraphBuilder, a: Tensor, b: Tensor): Tensor => mapSequence(g, [a, b], ([x, y]) => x!.add(y!));
