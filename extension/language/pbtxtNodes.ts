/** A node of a GraphDef as text. */
export interface TextNode {
  /** Where its name begins in the text. */
  readonly offset: number;
  readonly op: string;
}

const NODE = /\bnode\s*\{\s*name:\s*"((?:[^"\\]|\\.)*)"\s*(?:op:\s*"([^"]*)")?/g;

/** The nodes of a graph by name; of two of one name the first. */
export function nodesOf(text: string): ReadonlyMap<string, TextNode> {
  const nodes = new Map<string, TextNode>();
  for (const m of text.matchAll(NODE)) if (!nodes.has(m[1]!)) nodes.set(m[1]!, { offset: m.index + m[0].indexOf('"') + 1, op: m[2] ?? '' });
  return nodes;
}

/** The node that a line names at a column, as its own name or as an input (`^x` and `x:1` are node x), and where. */
export function referenceAt(line: string, column: number): { readonly node: string; readonly start: number; readonly end: number } | undefined {
  for (const m of line.matchAll(/\b(?:name|input):\s*"([^"]+)"/g)) {
    const end = m.index + m[0].length - 1, start = end - m[1]!.length;
    if (column >= start && column <= end) return { node: m[1]!.replace(/^\^/, '').replace(/:\d+$/, ''), start, end };
  }
  return undefined;
}
