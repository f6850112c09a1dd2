import { DTYPE_OF_ONNX, ints, type Tensor } from '../graph/tensor.ts';
import { tensor, type DType } from '../graph/types.ts';
import { fakeQuantization } from './fakeQuantization.ts';
import { ZERO, type ExpandContext, type InferContext, type Operator, type PullbackContext, type PullbackEntry } from './operator.ts';
import { like, norm } from './shapes.ts';

/** Smallest and largest value of each type that a quantiser makes. */
const RANGE: Partial<Record<DType, readonly [number, number]>> = {
  int2: [-2, 1], uint2: [0, 3], int4: [-8, 7], uint4: [0, 15], int8: [-128, 127], uint8: [0, 255],
  int16: [-32768, 32767], uint16: [0, 65535], int32: [-(2 ** 31), 2 ** 31 - 1],
  float4e2m1: [-6, 6], float8e4m3fn: [-448, 448], float8e4m3fnuz: [-240, 240], float8e5m2: [-57344, 57344], float8e5m2fnuz: [-57344, 57344],
};

const isInteger = (dtype: DType): boolean => /^u?int/.test(dtype);

/** How scale and zero point lie against x: for the whole tensor, along one axis, or for blocks along it. */
class Granularity {
  private readonly blocked: boolean;
  private readonly axis: number;
  private readonly rank: number | undefined;
  constructor(private readonly x: Tensor, private readonly scale: Tensor, axis: number, private readonly block: number) {
    const n = scale.needRank('quantisation');
    this.blocked = block > 0;
    this.rank = n === 0 && !this.blocked ? undefined : x.needRank('quantisation along an axis');
    this.axis = this.rank === undefined ? 0 : norm(axis, this.rank);
  }

  /** A parameter laid out so that it broadcasts against x. */
  spread(p: Tensor): Tensor {
    if (this.rank === undefined) return p;
    if (this.blocked) return p.gather(this.blockOfEach(), this.axis);
    return p.reshapeTo(ints(p.g, Array.from({ length: this.rank }, (_, i) => (i === this.axis ? -1 : 1))));
  }

  /** The adjoint of `spread`: sums over what shares one parameter. */
  gathered(t: Tensor): Tensor {
    const { scale, rank } = this;
    if (rank === undefined) return t.sum().reshapeLike(scale);
    if (!this.blocked) return t.sumTo(this.spread(scale)).reshapeLike(scale);
    const front = [this.axis, ...[...Array(rank).keys()].filter(i => i !== this.axis)], back = front.map((_, i) => front.indexOf(i));
    const zeros = scale.zerosLike().cast(t.dtype).transpose(front);
    return t.g.op('ScatterND', [zeros, this.blockOfEach().unsqueeze([1]), t.transpose(front)], { reduction: 'add' }).transpose(back);
  }

  /** For each position along the axis the number of its block. */
  private blockOfEach(): Tensor {
    const { g } = this.x, d = this.x.dims![this.axis], scalar = (v: number) => g.constant('int64', [], [v]);
    if (typeof d === 'number') return ints(g, Array.from({ length: d }, (_, i) => Math.floor(i / this.block)));
    return g.op('Range', [scalar(0), this.x.dimTensor(this.axis).squeeze([0]), scalar(1)]).div(scalar(this.block));
  }
}

function granularity(c: PullbackContext): Granularity {
  return new Granularity(c.x[0]!, c.x[1]!, c.attributes.int('axis', 1), c.attributes.int('block_size', 0));
}

function quantised(c: InferContext): DType {
  return c.tensor(2)?.dtype ?? DTYPE_OF_ONNX.get(c.attributes.int('output_dtype', 0)) ?? 'uint8';
}

