/** The tree of groups: scopes of the file, repeats of one structure, and where a file has no scopes runs found by structure. Linear in nodes and uses. */
import { VALUE_KINDS, type DrawingGraph } from '../../extension/protocol.ts';
import { mix, numberedRuns, periods } from './structure.ts';
import { GroupKind, type Hierarchy } from './types.ts';

/** A scope with fewer nodes has no box: its name stays in the node's. */
const LEAST_NODES = 4;
/** A group with more direct items than this is divided by structure. */
const MOST_ITEMS = 60;
/** A value with so many uses is drawn as a tag at each. */
const OFTEN = 8;

const PARAMETER = VALUE_KINDS.indexOf('parameter'), CONSTANT = VALUE_KINDS.indexOf('constant');

/** A group while the tree grows. Items are nodes (≥ 0) and groups (~index), in the order of their first nodes. */
interface Draft {
  readonly kind: number;
  readonly scope: number;
  label: string;
  items: number[];
  hash: number;
  readonly host: number;
}

export function buildHierarchy(graph: DrawingGraph): Hierarchy {
  return new HierarchyBuilder(graph).build();
}

class HierarchyBuilder {
  private readonly drafts: Draft[] = [];
  /** Backward parts by their forward node. They are no items: they go wherever their node goes. */
  private readonly parts = new Map<number, number>();
  private readonly nodes: number;
  private readonly uses: { readonly start: Uint32Array; readonly list: Uint32Array };

  constructor(private readonly graph: DrawingGraph) {
    this.nodes = graph.nodes.name.length;
    this.uses = usesByNode(graph);
  }

  build(): Hierarchy {
    const root = this.draft(GroupKind.scope, 0, '');
    this.placeNodes(root);
    this.finish(root);
    return this.flatten(root);
  }

  private draft(kind: number, scope: number, label: string, host = -1): number {
    return this.drafts.push({ kind, scope, label, items: [], hash: 0, host }) - 1;
  }

  /**
   * The forward node of each node of a backward pass. A sum of gradients that the file gives to no node belongs to the backward part
   * that reads it.
   */
  private hosts(): Int32Array {
    const { graph, uses, nodes } = this, host = graph.nodes.backwardOf.slice(), { value, node } = graph.uses, readers = new Int32Array(nodes).fill(-1);
    const fed = (n: number): boolean => {
      for (let k = uses.start[n]!; k < uses.start[n + 1]!; k++) {
        const from = graph.values.producer[value[uses.list[k]!]!]!;
        if (from >= 0 && graph.nodes.backwardOf[from]! >= 0) return true;
      }
      return false;
    };
    // readers: −1 nobody yet, −2 somebody outside of backward parts, else the part's forward node.
    for (let n = nodes - 1; n >= 0; n--) {
      if (host[n]! < 0 && readers[n]! >= 0 && fed(n)) host[n] = readers[n]!;
      for (let k = uses.start[n]!; k < uses.start[n + 1]!; k++) {
        const u = uses.list[k]!, from = graph.values.producer[value[u]!]!;
        if (from >= 0 && from < n && readers[from] !== -2) readers[from] = host[node[u]!]! >= 0 ? host[node[u]!]! : -2;
      }
    }
    return host;
  }

