import type { AttributeReader, AttributeInputs } from '../graph/attributes.ts';
import type { Graph, Node } from '../graph/graph.ts';
import type { EmitOptions, Tensor } from '../graph/tensor.ts';
import type { TensorType, ValueType } from '../graph/types.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import type { Conventions, ConventionQuestion } from './conventions.ts';

/** What inference sees of a node. Input types are `undefined` where unknown or omitted. */
export interface InferContext {
  readonly op: string;
  readonly attributes: AttributeReader;
  readonly inputs: readonly (ValueType | undefined)[];
  /** Input `i` as a tensor type, or `undefined`. */
  tensor(i: number): TensorType | undefined;
  /** Known elements of input `i` (axes, shapes …). */
  data(i: number): readonly number[] | undefined;
  /** Whether input `i` is given at all. */
  has(i: number): boolean;
  readonly outputs: number;
  /** Types of a subgraph's outputs, given the types of its inputs. */
  body(graph: Graph, inputs: readonly (ValueType | undefined)[]): readonly (ValueType | undefined)[];
}

/** The contribution is mathematically zero (an index that was not selected, a flat piece): shown as `zero`, never run. */
export const ZERO = Symbol('zero');
export type Zero = typeof ZERO;

/** One input's entry: a thunk that builds its cotangent, or `undefined` where the input has none (integers, shapes, axes). */
export type PullbackEntry = (() => Tensor | Zero) | undefined;

/** What a pullback sees. It states the mathematics only: broadcasting back, casts, sums over uses are the engine's. */
export interface PullbackContext {
  readonly node: Node;
  /** Inputs; `undefined` = omitted. */
  readonly x: readonly Tensor[];
  /** Outputs already computed by the forward part; entries of omitted outputs are `undefined`. */
  readonly y: readonly Tensor[];
  /** Output `i`, which is added to the forward node if the file did not ask for it (Indices, mask, statistics). */
  output(i: number): Tensor;
  /** Cotangent of the first output. Only for operators where no other output carries one. */
  readonly dy: Tensor;
  /** Cotangents of all outputs; `undefined` is a symbolic zero. */
  readonly dys: readonly (Tensor | undefined)[];
  readonly attributes: AttributeReader;
  readonly conventions: Conventions;
  readonly g: GraphBuilder;
  op(op: string, inputs: readonly (Tensor | undefined)[], attributes?: AttributeInputs, options?: EmitOptions): Tensor;
  /** True if somebody asked for the gradient of input `i`: for rules whose pieces share work. */
  wants(i: number): boolean;
  /** True if somebody asked for the gradient of this outer value (captured by a subgraph). */
  wantsValue(name: string): boolean;
  /** Files the cotangent of a value that a subgraph of this node captures. */
  captured(name: string, cotangent: Tensor): void;
  /** The reverse walk itself, for the bodies of control flow. */
  readonly walk: ReverseWalk;
}

/** A rule cannot give the gradient here (an operator inside a loop has none, a value cannot be handed over): the place and the reason. */
export class Unsupported extends Error {
  constructor(readonly node: string, readonly reason: string) {
    super(`no gradient rule at ${node}`);
  }
}

/** Cotangents inside a subgraph, for the rules of control flow. */
export interface ReverseWalk {
  /**
   * Walks `body` in reverse inside `builder` (a child builder that already holds the body's forward nodes).
   * @param seeds cotangent of each body output that has one, by value name
   * @param wanted names of body inputs and captured values
   * @returns the cotangents of the wanted values that get one
   */
  reverse(builder: GraphBuilder, body: Graph, seeds: ReadonlyMap<string, Tensor>, wanted: ReadonlySet<string>): ReadonlyMap<string, Tensor>;
}

/** What an expansion sees: its results replace the node. */
export interface ExpandContext {
  readonly node: Node;
  readonly x: readonly Tensor[];
  readonly attributes: AttributeReader;
  readonly conventions: Conventions;
  readonly g: GraphBuilder;
  op(op: string, inputs: readonly (Tensor | undefined)[], attributes?: AttributeInputs, options?: EmitOptions): Tensor;
  /** Number of outputs of the node; those named '' need not be built. */
  wantsOutput(i: number): boolean;
}

/** Why an operator has no gradient, in the words a person sees. */
export type NoGradient =
  /** Piecewise constant: derivative zero almost everywhere (Floor, Sign, Round). */
  | 'flat'
  /** The result is an integer, a bool or a string: nothing to differentiate (ArgMax, Shape, comparisons). */
  | 'discrete'
  /** Random numbers, constants: depends on no input differentiably. */
  | 'source'
  /** A stop: StopGradient, PreventGradient. */
  | 'stop-gradient' | 'prevent-gradient';

/** One operator: its shapes, its gradient and its formula side by side. */
export interface Operator {
  readonly op: string;
  /** Default ai.onnx (`''`). */
  readonly domain?: string;
  /** First opset version that has the operator; default 1. */
  readonly since?: number;
  /** Types of the outputs; without it the first input's element type is assumed and the shape is measured. */
  readonly infer?: (c: InferContext) => readonly (ValueType | undefined)[];
  readonly pullback?: (c: PullbackContext) => readonly PullbackEntry[];
  /** The operator as a composition of others. Without a pullback it is differentiated through this. */
  readonly expand?: (c: ExpandContext) => readonly (Tensor | undefined)[];
  /** Inputs broadcast against each other, so a cotangent may have to be summed back over axes. */
  readonly broadcasts?: boolean;
  /** False: ONNX Runtime has no kernel for it, `expand` is what runs. */
  readonly native?: boolean;
  readonly noGradient?: NoGradient;
  /** The rounding is passed straight through (quantisation). */
  readonly straightThrough?: boolean;
  /** The rule for a person: what flows back to which input. */
  readonly formula: string;
  /** Names of the inputs that have a gradient, as the standard calls them. */
  readonly differentiable?: readonly string[];
  /** Not among the operators that the standard counts as differentiable: ONNX Runtime's own under ai.onnx, or integers in and out. */
  readonly beyond?: boolean;
  /** Choices on which frameworks differ here. */
  readonly questions?: readonly ConventionQuestion[];
}

export function operatorKey(op: string, domain: string): string {
  return domain === '' || domain === 'ai.onnx' ? op : `${domain}::${op}`;
}
