/** Sizes of boxes from their words: what each item of a group takes, before anything is placed. */
import { NodeMark, type DrawingGraph } from '../../extension/protocol.ts';
import { usesByNode } from './hierarchy.ts';
import type { Ruler } from './text.ts';
import { BoxKind, GroupKind, METRICS, type Hierarchy } from './types.ts';
import type { Wiring } from './wiring.ts';

/** Tags beside a box; beyond, the last says how many more. */
const MOST_TAGS = 3;
const TAG_PITCH = 24;

export interface TagSize { readonly value: number; readonly more: number; readonly w: number }

export interface BoxSize {
  readonly kind: number;
  readonly ref: number;
  readonly w: number;
  readonly h: number;
  readonly rows: number;
  readonly tags: readonly TagSize[];
  /** Stacked cards stick out below and to the right; a stop's bar on both sides. */
  readonly stack: number;
  readonly bar: boolean;
}

/** All numbers even, so that centres are whole pixels. */
const even = (x: number) => 2 * Math.ceil(x / 2);
const leaf = (name: string) => name.slice(name.lastIndexOf('/') + 1);
const clamp = (w: number) => even(Math.max(METRICS.minWidth, Math.min(METRICS.maxWidth, w)));

export class Sizes {
  private readonly cache = new Map<number, BoxSize>();
  private loss = -1;

  constructor(private readonly graph: DrawingGraph, private readonly hierarchy: Hierarchy, private readonly ruler: Ruler) {}

  /** The node that makes the loss is a pill of its own; −1: none is known. */
  setLoss(node: number): void {
    if (node === this.loss) return;
    this.cache.clear();
    this.loss = node;
  }

  /** The box of an item: a node, ~group folded, or nodes + k for an input. */
  of(wiring: Wiring, item: number): BoxSize {
    let size = this.cache.get(item);
    if (!size) this.cache.set(item, (size = item < 0 ? this.card(~item) : item < this.graph.nodes.name.length ? this.node(item) : this.input(wiring.inputs[item - this.graph.nodes.name.length]!)));
    return size;
  }

  /** Least width of a group's frame, for its header; and the part of it that words cover. */
  header(group: number): { readonly least: number; readonly label: number; readonly fact: number } {
    const h = this.hierarchy, label = Math.min(240, this.ruler.width(h.label[group]!)), fact = this.ruler.width(`${h.last[group]! - h.first[group]!} nodes`, 11);
    return { least: even(Math.max(METRICS.minWidth, label + 46 + fact + 18)), label: label + 30, fact: fact + 18 };
  }

  private text(index: number): string { return this.graph.strings[index]!; }

  private node(n: number): BoxSize {
    const { graph, hierarchy: h, ruler } = this, name = this.text(graph.nodes.name[n]!), skip = h.skip[n]!, short = (skip < name.length ? name.slice(skip) : name) || this.text(graph.nodes.op[n]!);
    const from = h.parameterStart[n]!, params = h.parameterStart[n + 1]! - from, isLoss = n === this.loss, rows = isLoss ? 0 : Math.min(params, METRICS.maxRows) + (params > METRICS.maxRows ? 1 : 0), mark = graph.nodes.mark[n]!;
    let w = 33 + ruler.width(short) + 8 + METRICS.number + 8;
    if (isLoss) w = 13 + ruler.width(`∂ ${leaf(short)}`) + 100 + 13;
    for (let k = 0; k < Math.min(rows, METRICS.maxRows); k++) w = Math.max(w, 33 + ruler.width(lastPart(this.text(graph.values.name[h.parameters[from + k]!]!)), 11) + 8 + METRICS.number + 8);
    const stop = (mark & (NodeMark.stopGradient | NodeMark.preventGradient)) !== 0, quantiser = (mark & (NodeMark.fakeQuant | NodeMark.straightThrough)) !== 0;
    if (stop) w += 30;
    if (quantiser) w += 14;
    return { kind: isLoss ? BoxKind.loss : BoxKind.node, ref: n, w: clamp(w), h: METRICS.head + rows * METRICS.row + (rows ? 2 : 0), rows, tags: this.nodeTags(n), stack: 0, bar: stop };
  }

