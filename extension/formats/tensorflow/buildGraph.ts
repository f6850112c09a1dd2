import { EMPTY_GRAPH, type Attribute, type Node, type ValueInfo } from '../../../kernels/graph/graph.ts';
import { tensor, type DType, type TensorType, type ValueType } from '../../../kernels/graph/types.ts';
import { argumentLength, argumentType, outputArguments, type OutputArgument } from '../../../kernels/lowering/tensorflow/opdefs.ts';
import { shapeOf, type FunctionArgument, type TensorFlowFunction, type TensorFlowGraph } from '../../../kernels/lowering/tensorflow/source.ts';
import { storedType, typeName } from './dataTypes.ts';
import type { ArgumentDef, OperatorDef, RawFunction, RawGraph } from './graphDef.ts';
import type { RawNode } from './nodeDef.ts';
import { executionOrder } from './order.ts';

/** Domain of every node that comes from a TensorFlow file. */
export const TENSORFLOW = 'tensorflow';
const SHOWN_PROBLEMS = 50;
/** Before this version of GraphDef a placeholder's shape [] meant "unknown". */
const SCALAR_PLACEHOLDERS_SINCE = 24;

/** Output arguments of an operator or function; `undefined` for an unknown one. */
type Signatures = (op: string) => readonly OutputArgument[] | undefined;

/** Builds the top-level graph and every function. `operators` are definitions that the file itself brings (custom operators). */
export function buildGraphs(raw: RawGraph, name: string, operators: readonly OperatorDef[]): { main: TensorFlowGraph; functions: Map<string, TensorFlowFunction> } {
  const own = new Map<string, readonly OutputArgument[]>();
  for (const op of operators) own.set(op.name, op.output_arg.map(outputArgument));
  for (const f of raw.functions) own.set(f.signature.name, f.signature.output_arg.map(outputArgument));
  const signatures: Signatures = op => own.get(op) ?? outputArguments(op);
  const functions = new Map<string, TensorFlowFunction>();
  for (const f of raw.functions) functions.set(f.signature.name, buildFunction(f, signatures, raw.producer));
  const builder = new Builder(raw.nodes, signatures, raw.producer);
  const graph = builder.finish(name);
  return { main: graph, functions };
}

function buildFunction(raw: RawFunction, signatures: Signatures, producer: number): TensorFlowFunction {
  const { signature } = raw, builder = new Builder(raw.nodes, signatures, producer);
  const args = signature.input_arg.map((a, i): FunctionArgument => {
    const about = raw.argumentAttributes.get(i) ?? {}, shapes = about['_output_shapes'], user = about['_user_specified_name'];
    const count = argumentLength(outputArgument(a), raw.attributes) ?? 1, type = typeName(a.type);
    const values = Array.from({ length: count }, (_, k) => valueName(a.name, k));
    values.forEach((v, k) => builder.addArgument(v, type, shapes?.kind === 'strings' ? shapeOf(shapes.value[k] ?? '?') : undefined));
    return { name: a.name, values, ...(type !== undefined && { type }), ...(user?.kind === 'string' && { userName: user.value }) };
  });
  const results = signature.output_arg.flatMap(o => {
    const value = raw.results.get(o.name), count = argumentLength(outputArgument(o), raw.attributes) ?? 1;
    if (value === undefined) {
      builder.problem(`result ${o.name} is not bound to a value`);
      return [];
    }
    const first = builder.resolve(value);
    // A list result names the first of consecutive values.
    return Array.from({ length: count }, (_, k) => ({ name: k === 0 ? o.name : `${o.name}:${k}`, value: k === 0 ? first : following(first, k) }));
  });
  const made = builder.finish(signature.name, args.flatMap(a => a.values), results.map(r => r.value));
  return {
    ...made, name: signature.name, arguments: args, results, controlResults: [...new Set(raw.controlResults.values())], stateful: signature.is_stateful,
  };
}

function following(value: string, k: number): string {
  const at = value.lastIndexOf(':');
  return at < 0 ? valueName(value, k) : valueName(value.slice(0, at), Number(value.slice(at + 1)) + k);
}

function valueName(node: string, output: number): string {
  return output === 0 ? node : `${node}:${output}`;
}

