import type { GraphBuilder } from '../graph/builder.ts';
import { capturesOf, type Graph, type Node } from '../graph/graph.ts';
import { renamedNode } from '../graph/rename.ts';
import { DTYPE_OF_ONNX, type Tensor } from '../graph/tensor.ts';
import { tensor, type Dim, type TensorType, type ValueType } from '../graph/types.ts';
import { common } from './controlFlowTypes.ts';
import { backwardBodyOf, bodyBuilder, fileCaptured, output, wantedCaptures } from './controlFlowBodies.ts';
import type { InferContext, Operator, PullbackContext, PullbackEntry } from './operator.ts';
import { elementOf, mapSequence, sequenceOf, zerosOfSequence } from './sequenceTensors.ts';
import { norm } from './shapes.ts';

/** A position counted from the front; omitted: `undefined`. */
function fromFront(c: PullbackContext, position: Tensor | undefined, s: Tensor): Tensor | undefined {
  if (!position || (position.data && position.data[0]! >= 0)) return position;
  const length = c.op('SequenceLength', [s]), p = position.cast('int64');
  return p.lt(0).where(p.add(length), p);
}

const tensorElement = (t: ValueType | undefined): TensorType | undefined => {
  const e = elementOf(t);
  return e?.kind === 'tensor' ? e : undefined;
};

function splitElement(c: InferContext): TensorType | undefined {
  const t = c.tensor(0);
  if (!t?.shape) return t && tensor(t.dtype);
  const axis = norm(c.attributes.int('axis', 0), t.shape.length), d = t.shape[axis];
  if (!c.has(1)) return tensor(t.dtype, c.attributes.int('keepdims', 1) ? t.shape.map((s, i) => (i === axis ? 1 : s)) : t.shape.filter((_, i) => i !== axis));
  const sizes = c.data(1), scalar = c.tensor(1)?.shape?.length === 0;
  const same = sizes && (scalar ? typeof d === 'number' && d % sizes[0]! === 0 : sizes.every(s => s === sizes[0]));
  return tensor(t.dtype, t.shape.map((s, i) => (i === axis ? (same ? sizes[0] : undefined) : s)));
}

function concatenated(c: InferContext): TensorType | undefined {
  const t = tensorElement(c.inputs[0]);
  if (!t?.shape) return t && tensor(t.dtype);
  const fresh = c.attributes.int('new_axis', 0) === 1, axis = norm(c.attributes.int('axis', 0), t.shape.length + (fresh ? 1 : 0)), shape: Dim[] = [...t.shape];
  shape.splice(axis, fresh ? 0 : 1, undefined);
  return tensor(t.dtype, shape);
}

/** Sizes of a sequence's elements along an axis. */
function sizes(c: PullbackContext, s: Tensor, axis: number): Tensor {
  const each = mapSequence(c.g, [s], ([x]) => (axis === -1 ? x!.g.op('Shape', [x!], { start: -1 }) : x!.g.op('Shape', [x!], { start: axis, end: axis + 1 })));
  return c.op('ConcatFromSequence', [each], { axis: 0 }, { types: [tensor('int64', [undefined])] });
}

/** An element type for each input of a SequenceMap body: of a sequence its element, a tensor as it is. */
const mapInputs = (inputs: readonly (ValueType | undefined)[]): (ValueType | undefined)[] => inputs.map(t => (t?.kind === 'sequence' ? t.element : t));

/**
 * Backward: a SequenceMap over the same sequences and the cotangents; an element computes its own forward again.
 * What is not a sequence was used by every element: its cotangents are added up.
 */
function mapPullback(c: PullbackContext): readonly PullbackEntry[] {
  const { g } = c, body = c.attributes.graph('body')!, b = bodyBuilder(g, body, mapInputs(c.node.inputs.map(n => g.typeOf(n))));
  const seeds = new Map<string, Tensor>(), given: { name: string; outer: Tensor }[] = [];
  c.dys.forEach((dy, i) => {
    const o = body.outputs[i];
    if (!dy || !o) return;
    const name = b.fresh('dy');
    b.setType(name, tensor(b.tensor(o.name).dtype, b.tensor(o.name).dims));
    given.push({ name, outer: dy });
    seeds.set(o.name, seeds.has(o.name) ? seeds.get(o.name)!.add(b.tensor(name)) : b.tensor(name));
  });
  const captured = wantedCaptures(c, body), wantedInputs = body.inputs.filter((_, i) => c.wants(i)).map(i => i.name);
  const cotangents = c.walk.reverse(b, body, seeds, new Set([...captured, ...wantedInputs]));
  const live = [...cotangents.keys()], nodes: Node[] = [...b.nodes], outputs = live.map(n => output(b, nodes, cotangents.get(n)!.name));
  const inputs = [...body.inputs, ...given.map(s => ({ name: s.name, type: b.typeOf(s.name)! }))];
  const results = emitMap(g, b, backwardBodyOf(b, body, nodes, inputs, outputs), [...c.x, ...given.map(s => s.outer)]);
  const summed = (t: Tensor, like: Tensor) => c.op('ReduceSum', [c.op('ConcatFromSequence', [t], { axis: 0, new_axis: 1 }), g.constant('int64', [1], [0])], { keepdims: 0 }, { types: [like.type] });
  const entries: (Tensor | undefined)[] = body.inputs.map((input, i) => {
    const at = live.indexOf(input.name);
    if (at < 0) return undefined;
    return c.x[i]!.valueType?.kind === 'sequence' ? results[at]! : summed(results[at]!, c.x[i]!);
  });
  return fileCaptured(c, entries, new Map(captured.filter(n => cotangents.has(n)).map(n => [n, summed(results[live.indexOf(n)]!, g.tensor(n))])));
}

