import type { Tensor } from '../graph/tensor.ts';
import { ZERO, type Operator } from './operator.ts';
import { broadcasting, like } from './shapes.ts';

/**
 * Gamma, beta and normal functions, which ONNX has not. Computed in float64 whatever their type: the formulas cancel.
 * Sources: Lanczos (g = 7), Abramowitz & Stegun 6.3.18, 6.4.12, 6.5.29, 26.5.4, Wichura AS 241.
 */
const LANCZOS = [0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];
/** Terms of a series: enough where the argument exceeds the parameter by less than about this. */
const TERMS = 256;

const wide = (x: Tensor): Tensor => x.cast('float64');
const mul = (a: Tensor, b: Tensor): Tensor => a.g.op('Mul', [a, b]);
/** Horner; the highest power first. */
const polynomial = (x: Tensor, [first = 0, second = 0, ...rest]: readonly number[]): Tensor => rest.reduce((p, c) => mul(p, x).add(c), x.mul(first).add(second));

/** ln Γ(x) for x > 0, through Γ(x + 1)/x. */
function lgammaPositive(x: Tensor): Tensor {
  const t = x.add(7.5), series = LANCZOS.slice(1).reduce((sum, c, i) => sum.add(x.add(i + 1).recip().mul(c)), x.scalar(LANCZOS[0]!));
  return mul(x.add(0.5), t.log()).sub(t).add(0.5 * Math.log(2 * Math.PI)).add(series.log()).sub(x.log());
}
/** Reflection: ln |Γ(x)| = ln π − ln |sin πx| − ln Γ(1 − x). */
function lgamma(x: Tensor): Tensor {
  const left = x.le(0), p = left.where(x.rsub(1), x), value = lgammaPositive(p);
  return left.where(left.where(x, 0.5).mul(Math.PI).sin().abs().log().add(value).rsub(Math.log(Math.PI)), value);
}

/** ψ for x > 0: eight steps up, then the asymptotic series. */
function digammaPositive(x: Tensor): Tensor {
  const z = x.add(8), r = mul(z, z).recip(), steps = Array.from({ length: 8 }, (_, k) => x.add(k).recip()).reduce((a, b) => a.add(b));
  const tail = mul(r, polynomial(r, [1 / 240, -1 / 252, 1 / 120, -1 / 12]));
  return z.log().sub(z.recip().mul(0.5)).add(tail).sub(steps);
}
function digamma(x: Tensor): Tensor {
  const left = x.le(0), p = left.where(x.rsub(1), x), turn = left.where(x, 0.5).mul(Math.PI);
  return left.where(digammaPositive(p).sub(turn.add(Math.PI / 2).sin().div(turn.sin()).mul(Math.PI)), digammaPositive(p));
}
function trigammaPositive(x: Tensor): Tensor {
  const z = x.add(8), i = z.recip(), r = mul(i, i), steps = Array.from({ length: 8 }, (_, k) => mul(x.add(k), x.add(k)).recip()).reduce((a, b) => a.add(b));
  return i.add(r.mul(0.5)).add(mul(mul(r, i), polynomial(r, [-1 / 30, 1 / 42, -1 / 30, 1 / 6]))).add(steps);
}
function trigamma(x: Tensor): Tensor {
  const left = x.le(0), p = left.where(x.rsub(1), x), s = left.where(x, 0.5).mul(Math.PI).sin(), value = trigammaPositive(p);
  return left.where(mul(s, s).recip().mul(Math.PI ** 2).sub(value), value);
}

/** The normal quantile (AS 241, PPND16). */
function ndtri(p: Tensor): Tensor {
  const ratio = (x: Tensor, a: readonly number[], b: readonly number[]) => polynomial(x, a).div(polynomial(x, b));
  const q = p.sub(0.5), central = q.abs().le(0.425), r = mul(q, q).rsub(0.180625);
  const middle = mul(q, ratio(r,
    [2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608],
    [5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1]));
  const tail = q.lt(0).where(p, p.rsub(1)), s = central.where(0.25, tail).log().neg().sqrt(), near = s.le(5);
  const close = ratio(s.sub(1.6),
    [7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734],
    [1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1]);
  const far = ratio(s.sub(5),
    [2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772],
    [2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1]);
  const outer = near.where(close, far);
  return central.where(middle, q.lt(0).where(outer.neg(), outer));
}

/** 0, 1, … along a new last axis. */
function numbers(like: Tensor): Tensor {
  return like.g.constant(like.dtype, [TERMS], Array.from({ length: TERMS }, (_, n) => n));
}
const last = (x: Tensor): Tensor => x.unsqueeze([-1]);

