import { tensor } from '../graph/types.ts';
import type { Operator } from './operator.ts';
import { like } from './shapes.ts';

/** Matrix inverse and determinant; batches of square matrices on the last two axes. */
export const linalg: readonly Operator[] = [
  {
    op: 'Inverse', domain: 'com.microsoft', infer: like(), formula: 'dX = −Yᵀ · dY · Yᵀ', differentiable: ['X'],
    pullback: c => [() => {
      const yt = c.y[0]!.transposeLast();
      return yt.matmul(c.dy).matmul(yt).neg();
    }],
  },
  {
    op: 'Det', since: 11, formula: 'dX = dy · det X · X⁻ᵀ', differentiable: ['X'],
    infer: c => [c.tensor(0) && tensor(c.tensor(0)!.dtype, c.tensor(0)!.shape?.slice(0, -2))],
    pullback: c => [() => {
      const inverse = c.op('Inverse', [c.x[0]], {}, { domain: 'com.microsoft', types: [c.x[0]!.type] });
      return inverse.transposeLast().mul(c.dy.mul(c.y[0]!).unsqueeze([-2, -1]));
    }],
  },
];
