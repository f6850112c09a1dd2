import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from '../../../kernels/graph/errors.ts';
import { EMPTY_GRAPH, type Graph, type TensorData } from '../../../kernels/graph/graph.ts';
import { tensor, type ValueType } from '../../../kernels/graph/types.ts';
import type { TensorFlowModel } from '../../../kernels/lowering/tensorflow/source.ts';
import type { LoadedModel, Problem } from '../loadedModel.ts';
import { memorySource, openFile, readAll, type ByteSource } from '../byteSource.ts';
import { WireReader } from '../onnx/wire.ts';
import { buildGraphs } from './buildGraph.ts';
import { checkpointBeside, readCheckpoint, type Checkpoint } from './checkpoint.ts';
import { readGraphDef } from './graphDef.ts';
import { identify, type Identity } from './identify.ts';
import { metaGraphsOf, readMetaGraph, type MetaGraph } from './metaGraph.ts';
import { saverOf } from './saver.ts';
import { sourceLinesAt, type DebugInfoPlace } from './sourceLines.ts';
import { LONGEST_TEXT, parseText } from './textFormat.ts';
import { variablesOf } from './variables.ts';

/**
 * An open TensorFlow file; `graph` is `tensorflow.graph`. `format` is `graphdef`, `pbtxt`, `metagraph`, `savedmodel` or `checkpoint`.
 */
export interface TensorFlowFile extends Omit<LoadedModel, 'readMs'> {
  readonly tensorflow: TensorFlowModel;
  readonly notes: readonly string[];
}

export interface OpenOptions {
  /** Tags of the MetaGraph wanted, of a SavedModel that has several. */
  readonly tags?: readonly string[];
}

const SAVED_MODELS = ['saved_model.pb', 'saved_model.pbtxt', 'saved_model.cpb'];
const SUFFIXES = /\.(pb|pbtxt|pb\.txt|textproto|graphdef|meta|index|cpb)$|\.data-\d{5}-of-\d{5}$/;

/**
 * True if the path is TensorFlow's to open: a SavedModel's folder, a graph, MetaGraph, checkpoint, or a `.pb` of nobody
 * (opening it then says what it is). False for ONNX, whatever its name.
 */
export function matches(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return savedModelIn(path) !== undefined;
  if (!stat?.isFile()) return false;
  if (basename(path) === 'checkpoint') return true;
  const source = openFile(path);
  try {
    const { kind } = identify(source);
    return kind !== 'ONNX' && (kind !== 'foreign' || SUFFIXES.test(path));
  } finally {
    source.close();
  }
}

function savedModelIn(folder: string): string | undefined {
  return SAVED_MODELS.map(name => join(folder, name)).find(p => existsSync(p));
}

/**
 * Opens a TensorFlow file or a SavedModel's folder: its structure and where its tensors lie, never the weights themselves.
 * Throws UserError('file') if it is another kind of file (saying which), damaged, or cannot be read.
 */
export function open(path: string, options: OpenOptions = {}): TensorFlowFile {
  const given = resolve(path), stat = statSync(given, { throwIfNoEntry: false });
  const file = stat?.isDirectory() ? savedModelIn(given) : given;
  if (file === undefined) throw new UserError('file', `${basename(given)} is a folder without a saved_model.pb`, 'Open the folder of a SavedModel, or a model file.', { file: given });
  const shard = /^(.*)\.data-\d{5}-of-\d{5}$/.exec(file);
  if (shard) return openCheckpoint(shard[1]!);
  if (basename(file) === 'checkpoint') {
    const found = checkpointBeside(file);
    if (!found) throw new UserError('file', 'the checkpoint that this list names is not beside it', 'Open the .index file of a checkpoint.', { file });
    return openCheckpoint(found.prefix);
  }
  const source = openFile(file);
  try {
    return openSource(file, source, identify(source), options);
  } finally {
    source.close();
  }
}

