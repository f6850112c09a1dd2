import * as vscode from 'vscode';
import type { StudyDocument } from './editor/studies.ts';
import type { Services } from './editor/services.ts';
import { COMMANDS, FLOW_VIEW, GRAPH_EDITOR, GRAPH_EDITOR_OPTIONAL, TEXT_SCHEME } from './ids.ts';

/** Registers the faces and nothing else: what is behind them is loaded by the first that is used. */
export function activate(context: vscode.ExtensionContext): void {
  const output = vscode.window.createOutputChannel('Adjoint', { log: true });
  context.subscriptions.push(output);
  let loading: Promise<Services> | undefined;
  const services = () => (loading ??= import('./editor/services.ts').then(({ createServices }) => createServices(context, output)).catch((error: unknown) => {
    // VS Code itself says nothing of it.
    output.error(error instanceof Error ? error : String(error));
    void vscode.window.showErrorMessage('Adjoint could not start.', 'Show Log').then(picked => picked && output.show());
    throw error;
  }));
  const editor: vscode.CustomReadonlyEditorProvider<StudyDocument> = {
    openCustomDocument: async uri => (await services()).editor.openCustomDocument(uri),
    resolveCustomEditor: async (document, panel) => (await services()).editor.resolveCustomEditor(document, panel),
  };
  const several = { supportsMultipleEditorsPerDocument: true }, graphText = { pattern: '**/*.pbtxt' };
  context.subscriptions.push(
    ...COMMANDS.map(id => vscode.commands.registerCommand(id, async () => (await services()).commands.run(id))),
    vscode.window.registerCustomEditorProvider(GRAPH_EDITOR, editor, several),
    vscode.window.registerCustomEditorProvider(GRAPH_EDITOR_OPTIONAL, editor, several),
    vscode.window.registerWebviewViewProvider(FLOW_VIEW, { resolveWebviewView: async view => (await services()).panel.resolveWebviewView(view) }),
    vscode.workspace.registerTextDocumentContentProvider(TEXT_SCHEME, { provideTextDocumentContent: async uri => (await services()).textView.provideTextDocumentContent(uri) }),
    vscode.languages.registerHoverProvider(graphText, { provideHover: async (document, position) => (await services()).graphText.provideHover(document, position) }),
    vscode.languages.registerDefinitionProvider(graphText, { provideDefinition: async (document, position) => (await services()).graphText.provideDefinition(document, position) }),
    vscode.languages.registerDocumentSymbolProvider(graphText, { provideDocumentSymbols: async document => (await services()).graphText.provideDocumentSymbols(document) }),
  );
}
