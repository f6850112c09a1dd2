import type { Tensor } from '../../graph/tensor.ts';
import { scan } from '../../operators/scan.ts';
import type { Family, LowerContext } from './context.ts';

const mul = (a: Tensor, b: Tensor): Tensor => a.g.op('Mul', [a, b]);
const add = (a: Tensor, b: Tensor): Tensor => a.g.op('Add', [a, b]);
const sub = (a: Tensor, b: Tensor): Tensor => a.g.op('Sub', [a, b]);

/** Weights of an LSTM block. Peepholes are absent where the node does not use them. */
interface Lstm {
  readonly w: Tensor;
  readonly b: Tensor;
  readonly peepholes: readonly [Tensor, Tensor, Tensor] | undefined;
  readonly forget: number;
  readonly clip: number;
  /** Positions of i, c, f, o among the four quarters. */
  readonly order: readonly [number, number, number, number];
}
interface Gates { readonly i: Tensor; readonly cs: Tensor; readonly f: Tensor; readonly o: Tensor; readonly ci: Tensor; readonly co: Tensor; readonly h: Tensor }

/** lstm_ops.h: the quarters of [x, h]·w + b are i, c, f, o (V2 of the block: i, f, c, o). */
function lstmOf(c: LowerContext, w: Tensor, wci: Tensor, wcf: Tensor, wco: Tensor, b: Tensor): Lstm {
  const v2 = c.node.op.endsWith('V2'), { attributes: a } = c;
  return {
    w, b, peepholes: a.int('use_peephole', 0) ? [wci, wcf, wco] : undefined, forget: v2 ? 0 : a.float('forget_bias', 1),
    clip: a.float('cell_clip', v2 ? 0 : 3), order: v2 ? [0, 2, 1, 3] : [0, 1, 2, 3],
  };
}

function quarters(l: Lstm, t: Tensor): [Tensor, Tensor, Tensor, Tensor] {
  const parts = splitLast(t, 4);
  return l.order.map(k => parts[k]!) as [Tensor, Tensor, Tensor, Tensor];
}
/** Equal parts along the last axis. */
function splitLast(t: Tensor, n: number): Tensor[] {
  const size = t.shape?.at(-1) ?? (t.dims?.at(-1) as number), part = size / n;
  return Array.from({ length: n }, (_, k) => t.slice([k * part], [(k + 1) * part], [-1]));
}

function cell(l: Lstm, x: Tensor, before: Tensor, h: Tensor): Gates {
  const xh = x.g.op('Concat', [x, h], { axis: 1 }), [zi, zc, zf, zo] = quarters(l, add(x.g.op('MatMul', [xh, l.w]), l.b)), p = l.peepholes;
  const i = (p ? add(zi, mul(before, p[0])) : zi).sigmoid(), biased = l.forget ? zf.add(l.forget) : zf, f = (p ? add(biased, mul(before, p[1])) : biased).sigmoid(), ci = zc.tanh();
  const sum = add(mul(ci, i), mul(before, f)), cs = l.clip > 0 ? sum.max(-l.clip).min(l.clip) : sum;
  const o = (p ? add(zo, mul(cs, p[2])) : zo).sigmoid(), co = cs.tanh();
  return { i, cs, f, o, ci, co, h: mul(o, co) };
}

/** (seq_len_max, x [T, B, n], cs_prev, h_prev, w, wci, wcf, wco, b) → i, cs, f, o, ci, co, h, each [T, B, U]; steps past the length are zero. */
function blockLstm(c: LowerContext): readonly Tensor[] {
  const [length, x, cs, h, w, wci, wcf, wco, b] = c.x, l = lstmOf(c, w, wci, wcf, wco, b);
  const { outputs } = scan(c.g, { states: [cs, h], inputs: [x], reverse: false }, ([before, hidden], [step]) => {
    const g = cell(l, step!, before!, hidden!);
    return { states: [g.cs, g.h], outputs: [g.i, g.cs, g.f, g.o, g.ci, g.co, g.h] };
  });
  const steps = x.shape?.[0];
  if (length.data && steps !== undefined && length.data[0]! >= steps) return outputs;
  const t = c.op('Range', [c.scalar('int64', 0), c.op('Squeeze', [x.dimTensor(0)]), c.scalar('int64', 1)]), live = c.op('Less', [t, length.cast('int64')]).unsqueeze([1, 2]);
  return outputs.map(y => live.where(y, 0));
}

