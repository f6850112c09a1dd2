import type { Attribute, Attributes, Graph, TensorData } from './graph.ts';

/** How attributes are written in rules: a plain number is an int, `float(0.5)` a float. `undefined` is left out. */
export type AttributeInput = number | string | readonly number[] | readonly string[] | Attribute | Graph | undefined;
export type AttributeInputs = Readonly<Record<string, AttributeInput>>;

export const float = (value: number): Attribute => ({ kind: 'float', value });
export const floats = (value: readonly number[]): Attribute => ({ kind: 'floats', value });
export const tensorAttribute = (value: TensorData): Attribute => ({ kind: 'tensor', value });

export function toAttributes(inputs: AttributeInputs): Attributes {
  const out: Record<string, Attribute> = {};
  for (const key in inputs) {
    const v = inputs[key];
    if (v === undefined) continue;
    if (typeof v === 'number') out[key] = { kind: 'int', value: v };
    else if (typeof v === 'string') out[key] = { kind: 'string', value: v };
    else if (Array.isArray(v)) {
      out[key] = typeof v[0] === 'string' ? { kind: 'strings', value: v as string[] } : { kind: 'ints', value: v as number[] };
    } else if ('nodes' in v) out[key] = { kind: 'graph', value: v };
    else out[key] = v as Attribute;
  }
  return out;
}

/** Typed reading of a node's attributes; a missing one gives the default. */
export class AttributeReader {
  constructor(readonly all: Attributes) {}

  has(name: string): boolean { return name in this.all; }

  int(name: string, fallback: number): number;
  int(name: string): number | undefined;
  int(name: string, fallback?: number): number | undefined {
    const a = this.all[name];
    return a?.kind === 'int' || a?.kind === 'float' ? a.value : fallback;
  }
  float(name: string, fallback: number): number;
  float(name: string): number | undefined;
  float(name: string, fallback?: number): number | undefined {
    return this.int(name, fallback as number);
  }
  string(name: string, fallback: string): string;
  string(name: string): string | undefined;
  string(name: string, fallback?: string): string | undefined {
    const a = this.all[name];
    return a?.kind === 'string' ? a.value : fallback;
  }
  ints(name: string, fallback: readonly number[]): readonly number[];
  ints(name: string): readonly number[] | undefined;
  ints(name: string, fallback?: readonly number[]): readonly number[] | undefined {
    const a = this.all[name];
    if (a?.kind === 'ints' || a?.kind === 'floats') return a.value;
    // An empty list carries no type in some files.
    if (a?.kind === 'strings' && a.value.length === 0) return [];
    return fallback;
  }
  floats(name: string): readonly number[] | undefined {
    return this.ints(name);
  }
  strings(name: string): readonly string[] | undefined {
    const a = this.all[name];
    return a?.kind === 'strings' ? a.value : undefined;
  }
  tensor(name: string): TensorData | undefined {
    const a = this.all[name];
    return a?.kind === 'tensor' ? a.value : undefined;
  }
  graph(name: string): Graph | undefined {
    const a = this.all[name];
    return a?.kind === 'graph' ? a.value : undefined;
  }
}
