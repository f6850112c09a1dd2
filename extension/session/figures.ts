/** Three significant digits as the drawing writes them: 0.0244, 6.3e−4, 1.2e5; 0 only if exact. */
export function figure(x: number): string {
  if (Number.isNaN(x)) return 'NaN';
  if (!Number.isFinite(x)) return x > 0 ? 'Inf' : '−Inf';
  if (x === 0) return '0';
  const a = Math.abs(x), text = a < 0.01 || a >= 10000 ? a.toExponential(1).replace('e+', 'e').replace('e-', 'e−') : String(Number(a.toPrecision(3)));
  return x < 0 ? `−${text}` : text;
}
