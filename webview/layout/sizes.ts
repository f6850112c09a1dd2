/** Sizes of boxes from what is written in them; no DOM. */
import type { DrawingGraph } from '../../extension/protocol.ts';
import { GroupKind, METRICS, type Hierarchy, type TextMetrics } from './types.ts';

/** A common sans serif face, where nothing was measured. */
const USUAL: TextMetrics = { advance: new Float32Array(256).fill(6.6), other: 9 };

export class Sizes {
  constructor(private readonly graph: DrawingGraph, private readonly hierarchy: Hierarchy, private readonly metrics: TextMetrics = USUAL) {}

  text(text: string): number {
    let width = 0;
    for (let i = 0; i < text.length; i++) width += this.metrics.advance[text.charCodeAt(i)] || this.metrics.other;
    return width;
  }

  nodeRows(node: number): number {
    const { parameterStart } = this.hierarchy, count = parameterStart[node + 1]! - parameterStart[node]!;
    return count > METRICS.maxRows ? METRICS.maxRows + 1 : count;
  }

  node(node: number): { readonly w: number; readonly h: number } {
    const { graph, hierarchy } = this, { strings } = graph, full = strings[graph.nodes.name[node]!]!, skip = hierarchy.skip[node]!;
    let w = METRICS.head + 16 + this.text(full.slice(skip < full.length ? skip : 0)) + METRICS.number;
    const from = hierarchy.parameterStart[node]!, rows = Math.min(METRICS.maxRows, hierarchy.parameterStart[node + 1]! - from);
    for (let r = 0; r < rows; r++) w = Math.max(w, 44 + this.text(strings[graph.values.name[hierarchy.parameters[from + r]!]!]!.split(/[./]/).at(-1)!) + METRICS.number);
    return { w: clamp(w), h: METRICS.head + METRICS.row * this.nodeRows(node) };
  }

  card(group: number): { readonly w: number; readonly h: number } {
    const repeat = this.hierarchy.kind[group] === GroupKind.repeat;
    return { w: clamp(METRICS.head + 30 + this.text(this.hierarchy.label[group]!) + METRICS.number + (repeat ? 24 : 0)), h: repeat ? METRICS.repeatHeight : METRICS.cardHeight };
  }

  /** Least width of an open group: its header's text. */
  header(group: number): number { return 2 * METRICS.padding + 80 + this.text(this.hierarchy.label[group]!); }

  value(value: number): { readonly w: number; readonly h: number } {
    const { strings, values } = this.graph;
    return { w: clamp(METRICS.head + 16 + this.text(strings[values.name[value]!]!) + METRICS.number), h: METRICS.head };
  }

  /** A pill beside a box. */
  tag(value: number): number {
    return Math.min(140, 14 + this.text(this.graph.strings[this.graph.values.name[value]!]!.split('/').at(-1)!));
  }
}

const clamp = (w: number) => Math.round(Math.min(METRICS.maxWidth, Math.max(METRICS.minWidth, w)));
