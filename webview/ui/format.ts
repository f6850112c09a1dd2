/**
 * Numbers and names as the design writes them: three significant digits, a true minus, `0` only if exact, powers of ten
 * below 0.01 and from 10,000.
 */
export function number(v: number): string {
  if (Number.isNaN(v)) return 'NaN';
  if (!Number.isFinite(v)) return v > 0 ? 'Inf' : '−Inf';
  if (v === 0) return '0';
  const size = Math.abs(v);
  const text = size >= 0.01 && Number(size.toPrecision(3)) < 10_000 ? String(Number(v.toPrecision(3))) : v.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
  return text.replaceAll('-', '−');
}

/** "12,418". */
export function integer(n: number): string {
  return Math.round(n).toLocaleString('en-US');
}

/** "74 %": whole above 10, one digit above 0.1, two below; never "0 %" unless nothing. */
export function percent(part: number, whole: number): string {
  const p = whole ? (100 * part) / whole : 0;
  if (p === 0) return '0 %';
  if (p < 0.005) return '< 0.01 %';
  return `${p.toFixed(p < 0.1 ? 2 : p < 10 ? 1 : 0).replace(/\.0$/, '')} %`;
}

/** "1 parameter", "12 parameters". */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${integer(n)} ${n === 1 ? one : many}`;
}

/** Cut in the middle, so that both ends can be read; `fits` decides with the font in force. */
export function cutMiddle(text: string, fits: (s: string) => boolean): string {
  if (fits(text)) return text;
  let low = 0, high = text.length - 1;
  const cut = (keep: number) => `${text.slice(0, Math.ceil(keep * 0.6))}…${text.slice(text.length - Math.floor(keep * 0.4))}`;
  while (low < high) {
    const mid = (low + high + 1) >> 1;
    if (fits(cut(mid))) low = mid;
    else high = mid - 1;
  }
  return cut(low);
}

/** The last part of a scoped name: the part after the last `/`, or after the last `.` of a module path. */
export function leaf(name: string): string {
  const slash = name.lastIndexOf('/');
  return slash >= 0 && slash < name.length - 1 ? name.slice(slash + 1) : name;
}
