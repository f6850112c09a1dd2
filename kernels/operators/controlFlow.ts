import { tensor, type TensorType, type ValueType } from '../graph/types.ts';
import { common, loopInputTypes, plain, scanInputTypes } from './controlFlowTypes.ts';
import { ifPullback } from './controlFlowIf.ts';
import { loopPullback, scanPullback } from './controlFlowLoops.ts';
import type { InferContext, Operator } from './operator.ts';
import { norm } from './shapes.ts';

function stacked(t: ValueType | undefined, length: number | string | undefined, axis: number): ValueType | undefined {
  if (t?.kind !== 'tensor') return t;
  if (!t.shape) return tensor(t.dtype);
  const shape = [...t.shape];
  shape.splice(norm(axis, shape.length + 1), 0, length);
  return tensor(t.dtype, shape);
}

function inferIf(c: InferContext): readonly (ValueType | undefined)[] {
  const yes = c.attributes.graph('then_branch'), no = c.attributes.graph('else_branch');
  if (!yes || !no) return [];
  const a = c.body(yes, []), b = c.body(no, []);
  return a.map((t, i) => common(t, b[i]));
}

function inferLoop(c: InferContext): readonly (ValueType | undefined)[] {
  const body = c.attributes.graph('body');
  if (!body) return [];
  const states = c.inputs.length - 2, types = loopInputTypes(body, c.inputs.slice(2), (g, i) => c.body(g, i)), outputs = c.body(body, types).slice(1);
  return outputs.map((t, i) => (i < states ? common(types[i + 2], t) : stacked(t, undefined, 0)));
}

function inferScan(c: InferContext): readonly (ValueType | undefined)[] {
  const body = c.attributes.graph('body'), scans = c.attributes.int('num_scan_inputs', 0), states = c.inputs.length - scans;
  if (!body) return [];
  const axes = c.attributes.ints('scan_input_axes'), outAxes = c.attributes.ints('scan_output_axes'), first = c.tensor(states) as TensorType | undefined;
  const length = first?.shape?.[norm(axes?.[0] ?? 0, first.shape.length)];
  const outputs = c.body(body, scanInputTypes(c.inputs, scans, axes));
  return outputs.map((t, i) => (i < states ? common(plain(c.inputs[i]), t) : stacked(t, length, outAxes?.[i - states] ?? 0)));
}

/** Control flow. Bodies are differentiated at the values that they capture too. */
export const controlFlow: readonly Operator[] = [
  {
    op: 'If', infer: inferIf, pullback: ifPullback, differentiable: ['(captured outer values)'],
    formula: 'an If on the same condition: each branch gives the gradients of what it captures, zeros for what only the other one uses',
  },
  {
    op: 'Loop', infer: inferLoop, pullback: loopPullback, differentiable: ['v_initial', '(captured outer values)'],
    formula: 'a Loop over the same rounds in reverse: the cotangents of the carried values go in and out, those of captured values add up',
  },
  {
    op: 'Scan', since: 8, infer: inferScan, pullback: scanPullback, differentiable: ['initial_state_and_scan_inputs', '(captured outer values)'],
    formula: 'a Scan in the other direction: the cotangents of the states go in and out, those of scanned inputs are stacked, those of captured values add up',
  },
];
