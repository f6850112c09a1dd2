import { UnknownShape, type Tensor } from '../graph/tensor.ts';
import { tensor } from '../graph/types.ts';
import type { Operator, PullbackContext } from './operator.ts';

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Sampling points of all regions along one axis. */
interface Points {
  /** [R, bins, S]: where, held inside the image. */
  readonly at: Tensor;
  /** [R, bins, S]: the point lies in the image (up to one element beyond its edge counts). */
  readonly valid: Tensor;
  /** [R, 1, S]: the region has so many points for each bin. */
  readonly used: Tensor;
  /** [R, 1, 1]: points for each bin, at least 1. */
  readonly count: Tensor;
}

/**
 * Points as ONNX Runtime's RoiAlign takes them (roialign.cc): bins of a region, `sampling_ratio` points for each bin, or as many as its
 * bin has elements (rounded up) where that is 0; then the number differs between regions and is found at run time.
 */
function pointsOf(c: PullbackContext, start: Tensor, end: Tensor, bins: number, size: number): Points {
  const ratio = c.attributes.int('sampling_ratio', 0), half = c.attributes.string('coordinate_transformation_mode', 'half_pixel') === 'half_pixel', scale = c.attributes.float('spatial_scale', 1), { g } = c;
  const low = start.mul(scale).sub(half ? 0.5 : 0), given = end.mul(scale).sub(half ? 0.5 : 0).sub(low), length = half ? given : given.max(1);
  const bin = length.div(bins), own = ratio > 0 ? undefined : bin.ceil().max(0), count = own ? own.max(1) : bin.filledLike(ratio);
  const scalar = (n: number) => g.constant('int64', [], [n]);
  const steps = own ? c.op('Range', [scalar(0), own.reduceMax().max(1).cast('int64'), scalar(1)]).cast('float32') : g.constant('float32', [ratio], range(ratio));
  const place = (t: Tensor) => t.unsqueeze([1, 2]), widths = place(bin);
  const raw = place(low).add(g.constant('float32', [bins, 1], range(bins)).mul(widths)).add(steps.add(0.5).mul(widths.div(place(count))));
  return { at: raw.max(0).min(size - 1), valid: raw.ge(-1).and(raw.le(size)), used: steps.lt(place(own ?? count)), count: place(count) };
}

/** Weight with which element h enters bin p of region r, [R, bins, size]: hats around the points, averaged over them. */
function weights(c: PullbackContext, p: Points, size: number): Tensor {
  const elements = c.g.constant('float32', [size], range(size)), hats = p.at.unsqueeze([3]).sub(elements).abs().rsub(1).max(0);
  return p.valid.and(p.used).unsqueeze([3]).where(hats, 0).sum([2]).div(p.count);
}

/** Average mode is linear in x and separable: dx = Σ over regions of Wyᵀ · dy · Wx, as two products for all regions together. */
function averageBack(c: PullbackContext, rows: Points, columns: Points, regions: Tensor, [n, ch, h, w]: readonly number[]): Tensor {
  const dy = c.dy.cast('float32'), [r, , ph] = dy.shape!, wy = weights(c, rows, h!), wx = weights(c, columns, w!);
  const wide = dy.matmul(wx.unsqueeze([1])).transpose([0, 2, 1, 3]).reshape([r! * ph!, ch! * w!]);
  const images = c.g.constant('int64', [n!, 1], range(n!)), mine = images.eq(regions).unsqueeze([2, 3]);
  const tall = mine.where(wy.unsqueeze([0]), 0).reshape([n!, r! * ph!, h!]).transpose([0, 2, 1]);
  return tall.matmul(wide).reshape([n!, h!, ch!, w!]).transpose([0, 2, 1, 3]);
}

