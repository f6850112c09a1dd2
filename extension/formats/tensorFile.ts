import { readFile } from 'node:fs/promises';
import { UserError } from '../../kernels/graph/errors.ts';
import type { TensorValue } from '../runtime/protocol.ts';
import { readTensorProto } from './onnx/tensorProto.ts';
import { readNpy, readNpz } from './tensors.ts';

const usage = (message: string, remedy: string) => new UserError('usage', message, remedy);

/** A tensor from `.npy`, `.npz:key` or an ONNX `.pb`. */
export async function readTensorFile(spec: string): Promise<TensorValue> {
  const m = /^(.*\.npz):(.+)$/.exec(spec), path = m ? m[1]! : spec;
  try {
    if (m) {
      const entries = await readNpz(path), found = entries.get(m[2]!);
      if (!found) throw usage(`${path} has no array named ${m[2]}`, `It holds: ${[...entries.keys()].slice(0, 12).join(', ')}.`);
      return found;
    }
    if (path.endsWith('.npz')) throw usage(`${path} holds several arrays`, `Name one: ${path}:KEY.`);
    if (path.endsWith('.pb')) return readTensorProto(new Uint8Array(await readFile(path)));
    return await readNpy(path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw usage(`${path} cannot be read: ${(error as Error).message}`, 'Give an .npy, .npz:key or ONNX .pb file.');
  }
}
