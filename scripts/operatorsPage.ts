// node --import tsx scripts/operatorsPage.ts: counts the outside cases that check each operator (kernels/operators/verified.ts, where
// ../shared is at hand) and writes docs/operators.md.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { operatorsTable } from '../extension/cli/operators.ts';
import { openModel } from '../extension/formats/model.ts';
import { subgraphsOf, type Graph } from '../kernels/graph/graph.ts';
import { operatorKey } from '../kernels/operators/operator.ts';
import { VERIFIED, type Verified } from '../kernels/operators/verified.ts';
import { CASES, MICROSOFT } from '../test/conformance/contribCases.ts';

const ROOT = resolve(__dirname, '..'), SHARED = resolve(ROOT, '../shared'), CONFORMANCE = join(ROOT, 'test/conformance');
type Counts = Map<string, { -readonly [K in keyof Verified]: Verified[K] }>;

function count(counts: Counts, key: string, by: keyof Verified): void {
  const entry = counts.get(key) ?? {};
  entry[by] = (entry[by] ?? 0) + 1;
  counts.set(key, entry);
}

function operatorsOf(graph: Graph, into = new Set<string>()): Set<string> {
  for (const node of graph.nodes) {
    into.add(operatorKey(node.op, node.domain));
    for (const [, body] of subgraphsOf(node)) operatorsOf(body, into);
  }
  return into;
}

/** Single-operator models of the standard that the suite compares with finite differences. */
function nodeTests(counts: Counts): void {
  const [head, ...rows] = readFileSync(join(SHARED, 'reference/gradcheckable-tests.tsv'), 'utf8').trim().split('\n').map(l => l.split('\t')), at = (row: string[], name: string) => row[head!.indexOf(name)] ?? '';
  for (const row of rows) if (at(row, 'ste') === '' && at(row, 'runs_float32') === 'yes') count(counts, at(row, 'op'), 'differences');
}

/** Cases of PyTorch in which the operator occurs. */
async function torchCases(counts: Counts): Promise<void> {
  const folder = join(SHARED, 'oracles/torch-ops');
  for (const c of JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { model: string; gradients: string[] }[]) {
    for (const op of operatorsOf((await openModel(join(folder, c.model), { trust: true })).graph)) count(counts, op, 'torch');
  }
  const models = readdirSync(join(SHARED, 'oracles')).filter(n => /^torch-(?!ops$|pt2-|optim-)/.test(n));
  for (const name of models) {
    const at = join(SHARED, 'oracles', name), { model } = JSON.parse(readFileSync(join(at, 'case.json'), 'utf8')) as { model: string };
    for (const op of operatorsOf((await openModel(join(at, model), { trust: true })).graph)) count(counts, op, 'models');
  }
}

function ownCases(counts: Counts): void {
  for (const c of CASES) count(counts, operatorKey(c.op, c.domain ?? MICROSOFT), 'differences');
  const text = (file: string) => readFileSync(join(CONFORMANCE, file), 'utf8');
  for (const [, op] of text('quantisedOperators.test.ts').matchAll(/name: '(\w+)/g)) count(counts, /QLinear(Conv|MatMul)$/.test(op!) ? op! : operatorKey(op!, MICROSOFT), 'plainForm');
  const training = { gradient: 'Gradient', adagrad: 'Adagrad', adam: 'Adam', momentum: 'Momentum' };
  for (const [word, op] of Object.entries(training)) for (const _ of text('trainingOperators.test.ts').matchAll(new RegExp(`'\\w+/test_(?:nesterov_)?${word}`, 'g'))) count(counts, operatorKey(op, 'ai.onnx.preview.training'), 'outputs');
}

/** Writes the counts into the table, keeping its type as it stands. */
function written(counts: Counts): Readonly<Record<string, Verified>> {
  const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)), file = join(ROOT, 'kernels/operators/verified.ts'), old = readFileSync(file, 'utf8');
  const lines = sorted.map(([op, v]) => `  '${op}': { ${Object.entries(v).map(([k, n]) => `${k}: ${n}`).join(', ')} },`);
  writeFileSync(file, `${old.slice(0, old.indexOf('export const VERIFIED'))}export const VERIFIED: Readonly<Record<string, Verified>> = {\n${lines.join('\n')}\n};\n`);
  return Object.fromEntries(sorted);
}

async function main(): Promise<void> {
  let verified = VERIFIED;
  if (existsSync(SHARED)) {
    const counts: Counts = new Map();
    nodeTests(counts);
    await torchCases(counts);
    ownCases(counts);
    verified = written(counts);
  } else console.log('# ../shared is not there: the counts in kernels/operators/verified.ts stay as they are');
  writeFileSync(join(ROOT, 'docs/operators.md'), operatorsTable('markdown', verified));
}

void main();
