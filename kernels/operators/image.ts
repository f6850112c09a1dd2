import { float, type AttributeReader } from '../graph/attributes.ts';
import { ints, UnknownShape, type Tensor } from '../graph/tensor.ts';
import { tensor, type Dim } from '../graph/types.ts';
import type { ExpandContext, Operator, PullbackContext } from './operator.ts';
import { norm } from './shapes.ts';

/** Axes that a Resize node names, or all. */
function resizeAxes(attributes: AttributeReader, rank: number): number[] {
  return (attributes.ints('axes') ?? [...Array(rank).keys()]).map(a => norm(a, rank));
}

/**
 * Resize is linear in X and works on each axis alone, so its adjoint is a product with the transposed interpolation matrix of each
 * axis. The matrix is what the same Resize makes of an identity: every mode and coordinate rule is then ONNX Runtime's own.
 */
function resizeBack(c: PullbackContext): Tensor {
  const x = c.x[0]!, from = x.shape, to = c.dy.shape;
  if (!from || !to) throw new UnknownShape(x.name, 'the adjoint of Resize');
  const given = (i: number) => (c.x[i] && c.x[i].shape?.[0] !== 0 ? c.x[i] : undefined), crop = c.attributes.string('coordinate_transformation_mode') === 'tf_crop_and_resize';
  const rank = from.length, axes = resizeAxes(c.attributes, rank), scales = given(2), roi = crop ? given(1) : undefined, leading = scales ? undefined : leadingAxis(c, axes, from);
  let g = c.dy;
  axes.forEach((axis, i) => {
    if (from[axis] === to[axis] && !roi && (scales ? scales.data?.[i] === 1 : leading === undefined)) return;
    const part = (t: Tensor, k: number) => t.slice([k], [k + 1], [0]);
    const matrix = leading !== undefined && leading !== axis ? followed(c, [from[leading]!, from[axis]!], [to[leading]!, to[axis]!], c.x[3]!.data![i]!)
      : interpolation(c, from[axis]!, to[axis]!, scales && part(scales, i), roi && [part(roi, i), part(roi, i + axes.length)]);
    g = alongAxis(g, axis, rank, matrix);
  });
  return g;
}

/** The axis whose ratio of sizes all others follow, where the aspect ratio is kept. */
function leadingAxis(c: PullbackContext, axes: readonly number[], from: readonly number[]): number | undefined {
  const policy = c.attributes.string('keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') return undefined;
  const sizes = c.x[3]?.data;
  if (!sizes) throw new UnknownShape(c.x[3]!.name, 'the adjoint of Resize');
  const ratios = axes.map((a, i) => sizes[i]! / from[a]!);
  return axes[ratios.indexOf(policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios))];
}

function resizeSettings(c: PullbackContext): Record<string, ReturnType<typeof float> | string | number | undefined> {
  const { attributes: a } = c;
  return {
    coordinate_transformation_mode: a.string('coordinate_transformation_mode'), mode: a.string('mode'), nearest_mode: a.string('nearest_mode'),
    antialias: a.int('antialias'), exclude_outside: a.int('exclude_outside'), cubic_coeff_a: float(a.float('cubic_coeff_a', -0.75)), extrapolation_value: float(0),
  };
}

const identity = (c: PullbackContext, size: number): Tensor => c.op('EyeLike', [c.g.constant('float32', [1, 1], [0]).expand([size, size])]);

/** [out, in]: row k holds the weights of the inputs of output k. Without a scale the sizes say it. */
function interpolation(c: PullbackContext, size: number, out: number, scale: Tensor | undefined, roi: readonly [Tensor, Tensor] | undefined): Tensor {
  const { g } = c, of = (...v: number[]) => g.constant('float32', [v.length], v), join = (...t: Tensor[]) => c.op('Concat', t, { axis: 0 });
  const region = roi && join(of(0, 0), roi[0].cast('float32'), of(0, 1, 1), roi[1].cast('float32'), of(1));
  const resized = c.op('Resize', [identity(c, size).reshape([1, 1, size, size]), region, scale && join(of(1, 1), scale, of(1)), scale ? undefined : ints(g, [1, 1, out, size])], resizeSettings(c), {
    types: [tensor('float32', [1, 1, out, size])],
  });
  return resized.reshape([out, size]).cast(c.dy.dtype);
}

