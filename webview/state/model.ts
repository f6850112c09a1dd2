/**
 * The graph that is drawn, with what is looked up again and again: outputs of a node, uses of a value, names, marks, and the
 * state that a cell shows.
 */
import { NodeMark, STATUSES, UNKNOWN_STATUS, VALUE_KINDS, type DrawingGraph, type DrawingResults, type FindingReport, type GradientStatus, type Mark, type RunFacts, type ValueKind, type WhatIf } from '../../extension/protocol.ts';
import type { GroupResults, Hierarchy } from '../layout/types.ts';

/** What a cell, a row or an edge shows. `plain`: nothing has been run, so that nothing is claimed. */
export type CellState = 'ok' | 'zero' | 'blocked' | 'dead' | 'nodiff' | 'unknown' | 'nan' | 'plain';

const STATE: Readonly<Record<GradientStatus, CellState>> = {
  computed: 'ok', zero: 'zero', blocked: 'blocked', unreachable: 'dead', 'not-differentiable': 'nodiff', unsupported: 'unknown', 'not-asked': 'unknown',
};

export function cellState(status: number, norm: number): CellState {
  return status === UNKNOWN_STATUS ? 'unknown' : cellStateOf(STATUSES[status]!, norm);
}
export function cellStateOf(status: GradientStatus, norm: number): CellState {
  const state = STATE[status];
  if (state !== 'ok') return state;
  return Number.isFinite(norm) ? (norm === 0 ? 'zero' : 'ok') : 'nan';
}

export class Model {
  hierarchy: Hierarchy | undefined;
  results: DrawingResults | undefined;
  groups: GroupResults | undefined;
  run: RunFacts | undefined;
  whatIf: WhatIf | undefined;
  findings: readonly FindingReport[] = [];
  private marks: Uint8Array;
  private readonly userStops = new Set<number>();
  readonly nodeCount: number;
  readonly valueCount: number;
  /** Uses of value v are `useOrder[useStart[v]] …`; those of node n are the run `nodeUseStart[n] …` of all uses. */
  readonly useStart: Uint32Array;
  readonly useOrder: Uint32Array;
  readonly nodeUseStart: Uint32Array;
  readonly outputStart: Uint32Array;
  readonly outputOrder: Uint32Array;
  private nodesByName: Map<string, number> | undefined;
  private valuesByName: Map<string, number> | undefined;

  constructor(readonly graph: DrawingGraph) {
    this.nodeCount = graph.nodes.name.length;
    this.valueCount = graph.values.name.length;
    [this.useStart, this.useOrder] = bucket(graph.uses.value, this.valueCount);
    this.nodeUseStart = bucket(graph.uses.node, this.nodeCount)[0];
    [this.outputStart, this.outputOrder] = bucket(graph.values.producer, this.nodeCount);
    this.marks = graph.nodes.mark.slice();
  }

  name(node: number): string { return this.graph.strings[this.graph.nodes.name[node]!]!; }
  op(node: number): string { return this.graph.strings[this.graph.nodes.op[node]!]!; }
  valueName(value: number): string { return this.graph.strings[this.graph.values.name[value]!]!; }
  type(value: number): string { return this.graph.strings[this.graph.values.type[value]!]!; }
  valueKind(value: number): ValueKind { return VALUE_KINDS[this.graph.values.kind[value]!]!; }
  mark(node: number): number { return this.marks[node]!; }
  isStop(node: number): boolean { return (this.marks[node]! & (NodeMark.stopGradient | NodeMark.preventGradient)) !== 0; }
  isQuantiser(node: number): boolean { return (this.marks[node]! & (NodeMark.fakeQuant | NodeMark.straightThrough)) !== 0; }
  hasUserStop(value: number): boolean { return this.userStops.has(value); }
  isRemoved(node: number): boolean { return this.whatIf?.removed.includes(node) ?? false; }

  /** Name as it stands in its box: what the boxes around it say is left out. */
  shortName(node: number): string {
    const name = this.name(node), skip = this.hierarchy?.skip[node] ?? 0;
    return name.slice(skip < name.length ? skip : 0) || this.op(node);
  }
  nodeNamed(name: string): number {
    this.nodesByName ??= new Map(Array.from({ length: this.nodeCount }, (_, i) => [this.name(i), i]));
    return this.nodesByName.get(name) ?? -1;
  }
  valueNamed(name: string): number {
    this.valuesByName ??= new Map(Array.from({ length: this.valueCount }, (_, i) => [this.valueName(i), i]));
    return this.valuesByName.get(name) ?? -1;
  }

