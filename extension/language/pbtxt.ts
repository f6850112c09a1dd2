import * as vscode from 'vscode';
import type { Studies } from '../editor/studies.ts';
import { card } from './hoverCard.ts';
import { nodesOf, referenceAt, type TextNode } from './pbtxtNodes.ts';

/** Graphs of TensorFlow as text: hover on the name or an input of a node, go to the node that an input names, outline. */
export class GraphText implements vscode.HoverProvider, vscode.DefinitionProvider, vscode.DocumentSymbolProvider {
  private readonly known = new WeakMap<vscode.TextDocument, { readonly version: number; readonly nodes: ReadonlyMap<string, TextNode> }>();

  constructor(private readonly studies: Studies) {}

  /** The file is read as a model when it is asked about first; the gradient is there when the run is. */
  async provideHover(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Hover | undefined> {
    const found = referenceAt(document.lineAt(position.line).text, position.character);
    if (!found || !this.nodes(document).has(found.node) || document.uri.scheme !== 'file') return undefined;
    const { study } = this.studies.openDocument(document.uri);
    if (!study.drawn) await study.load();
    const text = card(study, { kind: 'node', name: found.node });
    return text === undefined ? undefined : new vscode.Hover(new vscode.MarkdownString(text, true), new vscode.Range(position.line, found.start, position.line, found.end));
  }

  provideDefinition(document: vscode.TextDocument, position: vscode.Position): vscode.Location | undefined {
    const found = referenceAt(document.lineAt(position.line).text, position.character), node = found && this.nodes(document).get(found.node);
    return node && new vscode.Location(document.uri, document.positionAt(node.offset));
  }

  provideDocumentSymbols(document: vscode.TextDocument): vscode.SymbolInformation[] {
    return [...this.nodes(document)].map(([name, { offset, op }]) => new vscode.SymbolInformation(name, vscode.SymbolKind.Function, op, new vscode.Location(document.uri, document.positionAt(offset))));
  }

  private nodes(document: vscode.TextDocument): ReadonlyMap<string, TextNode> {
    const known = this.known.get(document);
    if (known?.version === document.version) return known.nodes;
    const nodes = nodesOf(document.getText());
    this.known.set(document, { version: document.version, nodes });
    return nodes;
  }
}