function outputArgument(a: ArgumentDef): OutputArgument {
  const number = a.number_attr ? { numberAttribute: a.number_attr } : {};
  if (a.type_list_attr) return { name: a.name, typeListAttribute: a.type_list_attr };
  if (a.type_attr) return { name: a.name, typeAttribute: a.type_attr, ...number };
  const type = typeName(a.type);
  return { name: a.name, ...(type !== undefined && { type }), ...number };
}

/** Turns the raw nodes of one graph or function body into ours: names of values, types, order. */
class Builder {
  private readonly problems: string[] = [];
  private unshown = 0;
  private readonly byName = new Map<string, number>();
  private readonly names: string[];
  /** Offsets of the output arguments that inputs of the form `node:argument:k` name. */
  private readonly offsets = new Map<number, Map<string, number>>();
  /** Outputs that somebody reads, at least. */
  private readonly used: Int32Array;
  private readonly arguments = new Set<string>();
  private readonly types = new Map<string, ValueType>();
  private readonly known = new Map<string, TensorType>();

  constructor(private readonly raw: readonly RawNode[], private readonly signatures: Signatures, private readonly producer: number) {
    this.used = new Int32Array(raw.length);
    this.names = raw.map((node, i) => {
      let { name } = node;
      if (name === '' || this.byName.has(name)) {
        const first = name === '' ? `${node.op || 'node'}_` : `${name}#`;
        this.problem(name === '' ? `node ${i} (${node.op}) has no name` : `two nodes are named ${name}`);
        for (let n = 2; this.byName.has(name) || name === ''; n++) name = `${first}${n}`;
      }
      this.byName.set(name, i);
      return name;
    });
  }

  problem(text: string): void {
    if (this.problems.length < SHOWN_PROBLEMS) this.problems.push(text);
    else this.unshown++;
  }

  addArgument(value: string, type: string | undefined, shape: readonly number[] | undefined): void {
    this.arguments.add(value);
    this.setType(value, storedType(type), shape);
  }

  private setType(value: string, dtype: DType | undefined, shape: readonly number[] | undefined): void {
    if (dtype === undefined) return;
    // Values of one type share one object: there are many of them.
    const key = shape ? `${dtype} ${shape.join()}` : dtype;
    let type = this.known.get(key);
    if (!type) this.known.set(key, (type = shape ? tensor(dtype, shape.map(d => (d < 0 ? undefined : d))) : tensor(dtype)));
    this.types.set(value, type);
  }

  /** The canonical value that an input string names: `node`, `node:k`, `node:argument:k`, or an argument. */
  resolve(input: string): string {
    const at = input.indexOf(':');
    if (at < 0) return this.use(input, 0);
    const name = input.slice(0, at), rest = input.slice(at + 1), second = rest.indexOf(':');
    if (second < 0 && /^\d+$/.test(rest)) return this.use(name, Number(rest));
    const argument = second < 0 ? rest : rest.slice(0, second), index = second < 0 ? 0 : Number(rest.slice(second + 1));
    const node = this.byName.get(name);
    if (node === undefined || !Number.isInteger(index)) return this.dangling(input);
    return this.use(name, this.offset(node, argument) + index);
  }

  private use(name: string, output: number): string {
    const node = this.byName.get(name);
    if (node !== undefined) {
      if (!(output < 65536)) return this.dangling(`${name}:${output}`);
      this.used[node] = Math.max(this.used[node]!, output + 1);
    } else if (!this.arguments.has(valueName(name, output))) return this.dangling(valueName(name, output));
    return valueName(name, output);
  }

  private dangling(value: string): string {
    this.problem(`nothing makes the value ${value}`);
    return value;
  }

  private offset(node: number, argument: string): number {
    let known = this.offsets.get(node);
    if (!known) {
      known = new Map();
      let at = 0;
      const { op, attributes } = this.raw[node]!;
      for (const a of this.signatures(op) ?? []) {
        known.set(a.name, at);
        const length = argumentLength(a, attributes);
        if (length === undefined) break;
        at += length;
      }
      this.offsets.set(node, known);
    }
    let offset = known.get(argument);
    if (offset === undefined) {
      // An operator that nobody describes: its outputs are counted as they are first named.
      offset = known.size;
      known.set(argument, offset);
      this.problem(`the operator ${this.raw[node]!.op} of ${this.names[node]} is unknown; its output ${argument} is taken as number ${offset}`);
    }
    return offset;
  }

