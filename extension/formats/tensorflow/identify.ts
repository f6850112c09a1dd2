import type { ByteSource } from '../byteSource.ts';
import { UserError } from '../../../kernels/graph/errors.ts';
import { LENGTH, VARINT, WireReader } from '../onnx/wire.ts';
import { isTable } from './leveldb.ts';

/** What a file is: one of TensorFlow's graph containers, or something else with its name for a person. */
export type Identity =
  | { readonly kind: 'GraphDef' | 'MetaGraph' | 'SavedModel'; readonly text: boolean }
  | { readonly kind: 'split SavedModel' | 'checkpoint index' }
  | { readonly kind: 'ONNX' }
  | { readonly kind: 'foreign'; readonly what: string; readonly remedy?: string };

const HEAD = 64 * 1024;
const MAGICS: readonly (readonly [bytes: string, offset: number, what: string])[] = [
  ['PK\x03\x04', 0, 'a ZIP archive'], ['\x89HDF', 0, 'an HDF5 file (Keras weights)'], ['TFL3', 4, 'a TFLite model'], ['ORTM', 4, 'an ONNX Runtime model'],
  ['\x1f\x8b', 0, 'a gzip archive'], ['\xfd7zXZ', 0, 'an xz archive'], ['\x80\x02', 0, 'a Python pickle'], ['ustar', 257, 'a tar archive'],
];
const RIEGELI = '\x83\xaf\x70\xd1\x0d\x88\x4a\x3f';

/** Says what a file is from its content, never from its name. */
export function identify(source: ByteSource): Identity {
  const head = beginning(source, 0, HEAD);
  if (head.length === 0) return { kind: 'foreign', what: 'an empty file' };
  const latin = head.toString('latin1');
  if (latin.startsWith(RIEGELI)) return { kind: 'split SavedModel' };
  if (latin.startsWith('version https://git-lfs')) return { kind: 'foreign', what: 'a Git LFS pointer', remedy: 'Run "git lfs pull" to get the file itself.' };
  for (const [magic, offset, what] of MAGICS) if (latin.startsWith(magic, offset)) return { kind: 'foreign', what };
  if (isTable(source)) return { kind: 'checkpoint index' };
  return (isText(head) ? identifyText(head.toString('utf8')) : undefined) ?? identifyBinary(source, latin);
}

function beginning(source: ByteSource, offset: number, limit: number): Buffer {
  const bytes = new Uint8Array(Math.max(0, Math.min(limit, source.size - offset)));
  return Buffer.from(bytes.buffer, 0, source.read(offset, bytes));
}

function isText(head: Buffer): boolean {
  for (const b of head) if (b < 9 || (b > 13 && b < 32) || b === 127) return false;
  return true;
}

const TEXT_FIELDS: readonly (readonly [fields: RegExp, identity: Identity])[] = [
  [/^(node|library|versions|version)$/, { kind: 'GraphDef', text: true }],
  [/^(meta_info_def|graph_def|saver_def|collection_def|signature_def|object_graph_def)$/, { kind: 'MetaGraph', text: true }],
  [/^(saved_model_schema_version|meta_graphs)$/, { kind: 'SavedModel', text: true }],
  [/^(ir_version|producer_name|producer_version|opset_import|graph|model_version)$/, { kind: 'ONNX' }],
  [/^(files|traces|frames_by_id|name_to_trace_id|traces_by_id)$/, { kind: 'foreign', what: 'the source lines of a graph (GraphDebugInfo), without the graph' }],
  [/^(feed|fetch)$/, { kind: 'foreign', what: 'a configuration of the XLA compiler (tf2xla), not a graph' }],
  [/^(model_checkpoint_path|all_model_checkpoint_paths)$/, { kind: 'foreign', what: 'a list of checkpoints', remedy: 'Open the .index or .meta file that it names.' }],
  [/^(layer|layers|input_dim|input_shape|force_backward)$/, { kind: 'foreign', what: 'a Caffe network' }],
  [/^(op|external_input|external_output|arg)$/, { kind: 'foreign', what: 'a Caffe2 network' }],
];

