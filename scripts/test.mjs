// npm test [-- types|lint|unit|conformance|editor …]: installs what is missing, runs the suites, ends with "N passed, N failed".
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './install.mjs';

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
installPackages();

const wanted = process.argv.slice(2), notRun = [];
let passed = 0, failed = 0, pending = 0;
const run = (...args) => spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 28 });

/** A program that passes or fails as a whole. */
function check(name, ...args) {
  const { status, stdout, stderr } = run(...args);
  status === 0 ? passed++ : failed++;
  console.log(`${name}: ${status === 0 ? 'passed' : `failed\n${stdout}${stderr}`}`);
}

/** Every test file under test/<suite>/, one process each, one after the other: some of them measure time. */
function files(suite) {
  const names = readdirSync(join('test', suite), { recursive: true }).map(String).filter(name => name.endsWith('.test.ts')).sort();
  for (const file of names.map(name => join('test', suite, name))) {
    const begin = performance.now(), { status, stdout, stderr } = run('--import', 'tsx', '--test', '--test-reporter', 'tap', file);
    const count = word => Number(new RegExp(`^# ${word} (\\d+)`, 'm').exec(stdout)?.[1] ?? 0);
    const bad = count('fail') + count('cancelled') || (status ? 1 : 0);
    passed += count('pass');
    pending += count('todo');
    failed += bad;
    console.log(`${file}: ${count('pass')} passed, ${bad} failed (${((performance.now() - begin) / 1000).toFixed(1)} s)`);
    for (const [, what, why] of stdout.matchAll(/^ *ok \d+ - (.*?) # SKIP ?(.*)$/gm)) console.log(`  skipped: ${what}${why && `: ${why}`}`);
    if (bad) console.log((stdout.match(/^ *not ok[^\n]*(?:\n(?! *(?:not )?ok)[^\n]*){0,14}/gm) ?? [stderr.slice(-2000)]).join('\n'));
  }
}

const SUITES = {
  types: () => check('types', 'node_modules/typescript/bin/tsc', '--noEmit', '-p', '.'),
  lint: () => check('lint', 'node_modules/oxlint/bin/oxlint', '--quiet'),
  unit: () => files('unit'),
  conformance: () => {
    if (!existsSync('../shared/oracles')) notRun.push('the cases of ../shared/oracles: they are not there');
    files('conformance');
  },
  editor: () => {
    check('build', 'scripts/build.mjs');
    const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/vscode/ready.ts'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    if (status === 0) files('editor');
    else notRun.push(`editor: ${stdout.trim().split('\n').at(-1)}`);
  },
};

const unknown = wanted.filter(name => !(name in SUITES));
if (unknown.length) {
  console.log(`no suite ${unknown.join(', ')}; there are ${Object.keys(SUITES).join(', ')}`);
  process.exit(2);
}
for (const [name, suite] of Object.entries(SUITES)) if (!wanted.length || wanted.includes(name)) suite();
if (pending) console.log(`${pending} pending: known to be missing, named in the tests`);
for (const line of notRun) console.log(`did not run: ${line}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
