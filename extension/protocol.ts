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

// ---------------------------------------------------------------- cards

/** One judgement about one place of the model. `message` is a whole sentence or two in the words of the design. */
export interface FindingReport {
  /** "GF010". */
  readonly code: string;
  readonly title: string;
  readonly severity: 'error' | 'warning' | 'information';
  readonly message: string;
  readonly node?: string;
  readonly value?: string;
}

/** A line of the person's own source. `line` counts from 1. */
export interface SourceLine {
  readonly file: string;
  readonly line: number;
  readonly text?: string;
}

/** Counts of elements between equal steps from `low` to `high`; `negative` and `positive` are counts of elements by sign. */
export interface Histogram {
  readonly low: number;
  readonly high: number;
  readonly counts: readonly number[];
  readonly negative: number;
  readonly positive: number;
}

/** Everything known of one value: its report and the contribution of each use. Without a run the gradient is `not-asked`. */
export interface ValueCard {
  readonly value: number;
  readonly report: ValueReport;
  /** What happened to its gradient, in one or two sentences; absent before a run. */
  readonly sentence?: string;
  readonly uses: readonly EdgeReport[];
  readonly findings: readonly FindingReport[];
  readonly source?: SourceLine;
}

/** Everything known of one node. */
export interface NodeCard {
  readonly node: number;
  readonly name: string;
  readonly op: string;
  readonly domain?: string;
  readonly attributes: readonly { readonly name: string; readonly text: string }[];
  /** Backward rule, one line an input ("∂A = ∂Y Bᵀ"); absent where there is no rule. */
  readonly formula?: readonly string[];
  /** The convention in force with its preset, where the rule reads one: "ties: tensorflow". */
  readonly convention?: string;
  readonly mark?: Mark;
  readonly outputs: readonly ValueCard[];
  readonly parameters: readonly ValueCard[];
  readonly findings: readonly FindingReport[];
  readonly source?: SourceLine;
}

/** One step of the way from the loss to a value, the loss first. */
export interface WhyStep {
  readonly name: string;
  /** Node index in the drawing, −1 if it is not drawn. */
  readonly node: number;
  readonly status: GradientStatus;
  readonly norm: number;
  /** This node cuts the way. */
  readonly cut?: boolean;
}

export interface WhyAnswer {
  readonly value: number;
  readonly sentence: string;
  readonly steps: readonly WhyStep[];
  /** "Is it meant?": the class and one remedy; absent where nothing is cut. */
  readonly meant?: string;
  /** The stop nearest to the value, which a what-if could remove. */
  readonly stop?: { readonly node: number; readonly name: string };
  readonly source?: SourceLine;
}

// ---------------------------------------------------------------- states of the editor

export interface StateButton {
  readonly label: string;
  readonly command: HostCommand;
  readonly argument?: string;
  readonly primary?: boolean;
}

/** What stands in the drawing's place, or in the strip above it while there is a drawing. The words are the webview's. */
export type EditorState =
  | { readonly kind: 'reading'; readonly name: string; readonly nodes?: number }
  | { readonly kind: 'running'; readonly forward: readonly [number, number]; readonly gradient: readonly [number, number] }
  | { readonly kind: 'no-target'; readonly candidates: readonly { readonly name: string; readonly why?: string }[] }
  | { readonly kind: 'restricted' }
  | { readonly kind: 'not-a-model'; readonly message: string }
  | { readonly kind: 'lfs-pointer' }
  | { readonly kind: 'damaged'; readonly name: string; readonly message: string; readonly drawn: boolean }
  | { readonly kind: 'missing-weights'; readonly file: string; readonly parameters: number }
  | { readonly kind: 'no-rule'; readonly op: string; readonly node: string; readonly shown: number; readonly total: number }
  | { readonly kind: 'crash'; readonly message: string }
  | { readonly kind: 'no-runtime'; readonly system: string }
  | { readonly kind: 'changed'; readonly name: string; readonly newNodes: number }
  | { readonly kind: 'deleted'; readonly name: string }
  | { readonly kind: 'no-findings'; readonly gradients: number; readonly benignStops: number }
  | { readonly kind: 'error'; readonly title: string; readonly message: string; readonly buttons: readonly StateButton[] };

/** What a webview may ask the host to do; the host checks again that it can work. */
export type HostCommand =
  | 'run' | 'cancel' | 'chooseTarget' | 'useTarget' | 'chooseInputs' | 'chooseConventions' | 'chooseDevice' | 'manageTrust'
  | 'openAsText' | 'openTextView' | 'showLog' | 'openTerminal' | 'chooseFile' | 'drawWithoutValues' | 'stopThere'
  | 'showSupportedSystems' | 'openModel' | 'openSample' | 'showPanel' | 'showFindings' | 'whatIf' | 'resetWhatIf' | 'nextStop'
  | 'savePictureSvg' | 'savePicturePng' | 'saveReport' | 'goToNode' | 'close';

/** What the host may ask a drawing to do: the palette's commands that are about the view alone. */
export type ViewCommand =
  | 'fit' | 'zoomToSelection' | 'foldAll' | 'unfoldLevel' | 'changeDirection' | 'layOutAgain' | 'find' | 'findNext' | 'findPrevious'
  | 'nextFinding' | 'previousFinding' | 'explain' | 'colorBy' | 'back' | 'forward' | 'copyName' | 'copyJson' | 'savePictureSvg' | 'savePicturePng';

// ---------------------------------------------------------------- messages

/** Shared by drawing, panel and text view. Both absent: nothing is selected. A node and one of its values may go together. */
export interface Selection {
  readonly node?: number;
  readonly value?: number;
}

