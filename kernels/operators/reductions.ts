import type { Tensor } from '../graph/tensor.ts';
import { ints } from '../graph/tensor.ts';
import { tensor } from '../graph/types.ts';
import type { InferContext, Operator, PullbackContext } from './operator.ts';
import { norm, reducedDims } from './shapes.ts';

/** Which axes a Reduce* node reduces: `null` = all, `undefined` = only known at run time. */
function axesOf(c: { attributes: InferContext['attributes']; has(i: number): boolean; data(i: number): readonly number[] | undefined }): readonly number[] | null | undefined {
  const given = c.has(1) ? c.data(1) : [];
  if (!given) return undefined;
  if (given.length) return given;
  return c.attributes.int('noop_with_empty_axes', 0) ? [] : null;
}

const infer: Operator['infer'] = c => {
  const t = c.tensor(0), axes = axesOf(c), keep = c.attributes.int('keepdims', 1) === 1;
  if (!t) return [undefined];
  const shape = reducedDims(t.shape, axes, keep);
  const prod = c.op === 'ReduceProd' && t.data && (axes === null || t.shape?.length === 1) ? [t.data.reduce((a, b) => a * b, 1)] : undefined;
  return [tensor(t.dtype, shape, prod)];
};

/** One reduction node seen from its rule: its axes, and a reduced tensor made to fit x again. */
class Reduction {
  readonly axes: readonly number[] | null | undefined;
  private readonly keep: boolean;
  constructor(readonly c: PullbackContext) {
    this.axes = axesOf({ attributes: c.attributes, has: i => !!c.node.inputs[i], data: i => c.x[i]?.data });
    this.keep = c.attributes.int('keepdims', 1) === 1;
  }
  get x(): Tensor { return this.c.x[0]!; }

  /** Reduced axes put back as ones: broadcasts against x. */
  restore(t: Tensor): Tensor {
    if (this.keep) return t;
    const { axes, x } = this;
    if (axes === null) return t;
    if (axes !== undefined) {
      const rank = x.rank ?? (t.rank !== undefined ? t.rank + axes.length : undefined);
      return t.unsqueeze(rank === undefined ? axes : axes.map(a => norm(a, rank)).sort((a, b) => a - b));
    }
    return this.c.op('Unsqueeze', [t, this.c.x[1]]);
  }
  /** Spread over x: the adjoint of summing. */
  expand(t: Tensor): Tensor { return this.restore(t).expandTo(this.x); }
  /** The same axes reduced by another operator, kept as ones. */
  again(op: string, t: Tensor): Tensor {
    return this.c.op(op, [t, this.axes === null ? undefined : this.axes ? ints(this.c.g, this.axes) : this.c.x[1]], {
      keepdims: 1, ...(this.axes?.length === 0 && { noop_with_empty_axes: 1 }),
    });
  }
  /** Number of elements that went into one result, as a float. */
  count(): Tensor {
    const { x, axes } = this, shape = x.dims;
    if (axes !== undefined && shape) {
      const sizes = (axes === null ? [...shape.keys()] : axes).map(a => shape[norm(a, shape.length)]);
      if (sizes.every(s => typeof s === 'number')) return x.scalar(sizes.reduce<number>((p, s) => p * (s as number), 1));
    }
    return this.again('ReduceSum', x.onesLike());
  }
}

const input = ['data'];

function reduction(op: string, formula: string, rule: (r: Reduction, dy: Tensor, y: Tensor) => Tensor): Operator {
  return { op, infer, formula, differentiable: input, pullback: c => [() => rule(new Reduction(c), c.dy, c.y[0]!), undefined] };
}

/** Ties share evenly: what amax in PyTorch and reduce_max in TensorFlow do. */
const extreme = (r: Reduction, dy: Tensor, y: Tensor): Tensor => {
  const hit = r.x.eq(r.restore(y)), ties = r.again('ReduceSum', hit.cast(dy.dtype));
  return hit.where(r.restore(dy).div(ties), 0);
};

/** Up to so many factors their products without each one are computed outright. */
const FEW_FACTORS = 16;

/**
 * Product with zeros exactly: without a zero dx = dy·y/x; with one zero only that element has a gradient, the product of the others;
 * with two or more none has. `safe` replaces zeros by one. Of few factors each product is taken without its own factor, n² of them:
 * then the derivative of the derivative is exact at zeros too.
 */
const product = (r: Reduction, dy: Tensor): Tensor => {
  const others = withoutEach(r);
  if (others) return r.restore(dy).mul(others);
  const zero = r.x.eq(0), safe = zero.where(1, r.x), zeros = r.again('ReduceSum', zero.cast(dy.dtype)), all = r.again('ReduceProd', safe);
  const g = r.restore(dy).mul(all);
  const atZero = zeros.eq(1).where(g, 0), elsewhere = zeros.eq(0).where(g, 0).div(safe);
  return zero.where(atZero.expandTo(r.x), elsewhere);
};

