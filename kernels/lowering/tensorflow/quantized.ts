import type { Tensor } from '../../graph/tensor.ts';
import type { DType } from '../../graph/types.ts';
import type { Family, LowerContext } from './context.ts';

/** Lowest and highest level of an integer type. */
function levels(dtype: DType): readonly [number, number] {
  switch (dtype) {
    case 'int8': return [-128, 127];
    case 'uint8': return [0, 255];
    case 'int16': return [-32768, 32767];
    case 'uint16': return [0, 65535];
    default: return [-(2 ** 31), 2 ** 31 - 1];
  }
}

/** A range lies along `axis` where the node says so. */
function placed(c: LowerContext, t: Tensor): Tensor {
  const axis = c.attributes.int('axis', -1);
  if (axis < 0) return t.rank ? t.reshapeTo(c.ints([])) : t;
  return t.unsqueeze(Array.from({ length: c.rank(c.x[0], 'quantisation along an axis') - 1 }, (_, i) => (i < axis ? i : i + 1)));
}

const clip = (t: Tensor, [low, high]: readonly [number, number]): Tensor => t.max(low).min(high);
const half = (dtype: DType): number => (levels(dtype)[0] < 0 ? (levels(dtype)[1] - levels(dtype)[0] + 1) / 2 : 0);

/** The scale of the mode SCALED: symmetric about zero; the side that reaches further decides. */
function symmetric(c: LowerContext, min: Tensor, max: Tensor, dtype: DType): Tensor {
  const [low, high] = levels(dtype), lowest = low < 0 && c.attributes.int('narrow_range', 0) ? low + 1 : low;
  return low < 0 ? c.op('Max', [min.div(lowest), max.div(high)]) : max.div(high);
}

/** quantize_op.cc: three modes; numbers outside the range saturate. → output, output_min, output_max */
function quantize(c: LowerContext): readonly Tensor[] {
  const dtype = c.dtype('T'), mode = c.attributes.string('mode', 'MIN_COMBINED'), [low, high] = levels(dtype), count = high - low + 1, [x] = c.x, [min, max] = [placed(c, c.x[1]), placed(c, c.x[2])];
  const round = (t: Tensor) => (c.attributes.string('round_mode', 'HALF_AWAY_FROM_ZERO') === 'HALF_TO_EVEN' ? c.op('Round', [t]) : c.op('Mul', [t.sign(), t.abs().add(0.5).floor()]));
  const bounded = (t: Tensor) => clip(t, [low, high]).cast(dtype), limits = [c.x[1], c.x[2]];
  if (mode === 'SCALED') {
    const scale = symmetric(c, min, max, dtype);
    return [bounded(round(x.div(scale))), scale.mul(low < 0 && c.attributes.int('narrow_range', 0) ? low + 1 : low), scale.mul(high)];
  }
  if (mode === 'MIN_FIRST') {
    const scale = c.op('Sub', [max, min]).mul(count / (count - 1)).rdiv(count);
    return [bounded(c.op('Sub', [round(c.op('Mul', [x, scale])), round(c.op('Mul', [min, scale]))]).add(low)), ...limits];
  }
  const scale = c.op('Sub', [max, min]).rdiv(count - 1);
  const y = c.op('Mul', [c.op('Sub', [x, min]), scale]);
  // The C cast of the kernel: away from zero after half was taken off for signed types.
  return [bounded(round(half(dtype) ? y.sub(half(dtype)) : y)), ...limits];
}

/** dequantize_op.cc. */
function dequantize(c: LowerContext): Tensor {
  const { dtype } = c.x[0], mode = c.attributes.string('mode', 'MIN_COMBINED'), [low, high] = levels(dtype), count = high - low + 1, [min, max] = [placed(c, c.x[1]), placed(c, c.x[2])], x = c.x[0].cast('float32');
  if (mode === 'SCALED') return c.op('Mul', [x, symmetric(c, min, max, dtype)]);
  if (mode === 'MIN_FIRST') {
    const scale = c.op('Sub', [max, min]).mul(count / (count - 1)).div(count);
    return c.op('Add', [c.op('Mul', [x.sub(low), scale]), c.op('Mul', [c.op('Round', [min.div(scale)]), scale])]);
  }
  return c.op('Add', [c.op('Mul', [half(dtype) ? x.add(half(dtype)) : x, c.op('Sub', [max, min]).div(count - 1)]), min]);
}

export const quantized: Family = { QuantizeV2: quantize, Dequantize: dequantize };
