import { type Graph, type Node, type ValueInfo } from '../../graph/graph.ts';
import { ancestorsOf, producersOf, sorted } from '../../graph/passes.ts';
import { renamedNode } from '../../graph/rename.ts';
import { NotStructured, raisedConditions } from './conditions.ts';

const ENTER: ReadonlySet<string> = new Set(['Enter', 'RefEnter']);
const EXIT: ReadonlySet<string> = new Set(['Exit', 'RefExit']);
const NEXT: ReadonlySet<string> = new Set(['NextIteration', 'RefNextIteration']);
const SWITCH: ReadonlySet<string> = new Set(['Switch', 'RefSwitch']);
const MERGE: ReadonlySet<string> = new Set(['Merge', 'RefMerge']);

/** A part of a graph with the control inputs of its nodes. */
export interface Part {
  readonly graph: Graph;
  readonly controlInputs: ReadonlyMap<string, readonly string[]>;
}

/** One execution frame: a loop of TensorFlow 1. */
interface Frame {
  readonly name: string;
  readonly parent: Frame | undefined;
  readonly depth: number;
  readonly nodes: Node[];
  readonly inner: Frame[];
}

/**
 * The graph with the dataflow control of TensorFlow 1 (Enter, Merge, LoopCond, Switch, NextIteration, Exit) as While and If with graphs
 * inside, in the form of `functions.ts`. Exits and Merges keep their names as results.
 * @throws NotStructured where the frames are of another make
 */
export function raised(part: Part): Part {
  if (!part.graph.nodes.some(n => SWITCH.has(n.op) || ENTER.has(n.op))) return part;
  return new Raiser(part).run();
}

class Raiser {
  private readonly names = new Map<string, string>();
  /** Node → the structured node that it is in, where that is another one. */
  private readonly within = new Map<string, string>();
  private readonly controls: Map<string, readonly string[]>;
  private readonly producers: ReadonlyMap<string, number>;

  constructor(private readonly part: Part) {
    this.controls = new Map(part.controlInputs);
    this.producers = producersOf(part.graph);
  }

  run(): Part {
    const top = this.frames(), nodes = this.region(top), graph = this.part.graph;
    return { graph: sorted({ ...graph, nodes: raisedConditions(nodes, n => this.controlsOf(n)) }), controlInputs: this.mapped() };
  }

  /** Finds the frame of each node: the deepest one of what it reads. */
  private frames(): Frame {
    const top: Frame = { name: '', parent: undefined, depth: 0, nodes: [], inner: [] }, frames = new Map<string, Frame>([['', top]]), of = new Map<string, Frame>();
    const { nodes } = this.part.graph;
    for (const node of nodes) {
      let frame = top;
      const see = (name: string | undefined) => {
        const f = name === undefined ? undefined : of.get(name);
        if (f && f.depth > frame.depth) frame = f;
      };
      for (const v of node.inputs) see(nodes[this.producers.get(v) ?? -1]?.name);
      for (const c of this.part.controlInputs.get(node.name) ?? []) see(c);
      if (ENTER.has(node.op)) {
        const a = node.attributes['frame_name'], name = `${frame.name}\n${a?.kind === 'string' ? a.value : ''}`;
        let child = frames.get(name);
        if (!child) {
          frames.set(name, (child = { name, parent: frame, depth: frame.depth + 1, nodes: [], inner: [] }));
          frame.inner.push(child);
        }
        frame = child;
        frame.nodes.push(node);
      } else {
        frame.nodes.push(node);
        if (EXIT.has(node.op)) frame = frame.parent ?? top;
      }
      of.set(node.name, frame);
    }
    return top;
  }

  /** The nodes of a frame, the loops in it as one node each; in order. */
  private region(frame: Frame, skip: ReadonlySet<Node> = new Set()): Node[] {
    const loops = frame.inner.flatMap(f => this.loop(f)), own = frame.nodes.filter(n => !skip.has(n));
    const names = new Map([...this.names.keys()].map(k => [k, this.to(k)])), nodes = [...own, ...loops].map(n => renamedNode(n, names));
    try {
      return [...sorted({ ...this.part.graph, nodes }).nodes];
    } catch (error) {
      throw new NotStructured((error as Error).message);
    }
  }

  private to(value: string): string {
    let v = value;
    for (let next = this.names.get(v); next !== undefined; next = this.names.get(v)) v = next;
    return v;
  }

