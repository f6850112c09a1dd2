import assert from 'node:assert/strict';
import { test } from 'node:test';
import dagre from '@dagrejs/dagre';
import { aggregate } from '../../../webview/layout/aggregate.ts';
import { LayoutEngine } from '../../../webview/layout/engine.ts';
import { BoxKind, EdgeFlag, GroupKind, type Layout } from '../../../webview/layout/types.ts';
import { DrawingBuilder, GENERATOR_KINDS, generate, generateResults } from '../../bench/generators.ts';
import { crossings, dagreLines, linesOf, linesThroughBoxes, overlaps } from './quality.ts';

const viewport = { width: 1280, height: 800 };

function engineOf(kind: (typeof GENERATOR_KINDS)[number], nodes: number, scoped = true) {
  const { graph, target } = generate(kind, nodes, { scoped }), results = generateResults(graph, target), engine = new LayoutEngine(graph);
  engine.setResults(results, target);
  return { graph, target, results, engine, all: Array.from({ length: engine.hierarchy.count }, (_, g) => g) };
}
/** Each end of an edge lies on the border of its box or frame. */
function looseEnds({ edges, boxes: b, frames: f }: Layout): string[] {
  const bad: string[] = [];
  for (let e = 0; e < edges.count; e++)
    for (const [end, p] of [[edges.from[e]!, edges.start[e]!], [edges.to[e]!, edges.start[e + 1]! - 1]] as const) {
      const r = end < 0 ? f : b, i = end < 0 ? ~end : end, x = edges.points[2 * p]!, y = edges.points[2 * p + 1]!;
      // A line into an open group may begin under the words of its header.
      if (x < r.x[i]! - 1 || x > r.x[i]! + r.w[i]! + 1 || y < r.y[i]! - 1 || y > r.y[i]! + r.h[i]! + 1) bad.push(`edge ${e} ends ${end}`);
    }
  return bad;
}

for (const kind of GENERATOR_KINDS)
  for (const scoped of [true, false])
    test(`${kind}, ${scoped ? 'with' : 'without'} scopes: nothing overlaps, no line passes a box, lines end at their boxes; folded, open, to the right`, () => {
      for (const nodes of [60, 200, 1000]) {
        const { engine, all } = engineOf(kind, nodes, scoped);
        for (const expanded of [[], engine.firstExpanded(), all])
          for (const direction of ['down', 'right'] as const) {
            const layout = engine.layout({ revision: 1, expanded, viewport, direction });
            assert.deepEqual(overlaps(layout).slice(0, 5), []);
            assert.deepEqual(linesThroughBoxes(layout).slice(0, 5), []);
            assert.deepEqual(looseEnds(layout).slice(0, 5), []);
            assert.ok(layout.boxes.x.every(x => x >= 0) && layout.boxes.y.every(y => y >= 0));
          }
      }
    });

test('every use is drawn: as an edge, as a tag, inside a box, or it is a parameter or constant', () => {
  for (const kind of GENERATOR_KINDS) {
    const { engine, graph, all } = engineOf(kind, 400), { edges } = engine.layout({ revision: 1, expanded: all, viewport }), drawn = new Set(edges.uses);
    graph.uses.value.forEach((value, use) => {
      if (graph.values.producer[value]! < 0 || engine.hierarchy.tagged[use]) return;
      assert.ok(drawn.has(use), `${kind}: use ${use} of value ${value}`);
    });
  }
});

test('at first there are at most 60 cards and inputs, the loss is seen, and a NaN is not folded away', () => {
  for (const kind of GENERATOR_KINDS) for (const nodes of [200, 2000, 20_000]) {
    const { engine, graph, results, target } = engineOf(kind, nodes), layout = engine.layout({ revision: 1, expanded: engine.firstExpanded(), viewport }), { boxes } = layout;
    let cards = 0;
    for (let b = 0; b < boxes.count; b++) if (boxes.kind[b] !== BoxKind.input) cards++;
    assert.ok(cards <= 60, `${kind} ${nodes}: ${cards}`);
    const loss = boxes.kind.indexOf(BoxKind.loss);
    assert.equal(boxes.ref[loss], graph.values.producer[target]);
    const bad = results.valueNorm.findIndex((x, v) => Number.isNaN(x) && graph.values.producer[v]! >= 0);
    if (bad < 0) continue;
    const node = graph.values.producer[bad]!, shown = Array.from(boxes.ref).some((ref, b) => boxes.kind[b] === BoxKind.node && ref === node), { groupOf, kind: kinds } = engine.hierarchy;
    // A file's own backward pass is folded into its forward nodes.
    assert.ok(shown || kinds[groupOf[node]!] === GroupKind.backward, `${kind} ${nodes}`);
  }
});

