import type { Node } from '../../graph/graph.ts';
import { readAttributes, withAttributes, type Edit } from './edit.ts';

/** A shape of `dims` ones, where only the run knows how many. */
function ones(e: Edit, count: string): string {
  return e.emit('Expand', [e.ints([1]), count]);
}

/**
 * Before 7, `broadcast = 1` laid the second operand's axes against those of the first from `axis` on (without `axis`: the last ones).
 * Its shape is filled with ones at the end, which is what NumPy's rule then needs.
 */
export function legacyBroadcast(node: Node, e: Edit): Node {
  const a = readAttributes(node), plain = withAttributes(node, ['axis', 'broadcast']), axis = a.int('axis');
  if (!a.int('broadcast', 0) || axis === undefined) return plain;
  const [x, y] = node.inputs as [string, string], rankX = e.rank(x), rankY = e.rank(y);
  if (rankX !== undefined && rankY !== undefined) {
    const at = axis < 0 ? axis + rankX : axis, trailing = rankX - at - rankY;
    if (trailing <= 0) return plain;
    return { ...plain, inputs: [x, e.emit('Unsqueeze', [y, e.ints(Array.from({ length: trailing }, (_, i) => rankY + i))], {}, 1)] };
  }
  const rankOf = (v: string) => e.emit('Shape', [e.emit('Shape', [v])]);
  // A negative axis counts from the end: rank − axis − rankY is then −axis − rankY.
  const after = e.emit('Sub', [axis < 0 ? e.ints([-axis]) : e.emit('Sub', [rankOf(x), e.ints([axis])]), rankOf(y)]);
  const shape = e.emit('Concat', [e.emit('Shape', [y]), ones(e, after)], { axis: 0 });
  return { ...plain, inputs: [x, e.emit('Reshape', [y, shape], {}, 1)] };
}

/** Before 7 a slope vector belonged to the channels (axis 1). */
export function legacyPRelu(node: Node, e: Edit): Node {
  const [x, slope] = node.inputs as [string, string], rank = e.rank(x);
  if (e.rank(slope) !== undefined && e.rank(slope) !== 1) return node;
  if (rank !== undefined) {
    if (rank <= 2) return node;
    return { ...node, inputs: [x, e.emit('Unsqueeze', [slope, e.ints(Array.from({ length: rank - 2 }, (_, i) => i + 1))], {}, 1)] };
  }
  const trailing = e.emit('Sub', [e.emit('Shape', [e.emit('Shape', [x])]), e.ints([2])]);
  return { ...node, inputs: [x, e.emit('Reshape', [slope, e.emit('Concat', [e.ints([-1]), ones(e, trailing)], { axis: 0 })], {}, 1)] };
}
