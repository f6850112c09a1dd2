import { valuesOf } from '../../kernels/autodiff/differentiate.ts';
import { isQuantiser } from '../../kernels/findings/marks.ts';
import type { Role } from '../../kernels/findings/roles.ts';
import { readsOf, type Graph } from '../../kernels/graph/graph.ts';
import { producersOf } from '../../kernels/graph/passes.ts';
import type { ValueType } from '../../kernels/graph/types.ts';
import { NodeMark, STATUSES, UNKNOWN_STATUS, VALUE_KINDS, type DrawingGraph, type DrawingResults, type GradientReport, type GradientStatus } from '../protocol.ts';

/** "float32 64×3×7×7", as the drawing and the hovers write a type. */
export function typeText(type: ValueType | undefined): string {
  if (!type) return '';
  if (type.kind !== 'tensor') return `${type.kind} of ${typeText(type.element) || '?'}`;
  return type.shape ? `${type.dtype} ${type.shape.length ? type.shape.map(d => d ?? '?').join('×') : 'scalar'}` : type.dtype;
}

/** Where the parts of a drawing are found again by name. */
export interface DrawingIndex {
  readonly values: ReadonlyMap<string, number>;
  readonly nodes: ReadonlyMap<string, number>;
  /** `value\0node\0input` → use. */
  readonly uses: ReadonlyMap<string, number>;
}

class StringTable {
  readonly strings: string[] = [];
  private readonly index = new Map<string, number>();
  of(text: string): number {
    let i = this.index.get(text);
    if (i === undefined) this.index.set(text, (i = this.strings.push(text) - 1));
    return i;
  }
}

/** A graph as the typed arrays of the drawing. Constants that nobody sees are left out of the nodes. */
export function drawingOf(graph: Graph, roles: ReadonlyMap<string, Role>, title: string): { drawing: DrawingGraph; index: DrawingIndex } {
  const table = new StringTable(), producers = producersOf(graph), scopes = new ScopeTree(table);
  const drawn = graph.nodes.map((n, i) => [n, i] as const).filter(([n]) => n.op !== 'Constant');
  const position = new Map(drawn.map(([, i], at) => [i, at]));
  const values = valuesOf(graph), valueIndex = new Map(values.map((v, i) => [v, i]));
  const uses: { value: number; node: number; input: number }[] = [], useIndex = new Map<string, number>();
  drawn.forEach(([node], at) => {
    const seen = new Set(node.inputs);
    const add = (name: string, input: number) => {
      const value = valueIndex.get(name);
      if (value === undefined) return;
      useIndex.set(`${name}\0${node.name}\0${input}`, uses.length);
      uses.push({ value, node: at, input });
    };
    node.inputs.forEach((name, input) => add(name, input));
    for (const name of new Set(readsOf(node))) if (!seen.has(name)) add(name, -1);
  });
  const drawing: DrawingGraph = {
    title,
    nodes: {
      name: Uint32Array.from(drawn, ([n]) => table.of(n.name)),
      op: Uint32Array.from(drawn, ([n]) => table.of(n.op)),
      scope: Uint32Array.from(drawn, ([n]) => scopes.of(n.scope ?? [])),
      backwardOf: backwardTwins(drawn.map(([n]) => n)),
      mark: Uint8Array.from(drawn, ([n]) => structuralMark(n.op, n.domain, isQuantiser(n))),
    },
    scopes: scopes.build(),
    values: {
      name: Uint32Array.from(values, v => table.of(v)),
      producer: Int32Array.from(values, v => position.get(producers.get(v) ?? -1) ?? -1),
      kind: Uint8Array.from(values, v => VALUE_KINDS.indexOf(roles.get(v) ?? 'activation')),
      type: Uint32Array.from(values, v => table.of(typeText(graph.types.get(v)))),
    },
    uses: { value: Uint32Array.from(uses, u => u.value), node: Uint32Array.from(uses, u => u.node), input: Int32Array.from(uses, u => u.input) },
    outputs: Uint32Array.from(graph.outputs.flatMap(o => valueIndex.get(o.name) ?? [])),
    strings: table.strings,
  };
  return { drawing, index: { values: valueIndex, nodes: new Map(drawn.map(([n], i) => [n.name, i])), uses: useIndex } };
}

function structuralMark(op: string, domain: string, quantiser: boolean): number {
  if (domain === 'adjoint' && op === 'StopGradient') return NodeMark.stopGradient;
  if (domain === 'adjoint' && op === 'PreventGradient') return NodeMark.preventGradient;
  return quantiser ? NodeMark.fakeQuant : 0;
}

/** A training graph's own backward nodes: `gradients/X_grad/…` belongs to X. */
function backwardTwins(nodes: readonly { readonly name: string }[]): Int32Array {
  const byName = new Map(nodes.map((n, i) => [n.name, i]));
  return Int32Array.from(nodes, n => {
    const m = /(?:^|\/)gradients(?:_\d+)?\/(.+)_grad(?:\/|$)/.exec(n.name);
    return (m && byName.get(m[1]!)) ?? -1;
  });
}

class ScopeTree {
  private readonly names: number[] = [];
  private readonly parents: number[] = [-1];
  private readonly index = new Map<string, number>();
  constructor(private readonly table: StringTable) { this.names.push(table.of('')); }

  of(path: readonly string[]): number {
    let parent = 0, key = '';
    for (const part of path) {
      key += `/${part}`;
      let found = this.index.get(key);
      if (found === undefined) {
        found = this.names.push(this.table.of(part)) - 1;
        this.parents.push(parent);
        this.index.set(key, found);
      }
      parent = found;
    }
    return parent;
  }
  build(): DrawingGraph['scopes'] { return { name: Uint32Array.from(this.names), parent: Int32Array.from(this.parents) }; }
}

/** A report laid beside the drawing's values and uses. */
export function resultsOf(report: GradientReport, index: DrawingIndex, revision: number): DrawingResults {
  const n = index.values.size, m = index.uses.size, code = (s: GradientStatus) => STATUSES.indexOf(s);
  const results = {
    revision,
    valueStatus: new Uint8Array(n).fill(UNKNOWN_STATUS), valueNorm: new Float64Array(n), forwardNorm: new Float64Array(n), valueAbsMax: new Float64Array(n),
    valueZeroShare: new Float32Array(n), valueCount: new Float64Array(n), useStatus: new Uint8Array(m).fill(UNKNOWN_STATUS), useNorm: new Float64Array(m),
    target: index.values.get(report.target) ?? index.values.get(report.target.replace(/\[[^\]]*\]$/, '')) ?? -1,
  };
  const norm = (s: { nan: number; inf: number; l2: number } | undefined) => (!s ? 0 : s.nan ? NaN : s.inf ? Infinity : s.l2);
  for (const v of report.values) {
    const i = index.values.get(v.name);
    if (i === undefined) continue;
    const s = v.gradient.summary;
    results.valueStatus[i] = code(v.gradient.status);
    results.valueNorm[i] = norm(s);
    results.forwardNorm[i] = norm(v.forward?.summary);
    results.valueAbsMax[i] = s?.absMax ?? 0;
    results.valueZeroShare[i] = s && s.count ? s.zero / s.count : 0;
    results.valueCount[i] = s?.count ?? v.shape?.reduce((a, b) => a * b, 1) ?? 0;
  }
  for (const e of report.edges) {
    const i = index.uses.get(`${e.value}\0${e.node}\0${e.input}`);
    if (i === undefined) continue;
    results.useStatus[i] = code(e.status);
    results.useNorm[i] = norm(e.summary);
  }
  return results;
}
