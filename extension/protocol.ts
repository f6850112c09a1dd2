/**
 * The contract between the extension host and its webviews: reports as plain data, the drawing as typed arrays,
 * and every message. Both sides import this file; it imports nothing. A request is always answered or rejected.
 */
export const PROTOCOL_VERSION = 1;

// ---------------------------------------------------------------- reports

/** Figures of one tensor over its finite elements, apart from the counts. `std` is the population's. */
export interface Summary {
  readonly count: number;
  readonly nan: number;
  readonly inf: number;
  readonly zero: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly std: number;
  readonly absMax: number;
  readonly l1: number;
  readonly l2: number;
}

export type GradientStatus =
  | 'computed' | 'zero' | 'blocked' | 'unreachable' | 'not-differentiable' | 'unsupported' | 'not-asked';

export type ValueKind = 'parameter' | 'input' | 'activation' | 'constant' | 'output';

export interface Because {
  readonly node: string;
  readonly reason: string;
}

export interface ValueReport {
  readonly name: string;
  /** The node that produces it; absent for inputs and parameters. */
  readonly node?: string;
  readonly op?: string;
  readonly kind: ValueKind;
  readonly shape?: readonly number[];
  readonly dtype?: string;
  readonly gradient: {
    readonly status: GradientStatus;
    readonly because: readonly Because[];
    readonly summary?: Summary;
  };
  readonly forward?: { readonly summary: Summary };
}

/** One use's own contribution to the gradient of `value`; the contributions add up to it. */
export interface EdgeReport {
  readonly value: string;
  readonly node: string;
  readonly input: number;
  readonly status: GradientStatus;
  readonly summary?: Summary;
}

export type MarkKind = 'stop-gradient' | 'prevent-gradient' | 'fake-quant' | 'straight-through' | 'user-stop';
export type MarkClass = 'benign' | 'author' | 'cuts-only-path';

export interface Mark {
  readonly node: string;
  /** The value at which a person's own stop is set. */
  readonly value?: string;
  readonly kind: MarkKind;
  readonly class: MarkClass;
  readonly why: string;
}

export interface InputReport {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly source: 'file' | 'generated';
}

export interface OptimizerReport {
  readonly parameter: string;
  readonly rule: string;
  readonly gradient?: Summary;
  readonly delta: Summary;
}

export interface GradientReport {
  readonly schema: 1;
  readonly model: string;
  readonly format: string;
  readonly target: string;
  /** Why this target, where the person did not name it. */
  readonly targetWhy?: string;
  readonly loss: number;
  readonly provider: string;
  readonly conventions: string;
  readonly inputs: readonly InputReport[];
  readonly values: readonly ValueReport[];
  readonly edges: readonly EdgeReport[];
  readonly marks: readonly Mark[];
  readonly optimizer: readonly OptimizerReport[];
  /** What the person should know of this run: generated inputs, defaulted dimensions, float16 computed in float32 … */
  readonly notes: readonly string[];
  readonly timing: { readonly readMs: number; readonly differentiateMs: number; readonly sessionMs: number; readonly runMs: number };
}

// ---------------------------------------------------------------- the drawing

/**
 * A graph as few big typed arrays and one string table, so that 100,000 nodes cross the border cheaply.
 * Indices: `node` counts nodes in topological order, `value` counts values, `scope` counts scopes (0 is the root).
 */
export interface DrawingGraph {
  readonly title: string;
  readonly strings: readonly string[];
  readonly nodes: {
    /** Index into `strings`. */
    readonly name: Uint32Array;
    readonly op: Uint32Array;
    readonly scope: Uint32Array;
    /** Node whose backward part this one is (a training graph's own), or −1. */
    readonly backwardOf: Int32Array;
    /** NodeMark bits. */
    readonly mark: Uint8Array;
  };
  readonly scopes: {
    readonly name: Uint32Array;
    /** Parent scope; the root's is −1. A scope comes after its parent. */
    readonly parent: Int32Array;
  };
  readonly values: {
    readonly name: Uint32Array;
    /** Producing node, or −1 for inputs, parameters and constants. */
    readonly producer: Int32Array;
    /** Index into VALUE_KINDS. */
    readonly kind: Uint8Array;
    /** "float32 64×3×7×7": index into `strings`. */
    readonly type: Uint32Array;
  };
  /** Uses of values by nodes, in the order of the nodes and of their inputs; captured values of subgraphs included. */
  readonly uses: {
    readonly value: Uint32Array;
    readonly node: Uint32Array;
    /** Position among the node's inputs; −1 for a value captured by its subgraph. */
    readonly input: Int32Array;
  };
  /** Values that are outputs of the graph. */
  readonly outputs: Uint32Array;
}

export const VALUE_KINDS: readonly ValueKind[] = ['activation', 'parameter', 'input', 'constant', 'output'];
export const STATUSES: readonly GradientStatus[] = ['computed', 'zero', 'blocked', 'unreachable', 'not-differentiable', 'unsupported', 'not-asked'];

export const NodeMark = { stopGradient: 1, preventGradient: 2, fakeQuant: 4, straightThrough: 8, userStop: 16, benign: 32, cutsOnlyPath: 64 } as const;

/** Results laid beside the drawing's values and uses. Entries that are not known yet have status 255. */
export interface DrawingResults {
  readonly revision: number;
  readonly valueStatus: Uint8Array;
  /** L2 norm of the gradient; NaN where the tensor holds a NaN, Infinity where an Inf. */
  readonly valueNorm: Float64Array;
  readonly forwardNorm: Float64Array;
  /** Largest |g|, share of zeros (0 … 1), elements: for the other measures. */
  readonly valueAbsMax: Float64Array;
  readonly valueZeroShare: Float32Array;
  readonly valueCount: Float64Array;
  readonly useStatus: Uint8Array;
  readonly useNorm: Float64Array;
  /** The target's value index; −1 if it is not drawn. */
  readonly target: number;
}
export const UNKNOWN_STATUS = 255;