test('a chain is one straight vertical line, and one that is taller than the window is broken into columns', () => {
  const chain = (length: number) => {
    const b = new DrawingBuilder();
    let x = b.source('input', 'x');
    for (let i = 0; i < length; i++) x = b.add(i % 2 ? 'Relu' : 'LayerNormalization', '', [x], { name: `${'long'.repeat(i % 4)}step${i}` });
    b.output(x);
    return new LayoutEngine(b.build('chain')).layout({ revision: 1, expanded: [], viewport });
  };
  const short = chain(15), { edges, boxes } = short;
  for (let e = 0; e < edges.count; e++) assert.equal(edges.points[2 * edges.start[e]!], edges.points[2 * edges.start[e + 1]! - 2]);
  assert.ok(new Set(Array.from(boxes.x, (x, i) => x + boxes.w[i]! / 2)).size === 1);
  const long = chain(55);
  assert.ok(long.height < 55 * 44 * 0.7 && long.edges.flags.some(f => f & EdgeFlag.column), `${long.width} × ${long.height}`);
});

test('opening a group keeps layer and place of everything else, and folding it again gives the same picture', () => {
  const { engine } = engineOf('transformer', 600), h = engine.hierarchy, before = engine.layout({ revision: 1, expanded: engine.firstExpanded(), viewport });
  const card = Array.from(before.boxes.kind).findIndex(k => k === BoxKind.group || k === BoxKind.repeat), group = before.boxes.ref[card]!;
  const opened = engine.layout({ revision: 2, expanded: [...before.expanded, group], viewport }), at = (l: Layout) => new Map(Array.from(l.boxes.ref, (ref, b) => [`${l.boxes.kind[b]} ${ref}`, `${l.boxes.group[b]} ${l.boxes.layer[b]} ${l.boxes.place[b]}`]));
  const now = at(opened);
  for (const [box, place] of at(before)) if (box !== `${BoxKind.group} ${group}` && box !== `${BoxKind.repeat} ${group}`) assert.equal(now.get(box), place);
  assert.ok(opened.frames.group.includes(group) && h.first[group]! < h.last[group]!);
  const again = engine.layout({ revision: 3, expanded: before.expanded, viewport });
  assert.deepEqual({ ...again, revision: 1 }, before);
  assert.deepEqual({ ...new LayoutEngine(engine.graph).layout({ revision: 1, expanded: before.expanded, viewport }).boxes.group }, { ...before.boxes.group });
});

test('at 200 nodes, all groups open, there are not more crossings than dagre draws without groups', t => {
  for (const kind of GENERATOR_KINDS) for (const nodes of [200]) {
    const { engine, graph, all } = engineOf(kind, nodes), layout = engine.layout({ revision: 1, expanded: all, viewport }), ours = crossings(linesOf(layout)), theirs = crossings(dagreLines(dagre, graph, layout, engine.hierarchy.tagged));
    t.diagnostic(`${kind} ${nodes}: ${ours} crossings, dagre ${theirs}`);
    assert.ok(ours <= theirs, `${kind} ${nodes}: ${ours}, dagre ${theirs}`);
  }
});

test('repeated blocks are one card ×N, by their scopes and without scopes by their structure', () => {
  const scoped = engineOf('transformer', 700).engine.hierarchy, repeat = scoped.label.indexOf('layer_0 … 12');
  assert.equal(scoped.kind[repeat], GroupKind.repeat);
  assert.equal(scoped.childStart[repeat + 1]! - scoped.childStart[repeat]!, 13);
  const flat = engineOf('residual', 700, false).engine.hierarchy, largest = Math.max(...Array.from(flat.kind, (k, g) => (k === GroupKind.repeat ? flat.childStart[g + 1]! - flat.childStart[g]! : 0)));
  assert.ok(largest >= 20, `${largest}`);
});

