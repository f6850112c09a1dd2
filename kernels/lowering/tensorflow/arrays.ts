import type { Tensor } from '../../graph/tensor.ts';
import type { Family, LowerContext, Lowering } from './context.ts';
import { wide } from './math.ts';

/** "To the end" of a Slice. */
const END = 2 ** 31 - 1;

const int64 = (t: Tensor): Tensor => t.cast('int64');
const shapeOf = (c: LowerContext, t: Tensor): Tensor => c.op('Shape', [t]);
/** A vector of int64, also of what was given as a scalar. */
const vector = (c: LowerContext, t: Tensor): Tensor => (t.data ? c.ints(t.data) : int64(t).reshapeTo(c.ints([-1])));
export const concat = (c: LowerContext, parts: readonly Tensor[], axis: number): Tensor => (parts.length === 1 ? parts[0]! : c.op('Concat', parts, { axis }));

function reshape(c: LowerContext): Tensor {
  const [x, to] = c.x;
  return c.op('Reshape', [x, int64(to)], to.data?.includes(0) ? { allowzero: 1 } : {});
}

function squeeze(c: LowerContext): Tensor {
  const axes = c.attributes.ints('squeeze_dims', []);
  return c.op('Squeeze', [c.x[0], axes.length ? c.ints(axes) : undefined]);
}

function transpose(c: LowerContext): Tensor {
  return c.op('Transpose', [c.x[0]], { perm: c.elements(1, 'the permutation') });
}

function split(c: LowerContext): readonly Tensor[] {
  const n = c.attributes.int('num_split', 1), axis = c.element(0, 'the axis');
  return n === 1 ? [c.x[1]] : c.ops('Split', [c.x[1]], n, { axis, num_outputs: n });
}

function splitV(c: LowerContext): readonly Tensor[] {
  const [x, given] = c.x, sizes = c.elements(1, 'the sizes'), axis = c.axis(2, c.rank(x, 'the axis of a split'));
  if (sizes.length === 1) return [x];
  const rest = sizes.includes(-1) ? c.shape(x, 'the rest of a split')[axis]! - sizes.reduce((a, b) => a + Math.max(b, 0), 0) : 0;
  return c.ops('Split', [x, given.data && !sizes.includes(-1) ? c.ints(sizes) : c.ints(sizes.map(s => (s === -1 ? rest : s)))], sizes.length, { axis });
}

function pack(c: LowerContext): Tensor {
  const axis = c.attributes.int('axis', 0);
  return concat(c, c.x.map(t => t.unsqueeze([axis])), axis);
}

function unpack(c: LowerContext): readonly Tensor[] {
  const n = c.attributes.int('num', c.node.outputs.length), axis = c.attributes.int('axis', 0);
  if (n === 0) return [];
  const parts = n === 1 ? [c.x[0]] : c.ops('Split', [c.x[0]], n, { axis, num_outputs: n });
  return parts.map(p => c.op('Squeeze', [p, c.ints([axis])]));
}

/** begin and size; a size of −1 goes to the end. */
function slice(c: LowerContext): Tensor {
  const [x, begin, size] = c.x, start = int64(begin);
  const end = begin.data && size.data ? c.ints(begin.data.map((b, i) => (size.data![i] === -1 ? END : b + size.data![i]!)))
    : size.eq(-1).where(c.scalar('int64', END), c.op('Add', [start, int64(size)]));
  return c.op('Slice', [x, start, end]);
}

/** What the masks of a StridedSlice say of each entry. */
interface Entry { readonly kind: 'ellipsis' | 'new' | 'shrink' | 'range'; readonly axis: number; readonly index: number }

function entriesOf(c: LowerContext, count: number, rank: () => number): { entries: Entry[]; newAxes: number[]; squeezed: number[] } {
  const mask = (name: string) => c.attributes.int(name, 0), has = (name: string, i: number) => ((mask(name) >> i) & 1) === 1;
  const real = Array.from({ length: count }, (_, i) => i).filter(i => !has('ellipsis_mask', i) && !has('new_axis_mask', i)).length;
  const entries: Entry[] = [], newAxes: number[] = [], squeezed: number[] = [];
  let axis = 0, out = 0;
  for (let index = 0; index < count; index++) {
    if (has('ellipsis_mask', index)) {
      const skipped = rank() - real;
      axis += skipped;
      out += skipped;
    } else if (has('new_axis_mask', index)) newAxes.push(out++);
    else {
      const shrink = has('shrink_axis_mask', index);
      entries.push({ kind: shrink ? 'shrink' : 'range', axis, index });
      if (shrink) squeezed.push(axis);
      else out++;
      axis++;
    }
  }
  return { entries, newAxes, squeezed };
}

