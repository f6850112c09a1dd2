import { realpathSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type { TensorBytes } from '../../../kernels/graph/graph.ts';

/**
 * The files beside a model that hold its weights. A location is accepted only if it is a relative path that, links resolved, lies in
 * the model's folder or in that of the model's own link target; a link that leads elsewhere only if the person trusts the model. What is refused or missing stays a tensor without bytes, with the reason.
 */
export class ExternalFiles {
  private readonly folders: readonly string[];
  private readonly known = new Map<string, { path: string; size: number } | { why: string }>();

  /** @param chosen files that the person gave for locations, by location */
  constructor(model: string, private readonly trusted = false, private readonly chosen: ReadonlyMap<string, string> = new Map()) {
    this.folders = [...new Set([realpathSync(dirname(model)), dirname(realpathSync(model))])];
  }

  /** @param size bytes that the tensor needs */
  locate(tensor: string, entries: ReadonlyMap<string, string>, size: number): TensorBytes {
    const location = entries.get('location') ?? '', missing = (why: string): TensorBytes => ({ kind: 'missing', why, location });
    const file = this.file(location);
    if ('why' in file) return missing(file.why);
    const offset = decimal(entries.get('offset') ?? '0'), length = entries.has('length') ? decimal(entries.get('length')!) : size;
    if (offset === undefined || length === undefined) return missing(`its offset or length is no number (tensor ${tensor})`);
    if (length !== size) return missing(`it says ${length} bytes and its shape needs ${size}`);
    if (offset + length > file.size) return missing(`it lies at ${offset} … ${offset + length}, and the file has ${file.size} bytes`);
    return { kind: 'file', path: file.path, offset, length };
  }

  private file(location: string): { path: string; size: number } | { why: string } {
    let found = this.known.get(location);
    if (!found) this.known.set(location, (found = this.check(location)));
    return found;
  }

  private check(location: string): { path: string; size: number } | { why: string } {
    if (location === '') return { why: 'it names no file' };
    const given = this.chosen.get(location);
    if (given !== undefined) return { path: realpathSync(given), size: statSync(given).size };
    if (location.startsWith('*/_ORT')) return { why: 'its location pretends to be memory of ONNX Runtime: refused' };
    if (/^[/\\]|^[A-Za-z]:|\\|\0/.test(location)) return { why: 'its location is not a relative path: refused' };
    for (const folder of this.folders) {
      const path = join(folder, ...location.split('/'));
      if (!inside(path, folder)) return { why: 'its location leaves the folder of the model: refused' };
      let real: string;
      try {
        real = realpathSync(path);
      } catch {
        continue;
      }
      if (!this.trusted && !this.folders.some(f => inside(real, f))) return { why: 'its location is a link that leaves the folder of the model: allow it with --trust' };
      const stat = statSync(real);
      return stat.isFile() ? { path: real, size: stat.size } : { why: 'its location is no file' };
    }
    return { why: 'the file is not there' };
  }
}

const inside = (path: string, folder: string) => path.startsWith(folder.endsWith(sep) ? folder : folder + sep);

function decimal(text: string): number | undefined {
  const n = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(n) ? n : undefined;
}