/** Terms of P(a, x) = Σ x^(a + n) e^(−x) / Γ(a + n + 1): all positive. */
function gammaTerms(a: Tensor, x: Tensor): { terms: Tensor; log: Tensor; order: Tensor } {
  const live = x.gt(0), order = last(a).g.op('Add', [last(a), numbers(a)]), log = last(live.where(x, 1).log());
  const terms = mul(order, log).sub(last(x)).sub(lgammaPositive(order.add(1))).exp();
  return { terms: last(live).where(terms, 0), log, order };
}
/** Far above the parameter the series would need more terms, and the function is 1. */
const farAbove = (a: Tensor, x: Tensor): Tensor => x.sub(a).gt(TERMS * 0.6);
function gammaP(a: Tensor, x: Tensor): Tensor {
  return farAbove(a, x).where(1, gammaTerms(a, x).terms.sum([-1]));
}
/** dP/da, term by term: ln x − ψ(a + n + 1). */
function gammaByParameter(a: Tensor, x: Tensor): Tensor {
  const { terms, log, order } = gammaTerms(a, x);
  return farAbove(a, x).where(0, mul(terms, log.sub(digammaPositive(order.add(1)))).sum([-1]));
}
/** The density x^(a − 1) e^(−x) / Γ(a). */
const gammaDensity = (a: Tensor, x: Tensor): Tensor => mul(a.sub(1), x.log()).sub(x).sub(lgammaPositive(a)).exp();

/** I_x(a, b) = x^a (1 − x)^b / (a B) Σ (a + b)_n / (a + 1)_n x^n, on the side where it converges fast. */
function incompleteBeta(a0: Tensor, b0: Tensor, x0: Tensor): Tensor {
  const swap = mul(x0, a0.add(b0).add(2)).gt(a0.add(1)), a = swap.where(b0, a0), b = swap.where(a0, b0), x = swap.where(x0.rsub(1), x0), live = x.gt(0), safe = live.where(x, 0.5);
  const n = numbers(a), sum = last(a.add(b)).g.op('Add', [last(a.add(b)), n]), next = last(a).g.op('Add', [last(a), n]).add(1);
  const log = lgammaPositive(sum).sub(lgammaPositive(next)).add(mul(n, last(safe.log()))), lead = mul(a, safe.log()).add(mul(b, safe.rsub(1).log())).sub(lgammaPositive(b));
  const value = live.where(log.add(last(lead)).exp().sum([-1]), 0);
  return swap.where(value.rsub(1), value);
}

function special(op: string, inputs: readonly string[], formula: string, f: (...x: Tensor[]) => Tensor, slopes: readonly (((x: readonly Tensor[], y: Tensor) => Tensor) | undefined)[]): Operator {
  return {
    op, domain: 'adjoint', native: false, differentiable: inputs.filter((_, i) => slopes[i]), formula, broadcasts: inputs.length > 1, infer: inputs.length > 1 ? broadcasting() : like(),
    expand: c => [f(...c.x.map(wide)).cast(c.x[0]!.dtype)],
    pullback: c => slopes.map(slope => () => (slope ? mul(c.dy, slope(c.x.map(wide), wide(c.y[0]!)).cast(c.dy.dtype)) : ZERO)),
  };
}

export const specialFunctions: readonly Operator[] = [
  special('Lgamma', ['x'], 'dx = ψ(x) dy', lgamma, [([x]) => digamma(x!)]),
  special('Digamma', ['x'], 'dx = ψ₁(x) dy', digamma, [([x]) => trigamma(x!)]),
  special('Ndtri', ['x'], 'dx = √(2π) e^(y²/2) dy', ndtri, [(_, y) => mul(y, y).mul(0.5).exp().mul(Math.sqrt(2 * Math.PI))]),
  special('Erfinv', ['x'], 'dx = √π/2 e^(y²) dy', x => ndtri(x.add(1).mul(0.5)).mul(Math.SQRT1_2), [(_, y) => mul(y, y).exp().mul(Math.sqrt(Math.PI) / 2)]),
  special('Igamma', ['a', 'x'], 'dx = x^(a−1) e^(−x)/Γ(a) dy, da = ∂P/∂a dy', gammaP, [([a, x]) => gammaByParameter(a!, x!), ([a, x]) => gammaDensity(a!, x!)]),
  special('Igammac', ['a', 'x'], 'dx = −x^(a−1) e^(−x)/Γ(a) dy, da = −∂P/∂a dy', (a, x) => gammaP(a, x).rsub(1), [([a, x]) => gammaByParameter(a!, x!).neg(), ([a, x]) => gammaDensity(a!, x!).neg()]),
  special('IgammaGradA', ['a', 'x'], 'no gradient', gammaByParameter, [undefined, undefined]),
  special('Betainc', ['a', 'b', 'x'], 'dx = x^(a−1) (1−x)^(b−1)/B(a, b) dy', incompleteBeta, [undefined, undefined, ([a, b, x]) =>
    mul(a!.sub(1), x!.log()).add(mul(b!.sub(1), x!.rsub(1).log())).sub(lgammaPositive(a!)).sub(lgammaPositive(b!)).add(lgammaPositive(a!.add(b!))).exp()]),
];
