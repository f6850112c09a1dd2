import { ints, UnknownShape, type Tensor } from '../graph/tensor.ts';
import { tensor } from '../graph/types.ts';
import type { ExpandContext, Operator, PullbackContext } from './operator.ts';

/** Operators that lay a window's elements out as columns: Col2Im, and DeformConv with its moved sampling points. */

const product = (x: readonly number[]) => x.reduce((a, b) => a * b, 1);
const range = (n: number, from = 0) => Array.from({ length: n }, (_, i) => from + i);

/** dx of Col2Im is the image of dy cut into its blocks: one Gather for each spatial axis, [k, positions] at a time. */
function blocksOf(c: PullbackContext): Tensor {
  const x = c.x[0]!, image = c.x[1]!.data, block = c.x[2]!.data, shape = x.shape;
  if (!shape || !image || !block) throw new UnknownShape(x.name, 'the adjoint of Col2Im');
  const n = image.length, strides = c.attributes.ints('strides', image.map(() => 1)), dilations = c.attributes.ints('dilations', image.map(() => 1)), pads = c.attributes.ints('pads', [...image, ...image].map(() => 0));
  const out = image.map((d, i) => Math.floor((d + pads[i]! + pads[i + n]! - dilations[i]! * (block[i]! - 1) - 1) / strides[i]!) + 1);
  let g = pads.some(p => p !== 0) ? c.op('Pad', [c.dy, ints(c.g, [0, 0, ...pads.slice(0, n), 0, 0, ...pads.slice(n)])]) : c.dy;
  for (let i = n - 1; i >= 0; i--) {
    const index = range(block[i]!).flatMap(k => range(out[i]!).map(o => k * dilations[i]! + o * strides[i]!));
    g = g.gather(c.g.constant('int64', [block[i]!, out[i]!], index), 2 + i);
  }
  // [N, C, k₁, o₁, k₂, o₂ …] → blocks before positions.
  return g.transpose([0, 1, ...range(n).map(i => 2 + 2 * i), ...range(n).map(i => 3 + 2 * i)]).reshape(shape);
}

interface Deform { n: number; channels: number; spatial: number[]; kernel: number[]; out: number[]; groups: number }

/** For each axis the sampling positions [N, offset groups, kernel · positions], in elements of x. */
function samplingPoints(c: ExpandContext, d: Deform): Tensor[] {
  const rank = d.spatial.length, taps = product(d.kernel), positions = product(d.out), { attributes: a, g } = c;
  const strides = a.ints('strides', d.kernel.map(() => 1)), dilations = a.ints('dilations', d.kernel.map(() => 1)), pads = a.ints('pads', [...d.kernel, ...d.kernel].map(() => 0));
  const offsets = c.x[2]!.reshape([d.n, d.groups, taps, rank, positions]);
  return range(rank).map(axis => {
    const step = (sizes: readonly number[], flat: number) => Math.floor(flat / product(sizes.slice(axis + 1))) % sizes[axis]!;
    const base = range(taps).flatMap(k => range(positions).map(p => step(d.kernel, k) * dilations[axis]! + step(d.out, p) * strides[axis]! - pads[axis]!));
    const offset = offsets.slice([axis], [axis + 1], [3]).reshape([d.n, d.groups, taps * positions]);
    return offset.add(g.constant(offset.dtype, [taps * positions], base));
  });
}

/** x at moved points, interpolated between the 2ⁿ neighbours; what lies outside counts as zero. [N, groups, C / groups, kernel · positions]. */
function sampled(c: ExpandContext, d: Deform, points: readonly Tensor[]): Tensor {
  const x = c.x[0]!, each = d.channels / d.groups, count = product(d.kernel) * product(d.out);
  const flat = x.reshape([d.n, d.groups, each, product(d.spatial)]), low = points.map(p => p.floor()), fraction = points.map((p, i) => p.sub(low[i]!));
  let sum: Tensor | undefined;
  for (let corner = 0; corner < 2 ** points.length; corner++) {
    let weight: Tensor | undefined, inside: Tensor | undefined, index: Tensor | undefined;
    points.forEach((_, i) => {
      const far = (corner >> i) & 1, size = d.spatial[i]!, at = low[i]!.add(far), w = far ? fraction[i]! : fraction[i]!.rsub(1);
      const ok = at.ge(0).and(at.le(size - 1)), held = at.max(0).min(size - 1);
      weight = weight ? weight.mul(w) : w;
      inside = inside ? inside.and(ok) : ok;
      index = index ? index.mul(size).add(held) : held;
    });
    const where = index!.cast('int64').unsqueeze([2]).expand([d.n, d.groups, each, count]);
    const part = c.op('GatherElements', [flat, where], { axis: 3 }).mul(inside!.where(weight!, 0).unsqueeze([2]));
    sum = sum ? sum.add(part) : part;
  }
  return sum!;
}

/** DeformConv: a convolution whose sampling points are moved by `offset` and weighed by `mask`. */
function deformConv(c: ExpandContext): readonly Tensor[] {
  const [x, w, offset, bias, mask] = c.x as [Tensor, Tensor, Tensor, Tensor | undefined, Tensor | undefined], { shape } = x, weights = w.shape, moved = offset.shape;
  if (!shape || !weights || !moved) throw new UnknownShape(x.name, 'DeformConv');
  const d: Deform = { n: shape[0]!, channels: shape[1]!, spatial: shape.slice(2), kernel: weights.slice(2), out: moved.slice(2), groups: c.attributes.int('offset_group', 1) };
  const taps = product(d.kernel), positions = product(d.out), group = c.attributes.int('group', 1), made = weights[0]!;
  let columns = sampled(c, d, samplingPoints(c, d));
  if (mask) columns = columns.mul(mask.reshape([d.n, d.groups, 1, taps * positions]));
  const rows = columns.reshape([d.n, group, (d.channels / group) * taps, positions]);
  const y = w.reshape([1, group, made / group, (d.channels / group) * taps]).matmul(rows).reshape([d.n, made, ...d.out]);
  return [bias ? y.add(bias.reshape([made, ...d.out.map(() => 1)])) : y];
}

export const columnOperators: readonly Operator[] = [
  {
    op: 'Col2Im', since: 18, differentiable: ['input'], formula: 'dx = dy cut into the blocks again (im2col)',
    infer: c => {
      const x = c.tensor(0), image = c.data(1), block = c.data(2), rows = x?.shape?.[1];
      return [x && tensor(x.dtype, image && block && [x.shape?.[0], typeof rows === 'number' ? rows / product(block) : undefined, ...image])];
    },
    pullback: c => [() => blocksOf(c), undefined, undefined],
  },
  {
    op: 'DeformConv', since: 19, differentiable: ['X', 'W', 'offset', 'B', 'mask'], formula: 'through gathers at the moved points and one product: doffset is the slope between neighbours',
    infer: c => {
      const x = c.tensor(0), w = c.tensor(1), offset = c.tensor(2);
      return [x && tensor(x.dtype, w?.shape && offset?.shape && [x.shape?.[0], w.shape[0], ...offset.shape.slice(2)])];
    },
    expand: deformConv,
  },
];
