import { ints, type Tensor } from '../graph/tensor.ts';
import { smallNumbers } from '../graph/tensorData.ts';
import { tensor, type Dim, type TensorType } from '../graph/types.ts';
import type { InferContext, Operator, PullbackContext } from './operator.ts';
import { broadcastDims, like, norm } from './shapes.ts';

const data = ['data'];

/** Linear operators that only move elements: the gradient is moved back into x's shape. */
const moved = (op: string, infer: Operator['infer'], since = 1): Operator =>
  ({ op, since, infer, formula: 'dx = dy in the shape of x', differentiable: data, pullback: c => [() => c.dy.reshapeLike(c.x[0]!)] });

function count(dims: readonly Dim[] | undefined): number | undefined {
  return dims?.every(d => typeof d === 'number') ? dims.reduce<number>((a, d) => a * (d as number), 1) : undefined;
}

function reshaped(c: InferContext): TensorType | undefined {
  const t = c.tensor(0), to = c.data(1), zero = c.attributes.int('allowzero', 0);
  if (!t) return undefined;
  if (!to) {
    const rank = c.tensor(1)?.shape?.[0];
    return tensor(t.dtype, typeof rank === 'number' ? Array<Dim>(rank).fill(undefined) : undefined, undefined);
  }
  const dims: Dim[] = to.map((d, i) => (d === 0 && !zero ? t.shape?.[i] : d));
  const hole = dims.indexOf(-1);
  if (hole >= 0) {
    const total = count(t.shape), rest = count(dims.filter((_, i) => i !== hole));
    dims[hole] = total !== undefined && rest ? total / rest : undefined;
  }
  return tensor(t.dtype, dims, t.data);
}

function unsqueezed(c: InferContext): TensorType | undefined {
  const t = c.tensor(0), axes = c.data(1);
  if (!t) return undefined;
  if (!t.shape || !axes) return tensor(t.dtype, undefined, t.data);
  const rank = t.shape.length + axes.length, set = new Set(axes.map(a => norm(a, rank))), rest = [...t.shape];
  return tensor(t.dtype, Array.from({ length: rank }, (_, i) => (set.has(i) ? 1 : rest.shift())), t.data);
}

function squeezed(c: InferContext): TensorType | undefined {
  const t = c.tensor(0);
  if (!t) return undefined;
  if (!t.shape) return tensor(t.dtype, undefined, t.data);
  if (c.has(1) && !c.data(1)) return tensor(t.dtype);
  if (!c.has(1) && t.shape.some(d => typeof d !== 'number')) return tensor(t.dtype);
  const axes = c.has(1) ? new Set(c.data(1)!.map(a => norm(a, t.shape!.length))) : new Set([...t.shape.keys()].filter(i => t.shape![i] === 1));
  return tensor(t.dtype, t.shape.filter((_, i) => !axes.has(i)), t.data);
}

function concatenated(c: InferContext): TensorType | undefined {
  const types = c.inputs.map((_, i) => c.tensor(i)), first = types[0];
  if (!first) return undefined;
  const axisGiven = c.attributes.int('axis', 0), known = types.find(t => t?.shape)?.shape;
  const values = types.every(t => t?.data && t.shape?.length === 1) ? types.flatMap(t => t!.data!) : undefined;
  if (!known) return tensor(first.dtype, undefined, values);
  const axis = norm(axisGiven, known.length);
  const shape: Dim[] = known.map((_, i) => {
    if (i !== axis) return types.map(t => t?.shape?.[i]).find(d => typeof d === 'number') ?? known[i];
    const parts = types.map(t => t?.shape?.[i]);
    return parts.every(p => typeof p === 'number') ? (parts as number[]).reduce((a, b) => a + b, 0) : undefined;
  });
  return tensor(first.dtype, shape, values);
}

/** Sizes of the pieces that a Split makes, where they are known. */
function splitSizes(c: { attributes: InferContext['attributes']; sizes: readonly number[] | undefined; given: boolean; outputs: number; dim: Dim }): number[] | undefined {
  if (c.given) return c.sizes && [...c.sizes];
  if (typeof c.dim !== 'number') return undefined;
  const parts = c.attributes.int('num_outputs', c.outputs), each = Math.ceil(c.dim / parts);
  return Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(each, (c.dim as number) - i * each)));
}

