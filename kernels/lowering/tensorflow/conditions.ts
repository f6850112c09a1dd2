import { EMPTY_GRAPH, readsOf, type Graph, type Node, type ValueInfo } from '../../graph/graph.ts';
import { sorted } from '../../graph/passes.ts';
import { renamedNode } from '../../graph/rename.ts';

const SWITCHES: ReadonlySet<string> = new Set(['Switch', 'RefSwitch']);
const MERGES: ReadonlySet<string> = new Set(['Merge', 'RefMerge']);

/** A graph whose frames and conditions do not have the form that `tf.while_loop` and `tf.cond` make. */
export class NotStructured extends Error {}

/** Under which outcomes of which conditions a node runs: condition → side (0 false, 1 true). */
type Guards = ReadonlyMap<string, number>;
const NONE: Guards = new Map();

/**
 * The nodes of one frame with `tf.cond` (Switch … Merge) as If nodes. A branch holds what its results need of the nodes that run under the
 * condition; two Ifs on one condition may both compute a value, as nothing of it leaves a branch but through a Merge.
 * @param nodes in order
 */
export function raisedConditions(nodes: readonly Node[], controlsOf: (node: Node) => readonly string[]): readonly Node[] {
  if (!nodes.some(n => SWITCHES.has(n.op))) return nodes;
  return new Conditions(nodes, controlsOf).run();
}

class Conditions {
  private readonly guards = new Map<string, Guards>();
  private readonly level = new Map<string, number>();
  private readonly producer = new Map<string, Node>();
  private readonly place = new Map<string, number>();
  /** Conditions of Merges. */
  private readonly conditionOf = new Map<string, string>();
  /** Outputs of Switches → what they switch. */
  private readonly switched = new Map<string, string>();

  constructor(private readonly nodes: readonly Node[], private readonly controlsOf: (node: Node) => readonly string[]) {
    nodes.forEach((node, i) => {
      this.place.set(node.name, i);
      for (const o of node.outputs) if (o) this.producer.set(o, node);
    });
    for (const node of nodes) {
      this.see(node);
      if (SWITCHES.has(node.op)) for (const o of node.outputs) if (o) this.switched.set(o, this.switched.get(node.inputs[0]!) ?? node.inputs[0]!);
    }
  }

  run(): readonly Node[] { return this.region(this.nodes, NONE); }

  /** The value that decides, behind Identities and Switches. */
  private decides(value: string): string {
    let v = value;
    for (let p = this.producer.get(v); p && (p.op === 'Identity' || SWITCHES.has(p.op)); p = this.producer.get(v)) v = p.inputs[0]!;
    return v;
  }

  private guardsOf(value: string): Guards {
    const node = this.producer.get(value), own = (node && this.guards.get(node.name)) ?? NONE;
    if (!node || !SWITCHES.has(node.op)) return own;
    return new Map([...own, [this.decides(node.inputs[1]!), node.outputs[1] === value ? 1 : 0]]);
  }

  private see(node: Node): void {
    let level = 0;
    const inputs = readsOf(node), controls = this.controlsOf(node);
    for (const v of inputs) level = Math.max(level, this.level.get(this.producer.get(v)?.name ?? '') ?? 0);
    for (const c of controls) level = Math.max(level, this.level.get(c) ?? 0);
    if (!MERGES.has(node.op)) {
      const all = new Map<string, number>();
      for (const v of inputs) for (const [k, side] of this.guardsOf(v)) all.set(k, side);
      for (const c of controls) for (const [k, side] of this.guards.get(c) ?? NONE) all.set(k, side);
      this.guards.set(node.name, all);
      this.level.set(node.name, level);
      return;
    }
    const [a, b] = node.inputs.map(v => this.guardsOf(v)) as [Guards, Guards], both = new Map<string, number>();
    let condition: string | undefined;
    for (const [k, side] of a) if (b.get(k) === side) both.set(k, side);
      else if (b.has(k)) condition = k;
    if (condition !== undefined) this.conditionOf.set(node.name, condition);
    this.guards.set(node.name, both);
    this.level.set(node.name, level + 1);
  }

