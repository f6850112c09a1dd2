import type { GradientReport, Mark, ValueReport } from '../protocol.ts';
import { figure } from '../session/figures.ts';

/** The result for a terminal: loss, the largest and the smallest gradients of parameters, what is not computed, the marks. */
export function summaryText(report: GradientReport, rows = 6): string {
  const lines = [`${report.target} = ${figure(report.loss)}   (conventions ${report.conventions}, ${report.provider})`];
  if (report.targetWhy) lines.push(`target: ${report.targetWhy}`);
  for (const note of report.notes) lines.push(note);
  const computed = report.values.filter(v => v.gradient.summary && (v.kind === 'parameter' || v.kind === 'input'));
  const shown = computed.length ? computed : report.values.filter(v => v.gradient.summary);
  const sorted = [...shown].sort((a, b) => norm(b) - norm(a));
  const width = Math.min(48, Math.max(8, ...sorted.map(v => v.name.length)));
  const row = (v: ValueReport) => `  ${middle(v.name, width).padEnd(width)}  ${figure(norm(v)).padStart(9)}  ${(v.shape ?? []).join('×')}`;
  const largest = sorted.slice(0, rows), smallest = sorted.slice(rows).slice(-rows);
  lines.push('', `largest gradient norms (L2) of ${computed.length ? 'parameters and inputs' : 'values'}`, ...largest.map(row));
  if (smallest.length) lines.push('smallest', ...smallest.map(row));
  const others = new Map<string, number>();
  for (const v of report.values) if (v.kind === 'parameter' && v.gradient.status !== 'computed') others.set(v.gradient.status, (others.get(v.gradient.status) ?? 0) + 1);
  if (others.size) lines.push('', `parameters without a gradient: ${[...others].map(([s, n]) => `${n} ${s}`).join(', ')}`);
  if (report.marks.length) lines.push('', 'marks', ...report.marks.slice(0, 2 * rows).map(markLine));
  if (report.marks.length > 2 * rows) lines.push(`  … ${report.marks.length - 2 * rows} more`);
  return lines.join('\n');
}

const markLine = (m: Mark) => `  ${m.kind} (${m.class})  ${m.value ?? m.node}: ${m.why}`;

function norm(v: ValueReport): number {
  const s = v.gradient.summary!;
  return s.nan ? Infinity : s.inf ? Infinity : s.l2;
}

function middle(text: string, width: number): string {
  if (text.length <= width) return text;
  const half = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - half)}…${text.slice(-half)}`;
}
