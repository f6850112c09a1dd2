import { ints, UnknownShape, type Tensor } from '../graph/tensor.ts';
import { tensor, type Dim } from '../graph/types.ts';
import type { ExpandContext, Operator } from './operator.ts';
import { spliced } from './splice.ts';

/** [batch, length, heads · size] → [batch, heads, length, size]. */
export function splitHeads(t: Tensor, heads: number): Tensor {
  const shape = t.shape;
  if (!shape) throw new UnknownShape(t.name, 'splitting attention heads');
  return t.reshape([shape[0]!, shape[1]!, heads, shape[2]! / heads]).transpose([0, 2, 1, 3]);
}

/** [batch, heads, length, size] → [batch, length, heads · size]. */
export function joinHeads(t: Tensor): Tensor {
  const [b, h, l, d] = t.shape ?? [];
  if (b === undefined) throw new UnknownShape(t.name, 'joining attention heads');
  return t.transpose([0, 2, 1, 3]).reshape([b, l!, h! * d!]);
}

/** Each key or value head repeated for the query heads that share it. */
export function repeatHeads(t: Tensor, times: number): Tensor {
  if (times === 1) return t;
  const [b, h, l, d] = t.shape!;
  return t.unsqueeze([2]).expand([b!, h!, times, l!, d!]).reshape([b!, h! * times, l!, d!]);
}

/** The additive form of a mask: bool true = keep. */
export function additive(mask: Tensor, like: Tensor): Tensor {
  return mask.dtype === 'bool' ? mask.where(like.scalar(0), like.scalar(-Infinity)) : mask.cast(like.dtype);
}

/** 0 where key j ≤ query i + offset, −inf elsewhere. */
export function causalMask(like: Tensor, queries: number, keys: number, offset: number): Tensor {
  const rows = like.g.constant('int64', [queries, 1], Array.from({ length: queries }, (_, i) => i + offset));
  const columns = like.g.constant('int64', [1, keys], [...Array(keys).keys()]);
  return columns.le(rows).where(like.scalar(0), like.scalar(-Infinity));
}

/** A mask that covers only the first keys forbids the others. */
function coverKeys(mask: Tensor, keys: number): Tensor {
  const last = mask.shape?.at(-1);
  if (last === undefined || last >= keys || last === 1) return mask;
  const pads = Array<number>(2 * mask.rank!).fill(0);
  pads[pads.length - 1] = keys - last;
  return mask.g.op('Pad', [mask, ints(mask.g, pads), mask.scalar(-Infinity)]);
}

/** What Attention adds to its scores: the mask, the causal frontier, the window and the padding; −inf forbids. `undefined` = nothing. */
function attentionBias(c: ExpandContext, like: Tensor, queries: number, keys: number): Tensor | undefined {
  const { attributes: a, g } = c, [, , , mask, pastKey, , lengths] = c.x, parts: Tensor[] = [];
  const forbid = (allowed: Tensor) => { parts.push(allowed.where(like.scalar(0), like.scalar(-Infinity))); };
  const batched = lengths?.cast('int64').reshapeTo(ints(g, [-1, 1, 1, 1]));
  const column = g.constant('int64', [1, keys], [...Array(keys).keys()]), index = g.constant('int64', [queries, 1], [...Array(queries).keys()]);
  // The last key that a query sees by position: its own index after the valid keys before the block.
  const own = batched && !pastKey ? index.add(batched.sub(queries)) : index.add(pastKey?.shape?.[2] ?? 0);
  if (mask) parts.push(coverKeys(additive(mask, like), keys));
  if (a.int('is_causal', 0)) forbid(column.le(own));
  const left = a.int('left_window_size', -1), right = a.int('right_window_size', -1);
  if (left >= 0) forbid(column.ge(own.sub(left)));
  if (right >= 0) forbid(column.le(own.add(right)));
  if (batched) forbid(column.lt(batched));
  return parts.length ? parts.reduce((x, y) => x.add(y)) : undefined;
}

