import { CONVENTIONS, type ConventionQuestion } from '../../kernels/operators/conventions.ts';
import { OPERATORS } from '../../kernels/operators/index.ts';
import { operatorKey, type Operator } from '../../kernels/operators/operator.ts';
import { VERIFIED, type Verified } from '../../kernels/operators/verified.ts';
import { toJson } from '../session/json.ts';

/** Operators of ai.onnx up to version 28 through which a gradient can pass: 143 differentiable and 3 straight-through. */
const STANDARD = 146;

type Kind = 'rule' | 'expansion' | 'straight-through' | 'none';

interface Row {
  readonly op: string;
  readonly domain: string;
  readonly since: number;
  readonly gradient: Kind;
  /** Why there is none. */
  readonly reason?: string;
  readonly formula: string;
  readonly inputs: readonly string[];
  /** What each preset answers, by question. */
  readonly conventions: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly verified: Verified;
}

function kindOf(o: Operator): Kind {
  if (o.noGradient || !(o.pullback || o.expand || o.differentiable)) return 'none';
  if (o.straightThrough) return 'straight-through';
  return o.pullback || !o.expand ? 'rule' : 'expansion';
}

function answers(questions: readonly ConventionQuestion[]): Row['conventions'] {
  return Object.fromEntries(questions.map(q => [q, Object.fromEntries(Object.entries(CONVENTIONS).map(([name, c]) => [name, c[q]]))]));
}

function rowsOf(verified: Readonly<Record<string, Verified>>): Row[] {
  const all = [...OPERATORS.values()].sort((a, b) => (a.domain ?? '').localeCompare(b.domain ?? '') || a.op.localeCompare(b.op));
  return all.map(o => ({
    op: o.op, domain: o.domain || 'ai.onnx', since: o.since ?? 1, gradient: kindOf(o), ...(kindOf(o) === 'none' && { reason: o.noGradient ?? 'no-rule' }), formula: o.formula,
    inputs: o.differentiable ?? [], conventions: answers(o.questions ?? []), verified: verified[operatorKey(o.op, o.domain ?? '')] ?? {},
  }));
}

/** Operators of the standard with a gradient. */
function standardCount(): number {
  return [...OPERATORS.values()].filter(o => !o.domain && !o.beyond && !o.noGradient).length;
}

const WORDS: Readonly<Record<keyof Verified, string>> = {
  differences: 'finite differences', torch: 'PyTorch cases', models: 'PyTorch models', plainForm: 'its plain form', outputs: 'the standard\'s outputs',
};

const verifiedText = (v: Verified): string => (Object.keys(WORDS) as (keyof Verified)[]).flatMap(k => (v[k] ? [`${WORDS[k]} ${v[k]}`] : [])).join(', ');

/** The table of operators: formula, inputs with a gradient, convention questions, how it is verified. */
export function operatorsTable(form: 'json' | 'markdown' | 'text', verified: Readonly<Record<string, Verified>> = VERIFIED): string {
  const rows = rowsOf(verified), some = rows.filter(r => r.gradient !== 'none');
  if (form === 'json') return toJson({ schema: 1, differentiable: standardCount(), standard: STANDARD, total: some.length, operators: rows });
  if (form === 'text') return [...rows.map(r => `${r.op.padEnd(28)} ${(r.reason ?? r.gradient).padEnd(18)} ${r.formula}`), '', `${standardCount()} of the ${STANDARD} operators of ai.onnx through which a gradient can pass; ${some.length} with other domains`].join('\n');
  return markdown(rows);
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

const DOMAINS: Readonly<Record<string, string>> = {
  'ai.onnx': 'the ONNX standard', 'com.microsoft': 'ONNX Runtime\'s own', 'ai.onnx.ml': 'classical models', 'ai.onnx.preview.training': 'training in the file',
};

function markdown(rows: readonly Row[]): string {
  const domains = [...Object.keys(DOMAINS), ...new Set(rows.map(r => r.domain).filter(d => !(d in DOMAINS) && d !== 'adjoint'))], lines: string[] = [
    '# Operators', '',
    'Written by `node --import tsx scripts/operatorsPage.ts` from the entries in `kernels/operators/`; do not edit. `adjoint operators --json` says the same.', '',
    `${standardCount()} of the ${STANDARD} operators of ai.onnx (version 28) through which a gradient can pass have one here. An operator that is in no table is named with what to do, never taken for zero.`, '',
    '- **rule**: a formula of its own. **expansion**: differentiated as the composition of other operators that it is. **straight-through**: the rounding passes.',
    '- *Verified* counts what the conformance suites (`test/conformance`) compare: finite differences of ONNX Runtime on single-operator models, gradients of PyTorch for small cases and for exported models in which the operator occurs, a quantised operator\'s plain form, outputs that the standard states. Operators that we make ourselves from other formats (domain `adjoint`) are in `adjoint operators --json`.',
    '- `Upsample` and `Scatter`, which the standard has given up, are brought to `Resize` and `ScatterElements`.', '',
    ...conventionLines(), '',
  ];
  for (const domain of domains) {
    const here = rows.filter(r => r.domain === domain), some = here.filter(r => r.gradient !== 'none'), none = here.filter(r => r.gradient === 'none');
    if (!here.length) continue;
    lines.push(`## ${domain}${DOMAINS[domain] ? `: ${DOMAINS[domain]}` : ''}`, '');
    if (some.length) {
      lines.push('| operator | since | gradient | inputs with one | what flows back | conventions | verified |', '|---|---|---|---|---|---|---|');
      for (const r of some) lines.push(`| ${r.op} | ${r.since} | ${r.gradient} | ${cell(r.inputs.join(', '))} | ${cell(r.formula)} | ${Object.keys(r.conventions).join(', ')} | ${verifiedText(r.verified)} |`);
      lines.push('');
    }
    if (none.length) lines.push(`Without a gradient: ${none.map(r => `${r.op} (${r.reason})`).join(', ')}.`, '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

/** One row for each question on which frameworks differ. */
function conventionLines(): string[] {
  const names = Object.keys(CONVENTIONS), questions = Object.keys(CONVENTIONS.default).filter(q => q !== 'name') as ConventionQuestion[];
  return [
    '## Conventions', '', `| question | ${names.join(' | ')} | operators |`, `|---|${names.map(() => '---|').join('')}---|`,
    ...questions.map(q => `| ${q} | ${Object.values(CONVENTIONS).map(c => String(c[q])).join(' | ')} | ${[...OPERATORS.values()].filter(o => o.questions?.includes(q)).map(o => o.op).join(', ')} |`),
  ];
}
