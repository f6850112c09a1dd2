import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasShared, SHARED } from './support.ts';

/** The standard's one-operator models with a float in a differentiable place, one record a model. ADJOINT_ONLY (a regular expression) picks some. */
export function nodeTestRows(): readonly Readonly<Record<string, string>>[] {
  if (!hasShared) return [];
  const only = new RegExp(process.env['ADJOINT_ONLY'] ?? '');
  const [header, ...lines] = readFileSync(join(SHARED, 'reference/gradcheckable-tests.tsv'), 'utf8').trim().split('\n').map(l => l.split('\t'));
  return lines.map(l => Object.fromEntries(header!.map((name, i) => [name, l[i] ?? ''] as const))).filter(r => r['ste'] === '' && only.test(r['test']!));
}
