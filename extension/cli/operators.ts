import { OPERATORS } from '../../kernels/operators/index.ts';
import type { Operator } from '../../kernels/operators/operator.ts';
import { toJson } from '../session/json.ts';

const kindOf = (o: Operator): string =>
  o.noGradient ? `none: ${o.noGradient}` : o.straightThrough ? 'straight-through' : o.pullback ? 'rule' : o.expand ? 'by its expansion' : 'none';

/** The table of operators: formula, inputs with a gradient, convention questions, how the gradient comes about. */
export function operatorsTable(form: 'json' | 'markdown' | 'text'): string {
  const all = [...OPERATORS.values()].sort((a, b) => (a.domain ?? '').localeCompare(b.domain ?? '') || a.op.localeCompare(b.op));
  const rows = all.map(o => ({
    op: o.op, domain: o.domain || 'ai.onnx', since: o.since ?? 1, gradient: kindOf(o), formula: o.formula, inputs: o.differentiable ?? [], conventions: o.questions ?? [],
  }));
  const withGradient = rows.filter(r => !r.gradient.startsWith('none'));
  if (form === 'json') {
    const standard = withGradient.filter(r => r.domain === 'ai.onnx').length;
    return toJson({ schema: 1, differentiable: standard, total: withGradient.length, operators: rows });
  }
  if (form === 'text') return rows.map(r => `${r.op.padEnd(28)} ${r.gradient.padEnd(20)} ${r.formula}`).join('\n');
  const cell = (text: string) => text.replaceAll('|', '\\|');
  return [
    '# Operators', '', 'Made by `adjoint operators --markdown` from the entries in `kernels/operators/`; do not edit.', '',
    `${withGradient.length} operators with a gradient, ${rows.length - withGradient.length} without.`, '',
    '| operator | domain | gradient | inputs with a gradient | formula | conventions |', '|---|---|---|---|---|---|',
    ...rows.map(r => `| ${r.op} | ${r.domain} | ${r.gradient} | ${r.inputs.join(', ')} | ${cell(r.formula)} | ${r.conventions.join(', ')} |`), '',
  ].join('\n');
}
