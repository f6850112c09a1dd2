import type { Graph, Node, TensorData } from '../../graph/graph.ts';
import { inlineFunctions } from './functions.ts';
import { canonicalValue, type Signature, type TensorFlowModel } from './source.ts';
import { SOURCES, VARIABLES } from './sources.ts';

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

/** What a training graph does beside computing: it changes state, saves, reports. */
const ASIDE = /^(Resource)?(Sparse)?Apply|^Assign|Scatter(Nd)?(Add|Sub|Mul|Div|Min|Max|Update)$|Initialized(Op)?$|Summary(V2)?$|^(Save|Restore|Merge)V2|^ShardedFile|^String|^(Queue|Reader|Stage|Unstage)|^Assert|^Print/;
/** The scope that tf.gradients makes. */
const BACKWARD = /^gradients(_\d+)?\//;

/** What tf.gradients started from: its cotangent is `gradients/grad_ys_0`, and what reads that is named after the node. */
function differentiated(graph: Graph): string[] {
  const starts = new Set(graph.nodes.filter(n => /^gradients(_\d+)?\/(Fill|grad_ys_\d+)$/.test(n.name)).flatMap(n => n.outputs)), nodes = new Set(graph.nodes.map(n => n.name));
  const found = graph.nodes.filter(n => n.inputs.some(i => starts.has(i))).flatMap(n => /^gradients(?:_\d+)?\/(.*)_grad\//.exec(n.name)?.[1] ?? []);
  return [...new Set(found)].filter(n => nodes.has(n));
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
  const noise = model.saver.nodes, known = (name: string) => ({ name, ...(types.has(name) && { type: types.get(name)! }) });
  const inputs = graph.nodes.filter(n => SOURCES.has(n.op) && !noise.has(n.name)).flatMap(n => n.outputs).filter(o => types.get(o)?.kind === 'tensor').map(known);
  for (const s of signature ? [signature] : model.signatures.values()) {
    for (const t of [...s.inputs, ...s.outputs]) if (t.values.length === 1 && !graph.types.has(t.key)) aliases.set(t.key, value(t.values[0]!));
  }
  const variables = new Set(graph.nodes.filter(n => VARIABLES.has(n.op)).map(n => n.name)), reads = (n: Node) => n.inputs.length === 1 && variables.has(n.inputs[0]!);
  const results = new Set(graph.nodes.filter(n => !noise.has(n.name) && !ASIDE.test(n.op) && !BACKWARD.test(n.name) && !reads(n)).flatMap(n => n.outputs));
  const outputs = signature?.outputs.flatMap(o => o.values.map(value).map(known)) ?? graph.outputs.filter(o => results.has(o.name));
  const losses = model.collections.get('losses'), names = losses?.kind === 'names' ? losses.values.map(canonicalValue) : signature ? [] : differentiated(graph);
  return {
    model, controlInputs, aliases,
    graph: { ...graph, initializers, types, inputs, outputs, metadata: { ...graph.metadata, ...(names.length && { 'adjoint.losses': names.join('\n') }) } },
  };
}
