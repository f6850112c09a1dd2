import { readsOf, type Attribute, type Graph, type Node, type ValueInfo } from '../../graph/graph.ts';
import { renamedNode } from '../../graph/rename.ts';
import { graphOf } from './bodies.ts';
import type { Part } from './frames.ts';
import { VARIABLES } from './sources.ts';

/** Inputs of an operator that are state which it changes: their number, from the first on. */
const WRITES: ReadonlyMap<string, number> = new Map<string, number>([
  ...['Assign', 'AssignAdd', 'AssignSub', 'AssignVariableOp', 'AssignAddVariableOp', 'AssignSubVariableOp', 'StridedSliceAssign', 'ResourceStridedSliceAssign'].map(op => [op, 1] as const),
  ...['Add', 'Sub', 'Mul', 'Div', 'Update', 'Min', 'Max', 'NdAdd', 'NdSub', 'NdUpdate', 'NdMin', 'NdMax'].flatMap(k => [[`Scatter${k}`, 1] as const, [`ResourceScatter${k}`, 1] as const]),
  ...['StackPush', 'StackPushV2', 'StackPop', 'StackPopV2'].map(op => [op, 1] as const),
  ...Object.entries({
    GradientDescent: 1, ProximalGradientDescent: 1, Momentum: 2, KerasMomentum: 2, Adagrad: 2, AdagradV2: 2, ProximalAdagrad: 2, AddSign: 2, PowerSign: 2, AdaMax: 3,
    Adam: 3, AdamWithAmsgrad: 4, AdagradDA: 3, Adadelta: 3, RMSProp: 3, CenteredRMSProp: 4, Ftrl: 3, FtrlV2: 3,
  }).flatMap(([k, n]) => ['Apply', 'ResourceApply', 'SparseApply', 'ResourceSparseApply'].map(p => [p + k, n] as const)),
]);
const STACKS: ReadonlySet<string> = new Set(['Stack', 'StackV2']);
/** Outputs before those that are state. */
const resultsBefore = (node: Node): number => (node.op.startsWith('Stack') ? 1 : 0);

/** A graph in which nothing changes state: what wrote a variable or a stack gives its new value, what reads it later takes that one. */
export interface Threaded extends Part {
  /** Variable → the value that it has when everything ran; those that nothing writes are not here. */
  readonly updates: ReadonlyMap<string, string>;
}

/**
 * A read takes the value of the last write that certainly comes before it (by data or control); where nothing orders the two, the old value.
 * A reference variable is read where it is used: `v/read` shares its memory.
 */
export function threaded(part: Part): Threaded {
  const { graph, controlInputs } = part, scope = new Scope(graph.nodes, controlInputs, () => undefined, new Map());
  return { graph: { ...graph, nodes: scope.run() }, controlInputs, updates: scope.finals };
}

interface Alias {
  /** The variable, handle or stack. */
  readonly key: string;
  /** A handle: other nodes may be given it under another name. */
  readonly handle: boolean;
}

class Scope {
  readonly finals = new Map<string, string>();
  private readonly aliases = new Map<string, Alias>();
  private readonly producer = new Map<string, number>();
  private readonly named = new Map<string, number>();
  /** Nodes that write a key, in order. */
  private readonly writers = new Map<string, number[]>();
  /** Value of a key after each of its writers. */
  private readonly values = new Map<string, string[]>();
  /** Number of writes of a key that surely come before each node. */
  private readonly versions = new Map<string, Int32Array>();

  constructor(
    private readonly nodes: readonly Node[], private readonly controls: ReadonlyMap<string, readonly string[]>,
    private readonly outer: (value: string) => Alias | undefined,
    /** What a key of the graphs around is called in here, where that is another value. */
    private readonly entry: ReadonlyMap<string, string>,
  ) {
    nodes.forEach((node, i) => {
      this.named.set(node.name, i);
      for (const o of node.outputs) if (o) this.producer.set(o, i);
    });
    nodes.forEach((node, i) => this.see(node, i));
  }

  alias(value: string): Alias | undefined { return this.aliases.get(value) ?? this.outer(value); }

