import type { Graph } from '../../kernels/graph/graph.ts';
import type { TensorFlowModel } from '../../kernels/lowering/tensorflow/source.ts';

/** Something broken in a file that opens all the same. */
export interface Problem {
  readonly node?: string;
  readonly message: string;
}

export interface OpenOptions {
  /** The person trusts the model to reach files outside its folder, through links that lie in it. */
  readonly trust?: boolean;
  /** Where files of weights lie that are not where the model says, by its word for them. */
  readonly external?: ReadonlyMap<string, string>;
}

/** A model file as read: its structure, never its weights. */
export interface LoadedModel {
  readonly path: string;
  readonly format: string;
  readonly graph: Graph;
  readonly producer: string;
  readonly irVersion?: number;
  readonly problems: readonly Problem[];
  /** What the person should know of how it was read: which checkpoint was taken, which of several graphs. */
  readonly notes?: readonly string[];
  /** What a file of TensorFlow says beside its graph; `graph` is then its own, not yet lowered. */
  readonly tensorflow?: TensorFlowModel;
  readonly readMs: number;
}
