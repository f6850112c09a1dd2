import type { SourceLine } from '../protocol.ts';

export interface Frame extends SourceLine {
  readonly function?: string;
}

const PYTHON_FRAME = /^\s*File "(.+)", line (\d+)(?:, in (.*))?$/;
const EXPORTER_FRAME = /^\s*(\S.*?)\((\d+)\): (.*)$/;
/** Code of packages, of Python's own library and of what torch makes at run time. */
const FOREIGN = /(?:^|[\\/])(?:site-packages|dist-packages|lib[\\/]python\d[\d.]*)[\\/]|^<|[\\/]torch[\\/](?:nn|onnx|export|_dynamo|fx|jit|utils)[\\/]/;

/**
 * The frames of a trace, the outermost first. Two forms: Python's own (`File "net.py", line 17, in forward`, outermost first, the code in the
 * next line), and that of torch's TorchScript exporter (`net.py(17): forward`, innermost first).
 */
export function framesOf(trace: string): Frame[] {
  const frames: Frame[] = [], lines = trace.split('\n');
  let reversed = false;
  for (let i = 0; i < lines.length; i++) {
    const python = PYTHON_FRAME.exec(lines[i]!);
    if (python) {
      const next = lines[i + 1], text = next !== undefined && !PYTHON_FRAME.test(next) ? next.trim() : '';
      frames.push({ file: python[1]!, line: Number(python[2]), ...(python[3] && { function: python[3] }), ...(text && { text }) });
      continue;
    }
    const exporter = EXPORTER_FRAME.exec(lines[i]!);
    if (!exporter) continue;
    frames.push({ file: exporter[1]!, line: Number(exporter[2]), function: exporter[3]! });
    reversed = true;
  }
  return reversed ? frames.reverse() : frames;
}

/** The line of the person's own code that a node comes from: the innermost frame outside packages. */
export function sourceOf(metadata: Readonly<Record<string, string>> | undefined): SourceLine | undefined {
  const trace = metadata?.['pkg.torch.onnx.stack_trace'] ?? metadata?.['stack_trace'] ?? metadata?.['doc_string'];
  if (!trace) return undefined;
  const own = framesOf(trace).filter(f => !FOREIGN.test(f.file)).at(-1);
  return own && { file: own.file, line: own.line, ...(own.text && { text: own.text }) };
}

/**
 * Where a file named in a model may lie on this machine, the likeliest first.
 * @param remap folder as the model says it → folder here (the setting `adjoint.sourcePaths`)
 * @param folders of the workspace and of the model
 */
export function sourceCandidates(file: string, remap: Readonly<Record<string, string>>, folders: readonly string[]): string[] {
  const path = file.replaceAll('\\', '/'), found: string[] = [];
  const prefixes = Object.keys(remap).sort((a, b) => b.length - a.length);
  for (const from of prefixes) {
    const prefix = from.replaceAll('\\', '/').replace(/\/$/, '');
    if (path === prefix || path.startsWith(`${prefix}/`)) found.push(remap[from]!.replace(/[\\/]$/, '') + path.slice(prefix.length));
  }
  if (/^(\/|[A-Za-z]:\/)/.test(path)) found.push(path);
  const parts = path.split('/').filter(p => p && p !== '.');
  for (let from = 0; from < parts.length; from++) {
    const tail = parts.slice(from).join('/');
    if (!/^[A-Za-z]:/.test(tail)) for (const folder of folders) found.push(`${folder.replace(/[\\/]$/, '')}/${tail}`);
  }
  return [...new Set(found)];
}
