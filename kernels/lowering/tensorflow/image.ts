import type { Tensor } from '../../graph/tensor.ts';
import type { Family, LowerContext, Lowering } from './context.ts';

/** How output pixels lie on the input (image_resizer_state.h). */
interface Grid { readonly align: boolean; readonly half: boolean }
const gridOf = (c: LowerContext): Grid => ({ align: c.attributes.int('align_corners', 0) === 1, half: c.attributes.int('half_pixel_centers', 0) === 1 });

function scaleOf(from: number, to: number, { align }: Grid): number {
  return align && to > 1 ? (from - 1) / (to - 1) : from / to;
}

const resize = (mode: 'linear' | 'nearest'): Lowering => c => {
  const [images, size] = c.x, grid = gridOf(c), x = (images.isFloat || mode === 'nearest' ? images : images.cast('float32')).transpose([0, 3, 1, 2]);
  const sizes = c.op('Concat', [c.op('Shape', [x], { end: 2 }), size.cast('int64')], { axis: 0 });
  const y = c.op('Resize', [x, undefined, undefined, sizes], {
    mode, coordinate_transformation_mode: grid.align ? 'align_corners' : grid.half ? 'half_pixel' : 'asymmetric',
    ...(mode === 'nearest' && { nearest_mode: grid.align || grid.half ? 'round_prefer_ceil' : 'floor' }),
  });
  return y.transpose([0, 2, 3, 1]);
};

/** Weights of one axis as a matrix [to, from]. */
type Weights = (from: number, to: number, grid: Grid) => number[];

function linear(from: number, to: number, grid: Grid): number[] {
  const m = Array<number>(to * from).fill(0), scale = scaleOf(from, to, grid);
  for (let o = 0; o < to; o++) {
    const at = grid.half ? (o + 0.5) * scale - 0.5 : o * scale, low = Math.floor(at), t = at - low;
    const clamp = (i: number) => Math.min(Math.max(i, 0), from - 1);
    m[o * from + clamp(low)]! += 1 - t;
    m[o * from + clamp(low + 1)]! += t;
  }
  return m;
}

function nearest(from: number, to: number, grid: Grid): number[] {
  const m = Array<number>(to * from).fill(0), scale = scaleOf(from, to, grid);
  for (let o = 0; o < to; o++) {
    const at = grid.half ? Math.floor((o + 0.5) * scale) : grid.align ? Math.round(o * scale) : Math.floor(o * scale);
    m[o * from + Math.min(Math.max(at, 0), from - 1)] = 1;
  }
  return m;
}

/** Keys' kernel: a = −0.5 with half pixel centres (weights outside the image dropped, the rest scaled to 1), else −0.75 (edges repeated). */
function cubic(from: number, to: number, grid: Grid): number[] {
  const m = Array<number>(to * from).fill(0), scale = scaleOf(from, to, grid), a = grid.half ? -0.5 : -0.75;
  const near = (x: number) => ((a + 2) * x - (a + 3)) * x * x + 1, far = (x: number) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  for (let o = 0; o < to; o++) {
    const at = grid.half ? (o + 0.5) * scale - 0.5 : o * scale, low = Math.floor(at);
    // TensorFlow looks the weights up in a table of 1024 steps.
    const t = Math.round((at - low) * 1024) / 1024, w = [far(1 + t), near(t), near(1 - t), far(2 - t)];
    const live = w.map((v, k) => (!grid.half || (low - 1 + k >= 0 && low - 1 + k < from) ? v : 0)), total = grid.half ? live.reduce((p, q) => p + q, 0) : 1;
    live.forEach((v, k) => { m[o * from + Math.min(Math.max(low - 1 + k, 0), from - 1)]! += Math.abs(total) >= 1e-3 ? v / total : v; });
  }
  return m;
}

