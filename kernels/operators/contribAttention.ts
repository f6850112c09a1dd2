import { ints, UnknownShape, type Tensor } from '../graph/tensor.ts';
import { tensor } from '../graph/types.ts';
import { causalMask, joinHeads, repeatHeads, splitHeads, turned } from './attention.ts';
import { contrib } from './contrib.ts';
import { Unsupported, type ExpandContext, type Operator } from './operator.ts';

/** Attention of com.microsoft (ONNX Runtime docs/ContribOperators.md), as products and a softmax. */

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** com.microsoft.Attention: one product gives Q, K and V; masks as lengths, 2-d, 3-d or 4-d 0/1 tensors; a past of [2, batch, heads, length, size]. */
function packedAttention(c: ExpandContext): readonly (Tensor | undefined)[] {
  const { attributes: a } = c, [x, w, b, mask, past, bias] = c.x, heads = a.int('num_heads', 1), length = x!.shape?.[1];
  if (length === undefined) throw new UnknownShape(x!.name, 'com.microsoft.Attention');
  if (a.int('do_rotary', 0)) throw new Unsupported(c.node.origin ?? c.node.name, 'the rotary form of com.microsoft.Attention');
  const all = b ? x!.matmul(w!).add(b) : x!.matmul(w!), total = w!.shape!.at(-1)!, sizes = a.ints('qkv_hidden_sizes') ?? [total / 3, total / 3, total / 3];
  const [q, k0, v0] = (c.g.ops('Split', [all, ints(c.g, sizes)], { axis: 2 }, { outputs: 3 }) as [Tensor, Tensor, Tensor]).map(t => splitHeads(t, heads)) as [Tensor, Tensor, Tensor];
  const before = (k: number) => past!.gather(c.g.constant('int64', [], [k]), 0), joined = (k: number, t: Tensor) => (past ? c.op('Concat', [before(k), t], { axis: 2 }) : t);
  const k = joined(0, k0), v = joined(1, v0), y = scaledDotProduct(c, [q, k, v], mask, bias, a.int('unidirectional', 0) === 1);
  return [y, c.wantsOutput(1) ? c.op('Concat', [k.unsqueeze([0]), v.unsqueeze([0])], { axis: 0 }) : undefined];
}

/** softmax(s · QKᵀ + bias + mask) · V; the queries are the last of the keys where there is a causal order. */
function scaledDotProduct(c: ExpandContext, [q, k, v]: readonly [Tensor, Tensor, Tensor], mask: Tensor | undefined, bias: Tensor | undefined, causal: boolean): Tensor {
  const scale = c.attributes.float('scale', 0) || 1 / Math.sqrt(q.shape!.at(-1)!), queries = q.shape![2]!, keys = k.shape?.[2];
  if (keys === undefined) throw new UnknownShape(k.name, c.node.op);
  let scores = q.matmul(k.transposeLast()).mul(scale);
  if (bias) scores = scores.add(bias);
  if (mask) scores = scores.add(keyMask(c, q, mask, keys));
  if (causal) scores = scores.add(causalMask(q, queries, keys, keys - queries));
  return joinHeads(c.op('Softmax', [scores], { axis: -1 }).matmul(v));
}

/** 0 where a key may be seen, the operator's filter value elsewhere. One number for each batch is a length; twice as many are ends and starts. */
function keyMask(c: ExpandContext, q: Tensor, mask: Tensor, keys: number): Tensor {
  const filter = c.attributes.float('mask_filter_value', -10000), [first] = mask.shape ?? [], batch = q.shape![0]!;
  let keep: Tensor;
  if (mask.rank === 1) {
    const columns = c.g.constant('int32', [1, keys], range(keys)), part = (k: number) => mask.slice([k * batch], [(k + 1) * batch], [0]).cast('int32').reshape([batch, 1]);
    if (first === 3 * batch + 2) throw new Unsupported(c.node.origin ?? c.node.name, 'cumulated lengths as the mask of attention');
    keep = columns.lt(part(0));
    if (first !== batch) keep = keep.and(columns.ge(part(1)));
    keep = keep.unsqueeze([1, 2]);
  } else {
    const given = mask.cast('bool');
    keep = mask.rank === 2 ? given.unsqueeze([1, 2]) : mask.rank === 3 ? given.unsqueeze([1]) : given;
  }
  return keep.where(q.scalar(0), q.scalar(filter));
}