/** Max mode takes the largest weighed neighbour of all points of a bin (not the largest interpolated value): equal ones share. */
function maxBack(c: PullbackContext, rows: Points, columns: Points, regions: Tensor, shape: readonly number[]): Tensor {
  const x = c.x[0]!, [r, , ph, pw] = c.dy.shape!, [n, ch, h, w] = shape as [number, number, number, number];
  const neighbours = (p: Points, size: number): [index: Tensor, weight: Tensor][] => {
    const low = p.at.floor(), far = p.at.sub(low), next = low.add(1).min(size - 1), atEnd = low.ge(size - 1);
    return [[low, atEnd.where(1, far.rsub(1))], [next, atEnd.where(0, far)]];
  };
  // [R, ph, pw, Sy, Sx]
  const down = (t: Tensor) => t.unsqueeze([2, 4]), across = (t: Tensor) => t.unsqueeze([1, 3]);
  const used = down(rows.used).and(across(columns.used)), valid = down(rows.valid).and(across(columns.valid)), batch = regions.cast('float32').reshape([r!, 1, 1, 1, 1]);
  const corners = neighbours(rows, h).flatMap(([iy, wy]) => neighbours(columns, w).map(([ix, wx]) => {
    const weight = valid.where(down(wy).mul(across(wx)), 0);
    return { weight, index: batch.mul(h).add(down(iy)).mul(w).add(across(ix)).cast('int64').add(weight.zerosLike().cast('int64')) };
  }));
  const stack = (ts: readonly Tensor[]) => c.op('Concat', ts.map(t => t.unsqueeze([5])), { axis: 5 });
  const index = stack(corners.map(k => k.index)), weight = stack(corners.map(k => k.weight)).unsqueeze([6]);
  const flat = x.cast('float32').transpose([0, 2, 3, 1]).reshape([n * h * w, ch]), values = flat.gather(index, 0).mul(weight);
  const shown = used.unsqueeze([5, 6]).where(values, -Infinity), axes = [3, 4, 5], hit = shown.eq(shown.reduceMax(axes, true));
  const dy = c.dy.cast('float32').transpose([0, 2, 3, 1]).reshape([r!, ph!, pw!, 1, 1, 1, ch]), share = dy.div(hit.cast('float32').sum(axes, true));
  const rowsOf = hit.where(share, 0).mul(weight);
  return c.op('ScatterND', [flat.zerosLike(), index.unsqueeze([6]), rowsOf], { reduction: 'add' }).reshape([n, h, w, ch]).transpose([0, 3, 1, 2]);
}

function roiAlignBack(c: PullbackContext): Tensor {
  const [x, rois, regions] = c.x as [Tensor, Tensor, Tensor], shape = x.shape, to = c.dy.shape;
  if (!shape || !to) throw new UnknownShape(x.name, 'the adjoint of RoiAlign');
  const edge = (k: number) => rois.cast('float32').slice([k], [k + 1], [1]).squeeze([1]);
  const rows = pointsOf(c, edge(1), edge(3), to[2]!, shape[2]!), columns = pointsOf(c, edge(0), edge(2), to[3]!, shape[3]!), back = c.attributes.string('mode', 'avg') === 'max' ? maxBack : averageBack;
  return back(c, rows, columns, regions, shape).cast(x.dtype);
}

/** Points of com.microsoft.CropAndResize (crop_and_resize.cc): one for each element of the crop, corners on corners; outside lies a constant. */
function cropPoints(c: PullbackContext, start: Tensor, end: Tensor, out: number, size: number): Points {
  const { g } = c, low = start.unsqueeze([1, 2]), high = end.unsqueeze([1, 2]), steps = g.constant('float32', [out, 1], range(out).map(i => (out > 1 ? i / (out - 1) : 0.5)));
  const raw = low.add(steps.mul(high.sub(low))).mul(size - 1), inside = raw.ge(0).and(raw.le(size - 1)), one = low.onesLike();
  const at = c.attributes.string('mode', 'bilinear') === 'nearest' ? c.op('Round', [raw]) : raw;
  return { at: at.max(0).min(size - 1), valid: inside, used: one.gt(0), count: one };
}

function cropAndResizeBack(c: PullbackContext): Tensor {
  const [x, rois, regions] = c.x as [Tensor, Tensor, Tensor], shape = x.shape, to = c.dy.shape;
  if (!shape || !to) throw new UnknownShape(x.name, 'the adjoint of CropAndResize');
  const edge = (k: number) => rois.cast('float32').slice([k], [k + 1], [1]).squeeze([1]);
  return averageBack(c, cropPoints(c, edge(0), edge(2), to[2]!, shape[2]!), cropPoints(c, edge(1), edge(3), to[3]!, shape[3]!), regions.cast('int64'), shape).cast(x.dtype);
}

export const roiAlign: readonly Operator[] = [
  {
    op: 'RoiAlign', since: 10, differentiable: ['X'], formula: 'dx = dy spread back by the weights with which each bin was averaged; mode max: to the largest weighed neighbour',
    infer: c => {
      const x = c.tensor(0), a = c.attributes;
      return [x && tensor(x.dtype, x.shape && [c.tensor(1)?.shape?.[0], x.shape[1], a.int('output_height', 1), a.int('output_width', 1)])];
    },
    pullback: c => [() => roiAlignBack(c), undefined, undefined],
  },
  {
    op: 'CropAndResize', domain: 'com.microsoft', differentiable: ['X'], formula: 'dx = dy spread back by the weights with which each element of the crop was interpolated',
    infer: c => {
      const x = c.tensor(0), size = c.data(3);
      return [x && tensor(x.dtype, x.shape && [c.tensor(1)?.shape?.[0], x.shape[1], size?.[0], size?.[1]])];
    },
    pullback: c => [() => cropAndResizeBack(c), undefined, undefined, undefined],
  },
];