  finish(name: string, inputs?: readonly string[], outputs?: readonly string[]): TensorFlowGraph {
    const controlInputs = new Map<string, readonly string[]>();
    const data = this.raw.map((node, i) => {
      const values: string[] = [];
      let controls: string[] | undefined;
      for (const input of node.inputs) {
        if (!input.startsWith('^')) values.push(this.resolve(input));
        else {
          const from = input.slice(1);
          if (!this.byName.has(from) && !this.arguments.has(from)) this.problem(`the control input ${input} of ${this.names[i]} does not exist`);
          (controls ??= []).push(from);
        }
      }
      if (controls) controlInputs.set(this.names[i]!, controls);
      return values;
    });
    const scopes = new Scopes();
    const nodes = this.raw.map((node, i) => this.node(node, i, data[i]!, scopes));
    const { order, cycles } = executionOrder(nodes, this.byName, controlInputs);
    for (const node of cycles) this.problem(`the graph has a cycle through node ${node}`);
    if (this.unshown) this.problems.push(`and ${this.unshown} more`);
    const info = (value: string): ValueInfo => ({ name: value, ...(this.types.has(value) && { type: this.types.get(value)! }) });
    const graph = {
      ...EMPTY_GRAPH, name, nodes: order.map(i => nodes[i]!), types: this.types,
      inputs: (inputs ?? nodes.filter(n => n.op === 'Placeholder').flatMap(n => n.outputs)).map(info),
      outputs: (outputs ?? finalValues(nodes)).map(info),
      opsets: new Map([[TENSORFLOW, this.producer]]),
    };
    return { graph, controlInputs, problems: this.problems };
  }

  private node(raw: RawNode, i: number, inputs: readonly string[], scopes: Scopes): Node {
    const name = this.names[i]!, { op, attributes } = raw, args = this.signatures(op);
    const types: (string | undefined)[] = [];
    for (const a of args ?? []) {
      const length = argumentLength(a, attributes);
      if (length === undefined) break;
      for (let k = 0; k < length; k++) types.push(argumentType(a, k, attributes));
    }
    const count = Math.max(types.length, this.used[i]!);
    if (args && count > types.length && args.every(a => argumentLength(a, attributes) !== undefined)) {
      this.problem(`${name} (${op}) has ${types.length} outputs, but output ${count - 1} is read`);
    }
    const outputs = Array.from({ length: count }, (_, k) => valueName(name, k));
    outputs.forEach((value, k) => {
      const shape = raw.outputShapes?.[k];
      this.setType(value, storedType(types[k]), (shape === undefined ? undefined : shapeOf(shape)) ?? statedShape(op, attributes, this.producer));
    });
    const scope = scopes.of(name);
    return {
      name, op, domain: TENSORFLOW, inputs, outputs, attributes,
      ...(scope && { scope }), ...(raw.device !== '' && { metadata: { device: raw.device } }),
    };
  }
}

/** The shape that sources state in their attributes. */
function statedShape(op: string, attributes: Readonly<Record<string, Attribute>>, producer: number): readonly number[] | undefined {
  if (op === 'Const') {
    const { value, splat } = attributes;
    return splat?.kind === 'ints' ? splat.value : value?.kind === 'tensor' ? value.value.dims : undefined;
  }
  if (op !== 'Placeholder' && op !== 'PlaceholderWithDefault' && op !== 'VariableV2' && op !== 'Variable' && op !== 'PlaceholderV2') return undefined;
  const shape = attributes['shape'];
  if (shape?.kind !== 'ints') return undefined;
  return op === 'Placeholder' && shape.value.length === 0 && producer < SCALAR_PLACEHOLDERS_SINCE ? undefined : shape.value;
}

/** Values that no node reads, of nodes that compute something. */
function finalValues(nodes: readonly Node[]): string[] {
  const read = new Set<string>();
  for (const node of nodes) for (const input of node.inputs) read.add(input);
  return nodes.filter(n => n.inputs.length > 0).flatMap(n => (n.outputs.some(o => read.has(o)) ? [] : n.outputs.slice(0, 1)));
}

/** Scope paths of names, one object for each scope. */
class Scopes {
  private readonly known = new Map<string, readonly string[]>();

  of(name: string): readonly string[] | undefined {
    const at = name.lastIndexOf('/');
    if (at <= 0) return undefined;
    const prefix = name.slice(0, at);
    let scope = this.known.get(prefix);
    if (!scope) this.known.set(prefix, (scope = prefix.split('/')));
    return scope;
  }
}