/** q = saturate(round(x / scale) + zero point), rounded half to even. */
function quantizePullback(c: PullbackContext): readonly PullbackEntry[] {
  const dtype = c.y[0]!.dtype, range = RANGE[dtype], grain = granularity(c);
  if (!range) return [undefined, undefined, undefined];
  const x = c.x[0]!.isFloat ? c.x[0]! : c.x[0]!.cast('float32');
  const scale = grain.spread(c.x[1]!.cast(x.dtype)), dq = c.dy.cast(x.dtype);
  const ratio = x.div(scale), level = isInteger(dtype) && c.conventions.fakeQuantMask === 'rounded' ? c.op('Round', [ratio]) : ratio;
  const zero = c.x[2] && isInteger(dtype) ? grain.spread(c.x[2].cast(x.dtype)) : undefined;
  const place = zero ? level.add(zero) : level;
  const inside = place.ge(range[0]).and(place.le(range[1]));
  return [
    () => inside.where(dq.div(scale), 0),
    () => grain.gathered(inside.where(dq.mul(ratio).div(scale), 0)).neg(),
    () => grain.gathered(inside.where(dq, 0)),
  ];
}

/** y = (q − zero point) · scale. */
function dequantizePullback(c: PullbackContext): readonly PullbackEntry[] {
  const grain = granularity(c), { dy } = c, zero = c.x[2];
  const scale = grain.spread(c.x[1]!.cast(dy.dtype));
  const levels = () => {
    const q = c.x[0]!.cast(dy.dtype);
    return zero && isInteger(zero.dtype) ? q.sub(grain.spread(zero.cast(dy.dtype))) : q;
  };
  return [() => dy.mul(scale), () => grain.gathered(dy.mul(levels())), () => grain.gathered(dy.mul(scale)).neg()];
}

function quantizeLinear(domain: string): Operator {
  return {
    op: 'QuantizeLinear', domain, since: domain ? 1 : 10, straightThrough: true, differentiable: ['x', 'y_scale'], questions: ['fakeQuantMask'],
    formula: 'rounding passes: dx = dq / scale inside the range, else 0; dscale = −Σ dq · x / scale² inside',
    infer: c => [tensor(quantised(c), c.tensor(0)?.shape)], pullback: quantizePullback,
  };
}

function dequantizeLinear(domain: string): Operator {
  return {
    op: 'DequantizeLinear', domain, since: domain ? 1 : 10, straightThrough: true, differentiable: ['x', 'x_scale'],
    formula: 'dq = dy · scale, dscale = Σ dy · (q − zero point)',
    infer: c => {
      const to = DTYPE_OF_ONNX.get(c.attributes.int('output_dtype', 0)) ?? c.tensor(1)?.dtype ?? 'float32';
      return [tensor(to, c.tensor(0)?.shape)];
    },
    pullback: dequantizePullback,
  };
}

/**
 * y = saturate(round(x / s) + z), s = (max − min) / 255, z = round(−min / s), with max = max(0, largest x), min = min(0, smallest x).
 * The rounding and the saturation of z pass; scale and zero point lead on to the extreme elements, equal ones share.
 */
function dynamicQuantizePullback(c: PullbackContext): readonly PullbackEntry[] {
  const x = c.x[0]!, scale = c.output(1), [dq, dScaleGiven, dZeroGiven] = c.dys;
  const safe = scale.eq(0).where(1, scale), ratio = x.div(safe), place = c.op('Round', [ratio]).add(c.output(2).cast(x.dtype));
  const inside = place.ge(0).and(place.le(255));
  return [() => {
    const extreme = (op: 'ReduceMax' | 'ReduceMin') => c.op(op, [x], { keepdims: 0 });
    const [high, low] = [extreme('ReduceMax'), extreme('ReduceMin')], lowest = low.min(0);
    const sum = (...parts: (Tensor | undefined)[]) => parts.filter((p): p is Tensor => !!p).reduce<Tensor | undefined>((a, b) => (a ? a.add(b) : b), undefined);
    const dZero = sum(dZeroGiven, dq && inside.where(dq, 0).sum());
    const dScale = sum(dScaleGiven?.reshape([]), dq && inside.where(dq.mul(ratio).div(safe), 0).sum().neg(), dZero && dZero.mul(lowest).div(safe.square()));
    const dHigh = dScale?.mul(1 / 255), dLow = sum(dScale?.mul(-1 / 255), dZero && dZero.div(safe).neg());
    const share = (d: Tensor | undefined, at: Tensor, live: Tensor) => {
      if (!d) return undefined;
      const hit = x.eq(at);
      return hit.and(live).where(d.div(hit.cast(x.dtype).sum()), 0);
    };
    return sum(dq && inside.where(dq.div(safe), 0), share(dHigh, high, high.gt(0)), share(dLow, low, low.lt(0))) ?? ZERO;
  }];
}