interface SlicePlan { starts: number[]; ends: number[]; axes: number[]; steps: number[] }

/** Slice's inputs as numbers, negative ones resolved against the shape; `undefined` where something is not known. */
function slicePlan(shape: readonly Dim[] | undefined, input: (i: number) => readonly number[] | undefined, has: (i: number) => boolean): SlicePlan | undefined {
  const starts = input(1), ends = input(2);
  if (!shape || !starts || !ends || (has(3) && !input(3)) || (has(4) && !input(4))) return undefined;
  const axes = (input(3) ?? starts.map((_, i) => i)).map(a => norm(a, shape.length)), steps = [...(input(4) ?? starts.map(() => 1))];
  const plan: SlicePlan = { starts: [], ends: [], axes, steps };
  for (let i = 0; i < axes.length; i++) {
    const d = shape[axes[i]!], step = steps[i]!;
    if (typeof d !== 'number') return undefined;
    const clamp = (v: number, low: number, high: number) => Math.min(Math.max(v < 0 ? v + d : v, low), high);
    plan.starts.push(step > 0 ? clamp(starts[i]!, 0, d) : clamp(starts[i]!, 0, d - 1));
    plan.ends.push(step > 0 ? clamp(ends[i]!, 0, d) : clamp(ends[i]!, -1, d - 1));
  }
  return plan;
}

const sliceLength = (p: SlicePlan, i: number): number => Math.max(0, Math.ceil((p.ends[i]! - p.starts[i]!) / p.steps[i]!));

function sliced(c: InferContext): TensorType | undefined {
  const t = c.tensor(0), plan = slicePlan(t?.shape, i => c.data(i), i => c.has(i));
  if (!t) return undefined;
  if (!plan) {
    const axes = c.has(3) ? c.data(3) : c.data(1)?.map((_, i) => i);
    return tensor(t.dtype, t.shape && (axes ? t.shape.map((d, i) => (axes.some(a => norm(a, t.shape!.length) === i) ? undefined : d)) : t.shape.map(() => undefined)));
  }
  const shape = [...t.shape!];
  plan.axes.forEach((a, i) => { shape[a] = sliceLength(plan, i); });
  const values = t.data && t.shape!.length === 1 && plan.axes.length === 1
    ? Array.from({ length: sliceLength(plan, 0) }, (_, k) => t.data![plan.starts[0]! + k * plan.steps[0]!]!) : undefined;
  return tensor(t.dtype, shape, values);
}

/** The adjoint of taking a slice: dy put back among zeros. Unit steps are a Pad, others a scatter of indices along each axis. */
function unslice(c: PullbackContext): Tensor {
  const x = c.x[0]!, { dy } = c, plan = slicePlan(x.dims, i => c.x[i]?.data, i => !!c.x[i]);
  if (plan && plan.steps.every(s => s === 1)) {
    const rank = x.rank!, before = Array<number>(rank).fill(0), after = Array<number>(rank).fill(0);
    plan.axes.forEach((a, i) => { before[a] = plan.starts[i]!; after[a] = (x.dims![a] as number) - plan.starts[i]! - sliceLength(plan, i); });
    return before.concat(after).every(p => p === 0) ? dy : c.op('Pad', [dy, ints(c.g, [...before, ...after])]);
  }
  // Any slice: take it of the flat indices of x, and scatter dy there.
  const size = x.shape ? c.g.constant('int64', [], [x.shape.reduce((a, b) => a * b, 1)]) : c.op('Size', [x]);
  const positions = c.op('Range', [c.g.constant('int64', [], [0]), size, c.g.constant('int64', [], [1])]).reshapeLike(x);
  const taken = c.op('Slice', [positions, ...c.x.slice(1)]);
  const flat = dy.scalar(0).reshape([1]).g.op('Expand', [dy.scalar(0).reshape([1]), size.reshape([1])]);
  return c.op('ScatterElements', [flat, taken.reshapeTo(ints(c.g, [-1])), dy.reshapeTo(ints(c.g, [-1]))], { axis: 0 }).reshapeLike(x);
}

