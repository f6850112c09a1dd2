import { UserError } from '../../kernels/graph/errors.ts';
import type { Graph } from '../../kernels/graph/graph.ts';
import type { TensorType, ValueType } from '../../kernels/graph/types.ts';
import { valuesOf } from '../../kernels/autodiff/differentiate.ts';
import { canonicalValue, splitValue, type Signature, type TensorFlowModel } from '../../kernels/lowering/tensorflow/source.ts';
import { lower, type Lowered, type LowerOptions } from '../../kernels/lowering/tensorflow/lower.ts';
import type { TensorFlowView } from '../../kernels/lowering/tensorflow/view.ts';
import type { TensorSummary } from '../../kernels/statistics/summaries.ts';
import type { OptimizerReport } from '../protocol.ts';
import type { TensorValue } from '../runtime/protocol.ts';

/** Rounds of measuring before a lowering is given up: each one brings it past at least one more node. */
const ROUNDS = 16;

/** What a run measured of values: shapes, and the elements of those that were asked for. */
export type Measure = (graph: Graph, shapes: readonly string[], elements: readonly string[]) => Promise<ReadonlyMap<string, TensorType>>;

/** What a TensorFlow file becomes, as far as it follows from the file alone. Values that are fed are inputs. */
export function loweredFile(view: TensorFlowView, fed: ReadonlyMap<string, TensorType> = new Map()): Lowered {
  const values = valuesIn(view), known = new Map([...fed].filter(([name]) => values.has(name)));
  return lower(view, { known, fed: new Set(known.keys()) });
}

/**
 * The part of a TensorFlow graph that the roots need, lowered for these inputs. Where an operator's form hangs on a shape or on numbers that
 * only a run can tell, they are measured and the lowering goes on.
 * @throws UserError('no-gradient') that names node and operator where a root cannot be lowered
 */
export async function loweredFor(view: TensorFlowView, roots: readonly string[], given: ReadonlyMap<string, ValueType>, file: string, measure: Measure, step?: readonly string[]): Promise<Lowered> {
  const known = new Map<string, TensorType>();
  for (const [name, type] of given) if (type.kind === 'tensor') known.set(name, type);
  const options: LowerOptions = { known, fed: new Set(given.keys()), roots, ...(step && { step }) };
  let lowered = lower(view, options);
  for (let round = 0; round < ROUNDS && (lowered.needs.shapes.size || lowered.needs.elements.size); round++) {
    const { shapes, elements } = lowered.needs, before = known.size;
    for (const [name, type] of await measure(lowered.graph, [...shapes], [...elements])) known.set(name, type);
    if (known.size === before) break;
    lowered = lower(view, options);
  }
  for (const root of roots) {
    const missing = lowered.missing.get(root);
    if (missing) throw new UserError('no-gradient', `${root} cannot be computed: ${missing.op} at node ${missing.node} is not supported (${missing.why})`, 'Choose a target that does not need it, or feed its value with --input.', { file, node: missing.node, op: missing.op });
  }
  return lowered;
}

/** Where none of the file's outputs could be lowered they are candidates all the same, so that what stands in the way is named. */
export function withOutputs(lowered: Graph, file: Graph): Graph {
  return lowered.outputs.length ? lowered : { ...lowered, outputs: file.outputs };
}

/** Options of a run that name values. */
interface Named {
  readonly target?: string;
  readonly inputs?: ReadonlyMap<string, TensorValue>;
  readonly archive?: ReadonlyMap<string, TensorValue>;
  readonly cotangents?: ReadonlyMap<string, TensorValue | 'ones'>;
  readonly stops?: readonly string[];
  readonly unstops?: readonly string[];
  readonly of?: readonly string[];
  readonly whole?: { readonly gradients: readonly string[] | 'all'; readonly forward: readonly string[] | 'all' };
}

const valuesCache = new WeakMap<TensorFlowView, ReadonlySet<string>>();
function valuesIn(view: TensorFlowView): ReadonlySet<string> {
  let known = valuesCache.get(view);
  if (!known) valuesCache.set(view, (known = new Set(valuesOf(view.graph))));
  return known;
}

