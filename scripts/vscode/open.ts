// Opens a model in VS Code with the extension loaded: the desktop's if there is one, else the VS Code that runs in a browser.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { packageVsix } from '../package.ts';
import { remoteUri, startCodeServer, windowUrl } from './codeServer.ts';
import { ToolMissing } from './tools.ts';

/** Opens the model once Adjoint is known. */
const OPENER = join(__dirname, 'opener');

/** The desktop's `code`. In a terminal inside a remote window, `code` is another program, which cannot load an extension from a folder. */
function hasDesktop(): boolean {
  return !process.env['VSCODE_IPC_HOOK_CLI'] && spawnSync('code', ['--version'], { stdio: 'ignore', shell: process.platform === 'win32' }).status === 0;
}

/** The file to open: of a SavedModel, which is a folder, its graph. */
function fileOf(model: string): string {
  const graph = statSync(model).isDirectory() && ['saved_model.pb', 'saved_model.pbtxt'].map(name => join(model, name)).find(name => existsSync(name));
  return graph || model;
}

function openDesktop(file: string): void {
  const { status } = spawnSync('code', ['--new-window', ...[resolve(__dirname, '../..'), OPENER].map(path => `--extensionDevelopmentPath=${path}`), dirname(file)],
    { stdio: 'inherit', env: { ...process.env, ADJOINT_OPEN: file }, shell: process.platform === 'win32' });
  if (status !== 0) throw new Error(`code ended with ${status}`);
  console.log(`${file} is open in VS Code`);
}

/** Runs until it is interrupted. */
async function openBrowser(file: string): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'adj-'));
  // A page takes one folder of an extension, the opener's; Adjoint is installed as a person has it.
  const settings = { 'workbench.startupEditor': 'none', 'workbench.secondarySideBar.defaultVisibility': 'hidden', 'telemetry.telemetryLevel': 'off', 'extensions.autoCheckUpdates': false };
  try {
    // Trusted: the person has just had this very model run.
    const server = await startCodeServer({ dir, settings, vsix: packageVsix(), development: true, env: { ADJOINT_OPEN: file } });
    console.log(`\nVS Code:  ${windowUrl(server, dirname(file), [['extensionDevelopmentPath', remoteUri(server, OPENER)]])}\npassword: ${server.password}\n\nCtrl+C ends it.`);
    await new Promise<void>(done => ['SIGINT', 'SIGTERM', 'SIGHUP'].forEach(signal => process.once(signal, () => done())));
    await server.stop();
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 });
  }
}

async function open(model: string): Promise<void> {
  const file = fileOf(resolve(model));
  if (hasDesktop()) openDesktop(file);
  else await openBrowser(file);
}

void open(process.argv[2]!).catch((error: Error) => {
  console.error(error instanceof ToolMissing ? error.message : error.stack);
  process.exitCode = 1;
});