/** The matrix of an axis that follows the scale of another one: both are resized, and what is constant along the leading one stays so. */
function followed(c: PullbackContext, [lead, size]: readonly [number, number], [leadOut, out]: readonly [number, number], asked: number): Tensor {
  const eye = identity(c, size).reshape([1, size, 1, size]).expand([1, size, lead, size]);
  const resized = c.op('Resize', [eye, undefined, undefined, ints(c.g, [leadOut, asked])], { ...resizeSettings(c), axes: [2, 3], keep_aspect_ratio_policy: c.attributes.string('keep_aspect_ratio_policy') }, {
    types: [tensor('float32', [1, size, leadOut, out])],
  });
  return resized.slice([0], [1], [2]).reshape([size, out]).transpose([1, 0]).cast(c.dy.dtype);
}

/** Contracts `axis` of t with the rows of the matrix. */
function alongAxis(t: Tensor, axis: number, rank: number, matrix: Tensor): Tensor {
  if (axis === rank - 1) return rank === 1 ? t.unsqueeze([0]).matmul(matrix).squeeze([0]) : t.matmul(matrix);
  if (axis === rank - 2) return matrix.transpose([1, 0]).matmul(t);
  const perm = [...[...Array(rank).keys()].filter(i => i !== axis), axis], inverse = perm.map((_, i) => perm.indexOf(i));
  return t.transpose(perm).matmul(matrix).transpose(inverse);
}

const resize: Operator = {
  op: 'Resize', since: 10, formula: 'dx = dy spread back by the weights with which each output was interpolated', differentiable: ['X'],
  infer: c => {
    const t = c.tensor(0), scales = c.data(2), sizes = c.data(3);
    if (!t?.shape) return [t && tensor(t.dtype)];
    const axes = resizeAxes(c.attributes, t.shape.length), shape: Dim[] = [...t.shape], policy = c.attributes.string('keep_aspect_ratio_policy', 'stretch');
    if (sizes?.length && policy !== 'stretch') {
      const ratios = axes.map((a, i) => sizes[i]! / (t.shape![a] as number)), scale = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
      axes.forEach(a => { shape[a] = Math.round(scale * (t.shape![a] as number)); });
    } else {
      axes.forEach((a, i) => {
        const d = t.shape![a];
        shape[a] = sizes?.length ? sizes[i] : scales?.length && typeof d === 'number' ? Math.floor(d * scales[i]!) : undefined;
      });
    }
    return [tensor(t.dtype, shape.map(d => (typeof d === 'number' && Number.isNaN(d) ? undefined : d)))];
  },
  pullback: c => [() => resizeBack(c), undefined, undefined, undefined],
};

/** Where a coordinate of [−1, 1] lies among `size` samples. */
function unnormalised(v: Tensor, size: Tensor, align: boolean): Tensor {
  return align ? v.add(1).mul(0.5).mul(size.sub(1)) : v.add(1).mul(size).sub(1).mul(0.5);
}

/** Reflected into [low, high], as GridSample's padding mode `reflection` says. */
function reflected(v: Tensor, low: Tensor, high: Tensor): Tensor {
  const span = high.sub(low), offset = v.sub(low).abs(), safe = span.eq(0).where(1, span);
  const turns = offset.div(safe).floor(), rest = offset.sub(turns.mul(safe)), even = turns.div(2).floor().mul(2).eq(turns);
  return span.eq(0).where(low.add(0), even.where(rest.add(low), high.sub(rest)));
}