/** Attention-23 … 25: softmax(cap(√s·Q · √s·Kᵀ) + bias) · V, with past keys and values, grouped heads, padding lengths. A query that may see no key gets zeros. */
function attention(c: ExpandContext): readonly (Tensor | undefined)[] {
  const { attributes: a } = c, [q0, k0, v0, , pastKey, pastValue] = c.x, flat = q0!.rank === 3;
  const heads = (t: Tensor, n: number | undefined) => (flat ? splitHeads(t, n!) : t);
  const q = heads(q0!, a.int('q_num_heads'));
  let k = heads(k0!, a.int('kv_num_heads')), v = heads(v0!, a.int('kv_num_heads'));
  if (pastKey) k = c.op('Concat', [pastKey, k], { axis: 2 });
  if (pastValue) v = c.op('Concat', [pastValue, v], { axis: 2 });
  const [, qHeads, queries, size] = q.shape ?? [], [, kvHeads, keys] = k.shape ?? [];
  if (qHeads === undefined || kvHeads === undefined) throw new UnknownShape(q0!.name, 'Attention');
  const root = Math.sqrt(a.float('scale', 1 / Math.sqrt(size!))), times = qHeads / kvHeads, cap = a.float('softcap', 0);
  const product = q.mul(root).matmul(repeatHeads(k, times).mul(root).transposeLast()), capped = cap ? product.div(cap).tanh().mul(cap) : product;
  const bias = attentionBias(c, q, queries!, keys!);
  let scores = capped, weights: Tensor;
  if (bias) {
    scores = capped.add(bias);
    // Softmax over nothing is 0/0: such a row takes no part, forward and back.
    const empty = bias.reduceMax([-1], true).eq(-Infinity), some = c.op('Softmax', [empty.where(0, scores)], { axis: -1 });
    weights = empty.where(0, some);
  } else weights = c.op('Softmax', [scores], { axis: -1 });
  const y = weights.matmul(repeatHeads(v, times)), shown = [product, capped, scores, weights][a.int('qk_matmul_output_mode', 0)];
  return [flat ? joinHeads(y) : y, k, v, shown];
}

/** softmax(score_mod(Q·Kᵀ · scale)) through prob_mod · V, with shared key and value heads; the two functions are subgraphs. */
function flexAttention(c: ExpandContext): readonly Tensor[] {
  const { attributes: a, g } = c, [q, k, v] = c.x as [Tensor, Tensor, Tensor], [, heads, , size] = q.shape ?? [], kvHeads = k.shape?.[1];
  if (heads === undefined || kvHeads === undefined || !v.shape) throw new UnknownShape(q.name, 'FlexAttention');
  const shared = (t: Tensor) => repeatHeads(t, heads / kvHeads), precision = q.dtype === 'float64' ? 'float64' : 'float32';
  const through = (name: string, t: Tensor): Tensor => {
    const body = a.graph(name);
    return body ? spliced(g, body, [t], g.origin)[0]! : t;
  };
  const scores = through('score_mod', q.matmul(shared(k).transposeLast()).mul(a.float('scale', 1 / Math.sqrt(size!))).cast(precision));
  return [through('prob_mod', c.op('Softmax', [scores], { axis: -1 })).castLike(v).matmul(shared(v))];
}

/**
 * Pairs of elements of [batch, heads, length, size] turned by the angle of their position; elements beyond twice the tables' width stay.
 * @param positions [batch, length], rows of the tables; without it the tables are [batch, length, width] themselves
 */
export function turned(x: Tensor, cos: Tensor, sin: Tensor, positions: Tensor | undefined, interleaved: boolean, width = cos.shape!.at(-1)! * 2): Tensor {
  const { g } = x, [b, h, l, d] = x.shape!, pick = (table: Tensor) => (positions ? table.gather(positions, 0) : table).slice([0], [width / 2], [-1]).unsqueeze([1]);
  const co = pick(cos), si = pick(sin), part = x.slice([0], [width], [3]);
  let rotated: Tensor;
  if (interleaved) {
    const even = part.slice([0], [width], [3], [2]), odd = part.slice([1], [width], [3], [2]);
    rotated = g.op('Concat', [even.mul(co).sub(odd.mul(si)).unsqueeze([4]), even.mul(si).add(odd.mul(co)).unsqueeze([4])], { axis: 4 }).reshape([b!, h!, l!, width]);
  } else {
    const first = part.slice([0], [width / 2], [3]), second = part.slice([width / 2], [width], [3]);
    rotated = g.op('Concat', [first.mul(co).sub(second.mul(si)), first.mul(si).add(second.mul(co))], { axis: 3 });
  }
  return width < d! ? g.op('Concat', [rotated, x.slice([width], [d!], [3])], { axis: 3 }) : rotated;
}

