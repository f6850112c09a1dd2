// What the other scripts share: where things are, and what must be there before anything can run. Node's own modules only, because this
// is what runs in a fresh clone.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Folder of the tools that are no npm dependency (Node 24, code-server). `ADJOINT_TOOLS` moves it, for example to share it between clones. */
export const TOOLS = resolve(process.env.ADJOINT_TOOLS || join(ROOT, '.tools'));

/** Ends a script with one line that says what to do. Everything else that is thrown is a bug and keeps its stack. */
export class Stop extends Error {}

/** Runs a script's main function; a Stop becomes one line on stderr and exit status 1. */
export async function main(run) {
  try {
    process.exitCode = (await run()) ?? 0;
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    console.error(`adjoint: ${error.message}`);
    process.exitCode = 1;
  }
}

export function requireNode20() {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new Stop(`Node 20 or newer is needed, this is ${process.versions.node}. Get it from https://nodejs.org or with your version manager.`);
  }
}

/** The full path of a program on PATH, or undefined. */
export function onPath(...names) {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      for (const suffix of process.platform === 'win32' ? ['.exe', '.cmd', ''] : ['']) {
        const file = join(folder, name + suffix);
        try { accessSync(file, constants.X_OK); return file; } catch { /* not in this folder */ }
      }
    }
  }
  return undefined;
}

/** Runs a program with its output shown; resolves to its exit status. An interrupt ends both. */
export function run(program, args, options = {}) {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: 'inherit', ...options });
    child.once('error', failed);
    child.once('exit', (code, signal) => done(code ?? (signal ? 128 : 1)));
  });
}

/** Runs npm in `folder` and shows its output only if it fails. */
export function npm(args, folder = ROOT) {
  const result = spawnSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
    // Otherwise onnxruntime-node's install step fetches CUDA libraries, which only the machine that asks for them needs.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip', NODE_ENV: '' },
  });
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}\n`);
    throw new Stop(`npm ${args[0]} failed in ${folder}; its output is above.`);
  }
}

/** Installs the dependencies of package-lock.json unless exactly these are there already. */
export function ensureDependencies() {
  if (installed()) return;
  console.log('Installing dependencies (npm ci) …');
  npm(['ci']);
}

/** Whether node_modules holds what the lock file names. npm's own record is compared, not dates: a checkout changes dates. */
function installed() {
  const [wanted, present] = ['package-lock.json', 'node_modules/.package-lock.json'].map(file => {
    const path = join(ROOT, file);
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
  });
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([path, entry]) => !path || entry.optional || entry.peer || present[path]?.version === entry.version);
}
