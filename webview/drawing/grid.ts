import type { Layout } from '../layout/types.ts';

export interface Area { readonly x0: number; readonly y0: number; readonly x1: number; readonly y1: number }

/** Rectangles sorted into square cells: what is in a window, and what is under a point, without looking at all of them. */
class Grid {
  private readonly start: Uint32Array;
  private readonly items: Uint32Array;
  private readonly seen: Uint32Array;
  private stamp = 0;
  private readonly columns: number;
  private readonly rows: number;

  constructor(count: number, private readonly bounds: (i: number) => Area, width: number, height: number, private readonly size: number) {
    this.columns = Math.max(1, Math.ceil(width / size));
    this.rows = Math.max(1, Math.ceil(height / size));
    this.start = new Uint32Array(this.columns * this.rows + 1);
    for (let i = 0; i < count; i++) this.each(bounds(i), c => { this.start[c + 1]!++; });
    for (let c = 0; c + 1 < this.start.length; c++) this.start[c + 1]! += this.start[c]!;
    const at = this.start.slice();
    this.items = new Uint32Array(this.start.at(-1)!);
    for (let i = 0; i < count; i++) this.each(bounds(i), c => { this.items[at[c]!++] = i; });
    this.seen = new Uint32Array(count);
  }

  private each({ x0, y0, x1, y1 }: Area, cell: (c: number) => void): void {
    const column = (x: number) => Math.max(0, Math.min(this.columns - 1, Math.floor(x / this.size))), row = (y: number) => Math.max(0, Math.min(this.rows - 1, Math.floor(y / this.size)));
    for (let r = row(y0), r1 = row(y1); r <= r1; r++) for (let c = column(x0), c1 = column(x1); c <= c1; c++) cell(r * this.columns + c);
  }

  /** Each rectangle that meets the area once, in ascending order; at most `limit`, and one more to say that there are more. */
  within(area: Area, limit = Infinity): number[] {
    const found: number[] = [], stamp = ++this.stamp;
    this.each(area, c => {
      for (let k = this.start[c]!; k < this.start[c + 1]! && found.length <= limit; k++) {
        const i = this.items[k]!;
        if (this.seen[i] === stamp) continue;
        this.seen[i] = stamp;
        const b = this.bounds(i);
        if (b.x1 >= area.x0 && b.x0 <= area.x1 && b.y1 >= area.y0 && b.y0 <= area.y1) found.push(i);
      }
    });
    return found.sort((a, b) => a - b);
  }
}

/** The layout's boxes, edge pieces, frames and tags by place. */
export class LayoutIndex {
  readonly boxes: Grid;
  readonly tags: Grid;
  private readonly pieces: Grid;
  private readonly pieceEdge: Uint32Array;
  private readonly piecePoint: Uint32Array;

  constructor(readonly layout: Layout) {
    const { boxes: b, tags: t, edges: e, width, height } = layout, size = Math.max(256, Math.sqrt((width * height) / 16_384));
    this.boxes = new Grid(b.count, i => ({ x0: b.x[i]! - 8, y0: b.y[i]! - 8, x1: b.x[i]! + b.w[i]! + 8, y1: b.y[i]! + b.h[i]! + 8 }), width, height, size);
    this.tags = new Grid(t.count, i => ({ x0: t.x[i]!, y0: t.y[i]!, x1: t.x[i]! + t.w[i]!, y1: t.y[i]! + t.h[i]! }), width, height, size);
    const edges: number[] = [], points: number[] = [];
    for (let i = 0; i < e.count; i++) for (let p = e.start[i]!; p + 1 < e.start[i + 1]!; p++) { edges.push(i); points.push(p); }
    this.pieceEdge = Uint32Array.from(edges);
    this.piecePoint = Uint32Array.from(points);
    this.pieces = new Grid(edges.length, i => {
      const p = 2 * points[i]!, q = e.points;
      return { x0: Math.min(q[p]!, q[p + 2]!) - 4, y0: Math.min(q[p + 1]!, q[p + 3]!) - 4, x1: Math.max(q[p]!, q[p + 2]!) + 4, y1: Math.max(q[p + 1]!, q[p + 3]!) + 4 };
    }, width, height, size);
  }

  /** Edges with a piece in the area, and how many pieces there are. */
  edges(area: Area, limit: number): { readonly edges: number[]; readonly pieces: number } {
    const pieces = this.pieces.within(area, limit);
    return { edges: [...new Set(pieces.map(i => this.pieceEdge[i]!))], pieces: pieces.length };
  }

  boxAt(x: number, y: number): number {
    const { boxes: b } = this.layout;
    for (const i of this.boxes.within({ x0: x, y0: y, x1: x, y1: y })) if (x >= b.x[i]! && x <= b.x[i]! + b.w[i]! && y >= b.y[i]! && y <= b.y[i]! + b.h[i]!) return i;
    return -1;
  }

  tagAt(x: number, y: number): number {
    return this.tags.within({ x0: x, y0: y, x1: x, y1: y })[0] ?? -1;
  }

  /** The innermost open group whose frame, or header only, holds the point: −1 if none. */
  frameAt(x: number, y: number, header: number): number {
    const { frames: f } = this.layout;
    for (let i = f.count - 1; i >= 0; i--) if (x >= f.x[i]! && x <= f.x[i]! + f.w[i]! && y >= f.y[i]! && y <= f.y[i]! + Math.min(f.h[i]!, header)) return i;
    return -1;
  }

  /** The edge nearest to a point within `reach` px: −1 if none. Curves are taken as their chords and middles. */
  edgeAt(x: number, y: number, reach: number): number {
    const { points: q } = this.layout.edges;
    let best = -1, least = reach * reach;
    for (const i of this.pieces.within({ x0: x - reach, y0: y - reach, x1: x + reach, y1: y + reach })) {
      const p = 2 * this.piecePoint[i]!, [x0, y0, x1, y1] = [q[p]!, q[p + 1]!, q[p + 2]!, q[p + 3]!];
      for (let k = 0; k <= 12; k++) {
        const t = k / 12, s = 3 * t * t - 2 * t * t * t, d = (x0 + (x1 - x0) * s - x) ** 2 + (y0 + (y1 - y0) * (x0 === x1 ? Math.max(0, Math.min(1, (y - y0) / (y1 - y0 || 1))) : t) - y) ** 2;
        if (d < least) { least = d; best = this.pieceEdge[i]!; }
      }
    }
    return best;
  }
}
