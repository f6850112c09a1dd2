import type { Attribute, ValueInfo } from '../../../kernels/graph/graph.ts';

/**
 * The file's own encoding of what the Graph type cannot hold exactly (TYPE_PROTO, lists of graphs, int64 beyond 2^53,
 * bytes that are no UTF-8, map and sparse types), so that the writer gives it back unchanged. Keyed by identity:
 * an attribute that a pass makes anew has no entry.
 */
export const rawAttributes = new WeakMap<Attribute, Uint8Array>();
export const rawTypes = new WeakMap<ValueInfo, Uint8Array>();

/** Longer ones are only displayed. */
export const LONGEST_RAW = 2 ** 20;
