// Bundles the extension host, the command line, the ONNX Runtime process, the webviews and the report: node scripts/build.mjs [--production]
import { chmodSync, cpSync, existsSync, linkSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** For the host side: CommonJS, and ONNX Runtime's native file stays beside the bundle (see copyNative). */
const HOST = { platform: 'node', format: 'cjs', target: 'node20', external: ['vscode', '*.node'] };
/** `import source from './worker.ts?bundled'`: a script bundled by itself, as text. A webview may start workers from blobs only. */
const bundledText = production => ({
  name: 'bundled-text',
  setup(build) {
    build.onResolve({ filter: /\?bundled$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path.slice(0, -'?bundled'.length)), namespace: 'bundled-text' }));
    build.onLoad({ filter: /.*/, namespace: 'bundled-text' }, async ({ path }) => {
      const { outputFiles, metafile } = await esbuild.build({ ...PAGE, absWorkingDir: ROOT, entryPoints: [path], bundle: true, minify: production, write: false, metafile: true, logLevel: 'warning' });
      return { contents: outputFiles[0].text, loader: 'text', watchFiles: Object.keys(metafile.inputs).map(name => join(ROOT, name)) };
    });
  },
});
/** For webviews: one script and one style sheet each, because a webview has no module loader that our CSP allows. */
const PAGE = { platform: 'browser', format: 'iife', target: 'es2022' };

const BUNDLES = [
  { entry: 'extension/extension.ts', out: 'extension', options: HOST },
  { entry: 'extension/cli/main.ts', out: 'adjoint', options: { ...HOST, banner: { js: '#!/usr/bin/env node' } }, executable: true },
  { entry: 'extension/runtime/worker.ts', out: 'worker', options: HOST },
  { entry: 'webview/main.ts', out: 'webview/main', options: PAGE },
  { entry: 'webview/panelMain.ts', out: 'webview/panelMain', options: PAGE },
  { entry: 'webview/report.ts', out: 'webview/report', options: PAGE },
];

/**
 * Writes dist/ and bin/.
 * @param {{ production?: boolean }} [options] production: small, without source maps
 * @returns the names of the bundles that were written
 */
async function build({ production = false } = {}) {
  const dist = join(ROOT, 'dist');
  if (production) rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });

  const present = BUNDLES.filter(({ entry }) => existsSync(join(ROOT, entry)) || void console.log(`build: ${entry} is not there, skipped`));
  await Promise.all(present.map(({ entry, out, options }) => esbuild.build({
    absWorkingDir: ROOT, entryPoints: { [out]: entry }, outdir: 'dist', bundle: true, minify: production, sourcemap: production ? false : 'linked',
    legalComments: production ? 'eof' : 'none', logLevel: 'warning', charset: 'utf8', plugins: [bundledText(production)], ...options,
  })));
  for (const { out, executable } of present) if (executable) chmodSync(join(dist, `${out}.js`), 0o755);
  copyNative(process.platform, process.arch);
  return present.map(b => b.out);
}

/**
 * Puts ONNX Runtime's libraries of one platform where the bundle looks for them: bin/napi-v6/<os>/<arch>/, beside dist/.
 * Hard links where the file system has them, because the library is 44 MB.
 */
function copyNative(os, arch) {
  const part = join('bin', 'napi-v6', os, arch);
  const from = join(ROOT, 'node_modules', 'onnxruntime-node', part), to = join(ROOT, part);
  if (!existsSync(from)) return void console.log(`build: ONNX Runtime has no library for ${os} ${arch}: models can be read and drawn, not run`);
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    // Byte for byte the same as libonnxruntime.1.dylib, which is the one that is loaded.
    if (/^libonnxruntime\.\d+\.\d+\.\d+\.dylib$/.test(name)) continue;
    const source = join(from, name), target = join(to, name);
    if (existsSync(target)) {
      const [a, b] = [statSync(source), statSync(target)];
      if (a.ino === b.ino || (a.size === b.size && a.mtimeMs <= b.mtimeMs)) continue;
      rmSync(target);
    }
    try { linkSync(source, target); } catch { cpSync(source, target); }
  }
}

const begin = performance.now();
const names = await build({ production: process.argv.includes('--production') });
console.log(`build: ${names.join(', ')} in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
