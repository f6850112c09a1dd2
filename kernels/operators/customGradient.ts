import type { Tensor } from '../graph/tensor.ts';
import { spliced } from './splice.ts';
import { Unsupported, ZERO, type Operator, type PullbackContext, type PullbackEntry } from './operator.ts';

/**
 * Values with a rule of their author's (tf.custom_gradient, a function with a gradient function). Inputs: the results, then the arguments.
 * Outputs: the results (and, as TensorFlow's IdentityN has it, the arguments). `gradient` is a graph from the results' cotangents to the
 * arguments'; what led to the results is not differentiated.
 */
export const customGradient: Operator = {
  op: 'CustomGradient', domain: 'adjoint', native: false, differentiable: ['arguments'], formula: "the author's rule: a function in the file",
  infer: c => c.inputs.slice(0, c.outputs),
  expand: c => c.x.slice(0, Math.max(c.node.outputs.length, 1)).map((t, i) => (c.wantsOutput(i) ? c.op('Identity', [t]) : undefined)),
  pullback: custom,
};

function custom(c: PullbackContext): readonly PullbackEntry[] {
  const results = c.attributes.int('results', 0), rule = c.attributes.graph('gradient');
  let made: readonly Tensor[] | undefined;
  const run = (): readonly Tensor[] => {
    if (!rule) throw new Unsupported(c.node.name, c.attributes.string('why') ?? 'its custom gradient is not in the file');
    return (made ??= applied(c, rule, results));
  };
  return c.x.map((_, i): PullbackEntry => {
    if (i < results) return () => (rule ? ZERO : (run(), ZERO));
    return () => {
      const own = run()[i - results], through = c.dys[i];
      return own && through ? own.add(through) : own ?? through ?? ZERO;
    };
  });
}

/** The rule's nodes at the cotangents. */
function applied(c: PullbackContext, rule: NonNullable<ReturnType<PullbackContext['attributes']['graph']>>, results: number): readonly Tensor[] {
  return spliced(c.g, rule, rule.inputs.map((_, i) => (i < results ? c.dys[i] ?? c.x[i]!.zerosLike() : c.x[i]!.zerosLike())), c.node.name);
}
