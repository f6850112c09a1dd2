/** ONNX files written by hand, byte by byte: what the runtime is given must not depend on our own writer. */
export const FLOAT = 1, INT64 = 7, STRING = 8, BOOL = 9, FLOAT16 = 10, DOUBLE = 11, BFLOAT16 = 16, UINT4 = 21;

function varint(n: number | bigint): number[] {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(n));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    out.push(rest ? low | 128 : low);
  } while (rest);
  return out;
}
type Part = Uint8Array | readonly Part[];
function join(...parts: readonly Part[]): Uint8Array {
  const flat = parts.flat(Infinity as 1) as Uint8Array[];
  const all = new Uint8Array(flat.reduce((n, p) => n + p.length, 0));
  flat.reduce((at, p) => (all.set(p, at), at + p.length), 0);
  return all;
}
const int = (field: number, n: number | bigint) => Uint8Array.from([...varint(field << 3), ...varint(n)]);
function bytes(field: number, body: Uint8Array | string): Uint8Array {
  const b = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return join(Uint8Array.from([...varint((field << 3) | 2), ...varint(b.length)]), b);
}

/** A graph input or output; without a type it has a name only. */
export function port(name: string, type?: number, dims?: readonly (number | string)[]): Uint8Array {
  const shape = dims ? [bytes(2, join(...dims.map(d => bytes(1, typeof d === 'string' ? bytes(2, d) : int(1, d)))))] : [];
  return join(bytes(1, name), type ? bytes(2, bytes(1, join(int(1, type), shape))) : []);
}
export const intAttribute = (name: string, value: number) => join(bytes(1, name), int(3, value), int(20, 2));
export const graphAttribute = (name: string, graph: Uint8Array) => join(bytes(1, name), bytes(6, graph), int(20, 5));
export function node(op: string, inputs: readonly string[], outputs: readonly string[], name = '', attributes: readonly Uint8Array[] = []): Uint8Array {
  return join(inputs.map(i => bytes(1, i)), outputs.map(o => bytes(2, o)), bytes(3, name), bytes(4, op), attributes.map(a => bytes(5, a)));
}
export function initializer(name: string, type: number, dims: readonly number[], raw: Uint8Array): Uint8Array {
  return join(dims.map(d => int(1, d)), int(2, type), bytes(8, name), bytes(9, raw));
}
export function externalInitializer(name: string, type: number, dims: readonly number[], location: string, offset: number, length: number): Uint8Array {
  const entry = (key: string, value: string) => bytes(13, join(bytes(1, key), bytes(2, value)));
  return join(dims.map(d => int(1, d)), int(2, type), bytes(8, name), entry('location', location), entry('offset', `${offset}`), entry('length', `${length}`), int(14, 1));
}
export function graph(nodes: readonly Uint8Array[], inputs: readonly Uint8Array[], outputs: readonly Uint8Array[], initializers: readonly Uint8Array[] = []): Uint8Array {
  return join(nodes.map(n => bytes(1, n)), bytes(2, 'g'), initializers.map(i => bytes(5, i)), inputs.map(i => bytes(11, i)), outputs.map(o => bytes(12, o)));
}
export function model(g: Uint8Array, opset = 21): Uint8Array {
  return join(int(1, 10), bytes(7, g), bytes(8, join(bytes(1, ''), int(2, opset))));
}

/** y = op(x) of one node called `it`. */
export function oneNode(op: string, type = FLOAT, dims: readonly (number | string)[] = ['N'], attributes: readonly Uint8Array[] = []): Uint8Array {
  return model(graph([node(op, ['x'], ['y'], 'it', attributes)], [port('x', type, dims)], [port('y')]));
}

/** A Loop whose body multiplies two matrices of `size`: `trips` says how long it works. */
export function longLoop(size = 256): Uint8Array {
  const body = graph(
    [node('Identity', ['go'], ['goOn']), node('MatMul', ['m', 'm0'], ['p'])],
    [port('i', INT64, []), port('go', BOOL, []), port('m', FLOAT, [size, size])],
    [port('goOn', BOOL, []), port('p', FLOAT, [size, size])],
  );
  return model(graph([node('Loop', ['trips', '', 'm0'], ['y'], 'loop', [graphAttribute('body', body)])], [port('trips', INT64, []), port('m0', FLOAT, [size, size])], [port('y')]));
}
