import type { Tensor } from '../graph/tensor.ts';
import { renamedNode } from '../graph/rename.ts';
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
  const { g } = c, names = new Map<string, string>();
  rule.inputs.forEach((input, i) => names.set(input.name, (i < results ? c.dys[i] ?? c.x[i]!.zerosLike() : c.x[i]!.zerosLike()).name));
  for (const [name, data] of rule.initializers) {
    const own = g.fresh('rule');
    names.set(name, own);
    g.initializers.set(own, data);
    const type = rule.types.get(name);
    if (type) g.setType(own, type);
  }
  for (const node of rule.nodes) for (const o of node.outputs) if (o) names.set(o, g.fresh('rule'));
  for (const node of rule.nodes) {
    const copy = renamedNode(node, names);
    g.append({ ...copy, name: g.fresh(node.op), origin: c.node.name });
    const types = g.infer(copy, n => g.typeOf(n));
    copy.outputs.forEach((o, i) => {
      const type = types[i] ?? rule.types.get(node.outputs[i]!);
      if (o && type) g.setType(o, type);
    });
  }
  return rule.outputs.map(o => g.tensor(names.get(o.name) ?? o.name));
}