  private see(node: Node, i: number): void {
    const first = node.outputs[0];
    if ((VARIABLES.has(node.op) || STACKS.has(node.op)) && first) this.aliases.set(first, { key: first, handle: node.op === 'VarHandleOp' || STACKS.has(node.op) });
    const from = node.op === 'Identity' || WRITES.has(node.op) ? this.alias(node.inputs[0]!) : undefined;
    if (from && first && !node.op.startsWith('Stack')) this.aliases.set(first, from);
    if (node.op === 'While') node.inputs.forEach((v, k) => {
      const a = this.alias(v), out = node.outputs[k];
      if (a?.handle && out) this.aliases.set(out, a);
    });
    for (const key of this.writtenBy(node)) {
      const list = this.writers.get(key);
      if (list) list.push(i);
      else this.writers.set(key, [i]);
    }
  }

  /** Keys of this graph or those around it that a node writes. */
  writtenBy(node: Node): ReadonlySet<string> {
    const keys = new Set<string>(), count = WRITES.get(node.op) ?? 0;
    for (let k = 0; k < count; k++) {
      const a = this.alias(node.inputs[k]!);
      if (a) keys.add(a.key);
    }
    for (const name in node.attributes) {
      const inner = graphOf(node, name);
      if (!inner) continue;
      const bound = new Map<string, Alias>();
      if (node.op === 'While') inner.inputs.forEach((v, k) => {
        const a = this.alias(node.inputs[k]!);
        if (a?.handle) bound.set(v.name, a);
      });
      const scope = new Scope(inner.nodes, this.controls, v => bound.get(v) ?? this.alias(v), new Map()), own = new Set(inner.nodes.flatMap(n => n.outputs));
      for (const key of scope.writers.keys()) if (!own.has(key)) keys.add(key);
    }
    return keys;
  }

  run(): Node[] {
    for (const [key, at] of this.writers) this.order(key, at);
    const made = this.nodes.map((node, i) => this.rewritten(node, i));
    for (const [key, list] of this.values) this.finals.set(key, list.at(-1)!);
    return made;
  }

  /** How many writes come before each node. */
  private order(key: string, at: readonly number[]): void {
    const before = new Int32Array(this.nodes.length), after = new Int32Array(this.nodes.length);
    for (let i = at[0]!, w = 0; i < this.nodes.length; i++) {
      const node = this.nodes[i]!;
      let n = 0;
      const see = (p: number | undefined) => { if (p !== undefined && p < i && after[p]! > n) n = after[p]!; };
      for (const v of readsOf(node)) see(this.producer.get(v));
      for (const c of this.controls.get(node.name) ?? []) see(this.named.get(c));
      if (at[w] === i) {
        before[i] = w;
        after[i] = ++w;
      } else before[i] = after[i] = n;
    }
    this.versions.set(key, before);
    this.values.set(key, at.map(() => ''));
  }

  /** The value of a key when node `i` runs. */
  private current(key: string, i: number): string {
    const version = this.versions.get(key)?.[i] ?? 0;
    return version === 0 ? this.entry.get(key) ?? key : this.values.get(key)![version - 1]!;
  }

  /** What node `i` reads when it reads `value`. */
  private read(value: string, i: number): string {
    const a = this.alias(value);
    if (!a) return value;
    const p = this.producer.get(value), made = p === undefined ? 0 : this.after(a.key, p), now = this.versions.get(a.key)?.[i] ?? 0;
    if (now === made && (now > 0 || p !== undefined || !this.entry.has(a.key))) return value;
    return this.current(a.key, i);
  }

  private after(key: string, i: number): number {
    const at = this.writers.get(key)?.indexOf(i) ?? -1;
    return at >= 0 ? at + 1 : this.versions.get(key)?.[i] ?? 0;
  }

  private rewritten(node: Node, i: number): Node {
    const count = WRITES.get(node.op) ?? 0;
    if (Object.values(node.attributes).some(a => a.kind === 'graph')) return this.structured(node, i);
    const inputs = node.inputs.map(v => this.read(v, i));
    if (!count) return inputs.every((v, k) => v === node.inputs[k]) ? node : { ...node, inputs };
    const outputs = [...node.outputs], first = resultsBefore(node);
    while (outputs.length < first) outputs.push('');
    for (let k = 0; k < count; k++) {
      const a = this.alias(node.inputs[k]!);
      if (!a) continue;
      inputs[k] = this.current(a.key, i);
      outputs[first + k] ||= k === 0 && first === 0 ? node.name : `${node.name}:state_${k}`;
      this.written(a.key, i, outputs[first + k]!);
    }
    for (let k = 0; k < outputs.length; k++) outputs[k] ??= '';
    return { ...node, inputs, outputs };
  }

