import { type Tensor } from '../graph/tensor.ts';
import { ZERO, type ExpandContext, type Operator, type PullbackContext, type PullbackEntry } from './operator.ts';
import { like, norm } from './shapes.ts';

/** Fake quantisation of TensorFlow, as its CPU kernels compute it (fake_quant_ops_functor.h, quantize_and_dequantize_op.h). */

type Context = Pick<ExpandContext | PullbackContext, 'x' | 'attributes' | 'g'>;

/** Range given as attributes, as two scalars, or as one pair for each channel of the last axis. */
function bounds(c: Context): readonly [Tensor, Tensor] {
  if (c.x.length > 1) return [c.x[1]!, c.x[2]!];
  return [c.g.constant('float32', [], [c.attributes.float('min', -6)]), c.g.constant('float32', [], [c.attributes.float('max', 6)])];
}

/** The range moved so that zero is one of the levels. Scale and its inverse are two divisions, as in TensorFlow. */
function nudged(c: Context) {
  const [min, max] = bounds(c), low = c.attributes.int('narrow_range', 0) ? 1 : 0, high = 2 ** c.attributes.int('num_bits', 8) - 1;
  const width = max.sub(min), scale = width.div(high - low), inverse = width.rdiv(high - low);
  const fromMin = min.div(scale).rsub(low);
  const zero = fromMin.lt(low).where(low, fromMin.gt(high).where(high, fromMin.add(0.5).floor()));
  return { min, max, scale, inverse, lowest: zero.rsub(low).mul(scale), highest: zero.rsub(high).mul(scale) };
}

/** min = max = 0 is an empty range: the operator then gives zeros and passes the gradient. */
const empty = (min: Tensor, max: Tensor): Tensor => min.eq(0).and(max.eq(0));

function fakeQuant(op: string, inputs: readonly string[], divide: boolean, perChannel: boolean): Operator {
  const vars = inputs.length > 1;
  return {
    op, domain: 'adjoint', native: false, straightThrough: true, infer: like(), differentiable: inputs, broadcasts: true,
    formula: `dx = dy where the nudged range holds x (bounds included), else 0${vars ? '; dmin = Σ dy below it, dmax = Σ dy above it' : ''}`,
    expand: c => {
      const { min, max, scale, inverse, lowest, highest } = nudged(c), x = c.x[0]!;
      const zero = lowest.neg().mul(inverse).add(0.5).floor(), shifted = x.min(highest).max(lowest).sub(lowest);
      const y = (divide ? shifted.div(scale) : shifted.mul(inverse)).sub(zero).add(0.5).floor().mul(scale);
      return [vars ? empty(min, max).where(0, y) : y];
    },
    pullback: c => {
      const { min, max, lowest, highest } = nudged(c), x = c.x[0]!, { dy } = c;
      const below = x.lt(lowest), above = x.gt(highest), inside = x.ge(lowest).and(x.le(highest));
      if (!vars) return [() => inside.where(dy, 0)];
      const none = empty(min, max), live = none.not();
      const sum = (mask: Tensor) => {
        const part = mask.and(live).where(dy, 0);
        return perChannel ? part : part.sum();
      };
      return [() => none.or(inside).where(dy, 0), () => sum(below), () => sum(above)];
    },
  };
}

/** The rule of a quantiser as an operator of its own, as TensorFlow's training graphs hold it: (dy, x, min, max) → (dx, dmin, dmax). */
function fakeQuantGradient(of: Operator): Operator {
  return {
    op: `${of.op}Gradient`, domain: 'adjoint', native: false, noGradient: 'flat', formula: `the cotangents of ${of.op}`,
    infer: c => [c.inputs[1], c.inputs[2], c.inputs[3]].slice(0, c.outputs),
    expand: c => {
      const [dy, ...x] = c.x, parts = of.pullback!({ ...c, x, dy: dy! } as unknown as PullbackContext);
      return parts.map((part, i) => (part!() as Tensor).sumTo(x[i]!));
    },
  };
}