  /** Each node into the box of its scope, each backward part with its forward node. */
  private placeNodes(root: number): void {
    const { graph, nodes } = this, { parent, name } = graph.scopes, total = new Uint32Array(parent.length), only = new Int32Array(parent.length).fill(-1), direct = new Uint8Array(parent.length), host = this.hosts();
    for (let n = 0; n < nodes; n++) {
      if (host[n]! >= 0) continue;
      direct[graph.nodes.scope[n]!] = 1;
      for (let s = graph.nodes.scope[n]!; s >= 0; s = parent[s]!) total[s]!++;
    }
    // A scope that holds nothing but one other scope gives it its name and no box of its own.
    for (let s = parent.length - 1; s > 0; s--) if (total[s]! && only[parent[s]!] !== -2) only[parent[s]!] = only[parent[s]!] === -1 ? s : -2;
    const box = new Int32Array(parent.length).fill(-1), text = (s: number) => graph.strings[name[s]!]!;
    const label = (s: number): string => (s > 0 && !boxed(parent[s]!) && parent[s]! > 0 ? `${label(parent[s]!)}/${text(s)}` : text(s));
    const boxed = (s: number) => s === 0 || (total[s]! >= LEAST_NODES && (direct[s]! === 1 || only[s]! < 0 || total[only[s]!]! < LEAST_NODES));
    box[0] = root;
    const boxOf = (s: number): number => {
      if (box[s]! >= 0) return box[s]!;
      const outer = boxOf(parent[s]!);
      if (!boxed(s)) return (box[s] = outer);
      const made = this.draft(GroupKind.scope, s, label(s));
      this.drafts[outer]!.items.push(~made);
      return (box[s] = made);
    };
    const placed = new Uint8Array(nodes);
    for (let n = 0; n < nodes; n++) {
      const h = host[n]!;
      if (h >= 0 && h < n && placed[h]) {
        let part = this.parts.get(h);
        if (part === undefined) this.parts.set(h, (part = this.draft(GroupKind.backward, -1, `∇ ${graph.strings[graph.nodes.name[h]!]!.split('/').at(-1)!}`, h)));
        this.drafts[part]!.items.push(n);
      } else this.drafts[boxOf(graph.nodes.scope[n]!)]!.items.push(n);
      placed[n] = 1;
    }
  }

  /** Hashes from the leaves up; then siblings of one structure become repeats, long lists are divided. */
  private finish(group: number): void {
    const draft = this.drafts[group]!;
    for (const item of draft.items) if (item < 0) this.finish(~item);
    this.fold(draft);
    if (draft.items.length > MOST_ITEMS) this.divide(draft);
    draft.hash = this.hashOf(draft.items);
  }

  /** Neighbours of one structure whose names differ by a number become one repeat. */
  private fold(draft: Draft): void {
    const groups = draft.items.filter(i => i < 0 && this.drafts[~i]!.kind === GroupKind.scope).map(i => ~i);
    if (groups.length < 3) return;
    const into = new Map<number, number>();
    for (const run of numberedRuns(groups.map(id => ({ id, name: this.drafts[id]!.label, hash: this.drafts[id]!.hash })))) {
      const first = run[0]!.name, lastNumber = /(\d+)\D*$/.exec(run.at(-1)!.name)?.[1] ?? '', repeat = this.draft(GroupKind.repeat, -1, `${first} … ${lastNumber}`);
      this.drafts[repeat]!.items = run.map(r => ~r.id);
      this.drafts[repeat]!.hash = mix(run[0]!.hash, run.length);
      for (const r of run) into.set(r.id, repeat);
    }
    const seen = new Set<number>();
    draft.items = draft.items.flatMap(item => {
      const repeat = item < 0 ? into.get(~item) : undefined;
      if (repeat === undefined) return [item];
      return seen.has(repeat) ? [] : (seen.add(repeat), [~repeat]);
    });
  }

  /** A long list: repeats of a period first, what remains in pieces where fewest values cross. */
  private divide(draft: Draft): void {
    const tokens = Int32Array.from(draft.items, i => (i < 0 ? this.drafts[~i]!.hash : this.graph.nodes.op[i]! + 1)), crossing = this.crossings(draft.items), items: number[] = [];
    let at = 0;
    for (const { start, length, count } of periods(tokens, crossing)) {
      if (length < 2) continue;
      items.push(...draft.items.slice(at, start));
      const label = this.between(draft.items[start]!, draft.items[start + length - 1]!), repeat = this.draft(GroupKind.repeat, -1, label);
      for (let k = 0; k < count; k++) {
        const run = this.draft(GroupKind.run, -1, `${label} ${k + 1}`), from = start + k * length;
        this.drafts[run]!.items = draft.items.slice(from, from + length);
        if (length > MOST_ITEMS) this.divide(this.drafts[run]!);
        this.drafts[run]!.hash = this.hashOf(this.drafts[run]!.items);
        this.drafts[repeat]!.items.push(~run);
      }
      this.drafts[repeat]!.hash = this.hashOf(this.drafts[repeat]!.items);
      items.push(~repeat);
      at = start + length * count;
    }
    items.push(...draft.items.slice(at));
    draft.items = items;
    while (draft.items.length > MOST_ITEMS) draft.items = this.pieces(draft.items);
  }

