import * as vscode from 'vscode';
import { GRAPH_EDITOR } from '../ids.ts';
import { readSamples } from '../session/samples.ts';
import type { Studies } from './studies.ts';

/** Lets the person pick one of the models that ship with the extension by its question, and opens it. */
export async function openSample(extension: vscode.Uri, studies: Studies): Promise<void> {
  const folder = vscode.Uri.joinPath(extension, 'samples');
  const items = readSamples(folder.fsPath).map(sample => ({ label: sample.question, description: sample.file, sample }));
  const picked = await vscode.window.showQuickPick(items, { title: 'Open Sample Model', matchOnDescription: true });
  if (!picked) return;
  const { file, target, dims } = picked.sample, uri = vscode.Uri.joinPath(folder, file);
  studies.openDocument(uri).study.choose({ ...(target !== undefined && { target }), ...(dims && { dims: new Map(Object.entries(dims)) }) });
  await vscode.commands.executeCommand('vscode.openWith', uri, GRAPH_EDITOR);
}

/** Lets the person pick a file whose name tells nothing, and opens it as a model. */
export async function openModelFile(): Promise<void> {
  const [uri] = (await vscode.window.showOpenDialog({ title: 'Open Model', filters: { Models: ['onnx', 'pb', 'pbtxt', 'meta', 'index'], 'All files': ['*'] } })) ?? [];
  if (uri) await vscode.commands.executeCommand('vscode.openWith', uri, GRAPH_EDITOR);
}
