import type { Node } from '../../../kernels/graph/graph.ts';
import { splitValue } from '../../../kernels/lowering/tensorflow/source.ts';

/**
 * Indices of the nodes so that each comes after what it reads and after its control inputs. The way back of a loop
 * (NextIteration → Merge) is no edge here. `cycles` names one node of each other cycle; its edge is left out too.
 */
export function executionOrder(nodes: readonly Node[], byName: ReadonlyMap<string, number>, controls: ReadonlyMap<string, readonly string[]>): { order: number[]; cycles: string[] } {
  const state = new Uint8Array(nodes.length), order: number[] = [], cycles: string[] = [];
  const before = (i: number): number[] => {
    const node = nodes[i]!, head = node.op === 'Merge' || node.op === 'RefMerge', found: number[] = [];
    for (const input of node.inputs) {
      const from = byName.get(splitValue(input).node);
      if (from === undefined) continue;
      const { op } = nodes[from]!;
      if (!(head && (op === 'NextIteration' || op === 'RefNextIteration'))) found.push(from);
    }
    for (const control of controls.get(node.name) ?? []) {
      const from = byName.get(control);
      if (from !== undefined) found.push(from);
    }
    return found;
  };
  for (let root = 0; root < nodes.length; root++) {
    if (state[root]) continue;
    state[root] = 1;
    const stack = [{ node: root, reads: before(root), at: 0 }];
    while (stack.length) {
      const top = stack[stack.length - 1]!;
      if (top.at === top.reads.length) {
        state[top.node] = 2;
        order.push(top.node);
        stack.pop();
        continue;
      }
      const next = top.reads[top.at++]!;
      if (state[next] === 2) continue;
      if (state[next] === 1) {
        cycles.push(nodes[next]!.name);
        continue;
      }
      state[next] = 1;
      stack.push({ node: next, reads: before(next), at: 0 });
    }
  }
  return { order, cycles };
}
