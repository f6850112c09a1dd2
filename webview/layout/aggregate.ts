/** Results gathered for each group, from the leaves up: what a folded card shows. Linear in values, uses and groups. */
import { STATUSES, UNKNOWN_STATUS, VALUE_KINDS, type DrawingGraph, type DrawingResults, type GradientStatus } from '../../extension/protocol.ts';
import { GroupKind, type GroupResults, type Hierarchy } from './types.ts';

/** The worst last: what a group with several of them is called. */
export const SEVERITY: readonly GradientStatus[] = ['not-asked', 'not-differentiable', 'computed', 'unreachable', 'zero', 'blocked', 'unsupported'];

const MOST_BINS = 24;
const status = (name: GradientStatus) => STATUSES.indexOf(name);
const COMPUTED = status('computed'), ZERO = status('zero'), BLOCKED = status('blocked'), UNSUPPORTED = status('unsupported'), PARAMETER = VALUE_KINDS.indexOf('parameter');
const SEVERITY_OF = Uint8Array.from(STATUSES, s => SEVERITY.indexOf(s));
const severity = (s: number) => (s === UNKNOWN_STATUS ? 0 : SEVERITY_OF[s]!);
/** NaN and Inf are above every number. */
const larger = (a: number, b: number) => (Number.isNaN(a) || Number.isNaN(b) ? NaN : Math.max(a, b));

