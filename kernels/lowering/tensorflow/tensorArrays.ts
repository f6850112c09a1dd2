import type { Node } from '../../graph/graph.ts';
import type { ValueType } from '../../graph/types.ts';
import type { Part } from './frames.ts';

/** Operators on a TensorArray that take (handle, …, flow). */
const USES = /^TensorArray(Read|Write|Gather|Scatter|Size|Concat|Split)V3$/;
const PASSES: ReadonlySet<string> = new Set(['Identity', 'Enter', 'Exit', 'Switch', 'Merge', 'NextIteration', 'RefEnter', 'RefExit', 'RefSwitch', 'RefMerge', 'RefNextIteration']);

/**
 * TensorArrays without handles: the flow, a number that only orders reads and writes in TensorFlow, is the array itself. The gradient of an
 * array begins as zeros where it is made from the array's own flow, and goes on where it is made from the flow of a gradient: sums of flows,
 * which `tf.gradients` makes of several uses, are then sums of arrays, as they should be.
 */
export function withoutHandles(part: Part): Part {
  const { graph } = part;
  if (!graph.nodes.some(n => n.op === 'TensorArrayV3')) return part;
  const producer = new Map<string, Node>(), flows = new Set<string>(), nodes: Node[] = [];
  for (const n of graph.nodes) for (const o of n.outputs) if (o) producer.set(o, n);
  const origin = new Origins(producer, graph.nodes);
  for (const node of graph.nodes) {
    if (node.op === 'TensorArrayV3') nodes.push({ ...node, outputs: [node.outputs[1] ?? ''] });
    else if (node.op === 'TensorArrayGradV3') {
      const begins = origin.isArray(node.inputs[1]!);
      nodes.push({ ...node, op: begins ? 'ZerosLike' : 'Identity', inputs: [node.inputs[1]!], outputs: [flowOut(node)] });
    } else if (USES.test(node.op)) nodes.push({ ...node, inputs: [...node.inputs.slice(1, -1), origin.flowOf(node)] });
    else if (node.op !== 'TensorArrayCloseV3') nodes.push(node);
    else continue;
    const last = nodes.at(-1)!;
    if (/^TensorArray(Grad|Write|Scatter|Split)?V3$/.test(node.op)) flows.add(last.outputs[0]!);
  }
  // The file states what a flow is to TensorFlow, a scalar.
  for (let grew = true; grew;) {
    grew = false;
    for (const n of nodes) if ((PASSES.has(n.op) || n.op === 'AddN' || n.op === 'AddV2' || n.op === 'StackPushV2') && n.inputs.some(v => flows.has(v))) {
      for (const o of n.outputs) if (o && !flows.has(o)) {
        flows.add(o);
        grew = true;
      }
    }
  }
  const types = new Map<string, ValueType>([...graph.types].filter(([v]) => !flows.has(v)));
  return { graph: { ...graph, nodes, types }, controlInputs: part.controlInputs };
}

const flowOut = (grad: Node): string => grad.outputs[1] || `${grad.name}:1`;

/** Whether a flow is that of an array, or that of an array's gradient. */
class Origins {
  private readonly known = new Map<string, boolean>();
  private pushed: Map<string, string[]> | undefined;

  constructor(private readonly producer: ReadonlyMap<string, Node>, private readonly nodes: readonly Node[]) {}

  isArray(flow: string): boolean {
    const seen = this.known.get(flow);
    if (seen !== undefined) return seen;
    this.known.set(flow, false);
    const node = this.producer.get(flow), found = !!node && this.through(node);
    this.known.set(flow, found);
    return found;
  }

  /**
   * The flow that a node reads. On the array of a gradient TensorFlow names the flow that the gradient was made from (`gradient_flow`): here
   * it is the gradient itself.
   */
  flowOf(node: Node): string {
    const flow = node.inputs.at(-1)!, made = this.gradientOf(node);
    return made && this.behind(flow) === this.behind(made.inputs[1]!) ? flowOut(made) : flow;
  }

  /** The node that made the array's handle, where that is the array of a gradient. */
  private gradientOf(node: Node): Node | undefined {
    let made = this.producer.get(node.inputs[0]!);
    while (made && PASSES.has(made.op)) made = this.producer.get(made.inputs[0]!);
    return made?.op === 'TensorArrayGradV3' ? made : undefined;
  }

  private behind(value: string): string {
    let v = value;
    for (let p = this.producer.get(v); p?.op === 'Identity'; p = this.producer.get(v)) v = p.inputs[0]!;
    return v;
  }

  private through(node: Node): boolean {
    if (node.op === 'TensorArrayV3') return true;
    if (USES.test(node.op)) return !this.gradientOf(node) && this.isArray(node.inputs.at(-1)!);
    if (PASSES.has(node.op)) return node.op.endsWith('Merge') ? node.inputs.some(v => this.isArray(v)) : this.isArray(node.inputs[0]!);
    if (node.op === 'StackPopV2') return this.pushes(this.stack(node.inputs[0]!)).some(v => this.isArray(v));
    return false;
  }

  /** The stack behind a handle. */
  private stack(handle: string): string {
    let v = handle;
    for (let p = this.producer.get(v); p && PASSES.has(p.op); p = this.producer.get(v)) v = p.inputs[0]!;
    return v;
  }

  private pushes(stack: string): readonly string[] {
    if (!this.pushed) {
      this.pushed = new Map();
      for (const n of this.nodes) if (n.op === 'StackPushV2') {
        const at = this.stack(n.inputs[0]!), list = this.pushed.get(at);
        if (list) list.push(n.inputs[1]!);
        else this.pushed.set(at, [n.inputs[1]!]);
      }
    }
    return this.pushed.get(stack) ?? [];
  }
}
