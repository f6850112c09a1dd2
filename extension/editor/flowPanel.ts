import * as vscode from 'vscode';
import { setPage } from './page.ts';
import type { Studies } from './studies.ts';
import { WebviewHost, type HostActions } from './webviewHost.ts';

/** The Gradient Flow panel: always about the active model. */
export class FlowPanelProvider implements vscode.WebviewViewProvider {
  constructor(private readonly extension: vscode.Uri, private readonly studies: Studies, private readonly actions: HostActions) {}

  resolveWebviewView(view: vscode.WebviewView): void {
    const host = new WebviewHost(view.webview, this.actions);
    const following = this.studies.onDidChangeActive(study => host.show(study));
    view.onDidDispose(() => {
      following.dispose();
      host.dispose();
    });
    setPage(view.webview, this.extension, 'panelMain', 'Gradient Flow');
    host.show(this.studies.active);
  }
}
