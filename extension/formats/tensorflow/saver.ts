import type { Node } from '../../../kernels/graph/graph.ts';
import { splitValue, type TensorFlowFunction, type TensorFlowGraph, type TensorFlowModel } from '../../../kernels/lowering/tensorflow/source.ts';

const SAVING = new Set(['SaveV2', 'RestoreV2', 'Save', 'SaveSlices', 'Restore', 'RestoreSlice', 'MergeV2Checkpoints', 'ShardedFilename']);

/** What only saves and restores: the operators of that kind, what feeds only them, what only restores, and the functions that hold them. */
export function saverOf(main: TensorFlowGraph, functions: ReadonlyMap<string, TensorFlowFunction>): TensorFlowModel['saver'] {
  const saving = new Set<string>();
  for (const f of functions.values()) if (f.graph.nodes.some(n => SAVING.has(n.op))) saving.add(f.name);
  const isSaving = (node: Node) => SAVING.has(node.op) || Object.values(node.attributes).some(a => a.kind === 'string' && saving.has(a.value));
  const nodes = new Set<string>(), readers = new Map<string, string[]>(), byName = new Map<string, Node>();
  for (const node of main.graph.nodes) {
    byName.set(node.name, node);
    if (isSaving(node)) nodes.add(node.name);
    for (const input of [...node.inputs.map(i => splitValue(i).node), ...(main.controlInputs.get(node.name) ?? [])]) {
      let list = readers.get(input);
      if (!list) readers.set(input, (list = []));
      list.push(node.name);
    }
  }
  // Restored values go on only into assignments: those belong to the saver too.
  for (const node of main.graph.nodes) {
    if ((node.op === 'Assign' || node.op === 'AssignVariableOp' || node.op === 'Identity') && node.inputs.slice(node.op === 'Identity' ? 0 : 1).some(i => nodes.has(splitValue(i).node))) nodes.add(node.name);
  }
  const feeding = [...main.graph.nodes].reverse();
  for (const node of feeding) {
    const to = readers.get(node.name);
    if (!nodes.has(node.name) && to !== undefined && to.every(r => nodes.has(r)) && !KEPT.has(node.op)) nodes.add(node.name);
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
