import { GraphBuilder, type InferNode } from '../graph/builder.ts';
import { UserError } from '../graph/errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';

/** What is differentiated: a value as it is (summed), one element, each row's largest, or a loss put on it. */
export type TargetForm =
  | { readonly kind: 'sum' }
  | { readonly kind: 'element'; readonly index: readonly number[] }
  | { readonly kind: 'row-max' }
  | { readonly kind: 'mean' }
  | { readonly kind: 'l2' }
  /** `label`: one class for every row, or the name of a value (int64) that holds one for each row. */
  | { readonly kind: 'cross-entropy'; readonly label: number | string }
  /** `to`: the name of a value of the same shape. */
  | { readonly kind: 'mse'; readonly to: string };

export interface Targeted {
  readonly graph: Graph;
  /** The scalar that is differentiated. */
  readonly target: string;
}

/**
 * Appends what turns `value` into a scalar. Formulas: mean(y); `l2` is ‖y‖₂; cross entropy is the mean over rows
 * of −log softmax(y)[label] over the last axis; mse is mean((y − to)²).
 * @throws UserError('usage') if the form does not fit the value's shape
 */
export function withTarget(graph: Graph, infer: InferNode, value: string, form: TargetForm): Targeted {
  const g = new GraphBuilder(graph, infer), y = g.tensor(value);
  const scalar = build(g, y, value, form);
  return { graph: g.build(), target: scalar.name };
}

function build(g: GraphBuilder, y: Tensor, name: string, form: TargetForm): Tensor {
  switch (form.kind) {
    case 'sum': return y.rank === 0 ? y : y.sum();
    case 'mean': return y.mean();
    case 'l2': return g.op('ReduceL2', [y], { keepdims: 0 });
    case 'element': {
      const { shape } = y, { index } = form;
      if (shape && (index.length !== shape.length || index.some((k, i) => k >= shape[i]! || k < -shape[i]!))) {
        throw new UserError('usage', `${name} has shape [${shape}] and no element [${index}]`, 'Give one index for each axis, within the shape.');
      }
      return index.length === 0 ? y : g.op('GatherND', [y, g.constant('int64', [index.length], index)]);
    }
    case 'row-max': {
      if (y.rank === 0) return y;
      const at = g.op('ArgMax', [y], { axis: -1, keepdims: 1 });
      return g.op('GatherElements', [y, at], { axis: -1 }).sum();
    }
    case 'mse': return y.sub(g.tensor(form.to)).square().mean();
    case 'cross-entropy': {
      const classes = y.shape?.at(-1);
      if (!y.rank || classes === undefined) throw new UserError('usage', `cross entropy needs rows of logits, and ${name} has none`, 'Choose a target whose last axis holds the classes.');
      const rows = y.reshapeTo(g.constant('int64', [2], [-1, classes])), logs = g.op('LogSoftmax', [rows], { axis: -1 });
      const labels = typeof form.label === 'string' ? g.tensor(form.label).cast('int64').reshapeTo(g.constant('int64', [2], [-1, 1]))
        : g.op('Expand', [g.constant('int64', [1, 1], [form.label]), g.op('Concat', [rows.dimTensor(0), g.constant('int64', [1], [1])], { axis: 0 })]);
      if (typeof form.label === 'number' && (form.label < 0 || form.label >= classes)) throw new UserError('usage', `${name} has ${classes} classes and none with number ${form.label}`, 'Give a label within the classes.');
      return g.op('GatherElements', [logs, labels], { axis: -1 }).mean().neg();
    }
  }
}
