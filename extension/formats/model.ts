import { resolve } from 'node:path';
import { UserError } from '../../kernels/graph/errors.ts';
import { openFile, readRange, type ByteSource } from './byteSource.ts';
import type { LoadedModel, OpenOptions } from './loadedModel.ts';
import { isOnnx, openOnnx } from './onnx/index.ts';
import * as tensorflow from './tensorflow/index.ts';

export type { LoadedModel, OpenOptions, Problem } from './loadedModel.ts';

/** One kind of file: how its first bytes are told, and how it is read. */
export interface Format {
  matches(head: Uint8Array, name: string): boolean;
  open(source: ByteSource, options: OpenOptions): Omit<LoadedModel, 'readMs'> | Promise<Omit<LoadedModel, 'readMs'>>;
}

const FORMATS: readonly Format[] = [{ matches: isOnnx, open: openOnnx }];

const LFS = 'version https://git-lfs.github.com/spec/v1';

/**
 * Opens a model file by its content.
 * @throws UserError('file') with one clear reason: not there, a Git LFS pointer, not a model, damaged
 */
export async function openModel(path: string, options: OpenOptions = {}): Promise<LoadedModel> {
  const started = performance.now();
  // First: a SavedModel is a folder or begins like an ONNX model, and its weights lie beside it.
  if (tensorflow.matches(path)) return { ...tensorflow.open(path), readMs: performance.now() - started };
  const source = openFile(resolve(path));
  try {
    const head = readRange(source, 0, Math.min(source.size, 256)), text = Buffer.from(head).toString('latin1'), place = { file: path };
    if (text.startsWith(LFS)) throw new UserError('file', `${source.name} is a Git LFS pointer: the model itself is not here`, 'Run git lfs pull.', place);
    if (source.size === 0) throw new UserError('file', `${source.name} is empty`, 'Get the file again.', place);
    const format = FORMATS.find(f => f.matches(head, source.name));
    if (!format) throw new UserError('file', `${source.name} is not a model that Adjoint reads${guess(text)}`, 'Give an ONNX or TensorFlow file.', place);
    return { ...(await format.open(source, options)), readMs: performance.now() - started };
  } finally {
    source.close();
  }
}

/** What a foreign file probably is. */
function guess(head: string): string {
  if (head.startsWith('PK')) return ': it is a ZIP archive';
  if (head.startsWith('\u0089HDF')) return ': it is HDF5 (Keras weights)';
  if (head.slice(4, 8) === 'TFL3') return ': it is a TensorFlow Lite model';
  if (head.slice(4, 8) === 'ORTM') return ': it is an ORT model, which has no ONNX graph';
  if (head.startsWith('\u0080\u0002') || head.startsWith('\u0080\u0004')) return ': it is a Python pickle';
  return '';
}