  private written(key: string, i: number, value: string): void {
    this.values.get(key)![this.writers.get(key)!.indexOf(i)] = value;
  }

  private structured(node: Node, i: number): Node {
    const keys = [...this.writtenBy(node)].filter(k => this.writers.has(k));
    // What it only reads: the value of this moment.
    const now = new Map<string, string>();
    for (const v of readsOf(node)) {
      const a = this.alias(v), value = a && !keys.includes(a.key) ? this.read(v, i) : v;
      if (value !== v) now.set(v, value);
    }
    const current = renamedNode(node, now);
    return keys.length ? (node.op === 'While' ? this.loop(current, i, keys) : this.branches(current, i, keys)) : current;
  }

  private inner(graph: Graph, alias: (v: string) => Alias | undefined, entry: ReadonlyMap<string, string>): { nodes: Node[]; finals: ReadonlyMap<string, string> } {
    const scope = new Scope(graph.nodes, this.controls, alias, entry), nodes = scope.run();
    return { nodes, finals: scope.finals };
  }

  private branches(node: Node, i: number, keys: readonly string[]): Node {
    const attributes: Record<string, Attribute> = { ...node.attributes }, entry = new Map(keys.map(k => [k, this.current(k, i)]));
    for (const name in node.attributes) {
      const g = graphOf(node, name);
      if (!g) continue;
      const { nodes, finals } = this.inner(g, v => this.alias(v), entry);
      attributes[name] = { kind: 'graph', value: { ...g, nodes, outputs: [...g.outputs, ...keys.map((k): ValueInfo => ({ name: finals.get(k) ?? entry.get(k)! }))] } };
    }
    const states = keys.map((_, k) => `${node.name}:state_${k}`);
    keys.forEach((k, n) => this.written(k, i, states[n]!));
    return { ...node, attributes, outputs: [...node.outputs, ...states] };
  }

  /** State that goes in as an argument comes out as its result; state that the body sees from outside is carried beside the rest. */
  private loop(node: Node, i: number, keys: readonly string[]): Node {
    const cond = graphOf(node, 'cond')!, body = graphOf(node, 'body')!, given = new Map<string, number>(), bound = new Map<string, Alias>(), entry = new Map<string, string>();
    const inputs = [...node.inputs], outputs = [...node.outputs], bodyInputs = [...body.inputs], condInputs = [...cond.inputs], condNames = new Map<string, string>();
    node.inputs.forEach((v, k) => {
      const a = this.alias(v);
      if (!a?.handle || !keys.includes(a.key) || given.has(a.key)) return;
      given.set(a.key, k);
      bound.set(body.inputs[k]!.name, a);
      entry.set(a.key, body.inputs[k]!.name);
      inputs[k] = this.current(a.key, i);
      outputs[k] ||= `${node.name}:state_${k}`;
    });
    for (const key of keys) if (!given.has(key)) {
      const name = `${node.name}/carried/${key}`;
      given.set(key, inputs.length);
      entry.set(key, name);
      inputs.push(this.current(key, i));
      outputs.push(`${node.name}:state_${inputs.length}`);
      bodyInputs.push({ name });
      condInputs.push({ name });
      condNames.set(key, name);
    }
    const { nodes, finals } = this.inner(body, v => bound.get(v) ?? this.alias(v), entry);
    const results = [...body.outputs];
    for (const [key, k] of given) results[k] = { name: finals.get(key) ?? entry.get(key)! };
    for (const [key, k] of given) this.written(key, i, outputs[k]!);
    return {
      ...node, inputs, outputs,
      attributes: {
        ...node.attributes, cond: { kind: 'graph', value: { ...cond, inputs: condInputs, nodes: cond.nodes.map(n => renamedNode(n, condNames)) } },
        body: { kind: 'graph', value: { ...body, inputs: bodyInputs, nodes, outputs: results } },
      },
    };
  }
}
