import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { messageType } from '../../../extension/formats/tensorflow/schema.ts';

/** The folder of outside truth beside the repository; tests that need it are skipped, with this line, where it is not there. */
export const SHARED = resolve(fileURLToPath(new URL('.', import.meta.url)), '../../../../shared');
export const hasShared = existsSync(join(SHARED, 'oracles'));
if (!hasShared) console.log('# skipped: ../shared/oracles and ../shared/data are not there');

/** The unpacked real models, removed when the test file ends. */
export function realModels(): string {
  const folder = scratch();
  if (hasShared) execFileSync('tar', ['xf', join(SHARED, 'data', 'real-models.tar.xz'), '-C', folder]);
  return folder;
}

/** A folder for a test file's own models, removed at its end. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'adjoint-tf-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The message `tensorflow.NAME` in binary form. */
export function encoded(name: string, message: Record<string, unknown>): Uint8Array {
  const type = messageType(name);
  return type.encode(type.fromObject(message)).finish();
}

/** Writes a GraphDef and gives its path. */
export function writeGraph(folder: string, graph: Record<string, unknown>, name = 'model.pb'): string {
  const path = join(folder, name);
  writeFileSync(path, encoded('GraphDef', graph));
  return path;
}

/** A length-delimited field's beginning: its key and the length of what follows. */
export function fieldHead(number: number, length: number): number[] {
  const bytes = [number * 8 + 2];
  for (; length >= 128; length = Math.floor(length / 128)) bytes.push((length % 128) + 128);
  return [...bytes, length];
}

/**
 * A GraphDef of `count` Const nodes with `bytes` bytes of float32 each, written sparsely (the weights are holes in the file);
 * in a SavedModel if `wrapped`. Gives the size of the file in bytes.
 */
export function writeSparse(path: string, count: number, bytes: number, wrapped: boolean): number {
  const shape = [0x12, 7, 0x12, 5, 8, ...varint(bytes / 4, 4)];
  const node = (i: number) => {
    const tensor = [8, 1, ...shape, ...fieldHead(4, bytes)], tensorLength = tensor.length + bytes;
    const value = [...fieldHead(8, tensorLength), ...tensor], valueLength = value.length + bytes;
    const entry = [0x0a, 5, ...Buffer.from('value'), ...fieldHead(2, valueLength), ...value], entryLength = entry.length + bytes;
    const name = Buffer.from(`layer${String(i).padStart(5, '0')}/w`);
    const body = [0x0a, name.length, ...name, 0x12, 5, ...Buffer.from('Const'), ...fieldHead(5, entryLength), ...entry];
    return Uint8Array.from([...fieldHead(1, body.length + bytes), ...body]);
  };
  const total = count * (node(0).length + bytes);
  const graph = fieldHead(2, total), meta = fieldHead(2, graph.length + total);
  const head = Uint8Array.from(wrapped ? [8, 1, ...meta, ...graph] : []);
  const file = openSync(path, 'w');
  let at = writeSync(file, head, 0, head.length, 0);
  for (let i = 0; i < count; i++) at += writeSync(file, node(i), 0, undefined, at) + bytes;
  ftruncateSync(file, at);
  closeSync(file);
  return at;
}

/** A varint padded to `length` bytes. */
function varint(n: number, length: number): number[] {
  return Array.from({ length }, (_, i) => (Math.floor(n / 128 ** i) % 128) + (i < length - 1 ? 128 : 0));
}
