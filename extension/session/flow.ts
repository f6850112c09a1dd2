import { STATUSES, VALUE_KINDS, type DrawingGraph, type DrawingResults, type FindingReport, type FlowTable, type GradientReport, type Summary } from '../protocol.ts';
import type { ReportIndex } from './drawn.ts';
import { valueName } from './drawn.ts';

type Band = FlowTable['bands'][number];

/** Steps from the target back to each value by the longest path, −1 where there is none. One sweep: nodes are in topological order. */
export function stepsBack({ nodes, values, uses }: DrawingGraph, target: number): Int32Array {
  const steps = new Int32Array(values.name.length).fill(-1), node = new Int32Array(nodes.name.length).fill(-1);
  if (target < 0) return steps;
  steps[target] = 0;
  const outputs = groupBy(values.producer, nodes.name.length), inputs = groupBy(uses.node, nodes.name.length);
  for (let n = nodes.name.length - 1; n >= 0; n--) {
    for (const v of outputs(n)) node[n] = Math.max(node[n]!, steps[v]!);
    if (node[n]! < 0) continue;
    for (const u of inputs(n)) {
      const v = uses.value[u]!;
      if (v !== target) steps[v] = Math.max(steps[v]!, node[n]! + 1);
    }
  }
  return steps;
}

/**
 * The values on the way that carries most: from the target always to the input with the largest contribution, of those through which a gradient
 * arrives at an input or a parameter (behind a stop the way ends).
 */
export function spineOf({ nodes, values, uses }: DrawingGraph, { target, useNorm }: DrawingResults): number[] {
  const inputs = groupBy(uses.node, nodes.name.length), spine: number[] = [], seen = new Set<number>(), leads = new Uint8Array(nodes.name.length);
  const carries = (u: number) => useNorm[u] !== 0, source = [VALUE_KINDS.indexOf('parameter'), VALUE_KINDS.indexOf('input')];
  const arrives = (value: number) => (values.producer[value]! < 0 ? source.includes(values.kind[value]!) : leads[values.producer[value]!] === 1);
  for (let n = 0; n < nodes.name.length; n++) for (const u of inputs(n)) if (carries(u) && arrives(uses.value[u]!)) leads[n] = 1;
  for (let at = target; at >= 0 && !seen.has(at);) {
    spine.push(at);
    seen.add(at);
    const node = values.producer[at]!;
    let best = -1, largest = 0;
    if (node >= 0) {
      for (const u of inputs(node)) {
        const norm = useNorm[u]!, made = values.producer[uses.value[u]!]! >= 0 || values.kind[uses.value[u]!] === VALUE_KINDS.indexOf('input');
        if (made && arrives(uses.value[u]!) && (norm > largest || Number.isNaN(norm))) [best, largest] = [uses.value[u]!, Number.isNaN(norm) ? Infinity : norm];
      }
    }
    at = best;
  }
  return spine;
}

/** The items of each group, without a list for each: `groupBy(producer, n)(k)` gives the positions where `producer` is k. */
export function groupBy(of: ArrayLike<number>, groups: number): (group: number) => Iterable<number> {
  const start = new Uint32Array(groups + 1), items = new Uint32Array(of.length);
  for (let i = 0; i < of.length; i++) if (of[i]! >= 0) start[of[i]! + 1]!++;
  for (let g = 0; g < groups; g++) start[g + 1]! += start[g]!;
  const next = start.slice();
  for (let i = 0; i < of.length; i++) if (of[i]! >= 0) items[next[of[i]!]!++] = i;
  return group => items.subarray(start[group]!, start[group + 1]!);
}

