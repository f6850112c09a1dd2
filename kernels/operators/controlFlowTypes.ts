import type { Graph } from '../graph/graph.ts';
import { tensor, type ValueType } from '../graph/types.ts';
import { norm } from './shapes.ts';

/** What two types have in common: dimensions that differ are unknown. No elements: they may differ from run to run. */
export function common(a: ValueType | undefined, b: ValueType | undefined): ValueType | undefined {
  if (!a || !b) return a ?? b;
  if (a.kind !== 'tensor' || b.kind !== 'tensor') return a;
  if (!a.shape || !b.shape || a.shape.length !== b.shape.length) return tensor(a.dtype);
  return tensor(a.dtype, a.shape.map((d, i) => (d === b.shape![i] ? d : undefined)));
}

/** The type without elements. */
export const plain = (t: ValueType | undefined): ValueType | undefined => (t?.kind === 'tensor' ? tensor(t.dtype, t.shape) : t);

type Body = (graph: Graph, inputs: readonly (ValueType | undefined)[]) => readonly (ValueType | undefined)[];

/**
 * Types of a Loop body's inputs that hold in every iteration: a dimension that a round changes is unknown.
 * @param initial types of the loop-carried values before the first round
 */
export function loopInputTypes(body: Graph, initial: readonly (ValueType | undefined)[], run: Body): (ValueType | undefined)[] {
  let states = initial.map(plain);
  for (let round = 0; round < 4; round++) {
    const after = run(body, [tensor('int64', []), tensor('bool', []), ...states]).slice(1, 1 + states.length);
    const next = states.map((s, i) => common(s, after[i]));
    if (next.every((t, i) => JSON.stringify(t) === JSON.stringify(states[i]))) break;
    states = next;
  }
  return [tensor('int64', []), tensor('bool', []), ...states];
}

/** Types of a Scan body's inputs: states as they are, scanned inputs without the axis. */
export function scanInputTypes(inputs: readonly (ValueType | undefined)[], scans: number, axes: readonly number[] | undefined): (ValueType | undefined)[] {
  const states = inputs.length - scans;
  return inputs.map((t, i) => {
    if (t?.kind !== 'tensor' || i < states) return plain(t);
    if (!t.shape) return tensor(t.dtype);
    const axis = norm(axes?.[i - states] ?? 0, t.shape.length);
    return tensor(t.dtype, t.shape.filter((_, a) => a !== axis));
  });
}
