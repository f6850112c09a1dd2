import type { Tensor } from '../../graph/tensor.ts';
import type { Family, LowerContext, Lowering } from './context.ts';
import { wide } from './math.ts';

/** Axes as a vector of int64. No axes reduce nothing in TensorFlow. */
function reduced(c: LowerContext, op: string, x: Tensor): Tensor {
  const given = c.x[1], keepdims = c.attributes.int('keep_dims') ?? c.attributes.int('keepdims', 0);
  if (given.data?.length === 0) return x;
  const axes = given.data ? c.ints(given.data) : given.cast('int64').reshapeTo(c.ints([-1]));
  return c.op(op, [x, axes], { keepdims, ...(!given.data && { noop_with_empty_axes: 1 }) });
}
const reduce = (op: string): Lowering => c => reduced(c, op, wide(c.x[0]));
const logical = (op: string): Lowering => c => reduced(c, op, c.x[0].cast('int32')).cast('bool');

export const reductions: Family = {
  Sum: reduce('ReduceSum'), Mean: reduce('ReduceMean'), Max: reduce('ReduceMax'), Min: reduce('ReduceMin'), Prod: reduce('ReduceProd'), EuclideanNorm: reduce('ReduceL2'),
  All: logical('ReduceMin'), Any: logical('ReduceMax'),
  ArgMax: c => c.op('ArgMax', [wide(c.x[0])], { axis: c.x[1] ? c.element(1, 'the axis') : 0, keepdims: 0 }),
  ArgMin: c => c.op('ArgMin', [wide(c.x[0])], { axis: c.x[1] ? c.element(1, 'the axis') : 0, keepdims: 0 }),
  Cumsum: c => c.op('CumSum', [wide(c.x[0]), c.x[1]], { exclusive: c.attributes.int('exclusive', 0), reverse: c.attributes.int('reverse', 0) }),
  Cumprod: c => c.own('Cumprod', [c.x[0], c.x[1]], { exclusive: c.attributes.int('exclusive', 0), reverse: c.attributes.int('reverse', 0) }),
  L2Loss: c => c.op('ReduceSum', [c.op('Mul', [c.x[0], c.x[0]])], { keepdims: 0 }).mul(0.5),
};