  /** The nodes that run under exactly these guards, with an If for the Merges of each condition. */
  private region(nodes: readonly Node[], base: Guards): readonly Node[] {
    const here = (n: Node) => (this.guards.get(n.name)?.size ?? 0) <= base.size, groups = new Map<string, { condition: string; merges: Node[]; effects: Node[] }>();
    const group = (condition: string, level: number) => {
      const key = `${level}\n${condition}`;
      let found = groups.get(key);
      if (!found) groups.set(key, (found = { condition, merges: [], effects: [] }));
      return found;
    };
    const plain: Node[] = [];
    for (const node of nodes) {
      const condition = this.conditionOf.get(node.name);
      if (!here(node)) continue;
      if (condition !== undefined) group(condition, this.level.get(node.name)!).merges.push(node);
      else if (!SWITCHES.has(node.op)) plain.push(renamedNode(node, this.switched));
    }
    const taken = new Set<string>(), made = [...groups.values()].map(g => this.branching(g.condition, g.merges, base, taken));
    // What runs under a condition for its effect alone.
    const effects = nodes.filter(n => !here(n) && !taken.has(n.name) && hasEffect(n));
    for (const node of effects) {
      const condition = [...this.guards.get(node.name)!.keys()].find(k => !base.has(k))!;
      group(condition, -1 - (this.level.get(node.name) ?? 0)).effects.push(node);
    }
    const effectIfs = [...groups.values()].filter(g => g.effects.length).map(g => this.branching(g.condition, [], base, taken, g.effects));
    return sorted({ ...EMPTY_GRAPH, nodes: [...plain, ...made, ...effectIfs] }).nodes;
  }

  private branching(condition: string, merges: readonly Node[], base: Guards, taken: Set<string>, effects: readonly Node[] = []): Node {
    const branches = [1, 0].map(side => {
      const under: Guards = new Map([...base, [condition, side]]);
      const results = merges.map(m => m.inputs.find(v => this.guardsOf(v).get(condition) === side)!);
      const wanted = effects.filter(e => this.guards.get(e.name)!.get(condition) === side);
      const slice = this.slice(results, wanted, condition, side);
      for (const n of slice) if (hasEffect(n)) {
        if (taken.has(n.name)) throw new NotStructured(`${n.name} changes state for two results of a condition`);
        taken.add(n.name);
      }
      return {
        ...EMPTY_GRAPH, name: `${condition}/${side ? 'then' : 'else'}`, nodes: this.region(slice, under),
        outputs: results.map((v): ValueInfo => ({ name: this.switched.get(v) ?? v })),
      } satisfies Graph;
    });
    const first = merges[0] ?? effects[0]!;
    return {
      name: merges.length ? first.name : `${first.name}/If`, op: 'If', domain: first.domain, inputs: [condition], outputs: merges.map(m => m.outputs[0]!), ...(first.scope && { scope: first.scope }),
      attributes: { then_branch: { kind: 'graph', value: branches[0]! }, else_branch: { kind: 'graph', value: branches[1]! } },
    };
  }

  /** Nodes under one side of a condition that the values need, in order. */
  private slice(values: readonly string[], effects: readonly Node[], condition: string, side: number): Node[] {
    const found = new Set<Node>(), open: Node[] = [...effects];
    const see = (v: string) => {
      const p = this.producer.get(v);
      if (p && !found.has(p) && this.guards.get(p.name)?.get(condition) === side) open.push(p);
    };
    for (const v of values) see(v);
    for (let node = open.pop(); node; node = open.pop()) {
      if (found.has(node)) continue;
      found.add(node);
      for (const v of readsOf(node)) see(v);
    }
    return [...found].sort((a, b) => this.place.get(a.name)! - this.place.get(b.name)!);
  }
}

const EFFECT = /^(Stack(Push|Pop)|Assign|Resource(Apply|Scatter|Sparse)|Apply|SparseApply|Scatter(Add|Sub|Mul|Div|Update|Min|Max|NdUpdate|NdAdd|NdSub)$)/;
/** True for a node that changes state. */
export function hasEffect(node: Node): boolean {
  if (EFFECT.test(node.op)) return true;
  for (const a of Object.values(node.attributes)) if (a.kind === 'graph' && a.value.nodes.some(hasEffect)) return true;
  return false;
}