/** Starts, ends, axes and steps of the Slice that a StridedSlice is, before axes are dropped or added. */
function stridedRange(c: LowerContext, rank: () => number, begin: Tensor, end: Tensor, strides: Tensor) {
  const count = (begin.shape ?? end.shape ?? strides.shape)?.[0];
  if (count === undefined) c.shape(begin, 'a strided slice');
  const steps = strides.data ?? c.elements(c.x.indexOf(strides), 'the stride'), has = (name: string, i: number) => ((c.attributes.int(name, 0) >> i) & 1) === 1;
  const { entries, newAxes, squeezed } = entriesOf(c, count!, rank);
  const at = (t: Tensor, i: number): Tensor => (t.data ? c.ints([t.data[i]!]) : int64(t).slice([i], [i + 1], [0]));
  const starts = entries.map(({ kind, index }) => (kind === 'range' && has('begin_mask', index) ? c.ints([steps[index]! > 0 ? 0 : END]) : at(begin, index)));
  const ends = entries.map(({ kind, index }, k) => {
    if (kind === 'shrink') {
      const b = begin.data?.[index];
      return b !== undefined ? c.ints([b === -1 ? END : b + 1]) : starts[k]!.eq(-1).where(c.ints([END]), c.op('Add', [starts[k]!, c.ints([1])]));
    }
    return has('end_mask', index) ? c.ints([steps[index]! > 0 ? END : -END]) : at(end, index);
  });
  const known = (parts: readonly Tensor[]) => (parts.every(p => p.data) ? c.ints(parts.map(p => p.data![0]!)) : concat(c, parts, 0));
  return {
    none: entries.length === 0, starts: () => known(starts), ends: () => known(ends), axes: c.ints(entries.map(e => e.axis)),
    steps: c.ints(entries.map(e => (e.kind === 'shrink' ? 1 : steps[e.index]!))), newAxes, squeezed,
  };
}

function stridedSlice(c: LowerContext): Tensor {
  const [x, begin, end, strides] = c.x, r = stridedRange(c, () => c.rank(x, 'an ellipsis'), begin, end, strides);
  let y = r.none ? x : c.op('Slice', [x, r.starts(), r.ends(), r.axes, r.steps]);
  if (r.squeezed.length) y = c.op('Squeeze', [y, c.ints(r.squeezed)]);
  return y.unsqueeze(r.newAxes);
}

/** Numbers every element of a shape, cut by the slice: where each element of the slice lies, as a flat index. */
function stridedPlaces(c: LowerContext, shape: readonly number[], begin: Tensor, end: Tensor, strides: Tensor): Tensor {
  const count = shape.reduce((a, b) => a * b, 1), r = stridedRange(c, () => shape.length, begin, end, strides);
  const all = c.op('Reshape', [c.op('Range', [c.scalar('int64', 0), c.scalar('int64', count), c.scalar('int64', 1)]), c.ints(shape)]);
  return (r.none ? all : c.op('Slice', [all, r.starts(), r.ends(), r.axes, r.steps])).reshapeTo(c.ints([-1]));
}

/** The gradient of StridedSlice: zeros of the input's shape with dy where the slice lay. */
function stridedSliceGrad(c: LowerContext): Tensor {
  const [, begin, end, strides, dy] = c.x, shape = c.elements(0, 'the shape'), places = stridedPlaces(c, shape, begin, end, strides);
  const count = shape.reduce((a, b) => a * b, 1), zeros = c.op('Expand', [dy.scalar(0), c.ints([count])]);
  return c.op('ScatterND', [zeros, places.unsqueeze([1]), dy.reshapeTo(c.ints([-1]))]).reshape(shape);
}

function stridedUpdate(c: LowerContext): Tensor {
  const [x, begin, end, strides, value] = c.x, shape = c.shape(x, 'an update of a slice'), places = stridedPlaces(c, shape, begin, end, strides);
  const whole = shape.reduce((a, b) => a * b, 1), flat = c.op('Reshape', [x, c.ints([whole])]);
  const update = value.reshapeTo(c.ints([-1]));
  return c.op('ScatterND', [flat, places.unsqueeze([1]), value.shape?.length === 0 || value.shape?.every(d => d === 1) ? c.op('Expand', [update, c.op('Shape', [places])]) : update]).reshape(shape);
}