/** Rounding modes of qonnx by name; halves go to even, up (away from zero) or down. */
function rounded(t: Tensor, mode: string): Tensor {
  const away = (magnitude: Tensor) => t.sign().mul(magnitude);
  switch (mode.toUpperCase()) {
    case 'CEIL': return t.ceil();
    case 'FLOOR': return t.floor();
    case 'UP': return away(t.abs().ceil());
    case 'DOWN': case 'ROUND_TO_ZERO': return away(t.abs().floor());
    case 'HALF_UP': return away(t.abs().add(0.5).floor());
    case 'HALF_DOWN': return away(t.abs().sub(0.5).ceil());
    default: return t.g.op('Round', [t]);
  }
}

/** Integer range of a qonnx Quant node; the bit width is a tensor. */
function integerRange(bits: Tensor, signed: boolean, narrow: boolean): { low: Tensor; high: Tensor } {
  const two = bits.scalar(2);
  if (!signed) return { low: bits.scalar(0), high: two.pow(bits).sub(narrow ? 2 : 1) };
  const half = two.pow(bits.sub(1));
  return { low: narrow ? half.neg().add(1) : half.neg(), high: half.sub(1) };
}

/** Quant of qonnx (Xilinx qonnx docs/qonnx-custom-ops/quant_op.md): inputs x, scale, zero point, bit width. */
function quant(domain: string): Operator {
  return {
    op: 'Quant', domain, native: false, straightThrough: true, infer: like(), broadcasts: true, questions: ['fakeQuantMask'],
    differentiable: ['x', 'scale', 'zeropt', 'bitwidth'],
    formula: 'rounding passes: dx = dy inside the range, else 0; dscale = Σ dy · (q − zero point − x / scale) inside, dy · (bound − zero point) outside; outside dzero = −dy · scale',
    expand: c => {
      const [x, scale, zero, bits] = c.x as [Tensor, Tensor, Tensor, Tensor];
      const { low, high } = integerRange(bits, c.attributes.int('signed', 1) === 1, c.attributes.int('narrow', 0) === 1);
      const level = x.div(scale).add(zero).min(high).max(low);
      return [rounded(level, c.attributes.string('rounding_mode', 'ROUND')).sub(zero).mul(scale)];
    },
    pullback: c => {
      const [x, scale, zero, bits] = c.x as [Tensor, Tensor, Tensor, Tensor], { dy } = c, signed = c.attributes.int('signed', 1) === 1;
      const { low, high } = integerRange(bits, signed, c.attributes.int('narrow', 0) === 1);
      const exact = x.div(scale).add(zero);
      const level = c.conventions.fakeQuantMask === 'rounded' ? rounded(exact, c.attributes.string('rounding_mode', 'ROUND')) : exact;
      const above = level.gt(high), below = level.lt(low), inside = above.or(below).not();
      return [
        () => inside.where(dy, 0),
        () => dy.mul(c.y[0]!.div(scale).sub(inside.where(x.div(scale), 0))),
        () => inside.where(0, dy.mul(scale).neg()),
        () => {
          const slope = bits.scalar(2).pow(signed ? bits.sub(1) : bits).mul(Math.LN2), d = dy.mul(scale).mul(slope);
          return above.where(d, signed ? below.where(d.neg(), 0) : 0);
        },
      ];
    },
  };
}

interface Minifloat { readonly exact: Tensor; readonly rounded: Tensor; readonly largest: Tensor }

/** x / scale with its mantissa rounded to what fits, and the largest number of the format (which an input may lower further). */
function minifloat(c: ExpandContext | PullbackContext): Minifloat {
  const [x, scale, exponent, mantissa, bias, limit] = c.x as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor | undefined], exact = x.div(scale), two = x.scalar(2);
  // The place of the last bit: that of the number's own exponent, not below that of the smallest normal one.
  const last = exact.abs().add(1.1754943508222875e-38).log().div(Math.LN2).floor().sub(mantissa), unit = two.pow(last.max(bias.add(mantissa).rsub(1)));
  const top = two.pow(two.pow(exponent).sub(1).sub(bias)).mul(two.pow(mantissa.neg()).rsub(2));
  return { exact, rounded: rounded(exact.div(unit), c.attributes.string('rounding_mode', 'ROUND')).mul(unit), largest: limit ? top.min(limit) : top };
}

