import { UserError } from '../../../kernels/graph/errors.ts';
import type { SourceLine } from '../../../kernels/lowering/tensorflow/source.ts';
import { openFile } from '../byteSource.ts';
import { WireReader } from '../onnx/wire.ts';
import { decode } from './decode.ts';

interface FileLineCol { readonly file_index: number; readonly line: number; readonly func: string; readonly code: string }
interface StackTrace { readonly file_line_cols: readonly FileLineCol[]; readonly frame_id: readonly string[] }
interface GraphDebugInfo {
  readonly files: readonly string[];
  readonly traces: ReadonlyMap<string, StackTrace>;
  readonly frames_by_id: ReadonlyMap<string, FileLineCol>;
  readonly name_to_trace_id: ReadonlyMap<string, string>;
  readonly traces_by_id: ReadonlyMap<string, StackTrace>;
}
export type SourceLines = (node: string, functionName?: string) => readonly SourceLine[];

/** Where a GraphDebugInfo lies: a range of a file, or (`end` absent) the whole file. */
export interface DebugInfoPlace { readonly path: string; readonly start: number; readonly end?: number }

/** Source lines of nodes out of a GraphDebugInfo, read when first asked for; damaged ones are as none. */
export function sourceLinesAt(place: DebugInfoPlace | undefined): SourceLines {
  if (!place) return () => [];
  let info: GraphDebugInfo | undefined | 'none';
  return (node, functionName = '') => {
    info ??= load(place) ?? 'none';
    return info === 'none' ? [] : linesOf(info, node, functionName);
  };
}

function load({ path, start, end }: DebugInfoPlace): GraphDebugInfo | undefined {
  try {
    const source = openFile(path);
    try {
      const reader = new WireReader(source, 'file of source lines');
      reader.seek(start);
      return decode<GraphDebugInfo>(reader, 'GraphDebugInfo', end ?? source.size);
    } finally {
      source.close();
    }
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Traces are keyed `node@function`; nodes of the top level have an empty function name. */
function linesOf(info: GraphDebugInfo, node: string, functionName: string): SourceLine[] {
  for (const name of functionName === '' ? [`${node}@`, node] : [`${node}@${functionName}`]) {
    const id = info.name_to_trace_id.get(name), trace = (id === undefined ? undefined : info.traces_by_id.get(id)) ?? info.traces.get(name);
    if (!trace) continue;
    const frames = trace.frame_id.length ? trace.frame_id.flatMap(f => info.frames_by_id.get(f) ?? []) : trace.file_line_cols;
    return frames.map(f => ({ file: info.files[f.file_index] ?? '', line: f.line, function: f.func, code: f.code }));
  }
  return [];
}
