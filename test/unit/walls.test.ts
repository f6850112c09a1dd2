import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { test } from 'node:test';
import ts from 'typescript';

type Sources = ReadonlyMap<string, string>;

const imports = (text: string): string[] => ts.preProcessFile(text, true, true).importedFiles.map(f => f.fileName);
const within = (file: string, ...rooms: string[]) => rooms.some(room => file === room || file.startsWith(`${room}/`));

/** What the child process is made of; the host's side of it (client, process) must start without ONNX Runtime. */
const RUN_IN_THE_CHILD = ['worker', 'cuda', 'tensors'].map(name => `extension/runtime/${name}.ts`);

/** Every import that goes through a wall, as a line that names file and import; `design.md`, "Rules of the walls". */
function violations(sources: Sources): string[] {
  const found: string[] = [];
  for (const [file, text] of sources) {
    for (const wanted of imports(text)) {
      const relative = wanted.startsWith('.');
      const target = relative ? join(dirname(file), wanted) : wanted;
      const wrong = (why: string) => found.push(`${file} imports ${wanted}: ${why}`);
      if (within(file, 'kernels') && !(relative && within(target, 'kernels'))) wrong('kernels/ is pure');
      if (within(file, 'webview') && (relative ? !within(target, 'webview', 'extension/protocol.ts') : wanted.startsWith('node:'))) wrong('webview/ knows only itself and the protocol');
      if (wanted === 'vscode' && !within(file, 'extension/extension.ts', ...['editor', 'language', 'views', 'debugger', 'tools'].map(r => `extension/${r}`))) wrong('vscode belongs to the screens');
      if (wanted === 'onnxruntime-node' && !RUN_IN_THE_CHILD.includes(file)) wrong('only the child process runs ONNX Runtime');
      if (within(file, 'extension/formats') && relative && within(target, 'kernels/autodiff', 'kernels/findings', 'extension/session')) wrong('formats/ knows no gradients');
      if (within(file, 'extension/session') && relative && within(target, 'webview', ...['editor', 'language', 'views', 'cli'].map(r => `extension/${r}`))) wrong('session/ knows no screen');
    }
  }
  return found;
}

/** Files that import each other in a ring, each ring once. */
function circles(sources: Sources): string[] {
  const found: string[] = [], state = new Map<string, 'open' | 'done'>(), way: string[] = [];
  const visit = (file: string) => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') { found.push([...way.slice(way.indexOf(file)), file].join(' → ')); return; }
    state.set(file, 'open');
    way.push(file);
    for (const wanted of imports(sources.get(file)!)) {
      const target = join(dirname(file), wanted);
      if (wanted.startsWith('.') && sources.has(target)) visit(target);
    }
    way.pop();
    state.set(file, 'done');
  };
  for (const file of sources.keys()) visit(file);
  return found;
}

const ours: Sources = new Map(['kernels', 'extension', 'webview'].filter(room => existsSync(room)).flatMap(room =>
  readdirSync(room, { recursive: true }).map(name => join(room, String(name))).filter(name => name.endsWith('.ts')).map(name => [name, readFileSync(name, 'utf8')] as const)));

test('no import goes through a wall of the house', () => assert.deepEqual(violations(ours), []));

test('no files import each other in a ring', () => assert.deepEqual(circles(ours), []));

test('the frozen toolkit is imported by one module at most, so that it can be replaced in a day', () => {
  const users = [...ours].filter(([, text]) => imports(text).includes('@vscode/webview-ui-toolkit')).map(([file]) => file);
  assert.ok(users.length <= 1 && users.every(file => within(file, 'webview')), users.join(', '));
});

test('a wall that is broken is named', () => {
  assert.equal(violations(new Map([['kernels/a.ts', "import { readFileSync } from 'node:fs';"], ['extension/session/b.ts', "import * as v from 'vscode';"]])).length, 2);
  assert.deepEqual(circles(new Map([['kernels/a.ts', "import './b.ts';"], ['kernels/b.ts', "import './a.ts';"]])), ['kernels/a.ts → kernels/b.ts → kernels/a.ts']);
});
