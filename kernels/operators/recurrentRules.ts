import { ints, type Tensor } from '../graph/tensor.ts';
import { activationsOf, type Activation } from './recurrentActivations.ts';
import { ZERO, type PullbackContext, type PullbackEntry } from './operator.ts';
import { scan } from './scan.ts';

/** One direction of a recurrent node: its slices of weights, states and outputs. */
class Direction {
  readonly x: Tensor;
  readonly w: Tensor;
  readonly r: Tensor;
  /** Wb and Rb, each [gates · H]. */
  readonly wb: Tensor | undefined;
  readonly rb: Tensor | undefined;
  /** True at the steps [T, B, 1] that a sequence really has. */
  readonly mask: Tensor | undefined;
  private readonly clip: number | undefined;

  constructor(readonly c: PullbackContext, readonly d: number, readonly count: number, readonly gates: number, readonly hidden: number, readonly f: readonly Activation[]) {
    this.x = c.x[0]!;
    this.w = this.pick(c.x[1]!, 0);
    this.r = this.pick(c.x[2]!, 0);
    const b = c.x[3] && this.pick(c.x[3], 0), n = gates * hidden;
    this.wb = b?.slice([0], [n], [0]);
    this.rb = b?.slice([n], [2 * n], [0]);
    this.clip = c.attributes.float('clip');
    const lengths = c.x[4];
    if (lengths) this.mask = this.positions().lt(lengths.cast('int64').unsqueeze([0])).unsqueeze([2]);
  }

  /** The last step of the sequence comes first. */
  get reversed(): boolean { return this.d === 1 || this.c.attributes.string('direction', 'forward') === 'reverse'; }

  /** This direction's part of a tensor that has the directions on `axis`. */
  pick(t: Tensor, axis: number): Tensor {
    return (this.count === 1 ? t : t.slice([this.d], [this.d + 1], [axis])).squeeze([axis]);
  }
  private positions(): Tensor {
    const { g } = this.c, scalar = (v: number) => g.constant('int64', [], [v]);
    return this.c.op('Range', [scalar(0), this.x.dimTensor(0).squeeze([0]), scalar(1)]).unsqueeze([1]);
  }

  /** Zeros [B, H]. */
  zeros(): Tensor {
    const b = this.x.dims?.[1], zero = this.x.scalar(0);
    return typeof b === 'number' ? zero.expand([b, this.hidden]) : this.c.op('Expand', [zero, this.c.op('Concat', [this.x.dimTensor(1), ints(this.c.g, [this.hidden])], { axis: 0 })]);
  }

  /** An initial state [B, H], from input `i`. */
  initial(i: number): Tensor { return this.c.x[i] ? this.pick(this.c.x[i], 0) : this.zeros(); }

  /** The state before each step: the states [T, B, H] moved by one. */
  before(states: Tensor, i: number): Tensor {
    const first = this.initial(i).unsqueeze([0]);
    if (!this.reversed) return this.c.op('Concat', [first, states.slice([0], [-1], [0])], { axis: 0 });
    const moved = this.c.op('Concat', [states.slice([1], [2 ** 31], [0]), first], { axis: 0 });
    if (!this.mask || !this.c.x[i]) return moved;
    // A shorter sequence begins at its own last step.
    const last = this.positions().eq(this.c.x[4]!.cast('int64').sub(this.c.g.constant('int64', [], [1])).unsqueeze([0])).unsqueeze([2]);
    return last.where(first, moved);
  }

  split(t: Tensor, parts: number): Tensor[] { return this.c.g.ops('Split', [t], { axis: -1, num_outputs: parts }, { outputs: parts }); }
  join(...parts: Tensor[]): Tensor { return parts.length === 1 ? parts[0]! : parts[0]!.g.op('Concat', parts, { axis: -1 }); }
  /** The rows of gate `i` of a weight [gates · H, …]. */
  rows(t: Tensor, from: number, to: number): Tensor { return t.slice([from * this.hidden], [to * this.hidden], [0]); }

  /** An activation at a clipped argument: value, and derivative that is 0 where the clip holds and at steps that a sequence does not have. */
  gate(f: Activation, pre: Tensor): { y: Tensor; slope: Tensor } {
    const p = this.clipped(pre), y = f.value(p);
    let slope = f.derivative(p, y);
    if (this.clip !== undefined) slope = pre.abs().le(this.clip).where(slope, 0);
    return { y, slope };
  }
  clipped(pre: Tensor): Tensor {
    return this.clip === undefined ? pre : pre.max(-this.clip).min(this.clip);
  }