/** RotaryEmbedding on [batch, heads, length, size] or [batch, length, heads · size]. */
function rotary(c: ExpandContext, input: Tensor, cos: Tensor, sin: Tensor, positions: Tensor | undefined): readonly Tensor[] {
  const { attributes: a } = c, shape = input.shape;
  if (!shape) throw new UnknownShape(input.name, 'RotaryEmbedding');
  const flat = shape.length === 3, width = a.int('rotary_embedding_dim', 0), heads = a.int('num_heads', 0) || (flat ? shape[2]! / (width || cos.shape!.at(-1)! * 2) : 0);
  const x = flat ? splitHeads(input, heads) : input, y = turned(x, cos, sin, positions, a.int('interleaved', 0) === 1, width || x.shape![3]!);
  return [flat ? joinHeads(y) : y];
}

/** y[t] = Σₖ w[k] · x[t − K + 1 + k] over each channel, with the last K − 1 inputs kept as state. */
function causalConv(c: ExpandContext): readonly Tensor[] {
  const [x, weight, bias, past] = c.x, [batch, channels, length] = x!.shape ?? [], k = weight!.shape?.at(-1);
  if (batch === undefined || k === undefined) throw new UnknownShape(x!.name, 'CausalConvWithState');
  const before = past ?? x!.scalar(0).expand([batch, channels!, k - 1]), all = c.op('Concat', [before, x], { axis: 2 });
  const y = c.op('Conv', [all, weight!.reshape([channels!, 1, k]), bias], { group: channels!, kernel_shape: [k] });
  const activation = c.attributes.string('activation', 'none');
  return [/silu|swish/.test(activation) ? y.mul(y.sigmoid()) : y, all.slice([length!], [length! + k - 1], [2])];
}

/** The recurrences of linear attention, one step after the other (static length): S ← decay·S + k·(v − correction)ᵀ, y = scale·q·S. */
function linearAttention(c: ExpandContext): readonly Tensor[] {
  const { attributes: a } = c, [q0, k0, v0, past, decay, beta] = c.x, rule = a.string('update_rule', 'gated_delta');
  const qHeads = a.int('q_num_heads', 0), kvHeads = a.int('kv_num_heads', 0), flat = q0!.rank === 3;
  const q = flat ? splitHeads(q0!, qHeads) : q0!, k = flat ? splitHeads(k0!, kvHeads) : k0!, v = flat ? splitHeads(v0!, kvHeads) : v0!;
  const [b, , length, dk] = q.shape ?? [], dv = v.shape?.[3];
  if (b === undefined || dv === undefined) throw new UnknownShape(q0!.name, 'LinearAttention');
  const kv = k.shape![1]!, scale = a.float('scale', 0) || 1 / Math.sqrt(dk!), at = (t: Tensor, i: number) => t.slice([i], [i + 1], [2]).reshape([b, t.shape![1]!, t.shape![3]!]);
  const headwise = (t: Tensor | undefined) => {
    if (!t) return undefined;
    const last = t.shape!.at(-1)!;
    return t.rank === 3 ? (last === kv || last === 1 ? t.transpose([0, 2, 1]).unsqueeze([3]) : splitHeads(t, kv)) : t;
  };
  const gate = headwise(decay), rate = headwise(beta);
  let state = past ?? q.scalar(0).expand([b, kv, dk!, dv]);
  const outputs: Tensor[] = [];
  for (let i = 0; i < length!; i++) {
    const key = at(k, i), value = at(v, i);
    if (gate && rule.includes('gated')) state = state.mul(at(gate, i).exp().unsqueeze([3]));
    let write = value;
    if (rule.includes('delta')) write = value.sub(key.unsqueeze([2]).matmul(state).squeeze([2]));
    if (rate && rule.includes('delta')) write = write.mul(at(rate, i));
    state = state.add(key.unsqueeze([3]).matmul(write.unsqueeze([2])));
    const shared = qHeads && qHeads !== kv ? repeatHeads(state, qHeads / kv) : state;
    outputs.push(at(q, i).mul(scale).unsqueeze([2]).matmul(shared));
  }
  const y = outputs.length === 1 ? outputs[0]! : c.op('Concat', outputs, { axis: 2 });
  return [flat ? joinHeads(y) : y, state];
}

