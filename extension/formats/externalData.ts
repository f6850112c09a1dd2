import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, relative, resolve, isAbsolute, sep } from 'node:path';

export interface TrustOptions {
  /** Lets a model outside the current folder use data in folders below its own. Never lets data lie outside the model's folder. */
  readonly trust?: boolean;
  /** Default: the process's. */
  readonly currentFolder?: string;
}

export type ExternalFile = { readonly path: string; readonly size: number } | { readonly why: string };
export type ExternalFiles = (location: string) => ExternalFile;

/**
 * Answers where a location written in a model file may be read from. Accepted is a relative POSIX path that lies inside
 * the model's folder, before and after symbolic links are resolved, or beside what the model itself is a link to
 * (model caches keep model and weights in one store). Without `trust`, a model outside the current folder reaches
 * only files directly beside it.
 */
export function externalFiles(modelPath: string, options: TrustOptions = {}): ExternalFiles {
  const answers = new Map<string, ExternalFile>();
  const folder = dirname(resolve(modelPath));
  let roots: { folder: string; store: string; wide: boolean } | undefined;
  const places = () => (roots ??= {
    folder: realpathSync(folder),
    store: dirname(realpathSync(modelPath)),
    wide: options.trust === true || inside(realpathSync(options.currentFolder ?? process.cwd()), realpathSync(folder)),
  });
  return location => {
    let answer = answers.get(location);
    if (!answer) answers.set(location, answer = look(location));
    return answer;
  };

  function look(location: string): ExternalFile {
    const bad = badLocation(location);
    if (bad) return { why: bad };
    const wanted = resolve(folder, location);
    if (!inside(folder, wanted)) return { why: 'the location leads out of the model\'s folder' };
    let real: string;
    try {
      real = realpathSync(wanted);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      return { why: code === 'ENOENT' || code === 'ENOTDIR' ? `the file ${location} is not there` : `the file ${location} cannot be reached (${code})` };
    }
    const { folder: home, store, wide } = places();
    const beside = (root: string) => dirname(real) === root;
    if (!inside(home, real) && !beside(store)) return { why: 'a symbolic link leads out of the model\'s folder' };
    if (!wide && !beside(home) && !beside(store)) {
      return { why: `${basename(modelPath)} is outside the current folder and its data lies in a folder below it; pass --trust to allow that` };
    }
    const stat = statSync(real);
    return stat.isFile() ? { path: real, size: stat.size } : { why: `${location} is not a regular file` };
  }
}

function badLocation(location: string): string | undefined {
  if (location === '') return 'no location is given';
  if (location.startsWith('*/_ORT')) return 'the location is a marker of ONNX Runtime\'s own memory, which no file may use';
  if (location.includes('\0')) return 'the location has a NUL character';
  if (location.includes('\\')) return 'the location has a backslash (POSIX paths only)';
  if (location.startsWith('/') || /^[A-Za-z]:/.test(location)) return 'the location is an absolute path';
  return undefined;
}

function inside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}
