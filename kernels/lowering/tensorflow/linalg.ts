import type { Tensor } from '../../graph/tensor.ts';
import type { Family, LowerContext, Lowering } from './context.ts';
import { wide } from './math.ts';

function turned(c: LowerContext, t: Tensor, ...flags: readonly string[]): Tensor {
  return flags.some(f => c.attributes.int(f, 0) === 1) ? t.transposeLast() : t;
}
const matmul = (left: readonly string[], right: readonly string[]): Lowering => c => c.op('MatMul', [turned(c, wide(c.x[0]), ...left), turned(c, wide(c.x[1]), ...right)]);
const batched = matmul(['adj_x'], ['adj_y']);

const inverse = (c: LowerContext, a: Tensor): Tensor => c.op('Inverse', [a], {}, { domain: 'com.microsoft', types: [a.type] });
const adjoint = (c: LowerContext, a: Tensor): Tensor => (c.attributes.int('adjoint', 0) ? a.transposeLast() : a);

/** The triangle that the solver reads. */
function triangle(c: LowerContext, a: Tensor): Tensor {
  return c.op('Trilu', [a], { upper: c.attributes.int('lower', 1) ? 0 : 1 });
}

function cross(c: LowerContext): Tensor {
  const [a, b] = c.x, roll = (t: Tensor, by: readonly number[]) => t.gather(c.ints(by), -1);
  const product = (p: Tensor, q: Tensor) => c.op('Mul', [p, q]);
  return c.op('Sub', [product(roll(a, [1, 2, 0]), roll(b, [2, 0, 1])), product(roll(a, [2, 0, 1]), roll(b, [1, 2, 0]))]);
}

export const linalg: Family = {
  MatMul: matmul(['transpose_a'], ['transpose_b']), BatchMatMul: batched, BatchMatMulV2: batched, BatchMatMulV3: batched, SparseMatMul: matmul(['transpose_a'], ['transpose_b']),
  Einsum: c => c.op('Einsum', [...c.x], { equation: c.attributes.string('equation', '') }),
  MatrixInverse: c => inverse(c, adjoint(c, c.x[0])), MatrixSolve: c => c.op('MatMul', [inverse(c, adjoint(c, c.x[0])), c.x[1]]),
  MatrixTriangularSolve: c => c.op('MatMul', [inverse(c, adjoint(c, triangle(c, c.x[0]))), c.x[1]]), Cholesky: c => c.own('Cholesky', [c.x[0]]),
  LogMatrixDeterminant: c => {
    const d = c.op('Det', [c.x[0]]);
    return [d.sign(), d.abs().log()];
  },
  MatrixDeterminant: c => c.op('Det', [c.x[0]]),
  Cross: cross,
};
