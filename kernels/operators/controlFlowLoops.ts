import type { GraphBuilder } from '../graph/builder.ts';
import { type Graph, type Node, type ValueInfo } from '../graph/graph.ts';
import { ints, type Tensor } from '../graph/tensor.ts';
import { isFloat, staticShape, tensor, type Dim, type TensorType, type ValueType } from '../graph/types.ts';
import { loopInputTypes, scanInputTypes } from './controlFlowTypes.ts';
import { activeStates, backwardBodyOf, bodyBuilder, bodyOf, fileCaptured, gradientType, output, reverseBody, wantedCaptures, type BodyAdjoint } from './controlFlowBodies.ts';
import { inferBodyTypes } from './infer.ts';
import { norm } from './shapes.ts';
import { Unsupported, type PullbackContext, type PullbackEntry } from './operator.ts';
import { addSequences, zerosOfSequence } from './sequenceTensors.ts';

type TensorInfo = ValueInfo & { type: TensorType };
type Info = ValueInfo & { type: ValueType };

/** A carried value of the loop, as the rules need it. */
interface State {
  readonly input: string;
  readonly output: string;
  readonly float: boolean;
  readonly seeded: boolean;
  readonly wanted: boolean;
}

function states(c: PullbackContext, body: Graph, b: GraphBuilder, first: { input: number; bodyInput: number; bodyOutput: number }, count: number): State[] {
  return Array.from({ length: count }, (_, i) => {
    const input = body.inputs[first.bodyInput + i]!.name, t = b.typeOf(input);
    return {
      input, output: body.outputs[first.bodyOutput + i]!.name, float: carriesGradient(t),
      seeded: !!c.dys[i], wanted: c.wants(first.input + i),
    };
  });
}

const carriesGradient = (t: ValueType | undefined): boolean => (!t ? true : t.kind === 'tensor' ? isFloat(t.dtype) : carriesGradient(t.element));

/** Cotangents of body outputs by name: an output that is named twice gets the sum. */
class Seeds extends Map<string, Tensor> {
  seed(value: string, d: Tensor): void {
    const before = this.get(value);
    this.set(value, before ? before.add(d) : d);
  }
}

/** A value of the backward body: declared as its input. */
function declare<T extends ValueType>(b: GraphBuilder, hint: string, type: T): ValueInfo & { type: T } {
  const name = b.fresh(hint);
  b.setType(name, type);
  return { name, type };
}

function cotangentType(t: TensorType): TensorType;
function cotangentType(t: ValueType | undefined): ValueType;
function cotangentType(t: ValueType | undefined): ValueType {
  if (!t) return tensor('float32');
  return t.kind === 'tensor' ? tensor(gradientType(t.dtype), t.shape) : { ...t, element: cotangentType(t.element) };
}

/** Zeros of a value's cotangent. */
function zerosFor(g: GraphBuilder, t: Tensor): Tensor {
  return t.valueType?.kind === 'sequence' ? zerosOfSequence(g, t) : t.zerosLike().cast(gradientType(t.dtype));
}

/** The parts that both loops' backward bodies have: cotangents of states and sums for captured values. */
class Backward {
  readonly active: readonly number[];
  readonly dStates: readonly Info[];
  readonly sums: readonly Info[];
  readonly captured: readonly string[];
  readonly adjoint: BodyAdjoint;
  constructor(
    readonly c: PullbackContext, readonly b: GraphBuilder, readonly body: Graph, readonly list: readonly State[],
    seeds: Seeds, wantedInputs: readonly string[],
  ) {
    const seeded = [...seeds.keys()], captures = wantedCaptures(c, body);
    const active = activeStates(body, list, [...captures, ...wantedInputs], seeded);
    this.active = [...list.keys()].filter(i => active[i]);
    this.dStates = this.active.map(i => declare(b, 'dstate', cotangentType(b.typeOf(list[i]!.input))));
    this.active.forEach((i, k) => seeds.seed(list[i]!.output, b.tensor(this.dStates[k]!.name)));
    const wanted = new Set([...captures, ...wantedInputs, ...this.active.map(i => list[i]!.input)]);
    this.adjoint = reverseBody(c, b, body, seeds, wanted);
    this.captured = captures.filter(n => this.adjoint.cotangents.has(n));
    this.sums = this.captured.map(n => declare(b, 'sum', cotangentType(c.g.typeOf(n))));
  }