interface Sampler { c: ExpandContext; x: Tensor; sizes: Tensor[]; padding: string; align: boolean; flat: Tensor; points: Tensor }

/** Values of x at integer positions (floats), one for each axis; zero outside for padding `zeros`. Shape [N, C, P]. */
function sampleAt(s: Sampler, at: readonly Tensor[]): Tensor {
  const { c } = s;
  let index: Tensor | undefined, inside: Tensor | undefined;
  at.forEach((p, d) => {
    const size = s.sizes[d]!, last = size.sub(1);
    let q = p;
    if (s.padding === 'reflection') q = s.align ? reflected(p, last.mul(0), last) : reflected(p, last.mul(0).sub(0.5), last.add(0.5));
    if (s.padding === 'zeros') {
      const ok = p.ge(0).and(p.le(last));
      inside = inside ? inside.and(ok) : ok;
    }
    const clamped = c.op('Min', [c.op('Max', [q, q.scalar(0)]), last]);
    index = index ? index.mul(size).add(clamped) : clamped;
  });
  const channels = s.x.dimTensor(1), rows = c.op('Concat', [s.x.dimTensor(0), channels, s.points.shapeTensor().g.op('Shape', [s.points], { start: 1 })], { axis: 0 });
  const where = c.op('Expand', [index!.cast('int64').unsqueeze([1]), rows]);
  const taken = c.op('GatherElements', [s.flat, where], { axis: 2 });
  return inside ? inside.unsqueeze([1]).where(taken, 0) : taken;
}

/** Cubic convolution weights (a = −0.75) of the four neighbours of a fraction t. */
function cubicWeights(t: Tensor): Tensor[] {
  const a = -0.75, near = (d: Tensor) => d.mul(a + 2).sub(a + 3).mul(d).mul(d).add(1), far = (d: Tensor) => d.mul(a).sub(5 * a).mul(d).add(8 * a).mul(d).sub(4 * a);
  return [far(t.add(1)), near(t), near(t.rsub(1)), far(t.rsub(2))];
}

/** GridSample as gathers and products, for any number of axes. Linear and cubic differentiate to X and the grid, nearest to X. */
function gridSample(c: ExpandContext): readonly Tensor[] {
  const x = c.x[0]!, grid = c.x[1]!, rank = x.needRank('GridSample'), spatial = rank - 2, g = c.g;
  const mode = c.attributes.string('mode', 'linear'), padding = c.attributes.string('padding_mode', 'zeros'), align = c.attributes.int('align_corners', 0) === 1;
  const size = (axis: number) => x.dimTensor(axis).squeeze([0]).cast(grid.dtype), minus = (n: number) => g.constant('int64', [1], [n]);
  const points = grid.reshapeTo(c.op('Concat', [grid.dimTensor(0), minus(-1), minus(spatial)], { axis: 0 }));
  const flat = x.reshapeTo(c.op('Concat', [x.dimTensor(0), x.dimTensor(1), minus(-1)], { axis: 0 }));
  const sizes = [...Array(spatial).keys()].map(d => size(d + 2));
  // The grid's last axis counts from the innermost (x, y, z).
  let at = sizes.map((s, d) => unnormalised(points.gather(g.constant('int64', [], [spatial - 1 - d]), 2), s, align));
  const sampler: Sampler = { c, x, sizes, padding, align, flat, points: at[0]! };
  const folded = (v: Tensor, s: Tensor): Tensor => {
    const last = s.sub(1);
    const r = padding === 'reflection' ? (align ? reflected(v, last.mul(0), last) : reflected(v, last.mul(0).sub(0.5), last.add(0.5))) : v;
    return padding === 'zeros' ? r : c.op('Min', [c.op('Max', [r, r.scalar(0)]), last]);
  };
  let result: Tensor | undefined;
  const add = (t: Tensor) => { result = result ? result.add(t) : t; };
  if (mode === 'nearest') {
    add(sampleAt(sampler, at.map((v, d) => c.op('Round', [folded(v, sizes[d]!)]))));
  } else if (mode === 'cubic' || mode === 'bicubic') {
    const base = at.map(v => v.floor()), weights = at.map((v, d) => cubicWeights(v.sub(base[d]!)));
    for (let corner = 0; corner < 4 ** spatial; corner++) {
      const k = at.map((_, d) => Math.floor(corner / 4 ** d) % 4);
      const weight = k.map((n, d) => weights[d]![n]!).reduce((p, w) => p.mul(w));
      add(sampleAt(sampler, base.map((b, d) => b.add(k[d]! - 1))).mul(weight.unsqueeze([1])));
    }
  } else {
    at = at.map((v, d) => folded(v, sizes[d]!));
    const base = at.map(v => v.floor()), fraction = at.map((v, d) => v.sub(base[d]!));
    for (let corner = 0; corner < 2 ** spatial; corner++) {
      const k = at.map((_, d) => (corner >> d) & 1);
      const weight = k.map((n, d) => (n ? fraction[d]! : fraction[d]!.rsub(1))).reduce((p, w) => p.mul(w));
      add(sampleAt(sampler, base.map((b, d) => b.add(k[d]!))).mul(weight.unsqueeze([1])));
    }
  }
  const outer = c.op('Concat', [x.dimTensor(0), x.dimTensor(1), c.op('Slice', [grid.shapeTensor(), ints(g, [1]), ints(g, [spatial + 1])])], { axis: 0 });
  return [result!.reshapeTo(outer)];
}