/** [n, 2] as ONNX has it: all starts, then all ends. */
function pads(c: LowerContext): Tensor {
  const { data } = c.x[1];
  if (data) return c.ints([...data.filter((_, i) => i % 2 === 0), ...data.filter((_, i) => i % 2 === 1)]);
  return c.op('Reshape', [c.op('Transpose', [int64(c.x[1])], { perm: [1, 0] }), c.ints([-1])]);
}

/** Index of the element that each place of a mirrored axis shows. */
export function mirrored(size: number, before: number, after: number, reflect: boolean): number[] {
  return Array.from({ length: before + size + after }, (_, k) => {
    const i = k - before;
    if (i < 0) return reflect ? -i : -i - 1;
    if (i >= size) return reflect ? 2 * size - 2 - i : 2 * size - 1 - i;
    return i;
  });
}

function mirrorPad(c: LowerContext): Tensor {
  const [x] = c.x, padding = c.elements(1, 'the padding'), shape = c.shape(x, 'a mirrored padding'), reflect = c.attributes.string('mode') === 'REFLECT';
  return shape.reduce((t, size, axis) => {
    const [before, after] = [padding[2 * axis]!, padding[2 * axis + 1]!];
    return before || after ? t.gather(c.ints(mirrored(size, before, after, reflect)), axis) : t;
  }, x);
}

/** Folds the mirrored edges back: rows are added up by the index that they show. */
function mirrorPadGrad(c: LowerContext): Tensor {
  const [dy] = c.x, padding = c.elements(1, 'the padding'), shape = c.shape(dy, 'a mirrored padding'), reflect = c.attributes.string('mode') === 'REFLECT';
  return shape.reduce((t, padded, axis) => {
    const [before, after] = [padding[2 * axis]!, padding[2 * axis + 1]!], size = padded - before - after;
    if (!before && !after) return t;
    const first = [axis, ...[...shape.keys()].filter(k => k !== axis)], rows = t.transpose(first), rest = rows.shape!.slice(1);
    const sums = c.op('ScatterND', [c.op('Expand', [dy.scalar(0), c.ints([size, ...rest])]), c.ints(mirrored(size, before, after, reflect)).unsqueeze([1]), rows], { reduction: 'add' });
    return sums.transpose(first.map((_, k) => first.indexOf(k)));
  }, dy);
}

function reverse(c: LowerContext): Tensor {
  const given = c.elements(1, 'the axes'), axes = c.x[1].dtype === 'bool' ? given.flatMap((v, i) => (v ? [i] : [])) : given;
  return axes.length ? c.x[0].slice(axes.map(() => -1), axes.map(() => -END), axes, axes.map(() => -1)) : c.x[0];
}

function reverseSequence(c: LowerContext): Tensor {
  const [x, lengths] = c.x, time = c.attributes.int('seq_dim', 0), batch = c.attributes.int('batch_dim', 0);
  if (Math.max(time, batch) <= 1) return c.op('ReverseSequence', [x, int64(lengths)], { time_axis: time, batch_axis: batch });
  const rank = c.rank(x, 'a reversed sequence'), perm = [batch, time, ...Array.from({ length: rank }, (_, i) => i).filter(i => i !== batch && i !== time)];
  return c.op('ReverseSequence', [x.transpose(perm), int64(lengths)], { time_axis: 1, batch_axis: 0 }).transpose(perm.map((_, k) => perm.indexOf(k)));
}

const range: Lowering = c => c.op('Range', [wide(c.x[0]), wide(c.x[1]), wide(c.x[2])]);

function linSpace(c: LowerContext): Tensor {
  const [start, stop, num] = c.x, n = num.data ? c.scalar('int64', num.data[0]!) : int64(num).reshapeTo(c.ints([]));
  const k = c.op('Range', [c.scalar('int64', 0), n, c.scalar('int64', 1)]).cast(start.dtype), last = n.sub(1).max(1).cast(start.dtype);
  return c.op('Add', [start, c.op('Mul', [c.op('Sub', [stop, start]), k.div(last)])]);
}

/** Rows of the last axis one by one against the numbers 0 … depth − 1; an index out of range gives `off` everywhere. */
function oneHot(c: LowerContext): Tensor {
  const [indices, depth, on, off] = c.x, axis = c.attributes.int('axis', -1), rank = axis === -1 ? 0 : c.rank(indices, 'the axis of a OneHot');
  const n = depth.data ? c.scalar('int64', depth.data[0]!) : int64(depth).reshapeTo(c.ints([]));
  let classes = c.op('Range', [c.scalar('int64', 0), n, c.scalar('int64', 1)]);
  if (axis !== -1 && axis < rank) classes = classes.unsqueeze(Array.from({ length: rank - axis }, (_, i) => i + 1));
  return c.op('Where', [c.op('Equal', [int64(indices).unsqueeze([axis]), classes]), c.stopped(on), c.stopped(off)]);
}

