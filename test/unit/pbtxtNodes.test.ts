import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodesOf, referenceAt } from '../../extension/language/pbtxtNodes.ts';

const TEXT = `node {\n  name: "x"\n  op: "Placeholder"\n  attr {\n    key: "dtype"\n    value { type: DT_FLOAT }\n  }\n}\nnode {\n  name: "scope/y"\n  op: "Neg"\n  input: "x:1"\n  input: "^init"\n}\n`;

test('the nodes of a graph as text are found with their operators, and where their names stand', () => {
  const nodes = nodesOf(TEXT);
  assert.deepEqual([...nodes].map(([name, { op }]) => [name, op]), [['x', 'Placeholder'], ['scope/y', 'Neg']]);
  for (const [name, { offset }] of nodes) assert.ok(TEXT.startsWith(name, offset));
});

test('a name, an input of a later output and a control input name the node; anything else names none', () => {
  assert.equal(referenceAt('  name: "scope/y"', 10)?.node, 'scope/y');
  assert.deepEqual(referenceAt('  input: "x:1"', 11), { node: 'x', start: 10, end: 13 });
  assert.equal(referenceAt('  input: "^init"', 12)?.node, 'init');
  assert.equal(referenceAt('    key: "dtype"', 12), undefined);
  assert.equal(referenceAt('  input: "x:1"', 3), undefined);
});
