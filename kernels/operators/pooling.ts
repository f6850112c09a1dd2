import { ints, UnknownShape, type Tensor } from '../graph/tensor.ts';
import { tensor, type Dim } from '../graph/types.ts';
import type { ExpandContext, InferContext, Operator, PullbackContext } from './operator.ts';
import { extent, windowOf, windowOutput, type Window } from './windows.ts';

const product = (x: readonly number[]) => x.reduce((a, b) => a * b, 1);
const range = (n: number, from = 0) => Array.from({ length: n }, (_, i) => from + i);

function poolType(c: InferContext): ReturnType<NonNullable<Operator['infer']>> {
  const x = c.tensor(0), kernel = c.attributes.ints('kernel_shape', []);
  if (!x) return [undefined, undefined];
  if (!x.shape || x.shape.slice(2).some(d => typeof d !== 'number')) {
    const open = x.shape && [x.shape[0], x.shape[1], ...kernel.map((): Dim => undefined)];
    return [tensor(x.dtype, open), tensor('int64', open)];
  }
  const spatial = x.shape.slice(2) as number[], shape = [x.shape[0], x.shape[1], ...windowOutput(windowOf(c.attributes, spatial, kernel), spatial)];
  return [tensor(x.dtype, shape), tensor('int64', shape)];
}

const globalType: Operator['infer'] = c => [c.tensor(0) && tensor(c.tensor(0)!.dtype, c.tensor(0)!.shape?.map((d, i) => (i < 2 ? d : 1)))];

function poolOf(c: PullbackContext | ExpandContext, x: Tensor): { shape: readonly number[]; w: Window; out: number[] } {
  if (!x.shape) throw new UnknownShape(x.name, `the adjoint of ${c.node.op}`);
  const spatial = x.shape.slice(2), w = windowOf(c.attributes, spatial, c.attributes.ints('kernel_shape', []));
  return { shape: x.shape, w, out: windowOutput(w, spatial) };
}

/** dy at the flat index of each window's first maximum; windows that overlap add up. */
function maxPoolBack(c: PullbackContext): Tensor {
  const x = c.x[0]!;
  if (!x.shape) throw new UnknownShape(x.name, 'the adjoint of MaxPool');
  if (!x.isFloat || c.attributes.int('storage_order', 0)) return maxPoolByValue(c, x);
  const flat = c.dy.scalar(0).expand([product(x.shape)]), list = ints(c.g, [-1]);
  return c.op('ScatterElements', [flat, c.output(1).reshapeTo(list), c.dy.reshapeTo(list)], { axis: 0, reduction: 'add' }).reshape(x.shape);
}

/** The same where Indices are of no use (quantised integers, column-major indices): a float copy says where the maxima are. */
function maxPoolByValue(c: PullbackContext, x: Tensor): Tensor {
  const keep = Object.fromEntries(Object.entries(c.node.attributes).filter(([k]) => k !== 'storage_order'));
  const [, index] = c.g.ops('MaxPool', [x.isFloat ? x : x.cast('float32')], keep, { outputs: 2 }), list = ints(c.g, [-1]);
  const flat = c.dy.scalar(0).expand([product(x.shape!)]);
  return c.op('ScatterElements', [flat, index!.reshapeTo(list), c.dy.reshapeTo(list)], { axis: 0, reduction: 'add' }).reshape(x.shape!);
}

/** Sum over each window as a depthwise convolution with ones; its adjoint spreads dy over the windows. */
function spreadOver(c: PullbackContext, g: Tensor, shape: readonly number[], w: Window, out: readonly number[]): Tensor {
  const channels = shape[0]! * shape[1]!, rank = w.kernel.length, spatial = shape.slice(2);
  const rows = g.reshape([1, channels, ...out]), ones = c.g.constant(g.dtype, [channels, 1, ...w.kernel], Array<number>(channels * product(w.kernel)).fill(1));
  // What the last windows reach beyond (ceil mode) or leave over is cut or filled after a transposed convolution without padding.
  const full = c.op('ConvTranspose', [rows, ones], { group: channels, kernel_shape: w.kernel, strides: w.strides, dilations: w.dilations });
  const reach = out.map((o, i) => (o - 1) * w.strides[i]! + extent(w, i));
  const fill = spatial.map((d, i) => Math.max(0, d + w.pads[i]! - reach[i]!));
  const filled = fill.some(f => f > 0) ? c.op('Pad', [full, ints(c.g, [...Array<number>(rank + 2).fill(0), 0, 0, ...fill])]) : full;
  return filled.slice(w.pads.slice(0, rank), spatial.map((d, i) => d + w.pads[i]!), range(rank, 2)).reshape(shape);
}

