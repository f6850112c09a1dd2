// npm start [-- MODEL]: installs, builds, computes the gradients of a model in the terminal, writes report.html and opens the model in VS Code.
import { spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './install.mjs';

const model = resolve(process.argv[2] ?? 'samples/residual-mlp.onnx'), report = resolve('report.html');
process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));

/** Runs a script of ours, and ends as it ended if that was not well. */
function node(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

installPackages();
node('scripts/build.mjs');
node('dist/adjoint.js', 'gradients', model);
node('dist/adjoint.js', 'report', model, '-o', report);
const inCI = !['', '0', 'false', undefined].includes(process.env.CI);
if (process.stdout.isTTY && !inCI) node('--import', 'tsx', 'scripts/vscode/open.ts', model);