function rank(c: LowerContext): Tensor {
  const [x] = c.x;
  return x.rank !== undefined ? c.scalar('int32', x.rank) : c.op('Size', [shapeOf(c, x)]);
}

function invertPermutation(c: LowerContext): Tensor {
  const { data } = c.x[0];
  if (data) return c.ints(data.map((_, i) => data.indexOf(i)));
  const p = int64(c.x[0]), n = c.op('Size', [p]);
  return c.op('ScatterElements', [p, p, c.op('Range', [c.scalar('int64', 0), n, c.scalar('int64', 1)])], { axis: 0 });
}

/** Where each of the concatenated tensors begins: zeros but along the axis. (axis, shapes…) */
function concatOffset(c: LowerContext): readonly Tensor[] {
  const shapes = c.x.slice(1), rank = c.shape(shapes[0]!, 'the offsets of a concatenation')[0]!, given = c.element(0, 'the axis'), at = given < 0 ? given + rank : given;
  const here = c.g.constant('int32', [rank], Array.from({ length: rank }, (_, i) => +(i === at)));
  return shapes.map((_, k) => shapes.slice(0, k).reduce((sum, s) => c.op('Add', [sum, c.op('Mul', [s.cast('int32'), here])]), c.g.constant('int32', [rank], Array<number>(rank).fill(0))));
}

/** BroadcastArgs and the axes along which each of two shapes was broadcast (BroadcastGradientArgs). */
function broadcastGradientArgs(c: LowerContext): readonly Tensor[] {
  const a = c.elements(0, 'a shape'), b = c.elements(1, 'a shape'), rank = Math.max(a.length, b.length), [ra, rb]: [number[], number[]] = [[], []];
  for (let i = 0; i < rank; i++) {
    const da = a[i - (rank - a.length)] ?? 1, db = b[i - (rank - b.length)] ?? 1;
    if (da === 1) ra.push(i);
    if (db === 1) rb.push(i);
  }
  return [c.ints(ra), c.ints(rb)];
}

export const arrays: Family = {
  Reshape: reshape, Squeeze: squeeze, ExpandDims: c => c.op('Unsqueeze', [c.x[0], vector(c, c.x[1])]), Transpose: transpose, ConjugateTranspose: transpose,
  Concat: c => concat(c, c.x.slice(1), c.element(0, 'the axis')),
  ConcatV2: c => concat(c, c.x.slice(0, -1), c.element(c.x.length - 1, 'the axis')),
  Split: split, SplitV: splitV, Pack: pack, ParallelConcat: c => concat(c, c.x, 0), Unpack: unpack, Slice: slice, StridedSlice: stridedSlice,
  StridedSliceGrad: stridedSliceGrad, TensorStridedSliceUpdate: stridedUpdate,
  Pad: c => c.op('Pad', [c.x[0], pads(c)], { mode: 'constant' }),
  PadV2: c => c.op('Pad', [c.x[0], pads(c), c.stopped(c.x[2])], { mode: 'constant' }),
  MirrorPad: mirrorPad, MirrorPadGrad: mirrorPadGrad,
  Tile: c => c.op('Tile', [c.x[0], int64(c.x[1])]), BroadcastTo: c => c.op('Expand', [c.x[0], int64(c.x[1])]), Fill: c => c.op('Expand', [c.x[1], int64(c.x[0])]),
  Empty: c => c.op('Expand', [c.scalar(c.dtype('dtype'), 0), int64(c.x[0])]),
  ZerosLike: c => c.x[0].zerosLike(), OnesLike: c => c.x[0].onesLike(),
  Shape: c => shapeOf(c, c.x[0]), ShapeN: c => c.x.map(t => shapeOf(c, t)), Size: c => c.op('Size', [c.x[0]]), Rank: rank,
  BroadcastArgs: c => c.op('Shape', [c.op('Add', [c.op('Expand', [c.scalar('int32', 0), int64(c.x[0])]), c.op('Expand', [c.scalar('int32', 0), int64(c.x[1])])])]),
  BroadcastGradientArgs: broadcastGradientArgs,
  ReverseV2: reverse, Reverse: reverse, ReverseSequence: reverseSequence, Range: range, LinSpace: linSpace, OneHot: oneHot,
  InvertPermutation: invertPermutation, ConcatOffset: concatOffset,
};
