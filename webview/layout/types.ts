/**
 * What the layout gives to whoever draws it. All arrays are transferable; all coordinates are whole pixels at scale 1,
 * the drawing's upper left corner at (0, 0). Nothing here touches the DOM.
 */
import type { DrawingGraph, DrawingResults } from '../../extension/protocol.ts';

// ---------------------------------------------------------------- groups

/** A scope of the file; N alike neighbours shown as one ×N card; a run found by structure; a node's own backward part. */
export const GroupKind = { scope: 0, repeat: 1, run: 2, backward: 3 } as const;

/**
 * The tree of groups. Group 0 is the root and is always open. A group comes after its parent. The nodes of a group and of
 * all groups inside it are `order[first[g]] … order[last[g] − 1]`.
 */
export interface Hierarchy {
  readonly count: number;
  /** −1 for the root. */
  readonly parent: Int32Array;
  /** GroupKind. The children of a repeat are its instances, in the order of their numbers. */
  readonly kind: Uint8Array;
  readonly depth: Uint16Array;
  /** Scope of the file, or −1 for a repeat, a run or a backward part. */
  readonly scope: Int32Array;
  /** Name relative to the parent group: "block_1", "block_1 … 12" for a repeat, "Conv … Relu" for a run. */
  readonly label: readonly string[];
  /** Child groups: `children[childStart[g]] … children[childStart[g + 1] − 1]`. */
  readonly childStart: Uint32Array;
  readonly children: Uint32Array;
  readonly order: Uint32Array;
  readonly first: Uint32Array;
  readonly last: Uint32Array;
  /** Innermost group of each node. */
  readonly groupOf: Uint32Array;
  /** Equal for groups of equal structure (operators and their wiring). */
  readonly structure: Uint32Array;
  /** For a backward part: the forward node that it belongs to; else −1. */
  readonly host: Int32Array;
  /** For a node: its backward part (a group), or −1. Folded, it is only the badge "∇ 7 nodes" of the node's box. */
  readonly backward: Int32Array;
  /** Parameters of each node, which are rows of its box: `parameters[parameterStart[n]] …` are values. */
  readonly parameterStart: Uint32Array;
  readonly parameters: Uint32Array;
  /** 1 for each use that is drawn as a tag and not as an edge. */
  readonly tagged: Uint8Array;
  /** Characters of a node's full name that its box leaves out, because the boxes around it say them. */
  readonly skip: Uint16Array;
}

/** Results gathered for each group. Statuses are indices into STATUSES or UNKNOWN_STATUS. */
export interface GroupResults {
  /** Smallest and largest finite gradient norm above zero inside; NaN where there is none. */
  readonly minNorm: Float64Array;
  readonly maxNorm: Float64Array;
  /** Norm at the group's output: the largest of the values that leave it; NaN or Infinity pass through. */
  readonly outNorm: Float64Array;
  readonly outStatus: Uint8Array;
  /** Worst status inside (order: SEVERITY in aggregate.ts). */
  readonly worst: Uint8Array;
  /** Values inside with a NaN or Inf, with exactly zero, blocked, not known. */
  readonly alarms: Uint32Array;
  readonly zeros: Uint32Array;
  readonly blocked: Uint32Array;
  readonly unknown: Uint32Array;
  /** Repeats: one cell for each bin of instances (at most 24), `strip[stripStart[g]] …`: norm of the parameters. */
  readonly stripStart: Uint32Array;
  readonly strip: Float64Array;
  readonly stripStatus: Uint8Array;
}

// ---------------------------------------------------------------- the picture

/** A node; a folded group; a folded ×N; a graph input; the node that makes the loss, drawn as the solid pill. */
export const BoxKind = { node: 0, group: 1, repeat: 2, input: 3, loss: 4 } as const;

export interface Boxes {
  readonly count: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly w: Float32Array;
  readonly h: Float32Array;
  /** BoxKind. */
  readonly kind: Uint8Array;
  /** Node (node, loss), group (group, repeat) or value (input). */
  readonly ref: Uint32Array;
  /** Open group that it stands in. */
  readonly group: Uint32Array;
  /** Rows under the head, 20 px each: parameters, and "2 more" if the node has more than three. */
  readonly rows: Uint8Array;
  /** Layer inside its group, and place in that layer from the left: for ← and →. */
  readonly layer: Uint32Array;
  readonly place: Uint32Array;
}

