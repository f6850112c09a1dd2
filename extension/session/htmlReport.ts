import type { GradientReport } from '../protocol.ts';
import type { GradientSession } from './session.ts';
import { figure } from './figures.ts';

const escape = (text: string) => text.replace(/[&<>"]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);

/** One self-contained page, no network: target, marks and every value with its gradient, largest first. */
export async function htmlReport(session: GradientSession, report: GradientReport): Promise<string> {
  const rows = [...report.values].sort((a, b) => (b.gradient.summary?.l2 ?? -1) - (a.gradient.summary?.l2 ?? -1)).map(v => {
    const s = v.gradient.summary, why = v.gradient.because.map(b => `${b.reason} at ${b.node}`).join(', ');
    return `<tr><td>${escape(v.name)}</td><td>${v.kind}</td><td>${escape((v.shape ?? []).join('×'))}</td><td class="n">${s ? figure(s.nan || s.inf ? NaN : s.l2) : ''}</td><td class="n">${s ? figure(s.absMax) : ''}</td><td>${v.gradient.status}${why ? `: ${escape(why)}` : ''}</td></tr>`;
  });
  const marks = report.marks.map(m => `<li>${m.kind} (${m.class}) <b>${escape(m.value ?? m.node)}</b>: ${escape(m.why)}</li>`);
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Gradients of ${escape(session.model.path)}</title><style>
:root{color-scheme:light dark}body{font:14px/1.5 system-ui,sans-serif;margin:22px}table{border-collapse:collapse}td,th{padding:2px 12px 2px 0;text-align:left;border-bottom:1px solid #8884}
.n{text-align:right;font-variant-numeric:tabular-nums}</style></head><body><h1>${escape(report.target)} = ${figure(report.loss)}</h1>
<p>${escape(session.model.path)}, conventions ${report.conventions}, ${report.provider}. ${report.notes.map(escape).join(' ')}</p>
${marks.length ? `<h2>Marks</h2><ul>${marks.join('')}</ul>` : ''}<h2>Gradients</h2>
<table><thead><tr><th>Value</th><th>Kind</th><th>Shape</th><th class="n">L2 norm</th><th class="n">Largest</th><th>Status</th></tr></thead><tbody>${rows.join('\n')}</tbody></table></body></html>
`;
}