  private pieces(items: readonly number[]): number[] {
    const size = Math.max(8, Math.ceil(items.length / Math.min(MOST_ITEMS / 2, Math.ceil(Math.sqrt(items.length))))), crossing = this.crossings(items), made: number[] = [];
    for (let from = 0; from < items.length;) {
      let to = Math.min(items.length, from + size);
      if (to < items.length) for (let cut = to; cut > from + size / 2; cut--) if (crossing[cut]! < crossing[to]!) to = cut;
      const run = this.draft(GroupKind.run, -1, this.between(items[from]!, items[to - 1]!));
      this.drafts[run]!.items = items.slice(from, to);
      this.drafts[run]!.hash = this.hashOf(this.drafts[run]!.items);
      made.push(~run);
      from = to;
    }
    return made;
  }

  /** "Conv … Relu". */
  private between(first: number, last: number): string {
    const name = (item: number): string => (item < 0 ? this.drafts[~item]!.label : this.graph.strings[this.graph.nodes.op[item]!]!);
    return first === last ? name(first) : `${name(first)} … ${name(last)}`;
  }

  /** How many values are alive between item i − 1 and item i. */
  private crossings(items: readonly number[]): Int32Array {
    const { graph, uses } = this, place = new Map<number, number>(), until = new Map<number, number>();
    items.forEach((item, at) => this.eachNode(item, n => void place.set(n, at)));
    items.forEach((item, at) => this.eachNode(item, n => {
      for (let u = uses.start[n]!; u < uses.start[n + 1]!; u++) {
        const value = graph.uses.value[uses.list[u]!]!;
        if (place.has(graph.values.producer[value]!)) until.set(value, Math.max(until.get(value) ?? 0, at));
      }
    }));
    const change = new Int32Array(items.length + 1);
    for (const [value, end] of until) {
      const from = place.get(graph.values.producer[value]!)!;
      if (end <= from) continue;
      change[from + 1]!++;
      if (end + 1 <= items.length) change[end + 1]!--;
    }
    for (let i = 1; i <= items.length; i++) change[i]! += change[i - 1]!;
    return change;
  }

  private eachNode(item: number, visit: (node: number) => void): void {
    if (item >= 0) {
      visit(item);
      const part = this.parts.get(item);
      if (part !== undefined) this.eachNode(~part, visit);
    } else for (const inner of this.drafts[~item]!.items) this.eachNode(inner, visit);
  }

  /** Operators and their wiring inside; what comes from outside counts as outside. */
  private hashOf(items: readonly number[]): number {
    const { graph, uses } = this, place = new Map<number, number>();
    let hash = items.length, at = 0;
    for (const item of items) {
      if (item < 0) {
        hash = mix(hash, this.drafts[~item]!.hash);
        at++;
        continue;
      }
      const part = this.parts.get(item);
      hash = mix(hash, graph.nodes.op[item]!);
      if (part !== undefined) hash = mix(hash, this.drafts[part]!.items.length);
      for (let u = uses.start[item]!; u < uses.start[item + 1]!; u++) {
        const from = place.get(graph.values.producer[graph.uses.value[uses.list[u]!]!]!);
        hash = mix(hash, from === undefined ? -1 : at - from);
      }
      place.set(item, at++);
    }
    return hash;
  }

  /** Arrays, parents before children. */
  private flatten(root: number): Hierarchy {
    const { graph, drafts, nodes } = this, ids: number[] = [], parents: number[] = [], depths: number[] = [], id = new Map<number, number>();
    const order = new Uint32Array(nodes), groupOf = new Uint32Array(nodes), first: number[] = [], last: number[] = [], structures = new Map<number, number>();
    let at = 0;
    const visit = (draft: number, parent: number, depth: number): void => {
      const mine = ids.push(draft) - 1;
      id.set(draft, mine);
      parents[mine] = parent;
      depths[mine] = depth;
      first[mine] = at;
      for (const item of drafts[draft]!.items) {
        if (item < 0) visit(~item, mine, depth + 1);
        else {
          groupOf[item] = mine;
          order[at++] = item;
          const part = this.parts.get(item);
          if (part !== undefined) visit(part, mine, depth + 1);
        }
      }
      last[mine] = at;
    };
    visit(root, -1, 0);
    const count = ids.length, childStart = new Uint32Array(count + 1), children: number[] = [], backward = new Int32Array(nodes).fill(-1);
    for (let g = 0; g < count; g++) {
      childStart[g] = children.length;
      const draft = drafts[ids[g]!]!;
      for (const item of draft.items) {
        const child = item < 0 ? ~item : this.parts.get(item);
        if (child !== undefined) children.push(id.get(child)!);
      }
      if (draft.host >= 0) backward[draft.host] = g;
    }
    childStart[count] = children.length;
    const of = <T>(take: (d: Draft) => T) => ids.map(d => take(drafts[d]!));
    return {
      count, parent: Int32Array.from(parents), kind: Uint8Array.from(of(d => d.kind)), depth: Uint16Array.from(depths), scope: Int32Array.from(of(d => d.scope)), label: of(d => d.label),
      childStart, children: Uint32Array.from(children), order, first: Uint32Array.from(first), last: Uint32Array.from(last), groupOf,
      structure: Uint32Array.from(of(d => structures.get(d.hash) ?? (structures.set(d.hash, structures.size), structures.size - 1))),
      host: Int32Array.from(of(d => d.host)), backward, ...this.parametersOf(), tagged: taggedUses(graph, groupOf), skip: this.skipped(ids, parents, groupOf),
    };
  }