/** Facts of the run that the toolbar says. */
export interface RunFacts {
  readonly target: string;
  readonly targetWhy?: string;
  readonly loss: number;
  /** "16 images, generated, seed 0". */
  readonly inputs: string;
  readonly provider: string;
  readonly conventions: string;
  readonly notes: readonly string[];
}

/** Results of a run that compares with another: what a removed or added stop changes. `normBefore` lies beside the drawing's values. */
export interface WhatIf {
  /** Nodes whose stop is removed, values where the person has put one. */
  readonly removed: readonly number[];
  readonly added: readonly number[];
  readonly normBefore: Float64Array;
  readonly statusBefore: Uint8Array;
  readonly appear: number;
  readonly change: number;
  readonly stay: number;
  readonly comparedIn: 'float32' | 'float64';
}

export interface DrawingOptions {
  /** `adjoint.drawing.wheel`: what the wheel does without Ctrl. */
  readonly wheel: 'pan' | 'zoom';
  readonly direction: 'down' | 'right';
}

/** Beside the values of the drawing, for the panel: `steps` back from the loss by the longest path, −1 if there is none. */
export interface FlowTable {
  readonly strings: readonly string[];
  /** The value's index in the drawing. */
  readonly value: Uint32Array;
  /** Indices into `strings`. */
  readonly name: Uint32Array;
  readonly op: Uint32Array;
  readonly shape: Uint32Array;
  /** Index into VALUE_KINDS. */
  readonly kind: Uint8Array;
  readonly status: Uint8Array;
  readonly steps: Int32Array;
  readonly norm: Float64Array;
  readonly forwardNorm: Float64Array;
  readonly mean: Float64Array;
  readonly std: Float64Array;
  readonly absMax: Float64Array;
  readonly count: Float64Array;
  readonly nan: Float64Array;
  readonly inf: Float64Array;
  readonly zero: Float64Array;
  /** Norm of the optimiser's update, NaN where none is known. */
  readonly updateNorm: Float64Array;
  /** 1 where the row's node is a stop, or the value has a finding. */
  readonly stop: Uint8Array;
  readonly finding: Uint8Array;
  /** Row indices of the main path, the loss first. */
  readonly spine: Uint32Array;
  /** Repeated blocks in the order of the steps: the band of the chart and the factor of the norm from block to block. */
  readonly bands: readonly { readonly label: string; readonly from: number; readonly to: number; readonly rate: number }[];
}

/** Host → any webview. `flow` goes to the panel only, the drawing's messages to the editor only. */
export type ToWebview =
  | { readonly type: 'graph'; readonly graph: DrawingGraph; readonly options: DrawingOptions }
  | { readonly type: 'results'; readonly results: DrawingResults; readonly marks: readonly Mark[]; readonly findings: readonly FindingReport[]; readonly run?: RunFacts }
  | { readonly type: 'whatIf'; readonly whatIf?: WhatIf }
  | { readonly type: 'state'; readonly state?: EditorState }
  | { readonly type: 'flow'; readonly flow?: FlowTable; readonly run?: RunFacts; readonly model?: string }
  /** `reveal`: open what is folded and bring it into the window. */
  | { readonly type: 'select'; readonly selection: Selection; readonly reveal: boolean }
  | { readonly type: 'view'; readonly command: ViewCommand }
  | Reply;

/** Webview → host. */
export type FromWebview =
  | Asked
  /** The answer is no longer wanted. */
  | { readonly type: 'drop'; readonly id: number }
  | { readonly type: 'select'; readonly selection: Selection }
  | { readonly type: 'command'; readonly command: HostCommand; readonly argument?: string }
  | { readonly type: 'openSource'; readonly source: SourceLine }
  | { readonly type: 'toggleStop'; readonly node?: number; readonly value?: number }
  | { readonly type: 'gradientOf'; readonly value: number }
  | { readonly type: 'copy'; readonly text: string }
  /** A picture or table made here: text, or base64 of a PNG. The host asks where to save it. */
  | { readonly type: 'save'; readonly name: string; readonly encoding: 'utf8' | 'base64'; readonly data: string };

/** Every request names its answer; it is answered or rejected, never forgotten. */
export interface Requests {
  /** First of all. The host then sends what it has as messages: graph, results, state, selection, flow. */
  ready: { ask: { readonly protocol: number; readonly view: 'drawing' | 'panel' }; answer: { readonly protocol: number } };
  node: { ask: { readonly node: number }; answer: NodeCard };
  value: { ask: { readonly value: number }; answer: ValueCard };
  why: { ask: { readonly value: number }; answer: WhyAnswer };
  histogram: { ask: { readonly value: number; readonly of: 'gradient' | 'forward' }; answer: Histogram };
}

export type RequestKind = keyof Requests;
export type Asked = { [K in RequestKind]: { readonly type: 'ask'; readonly id: number; readonly kind: K; readonly ask: Requests[K]['ask'] } }[RequestKind];
export type Reply =
  | { readonly type: 'reply'; readonly id: number; readonly ok: true; readonly answer: Requests[RequestKind]['answer'] }
  | { readonly type: 'reply'; readonly id: number; readonly ok: false; readonly error: { readonly code: string; readonly message: string; readonly remedy?: string } };

// ---------------------------------------------------------------- report.html

/** What a report page holds as JSON: the same drawing, live, without a host. Typed arrays are `{ array, base64 }`, NaN and infinities `{ number }`. */
export interface ReportPage {
  readonly graph: DrawingGraph;
  readonly results: DrawingResults;
  readonly report: GradientReport;
  readonly findings: readonly FindingReport[];
  readonly flow: FlowTable;
  /** For each node of the drawing, in its order, what the report itself does not say. */
  readonly nodes: readonly Pick<NodeCard, 'attributes' | 'formula' | 'convention' | 'source'>[];
  /** For each value of the drawing: why its gradient is what it is. */
  readonly sentences: readonly string[];
}
