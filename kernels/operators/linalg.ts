import type { Tensor } from '../graph/tensor.ts';
import { tensor } from '../graph/types.ts';
import type { ExpandContext, Operator, PullbackContext } from './operator.ts';
import { like } from './shapes.ts';

const mul = (a: Tensor, b: Tensor): Tensor => a.g.op('Mul', [a, b]);

/** Column by column: L[j:, j] = (A[j:, j] − L[j:, :j] L[j, :j]ᵀ) / √(its first element). Only the lower triangle is read. */
function cholesky(c: ExpandContext): Tensor {
  const a = c.x[0]!, rank = a.needRank('a Cholesky factor'), n = a.shape?.at(-1);
  if (n === undefined) throw new Error('a Cholesky factor needs the size of its matrix');
  const [row, column] = [rank - 2, rank - 1], cut = (t: Tensor, axis: number, from: number, to: number) => t.slice([from], [to], [axis]);
  const columns: Tensor[] = [];
  for (let j = 0; j < n; j++) {
    let rest = cut(cut(a, column, j, j + 1), row, j, n);
    for (const [k, done] of columns.entries()) rest = rest.sub(mul(cut(done, row, j - k, n - k), cut(done, row, j - k, j - k + 1)));
    columns.push(rest.div(cut(rest, row, 0, 1).sqrt()));
  }
  const padded = columns.map((t, j) => (j ? c.op('Pad', [t, c.g.constant('int64', [2 * rank], Array.from({ length: 2 * rank }, (_, i) => (i === row ? j : 0)))], { mode: 'constant' }) : t));
  return padded.length === 1 ? padded[0]! : c.op('Concat', padded, { axis: column });
}

/** dA = sym(L⁻ᵀ Φ(Lᵀ dL) L⁻¹), Φ the lower triangle with half its diagonal. */
function choleskyBack(c: PullbackContext): Tensor {
  const l = c.y[0]!, inverse = c.op('Inverse', [l], {}, { domain: 'com.microsoft', types: [l.type] }), n = l.shape!.at(-1)!;
  const phi = c.g.constant(l.dtype, [n, n], Array.from({ length: n * n }, (_, k) => (Math.floor(k / n) > k % n ? 1 : Math.floor(k / n) === k % n ? 0.5 : 0)));
  const middle = inverse.transposeLast().matmul(mul(l.transposeLast().matmul(c.dy), phi)).matmul(inverse);
  return middle.add(middle.transposeLast()).mul(0.5);
}

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
  {
    op: 'Cholesky', domain: 'adjoint', native: false, infer: like(), formula: 'dA = sym(L⁻ᵀ Φ(Lᵀ dL) L⁻¹), Φ the lower triangle with half its diagonal', differentiable: ['A'],
    expand: c => [cholesky(c)], pullback: c => [() => choleskyBack(c)],
  },
];