/** By the first field of the top level that only one kind has. */
function identifyText(text: string): Identity | undefined {
  let depth = 0, quote = '';
  const start = /^\s*(?:#[^\n]*\n\s*)*/.exec(text)![0].length;
  if (/^[<[]|^\{/.test(text.slice(start))) return { kind: 'foreign', what: text[start] === '<' ? 'an HTML or XML page' : 'a JSON file' };
  for (let i = start; i < text.length; i++) {
    const c = text[i]!;
    if (quote) {
      if (c === '\\') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '#') i = (text.indexOf('\n', i) + 1 || text.length + 1) - 1;
    else if (c === '{' || c === '<') depth++;
    else if (c === '}' || c === '>') depth--;
    else if (depth === 0 && /[A-Za-z_]/.test(c)) {
      const word = /^\w+/.exec(text.slice(i, i + 200))![0], field = /^\s*[:{<[]/.test(text.slice(i + word.length, i + word.length + 20));
      if (field) for (const [fields, identity] of TEXT_FIELDS) if (fields.test(word)) return identity;
      i += word.length - 1;
    }
  }
  return undefined;
}

interface Field { readonly number: number; readonly wire: number; readonly start: number; readonly end: number; readonly value: number }
const LOOKED_AT = 64;

/** Fields of the message from `start` to `end`, the first few; `undefined` if it is no message. `whole`: it was walked to its end. */
function fields(source: ByteSource, start: number, end: number): { list: Field[]; whole: boolean } | undefined {
  const reader = new WireReader(source), list: Field[] = [];
  reader.seek(start);
  try {
    for (let key; list.length < LOOKED_AT && (key = reader.key(end)) !== 0;) {
      const wire = key & 7;
      if (wire === VARINT) {
        const at = reader.position;
        list.push({ number: key >>> 3, wire, start: at, end: at, value: reader.uint() });
      } else if (wire === LENGTH) {
        const stop = reader.end(end);
        list.push({ number: key >>> 3, wire, start: reader.position, end: stop, value: 0 });
        reader.seek(stop);
      } else {
        const at = reader.position;
        reader.skip(key, end);
        list.push({ number: key >>> 3, wire, start: at, end: reader.position, value: 0 });
      }
    }
    return { list, whole: reader.position >= end };
  } catch (error) {
    if (error instanceof UserError) return list.length ? { list, whole: false } : undefined;
    throw error;
  }
}

const CORE_ML_MODELS = 200;

function identifyBinary(source: ByteSource, head: string): Identity {
  const found = fields(source, 0, source.size);
  if (!found) return { kind: 'foreign', what: 'a file of another kind (no protocol buffer)' };
  const { list } = found, first = list[0]!, has = (number: number, wire: number) => list.some(f => f.number === number && f.wire === wire);
  const only = (...numbers: number[]) => list.every(f => numbers.includes(f.number));
  const messages = (number: number) => list.filter(f => f.number === number && f.wire === LENGTH);
  if (has(7, LENGTH) && (has(1, VARINT) || has(8, LENGTH))) return { kind: 'ONNX' };
  if (list.every(f => f.number <= 6) && list.filter(f => f.wire === VARINT).length >= 4 && !has(1, LENGTH)) {
    return { kind: 'foreign', what: 'the fingerprint of a SavedModel', remedy: 'Open the saved_model.pb beside it.' };
  }
  if (first.number === 1 && first.wire === VARINT) {
    if (only(1, 2) && messages(2).every(f => looksLikeMetaGraph(source, f))) return { kind: 'SavedModel', text: false };
    if (list.some(f => f.number >= CORE_ML_MODELS)) return { kind: 'foreign', what: 'a Core ML model' };
    if (has(2, LENGTH) || has(4, LENGTH)) return { kind: 'foreign', what: 'a single tensor (TensorProto), not a graph' };
  }
  if (head.includes('_tf_keras_')) {
    if (messages(1).length && !messages(1).some(f => looksLikeNode(source, f))) return { kind: 'foreign', what: 'the Keras metadata of a SavedModel', remedy: 'Open the saved_model.pb beside it.' };
  }
  if (only(1, 2, 3, 4, 5, 6, 7) && messages(2).some(f => looksLikeGraph(source, f))) return { kind: 'MetaGraph', text: false };
  const graphFields = list.every(f => (f.wire === LENGTH && [1, 2, 4, 5].includes(f.number)) || (f.wire === VARINT && f.number === 3));
  const firstNode = messages(1)[0];
  if (graphFields && (firstNode ? looksLikeNode(source, firstNode) : has(4, LENGTH) || messages(2).some(f => looksLikeLibrary(source, f)))) return { kind: 'GraphDef', text: false };
  if (firstNode && isTextRange(source, firstNode)) {
    if (messages(1).length > 1 || has(4, LENGTH) || has(6, LENGTH)) return { kind: 'foreign', what: 'the source lines of a graph (GraphDebugInfo), without the graph', remedy: 'Open the model that they belong to.' };
    if (has(2, LENGTH)) return { kind: 'foreign', what: 'a Caffe2 network' };
  }
  return { kind: 'foreign', what: found.whole ? 'a protocol buffer that is no graph' : 'a file of another kind, or damaged from its beginning' };
}

function isTextRange(source: ByteSource, f: Field): boolean {
  const bytes = beginning(source, f.start, Math.min(f.end - f.start, 256));
  return bytes.length > 0 && isText(bytes);
}

/** A NodeDef begins with its name and its operator. */
function looksLikeNode(source: ByteSource, f: Field): boolean {
  const inner = fields(source, f.start, f.end)?.list;
  const name = inner?.find(x => x.number === 1), op = inner?.find(x => x.number === 2);
  return inner !== undefined && (name !== undefined || op !== undefined) && [name, op].every(x => x === undefined || (x.wire === LENGTH && (x.start === x.end || isTextRange(source, x))))
    && inner.every(x => x.wire === LENGTH && x.number <= 7);
}

function looksLikeLibrary(source: ByteSource, f: Field): boolean {
  const inner = fields(source, f.start, f.end)?.list;
  return inner !== undefined && inner.every(x => x.wire === LENGTH && x.number <= 3);
}

function looksLikeGraph(source: ByteSource, f: Field): boolean {
  const inner = fields(source, f.start, f.end)?.list;
  if (!inner) return false;
  const node = inner.find(x => x.number === 1);
  return node ? node.wire === LENGTH && looksLikeNode(source, node) : inner.some(x => x.number === 4);
}

function looksLikeMetaGraph(source: ByteSource, f: Field): boolean {
  const inner = fields(source, f.start, f.end)?.list;
  return inner !== undefined && inner.length > 0 && inner.every(x => x.wire === LENGTH && x.number <= 7);
}
