import { UserError } from '../../kernels/graph/errors.ts';
import type { Graph } from '../../kernels/graph/graph.ts';
import { smallNumbers, tensorOf } from '../../kernels/graph/tensorData.ts';
import { BYTES_PER_ELEMENT, elementCount, isFloat, tensor, type DType, type TensorType, type ValueType } from '../../kernels/graph/types.ts';
import { OPERATORS } from '../../kernels/operators/index.ts';
import { inferTypes } from '../../kernels/operators/infer.ts';
import type { TensorValue } from '../runtime/protocol.ts';
import { sizesFromUses } from './dimensions.ts';
import { indexRange } from './indexRanges.ts';

/** Values for the graph's inputs, given or generated, and the sizes of the symbolic dimensions that follow from them. */
export interface BoundInputs {
  /** Half precision is widened: the CPU computes such a model in float32. */
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
  const open = graph.inputs.filter(i => !given.has(i.name)), types = new Map(open.map(i => [i.name, namedType(i)]));
  const names = new Set([...types.values()].flatMap(t => t.shape!.filter(d => typeof d === 'string' && !bound.has(d)) as string[]));
  const known = new Map<string, ValueType>([...[...given].map(([name, v]) => [name, tensor(v.dtype, v.dims)] as const), ...types]);
  if (names.size) {
    const found = sizesFromUses(inferTypes(graph, OPERATORS, known, bound));
    for (const name of names) {
      const size = found.get(name);
      if (size === undefined) defaulted.push(name);
      bound.set(name, size ?? 1);
    }
  }
  const concrete = new Map([...types].map(([name, t]) => [name, { ...t, shape: t.shape!.map(d => (typeof d === 'number' ? d : bound.get(d as string)!)) }]));
  const feeds = new Map(given), generated = new Set(open.map(i => i.name));
  const typed = open.some(i => isIndex(concrete.get(i.name)!)) ? inferTypes(graph, OPERATORS, new Map([...known, ...concrete]), bound) : graph;
  graph.inputs.forEach(({ name }, position) => {
    const type = concrete.get(name);
    if (type) feeds.set(name, generate(typed, name, type.dtype, type.shape, mulberry(seed * 7919 + position + 1)));
  });
  return { feeds: new Map([...feeds].map(([name, value]) => [name, widened(value)])), dims: bound, generated, defaulted };
}

/** A half-precision tensor as float32; any other as it is. */
export function widened(value: TensorValue): TensorValue {
  return value.dtype === 'float16' || value.dtype === 'bfloat16' ? { dtype: 'float32', dims: value.dims, data: new Uint8Array(Float32Array.from(numbersOf(value)).buffer) } : value;
}

/** The type of an input, its dimensions without a name called by the input and their axis. */
function namedType({ name, type }: Graph['inputs'][number]): TensorType {
  if (type?.kind !== 'tensor') throw new UserError('usage', `input ${name} is a sequence or optional and has to be given`, 'Give it with --input NAME=FILE.');
  return { ...type, shape: (type.shape ?? []).map((d, axis) => (typeof d === 'string' || (typeof d === 'number' && d >= 0) ? d : `${name}[${axis}]`)) };
}

const isIndex = (type: TensorType) => !isFloat(type.dtype) && type.dtype !== 'bool' && type.dtype !== 'string';

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

/** More elements than this in one generated input are a model that has its weights as inputs. */
const MOST_GENERATED = 2 ** 29;

function generate(graph: Graph, name: string, dtype: DType, shape: readonly number[], random: () => number): TensorValue {
  const count = elementCount(shape);
  if (count > MOST_GENERATED) throw new UserError('usage', `input ${name} has ${count.toLocaleString('en')} elements: too many to generate`, 'Give it with --input NAME=FILE.');
  if (dtype === 'string') return { dtype, dims: shape, data: Array<string>(count).fill('') };
  if (isFloat(dtype)) return floats(dtype, shape, count, random);
  const range = dtype === 'bool' ? 2 : indexRange(graph, name), one = /mask/i.test(name);
  const data = tensorOf(dtype, shape, Array.from({ length: count }, () => (one ? 1 : Math.floor(random() * range))));
  return { dtype, dims: shape, data: (data.bytes as { bytes: Uint8Array }).bytes };
}

/** Normal numbers (Box and Muller). Half precision is generated as the float32 that it is widened to. */
function floats(dtype: DType, dims: readonly number[], count: number, random: () => number): TensorValue {
  const data = dtype === 'float64' ? new Float64Array(count) : new Float32Array(count);
  for (let i = 0; i < count; i++) data[i] = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return { dtype: dtype === 'float64' ? dtype : 'float32', dims, data: new Uint8Array(data.buffer) };
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
    case 'float16': case 'bfloat16': return smallNumbers({ dtype: value.dtype, dims: [n], bytes: { kind: 'inline', bytes } }, Infinity)!;
    default: throw new UserError('run', `a tensor of type ${value.dtype} cannot be read as numbers`, 'Ask for it in another type.');
  }
}
