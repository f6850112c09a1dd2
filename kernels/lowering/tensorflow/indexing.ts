import type { Tensor } from '../../graph/tensor.ts';
import { concat } from './arrays.ts';
import type { Family, LowerContext, Lowering } from './context.ts';
import { wide } from './math.ts';

const int64 = (t: Tensor): Tensor => t.cast('int64');
const LOWEST = -3.4028234663852886e38;

/** params gathered along `axis`; the first `batch` axes of params and indices run together. */
export function gatherAlong(c: LowerContext, params: Tensor, indices: Tensor, axis: number, batch: number): Tensor {
  if (batch === 0) return c.op('Gather', [params, indices], { axis });
  const rank = c.rank(params, 'a gather with batches'), k = c.rank(indices, 'a gather with batches') - batch;
  const moved = [...Array(batch).keys(), axis, ...Array.from({ length: rank - batch }, (_, i) => i + batch).filter(i => i !== axis)];
  const picked = c.op('GatherND', [params.transpose(moved), int64(indices).unsqueeze([-1])], { batch_dims: batch });
  // batch, k axes of the indices, then the axes before and behind the gathered one
  const before = axis - batch, order = [...Array(batch).keys(), ...Array.from({ length: before }, (_, i) => batch + k + i), ...Array.from({ length: k }, (_, i) => batch + i)];
  return picked.transpose([...order, ...Array.from({ length: rank - axis - 1 }, (_, i) => batch + k + before + i)]);
}

function gatherV2(c: LowerContext): Tensor {
  const [params, indices, at] = c.x, given = at.data?.[0] ?? c.element(2, 'the axis'), batch = c.attributes.int('batch_dims', 0), negative = given < 0 || batch < 0;
  const axis = negative && given < 0 ? given + c.rank(params, 'a negative axis') : given;
  return gatherAlong(c, params, indices, axis, batch < 0 ? batch + c.rank(indices, 'a negative batch_dims') : batch);
}

const scatter = (reduction: string, sign = 1): Lowering => c => {
  const [x, indices, updates] = c.x;
  return c.op('ScatterND', [x, int64(indices), sign < 0 ? updates.neg() : updates], reduction === 'none' ? {} : { reduction });
};

/** Rows of `data` brought together by their segment: [rows, rest…] and one id a row. */
interface Rows { readonly data: Tensor; readonly ids: Tensor; readonly count: Tensor }

function filled(c: LowerContext, r: Rows, value: number): Tensor {
  const rest = c.op('Shape', [r.data], { start: 1 });
  return c.op('Expand', [r.data.scalar(value), concat(c, [r.count, rest], 0)]);
}
function scattered(c: LowerContext, r: Rows, start: number, reduction: string): Tensor {
  return c.op('ScatterND', [filled(c, r, start), r.ids.unsqueeze([1]), r.data], { reduction });
}
/** Number of rows of each segment, [segments, 1 …], in the type of the data. */
function sizes(c: LowerContext, r: Rows): Tensor {
  const ones = c.op('Expand', [r.data.scalar(1), c.op('Shape', [r.ids])]), zeros = c.op('Expand', [r.data.scalar(0), r.count]);
  const n = c.op('ScatterND', [zeros, r.ids.unsqueeze([1]), ones], { reduction: 'add' });
  return n.unsqueeze(Array.from({ length: c.rank(r.data, 'a mean of segments') - 1 }, (_, i) => i + 1));
}

/** Sorted segments: as many as the last id says. */
function sorted(c: LowerContext, data: Tensor, ids: Tensor, given?: Tensor): Rows {
  const at = int64(ids), count = given ? int64(given).reshapeTo(c.ints([1])) : c.op('ReduceMax', [at, c.ints([0])], { keepdims: 1 }).add(1);
  return { data, ids: at, count };
}

function extreme(c: LowerContext, r: Rows, reduction: 'max' | 'min'): Tensor {
  const start = r.data.isFloat ? LOWEST : -(2 ** 31), y = scattered(c, r, reduction === 'max' ? start : -start - (r.data.isFloat ? 0 : 1), reduction);
  return sizes(c, r).eq(0).where(0, y);
}
function mean(c: LowerContext, r: Rows, root: boolean): Tensor {
  const n = sizes(c, r).max(1);
  return scattered(c, r, 0, 'add').div(root ? n.sqrt() : n);
}

