/** One glyph for each family of operators, as path data on a 16 px grid, drawn with a 1.4 px line. */
export const GLYPHS = {
  conv: 'M2.5 2.5h11v11h-11zM2.5 6.2h7.3v7.3M6.2 2.5v7.3',
  matmul: 'M4 2.5H2.5v11H4M12 2.5h1.5v11H12M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4',
  add: 'M8 3.5v9M3.5 8h9',
  sub: 'M3.5 8h9',
  mul: 'M4.5 4.5l7 7M11.5 4.5l-7 7',
  div: 'M3.5 8h9M8 4v.1M8 12v.1',
  sum: 'M12 3.5H4.5L8.5 8l-4 4.5H12',
  square: 'M2.5 12.5h6L5.5 5zM11 4.2c.4-1 2.3-.9 2.2.3 0 1-2.2 1.6-2.2 2.8h2.4',
  root: 'M2 9l2 0 2.4 4.5L9 3h5',
  relu: 'M2 11.5h6l5.5-7.5',
  quant: 'M2 13h3V9.5h3.2V6h3.2V2.8H14',
  straight: 'M2 13h3V9.5h3.2V6h3.2V2.8H14M2 14.5L14 1.5',
  stop: 'M3 5.5h10M8 13.5V8M5.8 10L8 7.8l2.2 2.2',
  round: 'M2 11.5h4.2M6.8 4.5H14',
  max: 'M2 12c3 0 3.4-8 6-8s3 8 6 8M4.5 2.5h7',
  min: 'M2 4c3 0 3.4 8 6 8s3-8 6-8M4.5 13.5h7',
  sigmoid: 'M2 12.5c5.5 0 6.5-9 12-9',
  exp: 'M2 13c6 0 9-3 11-10.5',
  log: 'M3 2.5v11M3 11.5C4 6 7 4 13.5 3.5',
  select: 'M2.5 4h3.5l4 4h3.5M2.5 12h3.5',
  loss: 'M13.5 8a5.5 5.5 0 1 1-11 0a5.5 5.5 0 1 1 11 0M10 8a2 2 0 1 1-4 0a2 2 0 1 1 4 0',
  softmax: 'M3 13V9.5M6.5 13V4M10 13V7.5M13.5 13v-2',
  norm: 'M2 12.5c4 0 3.6-9 6-9s2 9 6 9M8 3.5v9',
  pool: 'M2.5 2.5h11v11h-11zM8 2.5v11M2.5 8h11',
  reshape: 'M2.5 4.5h11v3h-11zM5 10.5h6v3H5z',
  transpose: 'M3 13V3h10M5.5 5.5l7 7M12.5 9v3.5H9',
  concat: 'M2.5 3h4v10h-4zM9.5 3h4v10h-4z',
  slice: 'M2.5 3h11v10h-11zM6 3v10M10 3v10',
  gather: 'M3 3.5h4M3 8h4M3 12.5h4M9 8h4.5M11 5.8L13.5 8 11 10.2',
  pad: 'M2.5 2.5h11v11h-11zM5.5 5.5h5v5h-5z',
  cast: 'M2.5 8h11M10.5 5l3 3-3 3M5.5 5l-3 3 3 3',
  compare: 'M4 4l7 4-7 4M4 14h8',
  recurrent: 'M12.5 8a4.5 4.5 0 1 1-2-3.7M12.8 2.2l-2 2.4-2.6-1.4',
  input: 'M2.5 8h8M7.5 4.8L10.7 8l-3.2 3.2M13.5 3v10',
  stack: 'M4.5 6.5h9v7h-9zM2.5 11V4.5h8.5',
  other: 'M8 3.5L12.5 8 8 12.5 3.5 8z',
} as const;

export type Glyph = keyof typeof GLYPHS;

/** Families by pattern; the first that matches decides. Names of ONNX, TensorFlow, TFLite and aten alike. */
const FAMILIES: readonly (readonly [RegExp, Glyph])[] = [
  [/stopgradient|preventgradient|detach/, 'stop'],
  [/fakequant|^quantize|^dequantize|dynamicquantize|^quant|qdq/, 'quant'],
  [/softmaxcrossentropy|crossentropy|nllloss|negativeloglikelihood|loss$/, 'loss'],
  [/logsoftmax|softmax|hardmax/, 'softmax'],
  [/normalization|layernorm|batchnorm|instancenorm|groupnorm|rmsnorm|fusedbatchnorm|^lrn$/, 'norm'],
  [/conv/, 'conv'],
  [/matmul|gemm|einsum|linear|^addmm|^bmm|^mm$|dense|attention/, 'matmul'],
  [/lstm|gru|rnn|^loop$|^scan$|while/, 'recurrent'],
  [/pool|upsample|resize/, 'pool'],
  [/squareddifference|^square|^pow/, 'square'],
  [/sqrt/, 'root'],
  [/leakyrelu|prelu|relu|elu|^clip$|hardswish|mish|threshold|softplus/, 'relu'],
  [/sigmoid|tanh|erf|logistic|silu/, 'sigmoid'],
  [/round|floor|ceil|sign|^rint/, 'round'],
  [/argmax|argmin|equal|less|greater|^and$|^or$|^not$|^xor$|isnan|isinf|logical/, 'compare'],
  [/^reducemax|^max/, 'max'],
  [/^reducemin|^min/, 'min'],
  [/reduce|mean|sum$|cumsum|^sum/, 'sum'],
  [/biasadd|^add/, 'add'],
  [/^sub|^neg/, 'sub'],
  [/^mul|hadamard/, 'mul'],
  [/div|reciprocal/, 'div'],
  [/^exp/, 'exp'],
  [/^log/, 'log'],
  [/where|select|^if$|switch|merge/, 'select'],
  [/concat|pack|stack/, 'concat'],
  [/slice|split|chunk|unpack/, 'slice'],
  [/gather|embedding|scatter|onehot|topk/, 'gather'],
  [/^pad|spacetobatch/, 'pad'],
  [/transpose|permute/, 'transpose'],
  [/cast/, 'cast'],
  [/reshape|flatten|squeeze|expand|identity|view|shape|tile/, 'reshape'],
];

const known = new Map<string, Glyph>();

export function glyphOf(op: string): Glyph {
  let glyph = known.get(op);
  if (!glyph) {
    const name = op.toLowerCase().replace(/[^a-z0-9]/g, '');
    glyph = FAMILIES.find(([pattern]) => pattern.test(name))?.[1] ?? 'other';
    known.set(op, glyph);
  }
  return glyph;
}
