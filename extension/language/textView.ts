import * as vscode from 'vscode';
import { TEXT_LANGUAGE, TEXT_SCHEME, TEXT_SUFFIX } from '../ids.ts';
import type { Studies } from '../editor/studies.ts';
import { valueName } from '../session/drawn.ts';
import type { Study } from '../session/study.ts';
import { card } from './hoverCard.ts';
import { textForm, type TextForm, type TextToken } from './textForm.ts';

const DEFINED = { node: vscode.SymbolKind.Function, value: vscode.SymbolKind.Variable } as const;

/** The read-only text of a model's graph: hover, definition, references, symbols; a name that is selected is selected in the drawing too. */
export class TextView implements vscode.TextDocumentContentProvider, vscode.HoverProvider, vscode.DefinitionProvider, vscode.ReferenceProvider, vscode.DocumentSymbolProvider {
  private readonly forms = new WeakMap<object, TextForm>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;

  constructor(private readonly studies: Studies) {}

  register(): vscode.Disposable {
    const selector = { scheme: TEXT_SCHEME, language: TEXT_LANGUAGE };
    return vscode.Disposable.from(
      this.changed,
      vscode.workspace.registerTextDocumentContentProvider(TEXT_SCHEME, this),
      vscode.languages.registerHoverProvider(selector, this),
      vscode.languages.registerDefinitionProvider(selector, this),
      vscode.languages.registerReferenceProvider(selector, this),
      vscode.languages.registerDocumentSymbolProvider(selector, this),
      vscode.window.onDidChangeTextEditorSelection(e => e.kind === vscode.TextEditorSelectionChangeKind.Mouse && this.follow(e.textEditor)),
    );
  }

  /** Opens the text of a model's graph. */
  async open(model: vscode.Uri): Promise<void> {
    const uri = model.with({ scheme: TEXT_SCHEME, path: `${model.path}${TEXT_SUFFIX}`, query: model.scheme });
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const study = this.studies.openDocument(modelUri(uri)).study;
    const leave = study.onChange(change => {
      if (change !== 'model') return;
      leave();
      this.changed.fire(uri);
    });
    return this.formOf(study)?.text ?? (study.state && 'message' in study.state ? `# ${study.state.message}` : `# Reading ${study.title}`);
  }

  provideHover(document: vscode.TextDocument, position: vscode.Position): vscode.Hover | undefined {
    const found = this.at(document, position);
    if (!found) return undefined;
    const { study, token } = found, text = card(study, token);
    return text === undefined ? undefined : new vscode.Hover(new vscode.MarkdownString(text, true), rangeOf(token));
  }

  provideDefinition(document: vscode.TextDocument, position: vscode.Position): vscode.Location | undefined {
    const found = this.at(document, position), to = found?.form.tokens.find(t => t.definition && t.kind === found.token.kind && t.name === found.token.name);
    return to && new vscode.Location(document.uri, rangeOf(to));
  }

  provideReferences(document: vscode.TextDocument, position: vscode.Position): vscode.Location[] {
    const found = this.at(document, position);
    return found?.form.tokens.filter(t => t.kind === found.token.kind && t.name === found.token.name).map(t => new vscode.Location(document.uri, rangeOf(t))) ?? [];
  }

  provideDocumentSymbols(document: vscode.TextDocument): vscode.SymbolInformation[] {
    const form = this.formOf(this.studies.find(modelUri(document.uri)));
    return form?.tokens.filter(t => t.definition && t.name).map(t => new vscode.SymbolInformation(t.name, DEFINED[t.kind], '', new vscode.Location(document.uri, rangeOf(t)))) ?? [];
  }

  private follow(editor: vscode.TextEditor): void {
    const found = editor.document.uri.scheme === TEXT_SCHEME ? this.at(editor.document, editor.selection.active) : undefined;
    const drawn = found?.study.drawn;
    if (!found || !drawn) return;
    const { kind, name } = found.token, index = (kind === 'node' ? drawn.index.nodes : drawn.index.values).get(name);
    if (index !== undefined) found.study.select(kind === 'node' ? { node: index } : selectionOfValue(found.study, index), this);
  }

  private at(document: vscode.TextDocument, { line, character }: vscode.Position): { study: Study; form: TextForm; token: TextToken } | undefined {
    const study = this.studies.find(modelUri(document.uri)), form = this.formOf(study);
    const token = form && tokenAt(form.tokens, line, character);
    return study && form && token && { study, form, token };
  }

  private formOf(study: Study | undefined): TextForm | undefined {
    const drawn = study?.drawn;
    if (!study || !drawn) return undefined;
    let form = this.forms.get(drawn);
    if (!form) this.forms.set(drawn, (form = textForm(drawn.graph, study.title)));
    return form;
  }
}

/** Tokens lie in the order of the text: found by halving. */
function tokenAt(tokens: readonly TextToken[], line: number, column: number): TextToken | undefined {
  let low = 0, high = tokens.length;
  while (low < high) {
    const middle = (low + high) >> 1, t = tokens[middle]!;
    if (t.line < line || (t.line === line && t.end < column)) low = middle + 1;
    else high = middle;
  }
  const found = tokens[low];
  return found && found.line === line && found.start <= column ? found : undefined;
}

function selectionOfValue({ drawn }: Study, value: number): { node?: number; value: number } {
  const node = drawn!.drawing.values.producer[value]!;
  return valueName(drawn!.drawing, value) && node >= 0 ? { node, value } : { value };
}

function modelUri(uri: vscode.Uri): vscode.Uri {
  return uri.with({ scheme: uri.query || 'file', path: uri.path.slice(0, -TEXT_SUFFIX.length), query: '' });
}

function rangeOf({ line, start, end }: TextToken): vscode.Range {
  return new vscode.Range(line, start, line, end);
}
