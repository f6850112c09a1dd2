import * as vscode from 'vscode';
import { GraphText } from '../language/pbtxt.ts';
import { TextView } from '../language/textView.ts';
import { RuntimeClient } from '../runtime/client.ts';
import { Commands } from './commands.ts';
import { FlowPanelProvider } from './flowPanel.ts';
import { GraphEditorProvider } from './graphEditor.ts';
import { Studies } from './studies.ts';
import type { HostActions } from './webviewHost.ts';

/** Everything behind the extension's faces. Built when one of them is used first: reader, engine and rules are not loaded before. */
export interface Services {
  readonly commands: Commands;
  readonly editor: GraphEditorProvider;
  readonly panel: FlowPanelProvider;
  readonly textView: TextView;
  readonly graphText: GraphText;
}

export function createServices({ extensionUri, subscriptions, workspaceState }: vscode.ExtensionContext, output: vscode.LogOutputChannel): Services {
  const log = (line: string) => output.info(line), folders = vscode.workspace.getConfiguration('adjoint').get<string[]>('cudaFolders', []);
  const runtime = new RuntimeClient(undefined, { log, ...(folders.length > 0 && { cudaFolders: folders.join(process.platform === 'win32' ? ';' : ':') }) });
  const studies = new Studies(runtime, workspaceState, log), textView = new TextView(studies);
  const commands: Commands = new Commands({ extension: extensionUri, studies, runtime, editor: () => editor, output, openTextView: uri => textView.open(uri) });
  const actions: HostActions = { command: commands.fromWebview, openSource: commands.openSourceLine, save: commands.saveFile, log };
  const editor = new GraphEditorProvider(extensionUri, studies, actions);
  subscriptions.push(runtime, studies, textView.register());
  return { commands, editor, panel: new FlowPanelProvider(extensionUri, studies, actions), textView, graphText: new GraphText(studies) };
}
