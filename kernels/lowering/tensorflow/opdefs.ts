import type { Attribute, Attributes } from '../../graph/graph.ts';
import { OPERATOR_OUTPUTS } from './operatorOutputs.ts';

/** One output argument of an operator: one value, or a list whose length an attribute gives. */
export interface OutputArgument {
  readonly name: string;
  /** Element type if it is fixed (`resource`, `variant` and `qint8` … included). */
  readonly type?: string;
  readonly typeAttribute?: string;
  /** Value of `typeAttribute` where a node leaves it out. */
  readonly defaultType?: string;
  /** Attribute with the list of types; the list's length is the number of values. */
  readonly typeListAttribute?: string;
  readonly numberAttribute?: string;
}

let table: Map<string, string> | undefined;
const parsed = new Map<string, readonly OutputArgument[]>();

/** Output arguments of an operator of TensorFlow itself; `undefined` for an unknown (custom) one. */
export function outputArguments(op: string): readonly OutputArgument[] | undefined {
  if (!table) {
    table = new Map();
    for (const line of OPERATOR_OUTPUTS.split('\n')) if (line) table.set(/^\S+/.exec(line)![0], line);
  }
  const known = parsed.get(op);
  if (known) return known;
  const line = table.get(op);
  if (line === undefined) return undefined;
  const outputs = line.split(' ').slice(1).map(parseOutput);
  parsed.set(op, outputs);
  return outputs;
}

function parseOutput(text: string): OutputArgument {
  const [name = '', spec = ''] = text.split(':'), [type = '', numberAttribute] = spec.split('*');
  const number = numberAttribute === undefined ? {} : { numberAttribute };
  if (type.startsWith('@')) return { name, typeListAttribute: type.slice(1) };
  if (!type.startsWith('$')) return { name, type, ...number };
  const [typeAttribute = '', defaultType] = type.slice(1).split('=');
  return { name, typeAttribute, ...(defaultType !== undefined && { defaultType }), ...number };
}

/**
 * Number of values of an argument on a node with these attributes; `undefined` where the attribute is missing or
 * refers to an attribute of the enclosing function.
 */
export function argumentLength(argument: OutputArgument, attributes: Attributes): number | undefined {
  if (argument.typeListAttribute !== undefined) return listLength(attributes[argument.typeListAttribute]);
  if (argument.numberAttribute === undefined) return 1;
  const n = attributes[argument.numberAttribute];
  return n?.kind === 'int' && n.value >= 0 && n.value <= MOST_OUTPUTS ? n.value : undefined;
}
/** No node has more outputs; a larger number is damage. */
export const MOST_OUTPUTS = 1 << 20;

function listLength(a: Attribute | undefined): number | undefined {
  return a?.kind === 'strings' || a?.kind === 'ints' || a?.kind === 'floats' ? a.value.length : undefined;
}

/** Element type of value `k` of an argument (`float32`, `resource` …); `undefined` where the file does not say it. */
export function argumentType(argument: OutputArgument, k: number, attributes: Attributes): string | undefined {
  if (argument.type !== undefined) return argument.type;
  const a = attributes[argument.typeAttribute ?? argument.typeListAttribute ?? ''];
  if (a?.kind === 'string') return a.value;
  if (a?.kind === 'strings') return a.value[k];
  return argument.defaultType;
}
