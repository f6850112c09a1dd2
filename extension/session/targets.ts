import { UserError } from '../../kernels/graph/errors.ts';
import type { Graph } from '../../kernels/graph/graph.ts';
import { elementCount, isFloat, staticShape } from '../../kernels/graph/types.ts';
import type { TargetForm } from '../../kernels/autodiff/target.ts';

export interface TargetCandidate {
  readonly value: string;
  readonly why: string;
}

export interface ChosenTarget {
  readonly value: string;
  readonly form: TargetForm;
  /** Why this one, where the person did not choose. */
  readonly why?: string;
}

/** Values that could be what is differentiated, the likeliest first, each with its reason. */
export function targetCandidates(graph: Graph): TargetCandidate[] {
  const outputs = graph.outputs.filter(o => {
    const t = graph.types.get(o.name) ?? o.type;
    return t?.kind === 'tensor' && isFloat(t.dtype);
  });
  const scalar = (name: string) => {
    const shape = staticShape(graph.types.get(name) ?? graph.outputs.find(o => o.name === name)?.type);
    return shape !== undefined && elementCount(shape) === 1;
  };
  const losses = (graph.metadata?.['adjoint.losses'] ?? '').split('\n').filter(Boolean);
  const scalars = outputs.filter(o => scalar(o.name));
  return [
    ...losses.map(value => ({ value, why: 'the file names it as its loss' })),
    ...scalars.filter(o => !losses.includes(o.name)).map(o => ({ value: o.name, why: scalars.length === 1 ? 'the only scalar float output' : 'a scalar float output' })),
    ...outputs.filter(o => !scalar(o.name) && !losses.includes(o.name)).map(o => ({ value: o.name, why: outputs.length === 1 ? 'the only float output' : 'a float output' })),
  ];
}

/** `NAME` or `NAME[0,281]`. A value whose own name ends so wins. */
export function parseTarget(text: string, isValue: (name: string) => boolean): { value: string; form: TargetForm } {
  if (isValue(text)) return { value: text, form: { kind: 'sum' } };
  const m = /^(.*)\[\s*(-?\d+(?:\s*,\s*-?\d+)*)\s*\]$/.exec(text);
  if (m && isValue(m[1]!)) return { value: m[1]!, form: { kind: 'element', index: m[2]!.split(',').map(Number) } };
  throw new UserError('usage', `the model has no value named ${text}`, 'Names are those of the file; `adjoint inspect` lists outputs and candidates.');
}

/**
 * The value to differentiate when none was named: the file's own loss, the only scalar float output, else each row's largest element
 * of the only float output.
 * @throws UserError('usage') with the candidates where none is clear
 */
export function defaultTarget(graph: Graph): ChosenTarget {
  const candidates = targetCandidates(graph), [first] = candidates;
  if (!first) throw new UserError('usage', 'the model has no float output to differentiate', 'Name a value with --target.');
  const named = candidates.filter(c => c.why.startsWith('the file')), clear = named.length ? named : candidates.filter(c => c.why.startsWith('the only scalar'));
  if (clear.length === 1) return { value: clear[0]!.value, form: { kind: 'sum' }, why: clear[0]!.why };
  if (candidates.length === 1) {
    return { value: first.value, form: { kind: 'row-max' }, why: `no loss in the file: each row's largest element of its only float output` };
  }
  throw new UserError('usage', `which value is the loss? ${candidates.length} could be: ${candidates.map(c => c.value).join(', ')}`, 'Name one with --target.');
}
