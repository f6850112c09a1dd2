import { GraphBuilder } from '../../graph/builder.ts';
import { EMPTY_GRAPH, readsOf, subgraphsOf, type Node } from '../../graph/graph.ts';
import { renamedNode } from '../../graph/rename.ts';
import { Tensor } from '../../graph/tensor.ts';
import type { DType, TensorType } from '../../graph/types.ts';
import { merge } from '../../operators/infer.ts';

/**
 * The ONNX nodes that one node of the file becomes. Each input enters through a port; where a port is read once, at the same position
 * or as the only one of its reader, it is taken out again, so that most nodes become one node under their own name.
 */
export class Segment extends GraphBuilder {
  private readonly ports = new Map<string, { readonly value: string; readonly index: number }>();

  constructor(private readonly main: GraphBuilder, private readonly source: Node) {
    super(EMPTY_GRAPH, main.infer, main);
    this.origin = source.name;
  }

  /** Constants are shared by the whole graph. */
  override constant(dtype: DType, dims: readonly number[], values: readonly number[]): Tensor {
    return new Tensor(this, this.main.constant(dtype, dims, values).name);
  }

  port(value: string, index: number): Tensor {
    const name = this.fresh('port'), type = this.typeOf(value);
    this.ports.set(name, { value, index });
    if (type) this.setType(name, type);
    return new Tensor(this, name);
  }

  /** The value that a port (or a value of the graph) stands for. */
  behind(name: string): string { return this.ports.get(name)?.value ?? name; }

  /** Puts the nodes into the main graph; result `k` takes the name of output `k`. */
  finish(results: readonly (Tensor | undefined)[], stated: (output: string) => TensorType | undefined): void {
    const names = new Map<string, string>();
    this.source.outputs.forEach((output, k) => {
      const result = results[k];
      if (!output || !result) return;
      const want = stated(output), typed = want && result.valueType?.kind === 'tensor' && result.dtype !== want.dtype ? result.cast(want.dtype) : result;
      const merged = merge(typed.valueType, want), type = merged?.kind === 'tensor' && want?.data ? { ...merged, data: want.data } : merged;
      if (!names.has(typed.name) && this.makes(typed.name)) names.set(typed.name, output);
      else this.append({ name: this.fresh('Identity'), op: 'Identity', domain: '', inputs: [typed.name], outputs: [output], attributes: {}, origin: this.source.name });
      if (type) this.setType(output, type);
    });
    let nodes = this.withoutPorts(this.nodes.map(n => renamedNode(n, names)));
    if (nodes.length === 1) nodes = [this.own(nodes[0]!)];
    for (const node of nodes) this.main.append(node);
    for (const node of nodes) for (const o of node.outputs) {
      const type = o ? this.typeOf(o) ?? this.typeOf(old(names, o)) : undefined;
      if (type) this.main.setType(o, type);
    }
  }

  private makes(name: string): boolean {
    return this.nodes.some(n => n.outputs.includes(name));
  }

  /** One node stands for the file's own: it has its name. */
  private own({ origin: _, ...node }: Node): Node {
    const { name, scope, metadata } = this.source;
    return { ...node, name, ...(scope && { scope }), ...(metadata && { metadata }) };
  }

  private withoutPorts(nodes: readonly Node[]): Node[] {
    const reads = new Map<string, number>();
    for (const node of nodes) for (const r of hasBodies(node) ? [...node.inputs, ...readsOf(node)] : node.inputs) if (this.ports.has(r)) reads.set(r, (reads.get(r) ?? 0) + 1);
    const kept = new Set<string>();
    const direct = nodes.map(node => {
      const mine = node.inputs.filter(n => this.ports.has(n));
      if (!mine.length) return node;
      const sole = mine.length === 1;
      let { port } = node;
      const inputs = node.inputs.map((n, position) => {
        const p = this.ports.get(n);
        if (!p) return n;
        if (reads.get(n) === 1 && p.index === position) return p.value;
        if (reads.get(n) === 1 && sole) {
          port = p.index;
          return p.value;
        }
        kept.add(n);
        return n;
      });
      return { ...node, inputs, ...(port !== undefined && { port }) };
    });
    for (const node of nodes) if (hasBodies(node)) for (const r of readsOf(node)) if (this.ports.has(r) && !node.inputs.includes(r)) kept.add(r);
    const ports = [...kept].map((name): Node => {
      const { value, index } = this.ports.get(name)!;
      return { name, op: 'Identity', domain: '', inputs: [value], outputs: [name], attributes: {}, origin: this.source.name, port: index };
    });
    return [...ports, ...direct];
  }
}

function hasBodies(node: Node): boolean { return subgraphsOf(node).length > 0; }

function old(names: ReadonlyMap<string, string>, name: string): string {
  for (const [before, after] of names) if (after === name) return before;
  return name;
}
