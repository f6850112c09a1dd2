import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { COMMANDS, CONTEXT_KEYS, FLOW_CONTAINER, FLOW_VIEW, GRAPH_EDITOR, GRAPH_EDITOR_OPTIONAL, SETTINGS, TEXT_LANGUAGE, TEXT_SUFFIX, WALKTHROUGH } from '../../extension/ids.ts';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const { contributes } = manifest;

test('every command, view, editor and setting is both in package.json and in the code', () => {
  const commands = contributes.commands.map((c: { command: string }) => c.command);
  assert.deepEqual([...commands].sort(), [...COMMANDS].sort());
  assert.deepEqual(Object.keys(contributes.configuration.properties).sort(), [...SETTINGS].sort());
  assert.deepEqual(contributes.customEditors.map((e: { viewType: string }) => e.viewType), [GRAPH_EDITOR, GRAPH_EDITOR_OPTIONAL]);
  assert.deepEqual(contributes.views[FLOW_CONTAINER].map((v: { id: string }) => v.id), [FLOW_VIEW]);
  assert.equal(contributes.languages[0].id, TEXT_LANGUAGE);
  assert.deepEqual(contributes.languages[0].extensions, [TEXT_SUFFIX]);
  assert.deepEqual(contributes.walkthroughs.map((w: { id: string }) => w.id), [WALKTHROUGH]);
});

test('a condition in package.json names only context keys that the code sets', () => {
  const known = new Set<string>([...CONTEXT_KEYS, ...COMMANDS, GRAPH_EDITOR, GRAPH_EDITOR_OPTIONAL]);
  const said = [...JSON.stringify(contributes.menus).matchAll(/adjoint\.\w+/g), ...JSON.stringify(contributes.keybindings).matchAll(/adjoint\.\w+/g), ...JSON.stringify(contributes.walkthroughs).matchAll(/onContext:(adjoint\.\w+)/g)].map(m => m[1] ?? m[0]);
  assert.deepEqual(said.filter(id => !known.has(id)), []);
});

test('every command of the palette has the category Adjoint, and is hidden unless it can work', () => {
  const always = ['adjoint.showLog', 'adjoint.openSample', 'adjoint.openModel'], guarded = new Set(contributes.menus.commandPalette.map((m: { command: string }) => m.command));
  for (const c of contributes.commands) assert.equal(c.category, 'Adjoint', c.command);
  assert.deepEqual(COMMANDS.filter(c => !guarded.has(c)), always);
});

test('every file that package.json names is there', () => {
  const files = [...JSON.stringify(manifest).matchAll(/"(media\/[^"]+)"/g)].map(m => m[1]!);
  assert.ok(files.length > 5);
  assert.deepEqual(files.filter(f => !existsSync(f)), []);
});
