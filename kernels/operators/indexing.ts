import { ints, type Tensor } from '../graph/tensor.ts';
import { tensor, type Dim } from '../graph/types.ts';
import type { Operator, PullbackContext } from './operator.ts';
import { like, norm } from './shapes.ts';

/** Negative indices made positive: ONNX allows them, scatters of our own need not meet both spellings of one place. */
function gathered(c: PullbackContext): Tensor {
  const x = c.x[0]!, indices = c.x[1]!.cast('int64'), { dy } = c, rank = x.needRank('the adjoint of Gather'), axis = norm(c.attributes.int('axis', 0), rank);
  const k = indices.needRank('the adjoint of Gather');
  if (axis === 0) return c.op('ScatterND', [x.zerosLike().cast(dy.dtype), indices.unsqueeze([k]), dy], { reduction: 'add' });
  // One index is a slice put back among zeros.
  if (indices.data?.length === 1 && x.shape) {
    const d = x.shape[axis]!, at = indices.data[0]! < 0 ? indices.data[0]! + d : indices.data[0]!;
    const slice = k === 0 ? dy.unsqueeze([axis]) : dy.reshape(x.shape.map((s, i) => (i === axis ? 1 : s)));
    const before = x.shape.map((_, i) => (i === axis ? at : 0)), after = x.shape.map((_, i) => (i === axis ? d - at - 1 : 0));
    return c.op('Pad', [slice, ints(c.g, [...before, ...after])]);
  }
  // Move the gathered axes to the front, scatter rows, and move back.
  const front = [...Array(k).keys()].map(i => axis + i), others = [...Array(rank - 1 + k).keys()].filter(i => i < axis || i >= axis + k);
  const rows = dy.transpose([...front, ...others]);
  const perm = [axis, ...[...Array(rank).keys()].filter(i => i !== axis)], zeros = x.zerosLike().cast(dy.dtype).transpose(perm);
  const inverse = perm.map((_, i) => perm.indexOf(i));
  return c.op('ScatterND', [zeros, indices.unsqueeze([k]), rows], { reduction: 'add' }).transpose(inverse);
}

/** Flat positions that GatherND reads, so that one scatter serves batch_dims too. */
function gatheredND(c: PullbackContext): Tensor {
  const x = c.x[0]!, indices = c.x[1]!, { dy } = c, batch = c.attributes.int('batch_dims', 0), zeros = x.zerosLike().cast(dy.dtype);
  if (batch === 0) return c.op('ScatterND', [zeros, indices, dy], { reduction: 'add' });
  const size = x.shape ? c.g.constant('int64', [], [x.shape.reduce((a, b) => a * b, 1)]) : c.op('Size', [x]);
  const positions = c.op('Range', [c.g.constant('int64', [], [0]), size, c.g.constant('int64', [], [1])]).reshapeLike(x);
  const read = c.op('GatherND', [positions, indices], { batch_dims: batch }).reshapeTo(ints(c.g, [-1]));
  return c.op('ScatterElements', [zeros.reshapeTo(ints(c.g, [-1])), read, dy.reshapeTo(ints(c.g, [-1]))], { axis: 0, reduction: 'add' }).reshapeLike(x);
}

type Scatter = { scatter(data: Tensor, updates: Tensor, reduction: string): Tensor; gather(from: Tensor): Tensor };

/**
 * Gradients of data and updates for a scatter with a reduction.
 * none: data loses what was overwritten; add: both pass; mul: the product rule, exact at zeros;
 * max, min: everything that equals the result shares evenly (as scatter_reduce of PyTorch does).
 */