/** For each element the product of the others that it is reduced with. */
function withoutEach(r: Reduction): Tensor | undefined {
  const { x, axes } = r, { shape } = x;
  if (!shape || axes === undefined || axes?.length === 0) return undefined;
  const reduced = (axes === null ? [...shape.keys()] : axes.map(a => norm(a, shape.length))), n = reduced.reduce((p, a) => p * shape[a]!, 1);
  if (n > FEW_FACTORS || n === 0) return undefined;
  const perm = [...[...shape.keys()].filter(i => !reduced.includes(i)), ...reduced], moved = perm.map(i => shape[i]!), rows = moved.slice(0, shape.length - reduced.length);
  const own = x.g.constant('bool', [n, n], Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)));
  const others = own.where(1, x.transpose(perm).reshape([...rows, 1, n])).prod([-1]);
  return others.reshape(moved).transpose(perm.map((_, i) => perm.indexOf(i)));
}

export const reductions: readonly Operator[] = [
  reduction('ReduceSum', 'dx = dy, spread over the reduced axes', (r, dy) => r.expand(dy)),
  reduction('ReduceMean', 'dx = dy / n, spread over the reduced axes', (r, dy) => r.expand(dy.div(r.axes === undefined ? r.count().reshapeLike(dy) : r.count()))),
  reduction('ReduceMax', 'dx = dy at the largest element; ties share it', extreme),
  reduction('ReduceMin', 'dx = dy at the smallest element; ties share it', extreme),
  reduction('ReduceProd', 'dx = dy · product of the other elements, exact at zeros', product),
  reduction('ReduceL1', 'dx = dy · sign x', (r, dy) => r.restore(dy).mul(r.x.sign())),
  {
    op: 'ReduceL2', infer, differentiable: input, questions: ['l2AtZero'], formula: 'dx = dy · x / ‖x‖ (0 at ‖x‖ = 0)',
    pullback: c => {
      const r = new Reduction(c);
      return [() => {
        const y = r.restore(c.y[0]!), g = r.restore(c.dy);
        if (c.conventions.l2AtZero === 'nan') return r.x.mul(g.div(y));
        return r.x.mul(y.eq(0).where(0, g.div(y.eq(0).where(1, y))));
      }, undefined];
    },
  },
  reduction('ReduceSumSquare', 'dx = 2 · dy · x', (r, dy) => r.restore(dy).mul(r.x.mul(2))),
  reduction('ReduceLogSum', 'dx = dy / Σx', (r, dy, y) => r.expand(dy.div(y.exp()))),
  reduction('ReduceLogSumExp', 'dx = dy · softmax x', (r, dy, y) => r.restore(dy).mul(r.x.sub(r.restore(y)).exp())),
  {
    op: 'CumSum', since: 11, formula: 'dx = cumulative sum of dy in the other direction', differentiable: ['x'],
    infer: c => [c.tensor(0) && tensor(c.tensor(0)!.dtype, c.tensor(0)!.shape)],
    pullback: c => [() => c.op('CumSum', [c.dy, c.x[1]], { exclusive: c.attributes.int('exclusive', 0), reverse: 1 - c.attributes.int('reverse', 0) }), undefined],
  },
  {
    op: 'CumProd', since: 26, formula: 'dxₖ = Σ over the prefixes that hold xₖ of dy · product of their other elements', differentiable: ['x'],
    infer: c => [c.tensor(0) && tensor(c.tensor(0)!.dtype, c.tensor(0)!.shape)],
    // As a masked product over pairs (n² elements along the axis): exact at zeros, and the only form with a gradient of its own.
    expand: c => {
      const x = c.x[0]!, rank = x.needRank('a cumulative product'), axis = norm(c.x[1]!.data?.[0] ?? 0, rank);
      const exclusive = c.attributes.int('exclusive', 0), reverse = c.attributes.int('reverse', 0);
      const range = c.op('Range', [c.g.constant('int64', [], [0]), x.dimTensor(axis).squeeze([0]), c.g.constant('int64', [], [1])]);
      const rows = range.unsqueeze([1]), columns = range.unsqueeze([0]);
      const [a, b] = reverse ? [rows, columns] : [columns, rows];
      const mask = exclusive ? a.lt(b) : a.le(b);
      const last = [...Array(rank).keys()].filter(i => i !== axis);
      const moved = x.transpose([...last, axis]);
      const product = mask.where(moved.unsqueeze([rank - 1]), 1).prod([-1]);
      const back = [...Array(rank).keys()].map(i => (i === axis ? rank - 1 : i < axis ? i : i - 1));
      return [product.transpose(back)];
    },
  },
];