/** The two separable factors applied to [N, H, W, C]; `back` applies their transposes. */
function interpolate(c: LowerContext, x: Tensor, weights: Weights, from: readonly number[], to: readonly number[], back: boolean): Tensor {
  const grid = gridOf(c), matrix = (axis: number): Tensor => {
    const m = c.g.constant('float32', [to[axis]!, from[axis]!], weights(from[axis]!, to[axis]!, grid)).cast(x.dtype);
    return back ? m.transpose([1, 0]) : m;
  };
  const columns = c.op('MatMul', [matrix(1), x]), rows = c.op('MatMul', [matrix(0), columns.transpose([0, 2, 1, 3])]);
  return rows.transpose([0, 2, 1, 3]);
}

/** (grads, size of the original or the original image) → gradient of the image. */
const resizeGrad = (weights: Weights): Lowering => c => {
  const [dy, original] = c.x, to = c.shape(dy, 'the gradient of a resize').slice(1, 3);
  const from = original.rank === 1 ? c.elements(1, 'the size of the image') : c.shape(original, 'the gradient of a resize').slice(1, 3);
  return interpolate(c, dy, weights, from, to, true);
};

const bicubic: Lowering = c => interpolate(c, c.x[0].isFloat ? c.x[0] : c.x[0].cast('float32'), cubic, c.shape(c.x[0], 'a resize').slice(1, 3), c.elements(1, 'the size of the result'), false);

/** Where the samples of each box lie: along one axis [boxes, n], and whether inside the image. */
function samples(c: LowerContext, first: Tensor, last: Tensor, size: number, n: number): { at: Tensor; inside: Tensor } {
  const steps = c.g.constant('float32', [1, n], Array.from({ length: n }, (_, i) => (n > 1 ? i / (n - 1) : 0.5)));
  const a = first.unsqueeze([1]), span = c.op('Sub', [last, first]).unsqueeze([1]);
  const at = c.op('Add', [a, c.op('Mul', [span, steps])]).mul(size - 1);
  return { at, inside: at.ge(0).and(at.le(size - 1)) };
}

/** Bilinear samples of one image a box. */
function cropAndResize(c: LowerContext): Tensor {
  const [given, boxes, which] = c.x, image = given.cast('float32'), [, height, width] = c.shape(image, 'crops') as [number, number, number];
  const [ch, cw] = c.elements(3, 'the size of the crops') as [number, number], count = c.shape(boxes, 'crops')[0]!, method = c.attributes.string('method_name') ?? c.attributes.string('method', 'bilinear');
  const [y1, x1, y2, x2] = c.ops('Split', [boxes], 4, { axis: 1, num_outputs: 4 }).map(t => t.reshape([count])) as [Tensor, Tensor, Tensor, Tensor];
  const ys = samples(c, y1, y2, height, ch), xs = samples(c, x1, x2, width, cw);
  const clamp = (t: Tensor, size: number) => t.max(0).min(size - 1);
  const b = which.cast('int64').reshape([count, 1, 1]), grid = [count, ch, cw];
  const pixel = (row: Tensor, column: Tensor): Tensor => {
    const parts = [b, row.cast('int64').reshape([count, ch, 1]), column.cast('int64').reshape([count, 1, cw])].map(t => c.op('Expand', [t, c.ints(grid)]).unsqueeze([3]));
    return c.op('GatherND', [image, c.op('Concat', parts, { axis: 3 })]);
  };
  let value: Tensor;
  if (method === 'nearest') value = pixel(clamp(ys.at.add(0.5).floor(), height), clamp(xs.at.add(0.5).floor(), width));
  else {
    const top = ys.at.floor(), left = xs.at.floor(), fy = c.op('Sub', [ys.at, top]).reshape([count, ch, 1, 1]), fx = c.op('Sub', [xs.at, left]).reshape([count, 1, cw, 1]);
    const between = (p: Tensor, q: Tensor, f: Tensor) => c.op('Add', [p, c.op('Mul', [c.op('Sub', [q, p]), f])]);
    const row = (r: Tensor) => between(pixel(r, clamp(left, width)), pixel(r, clamp(xs.at.ceil(), width)), fx);
    value = between(row(clamp(top, height)), row(clamp(ys.at.ceil(), height)), fy);
  }
  const inside = ys.inside.reshape([count, ch, 1, 1]).and(xs.inside.reshape([count, 1, cw, 1]));
  return inside.where(value, c.attributes.float('extrapolation_value', 0));
}

