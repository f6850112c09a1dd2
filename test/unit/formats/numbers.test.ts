import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { memorySource } from '../../../extension/formats/byteSource.ts';
import { openOnnx } from '../../../extension/formats/onnx/index.ts';
import { readTensorProto } from '../../../extension/formats/onnx/tensorProto.ts';
import { writeModel } from '../../../extension/formats/onnx/writer.ts';
import { UserError } from '../../../kernels/graph/errors.ts';
import { tensorOf } from '../../../kernels/graph/tensorData.ts';
import { floats, graphOf, node } from '../support/graphs.ts';

const LARGEST = 2n ** 63n - 1n;

describe('numbers of a file', () => {
  it('keeps the largest int64 of an attribute, which means "to the end"', () => {
    const { bytes } = writeModel(graphOf({ inputs: { x: floats(3) }, nodes: [node('Shape', ['x'], ['s'], { end: Number(LARGEST) })], outputs: ['s'] }));
    const end = openOnnx(memorySource('m.onnx', bytes)).graph.nodes[0]!.attributes['end'];
    assert.equal(end?.kind === 'int' && end.value, Number(LARGEST));
  });
  it('keeps it in a constant', () => {
    const t = tensorOf('int64', [1], [Number(LARGEST)]), { bytes } = t.bytes as { bytes: Uint8Array };
    assert.equal(new DataView(bytes.buffer).getBigInt64(0, true), LARGEST);
  });
  it('refuses a tensor that holds fewer numbers than its shape, rather than filling in zeros', () => {
    // dims [3], float32, float_data of two.
    const two = Uint8Array.from([0x08, 3, 0x10, 1, 0x22, 8, 0, 0, 128, 63, 0, 0, 0, 64]);
    assert.throws(() => readTensorProto(two), (e: unknown) => e instanceof UserError && e.code === 'file');
  });
  it('refuses a shape that would take more memory than the file explains', () => {
    // int4 with dims [2^34] and one byte of int32_data.
    const huge = Uint8Array.from([0x08, 128, 128, 128, 128, 64, 0x10, 22, 0x2a, 1, 5]);
    assert.throws(() => readTensorProto(huge), (e: unknown) => e instanceof UserError);
  });
});
