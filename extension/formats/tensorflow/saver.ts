import type { Node } from '../../../kernels/graph/graph.ts';
import { splitValue, type TensorFlowFunction, type TensorFlowGraph, type TensorFlowModel } from '../../../kernels/lowering/tensorflow/source.ts';

const SAVING = new Set(['SaveV2', 'RestoreV2', 'Save', 'SaveSlices', 'Restore', 'RestoreSlice', 'MergeV2Checkpoints', 'ShardedFilename']);

/** What only saves and restores: the operators of that kind, what feeds only them, what only restores, and the functions that hold them. */
export function saverOf(main: TensorFlowGraph, functions: ReadonlyMap<string, TensorFlowFunction>): TensorFlowModel['saver'] {
  const saving = new Set<string>();
  for (const f of functions.values()) if (f.graph.nodes.some(n => SAVING.has(n.op))) saving.add(f.name);
  const isSaving = (node: Node) => SAVING.has(node.op) || (saving.size > 0 && Object.values(node.attributes).some(a => a.kind === 'string' && saving.has(a.value)));
  const nodes = new Set<string>(main.graph.nodes.filter(isSaving).map(n => n.name));
  if (nodes.size === 0) return { nodes, functions: saving };
  // Restored values go on only into assignments: those belong to the saver too.
  for (const node of main.graph.nodes) {
    if ((node.op === 'Assign' || node.op === 'AssignVariableOp' || node.op === 'Identity') && node.inputs.slice(node.op === 'Identity' ? 0 : 1).some(i => nodes.has(splitValue(i).node))) nodes.add(node.name);
  }
  // Backwards, readers come first: what only the saver reads is the saver's.
  const read = new Set<string>(), readByModel = new Set<string>();
  for (let i = main.graph.nodes.length - 1; i >= 0; i--) {
    const node = main.graph.nodes[i]!;
    if (read.has(node.name) && !readByModel.has(node.name) && !KEPT.has(node.op)) nodes.add(node.name);
    const into = nodes.has(node.name) ? read : readByModel;
    for (const input of node.inputs) into.add(splitValue(input).node);
    for (const control of main.controlInputs.get(node.name) ?? []) into.add(control);
  }
  // Groups of restoring assignments.
  for (const node of main.graph.nodes) {
    const controls = main.controlInputs.get(node.name);
    if (node.op === 'NoOp' && controls?.length && controls.every(c => nodes.has(c))) nodes.add(node.name);
  }
  return { nodes, functions: saving };
}

/** Read by the saver, yet the model's own. */
const KEPT = new Set(['VariableV2', 'Variable', 'VarHandleOp', 'ReadVariableOp', 'Identity']);
