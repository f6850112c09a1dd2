import type { Attribute, Graph, Node, TensorData } from '../../graph/graph.ts';
import { ONNX_TYPE } from '../../graph/tensor.ts';
import { smallNumbers, tensorOf } from '../../graph/tensorData.ts';
import { type DType, type ValueType } from '../../graph/types.ts';
import { OPERATORS } from '../../operators/index.ts';
import { inferWith } from '../../operators/infer.ts';
import { operatorKey } from '../../operators/operator.ts';
import { Edit, mapSubgraphs, Names } from './edit.ts';

const isHalf = (dtype: DType): boolean => dtype === 'float16' || dtype === 'bfloat16';

/** A graph computed in float32 where the file says half. */
export interface Widened {
  readonly graph: Graph;
  /** Inputs that are half in the file and are to be fed as float32. */
  readonly inputs: ReadonlySet<string>;
  /** For a person: what was widened; '' where the file has no half-precision value. */
  readonly why: string;
}

/**
 * The graph with every float16 and bfloat16 value computed in float32 (the CPU has no such kernels worth the name, and gradients
 * underflow in half). Names stay. A weight stays a reference into the file: its bytes get a helper name, and a Cast makes the value
 * of the user's name. Types need not be known.
 */
export function widenHalf(graph: Graph): Widened {
  const names = new Names(graph, 'half'), found = new Set<DType>(), inputs = new Set<string>();
  for (const i of graph.inputs) if (i.type?.kind === 'tensor' && isHalf(i.type.dtype)) inputs.add(i.name);
  const widened = widenGraph(graph, names, found);
  if (!found.size) return { graph, inputs, why: '' };
  return { graph: widened, inputs, why: `${[...found].join(' and ')} values are computed in float32 on the CPU` };
}

function widenGraph(graph: Graph, names: Names, found: Set<DType>): Graph {
  const wide = (t: ValueType): ValueType => {
    if (t.kind !== 'tensor') return { ...t, element: wide(t.element) };
    if (!isHalf(t.dtype)) return t;
    found.add(t.dtype);
    return { ...t, dtype: 'float32' };
  };
  const info = <T extends { name: string; type?: ValueType }>(v: T): T => (v.type ? { ...v, type: wide(v.type) } : v);
  const casts: Node[] = [], initializers = new Map<string, TensorData>();
  for (const [name, t] of graph.initializers) {
    if (!isHalf(t.dtype)) {
      initializers.set(name, t);
      continue;
    }
    found.add(t.dtype);
    const small = smallNumbers(t);
    if (small) initializers.set(name, tensorOf('float32', t.dims, small));
    else {
      const bytes = names.fresh('weight');
      initializers.set(bytes, t);
      casts.push({ name: names.fresh('Cast'), op: 'Cast', domain: '', inputs: [bytes], outputs: [name], attributes: { to: { kind: 'int', value: ONNX_TYPE.float32 } } });
    }
  }
  const types = new Map([...graph.types].map(([name, t]) => [name, wide(t)] as const));
  const nodes = graph.nodes.map(n => mapSubgraphs(widenNode(n, found), body => widenGraph(body, names, found)));
  return { ...graph, inputs: graph.inputs.map(info), outputs: graph.outputs.map(info), nodes: [...casts, ...nodes], initializers, types };
}

/** Attributes that name an element type. */
const TYPE_ATTRIBUTES = ['to', 'dtype', 'output_dtype', 'stash_type', 'softmax_precision', 'precision', 'output_datatype'];

function widenNode(node: Node, found: Set<DType>): Node {
  let attributes: Record<string, Attribute> | undefined;
  const set = (name: string, value: Attribute, dtype: DType) => {
    found.add(dtype);
    (attributes ??= { ...node.attributes })[name] = value;
  };
  for (const name of TYPE_ATTRIBUTES) {
    const a = node.attributes[name];
    if (a?.kind !== 'int') continue;
    for (const half of ['float16', 'bfloat16'] as const) if (a.value === ONNX_TYPE[half]) set(name, { kind: 'int', value: ONNX_TYPE.float32 }, half);
  }
  const value = node.attributes['value'];
  if (value?.kind !== 'tensor' || !isHalf(value.value.dtype)) return attributes ? { ...node, attributes } : node;
  const { dtype, dims } = value.value, numbers = smallNumbers(value.value, Infinity);
  if (numbers) set('value', { kind: 'tensor', value: tensorOf('float32', dims, numbers) }, dtype);
  return attributes ? { ...node, attributes } : node;
}