/** Range and levels of QuantizeAndDequantize: symmetric about 0, one side decides the scale and the other is derived again from it. */
function quantizeAndDequantize(c: ExpandContext): Tensor {
  const a = c.attributes, x = c.x[0]!, given = a.int('range_given', 0) === 1, signed = a.int('signed_input', 1) === 1, narrow = a.int('narrow_range', 0) === 1;
  const rank = x.rank, axis = a.int('axis', -1), scalar = (v: number) => x.scalar(v), two = scalar(2);
  const bits = c.x[3] ? c.x[3].cast(x.dtype) : scalar(a.int('num_bits', 8)), half = two.pow(bits.sub(1));
  const low = signed ? (narrow ? half.neg().add(1) : half.neg()) : scalar(narrow ? 1 : 0), high = signed ? half.sub(1) : two.pow(bits).sub(1);
  const [min, max] = range(c, given, axis);
  const side = (level: Tensor, bound: Tensor) => {
    const live = level.mul(bound).gt(0);
    return live.where(level.div(live.where(bound, 1)), 3.4028234663852886e38);
  };
  const fromMin = side(low, min), fromMax = side(high, max), minDecides = fromMin.lt(fromMax);
  const scale = minDecides.where(fromMin, fromMax), inverse = minDecides.where(min.div(low.eq(0).where(1, low)), max.div(high));
  const place = (t: Tensor) => (t.rank === 1 && rank !== undefined && axis >= 0 ? t.reshape(Array.from({ length: rank }, (_, i) => (i === axis ? -1 : 1))) : t);
  let v = x;
  // Only a given range clamps: a measured one holds every element by itself.
  if (given) v = v.min(place(minDecides.where(high.mul(inverse), max))).max(place(minDecides.where(min, low.mul(inverse))));
  v = v.mul(place(scale));
  const levels = a.string('round_mode', 'HALF_TO_EVEN') === 'HALF_UP' ? v.add(0.5).floor() : c.op('Round', [v]);
  return levels.mul(place(inverse));
}

function range(c: ExpandContext, given: boolean, axis: number): readonly [Tensor, Tensor] {
  const x = c.x[0]!;
  if (given) return c.x[1] ? [c.x[1], c.x[2]!] : [x.scalar(c.attributes.float('input_min', 0)), x.scalar(c.attributes.float('input_max', 0))];
  const rank = axis >= 0 ? x.needRank('quantisation along an axis') : 0;
  const axes = axis >= 0 ? [...Array(rank).keys()].filter(i => i !== norm(axis, rank)) : undefined;
  return [x.reduceMin(axes), x.reduceMax(axes)];
}

/** V4 masks by the range as given, bounds included; the earlier versions pass everything. */
function insideGiven(c: PullbackContext): readonly PullbackEntry[] {
  const [x, min, max] = c.x as [Tensor, Tensor, Tensor], axis = c.attributes.int('axis', -1), rank = x.rank;
  const place = (t: Tensor) => (axis >= 0 && rank !== undefined ? t.reshape(Array.from({ length: rank }, (_, i) => (i === axis ? -1 : 1))) : t);
  return [() => x.ge(place(min)).and(x.le(place(max))).where(c.dy, 0), () => ZERO, () => ZERO];
}

function quantizeAndDequantizeOp(version: 'QuantizeAndDequantize' | 'QuantizeAndDequantizeV2' | 'QuantizeAndDequantizeV3' | 'QuantizeAndDequantizeV4'): Operator {
  const masks = version === 'QuantizeAndDequantizeV4';
  return {
    op: version, domain: 'adjoint', native: false, straightThrough: true, infer: like(), differentiable: ['input'],
    formula: masks ? 'dx = dy where input_min ≤ x ≤ input_max, else 0' : 'dx = dy',
    expand: c => [quantizeAndDequantize(c)],
    pullback: c => (masks ? insideGiven(c) : [() => c.dy]),
  };
}

const fakeQuants: readonly Operator[] = [
  fakeQuant('FakeQuantWithMinMaxArgs', ['inputs'], false, false),
  fakeQuant('FakeQuantWithMinMaxVars', ['inputs', 'min', 'max'], true, false),
  fakeQuant('FakeQuantWithMinMaxVarsPerChannel', ['inputs', 'min', 'max'], false, true),
];

export const fakeQuantization: readonly Operator[] = [
  ...fakeQuants, ...fakeQuants.map(fakeQuantGradient),
  quantizeAndDequantizeOp('QuantizeAndDequantize'), quantizeAndDequantizeOp('QuantizeAndDequantizeV2'),
  quantizeAndDequantizeOp('QuantizeAndDequantizeV3'), quantizeAndDequantizeOp('QuantizeAndDequantizeV4'),
];
