import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';

/** Sets a webview's page: one bundled script and its styles, nothing inline, nothing from elsewhere. Once; then there are only messages. */
export function setPage(webview: vscode.Webview, extension: vscode.Uri, bundle: 'main' | 'panelMain', title: string): void {
  const dist = vscode.Uri.joinPath(extension, 'dist', 'webview');
  webview.options = { enableScripts: true, localResourceRoots: [dist] };
  const uri = (file: string) => webview.asWebviewUri(vscode.Uri.joinPath(dist, file)).toString();
  const nonce = randomBytes(16).toString('base64'), { cspSource } = webview, styles = `${bundle}.css`;
  const policy = `default-src 'none'; img-src ${cspSource} data:; font-src ${cspSource} data:; style-src ${cspSource}; script-src 'nonce-${nonce}'; worker-src blob:`;
  webview.html = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>${title.replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`)}</title>
${existsSync(join(dist.fsPath, styles)) ? `<link rel="stylesheet" href="${uri(styles)}">` : ''}</head>
<body><script nonce="${nonce}" src="${uri(`${bundle}.js`)}"></script></body></html>`;
}
