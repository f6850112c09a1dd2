import * as vscode from 'vscode';
import { Commands } from './editor/commands.ts';
import { FlowPanelProvider } from './editor/flowPanel.ts';
import { GraphEditorProvider } from './editor/graphEditor.ts';
import { Studies } from './editor/studies.ts';
import type { HostActions } from './editor/webviewHost.ts';
import { FLOW_VIEW, GRAPH_EDITOR, GRAPH_EDITOR_OPTIONAL } from './ids.ts';
import { GraphText } from './language/pbtxt.ts';
import { TextView } from './language/textView.ts';
import { RuntimeClient } from './runtime/client.ts';

/** Builds the services and registers them; nothing is read or started before a model is opened. */
export function activate(context: vscode.ExtensionContext): void {
  const output = vscode.window.createOutputChannel('Adjoint', { log: true });
  context.subscriptions.push(output);
  try {
    register(context, output);
  } catch (error) {
    // VS Code itself says nothing of an activation that fails.
    output.error(error instanceof Error ? error : String(error));
    void vscode.window.showErrorMessage('Adjoint could not start.', 'Show Log').then(picked => picked && output.show());
    throw error;
  }
}

function register({ extensionUri, subscriptions, workspaceState }: vscode.ExtensionContext, output: vscode.LogOutputChannel): void {
  const log = (line: string) => output.info(line), folders = vscode.workspace.getConfiguration('adjoint').get<string[]>('cudaFolders', []);
  const runtime = new RuntimeClient(undefined, { log, ...(folders.length > 0 && { cudaFolders: folders.join(process.platform === 'win32' ? ';' : ':') }) });
  const studies = new Studies(runtime, workspaceState, log), text = new TextView(studies);
  const commands: Commands = new Commands({ extension: extensionUri, studies, runtime, editor: () => editor, output, openTextView: uri => text.open(uri) });
  const actions: HostActions = { command: commands.fromWebview, openSource: commands.openSourceLine, save: commands.saveFile, log };
  const editor = new GraphEditorProvider(extensionUri, studies, actions), several = { supportsMultipleEditorsPerDocument: true };
  subscriptions.push(
    runtime, studies, text.register(), new GraphText(studies).register(), commands.register(),
    vscode.window.registerCustomEditorProvider(GRAPH_EDITOR, editor, several),
    vscode.window.registerCustomEditorProvider(GRAPH_EDITOR_OPTIONAL, editor, several),
    vscode.window.registerWebviewViewProvider(FLOW_VIEW, new FlowPanelProvider(extensionUri, studies, actions)),
  );
}