  /** `t` at real steps, `other` beyond a sequence's end. */
  live(t: Tensor, other: number): Tensor { return this.mask ? this.mask.where(t, other) : t; }

  /** Cotangent of Y's part, or `undefined`. */
  get dY(): Tensor | undefined { return this.c.dys[0] && this.live(this.pick(this.c.dys[0], 1), 0); }
  /** Cotangent of a last state: output `i`. */
  dLast(i: number): Tensor { return this.c.dys[i] ? this.pick(this.c.dys[i], 0) : this.zeros(); }
}

/** What one direction gives: pre-activation cotangents, for W's side and for R's side, and those of the initial states. */
interface DirectionGradient {
  /** [T, B, gates · H], summed by W, X and Wb. */
  readonly pre: Tensor;
  /** Groups of gates whose recurrent product has its own cotangent and its own left factor [T, B, H]. */
  readonly recurrent: readonly { readonly d: Tensor; readonly by: Tensor }[];
  readonly dH: Tensor;
  readonly dC?: Tensor;
  readonly dP?: Tensor;
}

const flat = (t: Tensor): Tensor => t.g.op('Flatten', [t], { axis: 2 });
const overSteps = (d: Tensor, by: Tensor): Tensor => d.g.op('Gemm', [flat(d), flat(by)], { transA: 1 });

/** The entries that the three operators share. */
function entries(c: PullbackContext, gates: number, activations: readonly string[], rule: (d: Direction) => DirectionGradient): readonly PullbackEntry[] {
  const bidirectional = c.attributes.string('direction', 'forward') === 'bidirectional', count = bidirectional ? 2 : 1;
  const hidden = c.attributes.int('hidden_size') ?? (c.x[2]!.dims?.[2] as number), f = activationsOf(c.attributes, activations, count);
  const directions = Array.from({ length: count }, (_, d) => new Direction(c, d, count, gates, hidden, f[d]!));
  let known: DirectionGradient[] | undefined;
  const gradients = () => (known ??= directions.map(rule));
  const stack = (part: (g: DirectionGradient, d: Direction) => Tensor) => {
    const parts = gradients().map((g, i) => part(g, directions[i]!).unsqueeze([0]));
    return parts.length === 1 ? parts[0]! : c.op('Concat', parts, { axis: 0 });
  };
  return [
    () => gradients().map((g, i) => g.pre.matmul(directions[i]!.w)).reduce((a, b) => a.add(b)),
    () => stack(g => overSteps(g.pre, c.x[0]!)),
    () => stack(g => {
      const parts = g.recurrent.map(({ d, by }) => overSteps(d, by));
      return parts.length === 1 ? parts[0]! : c.op('Concat', parts, { axis: 0 });
    }),
    () => stack(g => {
      const forW = g.pre.sum([0, 1]), forR = g.recurrent.length === 1 && g.recurrent[0]!.d.name === g.pre.name ? forW : c.op('Concat', g.recurrent.map(r => r.d.sum([0, 1])), { axis: 0 });
      return c.op('Concat', [forW, forR], { axis: 0 });
    }),
    undefined,
    () => stack(g => g.dH),
    () => (gradients()[0]!.dC ? stack(g => g.dC!) : ZERO),
    () => (gradients()[0]!.dP ? stack(g => g.dP!) : ZERO),
  ].slice(0, c.node.inputs.length);
}

/** X · Wᵀ + h · Rᵀ + Wb + Rb for all steps at once. */
function preActivations(d: Direction, h: Tensor): Tensor {
  const pre = d.x.matmul(d.w.transpose([1, 0])).add(h.matmul(d.r.transpose([1, 0])));
  return d.wb ? pre.add(d.wb.add(d.rb!)) : pre;
}

/** Passes a state's cotangent on unchanged at steps that a sequence does not have. */
const held = (live: Tensor | undefined, next: Tensor, d: Tensor): Tensor => (live ? live.where(next, d) : next);

export function rnnGradient(c: PullbackContext): readonly PullbackEntry[] {
  return entries(c, 1, ['Tanh'], d => {
    const y = d.pick(c.output(0), 1), h = d.before(y, 5), { slope } = d.gate(d.f[0]!, preActivations(d, h));
    const { dY, mask } = d, inputs = [d.live(slope, 0), ...(dY ? [dY] : []), ...(mask ? [mask] : [])];
    const { states: [dH], outputs: [pre] } = scan(c.g, { states: [d.dLast(1)], inputs, reverse: !d.reversed }, ([dh], [k, ...more]) => {
      const total = dY ? dh!.add(more.shift()!) : dh!, dpre = total.mul(k!);
      return { states: [held(mask && more.shift(), dpre.matmul(d.r), total)], outputs: [dpre] };
    });
    return { pre: pre!, recurrent: [{ d: pre!, by: h }], dH: dH! };
  });
}

