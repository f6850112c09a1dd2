/**
 * Search over the whole graph: words in name and operator, and filters: `op:Conv`, `shape:16`, `dtype:f16`, `zero:`, `nan:`, `blocked:`, `unknown:`,
 * `dead:`, `in:res/`, `gradient > 1e3`. All parts must hold.
 */
import type { CellState, Model } from './model.ts';

type Test = (model: Model, node: number) => boolean;

const STATES: Readonly<Record<string, CellState>> = { zero: 'zero', nan: 'nan', inf: 'nan', blocked: 'blocked', unknown: 'unknown', dead: 'dead' };
const TYPES: Readonly<Record<string, string>> = { f16: 'float16', f32: 'float32', f64: 'float64', bf16: 'bfloat16', i8: 'int8', i32: 'int32', i64: 'int64', u8: 'uint8' };

/** Values that a node's search is about: its outputs, and the parameters and inputs that it reads. */
function* valuesOf(model: Model, node: number): Generator<number> {
  yield* model.outputs(node);
  for (let u = model.nodeUseStart[node]!; u < model.nodeUseStart[node + 1]!; u++) {
    const v = model.graph.uses.value[u]!;
    if (model.graph.values.producer[v]! < 0) yield v;
  }
}

function some(model: Model, node: number, test: (value: number) => boolean): boolean {
  for (const v of valuesOf(model, node)) if (test(v)) return true;
  return false;
}

function testOf(part: string): Test {
  const filter = /^([a-z]+):(.*)$/i.exec(part), key = filter?.[1]!.toLowerCase(), rest = filter?.[2]!.toLowerCase() ?? '';
  if (filter && key! in STATES) { const state = STATES[key!]!; return (m, n) => some(m, n, v => m.valueState(v) === state) && (!rest || m.name(n).toLowerCase().includes(rest)); }
  switch (key) {
    case 'op': return (m, n) => m.op(n).toLowerCase().includes(rest);
    case 'in': return (m, n) => m.name(n).toLowerCase().startsWith(rest) || m.groupPath(m.hierarchy?.groupOf[n] ?? 0).some(g => `${m.hierarchy!.label[g]!.toLowerCase()}/`.includes(rest));
    case 'shape': { const wanted = rest.replaceAll('x', '×'); return (m, n) => some(m, n, v => `×${m.type(v).split(' ')[1] ?? ''}×`.includes(`×${wanted}×`)); }
    case 'dtype': { const wanted = TYPES[rest] ?? rest; return (m, n) => some(m, n, v => m.type(v).toLowerCase().startsWith(wanted)); }
  }
  const word = part.toLowerCase();
  return (m, n) => m.name(n).toLowerCase().includes(word) || m.op(n).toLowerCase().includes(word)
    || some(m, n, v => m.graph.values.producer[v]! < 0 && m.valueName(v).toLowerCase().includes(word)) || some(m, n, v => m.type(v).toLowerCase().includes(word));
}

/** Nodes that match, in topological order; none for an empty query. */
export function find(model: Model, query: string): number[] {
  const tests: Test[] = [];
  const rest = query.replace(/\bgradient\s*([<>]=?)\s*([-+.\deE]+)/gi, (_, sign: string, text: string) => {
    const bound = Number(text);
    tests.push((m, n) => some(m, n, v => m.valueState(v) === 'ok' && (sign[0] === '>' ? m.norm(v) > bound || (sign === '>=' && m.norm(v) === bound) : m.norm(v) < bound || (sign === '<=' && m.norm(v) === bound))));
    return ' ';
  });
  for (const part of rest.split(/\s+/)) if (part) tests.push(testOf(part));
  if (!tests.length) return [];
  const hits: number[] = [];
  for (let n = 0; n < model.nodeCount; n++) if (tests.every(t => t(model, n))) hits.push(n);
  return hits;
}

/** The nearest word among names and operators, for "nothing found": at most two edits away. */
export function suggest(model: Model, query: string): string | undefined {
  const word = query.toLowerCase();
  if (!/^[\w./-]{3,}$/.test(word)) return undefined;
  const words = new Set<string>();
  for (let n = 0; n < model.nodeCount && words.size < 20_000; n++) for (const w of `${model.op(n)}/${model.name(n)}`.toLowerCase().split(/[/._\d]+/)) if (Math.abs(w.length - word.length) <= 2) words.add(w);
  let best: string | undefined, least = 3;
  for (const w of words) { const d = distance(word, w, least); if (d < least) { least = d; best = w; } }
  return best;
}

/** Levenshtein distance, or `limit` if it is not smaller. */
function distance(a: string, b: string, limit: number): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    if (Math.min(...next) >= limit) return limit;
    row = next;
  }
  return row[b.length]!;
}