  /** Start values: the cotangents of the final states, zeros for sums. */
  get initial(): Tensor[] {
    const { c } = this;
    const finals = this.active.map(i => c.dys[i] ?? zerosFor(c.g, c.y[i] ?? c.output(i)));
    return [...finals, ...this.captured.map(n => zerosFor(c.g, c.g.tensor(n)))];
  }
  /** Types of what comes out; `first` is the position of the first state among the node's inputs. */
  types(first: number): ValueType[] {
    const { c } = this;
    return [...this.active.map(i => cotangentType(c.x[first + i]!.valueType)), ...this.captured.map(n => cotangentType(c.g.typeOf(n)))];
  }

  /** Body outputs for states and sums; `nodes` is the body under construction. */
  carried(nodes: Node[]): ValueInfo[] {
    const { b, adjoint, list } = this;
    const next = this.active.map((i, k) => {
      const d = adjoint.cotangents.get(list[i]!.input);
      return output(b, nodes, d ? d.name : this.zeros(nodes, this.dStates[k]!.name, b.tensor(list[i]!.input)), this.dStates[k]!.type);
    });
    // What is emitted here is new by its inputs, so it is never a node that was left out above.
    const from = b.nodes.length;
    const added = this.captured.map((n, k) => {
      const sum = b.tensor(this.sums[k]!.name), d = b.tensor(adjoint.cotangents.get(n)!.name);
      return sum.valueType?.kind === 'sequence' ? addSequences(b, sum, d) : b.op('Add', [sum, d], {}, { types: [this.sums[k]!.type] });
    });
    nodes.push(...b.nodes.slice(from));
    const sums = added.map((t, k) => ({ name: t.name, type: this.sums[k]!.type }));
    return [...next, ...sums];
  }

  /** A state that a round starts anew passes nothing on: zeros (0·d would keep NaN). */
  private zeros(nodes: Node[], d: string, like: Tensor): string {
    if (like.valueType?.kind === 'sequence') throw new Unsupported(this.c.node.origin ?? this.c.node.name, 'sequence-in-loop');
    const zero = this.b.constant(gradientType(like.dtype), [], [0]).name, name = this.b.fresh('zeros'), shape = this.b.fresh('shape');
    nodes.push({ name: shape, op: 'Shape', domain: '', inputs: [d], outputs: [shape], attributes: {} });
    nodes.push({ name, op: 'Expand', domain: '', inputs: [zero, shape], outputs: [name], attributes: {} });
    return name;
  }
}

/** A tensor type, or the error that says what would be needed. */
function tensorTypeOf(b: GraphBuilder, value: string): TensorType {
  const t = b.typeOf(value);
  // A sequence that a round changes cannot be stacked: said, not left out.
  if (t && t.kind !== 'tensor') throw new Unsupported(value, 'sequence-in-loop');
  return t ? tensor(t.dtype, t.shape) : tensor('float32');
}

/** Adds outputs to a body: each handed-over value through an Identity. */
function handed(b: GraphBuilder, adjoint: BodyAdjoint): { nodes: Node[]; outputs: ValueInfo[] } {
  const nodes = [...adjoint.forward], outputs = adjoint.residuals.map(r => output(b, nodes, r, tensorTypeOf(b, r)));
  return { nodes, outputs };
}

// ---- Scan

