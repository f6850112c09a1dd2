import type { Graph, GraphFunction } from '../../../kernels/graph/graph.ts';
import { sorted } from '../../../kernels/graph/passes.ts';
import { readsOf } from '../../../kernels/graph/graph.ts';
import type { ByteSource } from '../byteSource.ts';
import type { LoadedModel, OpenOptions, Problem } from '../loadedModel.ts';
import { ExternalFiles } from './externalData.ts';
import { readFunction, readGraph, readOpset } from './graphReader.ts';
import { readEntry } from './tensorProto.ts';
import { LENGTH, VARINT, WireReader } from './wire.ts';

/** ModelProto begins with ir_version (field 1, a small varint), or where a writer left that out with its opsets, producer or graph. */
export function isOnnx(head: Uint8Array, name: string): boolean {
  if (head[0] === 0x08 && head[1]! > 0 && head[1]! < 64) return [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72].includes(head[2]!);
  return /\.onnx$/i.test(name) && [0x12, 0x1a, 0x3a, 0x42, 0x72].includes(head[0]!);
}

/** Reads an ONNX model's structure; weights stay where they are. Throws UserError('file'). */
export function openOnnx(source: ByteSource, options: OpenOptions = {}): Omit<LoadedModel, 'readMs'> {
  const r = new WireReader(source), end = source.size, opsets = new Map<string, number>(), metadata = new Map<string, string>(), functions = new Map<string, GraphFunction>();
  const path = source.path ?? source.name, external = source.path === undefined ? undefined : new ExternalFiles(source.path, options.trust, options.external);
  let graph: Graph | undefined, irVersion = 0, producer = '';
  for (let key = r.key(end); key; key = r.key(end)) {
    const field = key >>> 3, wire = key & 7;
    if (field === 1 && wire === VARINT) irVersion = r.uint();
    else if (wire !== LENGTH) r.skip(key, end);
    else if (field === 2) producer = `${r.string(end)}${producer && ` ${producer}`}`;
    else if (field === 3) producer = `${producer}${producer && ' '}${r.string(end)}`;
    else if (field === 7) graph = readGraph({ r, external }, r.end(end));
    else if (field === 8) readOpset(r, r.end(end), opsets);
    else if (field === 14) readEntry(r, r.end(end), metadata);
    else if (field === 25) {
      const f = readFunction({ r, external }, r.end(end));
      functions.set(f.key, f);
    } else r.skip(key, end);
  }
  if (!graph) return r.fail('it has no graph', end);
  const whole: Graph = {
    ...graph, opsets: opsets.size ? opsets : new Map([['', 1]]), functions,
    metadata: { ...graph.metadata, ...Object.fromEntries(metadata) },
  };
  const { ordered, problems } = checked(whole);
  if (opsets.size === 0) problems.push({ message: 'it names no operator set (version 1 is assumed): the file may be cut off at its end' });
  return { path, format: 'onnx', graph: ordered, producer: producer.trim(), irVersion, problems };
}

/** The graph in topological order, with what is broken in it; a broken graph still opens. */
function checked(graph: Graph): { ordered: Graph; problems: Problem[] } {
  const problems: Problem[] = [], made = new Set<string>([...graph.inputs.map(i => i.name), ...graph.initializers.keys()]);
  for (const node of graph.nodes) {
    for (const o of node.outputs) {
      if (o && made.has(o)) problems.push({ node: node.name, message: `makes ${o}, which something else makes too` });
      made.add(o);
    }
  }
  let inOrder = true;
  const before = new Set<string>([...graph.inputs.map(i => i.name), ...graph.initializers.keys()]);
  for (const node of graph.nodes) {
    for (const name of readsOf(node)) {
      if (!made.has(name)) problems.push({ node: node.name, message: `reads ${name}, which nothing makes` });
      else if (!before.has(name)) inOrder = false;
    }
    for (const o of node.outputs) before.add(o);
  }
  for (const o of graph.outputs) if (!made.has(o.name)) problems.push({ message: `the output ${o.name} is made by nothing` });
  for (const [name, t] of graph.initializers) if (t.bytes.kind === 'missing') problems.push({ message: `the weight ${name} (${t.bytes.location}): ${t.bytes.why}` });
  if (inOrder) return { ordered: graph, problems };
  try {
    return { ordered: sorted(graph), problems };
  } catch (error) {
    problems.push({ message: (error as Error).message });
    return { ordered: graph, problems };
  }
}

