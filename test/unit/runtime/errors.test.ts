import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeCudaLoadError, describeOrtError, requireCuda } from '../../../extension/runtime/errors.ts';
import { UserError } from '../../../kernels/graph/errors.ts';

// Texts as ONNX Runtime 1.30 wrote them.
const TEXTS: readonly [text: string, code: string, message: RegExp, node?: string, op?: string][] = [
  ["Non-zero status code returned while running MatMul node. Name:'mm' Status Message: matmul_helper.h:171 Compute MatMul dimension mismatch. Left vector K (2) != right vector K (3)", 'run', /^Node mm \(MatMul\) failed: .*MatMul dimension mismatch\. Left vector K \(2\)/, 'mm', 'MatMul'],
  ["Non-zero status code returned while running Add node. Name:'/a/b' Status Message: /onnxruntime_src/onnxruntime/core/providers/cpu/math/element_wise_ops.h:563 void onnxruntime::BroadcastIterator::Init(ptrdiff_t, ptrdiff_t) axis == 1 || axis == largest was false. Attempting to broadcast an axis by a dimension other than 1. 2 by 3\n", 'run', /^Node \/a\/b \(Add\) failed: Attempting to broadcast an axis/, '/a/b', 'Add'],
  ["Non-zero status code returned while running ConstantOfShape node. Name:'' Status Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:360 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 3221225472", 'run', /^Out of memory in a node of type ConstantOfShape: it asked for 3\.0 GiB\.$/, '', 'ConstantOfShape'],
  ["Could not find an implementation for Erf(13) node with name 'erf node'", 'run', /no kernel for node erf node \(Erf\)/, 'erf node', 'Erf'],
  ['This is an invalid model. In Node, ("foonode", Foo, "com.me", -1) : ("x": tensor(float),) -> ("y",) , Error No Op registered for Foo with domain_version of 20', 'run', /does not know the operator of node foonode \(Foo\) \(domain com\.me\)/, 'foonode', 'Foo'],
  ['Node (mm) Op (MatMul) [ShapeInferenceError] Incompatible dimensions for matrix multiplication', 'run', /Node mm \(MatMul\) does not fit its inputs: Incompatible dimensions/, 'mm', 'MatMul'],
  ['Type Error: Type parameter (T) of Optype (Add) bound to different types (tensor(double) and tensor(float) in node (addnode).', 'run', /Node addnode \(Add\) gets element types/, 'addnode', 'Add'],
  ['/onnxruntime_src/onnxruntime/core/graph/model_load_utils.h:46 void f(int) ONNX Runtime only *guarantees* support for models stamped with official released onnx opset versions. Opset 28 is under development and support for this is limited. Current official support for domain ai.onnx is till opset 26.', 'run', /opset 28 of ai\.onnx; this ONNX Runtime supports up to 26/],
  ['Unsupported data type: 17', 'run', /float8e4m3fn/],
  ['Failed to load model because protobuf parsing failed.', 'file', /not a whole ONNX file/],
  ['Something never seen before', 'run', /^ONNX Runtime failed: Something never seen before\.$/],
];

test('each text of ONNX Runtime becomes an error with its node, without source positions, and with something to do', () => {
  for (const [text, code, message, node, op] of TEXTS) {
    const error = describeOrtError(text);
    assert.equal(error.code, code, text);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /onnxruntime_src|::|\.(h|cc):\d/);
    assert.deepEqual([error.place.node, error.place.op], [node, op], text);
    assert.match(error.remedy, /\S/);
  }
});

test('a CUDA library that the loader misses is named, with its version', () => {
  const log = (library: string) => `2026 [E:onnxruntime] FAIL : Failed to load library /x/libonnxruntime_providers_cuda.so with error: ${library}: cannot open shared object file: No such file or directory\n`;
  const missing = (library: string) => describeCudaLoadError('Failed to load shared library', log(library));
  assert.match(missing('libcublasLt.so.13').message, /libcublasLt\.so\.13 is missing/);
  assert.match(missing('libcublasLt.so.13').remedy, /Install CUDA 13/);
  assert.match(missing('libcudnn.so.9').remedy, /Install cuDNN 9/);
  assert.match(missing('libcuda.so.1').remedy, /driver/);
  assert.match(describeCudaLoadError('Failed to load shared library', '').message, /Failed to load shared library/);
});

test('missing provider libraries: which, where, and how to get this very version', () => {
  const found = { known: true, platform: 'linux-x64', version: '1.30.0', folders: ['/a', '/b'], missing: [] };
  requireCuda(found);
  assert.throws(() => requireCuda({ ...found, missing: ['libonnxruntime_providers_cuda.so'] }), (e: unknown) => e instanceof UserError && e.code === 'run' && /providers_cuda\.so is not in \/a or \/b/.test(e.message) && /onnxruntime-gpu==1\.30\.0/.test(e.remedy));
  assert.throws(() => requireCuda({ ...found, known: false, platform: 'darwin-arm64' }), /no CUDA provider on darwin-arm64/);
});
