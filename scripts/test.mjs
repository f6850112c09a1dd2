// npm test [-- unit|conformance]: installs what is missing, runs the suites, ends with "N passed, N failed".
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

if (!existsSync('node_modules/tsx')) execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { stdio: 'inherit', env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' } });
const wanted = process.argv.slice(2);
const suites = ['unit', 'conformance'].filter(s => !wanted.length || wanted.includes(s));
const files = suites.flatMap(suite => readdirSync(join('test', suite), { recursive: true }).map(String).filter(f => f.endsWith('.test.ts')).map(f => join('test', suite, f)));
if (!existsSync('../shared/oracles')) console.log('skipped: the suites that need ../shared/oracles (it is not there)');
let passed = 0, failed = 0, pending = 0;
for (const file of files) {
  const run = spawnSync(process.execPath, ['--import', 'tsx', '--test', '--test-reporter', 'tap', file], { encoding: 'utf8', maxBuffer: 1 << 28 });
  const count = word => Number(new RegExp(`^# ${word} (\\d+)`, 'm').exec(run.stdout)?.[1] ?? 0);
  passed += count('pass');
  pending += count('todo');
  const bad = count('fail') + count('cancelled');
  failed += bad || (run.status ? 1 : 0);
  console.log(`${file}: ${count('pass')} passed, ${bad} failed`);
  if (run.status) console.log((run.stdout.match(/^ *not ok[^\n]*(?:\n(?! *(?:not )?ok)[^\n]*){0,14}/gm) ?? [run.stderr.slice(-2000)]).join('\n'));
}
if (pending) console.log(`${pending} pending: known to be missing, named in the tests`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