/** FloatQuant of qonnx (docs/qonnx-custom-ops/floatquant_op.md): inputs x, scale, exponent and mantissa width, exponent bias, largest value. */
function floatQuant(domain: string): Operator {
  return {
    op: 'FloatQuant', domain, native: false, straightThrough: true, infer: like(), broadcasts: true, differentiable: ['x', 'scale'],
    formula: 'rounding passes: dx = dy up to the largest number of the format, else 0; dscale = Σ dy · (q − x / scale) inside, dy · q outside',
    expand: c => {
      const q = minifloat(c), held = q.rounded.min(q.largest).max(q.largest.neg());
      const beyond = c.attributes.int('has_inf', 0) ? q.rounded.sign().mul(Infinity) : q.rounded.scalar(NaN);
      return [(c.attributes.int('saturation', 1) ? held : q.rounded.abs().gt(q.largest).where(beyond, held)).mul(c.x[1]!)];
    },
    pullback: c => {
      const q = minifloat(c), inside = q.rounded.abs().le(q.largest), held = q.rounded.min(q.largest).max(q.largest.neg());
      return [() => inside.where(c.dy, 0), () => c.dy.mul(held.sub(inside.where(q.exact, 0)))];
    },
  };
}

/** y = scale where x ≥ 0, −scale elsewhere. As in brevitas the sign passes straight through and the scale is a factor of it. */
function bipolarQuant(domain: string): Operator {
  return {
    op: 'BipolarQuant', domain, native: false, straightThrough: true, infer: like(), broadcasts: true, differentiable: ['x', 'scale'],
    formula: 'the sign passes: dx = dy · scale, dscale = Σ dy · sign x',
    expand: c => [c.x[0]!.ge(0).where(c.x[1]!, c.x[1]!.neg())],
    pullback: ({ x: [x, scale], dy }) => [() => dy.mul(scale!), () => x!.ge(0).where(dy, dy.neg())],
  };
}

/** Trunc of qonnx: drops the low bits of a quantised value. Inputs x, scale, zero point, input and output bit width. */
function trunc(domain: string): Operator {
  const factor = (x: readonly Tensor[]) => x[3]!.scalar(2).pow(x[3]!.sub(x[4]!));
  return {
    op: 'Trunc', domain, native: false, straightThrough: true, infer: like(), broadcasts: true, differentiable: ['x', 'scale', 'zeropt'],
    formula: 'rounding passes: dx = dy / 2^(dropped bits)',
    expand: c => {
      const [x, scale, zero] = c.x as [Tensor, Tensor, Tensor];
      const level = c.op('Round', [x.div(scale).add(zero)]).div(factor(c.x));
      return [rounded(level, c.attributes.string('rounding_mode', 'FLOOR')).sub(zero).mul(scale)];
    },
    pullback: c => {
      const { dy } = c, [x, scale] = c.x as [Tensor, Tensor], f = factor(c.x);
      return [
        () => dy.div(f),
        () => dy.mul(c.y[0]!.div(scale).sub(x.div(scale).div(f))),
        () => dy.mul(scale).mul(f.recip().sub(1)),
      ];
    },
  };
}

/** Domains under which brevitas, qonnx and FINN write the same nodes. */
const QONNX = ['qonnx.custom_op.general', 'onnx.brevitas', 'finn.custom_op.general'];

/** Quantisers: the rounding is passed straight through. Integers between Q and DQ carry a float cotangent in quantised units. */
export const quantization: readonly Operator[] = [
  quantizeLinear(''), quantizeLinear('com.microsoft'), dequantizeLinear(''), dequantizeLinear('com.microsoft'),
  {
    op: 'DynamicQuantizeLinear', since: 11, straightThrough: true, differentiable: ['x'],
    formula: 'rounding passes: dx = dq / scale inside the range; what scale and zero point get goes to the extreme elements',
    infer: c => [tensor('uint8', c.tensor(0)?.shape), tensor('float32', []), tensor('uint8', [])], pullback: dynamicQuantizePullback,
  },
  ...QONNX.flatMap(domain => [quant(domain), floatQuant(domain), bipolarQuant(domain), trunc(domain)]),
  ...fakeQuantization,
];
