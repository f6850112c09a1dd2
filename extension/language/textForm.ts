import { subgraphsOf, type Graph, type Node } from '../../kernels/graph/graph.ts';
import { attributeText } from '../session/attributes.ts';
import { typeText } from '../session/drawing.ts';

/** A piece of the text that stands for a value or a node. Lines and columns count from 0. */
export interface TextToken {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly kind: 'value' | 'node';
  readonly name: string;
  /** True where the value is made or the node stands. */
  readonly definition: boolean;
}

export interface TextForm {
  readonly text: string;
  /** In the order of the text. */
  readonly tokens: readonly TextToken[];
}

/** The read-only text of a graph: one line a node, its outputs, operator, inputs and attributes; inputs and weights first. */
export function textForm(graph: Graph, title: string): TextForm {
  const w = new TextWriter();
  w.line(`# ${title}`);
  w.line(`# ${graph.nodes.length} nodes, opsets ${[...graph.opsets].map(([d, v]) => `${d || 'ai.onnx'} ${v}`).join(', ')}`);
  w.line('');
  for (const input of graph.inputs) w.declaration('input', input.name, typeText(graph.types.get(input.name) ?? input.type));
  for (const [name, t] of graph.initializers) w.declaration('weight', name, `${t.dtype} ${t.dims.join('×') || 'scalar'}`);
  w.line('');
  writeNodes(w, graph, '');
  w.line('');
  for (const output of graph.outputs) {
    w.put('output ');
    w.token('value', output.name, false);
    w.end();
  }
  return { text: w.lines.join('\n'), tokens: w.tokens };
}

function writeNodes(w: TextWriter, graph: Graph, indent: string): void {
  let scope = '';
  for (const node of graph.nodes) {
    const here = node.scope?.join('/') ?? '';
    if (here !== scope && here) w.line(`${indent}# ${here}`);
    scope = here;
    writeNode(w, node, graph, indent);
  }
}

function writeNode(w: TextWriter, node: Node, graph: Graph, indent: string): void {
  w.put(indent);
  node.outputs.forEach((o, i) => {
    if (i) w.put(', ');
    if (o) w.token('value', o, true);
    else w.put('_');
  });
  const type = typeText(graph.types.get(node.outputs[0] ?? ''));
  w.put(`${type ? `: ${type}` : ''} = ${node.domain && node.domain !== 'adjoint' ? `${node.domain}.` : ''}${node.op}(`);
  node.inputs.forEach((x, i) => {
    if (i) w.put(', ');
    if (x) w.token('value', x, false);
    else w.put('_');
  });
  w.put(')');
  const attributes = Object.entries(node.attributes).filter(([, a]) => a.kind !== 'graph').map(([k, a]) => `${k}=${attributeText(a)}`);
  if (attributes.length) w.put(` {${attributes.join(', ')}}`);
  w.put('  # ');
  w.token('node', node.name, true);
  w.end();
  for (const [name, body] of subgraphsOf(node)) {
    w.line(`${indent}  ${name}(${body.inputs.map(i => i.name).join(', ')}):`);
    writeNodes(w, body, `${indent}    `);
    w.line(`${indent}    -> ${body.outputs.map(o => o.name).join(', ')}`);
  }
}

class TextWriter {
  readonly lines: string[] = [];
  readonly tokens: TextToken[] = [];
  private current = '';

  put(text: string): void { this.current += text; }
  token(kind: TextToken['kind'], name: string, definition: boolean): void {
    const start = this.current.length;
    this.current += name;
    this.tokens.push({ line: this.lines.length, start, end: this.current.length, kind, name, definition });
  }
  end(): void {
    this.lines.push(this.current);
    this.current = '';
  }
  line(text: string): void {
    this.put(text);
    this.end();
  }
  declaration(word: string, name: string, type: string): void {
    this.put(`${word} `);
    this.token('value', name, true);
    this.put(type ? `: ${type}` : '');
    this.end();
  }
}