export function gruGradient(c: PullbackContext): readonly PullbackEntry[] {
  const before = c.attributes.int('linear_before_reset', 0) === 1;
  return entries(c, 3, ['Sigmoid', 'Tanh'], d => {
    const h = d.before(d.pick(c.output(0), 1), 5), fromX = d.x.matmul(d.w.transpose([1, 0])), withBias = d.wb ? fromX.add(d.wb) : fromX;
    const [xz, xr, xh] = d.split(withBias, 3), rzr = d.rows(d.r, 0, 2), rh = d.rows(d.r, 2, 3);
    const bias = (t: Tensor, from: number, to: number) => (d.rb ? t.add(d.rows(d.rb, from, to)) : t);
    const [hz, hr] = d.split(bias(h.matmul(rzr.transpose([1, 0])), 0, 2), 2);
    const z = d.gate(d.f[0]!, xz!.add(hz!)), r = d.gate(d.f[0]!, xr!.add(hr!));
    const reset = before ? undefined : r.y.mul(h), hh = bias((reset ?? h).matmul(rh.transpose([1, 0])), 2, 3);
    const candidate = d.gate(d.f[1]!, xh!.add(before ? r.y.mul(hh) : hh));
    const kz = d.live(h.sub(candidate.y).mul(z.slope), 0), kh = d.live(z.y.rsub(1).mul(candidate.slope), 0);
    return before ? resetAfter(c, d, h, { kz, kh, kr: hh.mul(r.slope), r: r.y, z: z.y }) : resetBefore(c, d, h, { kz, kh, kr: h.mul(r.slope), r: r.y, z: z.y }, rzr, rh, reset!);
  });
}

interface GruFactors { readonly kz: Tensor; readonly kh: Tensor; readonly kr: Tensor; readonly r: Tensor; readonly z: Tensor }

/** linear_before_reset = 1: the reset gate multiplies h · Rhᵀ, so all three gates go back through R together. */
function resetAfter(c: PullbackContext, d: Direction, h: Tensor, k: GruFactors): DirectionGradient {
  const { dY } = d, factors = d.join(k.kz, k.kh.mul(k.kr), k.kh.mul(k.r)), inputs = [factors, d.live(k.z, 1), ...(dY ? [dY] : [])];
  const { states: [dH], outputs: [dr, totals] } = scan(c.g, { states: [d.dLast(1)], inputs, reverse: !d.reversed }, ([dh], [f, z, dy]) => {
    const total = dy ? dh!.add(dy) : dh!, dpre = d.join(total, total, total).mul(f!);
    return { states: [total.mul(z!).add(dpre.matmul(d.r))], outputs: [dpre, total] };
  });
  const [dz, dreset] = d.split(dr!, 3), candidate = totals!.mul(k.kh);
  return { pre: d.join(dz!, dreset!, candidate), recurrent: [{ d: dr!, by: h }], dH: dH! };
}

/** linear_before_reset = 0: the candidate's product with Rh has (r · h) on its left. */
function resetBefore(c: PullbackContext, d: Direction, h: Tensor, k: GruFactors, rzr: Tensor, rh: Tensor, reset: Tensor): DirectionGradient {
  const { dY } = d, inputs = [k.kz, k.kh, d.live(k.kr, 0), d.live(k.r, 0), d.live(k.z, 1), ...(dY ? [dY] : [])];
  const { states: [dH], outputs: [dzr, dcandidate] } = scan(c.g, { states: [d.dLast(1)], inputs, reverse: !d.reversed }, ([dh], [kz, kh, kr, r, z, dy]) => {
    const total = dy ? dh!.add(dy) : dh!, dc = total.mul(kh!), through = dc.matmul(rh), both = d.join(total.mul(kz!), through.mul(kr!));
    return { states: [total.mul(z!).add(through.mul(r!)).add(both.matmul(rzr))], outputs: [both, dc] };
  });
  return { pre: d.join(dzr!, dcandidate!), recurrent: [{ d: dzr!, by: h }, { d: dcandidate!, by: reset }], dH: dH! };
}