/** The operands of MultiHeadAttention as [batch, heads, length, size]; key and value may be packed with the query ([B, L, N, 3, H]) or with each other ([B, L, N, 2, H]). */
function operandsOf(c: ExpandContext): [Tensor, Tensor, Tensor] {
  const [query, key, value, bias] = c.x, heads = c.attributes.int('num_heads', 1), shape = query!.shape;
  if (!shape) throw new UnknownShape(query!.name, 'MultiHeadAttention');
  const piece = (t: Tensor, k: number) => t.gather(c.g.constant('int64', [], [k]), 3).transpose([0, 2, 1, 3]);
  if (shape.length === 5) return [piece(query!, 0), piece(query!, 1), piece(query!, 2)];
  const hidden = shape[2]!, added = (t: Tensor, start: number) => (bias && t.rank === 3 ? t.add(bias.slice([start], [start + t.shape!.at(-1)!], [0])) : t);
  const split = (t: Tensor) => (t.rank === 4 ? t : splitHeads(t, heads)), q = split(added(query!, 0));
  if (key!.rank === 5) return [q, piece(key!, 0), piece(key!, 1)];
  return [q, split(added(key!, hidden)), split(added(value!, 2 * hidden))];
}

function multiHead(c: ExpandContext): readonly (Tensor | undefined)[] {
  const [, , , , mask, attentionBias, pastKey, pastValue] = c.x, [q, k0, v0] = operandsOf(c);
  const k = pastKey ? c.op('Concat', [pastKey, k0], { axis: 2 }) : k0, v = pastValue ? c.op('Concat', [pastValue, v0], { axis: 2 }) : v0;
  return [scaledDotProduct(c, [q, k, v], mask, attentionBias, c.attributes.int('unidirectional', 0) === 1), k, v];
}

/** Where each query and each key of GroupQueryAttention stands in its sequence, [batch, length] of int64, and how many keys count. */
interface Places { readonly queries: Tensor; readonly keys: Tensor; readonly past: Tensor; readonly total: Tensor }

/**
 * The past has room for `room` keys; of those the first `past` count, then come the new ones. A first prompt has none and is padded behind.
 * seqlens_k holds the number of keys less one for each sequence.
 */
function placesOf(c: ExpandContext, batch: number, length: number, room: number): Places {
  const { g } = c, total = c.x[5]!.cast('int64').reshape([batch, 1]).add(1), first = c.x[6]!.cast('int64').reshapeTo(ints(g, [1, 1])).eq(length);
  const past = first.where(0, total.sub(length)), fresh = g.constant('int64', [1, length], range(length)).add(past);
  const old = g.constant('int64', [1, room], range(room)), live = old.lt(past).where(old, -1);
  return { queries: fresh, keys: room ? c.op('Concat', [live, fresh], { axis: 1 }) : fresh, past, total };
}

/** GroupQueryAttention: causal, heads of keys shared by groups of queries, rotary positions, a sliding window, a cap, a sink. */
function groupQuery(c: ExpandContext): readonly (Tensor | undefined)[] {
  const { attributes: a, g } = c, [query, key, value, pastKey, pastValue, , , cos, sin, given, bias, sink] = c.x, heads = a.int('num_heads', 1), kv = a.int('kv_num_heads', 1);
  const [batch, length, width] = query!.shape ?? [];
  if (batch === undefined) throw new UnknownShape(query!.name, 'GroupQueryAttention');
  let parts: [Tensor, Tensor, Tensor];
  if (key) parts = [query!, key, value!];
  else {
    const size = width! / (heads + 2 * kv);
    parts = g.ops('Split', [query!, ints(g, [heads * size, kv * size, kv * size])], { axis: 2 }, { outputs: 3 }) as [Tensor, Tensor, Tensor];
  }
  let [q, k, v] = [splitHeads(parts[0], heads), splitHeads(parts[1], kv), splitHeads(parts[2], kv)];
  const size = q.shape![3]!, room = pastKey?.shape?.[2] ?? 0, places = placesOf(c, batch, length!, room);
  if (a.int('do_rotary', 0)) {
    const at = given?.shape?.[1] === length ? given! : places.queries, turn = (t: Tensor) => turned(t, cos!, sin!, at, a.int('rotary_interleaved', 0) === 1);
    [q, k] = [turn(q), turn(k)];
  }
  if (pastKey && room) [k, v] = [c.op('Concat', [pastKey, k], { axis: 2 }), c.op('Concat', [pastValue, v], { axis: 2 })];
  let scores = q.matmul(repeatHeads(k, heads / kv).transposeLast()).mul(a.float('scale', 0) || 1 / Math.sqrt(size));
  const cap = a.float('softcap', 0), window = a.int('local_window_size', -1), at = places.queries.unsqueeze([2]), of = places.keys.unsqueeze([1]);
  if (cap) scores = scores.div(cap).tanh().mul(cap);
  if (bias) scores = scores.add(bias);
  let seen = of.ge(0).and(of.le(at));
  if (window > 0) seen = seen.and(of.gt(at.sub(window)));
  scores = seen.unsqueeze([1]).where(scores, -Infinity);
  const smooth = sink ? sink.reshape([1, heads, 1, 1]).expand([batch, heads, length!, 1]) : a.int('smooth_softmax', 0) === 1 ? q.scalar(0).expand([batch, heads, length!, 1]) : undefined;
  // A sink is one more key that takes its share of the softmax and gives no value.
  const weights = smooth ? c.op('Softmax', [c.op('Concat', [scores, smooth], { axis: 3 })], { axis: -1 }).slice([0], [room + length!], [3]) : c.op('Softmax', [scores], { axis: -1 });
  const y = joinHeads(weights.matmul(repeatHeads(v, heads / kv)));
  const present = (t: Tensor) => laidOut(c, t, places, batch, kv, room, length!, size);
  return [y, c.wantsOutput(1) ? present(k) : undefined, c.wantsOutput(2) ? present(v) : undefined];
}

