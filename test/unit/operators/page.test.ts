import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { operatorsTable } from '../../../extension/cli/operators.ts';

const ROOT = resolve(fileURLToPath(new URL('.', import.meta.url)), '../../..'), LIST = resolve(ROOT, '../shared/reference/operators.tsv');
interface Row { op: string; domain: string; gradient: string; reason?: string; formula: string; inputs: string[]; conventions: object }
const table = JSON.parse(operatorsTable('json')) as { differentiable: number; standard: number; operators: Row[] };

it('docs/operators.md is what the entries of the operators say now', () => {
  assert.equal(readFileSync(resolve(ROOT, 'docs/operators.md'), 'utf8'), operatorsTable('markdown'), 'run: node --import tsx scripts/operatorsPage.ts');
});

it('every operator of the standard through which a gradient can pass has one, and says its formula', () => {
  assert.equal(table.differentiable, table.standard);
  for (const r of table.operators) {
    assert.ok(r.formula, `${r.op} has no formula`);
    if (r.gradient === 'none') assert.ok(r.reason, `${r.op} does not say why it has no gradient`);
    else if (r.domain !== 'adjoint') assert.ok(r.inputs.length, `${r.op} does not say which inputs have a gradient`);
  }
});

it('the list agrees with the one that was made from the standard', { skip: !existsSync(LIST) && '../shared/reference is not there' }, () => {
  const [, ...lines] = readFileSync(LIST, 'utf8').trim().split('\n').map(l => l.split('\t')), ours = new Map(table.operators.map(r => [`${r.domain}:${r.op}`, r]));
  const wrong: string[] = [];
  for (const [op, domain, , , kind, inputs] of lines) {
    const row = ours.get(`${domain}:${op}`);
    if (domain !== 'ai.onnx' || kind === 'deprecated') continue;
    const passes = ['differentiable', 'structural', 'ste'].includes(kind!);
    if (!row) wrong.push(`${op} is missing`);
    else if (passes && (row.gradient === 'none' || row.inputs.join(',') !== inputs)) wrong.push(`${op}: ${row.gradient} to ${row.inputs.join(',')}, listed ${inputs}`);
  }
  assert.deepEqual(wrong, []);
});
