import type { ErrorCode, ErrorPlace } from '../../kernels/graph/errors.ts';
import type { DType } from '../../kernels/graph/types.ts';

/**
 * The messages between the host and the child process that holds ONNX Runtime. One request is under way at a time
 * (a run blocks the child); each is answered or rejected under its id.
 */
export const RUNTIME_PROTOCOL = 1;

export type Provider = 'cpu' | 'cuda';
export type Optimization = 'disabled' | 'basic' | 'extended' | 'all';

/** Elements as they lie in memory: row-major, little-endian, bool as one byte, float16 as its bits. */
export interface NumericTensor {
  readonly dtype: Exclude<DType, 'string'>;
  readonly dims: readonly number[];
  readonly data: Uint8Array;
}
export interface StringTensor {
  readonly dtype: 'string';
  readonly dims: readonly number[];
  readonly data: readonly string[];
}
export type TensorValue = NumericTensor | StringTensor;

/** A model in memory, or a file: a person's own model goes by its path, so that its external data is found. */
export type ModelSource = Uint8Array | { readonly path: string };

export interface SessionRequest {
  readonly model: ModelSource;
  /** The folder that external data locations of a model in memory start from. */
  readonly folder?: string;
  readonly provider: Provider;
  /** Threads inside one operator; ONNX Runtime's default is the number of physical cores. */
  readonly threads?: number;
  readonly optimization?: Optimization;
  /** Records the time of every node until `endProfiling`. */
  readonly profile?: boolean;
}

/** An input or output as ONNX Runtime sees it. */
export interface PortInfo {
  readonly name: string;
  /** Absent for a sequence, an optional or a map. */
  readonly dtype?: DType;
  /** Sizes and symbolic names. `[]` is a scalar, or a tensor whose rank ONNX Runtime does not know: it says the same of both. */
  readonly shape?: readonly (number | string)[];
}

export interface SessionPorts {
  readonly createMs: number;
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
}

/** A feed as it crosses: whole, whole and to be kept under a key, or by the key of one that was kept. */
export type SentFeed =
  | { readonly kind: 'value'; readonly value: TensorValue }
  | { readonly kind: 'keep'; readonly key: string; readonly value: TensorValue }
  | { readonly kind: 'kept'; readonly key: string };

export interface SentRun {
  readonly session: number;
  readonly feeds: readonly (readonly [name: string, feed: SentFeed])[];
  readonly fetches: readonly string[];
  readonly scalars: readonly string[];
  readonly repeat: number;
}

export interface RunResult {
  readonly outputs: Readonly<Record<string, TensorValue>>;
  /** One number for each of the run's `scalars`, in their order. */
  readonly scalars: Float64Array;
  /** Of the only run; of several, the median without the first. */
  readonly runMs: number;
  readonly firstMs: number;
  readonly allMs: readonly number[];
}

/** Where the provider's libraries were looked for, and which are missing. */
export interface CudaLibraries {
  readonly known: boolean;
  readonly platform: string;
  readonly version: string;
  readonly folders: readonly string[];
  readonly missing: readonly string[];
}

export interface Requests {
  createSession: { ask: SessionRequest & { readonly session: number }; answer: SessionPorts };
  releaseSession: { ask: { readonly session: number }; answer: null };
  run: { ask: SentRun; answer: RunResult };
  forgetFeeds: { ask: { readonly keys: readonly string[] }; answer: null };
  endProfiling: { ask: { readonly session: number }; answer: { readonly path: string } };
  cudaLibraries: { ask: null; answer: CudaLibraries };
}
export type RequestKind = keyof Requests;

export type ToWorker = { [K in RequestKind]: { readonly id: number; readonly kind: K; readonly ask: Requests[K]['ask'] } }[RequestKind];

/** A UserError as plain data: class instances lose their type between processes. */
export interface UserErrorFields {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
  readonly place: ErrorPlace;
}

/** What went wrong in the child: an error for a person, or a bug with its stack. */
export type SentError = { readonly kind: 'user'; readonly error: UserErrorFields } | { readonly kind: 'bug'; readonly stack: string };

export type FromWorker =
  | { readonly kind: 'hello'; readonly protocol: number; readonly onnxruntime: string }
  | { readonly kind: 'unusable'; readonly error: UserErrorFields }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown; readonly rssBytes: number }
  | { readonly kind: 'rejected'; readonly id: number; readonly error: SentError; readonly rssBytes: number };