function openSource(path: string, source: ByteSource, identity: Identity, options: OpenOptions): TensorFlowFile {
  switch (identity.kind) {
    case 'checkpoint index':
      if (!path.endsWith('.index')) throw new UserError('file', `${source.name} is a checkpoint of the first format (V1), or an index without its name`, 'Save it again with a newer tf.train.Saver; an index must be named .index.', { file: path });
      return openCheckpoint(path.slice(0, -'.index'.length));
    case 'split SavedModel':
      throw new UserError('file', `${source.name} is a SavedModel that was split into chunks (proto_splitter), which this version does not read`, 'Save it with SaveOptions(experimental_image_format=False), or open the saved_model.pb if there is one.', { file: path });
    case 'ONNX':
      throw new UserError('file', `${source.name} is an ONNX model, not one of TensorFlow`, 'Name it .onnx and open it.', { file: path });
    case 'foreign':
      throw new UserError('file', `${source.name} is ${identity.what}`, identity.remedy ?? 'Open a GraphDef, MetaGraph, SavedModel or checkpoint of TensorFlow.', { file: path });
    default: {
      if (!identity.text) return openBinary(path, source, identity.kind, false, options);
      const message = { GraphDef: 'GraphDef', MetaGraph: 'MetaGraphDef', SavedModel: 'SavedModel' }[identity.kind];
      const text = Buffer.from(readAll(source, LONGEST_TEXT)).toString('utf8');
      return openBinary(path, memorySource(source.name, parseText(message, text, source.name, path)), identity.kind, true, options);
    }
  }
}

function openBinary(path: string, source: ByteSource, kind: 'GraphDef' | 'MetaGraph' | 'SavedModel', text: boolean, options: OpenOptions): TensorFlowFile {
  const reader = new WireReader(source, 'TensorFlow file'), notes: string[] = [];
  let meta: MetaGraph;
  if (kind === 'GraphDef') {
    meta = { graph: readGraphDef(reader, source.size), operators: [], tags: [], version: '', signatures: new Map(), collections: new Map(), boundInputs: new Map(), savedVariables: new Map() };
  } else if (kind === 'MetaGraph') meta = readMetaGraph(reader, { start: 0, end: source.size });
  else meta = readMetaGraph(reader, chooseMetaGraph(metaGraphsOf(reader, source.size), options.tags, source.name, notes));
  const place = kind === 'SavedModel' ? besideModel(path) : checkpointBeside(path);
  const checkpoint = place && checkpointAt(place.prefix, notes);
  if (place && checkpoint) notes.push(`variables take their values from the checkpoint ${basename(place.prefix)}: ${place.why}`);
  const name = basename(kind === 'SavedModel' ? dirname(path) : path), { main, functions } = buildGraphs(meta.graph, name, meta.operators);
  const variables = variablesOf({ main, functions, collections: meta.collections, savedVariables: meta.savedVariables, ...(checkpoint && { checkpoint }) });
  const trainable = new Set([...variables.values()].filter(v => v.trainable).map(v => v.node)), known = [...variables.values()].some(v => v.trainable !== undefined);
  const producer = `tensorflow${meta.version === '' ? '' : ` ${meta.version}`}`;
  const graph: Graph = { ...main.graph, ...(known && { trainable }), metadata: { producer } };
  const problems: Problem[] = [...main.problems, ...[...functions.values()].flatMap(f => f.problems.map(p => `function ${f.name}: ${p}`))].map(message => ({ message }));
  problems.push(...valueless('variable', [...variables.values()].map(v => [v.node, v.data])));
  problems.push(...valueless('constant', graph.nodes.filter(n => n.op === 'Const').map(n => [n.name, n.attributes['value']?.kind === 'tensor' ? n.attributes['value'].value : undefined])));
  return {
    path, graph, format: text && kind === 'GraphDef' ? 'pbtxt' : kind.toLowerCase(), producer, problems, notes,
    tensorflow: {
      ...main, graph, container: kind, version: meta.version, tags: meta.tags, functions, gradients: meta.graph.gradients, registeredGradients: meta.graph.registeredGradients,
      boundInputs: meta.boundInputs, signatures: meta.signatures, collections: meta.collections, variables, saver: saverOf(main, functions),
      ...(place && checkpoint && { checkpoint: { path: place.prefix, why: place.why } }),
      sourceLines: sourceLinesAt(debugInfoOf(path, kind, meta, text)),
    },
  };
}

