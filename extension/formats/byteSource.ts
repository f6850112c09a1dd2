import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { UserError } from '../../kernels/graph/errors.ts';

/** Random access to the bytes of a file (or of memory) without holding them. Sizes and offsets are in bytes. */
export interface ByteSource {
  /** What messages call it. */
  readonly name: string;
  /** Absolute path of the file; absent for bytes in memory. */
  readonly path?: string;
  readonly size: number;
  /** Fills `into` from `offset` as far as the file goes; gives the number of bytes read. */
  read(offset: number, into: Uint8Array): number;
  close(): void;
}

/** Opens a regular file. Throws UserError('file') if it cannot be opened or is no file. */
export function openFile(path: string): ByteSource {
  const name = basename(path);
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw fileError(name, error);
  }
  const stat = fstatSync(fd);
  if (!stat.isFile()) {
    closeSync(fd);
    throw new UserError('file', `${name} is not a regular file`, 'Give the path of a model file.', { file: path });
  }
  let open = true;
  return {
    name, path, size: stat.size,
    read(offset, into) {
      let done = 0;
      while (done < into.length) {
        let n: number;
        try {
          n = readSync(fd, into, done, into.length - done, offset + done);
        } catch (error) {
          throw fileError(name, error);
        }
        if (n === 0) break;
        done += n;
      }
      return done;
    },
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

/** Bytes in memory as a source: what a text form is translated to, or a piece of another file. */
export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name, size: bytes.length,
    read(offset, into) {
      const piece = bytes.subarray(offset, offset + into.length);
      into.set(piece);
      return piece.length;
    },
    close() {},
  };
}

/** `length` bytes at `offset`, copied. Throws UserError('file') if the source ends before. */
export function readRange(source: ByteSource, offset: number, length: number): Uint8Array {
  if (offset + length > source.size) {
    throw new UserError('file', `${source.name} ends at byte ${source.size}, but ${length} bytes are wanted at byte ${offset}`, 'The file is truncated; get it again.', place(source));
  }
  const bytes = new Uint8Array(length);
  if (source.read(offset, bytes) !== length) {
    throw new UserError('file', `${source.name} became shorter while it was read`, 'Open it again.', place(source));
  }
  return bytes;
}

/** The whole file; for forms that cannot be read in pieces. Throws UserError('file') above `limit` bytes. */
export function readAll(source: ByteSource, limit: number): Uint8Array {
  if (source.size > limit) {
    throw new UserError('file', `${source.name} has ${source.size} bytes; this form is read up to ${limit} bytes`, 'Save the model in its binary form.', place(source));
  }
  return readRange(source, 0, source.size);
}

function place(source: ByteSource) {
  return source.path === undefined ? {} : { file: source.path };
}

function fileError(name: string, error: unknown): UserError {
  const code = (error as NodeJS.ErrnoException).code;
  const why = code === 'ENOENT' ? 'does not exist' : code === 'EACCES' || code === 'EPERM' ? 'may not be read (permission denied)'
    : code === 'EISDIR' ? 'is a folder, not a file' : `cannot be read (${code ?? String(error)})`;
  return new UserError('file', `${name} ${why}`, code === 'ENOENT' ? 'Check the path.' : '');
}
