import type { Graph, Node } from '../graph/graph.ts';
import { producersOf } from '../graph/passes.ts';
import type { ValueGradient } from '../autodiff/differentiate.ts';
import type { Role } from './roles.ts';

export type MarkKind = 'stop-gradient' | 'prevent-gradient' | 'fake-quant' | 'straight-through' | 'user-stop';
export type MarkClass = 'benign' | 'author' | 'cuts-only-path';

export interface Mark {
  readonly node: string;
  readonly value?: string;
  readonly kind: MarkKind;
  readonly class: MarkClass;
  readonly why: string;
}

/** The nodes that change what a gradient is, with the class that tells a harmless one from one that cuts. */
export function marksOf(graph: Graph, gradients: ReadonlyMap<string, ValueGradient>, roles: ReadonlyMap<string, Role>, userStops: Iterable<string> = []): Mark[] {
  const cut = parametersCutBy(gradients, roles), consumers = consumersOf(graph), producers = producersOf(graph), marks: Mark[] = [];
  const producer = (value: string): Node | undefined => graph.nodes[producers.get(value) ?? -1];
  for (const node of graph.nodes) {
    const own = node.domain === 'adjoint' || node.domain === 'tensorflow';
    if (node.op === 'StopGradient' && own) marks.push(stopMark(node, producer, consumers, cut));
    else if (node.op === 'PreventGradient' && own) {
      marks.push({ node: node.name, kind: 'prevent-gradient', class: 'author', why: 'Asking for a gradient through it is an error.' });
    } else if (isQuantiser(node)) marks.push(quantMark(node, consumers));
  }
  for (const value of userStops) {
    const names = cut.get(value);
    marks.push({ node: producer(value)?.name ?? value, value, kind: 'user-stop', class: names ? 'cuts-only-path' : 'author', why: names ? cutsWhy(names) : 'Your own stop. It exists only in Adjoint.' });
  }
  return marks;
}

export function isQuantiser(node: Node): boolean {
  return node.op === 'QuantizeLinear' || node.op === 'DynamicQuantizeLinear' || node.op.startsWith('FakeQuant') || node.op.startsWith('QuantizeAndDequantize')
    || (node.op === 'Quant' || node.op === 'BipolarQuant' || node.op === 'Trunc') && node.domain !== '';
}

function consumersOf(graph: Graph): Map<string, Node[]> {
  const consumers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      const list = consumers.get(input);
      if (list) list.push(node);
      else consumers.set(input, [node]);
    }
  }
  return consumers;
}

/** Parameters whose every path is cut, by the node or value that cuts. */
function parametersCutBy(gradients: ReadonlyMap<string, ValueGradient>, roles: ReadonlyMap<string, Role>): Map<string, string[]> {
  const cut = new Map<string, string[]>();
  for (const [value, g] of gradients) {
    if (g.status !== 'blocked' || roles.get(value) !== 'parameter') continue;
    for (const { node } of g.because) cut.set(node, [...(cut.get(node) ?? []), value]);
  }
  return cut;
}

function cutsWhy(parameters: readonly string[]): string {
  const [first, ...rest] = parameters;
  return `Every path from the loss to ${first}${rest.length ? ` and ${rest.length} more parameter${rest.length > 1 ? 's' : ''}` : ''} passes it.`;
}

function stopMark(node: Node, producer: (value: string) => Node | undefined, consumers: ReadonlyMap<string, readonly Node[]>, cut: ReadonlyMap<string, readonly string[]>): Mark {
  const at = { node: node.name, kind: 'stop-gradient' as const }, uses = consumers.get(node.outputs[0]!) ?? [];
  const parameters = cut.get(node.name);
  if (/labels_stop_gradient(_\d+)?$/.test(node.name) || (uses.length > 0 && uses.every(u => isLabelInput(u, node.outputs[0]!)))) {
    return { ...at, class: 'benign', why: 'It feeds only the labels of a cross entropy; labels are not trained.' };
  }
  if (holdsBackMean(node, producer(node.inputs[0]!), consumers)) return { ...at, class: 'benign', why: 'Nothing changes: the gradient it holds back is zero, Σ(x − mean) = 0.' };
  if (parameters) return { ...at, class: 'cuts-only-path', why: cutsWhy(parameters) };
  return { ...at, class: 'author', why: 'Another differentiable path lies beside it.' };
}

function isLabelInput(node: Node, value: string): boolean {
  return /CrossEntropy|NegativeLogLikelihood/.test(node.op) && node.inputs.indexOf(value) === 1;
}

/** x − stop(mean(x)) or (x − stop(mean(x)))²: the derivative with respect to the mean sums to zero. */
function holdsBackMean(node: Node, producer: Node | undefined, consumers: ReadonlyMap<string, readonly Node[]>): boolean {
  if (!producer || !/^(ReduceMean|Mean)$/.test(producer.op)) return false;
  const x = producer.inputs[0]!, uses = consumers.get(node.outputs[0]!) ?? [];
  return uses.length > 0 && uses.every(u => (u.op === 'Sub' || u.op === 'SquaredDifference') && u.inputs.includes(x));
}

function quantMark(node: Node, consumers: ReadonlyMap<string, readonly Node[]>): Mark {
  let chain = consumers.get(node.outputs[0]!) ?? [], clipped = false;
  while (chain.length === 1 && chain[0]!.op === 'Clip') {
    clipped = true;
    chain = consumers.get(chain[0]!.outputs[0]!) ?? [];
  }
  const pair = chain.some(n => n.op === 'DequantizeLinear');
  const why = pair ? `Straight through inside the range of the integers${clipped ? ', narrowed by a Clip' : ''}; elements outside get zero.`
    : 'Straight through the rounding; elements that saturate get zero.';
  return { node: node.name, kind: node.op === 'BipolarQuant' || node.op === 'Trunc' ? 'straight-through' : 'fake-quant', class: 'author', why };
}
