import { copyFileSync, existsSync, symlinkSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { delimiter, dirname, join, resolve } from 'node:path';
import type * as Ort from 'onnxruntime-node';
import type { CudaLibraries } from './protocol.ts';

const PROVIDERS = process.platform === 'win32'
  ? ['onnxruntime_providers_shared.dll', 'onnxruntime_providers_cuda.dll']
  : ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];
const RUNTIME = process.platform === 'win32' ? 'onnxruntime.dll' : 'libonnxruntime.so.1';
const BINDING = 'onnxruntime_binding.node';

/** The folder of onnxruntime-node's native library for this platform: beside the bundle's folder, else the package's; empty when neither is there. */
export function bindingFolder(): string {
  const part = join('..', 'bin', 'napi-v6', process.platform, process.arch), beside = join(__dirname, part);
  if (existsSync(beside)) return beside;
  try {
    return join(dirname(createRequire(__filename).resolve('onnxruntime-node')), part);
  } catch {
    return '';
  }
}

/** Where libraries are looked for: the person's folders (a list as in PATH), then the package's. */
function searched(cudaFolders: string | undefined): string[] {
  return [...(cudaFolders ?? '').split(delimiter).filter(Boolean).map(f => resolve(f)), bindingFolder()];
}

/** Which libraries of the CUDA provider are missing, and where they were looked for. */
export function cudaLibraries(ort: typeof Ort, cudaFolders: string | undefined): CudaLibraries {
  const folders = searched(cudaFolders);
  return {
    known: ort.listSupportedBackends().some(b => b.name === 'cuda'),
    platform: `${process.platform}-${process.arch}`,
    version: ort.env.versions.node ?? '',
    folders,
    missing: PROVIDERS.filter(name => !folders.some(folder => existsSync(join(folder, name)))),
  };
}

/**
 * Makes onnxruntime-node load its native library from a folder of links in which the person's provider libraries lie beside it:
 * ONNX Runtime looks for providers only beside its own library. Must be called before the package is loaded.
 * @param beside an empty folder for the links; the host removes it when this process has ended.
 */
export function redirectBinding(cudaFolders: string, beside: string): void {
  if (process.platform !== 'linux') return;
  const from = (name: string) => searched(cudaFolders).map(f => join(f, name)).find(existsSync);
  if (!PROVIDERS.every(from)) return;
  // A copy: the loader searches the library beside the binding, and must not follow a link back to the package.
  copyFileSync(from(BINDING)!, join(beside, BINDING));
  for (const name of [RUNTIME, ...PROVIDERS]) symlinkSync(from(name)!, join(beside, name));
  const extensions = (Module as unknown as { _extensions: Record<string, (module: object, file: string) => void> })._extensions;
  const load = extensions['.node']!;
  const { dlopen } = process as unknown as { dlopen(module: object, file: string): void };
  extensions['.node'] = (module, file) => (file.endsWith(BINDING) ? dlopen(module, join(beside, BINDING)) : load(module, file));
}