function padded(c: InferContext): TensorType | undefined {
  const t = c.tensor(0), pads = c.data(1);
  if (!t) return undefined;
  if (!t.shape || !pads || (c.has(3) && !c.data(3))) return tensor(t.dtype, t.shape?.map(() => undefined));
  const axes = c.has(3) ? c.data(3)!.map(a => norm(a, t.shape!.length)) : [...t.shape.keys()], shape = [...t.shape];
  axes.forEach((a, i) => {
    const d = shape[a];
    shape[a] = typeof d === 'number' ? d + pads[i]! + pads[i + axes.length]! : undefined;
  });
  return tensor(t.dtype, shape);
}

/**
 * The adjoint of Pad. Constant: crop. Reflect, edge and wrap read elements of x more than once: the same Pad of the flat
 * indices of x says which, and dy is added up there.
 */
function unpad(c: PullbackContext): Tensor {
  const x = c.x[0]!, { dy } = c, mode = c.attributes.string('mode', 'constant');
  if (mode === 'constant') return cropped(c);
  const size = x.shape ? c.g.constant('int64', [], [x.shape.reduce((a, b) => a * b, 1)]) : c.op('Size', [x]);
  const positions = c.op('Range', [c.g.constant('int64', [], [0]), size, c.g.constant('int64', [], [1])]).reshapeLike(x);
  const read = c.op('Pad', [positions, c.x[1], undefined, c.x[3]], { mode });
  const flat = c.op('Expand', [dy.scalar(0).reshape([1]), size.reshape([1])]);
  return c.op('ScatterElements', [flat, read.reshapeTo(ints(c.g, [-1])), dy.reshapeTo(ints(c.g, [-1]))], { axis: 0, reduction: 'add' }).reshapeLike(x);
}

function cropped(c: PullbackContext): Tensor {
  const rank = c.x[0]!.rank, pads = c.x[1]!.data;
  if (rank !== undefined && pads && pads.every(p => p >= 0) && (!c.x[3] || c.x[3].data)) {
    const axes = c.x[3]?.data ?? [...Array(rank).keys()], n = axes.length;
    if (pads.every(p => p === 0)) return c.dy;
    return c.dy.slice(pads.slice(0, n), pads.slice(n).map(p => (p === 0 ? 2 ** 31 : -p)), axes);
  }
  // A negative pad crops x; its adjoint pads with zeros: Pad by the negated amounts.
  return c.op('Pad', [c.dy, c.x[1]!.neg(), undefined, c.x[3]]);
}

/** dy of the padding itself, summed: the gradient of Pad's constant. */
function padConstant(c: PullbackContext): Tensor {
  const ones = c.x[0]!.onesLike(), inside = c.op('Pad', [ones, c.x[1], ones.scalar(0), c.x[3]]);
  return inside.eq(0).where(c.dy, 0).sum().reshapeLike(c.x[2]!);
}

function tiled(c: PullbackContext): Tensor {
  const x = c.x[0]!, repeats = c.x[1]!.data;
  if (!x.shape || !repeats) {
    // [r0, d0, r1, d1, …] computed in the graph.
    const rank = x.needRank('the adjoint of Tile'), column = (t: Tensor) => t.unsqueeze([1]);
    const split = c.op('Concat', [column(c.x[1]!), column(x.shapeTensor())], { axis: 1 }).reshapeTo(ints(c.g, [-1]));
    return c.dy.reshapeTo(split).sum([...Array(rank).keys()].map(i => 2 * i));
  }
  const split = x.shape.flatMap((d, i) => [repeats[i]!, d]);
  return c.dy.reshape(split).sum(x.shape.map((_, i) => 2 * i)).reshape(x.shape);
}