/** How many elements each window averages over, as a constant: without the padding unless it is counted. */
function windowCounts(w: Window, spatial: readonly number[], out: readonly number[], countPadding: boolean): number[] {
  const perAxis = spatial.map((d, i) => range(out[i]!).map(o => {
    let n = 0;
    for (let k = 0; k < w.kernel[i]!; k++) {
      const at = o * w.strides[i]! + k * w.dilations[i]! - w.pads[i]!;
      if (countPadding ? at < d + w.pads[i + spatial.length]! : at >= 0 && at < d) n++;
    }
    return n;
  }));
  return perAxis.reduce<number[]>((all, axis) => all.flatMap(a => axis.map(b => a * b)), [1]);
}

function averagePoolBack(c: PullbackContext): Tensor {
  const { shape, w, out } = poolOf(c, c.x[0]!), counts = windowCounts(w, shape.slice(2), out, c.attributes.int('count_include_pad', 0) === 1);
  return spreadOver(c, c.dy.div(c.g.constant(c.dy.dtype, out, counts)), shape, w, out);
}

/** (Σ |x|ᵖ)^(1/p): dx = dy · y^(1−p) · |x|^(p−1) · sign x, 0 where y is. */
function lpBack(c: PullbackContext, spread: (g: Tensor) => Tensor): Tensor {
  const p = c.attributes.int('p', 2), x = c.x[0]!, y = c.y[0]!, safe = y.eq(0).where(1, y);
  const scaled = y.eq(0).where(0, p === 2 ? c.dy.div(safe) : c.dy.mul(safe.pow(1 - p)));
  const slope = p === 2 ? x : p === 1 ? x.sign() : x.abs().pow(p - 1).mul(x.sign());
  return spread(scaled).mul(slope);
}

function spatialAxes(x: Tensor): number[] { return range(x.needRank('a global pool') - 2, 2); }

/** Each region's maximum over its bins is a gather of static windows only when the regions are known; they are inputs, so scan by mask. */
function maxRoiPoolBack(c: PullbackContext): Tensor {
  const [x, rois] = c.x as [Tensor, Tensor], [n, ch, h, w] = x.shape ?? [], [count] = rois.shape ?? [], [ph, pw] = c.attributes.ints('pooled_shape', []), scale = c.attributes.float('spatial_scale', 1);
  if (n === undefined || count === undefined) throw new UnknownShape(x.name, 'the adjoint of MaxRoiPool');
  const { g } = c, column = (k: number) => rois.slice([k], [k + 1], [1]), edge = (k: number) => column(k).mul(scale).add(0.5).floor();
  const index = (size: number) => g.constant('float32', [1, size, 1], range(size)), bins = (size: number) => g.constant('float32', [1, 1, size], range(size));
  const inside = (from: Tensor, to: Tensor, size: number, parts: number) => {
    const length = to.sub(from).add(1).max(1).div(parts).unsqueeze([2]), start = from.unsqueeze([2]);
    const low = bins(parts).mul(length).floor().add(start).max(0).min(size), high = bins(parts).add(1).mul(length).ceil().add(start).max(0).min(size);
    return index(size).ge(low).and(index(size).lt(high));
  };
  const rows = inside(edge(2), edge(4), h!, ph!), columns = inside(edge(1), edge(3), w!, pw!);
  // [R, C, h, w, ph, pw]: which elements are in the bin and equal its maximum; the first of them takes dy.
  const images = x.gather(column(0).cast('int64').reshape([count]), 0).reshape([count, ch!, h! * w!, 1]);
  const mask = rows.reshape([count, 1, h!, 1, ph!, 1]).and(columns.reshape([count, 1, 1, w!, 1, pw!])).reshape([count, 1, h! * w!, ph! * pw!]);
  const at = mask.where(images, -3.4e38), first = c.op('ArgMax', [at], { axis: 2, keepdims: 1 });
  const hot = g.constant('int64', [1, 1, h! * w!, 1], range(h! * w!)).eq(first).and(mask);
  const each = hot.where(c.dy.reshape([count, ch!, 1, ph! * pw!]), 0).sum([3]).reshape([count, ch!, h!, w!]);
  return c.op('ScatterND', [x.zerosLike(), column(0).cast('int64'), each], { reduction: 'add' });
}

