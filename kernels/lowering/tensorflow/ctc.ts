import type { Tensor } from '../../graph/tensor.ts';
import { scan } from '../../operators/scan.ts';
import type { Family, LowerContext } from './context.ts';

/** Log of a probability that does not occur; finite, so that differences of two of them are numbers. */
const NEVER = -1e30;

/** The label sequence of each row with blanks between, and which places may be reached from two before. */
interface Extended { readonly labels: number[][]; readonly skips: number[][]; readonly lengths: number[]; readonly width: number }

function extended(c: LowerContext, batch: number, blank: number): Extended {
  const at = c.elements(1, 'the labels'), values = c.elements(2, 'the labels'), collapse = c.attributes.int('preprocess_collapse_repeated', 0) === 1;
  const rows = Array.from({ length: batch }, (): number[] => []);
  values.forEach((v, k) => {
    const row = rows[at[2 * k]!]!;
    if (!collapse || row.at(-1) !== v) row.push(v);
  });
  const width = 2 * Math.max(0, ...rows.map(r => r.length)) + 1, merge = c.attributes.int('ctc_merge_repeated', 1) === 1;
  const labels = rows.map(r => Array.from({ length: width }, (_, s) => (s % 2 === 1 ? r[(s - 1) / 2] ?? blank : blank)));
  const skips = labels.map(l => l.map((v, s) => (s >= 2 && s % 2 === 1 && (v !== l[s - 2] || !merge) ? 0 : NEVER)));
  return { labels, skips, lengths: rows.map(r => 2 * r.length + 1), width };
}

/** ln Σ e^x of tensors of one shape. What the maximum itself passes back cancels. */
function logSum(parts: readonly Tensor[]): Tensor {
  const { g } = parts[0]!, top = g.op('StopGradient', [g.op('Max', parts)], {}, { domain: 'adjoint' });
  return parts.map(p => g.op('Sub', [p, top]).exp()).reduce((a, b) => g.op('Add', [a, b])).log().add(top);
}

/** The row's places moved by `by`; what comes in cannot occur. */
function shifted(t: Tensor, by: number, width: number): Tensor {
  if (Math.abs(by) >= width) return t.zerosLike().add(NEVER);
  const rest = t.zerosLike().slice([0], [Math.abs(by)], [1]).add(NEVER);
  return by > 0 ? t.g.op('Concat', [rest, t.slice([0], [width - by], [1])], { axis: 1 }) : t.g.op('Concat', [t.slice([-by], [width], [1]), rest], { axis: 1 });
}

/**
 * Connectionist temporal classification (Graves 2006): −ln of the sum over all alignments, by the forward recursion over time; its second output,
 * the gradient, by the recursion backwards. The blank is the last class (V2: the first).
 */
function ctcLoss(c: LowerContext): readonly (Tensor | undefined)[] {
  const logits = c.x[0].dtype === 'float64' ? c.x[0] : c.x[0].cast('float32'), [steps, batch, classes] = c.shape(logits, 'a CTC loss') as [number, number, number], { dtype } = logits;
  const { labels, skips, lengths, width } = extended(c, batch, c.node.op === 'CTCLossV2' ? 0 : classes - 1), times = c.elements(3, 'the lengths of the sequences');
  const logs = c.op('LogSoftmax', [logits], { axis: 2 }), indices = c.op('Expand', [c.g.constant('int64', [1, batch, width], labels.flat()), c.ints([steps, batch, width])]);
  const emitted = c.op('GatherElements', [logs, indices], { axis: 2 }), table = (values: number[][]) => c.g.constant(dtype, [batch, width], values.flat());
  const skip = table(skips), live = c.g.constant('bool', [steps, batch, 1], Array.from({ length: steps * batch }, (_, k) => +(Math.floor(k / batch) < times[k % batch]!)));
  // Before the first step only the place before the first blank is occupied.
  const start = table(labels.map(() => Array.from({ length: width }, (_, s) => (s === 0 ? 0 : NEVER)))), first = c.g.constant('bool', [steps, 1, 1], Array.from({ length: steps }, (_, t) => +(t === 0)));
  const forward = scan(c.g, { states: [start], inputs: [emitted, live, first], reverse: false }, ([alpha], [e, on, one]) => {
    const before = alpha!, next = shifted(before, 1, width), two = shifted(before, 2, width), far = two.g.op('Add', [two, skip]);
    const reached = one!.where(logSum([before, next]), logSum([before, next, far])), moved = reached.g.op('Add', [reached, e!]);
    return { states: [on!.where(moved, before)], outputs: c.wantsOutput(1) ? [moved] : [] };
  });
  const ends = table(lengths.map(n => Array.from({ length: width }, (_, s) => (s === n - 1 || s === n - 2 ? 0 : NEVER)))), last = c.op('Add', [forward.states[0]!, ends]);
  const top = c.stopped(last.reduceMax([1], true)), total = c.op('Add', [c.op('Sub', [last, top]).exp().sum([1], true).log(), top]), loss = total.neg().reshape([batch]);
  if (!c.wantsOutput(1)) return [loss, undefined];
  // From the end: what follows a step is where it may go, each place with what it emits there. A step that is not there changes nothing.
  const skipBack = table(skips.map(row => row.map((_, s) => row[s + 2] ?? NEVER)));
  const { outputs: [after] } = scan(c.g, { states: [ends], inputs: [emitted, live], reverse: true }, ([beta], [e, on]) => {
    const ahead = beta!.g.op('Add', [beta!, e!]), far = shifted(ahead, -2, width);
    return { states: [on!.where(logSum([ahead, shifted(ahead, -1, width), far.g.op('Add', [far, skipBack])]), beta!)], outputs: [beta!] };
  });
  const posterior = c.op('Sub', [c.op('Add', [forward.outputs[0]!, after!]), total.unsqueeze([0])]).exp();
  const expected = c.op('ScatterElements', [logs.zerosLike(), indices, posterior], { axis: 2, reduction: 'add' });
  return [loss, live.where(c.op('Sub', [logs.exp(), expected]), 0)];
}

export const ctc: Family = { CTCLoss: ctcLoss, CTCLossV2: ctcLoss };
