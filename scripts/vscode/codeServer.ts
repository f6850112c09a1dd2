// Starts VS Code for the browser (code-server: the real workbench and extension host) and stops exactly the processes that it started.
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { codeServerPrograms } from './tools.ts';

const START_LIMIT_MS = 120_000;
/** A Unix socket lies in the user data folder; Linux takes 107 characters for the whole of its path. */
const LONGEST_FOLDER = 80;

export interface CodeServerOptions {
  /** Folder for settings, extensions and the log. */
  readonly dir: string;
  /** A VSIX to install first. */
  readonly vsix?: string;
  /** False leaves Workspace Trust on: a window opens in Restricted Mode until the person trusts the folder. */
  readonly trusted?: boolean;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: NodeJS.ProcessEnv;
  /** Lets a page name an extension's folder and its tests. */
  readonly development?: boolean;
}

export interface CodeServer {
  readonly url: string;
  readonly password: string;
  readonly pid: number;
  /** Its log file. */
  readonly log: string;
  stop(): Promise<void>;
}

/** On 127.0.0.1, a free port, behind a new password. */
export async function startCodeServer({ dir, vsix, trusted = true, settings = {}, env = {}, development = false }: CodeServerOptions): Promise<CodeServer> {
  const { node, entry } = codeServerPrograms();
  const user = join(dir, 'user'), extensions = join(dir, 'ext'), log = join(dir, 'code-server.log');
  if (user.length > LONGEST_FOLDER) throw new Error(`too long for a Unix socket in it: ${user}`);
  mkdirSync(join(user, 'User'), { recursive: true });
  mkdirSync(extensions, { recursive: true });
  writeFileSync(join(user, 'User', 'settings.json'), JSON.stringify(settings, undefined, 2));
  // Without a configuration file of its own, code-server writes one into the home folder.
  const common = [entry, '--config', '/dev/null', '--user-data-dir', user, '--extensions-dir', extensions];
  if (vsix) execFileSync(node, [...common, '--install-extension', vsix, '--force'], { stdio: ['ignore', 'ignore', 'pipe'] });

  const password = randomBytes(12).toString('base64url'), port = await freePort();
  const out = openSync(log, 'w', 0o600);
  const child = spawn(node, [...common, '--auth', 'password', '--bind-addr', `127.0.0.1:${port}`, '--disable-telemetry', '--disable-update-check',
    '--disable-getting-started-override', ...(trusted ? ['--disable-workspace-trust'] : []),
    ...(development ? ['--vscode-option', 'enable-smoke-test-driver'] : [])],
    // Detached: a process group of its own, so that its extension hosts end with it. An empty gallery: the window asks no outside host.
    { detached: true, stdio: ['ignore', out, out], env: { ...process.env, EXTENSIONS_GALLERY: '{"serviceUrl":""}', ...env, PASSWORD: password } });
  closeSync(out);
  let broken: Error | undefined;
  child.on('error', error => (broken = error));
  const signal = (name: NodeJS.Signals) => {
    try { process.kill(-child.pid!, name); } catch { /* none is left */ }
  };
  const killAll = () => signal('SIGKILL');
  process.once('exit', killAll);
  const stop = () => new Promise<void>(resolve => {
    const ended = () => {
      process.off('exit', killAll);
      killAll();
      resolve();
    };
    if (broken || child.exitCode !== null || child.signalCode !== null) return ended();
    child.once('exit', ended);
    signal('SIGTERM');
  });
  const url = `http://127.0.0.1:${port}`;
  for (const begin = Date.now(); !await healthy(url);) {
    if (broken) throw broken;
    if (child.exitCode !== null || Date.now() - begin > START_LIMIT_MS) {
      await stop();
      throw new Error(`code-server did not start: ${readFileSync(log, 'utf8').trim().slice(-2000)}`);
    }
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  return { url, password, pid: child.pid!, log, stop };
}

/** The page of a window on `folder`; `payload`: what else the workbench is told. */
export function windowUrl(server: Pick<CodeServer, 'url'>, folder: string, payload: readonly (readonly [string, string])[] = []): string {
  return `${server.url}/?folder=${encodeURIComponent(folder)}${payload.length ? `&payload=${encodeURIComponent(JSON.stringify(payload))}` : ''}`;
}

/** How the workbench names a path on the server. */
export function remoteUri(server: Pick<CodeServer, 'url'>, path: string): string {
  return `vscode-remote://${new URL(server.url).host}${path.split('/').map(encodeURIComponent).join('/')}`;
}

async function healthy(url: string): Promise<boolean> {
  return fetch(`${url}/healthz`).then(answer => answer.ok, () => false);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