/** The rows of the gradient-flow panel: every value that the target depends on, and every parameter. */
export function flowTable(drawing: DrawingGraph, results: DrawingResults, report: ReportIndex, findings: readonly FindingReport[]): FlowTable {
  const steps = stepsBack(drawing, results.target), constant = VALUE_KINDS.indexOf('constant'), parameter = VALUE_KINDS.indexOf('parameter');
  const rows = Array.from(drawing.values.name.keys()).filter(v => drawing.values.kind[v] !== constant && (steps[v]! >= 0 || drawing.values.kind[v] === parameter));
  const rowOf = new Map(rows.map((v, row) => [v, row])), strings: string[] = [], ids = new Map<string, number>();
  const text = (s: string) => {
    let id = ids.get(s);
    if (id === undefined) ids.set(s, (id = strings.push(s) - 1));
    return id;
  };
  const entries = rows.map(v => report.values.get(valueName(drawing, v))), found = new Set(findings.map(f => f.value)), updates = updateNorms(report.report);
  const figures = (of: (s: Summary) => number, missing = NaN) => Float64Array.from(entries, e => (e?.gradient.summary ? of(e.gradient.summary) : missing));
  const name = (v: number) => valueName(drawing, v);
  return {
    value: Uint32Array.from(rows), name: Uint32Array.from(rows, v => text(name(v))), op: Uint32Array.from(entries, e => text(e?.op ?? '')),
    shape: Uint32Array.from(entries, e => text(e?.shape ? e.shape.join('×') || 'scalar' : '')),
    kind: Uint8Array.from(rows, v => drawing.values.kind[v]!), status: Uint8Array.from(entries, e => STATUSES.indexOf(e?.gradient.status ?? 'not-asked')),
    steps: Int32Array.from(rows, v => steps[v]!), norm: Float64Array.from(rows, v => results.valueNorm[v]!), forwardNorm: Float64Array.from(rows, v => results.forwardNorm[v]!),
    mean: figures(s => s.mean), std: figures(s => s.std), absMax: figures(s => s.absMax),
    count: Float64Array.from(rows, v => results.valueCount[v]!), nan: figures(s => s.nan, 0), inf: figures(s => s.inf, 0), zero: figures(s => s.zero, 0),
    updateNorm: Float64Array.from(rows, v => updates.get(name(v)) ?? NaN),
    stop: Uint8Array.from(entries, (e, row) => +(report.marks.get(e?.node ?? '')?.kind.includes('stop') === true || report.marks.get(e?.node ?? '')?.value === name(rows[row]!))),
    finding: Uint8Array.from(rows, v => +found.has(name(v))),
    spine: Uint32Array.from(spineOf(drawing, results).flatMap(v => rowOf.get(v) ?? [])),
    bands: bandsOf(drawing, results, steps), strings,
  };
}

function updateNorms(report: GradientReport): Map<string, number> {
  return new Map(report.optimizer.map(o => [o.parameter, o.delta.l2]));
}

const LEAST_REPEATS = 3;

/**
 * Blocks that repeat: sibling scopes whose names differ by a number. `rate` is the factor of the norm of a block's parameters from one block to the
 * next on the gradient's way (geometric mean), NaN where a block has none.
 */
export function bandsOf({ strings, scopes, nodes, values, uses }: DrawingGraph, { valueNorm }: DrawingResults, steps: Int32Array): Band[] {
  const families = new Map<string, { label: string; members: Map<number, { from: number; to: number; square: number }> }>(), memberOf = new Map<number, { from: number; to: number; square: number }>();
  for (let s = 1; s < scopes.name.length; s++) {
    const name = strings[scopes.name[s]!]!, m = /^(.*?)(\d+)(\D*)$/.exec(name);
    if (!m) continue;
    const key = `${scopes.parent[s]}\0${m[1]}\0${m[3]}`, family = families.get(key) ?? { label: pathOf(strings, scopes, scopes.parent[s]!, m[1]!.replace(/[._/-]$/, '') + m[3]), members: new Map() };
    const member = { from: Infinity, to: -1, square: 0 };
    family.members.set(s, member);
    families.set(key, family);
    memberOf.set(s, member);
  }
  const inside = (node: number, take: (m: { from: number; to: number; square: number }) => void) => {
    for (let s = nodes.scope[node]!; s > 0; s = scopes.parent[s]!) if (memberOf.has(s)) take(memberOf.get(s)!);
  };
  for (let v = 0; v < values.name.length; v++) {
    const node = values.producer[v]!, step = steps[v]!;
    if (node < 0 || step < 0) continue;
    inside(node, m => {
      m.from = Math.min(m.from, step);
      m.to = Math.max(m.to, step);
    });
  }
  const parameter = VALUE_KINDS.indexOf('parameter');
  for (let u = 0; u < uses.value.length; u++) {
    const v = uses.value[u]!, norm = valueNorm[v]!;
    if (values.kind[v] === parameter) inside(uses.node[u]!, m => (m.square += norm * norm));
  }
  const bands: Band[] = [];
  for (const { label, members } of families.values()) {
    const blocks = [...members.values()].filter(m => m.to >= 0).sort((a, b) => a.from - b.from);
    if (blocks.length < LEAST_REPEATS) continue;
    const first = Math.sqrt(blocks[0]!.square), last = Math.sqrt(blocks.at(-1)!.square);
    bands.push({ label: `${label} ×${blocks.length}`, from: blocks[0]!.from, to: Math.max(...blocks.map(b => b.to)), rate: first > 0 && last > 0 ? (last / first) ** (1 / (blocks.length - 1)) : NaN });
  }
  return bands;
}

function pathOf(strings: readonly string[], scopes: DrawingGraph['scopes'], parent: number, name: string): string {
  const path = [name];
  for (let s = parent; s > 0; s = scopes.parent[s]!) path.unshift(strings[scopes.name[s]!]!);
  return path.filter(Boolean).join('/');
}