  private parametersOf(): Pick<Hierarchy, 'parameterStart' | 'parameters'> {
    const { graph, uses, nodes } = this, parameterStart = new Uint32Array(nodes + 1), parameters: number[] = [];
    for (let n = 0; n < nodes; n++) {
      parameterStart[n] = parameters.length;
      for (let u = uses.start[n]!; u < uses.start[n + 1]!; u++) {
        const value = graph.uses.value[uses.list[u]!]!;
        if (graph.values.kind[value] === PARAMETER && parameters.indexOf(value, parameterStart[n]) < 0) parameters.push(value);
      }
    }
    parameterStart[nodes] = parameters.length;
    return { parameterStart, parameters: Uint32Array.from(parameters) };
  }

  /** How much of a name the boxes around it say already. */
  private skipped(ids: readonly number[], parents: readonly number[], groupOf: Uint32Array): Uint16Array {
    const { graph, drafts } = this, { scopes, strings } = graph, paths = new Map<number, string>();
    const path = (scope: number): string => {
      let p = paths.get(scope);
      if (p === undefined) paths.set(scope, (p = scope > 0 ? `${path(scopes.parent[scope]!)}${strings[scopes.name[scope]!]!}/` : ''));
      return p;
    };
    return Uint16Array.from(groupOf, (group, n) => {
      let g = group;
      while (g > 0 && drafts[ids[g]!]!.scope < 0) g = parents[g]!;
      const around = path(Math.max(0, drafts[ids[g]!]!.scope)), name = strings[graph.nodes.name[n]!]!;
      return name.startsWith(around) ? around.length : name.startsWith(`/${around}`) ? around.length + 1 : 0;
    });
  }
}

/** Uses in the order of the nodes. */
export function usesByNode({ nodes, uses }: DrawingGraph): { readonly start: Uint32Array; readonly list: Uint32Array } {
  const start = new Uint32Array(nodes.name.length + 1), list = new Uint32Array(uses.node.length);
  for (const n of uses.node) start[n + 1]!++;
  for (let n = 0; n < nodes.name.length; n++) start[n + 1]! += start[n]!;
  const next = start.slice();
  uses.node.forEach((n, u) => (list[next[n]!++] = u));
  return { start, list };
}

/**
 * Values used often are tags: masks, shapes, step counters, whatever goes to many groups. What many neighbours in few groups read keeps
 * its edges, because the gradient's way would be cut.
 */
function taggedUses({ uses, values, strings }: DrawingGraph, groupOf: Uint32Array): Uint8Array {
  const often = new Uint32Array(values.name.length), groups = new Uint32Array(values.name.length), lastGroup = new Int32Array(values.name.length).fill(-1);
  uses.value.forEach((v, u) => {
    const group = groupOf[uses.node[u]!]!;
    often[v]!++;
    if (lastGroup[v] !== group) { groups[v]!++; lastGroup[v] = group; }
  });
  return Uint8Array.from(uses.value, v => {
    if (values.kind[v] === PARAMETER || values.kind[v] === CONSTANT) return 0;
    const smooth = /^(b?float|double|complex)/.test(strings[values.type[v]!]!);
    return +(often[v]! >= OFTEN && (!smooth || groups[v]! >= OFTEN / 2 || values.producer[v]! < 0));
  });
}