/** Operators without a float64 kernel in ONNX Runtime's CPU provider (measured; docs/operators.md). */
export const LACKS_DOUBLE: ReadonlySet<string> = new Set([
  'Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Attention', 'AveragePool', 'Celu', 'Col2Im', 'Conv', 'ConvTranspose', 'Cosh', 'DequantizeLinear', 'Det',
  'DynamicQuantizeLinear', 'Elu', 'Erf', 'GRU', 'Gelu', 'GlobalAveragePool', 'GlobalLpPool', 'GlobalMaxPool', 'HardSigmoid', 'HardSwish', 'InstanceNormalization',
  'LRN', 'LSTM', 'LayerNormalization', 'LpPool', 'MaxRoiPool', 'MaxUnpool', 'Mean', 'MeanVarianceNormalization', 'Mish', 'OneHot', 'QuantizeLinear', 'RNN',
  'Resize', 'RoiAlign', 'RotaryEmbedding', 'Selu', 'Sinh', 'Softplus', 'Softsign', 'Tan', 'ThresholdedRelu',
  ...['BiasGelu', 'FastGelu', 'FusedConv', 'FusedGemm', 'Gelu', 'MultiHeadAttention', 'QuickGelu', 'SkipLayerNormalization', 'SkipSimplifiedLayerNormalization'].map(op => operatorKey(op, 'com.microsoft')),
]);

/**
 * Casts float64 to float32 and back around operators that have no float64 kernel. Run it on what is run last (forward and backward).
 * @returns the graph, and which operators are float32-accurate because of it
 */
export function withDoubleCasts(graph: Graph, lacking: ReadonlySet<string> = LACKS_DOUBLE): { graph: Graph; narrowed: ReadonlySet<string> } {
  const narrowed = new Set<string>();
  if (!mayHoldDouble(graph)) return { graph, narrowed };
  const result = narrow(new Edit(graph, inferWith(OPERATORS), new Names(graph, 'single')), lacking, narrowed);
  return { graph: narrowed.size ? result : graph, narrowed };
}

function mayHoldDouble(graph: Graph): boolean {
  const double = (t: ValueType | undefined) => t?.kind === 'tensor' && t.dtype === 'float64';
  return graph.inputs.some(i => double(i.type)) || [...graph.types.values()].some(double) || [...graph.initializers.values()].some(t => t.dtype === 'float64') ||
    graph.nodes.some(n => n.attributes['to']?.kind === 'int' && n.attributes['to'].value === ONNX_TYPE.float64);
}

function narrow(e: Edit, lacking: ReadonlySet<string>, narrowed: Set<string>): Graph {
  for (const original of e.graph.nodes) e.rewrite(mapSubgraphs(original, body => narrow(e.child(body), lacking, narrowed)), node => narrowNode(node, e, lacking, narrowed));
  return e.build();
}

function narrowNode(node: Node, e: Edit, lacking: ReadonlySet<string>, narrowed: Set<string>): Node {
  if (!lacking.has(operatorKey(node.op, node.domain))) return node;
  const double = (v: string) => e.tensorType(v)?.dtype === 'float64';
  if (!node.inputs.some(v => v && double(v))) return node;
  narrowed.add(node.op);
  const types = e.inferred(node);
  const outputs = node.outputs.map((o, i) => {
    const t = e.typeOf(o) ?? types[i];
    if (!o || t?.kind !== 'tensor' || t.dtype !== 'float64') return o;
    const single = e.fresh('single');
    e.emitAfter('Cast', [single], o, { to: ONNX_TYPE.float64 });
    return single;
  });
  return { ...node, outputs, inputs: node.inputs.map(v => (v && double(v) ? e.emit('Cast', [v], { to: ONNX_TYPE.float32 }) : v)) };
}