  private card(g: number): BoxSize {
    const h = this.hierarchy, repeat = h.kind[g] === GroupKind.repeat, w = 33 + this.ruler.width(h.label[g]!) + 16 + METRICS.number;
    return {
      kind: repeat ? BoxKind.repeat : BoxKind.group, ref: g, w: clamp(repeat ? Math.max(w, 20 + 12 * Math.min(24, h.childStart[g + 1]! - h.childStart[g]!)) : w), h: repeat ? METRICS.repeatHeight : METRICS.cardHeight, rows: 0,
      tags: this.groupTags(g), stack: 6, bar: false,
    };
  }

  private input(value: number): BoxSize {
    return { kind: BoxKind.input, ref: value, w: clamp(33 + this.ruler.width(leaf(this.text(this.graph.values.name[value]!))) + 8 + METRICS.number + 11), h: METRICS.head, rows: 0, tags: [], stack: 0, bar: false };
  }

  private nodeTags(n: number): TagSize[] {
    const values = new Set<number>();
    this.eachTag(n, v => values.add(v));
    return this.pills([...values]);
  }
  private groupTags(g: number): TagSize[] {
    const { hierarchy: h, graph } = this, values = new Set<number>();
    for (let i = h.first[g]!; i < h.last[g]!; i++)
      this.eachTag(h.order[i]!, v => {
        const producer = graph.values.producer[v]!;
        if (producer < 0 || !this.inside(h.groupOf[producer]!, g)) values.add(v);
      });
    return this.pills([...values]);
  }
  private inside(group: number, outer: number): boolean {
    const { parent, depth } = this.hierarchy;
    let g = group;
    while (g >= 0 && depth[g]! > depth[outer]!) g = parent[g]!;
    return g === outer;
  }
  private eachTag(n: number, visit: (value: number) => void): void {
    const { uses } = this.graph, { start, list } = this.usesByNode;
    for (let k = start[n]!; k < start[n + 1]!; k++) if (this.hierarchy.tagged[list[k]!]) visit(uses.value[list[k]!]!);
  }
  private pills(values: readonly number[]): TagSize[] {
    const shown = values.length > MOST_TAGS ? MOST_TAGS - 1 : values.length, width = (text: string) => even(Math.max(40, Math.min(150, this.ruler.width(text, 11) + 16)));
    const tags = values.slice(0, shown).map(value => ({ value, more: 0, w: width(leaf(this.text(this.graph.values.name[value]!))) }));
    if (shown < values.length) tags.push({ value: values[shown]!, more: values.length - shown, w: width(`${values.length - shown} more`) });
    return tags;
  }

  private uses: { readonly start: Uint32Array; readonly list: Uint32Array } | undefined;
  private get usesByNode(): { readonly start: Uint32Array; readonly list: Uint32Array } { return (this.uses ??= usesByNode(this.graph)); }
}

function lastPart(name: string): string {
  const last = leaf(name), dot = last.lastIndexOf('.');
  return last !== name || dot < 0 ? last : last.slice(dot + 1);
}

/** Whole extent of a box with its tags in px, and where the tags are in it. */
export function boxExtent(box: BoxSize, direction: 'down' | 'right'): { readonly w: number; readonly h: number; readonly tags: readonly { readonly x: number; readonly y: number }[] } {
  if (!box.tags.length) return { w: box.w + box.stack, h: box.h + box.stack, tags: [] };
  const widest = Math.max(...box.tags.map(t => t.w));
  if (direction === 'right') {
    // Beside the box runs its edge: the tags go below.
    const y = box.h + box.stack + 4, x = Math.max(METRICS.tail + 8, 20);
    return { w: Math.max(box.w + box.stack, x + widest), h: y + box.tags.length * TAG_PITCH - 4, tags: box.tags.map((_, i) => ({ x, y: y + i * TAG_PITCH })) };
  }
  const x = box.w + box.stack + METRICS.tail;
  return { w: x + widest, h: Math.max(box.h + box.stack, box.tags.length * TAG_PITCH), tags: box.tags.map((_, i) => ({ x, y: 3 + i * TAG_PITCH })) };
}