/** One problem for each reason why values are missing, at the first node that it strikes. */
function valueless(what: string, values: readonly (readonly [name: string, data: TensorData | undefined])[]): Problem[] {
  const byWhy = new Map<string, string[]>();
  for (const [name, data] of values) if (data?.bytes.kind === 'missing') byWhy.set(data.bytes.why, [...(byWhy.get(data.bytes.why) ?? []), name]);
  return [...byWhy].map(([why, [first = '', ...more]]) => ({ node: first, message: `the ${what} ${first}${more.length ? ` and ${more.length} more have` : ' has'} no value: ${why}` }));
}

/** The wanted MetaGraph of a SavedModel; without a wish the one for training, else the first. */
function chooseMetaGraph(all: ReturnType<typeof metaGraphsOf>, tags: readonly string[] | undefined, name: string, notes: string[]): { start: number; end: number } {
  const spelled = all.map(m => `[${m.tags.join(', ')}]`).join(' ');
  const found = tags ? all.find(m => m.tags.length === tags.length && tags.every(t => m.tags.includes(t))) : all.find(m => m.tags.includes('train')) ?? all[0];
  if (!found) throw new UserError(tags && all.length ? 'usage' : 'file', all.length ? `${name} has no graph with the tags [${tags!.join(', ')}]; it has ${spelled}` : `${name} is a SavedModel without a graph`, '');
  if (all.length > 1) notes.push(`the SavedModel has ${all.length} graphs, ${spelled}; this is [${found.tags.join(', ')}]`);
  return found;
}

function besideModel(path: string): { prefix: string; why: string } | undefined {
  const prefix = join(dirname(path), 'variables', 'variables');
  return existsSync(`${prefix}.index`) ? { prefix, why: 'it belongs to the SavedModel' } : undefined;
}

/** A damaged checkpoint takes the values, not the graph. */
function checkpointAt(prefix: string, notes: string[]): Checkpoint | undefined {
  try {
    return readCheckpoint(prefix);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    notes.push(`the checkpoint ${basename(prefix)} cannot be read: ${error.message}`);
    return undefined;
  }
}

function debugInfoOf(path: string, kind: string, meta: MetaGraph, text: boolean): DebugInfoPlace | undefined {
  const beside = join(dirname(path), 'debug', 'saved_model_debug_info.pb');
  if (kind === 'SavedModel' && existsSync(beside)) return { path: beside, start: 0 };
  return meta.graph.debugInfo && !text ? { path, ...meta.graph.debugInfo } : undefined;
}

/** A checkpoint alone: its tensors as initializers of a graph without nodes. */
function openCheckpoint(prefix: string): TensorFlowFile {
  const checkpoint = readCheckpoint(prefix), initializers = new Map<string, TensorData>(), types = new Map<string, ValueType>(), notes: string[] = [];
  for (const { key, type, data, slices } of checkpoint.tensors.values()) {
    if (!data) {
      notes.push(`${key} has type ${type} and no elements to show`);
      continue;
    }
    initializers.set(key, data);
    types.set(key, tensor(data.dtype, data.dims));
    if (slices.length) notes.push(`${key} is partitioned into ${slices.length} parts`);
  }
  const graph: Graph = { ...EMPTY_GRAPH, name: basename(prefix), initializers, types };
  const none = new Map<string, never>();
  return {
    path: `${prefix}.index`, graph, format: 'checkpoint', producer: 'tensorflow', notes,
    problems: valueless('tensor', [...initializers]).map(({ message }) => ({ message })),
    tensorflow: {
      graph, controlInputs: none, problems: [], container: 'checkpoint', version: '', tags: [], functions: none, gradients: none, registeredGradients: none,
      boundInputs: none, signatures: none, collections: none, variables: none, saver: { nodes: new Set(), functions: new Set() },
      checkpoint: { path: prefix, why: 'it was opened itself' }, sourceLines: () => [],
    },
  };
}