test('every node is in exactly one group, groups come after their parents, and a backward part goes with its node', () => {
  for (const kind of GENERATOR_KINDS) for (const scoped of [true, false]) {
    const { engine: { hierarchy: h }, graph } = engineOf(kind, 500, scoped);
    assert.deepEqual([...h.order].sort((a, b) => a - b), Array.from(graph.nodes.name.keys()));
    for (let g = 1; g < h.count; g++) {
      const p = h.parent[g]!;
      assert.ok(p >= 0 && p < g && h.first[p]! <= h.first[g]! && h.last[g]! <= h.last[p]! && h.first[g]! < h.last[g]!);
      if (h.kind[g] === GroupKind.backward) assert.equal(p, h.groupOf[h.host[g]!]);
    }
    h.groupOf.forEach((g, n) => { const at = h.order.indexOf(n); assert.ok(h.first[g]! <= at && at < h.last[g]!); });
  }
});

test('what a folded group shows: NaN counted, the smallest and largest norm, the dead block in the strip', () => {
  const { engine, graph, results } = engineOf('residual', 300), h = engine.hierarchy, groups = aggregate(graph, h, results), values = Array.from(results.valueNorm.keys()).filter(v => graph.values.producer[v]! >= 0);
  const finite = Array.from(results.valueNorm.keys()).filter(v => results.valueStatus[v] === 0 && results.valueNorm[v]! > 0 && Number.isFinite(results.valueNorm[v]!) && (graph.values.producer[v]! >= 0 || graph.values.kind[v] === 1)).map(v => results.valueNorm[v]!);
  assert.equal(groups.minNorm[0], Math.min(...finite));
  assert.equal(groups.maxNorm[0], Math.max(...finite));
  assert.ok(groups.alarms[0]! >= values.filter(v => Number.isNaN(results.valueNorm[v]!)).length);
  for (let g = 0; g < h.count; g++) if (h.kind[g] === GroupKind.repeat) assert.equal(groups.stripStart[g + 1]! - groups.stripStart[g]!, Math.min(24, h.childStart[g + 1]! - h.childStart[g]!));
});

test('hidden nodes are not drawn, and come back', () => {
  const { engine, all, graph } = engineOf('residual', 200), whole = engine.layout({ revision: 1, expanded: all, viewport }), hidden = new Uint8Array(graph.nodes.name.length).fill(1, 0, 60);
  const part = engine.layout({ revision: 2, expanded: all, viewport, hidden });
  assert.equal(part.boxes.count < whole.boxes.count - 55, true);
  for (let b = 0; b < part.boxes.count; b++) if (part.boxes.kind[b] === BoxKind.node) assert.equal(hidden[part.boxes.ref[b]!], 0);
  assert.deepEqual(overlaps(part), []);
  assert.equal(engine.layout({ revision: 3, expanded: all, viewport }).boxes.count, whole.boxes.count);
});

test('no work of the layout is quadratic: eight times the nodes take less than 24 times the work', t => {
  const cpu = (nodes: number) => {
    const { graph, target } = generate('training', nodes), results = generateResults(graph, target), begin = process.cpuUsage(), engine = new LayoutEngine(graph);
    engine.setResults(results, target);
    engine.layout({ revision: 1, expanded: engine.firstExpanded(), viewport });
    engine.layout({ revision: 2, expanded: Array.from({ length: engine.hierarchy.count }, (_, g) => g), viewport });
    return process.cpuUsage(begin).user / 1000;
  };
  cpu(2000);
  const small = cpu(2500), large = cpu(20_000);
  t.diagnostic(`2,500 nodes ${small.toFixed(0)} ms, 20,000 nodes ${large.toFixed(0)} ms`);
  assert.ok(large < 24 * small, `${small} ms and ${large} ms`);
});
