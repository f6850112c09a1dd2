import { DTYPE_OF_ONNX } from '../../../kernels/graph/tensor.ts';
import type { Dim, ValueType } from '../../../kernels/graph/types.ts';
import type { WireReader } from './wire.ts';

const DEEPEST_TYPE = 32;

/** TypeProto from here to `end`. Undefined: none is given, or one that has no place in a Graph (map, opaque, sparse). */
export function readType(wire: WireReader, end: number, depth = 0): ValueType | undefined {
  if (depth > DEEPEST_TYPE) wire.fail(`a type is nested more than ${DEEPEST_TYPE} deep`);
  let type: ValueType | undefined;
  for (let key = wire.key(end); key; key = wire.key(end)) {
    if (key === 10) type = readTensorType(wire, wire.end(end));
    else if (key === 34 || key === 74) {
      const element = readElementType(wire, wire.end(end), depth + 1);
      type = element && { kind: key === 34 ? 'sequence' : 'optional', element };
    } else wire.skip(key, end);
  }
  return type;
}

function readElementType(wire: WireReader, end: number, depth: number): ValueType | undefined {
  let type: ValueType | undefined;
  for (let key = wire.key(end); key; key = wire.key(end)) {
    if (key === 10) type = readType(wire, wire.end(end), depth);
    else wire.skip(key, end);
  }
  return type;
}

function readTensorType(wire: WireReader, end: number): ValueType | undefined {
  let element = 0, shape: Dim[] | undefined;
  for (let key = wire.key(end); key; key = wire.key(end)) {
    if (key === 8) element = wire.int();
    else if (key === 18) shape = readShape(wire, wire.end(end));
    else wire.skip(key, end);
  }
  const dtype = DTYPE_OF_ONNX.get(element);
  return dtype && { kind: 'tensor', dtype, ...(shape && { shape }) };
}

function readShape(wire: WireReader, end: number): Dim[] {
  const dims: Dim[] = [];
  for (let key = wire.key(end); key; key = wire.key(end)) {
    if (key === 10) {
      wire.spend(1);
      dims.push(readDim(wire, wire.end(end)));
    } else wire.skip(key, end);
  }
  return dims;
}

function readDim(wire: WireReader, end: number): Dim {
  let dim: Dim;
  for (let key = wire.key(end); key; key = wire.key(end)) {
    if (key === 8) {
      const size = wire.int();
      // Some exporters write −1 where they mean "any".
      dim = size < 0 ? undefined : size;
    } else if (key === 18) dim = wire.string(end) || undefined;
    else wire.skip(key, end);
  }
  return dim;
}

/** A type as the ONNX documentation writes it: `tensor(float32)[2,N]`, `seq(…)`, `optional(…)`. */
export function typeText(type: ValueType | undefined): string {
  if (!type) return '?';
  if (type.kind === 'sequence') return `seq(${typeText(type.element)})`;
  if (type.kind === 'optional') return `optional(${typeText(type.element)})`;
  return `tensor(${type.dtype})${type.shape ? `[${type.shape.map(d => d ?? '?').join(',')}]` : ''}`;
}