function scattered(c: PullbackContext, s: Scatter): [() => Tensor, undefined, () => Tensor] {
  const { dy, x: [data, , updates], y: [y] } = c, reduction = c.attributes.string('reduction', 'none');
  if (reduction === 'none') return [() => s.scatter(dy, updates!.zerosLike().cast(dy.dtype), 'none'), undefined, () => s.gather(dy)];
  if (reduction === 'add') return [() => dy, undefined, () => s.gather(dy)];
  if (reduction === 'mul') return productScatter(c, s);
  const hitData = data!.eq(y!).cast(dy.dtype), hitUpdates = updates!.eq(s.gather(y!)).cast(dy.dtype);
  const share = () => dy.div(s.scatter(hitData, hitUpdates, 'add'));
  return [() => data!.eq(y!).where(share(), 0), undefined, () => updates!.eq(s.gather(y!)).where(s.gather(share()), 0)];
}

/** y = data · Π updates at each place. With zeros: the derivative is the product of the other factors. */
function productScatter(c: PullbackContext, s: Scatter): [() => Tensor, undefined, () => Tensor] {
  const { dy, x: [data, , updates] } = c, one = data!.onesLike();
  const zeroD = data!.eq(0), zeroU = updates!.eq(0), safeD = zeroD.where(1, data!), safeU = zeroU.where(1, updates!);
  const zeros = () => s.scatter(zeroD.cast(dy.dtype), zeroU.cast(dy.dtype), 'add'), nonZero = () => s.scatter(safeD, safeU, 'mul');
  return [
    () => dy.mul(s.scatter(one, updates!, 'mul')),
    undefined,
    () => {
      const others = s.gather(dy.mul(nonZero())), count = s.gather(zeros());
      return zeroU.where(count.eq(1).where(others, 0), count.eq(0).where(others, 0).div(safeU));
    },
  ];
}

const scatterFormula = 'ddata = dy where nothing was written over it, dupdates = dy at the indices; add, mul, max, min by their own rules';