/** (x, cs_prev, h_prev, w, wci, wcf, wco, b) → i, cs, f, o, ci, co, h. */
function lstmCell(c: LowerContext): readonly Tensor[] {
  const [x, cs, h, w, wci, wcf, wco, b] = c.x, g = cell(lstmOf(c, w, wci, wcf, wco, b), x, cs, h);
  return [g.i, g.cs, g.f, g.o, g.ci, g.co, g.h];
}

/** (x, h_prev, w_ru, w_c, b_ru, b_c) → r, u, c, h. */
function gruCell(c: LowerContext): readonly Tensor[] {
  const [x, h, wru, wc, bru, bc] = c.x, both = (state: Tensor) => c.op('Concat', [x, state], { axis: 1 });
  const [r, u] = splitLast(add(c.op('MatMul', [both(h), wru]), bru).sigmoid(), 2) as [Tensor, Tensor];
  const candidate = add(c.op('MatMul', [both(mul(h, r)), wc]), bc).tanh();
  return [r, u, candidate, add(mul(u, h), mul(u.rsub(1), candidate))];
}

const dSigmoid = (y: Tensor): Tensor => mul(y, y.rsub(1));
const dTanh = (y: Tensor): Tensor => mul(y, y).rsub(1);

/** Cotangents of one step: of what came in, and of the gates before their activations (in the order of the weights). */
function cellBack(l: Lstm, g: Omit<Gates, 'h'>, before: Tensor, dcs: Tensor, dh: Tensor): { dgates: Tensor; dBefore: Tensor; parts: readonly [Tensor, Tensor, Tensor] } {
  const p = l.peepholes, dzo = mul(mul(dh, g.co), dSigmoid(g.o));
  let total = add(dcs, mul(mul(dh, g.o), dTanh(g.co)));
  if (p) total = add(total, mul(dzo, p[2]));
  const dzc = mul(mul(total, g.i), dTanh(g.ci)), dzf = mul(mul(total, before), dSigmoid(g.f)), dzi = mul(mul(total, g.ci), dSigmoid(g.i));
  let dBefore = mul(total, g.f);
  if (p) dBefore = add(dBefore, add(mul(dzi, p[0]), mul(dzf, p[1])));
  const inOrder: Tensor[] = [];
  [dzi, dzc, dzf, dzo].forEach((t, k) => { inOrder[l.order[k]!] = t; });
  return { dgates: before.g.op('Concat', inOrder, { axis: 1 }), dBefore, parts: [dzi, dzf, dzo] };
}

/** (x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, cs_grad, h_grad) → cs_prev_grad, dgates, wci_grad, wcf_grad, wco_grad. */
function lstmCellGrad(c: LowerContext): readonly Tensor[] {
  const [, before, , w, wci, wcf, wco, b, i, cs, f, o, ci, co, dcs, dh] = c.x as readonly Tensor[] as Tensor[];
  const r = cellBack(lstmOf(c, w!, wci!, wcf!, wco!, b!), { i: i!, cs: cs!, f: f!, o: o!, ci: ci!, co: co! }, before!, dcs!, dh!), rows = (t: Tensor) => t.sum([0]);
  return [r.dBefore, r.dgates, rows(mul(r.parts[0], before!)), rows(mul(r.parts[1], before!)), rows(mul(r.parts[2], cs!))];
}

/**
 * (seq_len_max, x, cs_prev, h_prev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, h, cs_grad, h_grad)
 * → x_grad, cs_prev_grad, h_prev_grad, w_grad, wci_grad, wcf_grad, wco_grad, b_grad: one Scan from the last step to the first.
 */