/** The value that a name stands for; a name that nobody knows stays. */
export function fileName(view: TensorFlowView, name: string): string {
  const values = valuesIn(view);
  if (values.has(name)) return name;
  const value = view.aliases.get(name) ?? canonicalValue(name);
  return values.has(value) ? value : name;
}

/**
 * The options with every name as the file's graph has it: a tensor name of TensorFlow (`x:0`), the key of a signature,
 * a variable's name in Python or in the checkpoint. Names that nobody knows stay, for the error.
 */
export function inTheFilesNames<T extends Named>(options: T, view: TensorFlowView): T {
  const known = valuesIn(view), name = (n: string) => fileName(view, n);
  const indexed = (text: string): string => {
    const m = known.has(text) ? undefined : /^(.*?)(\[[^\]]*\])$/.exec(text);
    return m ? name(m[1]!) + m[2]! : name(text);
  };
  const list = (names: readonly string[]) => names.map(name), keys = <T>(map: ReadonlyMap<string, T>) => new Map([...map].map(([k, v]) => [name(k), v]));
  const { target, inputs, archive, cotangents, stops, unstops, of, whole } = options;
  return {
    ...options,
    ...(target !== undefined && { target: indexed(target) }), ...(inputs && { inputs: keys(inputs) }), ...(archive && { archive: keys(archive) }),
    ...(cotangents && { cotangents: keys(cotangents) }), ...(stops && { stops: list(stops) }), ...(unstops && { unstops: list(unstops) }), ...(of && { of: list(of) }),
    ...(whole && { whole: { gradients: whole.gradients === 'all' ? 'all' : list(whole.gradients), forward: whole.forward === 'all' ? 'all' : list(whole.forward) } }),
  };
}

/**
 * The signature that a person chose; without a choice the only one, or `serving_default`.
 * @throws UserError('usage') that lists the signatures where the file has none of that name
 */
export function signatureOf(model: TensorFlowModel, name?: string): Signature | undefined {
  const list = [...model.signatures.values()].filter(s => s.name !== '__saved_model_init_op');
  if (name === undefined) return list.length === 1 ? list[0] : list.find(s => s.name === 'serving_default');
  const found = model.signatures.get(name);
  if (!found) throw new UserError('usage', `the file has no signature ${name}`, list.length ? `It has ${list.map(s => s.name).join(', ')}.` : 'It has none.');
  return found;
}

/** Options of a run whose step is a list of nodes. */
export type Stepping<T> = Omit<T, 'step'> & { readonly step?: readonly string[] };

/** The options with the file's own training step (collection `train_op`) named. */
export function withStep<T extends { readonly step?: readonly string[] | 'file' }>({ step, ...options }: T, view: TensorFlowView | undefined): Stepping<T> {
  const named = view?.model.collections.get('train_op');
  const nodes = step === 'file' ? (named?.kind === 'names' ? named.values.map(v => splitValue(canonicalValue(v)).node) : []) : step;
  return { ...options, ...(nodes && { step: nodes }) };
}

/** What the step changes, by variable: the rule is the operator that gives the new value (`Adam`, `Momentum`, `AssignSub`). */
export function optimizerReport(
  view: TensorFlowView, deltas: ReadonlyMap<string, string>, updates: ReadonlyMap<string, string>, gradientOf: (variable: string) => string | undefined, summaries: ReadonlyMap<string, TensorSummary>,
): OptimizerReport[] {
  if (!deltas.size) return [];
  const ops = new Map(view.graph.nodes.map(n => [n.name, n.op]));
  return [...deltas].flatMap(([parameter, value]): OptimizerReport[] => {
    const delta = summaries.get(value), gradient = summaries.get(gradientOf(parameter) ?? ''), op = ops.get(splitValue(updates.get(parameter) ?? '').node) ?? '';
    return delta ? [{ parameter, rule: op.replace(/^(Resource)?(Sparse)?Apply/, '').replace(/VariableOp$/, ''), ...(gradient && { gradient }), delta }] : [];
  });
}
