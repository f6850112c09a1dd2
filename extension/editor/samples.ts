import { readdir } from 'node:fs/promises';
import * as vscode from 'vscode';
import { GRAPH_EDITOR } from '../ids.ts';

/** Lets the person pick one of the models that ship with the extension, and opens it. */
export async function openSample(extension: vscode.Uri): Promise<void> {
  const folder = vscode.Uri.joinPath(extension, 'samples'), names = (await readdir(folder.fsPath)).filter(n => n.endsWith('.onnx')).sort();
  const picked = await vscode.window.showQuickPick(names.map(name => ({ label: name.replace(/\.onnx$/, '').replaceAll('-', ' '), description: name, name })), { title: 'Open Sample Model' });
  if (picked) await vscode.commands.executeCommand('vscode.openWith', vscode.Uri.joinPath(folder, picked.name), GRAPH_EDITOR);
}
