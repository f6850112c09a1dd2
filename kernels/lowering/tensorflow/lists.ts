import type { Tensor } from '../../graph/tensor.ts';
import { tensor, type Dim } from '../../graph/types.ts';
import type { Family, LowerContext } from './context.ts';

/**
 * Lists of tensors. One of a length that is set when it is made (TensorListReserve, TensorArrayV3) is one tensor with its elements along
 * axis 0; one that grows (EmptyTensorList, StackV2) is a sequence. A TensorArray is its flow: the handle says nothing that the flow does not.
 */

/** The shape of a list's elements became known where it is written; the lowering starts again with it. */
export class LearnedElements extends Error {
  constructor(readonly list: string, readonly shape: readonly number[]) {
    super(`elements of ${list} have shape [${shape}]`);
  }
}

const MARK = 'elements of ';
const isSequence = (t: Tensor): boolean => t.valueType?.kind === 'sequence';

/** Zeros for a list of `length` elements. Dimensions that the file leaves open are learned from what is written. */
function reserved(c: LowerContext, length: Tensor, element: readonly number[] | undefined): Tensor {
  const dtype = c.dtype(c.attributes.has('element_dtype') ? 'element_dtype' : 'dtype'), learned = c.learned.get(c.node.name), open = !element || element.some(d => d < 0);
  if (!ONNX_TYPE[dtype]) c.refuse(`a list of ${dtype}`);
  const shape = learned ?? element?.map(d => Math.max(d, 0)) ?? [], count = length.cast('int64').reshapeTo(c.ints([1]));
  const zeros = c.op('Expand', [c.scalar(dtype, 0), shape.length ? c.op('Concat', [count, c.ints(shape)], { axis: 0 }) : count]);
  const n = length.data?.[0], dims: readonly Dim[] = open && !learned ? [MARK + c.node.name] : shape;
  c.g.setType(zeros.name, tensor(dtype, [n, ...dims]));
  return zeros;
}

/** Teaches an open list the shape of what is written into it. */
function learn(list: Tensor, element: readonly Dim[] | undefined): void {
  const mark = list.dims?.find(d => typeof d === 'string' && d.startsWith(MARK));
  if (typeof mark !== 'string' || !element?.every(d => typeof d === 'number')) return;
  throw new LearnedElements(mark.slice(MARK.length), element as readonly number[]);
}

const first = (c: LowerContext, index: Tensor): Tensor => index.cast('int64').reshapeTo(c.ints([1, 1]));

function write(c: LowerContext, list: Tensor, index: Tensor, item: Tensor): Tensor {
  learn(list, item.dims);
  return c.op('ScatterND', [list, first(c, index), item.unsqueeze([0])]);
}
function read(c: LowerContext, list: Tensor, index: Tensor): Tensor {
  return isSequence(list) ? c.op('SequenceAt', [list, index.cast('int64')]) : c.op('Gather', [list, index], { axis: 0 });
}
function scatter(c: LowerContext, list: Tensor, indices: Tensor, values: Tensor): Tensor {
  learn(list, values.dims?.slice(1));
  return c.op('ScatterND', [list, indices.cast('int64').unsqueeze([1]), values]);
}
const gather = (c: LowerContext, list: Tensor, indices: Tensor): Tensor => (isSequence(list) ? c.op('Gather', [stacked(c, list), indices], { axis: 0 }) : c.op('Gather', [list, indices], { axis: 0 }));
const stacked = (c: LowerContext, list: Tensor): Tensor => (isSequence(list) ? c.op('ConcatFromSequence', [list], { axis: 0, new_axis: 1 }) : list);
function lengthOf(c: LowerContext, list: Tensor): Tensor {
  return (isSequence(list) ? c.op('SequenceLength', [list]) : c.op('Squeeze', [c.op('Shape', [list], { start: 0, end: 1 }), c.ints([0])])).cast('int32');
}

/** Element shape of an attribute or of a constant input; `undefined`: open. */
function elementShape(c: LowerContext, input: number): readonly number[] | undefined {
  const t = c.x[input]!, { data } = t;
  if (data) return t.rank === 0 ? undefined : data;
  return undefined;
}

/** The file says the shape in an attribute; of kind `other` where the rank is open. */
function attributeShape(c: LowerContext): readonly number[] | undefined {
  const a = c.node.attributes['element_shape'];
  return a?.kind === 'ints' ? a.value : undefined;
}

/** [n, e …] as n·e rows, and back. */
function flat(c: LowerContext, list: Tensor): Tensor {
  const t = stacked(c, list), shape = c.shape(t, 'the elements of a list put together');
  return c.op('Reshape', [t, c.ints([-1, ...shape.slice(2)])]);
}

function resized(c: LowerContext): Tensor {
  const [list, size] = c.x, n = c.element(1, 'the new length'), old = c.shape(list, 'a list that changes its length')[0]!;
  if (n <= old) return c.op('Slice', [list, c.ints([0]), size.cast('int64').reshapeTo(c.ints([1])), c.ints([0])]);
  return c.op('Pad', [list, c.ints([...list.dims!.map(() => 0), n - old, ...list.dims!.slice(1).map(() => 0)])]);
}

