import type { Graph } from '../graph/graph.ts';
import { elementCount, isFloat } from '../graph/types.ts';
import { VARIABLES } from '../lowering/tensorflow/sources.ts';

export type Role = 'parameter' | 'input' | 'activation' | 'constant' | 'output';

/** Names that exporters give to what the person never named. */
const TEMPORARY = /^(val_\d+|onnx::\w+_\d+|_?scalar_tensor_default(_\d+)?|.*\/Constant(_\d+)?_output_\d+)$/;

/**
 * What each value of the top level is to the person. A parameter is what the format says is trainable; where it says nothing,
 * a float weight: an initializer or constant with more than one element, or a scalar initializer with a name of its own.
 */
export function rolesOf(graph: Graph): Map<string, Role> {
  const roles = new Map<string, Role>(), variables = graph.nodes.some(n => VARIABLES.has(n.op));
  for (const node of graph.nodes) for (const o of node.outputs) if (o) roles.set(o, 'activation');
  for (const input of graph.inputs) roles.set(input.name, 'input');
  const weight = (name: string, dtype: Parameters<typeof isFloat>[0], count: number, own: boolean): Role => {
    if (graph.trainable) return graph.trainable.has(name) ? 'parameter' : 'constant';
    return isFloat(dtype) && (count > 1 || own) ? 'parameter' : 'constant';
  };
  for (const [name, t] of graph.initializers) roles.set(name, weight(name, t.dtype, elementCount(t.dims), !TEMPORARY.test(name)));
  for (const node of graph.nodes) {
    if (node.op !== 'Constant') continue;
    const value = node.attributes['value'];
    roles.set(node.outputs[0]!, value?.kind === 'tensor' ? weight(node.outputs[0]!, value.value.dtype, elementCount(value.value.dims), false) : 'constant');
  }
  for (const node of graph.nodes) {
    if (node.domain !== 'tensorflow') continue;
    const { value, splat } = node.attributes;
    // In a graph that has variables a constant is one; in a frozen graph it is what a variable was.
    if (node.op === 'Const') roles.set(node.outputs[0]!, value?.kind === 'tensor' && !variables ? weight(node.outputs[0]!, value.value.dtype, elementCount(splat?.kind === 'ints' ? splat.value : value.value.dims), false) : 'constant');
    else if (VARIABLES.has(node.op) && !graph.trainable) roles.set(node.outputs[0]!, 'parameter');
    else if (VARIABLES.has(node.op)) roles.set(node.outputs[0]!, graph.trainable!.has(node.outputs[0]!) ? 'parameter' : 'constant');
  }
  for (const output of graph.outputs) if (roles.get(output.name) === 'activation') roles.set(output.name, 'output');
  return roles;
}
