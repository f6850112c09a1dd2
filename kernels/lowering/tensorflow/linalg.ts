import type { Tensor } from '../../graph/tensor.ts';
import type { Family, LowerContext, Lowering } from './context.ts';
import { wide } from './math.ts';

function turned(c: LowerContext, t: Tensor, ...flags: readonly string[]): Tensor {
  return flags.some(f => c.attributes.int(f, 0) === 1) ? t.transposeLast() : t;
}
const matmul = (left: readonly string[], right: readonly string[]): Lowering => c => c.op('MatMul', [turned(c, wide(c.x[0]), ...left), turned(c, wide(c.x[1]), ...right)]);
const batched = matmul(['adj_x'], ['adj_y']);

function cross(c: LowerContext): Tensor {
  const [a, b] = c.x, roll = (t: Tensor, by: readonly number[]) => t.gather(c.ints(by), -1);
  const product = (p: Tensor, q: Tensor) => c.op('Mul', [p, q]);
  return c.op('Sub', [product(roll(a, [1, 2, 0]), roll(b, [2, 0, 1])), product(roll(a, [2, 0, 1]), roll(b, [1, 2, 0]))]);
}

export const linalg: Family = {
  MatMul: matmul(['transpose_a'], ['transpose_b']), BatchMatMul: batched, BatchMatMulV2: batched, BatchMatMulV3: batched, SparseMatMul: matmul(['transpose_a'], ['transpose_b']),
  Einsum: c => c.op('Einsum', [...c.x], { equation: c.attributes.string('equation', '') }),
  MatrixDeterminant: c => c.op('Det', [c.x[0]]),
  Cross: cross,
};