function blockLstmGrad(c: LowerContext): readonly Tensor[] {
  const [, x, csPrev, hPrev, w, wci, wcf, wco, b, i, cs, f, o, ci, co, h, dcs, dh] = c.x as readonly Tensor[] as Tensor[];
  const l = lstmOf(c, w!, wci!, wcf!, wco!, b!), n = c.shape(x!, 'the gradient of an LSTM')[2]!;
  const moved = (first: Tensor, all: Tensor) => c.op('Concat', [first.unsqueeze([0]), all.slice([0], [-1], [0])], { axis: 0 });
  const befores = moved(csPrev!, cs!), hiddens = moved(hPrev!, h!), wt = w!.transpose([1, 0]);
  const { states, outputs } = scan(c.g, { states: [csPrev!.zerosLike(), hPrev!.zerosLike()], inputs: [befores, i!, cs!, f!, o!, ci!, co!, dcs!, dh!], reverse: true }, ([dc, dhidden], s) => {
    const [before, si, scs, sf, so, sci, sco, sdcs, sdh] = s as Tensor[];
    const r = cellBack(l, { i: si!, cs: scs!, f: sf!, o: so!, ci: sci!, co: sco! }, before!, add(sdcs!, dc!), add(sdh!, dhidden!));
    const dxh = before!.g.op('MatMul', [r.dgates, wt]);
    return { states: [r.dBefore, dxh.slice([n], [2 ** 31 - 1], [1])], outputs: [r.dgates, dxh.slice([0], [n], [1]), r.parts[0], r.parts[1], r.parts[2]] };
  });
  const [dgates, dx, di, df, doo] = outputs as [Tensor, Tensor, Tensor, Tensor, Tensor], flat = (t: Tensor) => t.reshapeTo(c.op('Concat', [c.ints([-1]), c.op('Shape', [t], { start: 2 })], { axis: 0 }));
  const inputs = flat(c.op('Concat', [x!, hiddens], { axis: 2 }));
  const over = (t: Tensor) => t.sum([0, 1]);
  return [dx, states[0]!, states[1]!, c.op('MatMul', [inputs.transpose([1, 0]), flat(dgates)]), over(mul(di, befores)), over(mul(df, befores)), over(mul(doo, cs!)), over(dgates)];
}

/** (x, h_prev, w_ru, w_c, b_ru, b_c, r, u, c, d_h) → d_x, d_h_prev, d_c_bar, d_r_bar_u_bar. */
function gruCellGrad(c: LowerContext): readonly Tensor[] {
  const [x, h, wru, wc, , , r, u, candidate, dh] = c.x as readonly Tensor[] as Tensor[], n = c.shape(x!, 'the gradient of a GRU')[1]!, end = 2 ** 31 - 1;
  const dcBar = mul(mul(dh!, u!.rsub(1)), dTanh(candidate!)), duBar = mul(mul(dh!, sub(h!, candidate!)), dSigmoid(u!));
  const through = c.op('MatMul', [dcBar, wc!.transpose([1, 0])]), dhr = through.slice([n], [end], [1]), drBar = mul(mul(dhr, h!), dSigmoid(r!));
  const both = c.op('Concat', [drBar, duBar], { axis: 1 }), gates = c.op('MatMul', [both, wru!.transpose([1, 0])]);
  const dx = add(through.slice([0], [n], [1]), gates.slice([0], [n], [1])), dPrev = add(add(mul(dhr, r!), mul(dh!, u!)), gates.slice([n], [end], [1]));
  return [dx, dPrev, dcBar, both];
}

export const recurrent: Family = {
  BlockLSTM: blockLstm, BlockLSTMV2: blockLstm, LSTMBlockCell: lstmCell, GRUBlockCell: gruCell,
  BlockLSTMGrad: blockLstmGrad, BlockLSTMGradV2: blockLstmGrad, LSTMBlockCellGrad: lstmCellGrad, GRUBlockCellGrad: gruCellGrad,
};
