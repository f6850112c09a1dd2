import type { Graph, TensorData } from '../../graph/graph.ts';
import { inlineFunctions } from './functions.ts';
import { canonicalValue, type Signature, type TensorFlowModel } from './source.ts';
import { SOURCES } from './sources.ts';

/** A TensorFlow file as a person looks at it: one graph, with other names of its values. */
export interface TensorFlowView {
  /** Operators as in the file. Variables are nodes and, where they have a value, initializers of the same name. */
  readonly graph: Graph;
  readonly model: TensorFlowModel;
  /** Control inputs by node, those of inlined calls included. */
  readonly controlInputs: ReadonlyMap<string, readonly string[]>;
  /** Other names of values: keys of the signature, `x:0`, names of variables in Python and in the checkpoint. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** The view of a file. @param signature its inputs and outputs become the graph's */
export function viewOf(model: TensorFlowModel, signature?: Signature): TensorFlowView {
  const { graph, controlInputs, replaced } = inlineFunctions(model), value = (v: string) => replaced.get(v) ?? v;
  const initializers = new Map<string, TensorData>(graph.initializers), types = new Map(graph.types), aliases = new Map<string, string>(replaced);
  for (const v of model.variables.values()) {
    if (v.data) {
      initializers.set(v.node, v.data);
      types.set(v.node, { kind: 'tensor', dtype: v.data.dtype, shape: v.data.dims });
    }
    for (const name of [v.checkpointKey, v.fullName, v.sharedName]) if (name && !graph.types.has(name)) aliases.set(name, v.node);
  }
  const inputs = graph.nodes.filter(n => SOURCES.has(n.op)).flatMap(n => n.outputs).filter(o => types.get(o)?.kind === 'tensor').map(name => ({ name, type: types.get(name)! }));
  for (const s of signature ? [signature] : model.signatures.values()) {
    for (const t of [...s.inputs, ...s.outputs]) if (t.values.length === 1 && !graph.types.has(t.key)) aliases.set(t.key, value(t.values[0]!));
  }
  const outputs = signature?.outputs.flatMap(o => o.values.map(value).map(name => ({ name, ...(types.has(name) && { type: types.get(name)! }) }))) ?? graph.outputs;
  const losses = model.collections.get('losses'), names = losses?.kind === 'names' ? losses.values.map(canonicalValue) : [];
  return {
    model, controlInputs, aliases,
    graph: { ...graph, initializers, types, inputs, outputs, metadata: { ...graph.metadata, ...(names.length && { 'adjoint.losses': names.join('\n') }) } },
  };
}
