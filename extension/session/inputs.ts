import { UserError } from '../../kernels/graph/errors.ts';
import type { Graph, Node } from '../../kernels/graph/graph.ts';
import { tensorOf } from '../../kernels/graph/tensorData.ts';
import { BYTES_PER_ELEMENT, elementCount, isFloat, staticShape, type DType, type TensorType } from '../../kernels/graph/types.ts';
import type { TensorValue } from '../runtime/protocol.ts';

/** Values for the graph's inputs, given or generated, and the sizes of the symbolic dimensions that follow from them. */
export interface BoundInputs {
  readonly feeds: ReadonlyMap<string, TensorValue>;
  readonly dims: ReadonlyMap<string, number>;
  readonly generated: ReadonlySet<string>;
  /** Dimensions that nothing fixed: set to 1. */
  readonly defaulted: readonly string[];
}

/** Binds what is given and generates the rest (seeded): normal for floats, valid indices for integers where the graph shows the range. */
export function bindInputs(graph: Graph, given: ReadonlyMap<string, TensorValue>, dims: ReadonlyMap<string, number>, seed: number): BoundInputs {
  const bound = new Map(dims), defaulted: string[] = [];
  for (const [name, value] of given) {
    const input = graph.inputs.find(i => i.name === name);
    if (!input) throw new UserError('usage', `the model has no input named ${name}`, `Its inputs: ${graph.inputs.map(i => i.name).join(', ') || 'none'}.`);
    checkGiven(name, value, input.type?.kind === 'tensor' ? input.type : undefined, bound);
  }
  const feeds = new Map(given), generated = new Set<string>();
  graph.inputs.forEach((input, position) => {
    if (feeds.has(input.name)) return;
    if (input.type?.kind !== 'tensor') throw new UserError('usage', `input ${input.name} is a sequence or optional and has to be given`, 'Give it with --input NAME=FILE.');
    const shape = (input.type.shape ?? []).map((d, axis) => {
      if (typeof d === 'number' && d >= 0) return d;
      const name = typeof d === 'string' ? d : `${input.name}[${axis}]`;
      if (!bound.has(name)) {
        bound.set(name, 1);
        defaulted.push(name);
      }
      return bound.get(name)!;
    });
    feeds.set(input.name, generate(graph, input.name, input.type.dtype, shape, mulberry(seed * 7919 + position + 1)));
    generated.add(input.name);
  });
  return { feeds, dims: bound, generated, defaulted };
}

function checkGiven(name: string, value: TensorValue, type: TensorType | undefined, bound: Map<string, number>): void {
  if (!type) return;
  if (value.dtype !== type.dtype) {
    throw new UserError('usage', `input ${name} is ${type.dtype}, and the file given for it holds ${value.dtype}`, `Convert it to ${type.dtype}.`);
  }
  if (!type.shape) return;
  const wrong = () => new UserError('usage', `input ${name} has shape [${type.shape!.map(d => d ?? '?').join(', ')}], and [${value.dims.join(', ')}] was given`, 'Give a tensor of that shape, or set the dimension with --dim NAME=N.');
  if (type.shape.length !== value.dims.length) throw wrong();
  type.shape.forEach((d, i) => {
    const size = value.dims[i]!;
    if (typeof d === 'number' && d >= 0 && d !== size) throw wrong();
    if (typeof d !== 'string') return;
    const before = bound.get(d);
    if (before !== undefined && before !== size) throw new UserError('usage', `dimension ${d} is ${before}, and input ${name} has ${size} there`, 'Make the inputs agree.');
    bound.set(d, size);
  });
}

/** Seeded uniform numbers in [0, 1): mulberry32. */
export function mulberry(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function generate(graph: Graph, name: string, dtype: DType, shape: readonly number[], random: () => number): TensorValue {
  const count = elementCount(shape);
  if (dtype === 'string') return { dtype, dims: shape, data: Array<string>(count).fill('') };
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const range = isFloat(dtype) || dtype === 'bool' ? 0 : integerRange(graph, name);
  const value = isFloat(dtype) ? normal : /mask/i.test(name) ? () => 1 : dtype === 'bool' ? () => +(random() < 0.5) : () => Math.floor(random() * range);
  const data = tensorOf(dtype, shape, Array.from({ length: count }, value));
  return { dtype, dims: shape, data: (data.bytes as { bytes: Uint8Array }).bytes };
}

/** Moves an integer on to where it selects something. */
const PASSES = new Set(['Cast', 'Reshape', 'Unsqueeze', 'Squeeze', 'Flatten', 'Identity', 'Expand', 'Slice', 'Transpose']);

/** How many different values an integer input may take: what it selects from; 2 where the graph does not show it. */
function integerRange(graph: Graph, name: string): number {
  const sizeOf = (value: string, axis: number): number | undefined => {
    const shape = staticShape(graph.types.get(value)) ?? graph.initializers.get(value)?.dims;
    return shape?.[axis < 0 ? axis + shape.length : axis];
  };
  const axisOf = (n: Node, fallback: number) => {
    const a = n.attributes['axis'];
    return a?.kind === 'int' ? a.value : fallback;
  };
  const follow = new Set([name]);
  let range = Infinity;
  for (const node of graph.nodes) {
    const at = node.inputs.findIndex(i => follow.has(i));
    if (at < 0) continue;
    if (PASSES.has(node.op) && at === 0) node.outputs.forEach(o => follow.add(o));
    else if ((node.op === 'Gather' || node.op === 'GatherElements') && at === 1) range = Math.min(range, sizeOf(node.inputs[0]!, axisOf(node, 0)) ?? Infinity);
    else if ((node.op === 'SoftmaxCrossEntropyLoss' || node.op === 'NegativeLogLikelihoodLoss') && at === 1) range = Math.min(range, sizeOf(node.inputs[0]!, 1) ?? Infinity);
    else if (node.op === 'OneHot' && at === 0) range = Math.min(range, graph.types.get(node.inputs[1]!)?.kind === 'tensor' ? ((graph.types.get(node.inputs[1]!) as TensorType).data?.[0] ?? Infinity) : Infinity);
  }
  return Number.isFinite(range) ? Math.max(1, range) : 2;
}

/** The elements of a tensor as numbers. Half precision is widened; int64 beyond 2^53 loses its last digits. */
export function numbersOf(value: TensorValue): ArrayLike<number> {
  if (value.dtype === 'string' || Array.isArray(value.data)) return [];
  const d = value.data as Uint8Array, bytes = d.byteOffset % 8 ? d.slice() : d, n = Math.floor(bytes.byteLength / BYTES_PER_ELEMENT[value.dtype]);
  const make = <T>(T: new (b: ArrayBufferLike, o: number, n: number) => T) => new T(bytes.buffer, bytes.byteOffset, n);
  switch (value.dtype) {
    case 'float32': return make(Float32Array);
    case 'float64': return make(Float64Array);
    case 'int32': return make(Int32Array);
    case 'uint32': return make(Uint32Array);
    case 'int16': return make(Int16Array);
    case 'uint16': return make(Uint16Array);
    case 'int8': return make(Int8Array);
    case 'uint8': case 'bool': return make(Uint8Array);
    case 'int64': return Float64Array.from(make(BigInt64Array), Number);
    case 'uint64': return Float64Array.from(make(BigUint64Array), Number);
    default: throw new UserError('run', `a tensor of type ${value.dtype} cannot be read as numbers`, 'Ask for it in another type.');
  }
}