/** A SequenceMap whose body captures nothing: what it uses from outside becomes an input. */
function emitMap(g: GraphBuilder, b: GraphBuilder, body: Graph, inputs: readonly Tensor[]): Tensor[] {
  const captures = capturesOf(body), names = new Map(captures.map(n => [n, b.fresh('outer')]));
  const closed: Graph = {
    ...body, nodes: body.nodes.map(n => renamedNode(n, names)),
    inputs: [...body.inputs, ...captures.map(n => ({ name: names.get(n)!, type: b.typeOf(n) ?? tensor('float32') }))],
  };
  const types = body.outputs.map(o => sequenceOf(o.type ?? b.typeOf(o.name)));
  return g.ops('SequenceMap', [...inputs, ...captures.map(n => g.tensor(n))], { body: closed }, { outputs: types.length, types });
}

/** Sequences and optionals. The cotangent of an optional is its element's. */
export const sequences: readonly Operator[] = [
  {
    op: 'SequenceConstruct', since: 11, formula: 'dxᵢ = element i of dS', differentiable: ['inputs'],
    infer: c => [sequenceOf(c.inputs.reduce((a, t) => common(a, t)))],
    pullback: c => c.x.map((_, i) => () => c.op('SequenceAt', [c.dy, c.g.constant('int64', [], [i])])),
  },
  {
    op: 'SequenceEmpty', since: 11, noGradient: 'source', formula: 'no input',
    infer: c => [sequenceOf(tensor(DTYPE_OF_ONNX.get(c.attributes.int('dtype', 1)) ?? 'float32'))],
  },
  { op: 'SequenceLength', since: 11, noGradient: 'discrete', formula: 'the length does not depend on the elements', infer: () => [tensor('int64', [])] },
  {
    op: 'SequenceAt', since: 11, formula: 'dS = dy in the place of the element, zeros elsewhere', differentiable: ['input_sequence'], infer: c => [elementOf(c.inputs[0])],
    pullback: c => [() => {
      const s = c.x[0]!, p = fromFront(c, c.x[1], s);
      return c.op('SequenceInsert', [c.op('SequenceErase', [zerosOfSequence(c.g, s), p]), c.dy, p]);
    }, undefined],
  },
  {
    op: 'SequenceInsert', since: 11, formula: 'dtensor = the inserted element of dS, dS without it to the sequence', differentiable: ['input_sequence', 'tensor'],
    infer: c => {
      const e = elementOf(c.inputs[0]), t = c.inputs[1];
      return [sequenceOf(e?.kind === 'tensor' && !e.shape && t ? t.kind === 'tensor' ? tensor(t.dtype) : t : common(e, t))];
    },
    pullback: c => {
      const p = fromFront(c, c.x[2], c.x[0]!);
      return [() => c.op('SequenceErase', [c.dy, p]), () => c.op('SequenceAt', [c.dy, p ?? c.g.constant('int64', [], [-1])]), undefined];
    },
  },
  {
    op: 'SequenceErase', since: 11, formula: 'dS with a zero put where the element was', differentiable: ['input_sequence'], infer: c => [c.inputs[0]],
    pullback: c => [() => {
      const s = c.x[0]!, p = fromFront(c, c.x[1], s), gone = c.op('SequenceAt', [s, p ?? c.g.constant('int64', [], [-1])]);
      return c.op('SequenceInsert', [c.dy, gone.zerosLike(), p]);
    }, undefined],
  },
  {
    op: 'SplitToSequence', since: 11, formula: 'dx = the elements of dS put together', differentiable: ['input'], infer: c => [sequenceOf(splitElement(c))],
    pullback: c => [() => {
      const squeezed = !c.x[1] && c.attributes.int('keepdims', 1) === 0;
      return c.op('ConcatFromSequence', [c.dy], { axis: c.attributes.int('axis', 0), new_axis: squeezed ? 1 : 0 }, { types: [tensor(c.x[0]!.dtype, c.x[0]!.dims)] });
    }, undefined],
  },
  {
    op: 'ConcatFromSequence', since: 11, formula: 'dS = dy split into the sizes of the elements', differentiable: ['input_sequence'], infer: c => [concatenated(c)],
    pullback: c => [() => {
      const axis = c.attributes.int('axis', 0);
      if (c.attributes.int('new_axis', 0) === 1) return c.op('SplitToSequence', [c.dy], { axis, keepdims: 0 });
      return c.op('SplitToSequence', [c.dy, sizes(c, c.x[0]!, axis)], { axis }, { types: [c.x[0]!.valueType] });
    }],
  },
  {
    op: 'SequenceMap', since: 17, formula: 'the body\'s gradient for each element; what all elements share gets the sum', differentiable: ['input_sequence', 'additional_inputs'],
    infer: c => {
      const body = c.attributes.graph('body');
      return body ? c.body(body, mapInputs(c.inputs)).map(t => sequenceOf(t?.kind === 'tensor' ? tensor(t.dtype, t.shape) : t)) : [];
    },
    pullback: mapPullback,
  },
  {
    op: 'Optional', since: 15, formula: 'dx = dy', differentiable: ['input'], infer: c => [c.inputs[0] && { kind: 'optional', element: c.inputs[0] }],
    pullback: c => [() => c.dy],
  },
  {
    op: 'OptionalGetElement', since: 15, formula: 'dx = dy', differentiable: ['input'],
    infer: c => [c.inputs[0]?.kind === 'optional' ? c.inputs[0].element : c.inputs[0]], pullback: c => [() => c.dy],
  },
  { op: 'OptionalHasElement', since: 15, noGradient: 'discrete', formula: 'true or false', infer: () => [tensor('bool', [])] },
];
