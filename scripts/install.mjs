// What a script needs before anything that is not in Node itself.
import { execSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

/** Installs the packages of package-lock.json unless they are there. A shell, because npm is a script of its own kind on Windows. */
export function installPackages() {
  const done = 'node_modules/.package-lock.json';
  if (existsSync(done) && statSync(done).mtimeMs >= statSync('package-lock.json').mtimeMs) return;
  // ONNX Runtime's own installation script would fetch CUDA libraries.
  execSync('npm ci --no-audit --no-fund', { stdio: 'inherit', env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' } });
}