function scattered(c: LowerContext): Tensor {
  const [values, indices] = c.x, n = c.node.op === 'TensorListScatterV2' ? c.element(3, 'the length') : -1;
  const count = n >= 0 ? c.ints([n]) : c.op('ReduceMax', [indices.cast('int64')], { keepdims: 0 }).add(1).reshapeTo(c.ints([1]));
  const shape = c.op('Concat', [count, c.op('Shape', [values], { start: 1 })], { axis: 0 });
  return c.op('ScatterND', [c.op('Expand', [values.scalar(0), shape]), indices.cast('int64').unsqueeze([1]), values]);
}

/** Values of the last element, and the list without it. */
function popped(c: LowerContext, list: Tensor): readonly Tensor[] {
  if (isSequence(list)) {
    const last = c.op('SequenceAt', [list, c.scalar('int64', -1)]);
    return [c.op('SequenceErase', [list]), last];
  }
  const rest = c.op('Slice', [list, c.ints([0]), c.ints([-1]), c.ints([0])]);
  return [rest, c.op('Gather', [list, c.scalar('int64', -1)], { axis: 0 })];
}
const pushed = (c: LowerContext, list: Tensor, item: Tensor): Tensor => (isSequence(list) ? c.op('SequenceInsert', [list, item]) : c.op('Concat', [list, item.unsqueeze([0])], { axis: 0 }));

function empty(c: LowerContext, attribute: string): Tensor {
  const dtype = c.dtype(attribute), list = c.op('SequenceEmpty', [], { dtype: ONNX_TYPE[dtype] ?? c.refuse(`a list of ${dtype}`) });
  c.g.setType(list.name, { kind: 'sequence', element: tensor(dtype) });
  return list;
}
const ONNX_TYPE: Readonly<Record<string, number>> = { float32: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7, string: 8, bool: 9, float16: 10, float64: 11, uint32: 12, uint64: 13, bfloat16: 16 };

export const lists: Family = {
  TensorListReserve: c => reserved(c, c.x[1], elementShape(c, 0)),
  EmptyTensorList: c => empty(c, 'element_dtype'),
  TensorListFromTensor: c => c.x[0],
  TensorListStack: c => stacked(c, c.x[0]),
  TensorListGetItem: c => read(c, c.x[0], c.x[1]),
  TensorListSetItem: c => write(c, c.x[0], c.x[1], c.x[2]),
  TensorListLength: c => lengthOf(c, c.x[0]),
  TensorListPushBack: c => pushed(c, c.x[0], c.x[1]),
  TensorListPopBack: c => popped(c, c.x[0]),
  TensorListGather: c => gather(c, c.x[0], c.x[1]),
  TensorListScatter: scattered, TensorListScatterV2: scattered,
  TensorListScatterIntoExistingList: c => scatter(c, c.x[0], c.x[2], c.x[1]),
  TensorListConcatLists: c => c.op('Concat', [stacked(c, c.x[0]), stacked(c, c.x[1])], { axis: 0 }),
  TensorListConcat: c => [flat(c, c.x[0])], TensorListConcatV2: c => [flat(c, c.x[0])],
  TensorListResize: resized,
  TensorListElementShape: c => {
    const [list] = c.x, element = list.valueType?.kind === 'sequence' ? list.valueType.element : undefined;
    if (element) return element.kind === 'tensor' && element.shape?.every(d => typeof d === 'number') ? c.ints(element.shape as readonly number[]) : c.refuse('the elements of a growing list have no shape that is known');
    learn(list, undefined);
    return c.op('Shape', [list], { start: 1 });
  },
  // TensorArrays, without their handle (see tensorArrays.ts).
  TensorArrayV3: c => reserved(c, c.x[0], attributeShape(c)),
  TensorArrayReadV3: c => read(c, c.x[1], c.x[0]),
  TensorArrayWriteV3: c => write(c, c.x[2], c.x[0], c.x[1]),
  TensorArrayGatherV3: c => gather(c, c.x[1], c.x[0]),
  TensorArrayScatterV3: c => scatter(c, c.x[2], c.x[0], c.x[1]),
  TensorArraySizeV3: c => lengthOf(c, c.x[0]),
  TensorArrayConcatV3: c => [flat(c, c.x[0])],
  // Stacks, as state that goes in and out.
  StackV2: c => empty(c, 'elem_type'), Stack: c => empty(c, 'elem_type'),
  StackPushV2: c => { const next = pushed(c, c.x[0], c.x[1]); return [c.x[1], next]; },
  StackPush: c => [c.x[1], pushed(c, c.x[0], c.x[1])],
  StackPopV2: c => { const [rest, last] = popped(c, c.x[0]); return [last, rest]; },
  StackPop: c => { const [rest, last] = popped(c, c.x[0]); return [last, rest]; },
  OptionalFromValue: c => c.x[0], OptionalGetValue: c => c.x[0],
};
