import type { Tensor } from '../../graph/tensor.ts';
import type { Family, LowerContext } from './context.ts';

/** Which element of the stored diagonals each place (row, column) of a matrix shows; −1 is off the diagonals. */
function placesOf(rows: number, columns: number, low: number, high: number, width: number, align: string): number[] {
  const [upper, lower] = align.split('_'), places: number[] = [];
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
    const d = j - i;
    if (d < low || d > high) {
      places.push(-1);
      continue;
    }
    const length = Math.min(rows + Math.min(d, 0), columns - Math.max(d, 0)), right = (d >= 0 ? upper : lower) === 'RIGHT';
    places.push((high - d) * width + Math.min(i, j) + (right ? width - length : 0));
  }
  return places;
}

/** Diagonals as V2 and V3 give them: k = one number or (low, high). The older operators have the main one. */
function bounds(c: LowerContext, i: number): { low: number; high: number; align: string } {
  const k = c.x[i] && !c.node.op.endsWith('Part') && !c.node.op.endsWith('Diag') ? c.elements(i, 'the number of the diagonal') : [0];
  // V2 aligns to the left on both sides.
  return { low: k[0]!, high: k.at(-1)!, align: c.attributes.string('align') ?? (c.node.op.endsWith('V3') ? 'RIGHT_LEFT' : 'LEFT_LEFT') };
}

const flatLast = (c: LowerContext, t: Tensor, axes: number): Tensor => {
  const shape = c.shape(t, 'diagonals');
  return t.reshape([...shape.slice(0, shape.length - axes), shape.slice(shape.length - axes).reduce((a, b) => a * b, 1)]);
};

/** Elements picked from the last axis by static places, in a matrix of the given size; `other` where there is none. */
function spread(c: LowerContext, from: Tensor, places: readonly number[], size: readonly number[], other: Tensor): Tensor {
  const lead = from.shape!.slice(0, -1), picked = from.gather(c.ints(places.map(p => Math.max(p, 0))), lead.length).reshape([...lead, ...size]);
  if (!places.includes(-1)) return picked;
  return c.op('Where', [c.g.constant('bool', size, places.map(p => +(p >= 0))), picked, other]);
}

function matrixDiag(c: LowerContext): Tensor {
  const [diagonal] = c.x, { low, high, align } = bounds(c, 1), shape = c.shape(diagonal, 'diagonals'), several = high > low, width = shape.at(-1)!;
  const asked = (i: number) => (c.x[i] ? c.element(i, 'the size of the matrix') : -1);
  const least = { rows: width - Math.min(high, 0), columns: width + Math.max(low, 0) };
  let [rows, columns] = [asked(2), asked(3)];
  if (rows === -1 && columns === -1) rows = columns = Math.max(least.rows, least.columns);
  else if (rows === -1) rows = least.rows;
  else if (columns === -1) columns = least.columns;
  const from = several ? flatLast(c, diagonal, 2) : diagonal;
  return spread(c, from, placesOf(rows, columns, low, high, width, align), [rows, columns], c.x[4] ? c.stopped(c.x[4]) : diagonal.scalar(0));
}

function matrixDiagPart(c: LowerContext): Tensor {
  const [matrix] = c.x, { low, high, align } = bounds(c, 1), shape = c.shape(matrix, 'diagonals'), [rows, columns] = shape.slice(-2) as [number, number];
  const length = (d: number) => Math.min(rows + Math.min(d, 0), columns - Math.max(d, 0)), width = Math.max(...Array.from({ length: high - low + 1 }, (_, i) => length(low + i)));
  const matrixPlaces = placesOf(rows, columns, low, high, width, align), places = Array<number>((high - low + 1) * width).fill(-1);
  matrixPlaces.forEach((p, at) => { if (p >= 0) places[p] = at; });
  return spread(c, flatLast(c, matrix, 2), places, high > low ? [high - low + 1, width] : [width], c.x[2] ? c.stopped(c.x[2]) : matrix.scalar(0));
}

function matrixSetDiag(c: LowerContext): Tensor {
  const [matrix, diagonal] = c.x, { low, high, align } = bounds(c, 2), [rows, columns] = c.shape(matrix, 'diagonals').slice(-2) as [number, number];
  const width = c.shape(diagonal, 'diagonals').at(-1)!;
  return spread(c, high > low ? flatLast(c, diagonal, 2) : diagonal, placesOf(rows, columns, low, high, width, align), [rows, columns], matrix);
}

/** A tensor laid along the diagonal of one of twice its rank. */
function diag(c: LowerContext): Tensor {
  const [x] = c.x, shape = c.shape(x, 'a diagonal'), n = shape.reduce((a, b) => a * b, 1);
  return spread(c, x.reshape([n]), placesOf(n, n, 0, 0, n, 'LEFT_LEFT'), [n, n], x.scalar(0)).reshape([...shape, ...shape]);
}
function diagPart(c: LowerContext): Tensor {
  const [x] = c.x, shape = c.shape(x, 'a diagonal'), half = shape.slice(0, shape.length / 2), n = half.reduce((a, b) => a * b, 1);
  return x.reshape([n * n]).gather(c.ints(Array.from({ length: n }, (_, i) => i * (n + 1))), 0).reshape(half);
}

/** Keeps `lower` diagonals below and `upper` above the main one; a negative number keeps all. */
function bandPart(c: LowerContext): Tensor {
  const lower = c.element(1, 'the number of diagonals'), upper = c.element(2, 'the number of diagonals');
  let y = c.x[0];
  if (lower >= 0) y = c.op('Trilu', [y, c.scalar('int64', -lower)], { upper: 1 });
  if (upper >= 0) y = c.op('Trilu', [y, c.scalar('int64', upper)], { upper: 0 });
  return y;
}

export const diagonals: Family = {
  MatrixDiag: matrixDiag, MatrixDiagV2: matrixDiag, MatrixDiagV3: matrixDiag, MatrixDiagPart: matrixDiagPart, MatrixDiagPartV2: matrixDiagPart, MatrixDiagPartV3: matrixDiagPart,
  MatrixSetDiag: matrixSetDiag, MatrixSetDiagV2: matrixSetDiag, MatrixSetDiagV3: matrixSetDiag, BatchMatrixDiag: matrixDiag, BatchMatrixDiagPart: matrixDiagPart,
  Diag: diag, DiagPart: diagPart, MatrixBandPart: bandPart, BatchMatrixBandPart: bandPart,
};
