import { float, type AttributeInputs } from '../../graph/attributes.ts';
import type { Family, LowerContext, Lowering } from './context.ts';

/** Attributes as they are, where the operator is kept whole in the domain `adjoint`. */
function kept(c: LowerContext): AttributeInputs {
  const { all } = c.attributes, skipped = new Set(['T', 'Tinput', '_output_shapes']);
  return Object.fromEntries(Object.entries(all).filter(([k, v]) => !skipped.has(k) && !k.startsWith('_') && v.kind !== 'other'));
}
const whole: Lowering = c => c.own(c.node.op, [...c.x], kept(c));

/** The registered gradients, as operators of the file: the cotangents of x, min and max. */
const gradient = (perChannel: boolean): Lowering => c => {
  const [dy, x, min, max] = c.x;
  return c.g.ops(perChannel ? 'FakeQuantWithMinMaxVarsPerChannelGradient' : min ? 'FakeQuantWithMinMaxVarsGradient' : 'FakeQuantWithMinMaxArgsGradient',
    min ? [dy, x, min, max] : [dy, x], kept(c), { domain: 'adjoint', outputs: min ? 3 : 1 });
};

/** dy where the range holds x, zeros for the range. */
const v4Grad: Lowering = c => {
  const [dy, x, min, max] = c.x;
  return [x.ge(min).and(x.le(max)).where(dy, 0), min.zerosLike(), max.zerosLike()];
};

export const quantization: Family = {
  FakeQuantWithMinMaxArgs: c => c.own('FakeQuantWithMinMaxArgs', [c.x[0]], { ...kept(c), min: float(c.attributes.float('min', -6)), max: float(c.attributes.float('max', 6)) }),
  FakeQuantWithMinMaxVars: whole, FakeQuantWithMinMaxVarsPerChannel: whole,
  FakeQuantWithMinMaxArgsGradient: gradient(false), FakeQuantWithMinMaxVarsGradient: gradient(false), FakeQuantWithMinMaxVarsPerChannelGradient: gradient(true),
  QuantizeAndDequantize: whole, QuantizeAndDequantizeV2: whole, QuantizeAndDequantizeV3: whole, QuantizeAndDequantizeV4: whole, QuantizeAndDequantizeV4Grad: v4Grad,
};