const blocks = (op: 'DepthToSpace' | 'SpaceToDepth'): Operator['infer'] => c => {
  const t = c.tensor(0), b = c.attributes.int('blocksize', 1);
  if (!t?.shape) return [t && tensor(t.dtype)];
  const [n, ch, h, w] = t.shape, up = (d: Dim, f: number) => (typeof d === 'number' ? d * f : undefined);
  return [tensor(t.dtype, op === 'DepthToSpace' ? [n, up(ch, 1 / (b * b)), up(h, b), up(w, b)] : [n, up(ch, b * b), up(h, 1 / b), up(w, 1 / b)])];
};

export const shapeOperators: readonly Operator[] = [
  moved('Reshape', c => [reshaped(c)]),
  {
    ...moved('Flatten', c => {
      const t = c.tensor(0);
      if (!t?.shape) return [t && tensor(t.dtype, [undefined, undefined])];
      const axis = norm(c.attributes.int('axis', 1), t.shape.length);
      return [tensor(t.dtype, [count(t.shape.slice(0, axis)), count(t.shape.slice(axis))], t.data)];
    }),
    differentiable: ['input'],
  },
  moved('Squeeze', c => [squeezed(c)]),
  moved('Unsqueeze', c => [unsqueezed(c)]),
  {
    op: 'Transpose', formula: 'dx = dy with the axes permuted back', differentiable: data,
    infer: c => {
      const t = c.tensor(0);
      if (!t?.shape) return [t && tensor(t.dtype)];
      const perm = c.attributes.ints('perm') ?? [...t.shape.keys()].reverse();
      return [tensor(t.dtype, perm.map(p => t.shape![p]), t.shape.length < 2 ? t.data : undefined)];
    },
    pullback: c => [() => {
      const perm = c.attributes.ints('perm');
      if (!perm) return c.op('Transpose', [c.dy]);
      const inverse = Array<number>(perm.length);
      perm.forEach((p, i) => { inverse[p] = i; });
      return c.dy.transpose(inverse);
    }],
  },
  {
    op: 'Concat', infer: c => [concatenated(c)], formula: 'dxᵢ = the part of dy that xᵢ filled', differentiable: ['inputs'],
    pullback: c => {
      const axis = c.attributes.int('axis', 0), sizes = c.x.map(x => x.dimTensor(axis));
      const known = sizes.every(s => s.data) ? ints(c.g, sizes.map(s => s.data![0]!)) : undefined;
      const parts = () => c.g.ops('Split', [c.dy, known ?? c.op('Concat', sizes, { axis: 0 })], { axis }, { outputs: c.x.length });
      // One wanted part is a slice; several are one Split.
      const wanted = c.x.filter((_, i) => c.wants(i)).length;
      return c.x.map((_, i) => () => {
        if (!known || wanted > 1) return parts()[i]!;
        const start = known.data!.slice(0, i).reduce((a, b) => a + b, 0);
        return c.dy.slice([start], [start + known.data![i]!], [axis]);
      });
    },
  },
  {
    op: 'Split', since: 2, formula: 'dx = the pieces of dy put together (zeros for unused ones)', differentiable: ['input'],
    infer: c => {
      const t = c.tensor(0), n = c.outputs;
      if (!t) return Array(n).fill(undefined);
      if (!t.shape) return Array(n).fill(tensor(t.dtype));
      const axis = norm(c.attributes.int('axis', 0), t.shape.length);
      const sizes = splitSizes({ attributes: c.attributes, sizes: c.data(1), given: c.has(1), outputs: n, dim: t.shape[axis] });
      let start = 0;
      return Array.from({ length: n }, (_, i) => {
        const values = sizes && t.data && t.shape!.length === 1 ? t.data.slice(start, start + sizes[i]!) : undefined;
        start += sizes?.[i] ?? 0;
        return tensor(t.dtype, t.shape!.map((d, a) => (a === axis ? sizes?.[i] : d)), values);
      });
    },
    pullback: c => [() => {
      const parts = c.dys.map((d, i) => d ?? c.y[i]?.zerosLike() ?? c.output(i).zerosLike());
      return c.op('Concat', parts.map((p, i) => (p.isFloat ? p : p.cast(c.dys.find(d => d)!.dtype) ?? parts[i]!)), { axis: c.attributes.int('axis', 0) });
    }, undefined],
  },
  {
    op: 'Slice', infer: c => [sliced(c)], formula: 'dx = dy in the place of the slice, zero elsewhere', differentiable: data,
    pullback: c => [() => unslice(c), undefined, undefined, undefined, undefined],
  },
  {
    op: 'Pad', since: 2, infer: c => [padded(c)], formula: 'dx = dy without the padding; reflect, edge and wrap add up the copies; dvalue = Σ dy over the padding',
    differentiable: ['data', 'constant_value'],
    pullback: c => [() => unpad(c), undefined, () => padConstant(c), undefined],
  },
  {
    op: 'Expand', since: 8, broadcasts: true, formula: 'dx = Σ dy over the copies', differentiable: ['input'],
    infer: c => {
      const t = c.tensor(0), to = c.data(1);
      if (!t) return [undefined];
      const shape = to ? broadcastDims([t.shape, to]) : undefined, n = count(shape);
      return [tensor(t.dtype, shape, t.data?.length === 1 && n !== undefined && n <= 64 ? Array<number>(n).fill(t.data[0]!) : undefined)];
    },
    pullback: c => [() => c.dy, undefined],
  },
  {
    op: 'Tile', since: 6, formula: 'dx = Σ dy over the repeats', differentiable: ['input'],
    infer: c => {
      const t = c.tensor(0), r = c.data(1);
      return [t && tensor(t.dtype, t.shape?.map((d, i) => (typeof d === 'number' && r ? d * r[i]! : undefined)))];
    },
    pullback: c => [() => tiled(c), undefined],
  },
  {
    op: 'Shape', noGradient: 'discrete', formula: 'the shape does not depend on the elements: nothing flows back',
    infer: c => {
      const shape = c.tensor(0)?.shape;
      if (!shape) return [tensor('int64', [undefined])];
      const start = c.attributes.int('start', 0), end = c.attributes.int('end', shape.length), part = shape.slice(start < 0 ? start + shape.length : start, end < 0 ? end + shape.length : end);
      return [tensor('int64', [part.length], part.every(d => typeof d === 'number') ? (part as number[]) : undefined)];
    },
  },
  {
    op: 'Size', noGradient: 'discrete', formula: 'the size does not depend on the elements: nothing flows back',
    infer: c => {
      const n = count(c.tensor(0)?.shape);
      return [tensor('int64', [], n === undefined ? undefined : [n])];
    },
  },
  {
    op: 'Constant', noGradient: 'source', formula: 'no input',
    infer: c => {
      const a = c.attributes, t = a.tensor('value');
      if (t) return [tensor(t.dtype, t.dims, smallNumbers(t))];
      if (a.has('value_float')) return [tensor('float32', [], [a.float('value_float', 0)])];
      if (a.has('value_int')) return [tensor('int64', [], [a.int('value_int', 0)])];
      if (a.has('value_floats')) return [tensor('float32', [a.floats('value_floats')!.length], a.floats('value_floats'))];
      if (a.has('value_ints')) return [tensor('int64', [a.ints('value_ints')!.length], a.ints('value_ints'))];
      return [tensor('string')];
    },
  },
  {
    op: 'ConstantOfShape', since: 9, noGradient: 'source', formula: 'depends on no input differentiably',
    infer: c => {
      const v = c.attributes.tensor('value'), dims = c.data(0), n = count(dims), value = v ? smallNumbers(v)?.[0] : 0;
      const rank = c.tensor(0)?.shape?.[0];
      return [tensor(v?.dtype ?? 'float32', dims ?? (typeof rank === 'number' ? Array<Dim>(rank).fill(undefined) : undefined), n !== undefined && n <= 256 && value !== undefined ? Array<number>(n).fill(value) : undefined)];
    },
  },
  {
    op: 'Range', since: 11, formula: 'dstart = Σ dy, ddelta = Σ k · dyₖ', differentiable: ['start', 'delta'],
    infer: c => {
      const [s, l, d] = [c.data(0)?.[0], c.data(1)?.[0], c.data(2)?.[0]], t = c.tensor(0)?.dtype ?? 'int64';
      if (s === undefined || l === undefined || d === undefined) return [tensor(t, [undefined])];
      const n = Math.max(0, Math.ceil((l - s) / d));
      return [tensor(t, [n], n <= 2048 ? Array.from({ length: n }, (_, i) => s + i * d) : undefined)];
    },
    pullback: c => {
      const steps = () => c.op('Range', [c.g.constant('int64', [], [0]), c.op('Size', [c.dy]), c.g.constant('int64', [], [1])]).cast(c.dy.dtype);
      return [() => c.dy.sum().reshapeLike(c.x[0]!), undefined, () => c.dy.mul(steps()).sum().reshapeLike(c.x[2]!)];
    },
  },
  {
    op: 'DepthToSpace', infer: blocks('DepthToSpace'), formula: 'dx = dy, blocks moved back to channels', differentiable: ['input'],
    pullback: c => [() => {
      const b = c.attributes.int('blocksize', 1), back = c.op('SpaceToDepth', [c.dy], { blocksize: b });
      if (c.attributes.string('mode', 'DCR') === 'DCR') return back;
      // CRD keeps a channel's block together: exchange [b², C] for [C, b²].
      const [n, ch, h, w] = c.x[0]!.shape ?? [0, -1, 0, 0], channels = ch! / (b * b);
      if (ch! < 0) c.x[0]!.needRank('DepthToSpace in CRD mode');
      return back.reshape([n!, b * b, channels, h!, w!]).transpose([0, 2, 1, 3, 4]).reshape(c.x[0]!.shape!);
    }],
  },
  {
    op: 'SpaceToDepth', infer: blocks('SpaceToDepth'), formula: 'dx = dy, channels moved back to blocks', differentiable: ['input'],
    pullback: c => [() => c.op('DepthToSpace', [c.dy], { blocksize: c.attributes.int('blocksize', 1), mode: 'DCR' })],
  },
  {
    op: 'Trilu', since: 14, infer: like(), formula: 'dx = the same triangle of dy', differentiable: ['input'],
    pullback: c => [() => c.op('Trilu', [c.dy, c.x[1]], { upper: c.attributes.int('upper', 1) }), undefined],
  },
  {
    op: 'ReverseSequence', since: 10, infer: like(), formula: 'dx = dy reversed the same way', differentiable: ['input'],
    pullback: c => [() => c.op('ReverseSequence', [c.dy, c.x[1]], { batch_axis: c.attributes.int('batch_axis', 1), time_axis: c.attributes.int('time_axis', 0) }), undefined],
  },
  {
    op: 'CenterCropPad', since: 18, formula: 'dx = dy cropped and padded back about the centre', differentiable: ['input_data'],
    infer: c => {
      const t = c.tensor(0), to = c.data(1);
      if (!t?.shape) return [t && tensor(t.dtype)];
      const axes = (c.attributes.ints('axes') ?? [...t.shape.keys()]).map(a => norm(a, t.shape!.length)), shape: Dim[] = [...t.shape];
      axes.forEach((a, i) => { shape[a] = to?.[i]; });
      return [tensor(t.dtype, shape)];
    },
    // Static sizes: a crop or a pad on each axis, the extra element at the end (floor of half the difference before).
    expand: c => {
      const x = c.x[0]!, to = c.x[1]!.data, shape = x.shape;
      if (!shape || !to) return [c.op('CenterCropPad', [x, c.x[1]], { axes: c.attributes.ints('axes') })];
      const axes = (c.attributes.ints('axes') ?? [...shape.keys()]).map(a => norm(a, shape.length));
      let y = x;
      axes.forEach((a, i) => {
        const from = shape[a]!, size = to[i]!, before = Math.floor(Math.abs(size - from) / 2);
        if (size < from) y = y.slice([before], [before + size], [a]);
        else if (size > from) {
          const pads = Array<number>(2 * shape.length).fill(0);
          pads[a] = before;
          pads[a + shape.length] = size - from - before;
          y = c.op('Pad', [y, ints(c.g, pads)]);
        }
      });
      return [y];
    },
  },
];
