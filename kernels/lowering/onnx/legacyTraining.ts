import type { Node } from '../../graph/graph.ts';
import { ONNX_TYPE } from '../../graph/tensor.ts';
import { readAttributes, withAttributes, type Edit } from './edit.ts';

/**
 * BatchNormalization before 14: five outputs meant training (before 7 also `is_test` = 0), `spatial` = 0 statistics for each activation.
 * The saved batch statistics have no output any more and are computed beside it.
 */
export function legacyBatchNormalization(node: Node, e: Edit): Node {
  const a = readAttributes(node), named = node.outputs.filter(o => o).length, training = named > 1 && !a.int('is_test', 0);
  const plain = withAttributes(node, ['is_test', 'spatial', 'consumed_inputs']);
  if (a.int('spatial', 1) === 0 && !training) return activationWise(node, e);
  if (!training) return { ...plain, outputs: [node.outputs[0]!] };
  const [x] = node.inputs as [string], [y = '', mean = '', variance = '', savedMean = '', savedVariance = ''] = node.outputs;
  if (savedMean || savedVariance) saveStatistics(e, x, savedMean, savedVariance);
  return { ...withAttributes(plain, [], { training_mode: 1 }), outputs: [y, mean || e.fresh('mean'), variance || e.fresh('var')] };
}

/** Mean and (biased) variance of the batch for each channel. */
function saveStatistics(e: Edit, x: string, mean: string, variance: string): void {
  const rank = e.emit('Squeeze', [e.emit('Shape', [e.emit('Shape', [x])])]);
  const axes = e.emit('Concat', [e.ints([0]), e.emit('Range', [e.int(2), rank, e.int(1)])], { axis: 0 });
  const m = e.emit('ReduceMean', [x, axes], { keepdims: 1 }), centred = e.emit('Sub', [x, m]);
  if (mean) e.emitAfter('Reshape', [m, e.ints([-1])], mean);
  if (variance) e.emitAfter('ReduceMean', [e.emit('Mul', [centred, centred]), axes], variance, { keepdims: 0 });
}

function activationWise(node: Node, e: Edit): Node {
  const [x, scale, bias, mean, variance] = node.inputs as [string, string, string, string, string], epsilon = readAttributes(node).float('epsilon', 1e-5);
  const centred = e.emit('Sub', [e.emit('Identity', [x], {}, 0), e.emit('Identity', [mean], {}, 3)]);
  const deviation = e.emit('Sqrt', [e.emit('Add', [e.emit('Identity', [variance], {}, 4), e.scalarLike(epsilon, variance)])]);
  const scaled = e.emit('Mul', [e.emit('Div', [centred, deviation]), e.emit('Identity', [scale], {}, 1)]);
  return { ...node, op: 'Add', inputs: [scaled, e.emit('Identity', [bias], {}, 2)], outputs: [node.outputs[0]!], attributes: {}, origin: node.origin ?? node.name };
}

/** Dropout before 12: the ratio is an attribute; before 7 `is_test` = 0 meant training; before 10 the mask had the type of the data. */
export function legacyDropout(node: Node, e: Edit): Node {
  const a = readAttributes(node), [x] = node.inputs as [string], training = node.attributes['is_test'] !== undefined && !a.int('is_test', 0);
  const ratio = e.scalarLike(a.float('ratio', 0.5), x);
  return { ...withAttributes(node, ['ratio', 'is_test', 'consumed_inputs']), inputs: training ? [x, ratio, e.constant('bool', [], [1])] : [x, ratio] };
}

/** The mask of Dropout before 10: a bool now, the data's type then. */
export function typedMask(node: Node, e: Edit): Node {
  const [y, mask] = node.outputs;
  if (!mask) return node;
  const bool = e.fresh('mask'), dtype = e.tensorType(node.inputs[0])?.dtype ?? 'float32';
  e.emitAfter('Cast', [bool], mask, { to: ONNX_TYPE[dtype] });
  return { ...node, outputs: [y!, bool] };
}