const segment = (make: (c: LowerContext, r: Rows) => Tensor): Lowering => c => make(c, sorted(c, wide(c.x[0]), c.x[1]));
const sparseSegment = (make: (c: LowerContext, r: Rows) => Tensor): Lowering => c => make(c, sorted(c, c.x[0].gather(c.x[1], 0), c.x[2], c.x[3]));

/** A negative id drops its row: it goes to one more segment, which is cut off. */
function unsorted(start: (r: Tensor) => number, reduction: string): Lowering {
  return c => {
    const [given, ids, num] = c.x, data = wide(given), rank = c.rank(ids, 'segments'), n = int64(num).reshapeTo(c.ints([1])), at = int64(ids).reshapeTo(c.ints([-1]));
    const rows = rank === 1 ? data : c.op('Reshape', [data, concat(c, [c.ints([-1]), c.op('Shape', [data], { start: rank })], 0)]);
    const r: Rows = { data: rows, ids: at.lt(0).where(n, at), count: n.add(1) };
    return c.op('Slice', [scattered(c, r, start(rows), reduction), c.ints([0]), n, c.ints([0])]);
  };
}

/** The gradients of SparseSegmentSum, Mean, SqrtN: each row of the output goes back to the rows that it was made of. */
const sparseSegmentGrad = (weight: (n: Tensor) => Tensor | undefined): Lowering => c => {
  const [grad, indices, ids, rows] = c.x, r: Rows = { data: grad.gather(ids, 0), ids: int64(ids), count: c.op('Shape', [grad], { start: 0, end: 1 }) };
  const w = weight(sizes(c, r).max(1)), parts = w ? r.data.div(w.gather(ids, 0)) : r.data;
  const zeros = filled(c, { ...r, count: int64(rows).reshapeTo(c.ints([1])) }, 0);
  return c.op('ScatterND', [zeros, int64(indices).unsqueeze([1]), parts], { reduction: 'add' });
};

/**
 * The first half of the inputs are indices, the second what is put there; a later entry wins. Every place picks the entry that won it, so that an
 * overwritten one gets no gradient (TensorFlow's own rule gives it one).
 */
function stitch(c: LowerContext): Tensor {
  const n = c.x.length / 2, rest = (t: Tensor, from: number) => c.op('Shape', [t], { start: from });
  const places = c.x.slice(0, n).map(t => int64(t).reshapeTo(c.ints([-1])));
  const rows = c.x.slice(n).map((t, i) => c.op('Reshape', [t, concat(c, [c.ints([-1]), rest(t, c.rank(c.x[i]!, 'stitching'))], 0)]));
  const at = concat(c, places, 0), all = concat(c, rows, 0), count = c.op('ReduceMax', [at, c.ints([0])], { keepdims: 1 }).add(1);
  const entries = c.op('Range', [c.scalar('int64', 0), c.op('Size', [at]), c.scalar('int64', 1)]);
  const winner = c.op('ScatterND', [c.op('Expand', [c.scalar('int64', -1), count]), at.unsqueeze([1]), entries]);
  const none = winner.lt(0).unsqueeze(Array.from({ length: c.rank(all, 'stitching') - 1 }, (_, i) => i + 1));
  return none.where(0, all.gather(winner.max(0), 0));
}

function partition(c: LowerContext): readonly Tensor[] {
  const [data, parts] = c.x, rank = c.rank(parts, 'a partition'), flat = parts.reshapeTo(c.ints([-1]));
  const rows = rank === 1 ? data : c.op('Reshape', [data, concat(c, [c.ints([-1]), c.op('Shape', [data], { start: rank })], 0)]);
  return c.node.outputs.map((_, i) => c.op('Compress', [rows, flat.eq(i)], { axis: 0 }));
}

