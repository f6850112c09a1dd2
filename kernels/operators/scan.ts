import type { GraphBuilder } from '../graph/builder.ts';
import { EMPTY_GRAPH, type Node, type ValueInfo } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { tensor, type TensorType } from '../graph/types.ts';
import { bodyOf, output } from './controlFlowBodies.ts';

export interface ScanParts {
  /** Start values of what is carried from step to step. */
  readonly states: readonly Tensor[];
  /** Read along axis 0, one slice a step. */
  readonly inputs: readonly Tensor[];
  /** From the last slice to the first; outputs are written in the same order. */
  readonly reverse: boolean;
}
export interface ScanStep {
  readonly states: readonly Tensor[];
  /** Stacked along axis 0. */
  readonly outputs: readonly Tensor[];
}

/** Emits a Scan over axis 0. `step` builds one step from the carried values and the slices. */
export function scan(g: GraphBuilder, parts: ScanParts, step: (states: readonly Tensor[], slices: readonly Tensor[]) => ScanStep): { states: Tensor[]; outputs: Tensor[] } {
  const b = g.child(EMPTY_GRAPH), length = parts.inputs[0]!.dims?.[0];
  const declare = (hint: string, type: TensorType): ValueInfo => {
    const name = b.fresh(hint);
    b.setType(name, type);
    return { name, type };
  };
  const states = parts.states.map(s => declare('state', tensor(s.dtype, s.dims))), slices = parts.inputs.map(x => declare('slice', tensor(x.dtype, x.dims?.slice(1))));
  const made = step(states.map(i => b.tensor(i.name)), slices.map(i => b.tensor(i.name))), nodes: Node[] = [...b.nodes];
  const ends = made.states.map((t, i) => output(b, nodes, t.name, states[i]!.type)), stacked = made.outputs.map(t => output(b, nodes, t.name));
  const body = bodyOf(b, 'step', nodes, [...states, ...slices], [...ends, ...stacked]), back = parts.reverse ? 1 : 0;
  const types = [...parts.states.map(s => tensor(s.dtype, s.dims)), ...made.outputs.map(t => tensor(t.dtype, t.dims && [length, ...t.dims]))];
  const results = g.ops('Scan', [...parts.states, ...parts.inputs], {
    body, num_scan_inputs: parts.inputs.length,
    ...(back && { scan_input_directions: parts.inputs.map(() => 1), ...(stacked.length && { scan_output_directions: stacked.map(() => 1) }) }),
  }, { outputs: types.length, types });
  return { states: results.slice(0, states.length), outputs: results.slice(states.length) };
}