  outputs(node: number): Uint32Array { return this.outputOrder.subarray(this.outputStart[node], this.outputStart[node + 1]); }
  usesOf(value: number): Uint32Array { return this.useOrder.subarray(this.useStart[value], this.useStart[value + 1]); }

  /** The value whose gradient a node's cell shows: an output with NaN first, else the first that has a gradient, else the first. */
  mainValue(node: number): number {
    const outputs = this.outputs(node);
    if (outputs.length < 2 || !this.results) return outputs[0] ?? -1;
    for (const want of ['nan', 'ok'] as const) for (const v of outputs) if (this.valueState(v) === want) return v;
    return outputs[0]!;
  }
  valueState(value: number): CellState {
    return value < 0 ? 'plain' : this.results ? cellState(this.results.valueStatus[value]!, this.results.valueNorm[value]!) : 'plain';
  }
  norm(value: number): number { return this.results?.valueNorm[value] ?? NaN; }
  useState(use: number): CellState {
    return this.results ? cellState(this.results.useStatus[use]!, this.results.useNorm[use]!) : 'plain';
  }

  /** New results and the marks that came with them. */
  setResults(results: DrawingResults, marks: readonly Mark[], findings: readonly FindingReport[], run: RunFacts | undefined): void {
    this.results = results;
    this.findings = findings;
    this.run = run;
    this.marks = this.graph.nodes.mark.slice();
    this.userStops.clear();
    for (const m of marks) {
      if (m.kind === 'user-stop') {
        const value = this.valueNamed(m.value ?? m.node);
        if (value >= 0) this.userStops.add(value);
        continue;
      }
      const node = this.nodeNamed(m.node);
      if (node < 0) continue;
      this.marks[node]! |= { 'stop-gradient': NodeMark.stopGradient, 'prevent-gradient': NodeMark.preventGradient, 'fake-quant': NodeMark.fakeQuant, 'straight-through': NodeMark.straightThrough }[m.kind]
        | (m.class === 'benign' ? NodeMark.benign : m.class === 'cuts-only-path' ? NodeMark.cutsOnlyPath : 0);
    }
  }

  /** Nodes with a finding, in topological order, without repeats: the stops of F8. */
  findingNodes(): number[] {
    const nodes = new Set<number>();
    for (const f of this.findings) {
      let node = f.node ? this.nodeNamed(f.node) : -1;
      if (node < 0 && f.value) {
        const value = this.valueNamed(f.value);
        if (value >= 0) node = this.graph.values.producer[value]! >= 0 ? this.graph.values.producer[value]! : this.usesOf(value).length ? this.graph.uses.node[this.usesOf(value)[0]!]! : -1;
      }
      if (node >= 0) nodes.add(node);
    }
    return [...nodes].sort((a, b) => a - b);
  }

  /** Groups from the root (left out) to the innermost that holds the node. */
  groupPath(group: number): number[] {
    const path: number[] = [];
    for (let g = group; g > 0; g = this.hierarchy!.parent[g]!) path.unshift(g);
    return path;
  }
  /** A group's name across versions of a file: the labels on the way to it. */
  groupKey(group: number): string { return this.groupPath(group).map(g => this.hierarchy!.label[g]).join('\u0001'); }
}

/** Counting sort of indices by key; keys below 0 are left out. */
function bucket(keys: ArrayLike<number>, count: number): [start: Uint32Array, order: Uint32Array] {
  const start = new Uint32Array(count + 1);
  for (let i = 0; i < keys.length; i++) if (keys[i]! >= 0) start[keys[i]! + 1]!++;
  for (let i = 0; i < count; i++) start[i + 1]! += start[i]!;
  const at = start.slice(), order = new Uint32Array(start[count]!);
  for (let i = 0; i < keys.length; i++) if (keys[i]! >= 0) order[at[keys[i]!]!++] = i;
  return [start, order];
}