const sameAs = (i: number): Operator['infer'] => c => [c.tensor(i) && tensor(c.tensor(i)!.dtype, c.tensor(i)!.shape)];

export const attentionOperators: readonly Operator[] = [
  {
    op: 'Attention', since: 23, expand: attention, formula: 'through softmax(QKᵀ·s + mask)·V', differentiable: ['Q', 'K', 'V', 'attn_mask', 'past_key', 'past_value'],
    infer: c => {
      const q = c.tensor(0), v = c.tensor(2), n = c.attributes;
      if (!q) return [undefined];
      if (!q.shape || !v?.shape) return [tensor(q.dtype)];
      const shape: Dim[] = [...q.shape];
      if (q.shape.length === 4) shape[3] = v.shape[3];
      else shape[2] = typeof v.shape[2] === 'number' ? (v.shape[2] / n.int('kv_num_heads', 1)) * n.int('q_num_heads', 1) : undefined;
      return [tensor(q.dtype, shape), tensor(q.dtype), tensor(q.dtype), tensor(q.dtype)];
    },
  },
  {
    op: 'FlexAttention', domain: 'ai.onnx.preview', native: false, expand: flexAttention, differentiable: ['Q', 'K', 'V'], formula: 'through softmax(score_mod(QKᵀ·scale))·V and its two functions',
    infer: c => {
      const q = c.tensor(0), v = c.tensor(2);
      return [q && tensor(q.dtype, q.shape && [...q.shape.slice(0, 3), v?.shape?.[3]])];
    },
  },
  {
    op: 'RotaryEmbedding', since: 23, infer: sameAs(0), formula: 'dX = dy turned back by the angle', differentiable: ['X', 'cos_cache', 'sin_cache'],
    expand: c => rotary(c, c.x[0]!, c.x[1]!, c.x[2]!, c.x[3]),
  },
  {
    op: 'RotaryEmbedding', domain: 'com.microsoft', infer: sameAs(0), formula: 'dX = dy turned back by the angle', differentiable: ['input', 'cos_cache', 'sin_cache'],
    expand: c => {
      // position_ids of one element are an offset: position = offset + index.
      const [x, positions, cos, sin] = c.x, length = x!.rank === 3 ? x!.shape?.[1] : x!.shape?.[2], batch = x!.shape?.[0];
      if (length === undefined) throw new UnknownShape(x!.name, 'RotaryEmbedding');
      const at = positions!.shape?.length === 1 ? positions!.add(c.g.constant('int64', [1, length], [...Array(length).keys()])).expand([batch!, length]) : positions!;
      return rotary(c, x!, cos!, sin!, at);
    },
  },
  {
    op: 'CausalConvWithState', since: 27, native: false, expand: causalConv, formula: 'through Conv over the state and the input', differentiable: ['input', 'weight', 'bias', 'past_state'],
    infer: c => [c.tensor(0) && tensor(c.tensor(0)!.dtype, c.tensor(0)!.shape), undefined],
  },
  {
    op: 'LinearAttention', since: 27, native: false, expand: linearAttention, formula: 'through its recurrence, step by step', differentiable: ['query', 'key', 'value', 'decay', 'beta', 'past_state'],
    infer: c => [c.tensor(0) && tensor(c.tensor(0)!.dtype)],
  },
  {
    op: 'SwiGLU', since: 27, native: false, formula: 'through A · σ(αA) · B', differentiable: ['A', 'B'],
    infer: sameAs(0),
    expand: c => {
      const [a, b] = c.x, alpha = c.attributes.float('alpha', 1);
      return [a!.mul(a!.mul(alpha).sigmoid()).mul(b!)];
    },
  },
];
