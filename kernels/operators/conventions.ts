/**
 * What the gradient is at ties and kinks, where frameworks differ. Each choice is a value here and nowhere else;
 * a rule reads it. Source of the table: gradients of torch 2.15, TensorFlow 2.21, ONNX Runtime 1.30 at the points named.
 */
export interface Conventions {
  readonly name: ConventionName;
  /** Max/Min of several operands that are equal: share evenly, or all to the first. */
  readonly elementwiseTies: 'even' | 'first';
  /** Clip exactly at a constant bound: 1 passes, 0 does not. */
  readonly clipAtBound: 0 | 1;
  /** Clip at a bound that is itself a computed tensor: the part that goes to x, the rest to the bound. */
  readonly clipAtTensorBound: 0 | 0.5 | 1;
  /** Relu6-like Clip (0 … 6). */
  readonly relu6AtBound: 0 | 1;
  /** Elu', Selu', Celu' at exactly 0: the branch that is taken. */
  readonly eluAtZero: 'negative' | 'positive';
  /** log(base) in d/dexponent of Pow where the base is ≤ 0: masked to zero, or as computed (NaN, −inf). */
  readonly powLogOfNonPositive: 'zero' | 'as-computed';
  /** HardSwish at −3 and +3. */
  readonly hardSwishAtBounds: readonly [number, number];
  /** Fake quantisation: mask on the rounded integer (values up to half a step outside pass) or on x itself. */
  readonly fakeQuantMask: 'rounded' | 'value';
  /** ‖x‖₂ at 0: zero, or 0/0. */
  readonly l2AtZero: 'zero' | 'nan';
  /** d/dbase of x⁰ at x = 0: zero, or 0·0⁻¹. */
  readonly powOfZeroToZero: 'zero' | 'as-computed';
  /** Sqrt at 0 where the cotangent is 0: zero, or 0·∞. */
  readonly sqrtOfNoCotangent: 'zero' | 'as-computed';
}

export type ConventionName = 'default' | 'tensorflow' | 'torch' | 'onnxruntime';
export type ConventionQuestion = Exclude<keyof Conventions, 'name'>;

const base: Conventions = {
  name: 'default',
  elementwiseTies: 'even',
  clipAtBound: 1,
  clipAtTensorBound: 1,
  relu6AtBound: 0,
  eluAtZero: 'negative',
  powLogOfNonPositive: 'zero',
  hardSwishAtBounds: [0, 1],
  fakeQuantMask: 'rounded',
  l2AtZero: 'zero',
  powOfZeroToZero: 'zero',
  sqrtOfNoCotangent: 'as-computed',
};

export const CONVENTIONS: Readonly<Record<ConventionName, Conventions>> = {
  default: base,
  torch: { ...base, name: 'torch', clipAtBound: 0, clipAtTensorBound: 0.5, powLogOfNonPositive: 'as-computed' },
  tensorflow: { ...base, name: 'tensorflow', elementwiseTies: 'first', relu6AtBound: 0, eluAtZero: 'positive', fakeQuantMask: 'value', l2AtZero: 'nan', powOfZeroToZero: 'as-computed', sqrtOfNoCotangent: 'zero' },
  onnxruntime: { ...base, name: 'onnxruntime' },
};
