import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../../kernels/graph/errors.ts';
import type { SourceLine } from '../protocol.ts';
import { sourceCandidates } from '../session/source.ts';

/**
 * Opens a line of the person's own code that a model names.
 * @throws UserError('file') if the file is nowhere here
 */
export async function openSource({ file, line }: SourceLine, model: string | undefined): Promise<void> {
  const folders = [...(vscode.workspace.workspaceFolders ?? []).map(f => f.uri.fsPath), ...(model ? [dirname(model)] : [])];
  const remap = vscode.workspace.getConfiguration('adjoint').get<Record<string, string>>('sourcePaths', {});
  const found = sourceCandidates(file, remap, folders).find(path => existsSync(path));
  if (!found) throw new UserError('file', `${file} is not here`, 'Say with the setting adjoint.sourcePaths where its folder is.');
  const at = new vscode.Position(Math.max(0, line - 1), 0);
  await vscode.window.showTextDocument(vscode.Uri.file(found), { selection: new vscode.Range(at, at), preview: true });
}