const differentiable = ['X'];

export const pooling: readonly Operator[] = [
  { op: 'MaxPool', infer: poolType, differentiable, formula: 'dx = dy at each window\'s first maximum', pullback: c => [() => maxPoolBack(c)] },
  { op: 'AveragePool', infer: c => [poolType(c)[0]], differentiable, formula: 'dx = dy / count, spread over each window', pullback: c => [() => averagePoolBack(c)] },
  {
    op: 'GlobalAveragePool', infer: globalType, differentiable, formula: 'dx = dy / count',
    pullback: c => [() => {
      const x = c.x[0]!, shape = x.shape;
      return (shape ? c.dy.div(product(shape.slice(2))) : c.dy.div(x.onesLike().sum(spatialAxes(x), true))).expandTo(x);
    }],
  },
  {
    op: 'GlobalMaxPool', infer: globalType, differentiable, formula: 'dx = dy at the maximum; ties share it',
    pullback: c => [() => {
      const x = c.x[0]!, hit = x.eq(c.y[0]!);
      return hit.where(c.dy.div(hit.cast(c.dy.dtype).sum(spatialAxes(x), true)), 0);
    }],
  },
  { op: 'LpPool', infer: c => [poolType(c)[0]], differentiable, formula: 'dx = dy · y^(1−p) · |x|^(p−1) · sign x', pullback: c => [() => {
    const { shape, w, out } = poolOf(c, c.x[0]!);
    return lpBack(c, g => spreadOver(c, g, shape, w, out));
  }] },
  { op: 'GlobalLpPool', infer: globalType, differentiable, formula: 'dx = dy · y^(1−p) · |x|^(p−1) · sign x', pullback: c => [() => lpBack(c, g => g)] },
  {
    op: 'MaxUnpool', since: 9, differentiable, formula: 'dx = dy at the indices',
    infer: c => {
      const x = c.tensor(0), to = c.data(2), k = c.attributes.ints('kernel_shape', []), s = c.attributes.ints('strides', k.map(() => 1)), p = c.attributes.ints('pads', k.flatMap(() => [0, 0]));
      return [x && tensor(x.dtype, to ?? x.shape?.map((d, i) => (i < 2 ? d : typeof d === 'number' ? (d - 1) * s[i - 2]! + k[i - 2]! - p[i - 2]! - p[i - 2 + k.length]! : undefined)))];
    },
    pullback: c => [() => {
      // ONNX Runtime counts the indices in the result as it is, whatever output_shape says.
      const list = ints(c.g, [-1]);
      return c.op('GatherElements', [c.dy.reshapeTo(list), c.x[1]!.reshapeTo(list)], { axis: 0 }).reshapeLike(c.x[0]!);
    }, undefined, undefined],
  },
  {
    op: 'MaxRoiPool', differentiable, formula: 'dx = dy at each bin\'s first maximum',
    infer: c => [c.tensor(0) && tensor(c.tensor(0)!.dtype, [c.tensor(1)?.shape?.[0], c.tensor(0)!.shape?.[1], ...c.attributes.ints('pooled_shape', [])])],
    pullback: c => [() => maxRoiPoolBack(c), undefined],
  },
];