/** Backward: a Scan in the other direction over the same inputs, the cotangents of the outputs and what the forward rounds hand over. */
export function scanPullback(c: PullbackContext): readonly PullbackEntry[] {
  const { g, node, attributes: a } = c, body = a.graph('body')!, scans = a.int('num_scan_inputs', 0), count = node.inputs.length - scans;
  const b = bodyBuilder(g, body, scanInputTypes(node.inputs.map(n => g.typeOf(n)), scans, a.ints('scan_input_axes')));
  const outputs = node.outputs.length - count, at = (list: readonly number[] | undefined, i: number) => list?.[i] ?? 0;
  const inAxes = a.ints('scan_input_axes'), outAxes = a.ints('scan_output_axes'), inBack = a.ints('scan_input_directions'), outBack = a.ints('scan_output_directions');
  const list = states(c, body, b, { input: 0, bodyInput: 0, bodyOutput: 0 }, count);

  const seeds = new Seeds(), scanned: { info: TensorInfo; outer: Tensor; axis: number; direction: number }[] = [];
  for (let k = 0; k < outputs; k++) {
    const dy = c.dys[count + k];
    if (!dy) continue;
    const value = body.outputs[count + k]!.name, info = declare(b, 'dy', cotangentType(b.tensor(value).type));
    scanned.push({ info, outer: dy, axis: at(outAxes, k), direction: 1 - at(outBack, k) });
    seeds.seed(value, b.tensor(info.name));
  }
  const wantedScans = Array.from({ length: scans }, (_, k) => k).filter(k => c.wants(count + k));
  const back = new Backward(c, b, body, list, seeds, wantedScans.map(k => body.inputs[count + k]!.name)), { adjoint } = back;

  // What was scanned is scanned again; everything else that the backward reads is stacked by the forward.
  const again = body.inputs.slice(count).map((i, k) => ({ name: i.name, k })).filter(i => adjoint.residuals.includes(i.name));
  const stackedNames = adjoint.residuals.filter(r => !again.some(i => i.name === r));
  const stacks = extendScan(c, b, { ...adjoint, residuals: stackedNames });
  for (const i of again) scanned.push({ info: { name: i.name, type: tensorTypeOf(b, i.name) }, outer: c.x[count + i.k]!, axis: at(inAxes, i.k), direction: 1 - at(inBack, i.k) });
  stackedNames.forEach((r, i) => scanned.push({ info: { name: r, type: tensorTypeOf(b, r) }, outer: stacks[i]!, axis: 0, direction: 1 }));
  if (!scanned.length) {
    const info = declare(b, 'round', tensorTypeOf(b, body.inputs[count]!.name));
    scanned.push({ info, outer: c.x[count]!, axis: at(inAxes, 0), direction: 1 - at(inBack, 0) });
  }

  const nodes = [...adjoint.backward], carried = back.carried(nodes);
  const live = wantedScans.filter(k => adjoint.cotangents.has(body.inputs[count + k]!.name));
  const dxs = live.map(k => output(b, nodes, adjoint.cotangents.get(body.inputs[count + k]!.name)!.name));
  const backBody = backwardBodyOf(b, body, nodes, [...back.dStates, ...back.sums, ...scanned.map(s => s.info)], [...carried, ...dxs]);
  const types = [...back.types(0), ...live.map(k => cotangentType(c.x[count + k]!.type))];
  const results = g.ops('Scan', [...back.initial, ...scanned.map(s => s.outer)], {
    body: backBody, num_scan_inputs: scanned.length,
    scan_input_axes: scanned.map(s => s.axis), scan_input_directions: scanned.map(s => s.direction),
    ...(live.length && { scan_output_axes: live.map(k => at(inAxes, k)), scan_output_directions: live.map(k => 1 - at(inBack, k)) }),
  }, { outputs: types.length, types });

  const entries: (Tensor | undefined)[] = Array(node.inputs.length).fill(undefined), held = back.active.length + back.captured.length;
  back.active.forEach((i, k) => { entries[i] = results[k]; });
  live.forEach((k, i) => { entries[count + k] = results[held + i]; });
  return fileCaptured(c, entries, new Map(back.captured.map((n, k) => [n, results[back.active.length + k]!])));
}

/** Makes the forward Scan stack what the backward needs. */
function extendScan(c: PullbackContext, b: GraphBuilder, adjoint: BodyAdjoint): Tensor[] {
  const { g, attributes: a } = c, body = a.graph('body')!, node = g.node(c.node.name)!;
  const { nodes, outputs } = handed(b, adjoint), names = outputs.map(() => g.fresh('stack'));
  const scans = a.int('num_scan_inputs', 0), count = node.inputs.length - scans, first = c.x[count]!, length = first.dims?.[norm(a.ints('scan_input_axes')?.[0] ?? 0, first.rank ?? 1)];
  const padded = (key: string) => {
    const given = a.ints(key);
    return given ? { [key]: { kind: 'ints' as const, value: [...given, ...names.map(() => 0)] } } : {};
  };
  g.replace({
    ...node, outputs: [...filled(node.outputs, body.outputs.length), ...names],
    attributes: {
      ...node.attributes, ...padded('scan_output_axes'), ...padded('scan_output_directions'),
      body: { kind: 'graph', value: bodyOf(b, body.name, nodes, body.inputs, [...body.outputs, ...outputs]) },
    },
  });
  return names.map((name, i) => stackOf(g, name, outputs[i]!.type as TensorType, length));
}

