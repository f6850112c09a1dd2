import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UserError } from '../../kernels/graph/errors.ts';
import type { GradientReport, ReportPage } from '../protocol.ts';
import { nodeCard } from './cards.ts';
import { resultsOf } from './drawing.ts';
import { drawModel, ReportIndex } from './drawn.ts';
import { figure } from './figures.ts';
import { flowTable } from './flow.ts';
import type { GradientSession } from './session.ts';
import { sentence } from './why.ts';

/**
 * One self-contained page, no network: the live drawing with inspector and gradient flow, below it the marks and every value as a table, which
 * is also what is read without scripts.
 * @throws UserError('run') if the page's script was not built
 */
export async function htmlReport(session: GradientSession, report: GradientReport): Promise<string> {
  const script = await asset('report.js'), styles = await asset('report.css'), title = `Gradients of ${basename(report.model)}`;
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; worker-src blob:; img-src data: blob:; font-src data:">
<title>${escape(title)}</title><style>${styles}</style></head><body>
<div id="drawing"></div><div id="flow"></div>
<main id="text"><h1>${escape(report.target)} = ${figure(report.loss)}</h1>
<p>${escape(report.model)}, conventions ${report.conventions}, ${report.provider}. ${report.notes.map(escape).join(' ')}</p>
${marks(report)}${values(report)}</main>
<script type="application/json" id="page">${JSON.stringify(pageOf(session, report), encode).replaceAll('<', '\\u003c')}</script>
<script>${script.replaceAll('</script', '<\\/script')}</script></body></html>
`;
}

/** Beside the bundle in the product; in dist/ when run from source. */
async function asset(name: string): Promise<string> {
  const found = [join(__dirname, 'webview', name), join(__dirname, '..', '..', 'dist', 'webview', name)].find(path => existsSync(path));
  if (!found) throw new UserError('run', 'the script of the report page is not built', 'Run npm run build first.');
  return readFile(found, 'utf8');
}

function pageOf(session: GradientSession, report: GradientReport): ReportPage {
  const model = drawModel(session, basename(report.model)), index = new ReportIndex(report), results = resultsOf(report, model.index, 1);
  const known = { report: index, findings: [], conventions: session.conventions };
  return {
    graph: model.drawing, results, report, findings: [], flow: flowTable(model.drawing, results, index, []),
    nodes: model.nodes.map((_, n) => {
      const { attributes, formula, convention, source } = nodeCard(model, known, n);
      return { attributes, ...(formula && { formula }), ...(convention && { convention }), ...(source && { source }) };
    }),
    sentences: Array.from(model.drawing.values.name, (_, v) => sentence(model, index, v)),
  };
}

/** Typed arrays as `{ array, base64 }`, numbers that JSON does not have as `{ number }`. */
function encode(_key: string, value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return { array: value.constructor.name, base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
  if (typeof value === 'number' && !Number.isFinite(value)) return { number: String(value) };
  return value;
}

function marks({ marks: list }: GradientReport): string {
  return list.length ? `<h2>Marks</h2><ul>${list.map(m => `<li>${m.kind} (${m.class}) <b>${escape(m.value ?? m.node)}</b>: ${escape(m.why)}</li>`).join('')}</ul>` : '';
}

/** Every value, largest gradient first. */
function values({ values: list }: GradientReport): string {
  const rows = [...list].sort((a, b) => (b.gradient.summary?.l2 ?? -1) - (a.gradient.summary?.l2 ?? -1)).map(v => {
    const s = v.gradient.summary, why = v.gradient.because.map(b => `${b.reason} at ${b.node}`).join(', ');
    return `<tr><td>${escape(v.name)}</td><td>${v.kind}</td><td>${escape((v.shape ?? []).join('×'))}</td><td class="n">${s ? figure(s.nan || s.inf ? NaN : s.l2) : ''}</td><td class="n">${s ? figure(s.absMax) : ''}</td><td>${v.gradient.status}${why ? `: ${escape(why)}` : ''}</td></tr>`;
  });
  return `<h2>Gradients</h2><table><thead><tr><th>Value</th><th>Kind</th><th>Shape</th><th class="n">L2 norm</th><th class="n">Largest</th><th>Status</th></tr></thead><tbody>${rows.join('\n')}</tbody></table>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);
}