function unique(c: LowerContext): readonly (Tensor | undefined)[] {
  const [x, axes] = c.x, axis = axes?.data ? axes.data[0] : axes ? c.elements(1, 'the axis')[0] : undefined;
  const y = c.ops('Unique', [x.dtype === 'int32' ? x.cast('int64') : wide(x)], 4, { sorted: 0, ...(axis !== undefined && { axis }) });
  return [y[0], y[2], y[3]];
}

function topK(c: LowerContext): readonly Tensor[] {
  const k = c.x[1] ? int64(c.x[1]).reshapeTo(c.ints([1])) : c.ints([c.attributes.int('k', 1)]);
  return c.ops('TopK', [wide(c.x[0]), k], 2, { axis: -1, largest: 1, sorted: 1 });
}

function inTopK(c: LowerContext): Tensor {
  const [scores, targets, k] = c.x, own = c.op('GatherElements', [scores, int64(targets).unsqueeze([1])], { axis: 1 });
  const better = c.op('ReduceSum', [scores.gt(own).cast('int64'), c.ints([1])], { keepdims: 0 });
  return better.lt(k ? int64(k) : c.attributes.int('k', 1));
}

export const indexing: Family = {
  Gather: c => c.op('Gather', [c.x[0], c.x[1]], { axis: 0 }), GatherV2: gatherV2,
  ResourceGather: c => gatherAlong(c, c.x[0], c.x[1], c.attributes.int('batch_dims', 0), c.attributes.int('batch_dims', 0)),
  GatherNd: c => c.op('GatherND', [c.x[0], int64(c.x[1])]), ResourceGatherNd: c => c.op('GatherND', [c.x[0], int64(c.x[1])]),
  ScatterNd: c => c.op('ScatterND', [c.op('Expand', [c.x[1].scalar(0), int64(c.x[2])]), int64(c.x[0]), c.x[1]], { reduction: 'add' }),
  TensorScatterUpdate: scatter('none'), TensorScatterAdd: scatter('add'), TensorScatterSub: scatter('add', -1), TensorScatterMax: scatter('max'), TensorScatterMin: scatter('min'),
  SegmentSum: segment((c, r) => scattered(c, r, 0, 'add')), SegmentProd: segment((c, r) => scattered(c, r, 1, 'mul')), SegmentMean: segment((c, r) => mean(c, r, false)),
  SegmentMax: segment((c, r) => extreme(c, r, 'max')), SegmentMin: segment((c, r) => extreme(c, r, 'min')),
  UnsortedSegmentSum: unsorted(() => 0, 'add'), UnsortedSegmentProd: unsorted(() => 1, 'mul'),
  UnsortedSegmentMax: unsorted(t => (t.isFloat ? LOWEST : -(2 ** 31)), 'max'), UnsortedSegmentMin: unsorted(t => (t.isFloat ? -LOWEST : 2 ** 31 - 1), 'min'),
  SparseSegmentSum: sparseSegment((c, r) => scattered(c, r, 0, 'add')), SparseSegmentMean: sparseSegment((c, r) => mean(c, r, false)), SparseSegmentSqrtN: sparseSegment((c, r) => mean(c, r, true)),
  SparseSegmentSumWithNumSegments: sparseSegment((c, r) => scattered(c, r, 0, 'add')), SparseSegmentMeanWithNumSegments: sparseSegment((c, r) => mean(c, r, false)), SparseSegmentSqrtNWithNumSegments: sparseSegment((c, r) => mean(c, r, true)),
  SparseSegmentSumGrad: sparseSegmentGrad(() => undefined), SparseSegmentMeanGrad: sparseSegmentGrad(n => n), SparseSegmentSqrtNGrad: sparseSegmentGrad(n => n.sqrt()),
  DynamicStitch: stitch, ParallelDynamicStitch: stitch, DynamicPartition: partition,
  Where: c => c.op('Transpose', [c.op('NonZero', [c.x[0].cast('bool')])], { perm: [1, 0] }),
  Unique: unique, UniqueV2: unique, UniqueWithCounts: unique, UniqueWithCountsV2: unique, TopK: topK, TopKV2: topK, InTopK: inTopK, InTopKV2: inTopK,
};
