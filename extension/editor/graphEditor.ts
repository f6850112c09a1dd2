import * as vscode from 'vscode';
import type { Study } from '../session/study.ts';
import type { ViewCommand } from '../protocol.ts';
import { setPage } from './page.ts';
import type { Studies, StudyDocument } from './studies.ts';
import { WebviewHost, type HostActions } from './webviewHost.ts';

/** The custom editor: the dataflow of a model file. Read-only; VS Code reads nothing of the file, the study does as it needs. */
export class GraphEditorProvider implements vscode.CustomReadonlyEditorProvider<StudyDocument> {
  private readonly panels = new Map<vscode.WebviewPanel, { readonly study: Study; readonly host: WebviewHost }>();

  constructor(private readonly extension: vscode.Uri, private readonly studies: Studies, private readonly actions: HostActions) {}

  openCustomDocument(uri: vscode.Uri): StudyDocument { return this.studies.openDocument(uri); }

  resolveCustomEditor({ study }: StudyDocument, panel: vscode.WebviewPanel): void {
    const host = new WebviewHost(panel.webview, this.actions);
    this.panels.set(panel, { study, host });
    panel.onDidDispose(() => {
      this.panels.delete(panel);
      host.dispose();
    });
    setPage(panel.webview, this.extension, 'main', study.title);
    host.show(study);
  }

  /** Asks the editor that shows the study, the active one if there are several, to do something with its view. */
  view(study: Study, command: ViewCommand): void {
    const mine = [...this.panels].filter(([, p]) => p.study === study), found = mine.find(([panel]) => panel.active) ?? mine.find(([panel]) => panel.visible) ?? mine[0];
    if (!found) return;
    if (!found[0].visible) found[0].reveal();
    found[1].host.post({ type: 'view', command });
  }

  /** Brings the study's editor to the front. */
  reveal(study: Study): void {
    const found = [...this.panels].find(([, p]) => p.study === study);
    if (found && !found[0].visible) found[0].reveal();
  }
}
