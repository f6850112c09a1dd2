/** Find in the graph: hits in topological order, marked in the picture, opened one after the other. */
import { find, suggest } from '../state/find.ts';
import type { Model } from '../state/model.ts';
import { visibleBox, type Target } from '../drawing/scene.ts';

export class Search {
  query = '';
  nodes: readonly number[] = [];
  at = -1;
  private marked: { readonly boxOf: unknown; readonly nodes: readonly number[]; readonly hits: ReadonlyMap<number, number> } | undefined;

  run(model: Model | undefined, query: string): void {
    this.query = query;
    this.nodes = model && query.trim() ? find(model, query) : [];
    this.at = -1;
  }
  step(by: 1 | -1): number | undefined {
    if (!this.nodes.length) return undefined;
    this.at = this.at < 0 ? (by > 0 ? 0 : this.nodes.length - 1) : (this.at + by + this.nodes.length) % this.nodes.length;
    return this.nodes[this.at];
  }
  /** A word to search instead, with its number of hits, where nothing was found. */
  instead(model: Model): { readonly word: string; readonly hits: number } | undefined {
    const word = this.nodes.length ? undefined : suggest(model, this.query.trim());
    return word === undefined ? undefined : { word, hits: find(model, word).length };
  }

  /** Boxes that show hits, and how many each: a folded group stands for what is inside. */
  boxes(model: Model, boxOf: (target: Target) => number): ReadonlyMap<number, number> {
    if (this.marked?.boxOf === boxOf && this.marked.nodes === this.nodes) return this.marked.hits;
    const hits = new Map<number, number>();
    this.marked = { boxOf, nodes: this.nodes, hits };
    for (const node of this.nodes) {
      const box = visibleBox(model, boxOf, node);
      if (box >= 0) hits.set(box, (hits.get(box) ?? 0) + 1);
    }
    return hits;
  }
}
