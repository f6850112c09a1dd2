/** An example of each state of the editor with the title and buttons that the design gives it (section 8). */
import type { EditorState } from '../../../extension/protocol.ts';

export const STATES: readonly (readonly [state: EditorState, title: string, ...buttons: string[]])[] = [
  [{ kind: 'reading', name: 'saved_model.pb', nodes: 12_418 }, 'Reading saved_model.pb', 'Cancel'],
  [{ kind: 'running', forward: [96, 96], gradient: [61, 133] }, 'Running', 'Cancel'],
  [{ kind: 'no-target', candidates: [{ name: 'loss', why: 'sum of both' }, { name: 'xent/Mean' }, { name: 'distill/Mean' }] }, 'Which value is the loss?', 'Use loss', 'Choose Another Value'],
  [{ kind: 'restricted' }, 'Restricted Mode', 'Manage Workspace Trust'],
  [{ kind: 'not-a-model', message: 'labels.pb is a protobuf, but not a GraphDef or SavedModel.' }, 'This is not a model', 'Open as Text', 'Show Log'],
  [{ kind: 'lfs-pointer' }, 'This is a Git LFS pointer', 'Open Terminal'],
  [{ kind: 'damaged', name: 'model.onnx', message: 'Node 812 of 1,200 is cut off at byte 4,194,304. What was read is drawn.', drawn: true }, 'model.onnx ends too early', 'Show Log'],
  [{ kind: 'missing-weights', file: 'weights.bin', parameters: 3 }, 'weights.bin is missing', 'Choose File', 'Draw Without Values'],
  [{ kind: 'no-rule', op: 'MatrixSquareRoot', node: 'whiten/MatrixSquareRoot', shown: 61, total: 84 }, 'No gradient rule for MatrixSquareRoot', 'Stop There', 'Show the 23'],
  [{ kind: 'crash', message: 'Out of memory at res/block_3/conv_a/Conv2D.' }, 'ONNX Runtime stopped', 'Run Again', 'Show Log'],
  [{ kind: 'no-runtime', system: 'alpine' }, 'Cannot run here: no ONNX Runtime for alpine', 'Show Supported Systems'],
  [{ kind: 'changed', name: 'model.onnx', newNodes: 2 }, 'model.onnx changed on disk'],
  [{ kind: 'deleted', name: 'model.onnx' }, 'model.onnx was deleted', 'Close'],
  [{ kind: 'no-findings', gradients: 133, benignStops: 2 }, 'No parameters need attention'],
  [{ kind: 'error', title: 'No gradients', message: 'The input x has no size for the dimension "batch". Set it.', buttons: [{ label: 'Run Again', command: 'run', primary: true }, { label: 'Show Log', command: 'showLog' }] }, 'No gradients', 'Run Again', 'Show Log'],
];