export function lstmGradient(c: PullbackContext): readonly PullbackEntry[] {
  const coupled = c.attributes.int('input_forget', 0) === 1;
  return entries(c, 4, ['Sigmoid', 'Tanh', 'Tanh'], d => {
    const h = d.before(d.pick(c.output(0), 1), 5), [pi, po, pf, pg] = d.split(preActivations(d, h), 4), [f, g, out] = d.f as [Activation, Activation, Activation];
    const p = c.x[7] && d.pick(c.x[7], 0), peep = p && [0, 1, 2].map(k => d.rows(p, k, k + 1)), candidate = d.gate(g, pg!);
    const cells = cellStates(d, f, coupled, [pi!, pf!], candidate.y, peep), previous = d.before(cells, 6);
    const looking = (t: Tensor, k: number, at: Tensor) => (peep ? t.add(peep[k]!.mul(at)) : t);
    const i = d.gate(f, looking(pi!, 0, previous)), forget = coupled ? undefined : d.gate(f, looking(pf!, 2, previous)), o = d.gate(f, looking(po!, 1, cells));
    const squashed = out.value(cells), slope = out.derivative(cells, squashed);
    const ki = d.live((coupled ? candidate.y.sub(previous) : candidate.y).mul(i.slope), 0), ko = d.live(squashed.mul(o.slope), 0);
    const kf = forget ? d.live(previous.mul(forget.slope), 0) : previous.zerosLike(), kg = d.live(i.y.mul(candidate.slope), 0);
    // What reaches c in a step, and c of the step before; the peepholes of o, i and f are part of both factors.
    const toCell = d.live(o.y.mul(slope), 0), kept = d.live(forget ? forget.y : i.y.rsub(1), 1);
    const intoCell = peep ? toCell.add(peep[1]!.mul(ko)) : toCell;
    const carry = peep ? [peep[0]!.mul(ki), ...(forget ? [peep[2]!.mul(kf)] : [])].reduce((a, b) => a.add(b), kept) : kept;
    const { dY, mask } = d, inputs = [intoCell, carry, d.join(ki, ko, kf, kg), ...(dY ? [dY] : []), ...(mask ? [mask] : [])];
    const { states: [dH, dC], outputs: [pre] } = scan(c.g, { states: [d.dLast(1), d.dLast(2)], inputs, reverse: !d.reversed }, ([dh, dc], [a, kc, k4, ...more]) => {
      const total = dY ? dh!.add(more.shift()!) : dh!, cell = dc!.add(total.mul(a!));
      const dpre = d.join(cell, total, cell, cell).mul(k4!);
      return { states: [held(mask && more.shift(), dpre.matmul(d.r), total), cell.mul(kc!)], outputs: [dpre] };
    });
    const peepholes = () => {
      const [di, dout, df] = d.split(pre!, 4);
      return c.op('Concat', [di!.mul(previous).sum([0, 1]), dout!.mul(cells).sum([0, 1]), df!.mul(previous).sum([0, 1])], { axis: 0 });
    };
    return { pre: pre!, recurrent: [{ d: pre!, by: h }], dH: dH!, dC: dC!, ...(p && c.wants(7) && { dP: peepholes() }) };
  });
}

/** c after each step: elementwise only, since all gates but for peepholes are known. */
function cellStates(d: Direction, f: Activation, coupled: boolean, [pi, pf]: [Tensor, Tensor], candidate: Tensor, peep: readonly Tensor[] | undefined): Tensor {
  const start = d.initial(6), { g } = d.c, { mask } = d;
  if (!peep) {
    const i = f.value(d.clipped(pi)), keep = d.live(coupled ? i.rsub(1) : f.value(d.clipped(pf)), 1), add = d.live(i.mul(candidate), 0);
    return scan(g, { states: [start], inputs: [keep, add], reverse: d.reversed }, ([c], [k, a]) => {
      const next = c!.mul(k!).add(a!);
      return { states: [next], outputs: [next] };
    }).outputs[0]!;
  }
  return scan(g, { states: [start], inputs: [pi, pf, candidate, ...(mask ? [mask] : [])], reverse: d.reversed }, ([c], [si, sf, sc, live]) => {
    const i = f.value(d.clipped(si!.add(c!.mul(peep[0]!)))), keep = coupled ? i.rsub(1) : f.value(d.clipped(sf!.add(c!.mul(peep[2]!))));
    const next = held(live, c!.mul(keep).add(i.mul(sc!)), c!);
    return { states: [next], outputs: [next] };
  }).outputs[0]!;
}