export const indexing: readonly Operator[] = [
  {
    op: 'Gather', formula: 'dx = dy added up at the indices, zero elsewhere', differentiable: ['data'],
    infer: c => {
      const t = c.tensor(0), ind = c.tensor(1);
      if (!t) return [undefined];
      if (!t.shape || !ind?.shape) return [tensor(t.dtype)];
      const axis = norm(c.attributes.int('axis', 0), t.shape.length), shape = [...t.shape.slice(0, axis), ...ind.shape, ...t.shape.slice(axis + 1)];
      const values = t.data && t.shape.length === 1 && ind.data ? ind.data.map(i => t.data![i < 0 ? i + t.data!.length : i]!) : undefined;
      const dimValue = values?.every(v => v !== undefined) ? values : undefined;
      return [tensor(t.dtype, shape, dimValue)];
    },
    pullback: c => [() => gathered(c), undefined],
  },
  {
    op: 'GatherElements', since: 11, formula: 'dx = dy added up at the indices', differentiable: ['data'],
    infer: c => [c.tensor(0) && tensor(c.tensor(0)!.dtype, c.tensor(1)?.shape)],
    pullback: c => [() => c.op('ScatterElements', [c.x[0]!.zerosLike().cast(c.dy.dtype), c.x[1], c.dy], { axis: c.attributes.int('axis', 0), reduction: 'add' }), undefined],
  },
  {
    op: 'GatherND', since: 11, formula: 'dx = dy added up at the indices', differentiable: ['data'],
    infer: c => {
      const t = c.tensor(0), ind = c.tensor(1)?.shape, b = c.attributes.int('batch_dims', 0), last = ind?.at(-1);
      if (!t?.shape || !ind || typeof last !== 'number') return [t && tensor(t.dtype)];
      return [tensor(t.dtype, [...ind.slice(0, -1), ...t.shape.slice(b + last)])];
    },
    pullback: c => [() => gatheredND(c), undefined],
  },
  {
    op: 'ScatterElements', since: 11, infer: like(), formula: scatterFormula, differentiable: ['data', 'updates'],
    pullback: c => {
      const axis = c.attributes.int('axis', 0);
      return scattered(c, {
        scatter: (d, u, reduction) => c.op('ScatterElements', [d, c.x[1], u], { axis, reduction }),
        gather: from => c.op('GatherElements', [from, c.x[1]], { axis }),
      });
    },
  },
  {
    op: 'ScatterND', since: 11, infer: like(), formula: scatterFormula, differentiable: ['data', 'updates'],
    pullback: c => scattered(c, {
      scatter: (d, u, reduction) => c.op('ScatterND', [d, c.x[1], u], { reduction }),
      gather: from => c.op('GatherND', [from, c.x[1]]),
    }),
  },
  {
    op: 'TopK', formula: 'dx = dValues at the chosen indices, zero elsewhere', differentiable: ['X'],
    infer: c => {
      const t = c.tensor(0), k = c.data(1)?.[0];
      if (!t) return [undefined, undefined];
      const shape: Dim[] | undefined = t.shape && [...t.shape];
      if (shape) shape[norm(c.attributes.int('axis', -1), shape.length)] = k;
      return [tensor(t.dtype, shape), tensor('int64', shape)];
    },
    pullback: c => [() => c.op('ScatterElements', [c.x[0]!.zerosLike(), c.output(1), c.dy], { axis: c.attributes.int('axis', -1) }), undefined],
  },
  {
    op: 'Compress', since: 9, formula: 'dx = dy at the kept places, zero elsewhere', differentiable: ['input'],
    infer: c => {
      const t = c.tensor(0), axis = c.attributes.int('axis');
      if (!t) return [undefined];
      return [tensor(t.dtype, axis === undefined ? [undefined] : t.shape?.map((d, i) => (i === norm(axis, t.shape!.length) ? undefined : d)))];
    },
    pullback: c => {
      const axis = c.attributes.int('axis'), x = c.x[0]!;
      return [() => {
        const kept = c.op('Reshape', [c.op('NonZero', [c.x[1]]), ints(c.g, [-1])]);
        if (axis === undefined) {
          const flat = x.zerosLike().reshapeTo(ints(c.g, [-1]));
          return c.op('ScatterElements', [flat, kept, c.dy], { axis: 0 }).reshapeLike(x);
        }
        const rank = x.needRank('the adjoint of Compress'), at = norm(axis, rank), perm = [at, ...[...Array(rank).keys()].filter(i => i !== at)];
        const rows = c.op('ScatterND', [x.zerosLike().transpose(perm), kept.unsqueeze([1]), c.dy.transpose(perm)]);
        return rows.transpose(perm.map((_, i) => perm.indexOf(i)));
      }, undefined];
    },
  },
  {
    op: 'TensorScatter', since: 24, infer: like(), formula: 'dcache = dy where nothing was written, dupdate = dy at the written places', differentiable: ['past_cache', 'update'],
    pullback: c => {
      // The positions that were written, found by writing ones into zeros and flat indices into a cache of −1.
      const [cache, update, at] = c.x, attributes = { axis: c.attributes.int('axis', -2), mode: c.attributes.string('mode', 'linear') };
      const write = (into: Tensor, what: Tensor) => c.op('TensorScatter', [into, what, at], attributes);
      return [
        () => write(c.dy, update!.zerosLike()),
        () => {
          const shape = update!.shapeTensor(), size = c.op('Size', [update]);
          const order = c.op('Range', [c.g.constant('int64', [], [0]), size, c.g.constant('int64', [], [1])]).cast(c.dy.dtype);
          const source = write(cache!.filledLike(-1), c.op('Reshape', [order, shape])).reshapeTo(ints(c.g, [-1]));
          const written = source.ge(0), index = written.where(source, 0).cast('int64');
          const values = written.where(c.dy.reshapeTo(ints(c.g, [-1])), 0);
          const flat = update!.zerosLike().reshapeTo(ints(c.g, [-1]));
          return c.op('ScatterElements', [flat, index, values], { axis: 0, reduction: 'add' }).reshapeLike(update!);
        },
        undefined,
      ];
    },
  },
];