/** Cotangent of the image: what each sample was mixed from, added up. (grads, boxes, box_ind, image_size) */
function cropGradImage(c: LowerContext): Tensor {
  const [dy, boxes, which] = c.x, [n, height, width, channels] = c.elements(3, 'the size of the image') as [number, number, number, number];
  const [count, ch, cw] = c.shape(dy, 'crops') as [number, number, number], nearestOnly = c.attributes.string('method', 'bilinear') === 'nearest';
  const [y1, x1, y2, x2] = c.ops('Split', [boxes], 4, { axis: 1, num_outputs: 4 }).map(t => t.reshape([count])) as [Tensor, Tensor, Tensor, Tensor];
  const ys = samples(c, y1, y2, height, ch), xs = samples(c, x1, x2, width, cw), grid = [count, ch, cw];
  const inside = ys.inside.reshape([count, ch, 1, 1]).and(xs.inside.reshape([count, 1, cw, 1])), live = inside.where(dy.cast('float32'), 0);
  const b = which.cast('int64').reshape([count, 1, 1]), clamp = (t: Tensor, size: number) => t.max(0).min(size - 1);
  let image = c.op('Expand', [c.scalar('float32', 0), c.ints([n, height, width, channels])]);
  const put = (row: Tensor, column: Tensor, weight: Tensor | undefined) => {
    const parts = [b, clamp(row, height).cast('int64').reshape([count, ch, 1]), clamp(column, width).cast('int64').reshape([count, 1, cw])].map(t => c.op('Expand', [t, c.ints(grid)]).unsqueeze([3]));
    image = c.op('ScatterND', [image, c.op('Concat', parts, { axis: 3 }), weight ? c.op('Mul', [live, weight]) : live], { reduction: 'add' });
  };
  if (nearestOnly) put(ys.at.add(0.5).floor(), xs.at.add(0.5).floor(), undefined);
  else {
    const top = ys.at.floor(), left = xs.at.floor(), fy = c.op('Sub', [ys.at, top]).reshape([count, ch, 1, 1]), fx = c.op('Sub', [xs.at, left]).reshape([count, 1, cw, 1]);
    for (const [dr, wy] of [[0, fy.rsub(1)], [1, fy]] as const) for (const [dc, wx] of [[0, fx.rsub(1)], [1, fx]] as const) put(dr ? top.add(1) : top, dc ? left.add(1) : left, c.op('Mul', [wy, wx]));
  }
  return image;
}

function adjustContrast(c: LowerContext): Tensor {
  const [x, factor] = c.x, rank = c.rank(x, 'contrast'), mean = x.mean([rank - 3, rank - 2], true);
  return c.op('Add', [c.op('Mul', [c.op('Sub', [x, mean]), factor]), mean]);
}

/** Indices of the boxes that stay, best first. */
function nonMaxSuppression(c: LowerContext): Tensor {
  const [boxes, scores, most, iou, least] = c.x, limit = (t: Tensor | undefined, name: string, fallback: number) => t?.reshapeTo(c.ints([1])) ?? c.g.constant('float32', [1], [c.attributes.float(name, fallback)]);
  const kept = c.op('NonMaxSuppression', [boxes.unsqueeze([0]), scores.unsqueeze([0, 1]), most.cast('int64').reshapeTo(c.ints([1])), limit(iou, 'iou_threshold', 0.5), least && limit(least, '', 0)]);
  return kept.gather(c.scalar('int64', 2), 1);
}

export const image: Family = {
  ResizeBilinear: resize('linear'), ResizeNearestNeighbor: resize('nearest'), ResizeBicubic: bicubic,
  ResizeBilinearGrad: resizeGrad(linear), ResizeNearestNeighborGrad: resizeGrad(nearest), ResizeBicubicGrad: resizeGrad(cubic),
  CropAndResize: cropAndResize, CropAndResizeGradImage: cropGradImage, AdjustContrastv2: adjustContrast,
  NonMaxSuppression: nonMaxSuppression, NonMaxSuppressionV2: nonMaxSuppression, NonMaxSuppressionV3: nonMaxSuppression,
};