  /** A frame as a While, with Identities for values that leave it twice. */
  private loop(frame: Frame): Node[] {
    const by = (ops: ReadonlySet<string>) => frame.nodes.filter(n => ops.has(n.op)), producer = (v: string) => this.part.graph.nodes[this.producers.get(v) ?? -1];
    const merges = by(MERGE).filter(m => m.inputs.some(v => NEXT.has(producer(v)?.op ?? ''))), loopCond = frame.nodes.find(n => n.op === 'LoopCond');
    if (!loopCond) throw new NotStructured(`the frame of ${frame.nodes[0]?.name} has no LoopCond`);
    const states = new Map<string, number>(), initial: string[] = [], next: string[] = [];
    for (const m of merges) {
      const back = m.inputs.find(v => NEXT.has(producer(v)?.op ?? ''))!, enter = m.inputs.map(producer).find(n => n && ENTER.has(n.op));
      if (!enter) throw new NotStructured(`the loop variable ${m.name} has no Enter`);
      states.set(m.outputs[0]!, initial.length);
      initial.push(enter.inputs[0]!);
      next.push(producer(back)!.inputs[0]!);
    }
    const entered = new Set(merges.flatMap(m => m.inputs));
    for (const e of by(ENTER)) if (!entered.has(e.outputs[0]!)) this.names.set(e.outputs[0]!, e.inputs[0]!);
    const test = loopCond.outputs[0]!, switches = by(SWITCH).filter(s => s.inputs[1] === test), exits: string[] = Array(initial.length).fill(''), more: Node[] = [];
    const name = loopCond.name.replace(/\/LoopCond$/, '') || loopCond.name, loopName = `${name}/While`;
    const leaving = new Map<string, string>();
    for (const s of switches) {
      if (s.outputs[1]) this.names.set(s.outputs[1], s.inputs[0]!);
      if (s.outputs[0]) leaving.set(s.outputs[0], s.inputs[0]!);
    }
    for (const e of by(EXIT)) {
      // tf.gradients puts Identities between a Switch and its Exit.
      let v = e.inputs[0]!;
      for (let p = producer(v); !leaving.has(v) && p?.op === 'Identity'; p = producer(v)) v = p.inputs[0]!;
      const from = leaving.get(v), at = from === undefined ? undefined : states.get(from);
      if (at === undefined) throw new NotStructured(`${e.name} takes no loop variable out`);
      if (exits[at] === '') exits[at] = e.outputs[0]!;
      else more.push({ ...e, op: 'Identity', inputs: [exits[at]!] });
    }
    const gone = new Set<Node>([...merges, ...switches, loopCond, ...by(ENTER), ...by(EXIT), ...by(NEXT)]);
    for (const n of frame.nodes) this.within.set(n.name, loopName);
    // What only leads to an Exit runs in no round.
    const all = this.region(frame, gone), inLoop = all.filter(n => !n.inputs.some(v => leaving.has(v)) || n.op !== 'Identity');
    const raisedNodes = sorted({ ...this.part.graph, nodes: raisedConditions(inLoop, n => this.controlsOf(n)) }).nodes;
    const { types } = this.part.graph, info = (v: string): ValueInfo => ({ name: v, ...(types.has(v) && { type: types.get(v)! }) });
    const base: Graph = { ...this.part.graph, name, nodes: raisedNodes, initializers: new Map(), inputs: [...states.keys()].map(info), outputs: [] };
    const condOutput = this.to(loopCond.inputs[0]!), cond = { ...base, outputs: [info(condOutput)] }, reached = ancestorsOf(cond, [condOutput]).nodes;
    const body = { ...base, outputs: next.map(v => info(this.to(v))) };
    const controls = new Set<string>();
    for (const n of frame.nodes) for (const c of this.controls.get(n.name) ?? []) controls.add(c);
    this.controls.set(loopName, [...controls]);
    const loop: Node = {
      name: loopName, op: 'While', domain: frame.nodes[0]!.domain, inputs: initial, outputs: exits, ...(loopCond.scope && { scope: loopCond.scope }),
      attributes: { cond: { kind: 'graph', value: { ...cond, nodes: cond.nodes.filter((_, i) => reached[i]) } }, body: { kind: 'graph', value: body } },
    };
    return [loop, ...more];
  }

  /** Control inputs of a node; those that lie in a loop beside it stand for the loop. */
  private controlsOf(node: Node): readonly string[] { return this.controls.get(node.name) ?? []; }

  /** Control inputs with the loops that nodes went into, for order between structured nodes. */
  private mapped(): ReadonlyMap<string, readonly string[]> {
    const outermost = (n: string): string => {
      let name = n;
      for (let up = this.within.get(name); up !== undefined && up !== name; up = this.within.get(name)) name = up;
      return name;
    };
    return new Map([...this.controls].map(([node, list]) => [node, [...new Set(list.flatMap(c => (outermost(c) === c ? [c] : [c, outermost(c)])))].filter(c => c !== node)]));
  }
}