export function aggregate(graph: DrawingGraph, hierarchy: Hierarchy, results: DrawingResults): GroupResults {
  const { count, parent, groupOf, kind, childStart, children } = hierarchy, { valueStatus, valueNorm } = results, { producer } = graph.values;
  const minNorm = new Float64Array(count).fill(NaN), maxNorm = new Float64Array(count).fill(NaN), outNorm = new Float64Array(count).fill(NaN), outStatus = new Uint8Array(count).fill(UNKNOWN_STATUS), worst = new Uint8Array(count).fill(UNKNOWN_STATUS);
  const alarms = new Uint32Array(count), zeros = new Uint32Array(count), blocked = new Uint32Array(count), unknown = new Uint32Array(count);
  const note = (group: number, value: number): void => {
    const s = valueStatus[value]!, norm = valueNorm[value]!;
    if (worst[group] === UNKNOWN_STATUS || severity(s) > severity(worst[group]!)) worst[group] = s;
    if (s === COMPUTED && !Number.isFinite(norm)) alarms[group]!++;
    else if (s === ZERO || (s === COMPUTED && norm === 0)) zeros[group]!++;
    else if (s === BLOCKED) blocked[group]!++;
    else if (s === UNSUPPORTED || s === UNKNOWN_STATUS) unknown[group]!++;
    else if (s === COMPUTED) {
      minNorm[group] = Number.isNaN(minNorm[group]!) ? norm : Math.min(minNorm[group]!, norm);
      maxNorm[group] = Number.isNaN(maxNorm[group]!) ? norm : Math.max(maxNorm[group]!, norm);
    }
  };
  producer.forEach((node, value) => node >= 0 && note(groupOf[node]!, value));
  // Parameters belong to the groups of their uses, each once in each.
  const seen = new Map<number, number>(), square = new Float64Array(count), parameterStatus = new Uint8Array(count).fill(UNKNOWN_STATUS), has = new Uint8Array(count);
  for (let n = 0; n < groupOf.length; n++) {
    for (let k = hierarchy.parameterStart[n]!; k < hierarchy.parameterStart[n + 1]!; k++) {
      const value = hierarchy.parameters[k]!, group = groupOf[n]!, s = valueStatus[value]!;
      if (graph.values.kind[value] !== PARAMETER || seen.get(value) === group) continue;
      seen.set(value, group);
      note(group, value);
      has[group] = 1;
      square[group]! += s === COMPUTED ? valueNorm[value]! ** 2 : 0;
      if (parameterStatus[group] === UNKNOWN_STATUS || severity(s) > severity(parameterStatus[group]!)) parameterStatus[group] = s;
    }
  }
  leaving(graph, hierarchy, (group, value) => {
    const s = valueStatus[value]!;
    if (s === UNKNOWN_STATUS || (outStatus[group] === COMPUTED && s !== COMPUTED)) return;
    if (s === COMPUTED && outStatus[group] === COMPUTED) outNorm[group] = larger(outNorm[group]!, valueNorm[value]!);
    else if (s === COMPUTED || outStatus[group] === UNKNOWN_STATUS || severity(s) > severity(outStatus[group]!)) {
      outStatus[group] = s;
      outNorm[group] = s === COMPUTED ? valueNorm[value]! : 0;
    }
  });
  const own = square.slice();
  for (let g = count - 1; g > 0; g--) {
    const p = parent[g]!;
    if (severity(worst[g]!) > severity(worst[p]!) || worst[p] === UNKNOWN_STATUS) worst[p] = worst[g]!;
    alarms[p]! += alarms[g]!; zeros[p]! += zeros[g]!; blocked[p]! += blocked[g]!; unknown[p]! += unknown[g]!;
    if (!Number.isNaN(minNorm[g]!)) minNorm[p] = Number.isNaN(minNorm[p]!) ? minNorm[g]! : Math.min(minNorm[p]!, minNorm[g]!);
    if (!Number.isNaN(maxNorm[g]!)) maxNorm[p] = Number.isNaN(maxNorm[p]!) ? maxNorm[g]! : Math.max(maxNorm[p]!, maxNorm[g]!);
    own[p]! += own[g]!;
    if (has[g]) {
      has[p] = 1;
      if (parameterStatus[p] === UNKNOWN_STATUS || severity(parameterStatus[g]!) > severity(parameterStatus[p]!)) parameterStatus[p] = parameterStatus[g]!;
    }
  }
  const stripStart = new Uint32Array(count + 1), strip: number[] = [], stripStatus: number[] = [];
  for (let g = 0; g < count; g++) {
    stripStart[g] = strip.length;
    if (kind[g] !== GroupKind.repeat) continue;
    const instances = children.subarray(childStart[g], childStart[g + 1]), bins = Math.min(MOST_BINS, instances.length);
    for (let b = 0; b < bins; b++) {
      const mine = Array.from(instances.subarray(Math.floor((b * instances.length) / bins), Math.floor(((b + 1) * instances.length) / bins)));
      // Without parameters the output says how an instance is.
      const norms = mine.map(i => (has[i] ? Math.sqrt(own[i]!) : outNorm[i]!)), states = mine.map(i => (has[i] && own[i]! > 0 ? COMPUTED : has[i] ? parameterStatus[i]! : outStatus[i]!));
      const bad = states.findIndex((s, i) => s === COMPUTED && !Number.isFinite(norms[i]!)), at = bad >= 0 ? bad : states.reduce((w, s, i) => (severity(s) > severity(states[w]!) || (s === states[w] && norms[i]! < norms[w]!) ? i : w), 0);
      strip.push(norms[at]!);
      stripStatus.push(states[at]!);
    }
  }
  stripStart[count] = strip.length;
  return { minNorm, maxNorm, outNorm, outStatus, worst, alarms, zeros, blocked, unknown, stripStart, strip: Float64Array.from(strip), stripStatus: Uint8Array.from(stripStatus) };
}

/** Calls for each value and each group that it leaves: to a use outside, or as an output of the graph. */
function leaving({ values, uses, outputs }: DrawingGraph, { parent, depth, groupOf }: Hierarchy, visit: (group: number, value: number) => void): void {
  const done = new Map<number, number>();
  const out = (value: number, until: number) => {
    const node = values.producer[value]!;
    if (node < 0) return;
    // Groups that the value was already seen to leave are the deepest ones: go on above them.
    let g = groupOf[node]!;
    const from = done.get(value) ?? 1e9;
    for (; g > 0 && depth[g]! > until; g = parent[g]!) if (depth[g]! < from) visit(g, value);
    done.set(value, Math.min(from, until + 1));
  };
  for (const value of outputs) out(value, 0);
  for (let u = 0; u < uses.value.length; u++) {
    const value = uses.value[u]!, node = values.producer[value]!;
    if (node < 0) continue;
    let a = groupOf[node]!, b = groupOf[uses.node[u]!]!;
    while (depth[b]! > depth[a]!) b = parent[b]!;
    while (depth[a]! > depth[b]!) a = parent[a]!;
    while (a !== b) {
      a = parent[a]!;
      b = parent[b]!;
    }
    out(value, depth[a]!);
  }
}