function stackOf(g: GraphBuilder, name: string, type: TensorType, length: Dim): Tensor {
  g.setType(name, tensor(type.dtype, type.shape && [length, ...type.shape]));
  return g.tensor(name);
}

/** Trailing outputs that the file left away, as unnamed ones. */
const filled = (names: readonly string[], count: number): string[] => Array.from({ length: count }, (_, i) => names[i] ?? '');

// ---- Loop

/**
 * Backward: a Loop over as many rounds as the forward took, the last first. Values whose shape may change from round to round are
 * handed over in one flat buffer with their shapes beside it; all others are stacked.
 */
export function loopPullback(c: PullbackContext): readonly PullbackEntry[] {
  const { g, node, attributes: a } = c, body = a.graph('body')!, count = node.inputs.length - 2;
  const run = (graph: Graph, inputs: readonly (ValueType | undefined)[]) => {
    const types = inferBodyTypes(graph, inputs, g.infer, n => g.typeOf(n));
    return graph.outputs.map(o => types.get(o.name) ?? g.typeOf(o.name));
  };
  const b = bodyBuilder(g, body, loopInputTypes(body, node.inputs.slice(2).map(n => g.typeOf(n)), run));
  const list = states(c, body, b, { input: 2, bodyInput: 2, bodyOutput: 1 }, count);
  const round = declare(b, 'round', tensor('int64', [])), go = declare(b, 'go', tensor('bool', [])), index = declare(b, 'index', tensor('int64', []));

  const seeds = new Seeds(), loads: Node[] = [];
  for (let k = count; k < node.outputs.length; k++) {
    const dy = c.dys[k];
    if (!dy) continue;
    const value = body.outputs[1 + k]!.name, info = declare(b, 'dy', cotangentType(b.tensor(value).type));
    loads.push(taken(b, dy.name, index.name, info.name));
    seeds.seed(value, b.tensor(info.name));
  }
  const back = new Backward(c, b, body, list, seeds, []), { adjoint } = back;

  const forward = extendLoop(c, b, adjoint);
  const last = g.op('Sub', [forward.rounds, g.constant('int64', [], [1])]);
  const nodes: Node[] = [{ name: index.name, op: 'Sub', domain: '', inputs: [last.name, round.name], outputs: [index.name], attributes: {} }, ...loads];
  for (const s of forward.stacks) nodes.push(taken(b, s.outer.name, index.name, s.value));
  const ends = forward.buffers.map(f => unpack(b, nodes, f, index.name));
  nodes.push(...adjoint.backward);
  const carried = back.carried(nodes), alive = output(b, nodes, go.name);
  const inputs: ValueInfo[] = [round, go, ...back.dStates, ...back.sums, ...ends.map(e => e.before)];
  const backBody = backwardBodyOf(b, body, nodes, inputs, [alive, ...carried, ...ends.map(e => e.after)]);
  const types = [...back.types(2), ...ends.map(() => tensor('int64', []))];
  const results = g.ops('Loop', [forward.rounds, undefined, ...back.initial, ...forward.buffers.map(f => f.size)], { body: backBody }, { outputs: types.length, types });

  const entries: (Tensor | undefined)[] = Array(node.inputs.length).fill(undefined);
  back.active.forEach((i, k) => { entries[2 + i] = results[k]; });
  return fileCaptured(c, entries, new Map(back.captured.map((n, k) => [n, results[back.active.length + k]!])));
}

const taken = (b: GraphBuilder, from: string, index: string, to: string): Node =>
  ({ name: b.fresh('take'), op: 'Gather', domain: '', inputs: [from, index], outputs: [to], attributes: { axis: { kind: 'int', value: 0 } } });

interface LoopBuffer { readonly value: string; readonly flat: Tensor; readonly shapes: Tensor; readonly size: Tensor; readonly type: TensorType }