/** Keys or values as the operator hands them on: the new ones directly behind those of the past that count, zeros behind them. */
function laidOut(c: ExpandContext, t: Tensor, places: Places, batch: number, heads: number, room: number, length: number, size: number): Tensor {
  const total = c.x[6]!.data?.[0];
  if (room === 0) return t;
  if (total === undefined) throw new UnknownShape(c.x[6]!.name, 'the keys that GroupQueryAttention hands on');
  const slots = Math.max(total, room), slot = c.g.constant('int64', [1, slots], range(slots)), from = slot.lt(places.past).where(slot, slot.sub(places.past).add(room));
  const rows = from.min(room + length - 1).unsqueeze([1, 3]).expand([batch, heads, slots, size]);
  return slot.lt(places.total).unsqueeze([1, 3]).where(c.op('GatherElements', [t, rows], { axis: 2 }), 0);
}

const formula = 'through softmax(QKᵀ·s + mask)·V';

export const contribAttention: readonly Operator[] = [
  contrib('Attention', ['input', 'weights', 'bias', 'past', 'attention_bias'], formula, packedAttention, c => {
    const x = c.tensor(0), total = c.tensor(1)?.shape?.[1], sizes = c.attributes.ints('qkv_hidden_sizes');
    return [x && tensor(x.dtype, x.shape && [x.shape[0], x.shape[1], sizes?.[2] ?? (typeof total === 'number' ? total / 3 : undefined)]), x && tensor(x.dtype)];
  }),
  contrib('MultiHeadAttention', ['query', 'key', 'value', 'bias', 'attention_bias', 'past_key', 'past_value'], formula, multiHead, c => {
    const q = c.tensor(0), v = c.tensor(2), n = c.attributes.int('num_heads', 1);
    if (!q?.shape) return [q && tensor(q.dtype)];
    const [b, l, , , h] = q.shape, width = q.shape.length === 5 ? (typeof h === 'number' ? h * n : undefined) : v?.shape?.length === 3 ? v.shape[2] : q.shape[2];
    return [tensor(q.dtype, [b, l, width]), tensor(q.dtype), tensor(q.dtype)];
  }),
  contrib('GroupQueryAttention', ['query', 'key', 'value', 'past_key', 'past_value', 'cos_cache', 'sin_cache', 'attention_bias', 'head_sink'], formula, groupQuery, c => {
    const q = c.tensor(0), n = c.attributes.int('num_heads', 1), kv = c.attributes.int('kv_num_heads', 1);
    if (!q?.shape) return [q && tensor(q.dtype)];
    const [b, l, w] = q.shape, width = c.has(1) || typeof w !== 'number' ? w : (w / (n + 2 * kv)) * n;
    // ONNX Runtime's own inference says that the keys handed on are as many as the past has room for, which need not be so.
    const past = c.tensor(3)?.shape, total = c.data(6)?.[0], slots = c.has(3) ? (typeof past?.[2] === 'number' && total !== undefined ? Math.max(past[2], total) : undefined) : l;
    const size = typeof width === 'number' ? width / n : undefined, present = tensor(q.dtype, [b, kv, slots, size]);
    return [tensor(q.dtype, [b, l, width]), present, present];
  }),
];