/** The sampling grid of an affine map: theta · (x, y[, z], 1) over the regular grid. */
function affineGrid(c: ExpandContext): readonly Tensor[] {
  const theta = c.x[0]!, size = c.x[1]!.data, align = c.attributes.int('align_corners', 0) === 1;
  if (!size) throw new UnknownShape(c.x[1]!.name, 'AffineGrid');
  const spatial = size.slice(2), count = spatial.reduce((a, b) => a * b, 1), base: number[] = [];
  for (let p = 0; p < count; p++) {
    let rest = p;
    const at = spatial.map(() => 0);
    for (let d = spatial.length - 1; d >= 0; d--) {
      const n = spatial[d]!, i = rest % n;
      rest = Math.floor(rest / n);
      at[d] = align ? (n === 1 ? 0 : (2 * i) / (n - 1) - 1) : (2 * i + 1) / n - 1;
    }
    base.push(...at.reverse(), 1);
  }
  const points = c.g.constant(theta.dtype, [count, spatial.length + 1], base);
  return [points.matmul(theta.transpose([0, 2, 1])).reshape([size[0]!, ...spatial, spatial.length])];
}

export const image: readonly Operator[] = [
  resize,
  {
    op: 'GridSample', since: 16, formula: 'through its form as gathers: dX adds up the weights, dgrid the slopes between neighbours', differentiable: ['X', 'grid'],
    infer: c => {
      const x = c.tensor(0), grid = c.tensor(1);
      return [x && tensor(x.dtype, x.shape && grid?.shape ? [x.shape[0], x.shape[1], ...grid.shape.slice(1, -1)] : undefined)];
    },
    expand: gridSample,
  },
  { op: 'GridSample', domain: 'com.microsoft', formula: 'as GridSample', differentiable: ['X', 'grid'], infer: c => [c.tensor(0) && tensor(c.tensor(0)!.dtype)], expand: gridSample },
  {
    op: 'AffineGrid', since: 20, formula: 'dtheta = Σ over points of dy · (x, y, 1)ᵀ', differentiable: ['theta'],
    infer: c => {
      const t = c.tensor(0), size = c.data(1);
      return [t && tensor(t.dtype, size && [size[0], ...size.slice(2), size.length - 2])];
    },
    expand: affineGrid,
  },
];