/** Open groups, parents before children. The root has no frame. A header of METRICS.header px is inside the frame at its top. */
export interface Frames {
  readonly count: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly w: Float32Array;
  readonly h: Float32Array;
  readonly group: Uint32Array;
}

/** EdgeFlag: `spine` lies on the straight main path, `lane` runs in a lane at the border, `back` runs against the order, `column` passes a gutter. */
export const EdgeFlag = { spine: 1, lane: 2, back: 4, column: 8 } as const;

/**
 * Edges as polylines. `points` holds x, y pairs; edge e has the points `start[e] … start[e + 1] − 1`. Slanted pieces lie in the
 * gaps between layers only, so any curve inside the rectangle of its two points meets no box.
 */
export interface Edges {
  readonly count: number;
  readonly start: Uint32Array;
  readonly points: Float32Array;
  /** A box index, or ~frame index: the edge begins at a port in the border of that frame (from outside or from inside). */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** EdgeFlag bits. */
  readonly flags: Uint8Array;
  /** Open group whose area holds the edge. */
  readonly group: Uint32Array;
  /** Uses that it carries: `uses[useStart[e]] …`. */
  readonly useStart: Uint32Array;
  readonly uses: Uint32Array;
}

/** Pills beside a box for values used often; a dotted tail of METRICS.tail px joins them to the box's right side. */
export interface Tags {
  readonly count: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly w: Float32Array;
  readonly h: Float32Array;
  readonly box: Uint32Array;
  readonly value: Uint32Array;
  /** 0, or how many values the pill "5 more" stands for (`value` is then the first of them). */
  readonly more: Uint32Array;
}

export interface Layout {
  readonly revision: number;
  readonly width: number;
  readonly height: number;
  readonly boxes: Boxes;
  readonly frames: Frames;
  readonly edges: Edges;
  readonly tags: Tags;
  /** The open groups that it was made for, ascending; groups inside folded ones are left out. */
  readonly expanded: Uint32Array;
}

// ---------------------------------------------------------------- asking

/** Sizes of design section 6.7 in px. */
export const METRICS = {
  head: 26, row: 20, maxRows: 3, minWidth: 112, maxWidth: 290, gap: 18, sibling: 16, padding: 16, header: 24, gutter: 48,
  tail: 12, tag: 20, lane: 10, number: 58, cardHeight: 26, repeatHeight: 46,
} as const;

/**
 * Widths of text without a DOM: `advance[c]` is the width in px at 12 px of the character with code c; others are
 * `other` wide. Measured once with `measureText`, or METRICS-like defaults of a common sans serif face.
 */
export interface TextMetrics {
  readonly advance: Float32Array;
  readonly other: number;
}

export interface LayoutRequest {
  /** A later request makes an earlier one stale: its answer is dropped. */
  readonly revision: number;
  /** Open groups in any order; those inside folded groups are remembered by the caller, not drawn. */
  readonly expanded: ArrayLike<number>;
  /** Size of the window in px: columns are chosen for it. */
  readonly viewport: { readonly width: number; readonly height: number };
  readonly direction?: 'down' | 'right';
  /** Nodes that are not to be drawn (bit set by node index: 1 = hidden), for "hide what has no gradient". */
  readonly hidden?: Uint8Array;
  /** Forget the cached orders, so that results known since then choose the spine ("lay out again"). */
  readonly fresh?: boolean;
}

export type ToLayoutWorker =
  | { readonly type: 'graph'; readonly graph: DrawingGraph; readonly metrics?: TextMetrics; readonly target: number; readonly results?: DrawingResults;
      /** The first request; `expanded` left out asks for the first fold state. */
      readonly request: Omit<LayoutRequest, 'expanded'> & { readonly expanded?: ArrayLike<number> } }
  | { readonly type: 'layout'; readonly request: LayoutRequest }
  /** New results: answered by `aggregates`. `target` may have become known. */
  | { readonly type: 'results'; readonly results: DrawingResults };

export type FromLayoutWorker =
  | { readonly type: 'hierarchy'; readonly hierarchy: Hierarchy }
  | { readonly type: 'layout'; readonly layout: Layout; readonly ms: number }
  | { readonly type: 'aggregates'; readonly revision: number; readonly groups: GroupResults }
  | { readonly type: 'failed'; readonly revision: number; readonly message: string };