/** Makes the forward Loop hand over what the backward needs, and count its rounds. */
function extendLoop(c: PullbackContext, b: GraphBuilder, adjoint: BodyAdjoint): { rounds: Tensor; stacks: { value: string; outer: Tensor }[]; buffers: LoopBuffer[] } {
  const { g } = c, body = c.attributes.graph('body')!, node = g.node(c.node.name)!, count = node.inputs.length - 2;
  const nodes = [...adjoint.forward], types = new Map(adjoint.residuals.map(r => [r, tensorTypeOf(b, r)]));
  const fixed = adjoint.residuals.filter(r => staticShape(types.get(r))), changing = adjoint.residuals.filter(r => !staticShape(types.get(r)));
  const counted = output(b, nodes, body.inputs[0]!.name, tensor('int64', [])), stacked = fixed.map(r => output(b, nodes, r, types.get(r)));
  const rounds = g.fresh('rounds'), stackNames = fixed.map(() => g.fresh('stack')), shapeNames = changing.map(() => g.fresh('shapes')), flatNames = changing.map(() => g.fresh('flat'));
  const shapes: ValueInfo[] = [], flats: ValueInfo[] = [], flatInputs: ValueInfo[] = [], empties: Tensor[] = [];
  const minusOne = ints(b, [-1]);
  for (const r of changing) {
    const { dtype } = types.get(r)!, before = declare(b, 'flat', tensor(dtype, [undefined])), shape = b.fresh('shape'), line = b.fresh('line'), after = b.fresh('flat');
    nodes.push(
      { name: shape, op: 'Shape', domain: '', inputs: [r], outputs: [shape], attributes: {} },
      { name: line, op: 'Reshape', domain: '', inputs: [r, minusOne.name], outputs: [line], attributes: {} },
      { name: after, op: 'Concat', domain: '', inputs: [before.name, line], outputs: [after], attributes: { axis: { kind: 'int', value: 0 } } },
    );
    shapes.push({ name: shape, type: tensor('int64', [types.get(r)!.shape?.length]) });
    flats.push({ name: after, type: before.type });
    flatInputs.push(before);
    empties.push(g.constant(dtype, [0], []));
  }
  const old = filled(node.outputs, body.outputs.length - 1);
  g.replace({
    ...node, inputs: [...node.inputs, ...empties.map(t => t.name)],
    outputs: [...old.slice(0, count), ...flatNames, ...old.slice(count), rounds, ...stackNames, ...shapeNames],
    attributes: {
      ...node.attributes,
      body: {
        kind: 'graph',
        value: bodyOf(b, body.name, nodes, [...body.inputs, ...flatInputs], [...body.outputs.slice(0, 1 + count), ...flats, ...body.outputs.slice(1 + count), counted, ...stacked, ...shapes]),
      },
    },
  });
  g.setType(rounds, tensor('int64', [undefined]));
  // The first dimension alone: a body may declare its round's number as a vector of one.
  const size = (name: string) => g.op('Squeeze', [g.op('Shape', [g.tensor(name)], { start: 0, end: 1 }), ints(g, [0])]);
  return {
    rounds: size(rounds), stacks: fixed.map((value, i) => ({ value, outer: stackOf(g, stackNames[i]!, types.get(value)!, undefined) })),
    buffers: changing.map((value, i) => {
      g.setType(flatNames[i]!, tensor(types.get(value)!.dtype, [undefined]));
      g.setType(shapeNames[i]!, tensor('int64', [undefined, types.get(value)!.shape?.length]));
      return { value, flat: g.tensor(flatNames[i]!), shapes: g.tensor(shapeNames[i]!), size: size(flatNames[i]!), type: types.get(value)! };
    }),
  };
}

/** Takes one round's value from the end of the buffer; the end moves. */
function unpack(b: GraphBuilder, nodes: Node[], f: LoopBuffer, index: string): { before: TensorInfo; after: TensorInfo } {
  const before = declare(b, 'end', tensor('int64', [])), after = declare(b, 'start', tensor('int64', [])), fresh = (hint: string) => b.fresh(hint);
  const [shape, size, from, to, line] = [fresh('shape'), fresh('size'), fresh('from'), fresh('to'), fresh('line')], zero = ints(b, [0]).name;
  const node = (name: string, op: string, inputs: string[], attributes: Node['attributes'] = {}): Node => ({ name, op, domain: '', inputs, outputs: [name], attributes });
  nodes.push(
    taken(b, f.shapes.name, index, shape), node(size, 'ReduceProd', [shape], { keepdims: { kind: 'int', value: 0 } }),
    node(after.name, 'Sub', [before.name, size]), node(from, 'Unsqueeze', [after.name, zero]), node(to, 'Unsqueeze', [before.name, zero]),
    node(line, 'Slice', [f.flat.name, from, to, zero]), { ...node(fresh('value'), 'Reshape', [line, shape], { allowzero: { kind: 'int', value: 1 } }), outputs: [f.value] },
  );
  return { before, after };
}
