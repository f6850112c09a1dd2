import { AttributeReader, type AttributeInputs } from '../../graph/attributes.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import type { Node } from '../../graph/graph.ts';
import { ints, UnknownShape, type EmitOptions, type Tensor } from '../../graph/tensor.ts';
import type { DType } from '../../graph/types.ts';

/** Why a value could not be lowered: the node that stands in the way, and the reason. */
export interface Missing {
  readonly node: string;
  readonly op: string;
  readonly why: string;
  /** Only a measured shape or number is wanting. */
  readonly waits?: true;
}

/** A node that has no form in ONNX: an operator that nobody lowers, or a setting of a known one. */
export class NotLowered extends Error {}

/** A lowering needs the elements of an input that is no constant; the session measures it and lowers again. */
export class UnknownElements extends Error {
  constructor(readonly input: number, what: string) {
    super(`${what} is computed in the graph`);
  }
}

/** Inputs of a node. The first ones are there by the operator's definition. */
export type Inputs = readonly [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, ...Tensor[]];

/** The results of one node: its only output, or all in order (`undefined`: an output that ONNX cannot have and nobody should want). */
export type Lowering = (c: LowerContext) => Tensor | readonly (Tensor | undefined)[];
export type Family = Readonly<Record<string, Lowering>>;

/** What the lowering of one node sees. It states the operator in ONNX; names, origins, result types and what is measured are the framework's. */
export class LowerContext {
  readonly attributes: AttributeReader;

  constructor(
    readonly node: Node,
    readonly x: Inputs,
    readonly g: GraphBuilder,
    /** Outputs that somebody reads. */
    readonly wantsOutput: (i: number) => boolean,
    /** Shapes of the elements of lists, by the node that makes the list, where they follow from what is written. */
    readonly learned: ReadonlyMap<string, readonly number[]>,
  ) {
    this.attributes = new AttributeReader(node.attributes);
  }

  op(op: string, inputs: readonly (Tensor | undefined)[], attributes?: AttributeInputs, options?: EmitOptions): Tensor {
    return this.g.op(op, inputs, attributes, options);
  }
  ops(op: string, inputs: readonly (Tensor | undefined)[], outputs: number, attributes?: AttributeInputs): Tensor[] {
    return this.g.ops(op, inputs, attributes, { outputs });
  }
  /** An operator of the domain `adjoint`. */
  own(op: string, inputs: readonly Tensor[], attributes?: AttributeInputs): Tensor {
    return this.g.op(op, inputs, attributes, { domain: 'adjoint' });
  }
  /** The value without a way back: where TensorFlow has no gradient to an input. */
  stopped(t: Tensor): Tensor { return t.isFloat ? this.own('StopGradient', [t]) : t; }

  ints(values: readonly number[]): Tensor { return ints(this.g, values); }
  scalar(dtype: DType, value: number): Tensor { return this.g.constant(dtype, [], [value]); }

  /** The elements of input `i`, which the operator needs while it is lowered. */
  elements(i: number, what: string): readonly number[] {
    const { data } = this.x[i]!;
    if (!data) throw new UnknownElements(i, what);
    return data;
  }
  /** The only element of input `i`. */
  element(i: number, what: string): number { return this.elements(i, what)[0]!; }
  /** Axis given by input `i`, made non-negative for a tensor of that rank. */
  axis(i: number, rank: number): number {
    const axis = this.element(i, 'the axis');
    return axis < 0 ? axis + rank : axis;
  }
  /** The static shape of a tensor. */
  shape(t: Tensor, why: string): readonly number[] {
    if (!t.shape) throw new UnknownShape(t.name, why);
    return t.shape;
  }
  rank(t: Tensor, why: string): number { return t.needRank(why); }

  /** Element type named by an attribute, as it lies in memory. */
  dtype(attribute: string, fallback?: DType): DType {
    const name = this.attributes.string(attribute) ?? fallback;
    const stored = name && (STORED[name] ?? name);
    if (!stored) throw new NotLowered(`it does not say the type ${attribute}`);
    return stored as DType;
  }
  get int64(): (t: Tensor) => Tensor { return t => t.cast('int64'); }

  /** The node as it is, refused. */
  refuse(why: string): never { throw new NotLowered(why); }

  /** True if channels are the last axis. */
  get channelsLast(): boolean { return !this.attributes.string('data_format', 'NHWC').startsWith('NC'); }
}

/** Quantised types are integers with a meaning of their own. */
const STORED: Readonly<Record<string, DType>> = { qint8: 'int8', quint8: 'uint8', qint16: 'int16', quint16: 'uint16', qint32: 'int32' };
