import type { GraphBuilder } from '../graph/builder.ts';
import type { Graph } from '../graph/graph.ts';
import { renamedNode } from '../graph/rename.ts';
import type { Tensor } from '../graph/tensor.ts';

/**
 * A subgraph's nodes among those of the builder, under names of their own.
 * @param inputs values in the place of the subgraph's inputs
 * @param origin the user's node on whose behalf they stand there
 * @returns its outputs
 */
export function spliced(g: GraphBuilder, body: Graph, inputs: readonly Tensor[], origin: string | undefined): readonly Tensor[] {
  const names = new Map(body.inputs.map((input, i) => [input.name, inputs[i]!.name] as const));
  for (const [name, data] of body.initializers) {
    const own = g.fresh('body'), type = body.types.get(name);
    names.set(name, own);
    g.initializers.set(own, data);
    g.setType(own, type ?? { kind: 'tensor', dtype: data.dtype, shape: data.dims });
  }
  for (const node of body.nodes) for (const o of node.outputs) if (o) names.set(o, g.fresh('body'));
  for (const node of body.nodes) {
    const copy = renamedNode(node, names);
    g.append({ ...copy, name: g.fresh(node.op), ...(origin !== undefined && { origin }) });
    const types = g.infer(copy, n => g.typeOf(n));
    copy.outputs.forEach((o, i) => {
      const type = types[i] ?? body.types.get(node.outputs[i]!);
      if (o && type) g.setType(o, type);
    });
  }
  return body.outputs.map(o => g.tensor(names.get(o.name) ?? o.name));
}
