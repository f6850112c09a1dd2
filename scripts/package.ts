// npm run package: builds for production and packs adjoint-linux-x64.vsix.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { statSync } from 'node:fs';
import { codeServerPrograms } from './vscode/tools.ts';

const ROOT = dirname(__dirname), TARGET = 'linux-x64';

/** Writes the VSIX and returns its path. vsce asks for a newer Node than we do: it gets code-server's. */
export function packageVsix(): string {
  const file = join(ROOT, `adjoint-${TARGET}.vsix`), { node } = codeServerPrograms();
  execFileSync(process.execPath, ['scripts/build.mjs', '--production'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  // No dependencies: everything is in the bundles but ONNX Runtime's library, which .vscodeignore lets in.
  // The README's links stay relative: the repository has no public address.
  execFileSync(node, [createRequire(__filename).resolve('@vscode/vsce/vsce'), 'package', '--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links', '--target', TARGET, '--out', file],
    { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] });
  return file;
}

if (require.main === module) {
  const file = packageVsix();
  console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
}
