// npm start [-- MODEL]: installs what is missing, computes the gradients of a model in the terminal and writes report.html.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const model = process.argv[2] ?? 'samples/residual-mlp.onnx';
if (!existsSync('node_modules/tsx')) execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { stdio: 'inherit', env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' } });
const adjoint = (...args) => execFileSync(process.execPath, ['--import', 'tsx', 'extension/cli/main.ts', ...args], { stdio: 'inherit' });
try {
  adjoint('gradients', model);
  adjoint('report', model, '-o', 'report.html');
} catch (error) {
  process.exit(error.status ?? 1);
}
