import * as vscode from 'vscode';
import { GRAPH_EDITOR, GRAPH_EDITOR_OPTIONAL, type ContextKey } from '../ids.ts';
import type { RuntimeClient } from '../runtime/client.ts';
import { Study, type Choices } from '../session/study.ts';

/** A model open in at least one editor. */
export class StudyDocument implements vscode.CustomDocument {
  private readonly watching: vscode.Disposable[] = [];

  constructor(readonly uri: vscode.Uri, readonly study: Study, private readonly closed: () => void) {
    const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(vscode.Uri.joinPath(uri, '..'), uri.path.split('/').at(-1)!.replace(/[[\]{}*?]/g, '[$&]')));
    let pending: ReturnType<typeof setTimeout> | undefined;
    const reload = () => {
      // A file that is being written changes many times.
      clearTimeout(pending);
      pending = setTimeout(() => void study.load(true), 300);
    };
    this.watching.push(watcher, watcher.onDidChange(reload), watcher.onDidCreate(reload), watcher.onDidDelete(() => study.gone()), { dispose: () => clearTimeout(pending) });
  }

  dispose(): void {
    for (const d of this.watching) d.dispose();
    this.study.dispose();
    this.closed();
  }
}

type Remembered = Pick<Choices, 'target' | 'conventions' | 'seed'> & { readonly dims?: Readonly<Record<string, number>> };

/** Every open model, and which one commands and panel are about: that of the active editor, else the last one that is still open. */
export class Studies implements vscode.Disposable {
  private readonly open = new Map<string, StudyDocument>();
  private current: StudyDocument | undefined;
  private readonly changed = new vscode.EventEmitter<Study | undefined>();
  /** Another study is the active one. */
  readonly onDidChangeActive = this.changed.event;
  private readonly disposables: vscode.Disposable[] = [];

  constructor(private readonly runtime: RuntimeClient, private readonly memento: vscode.Memento, private readonly log: (line: string) => void) {
    this.disposables.push(
      this.changed,
      vscode.window.tabGroups.onDidChangeTabs(() => this.follow()),
      vscode.window.tabGroups.onDidChangeTabGroups(() => this.follow()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.trusted()),
    );
  }

  get active(): Study | undefined { return this.current?.study; }
  get activeUri(): vscode.Uri | undefined { return this.current?.uri; }
  get all(): readonly StudyDocument[] { return [...this.open.values()]; }

  find(uri: vscode.Uri): Study | undefined { return this.open.get(uri.toString())?.study; }

  /** The study of a file; reading begins at once and reports through the study itself. */
  openDocument(uri: vscode.Uri): StudyDocument {
    const key = uri.toString(), found = this.open.get(key);
    if (found) return found;
    const settings = () => vscode.workspace.getConfiguration('adjoint.run', uri);
    const study = new Study(uri.fsPath, this.runtime, {
      trusted: () => vscode.workspace.isTrusted,
      limits: () => ({ timeout: settings().get('timeout', 0), threads: settings().get('threads', 0) }),
      log: this.log,
    });
    const document = new StudyDocument(uri, study, () => {
      this.open.delete(key);
      if (this.current === document) this.activate(this.all.at(-1));
    });
    this.open.set(key, document);
    this.recall(key, study);
    study.onChange(change => {
      if (change === 'model' && settings().get('automatically', true) && vscode.workspace.isTrusted) void study.run();
      if (change === 'results') this.remember(key, study);
      if (this.current === document) this.setContext();
    });
    void study.load();
    this.follow();
    if (!this.current) this.activate(document);
    return document;
  }

  dispose(): void {
    for (const d of this.disposables) d.dispose();
    for (const d of this.all) d.dispose();
  }

  private activate(document: StudyDocument | undefined): void {
    if (this.current === document) return;
    this.current = document;
    this.setContext();
    this.changed.fire(document?.study);
  }

  private follow(): void {
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    if (!(input instanceof vscode.TabInputCustom) || ![GRAPH_EDITOR, GRAPH_EDITOR_OPTIONAL].includes(input.viewType)) return;
    const document = this.open.get(input.uri.toString());
    if (document) this.activate(document);
  }

  private trusted(): void {
    for (const { study } of this.all) void study.load();
  }

  private setContext(): void {
    const study = this.active, drawn = study?.drawn, { selection, results } = study ?? {}, value = selection?.value;
    const status = value === undefined ? undefined : results?.drawing.valueStatus[value];
    const set = (key: ContextKey, on: boolean) => void vscode.commands.executeCommand('setContext', key, on);
    set('adjoint.drawn', drawn !== undefined);
    set('adjoint.canRun', study?.canRun === true);
    set('adjoint.running', study?.isRunning === true);
    set('adjoint.hasReport', results !== undefined);
    set('adjoint.nodeSelected', selection?.node !== undefined);
    set('adjoint.valueSelected', value !== undefined);
    set('adjoint.zeroSelected', status !== undefined && (status !== 0 || results!.drawing.valueNorm[value!] === 0));
    set('adjoint.hasSource', selection?.node !== undefined && study!.node(selection.node).source !== undefined);
    set('adjoint.hasStops', results?.index.report.marks.some(m => m.kind.endsWith('stop') || m.kind === 'stop-gradient') === true || study?.hasWhatIf === true);
    set('adjoint.whatIf', study?.hasWhatIf === true);
    set('adjoint.hasInputs', (drawn?.graph.inputs.length ?? 0) > 0);
    set('adjoint.hasDimensions', drawn?.graph.inputs.some(i => i.type?.kind === 'tensor' && i.type.shape?.some(d => typeof d !== 'number')) === true);
    set('adjoint.hasFindings', (study?.findings.length ?? 0) > 0);
    set('adjoint.runtimeUsed', this.runtime.state !== 'stopped' && this.runtime.state !== 'disposed');
  }

  private recall(key: string, study: Study): void {
    const kept = this.memento.get<Remembered>(`choices:${key}`);
    if (kept) study.choose({ ...(kept.target !== undefined && { target: kept.target }), ...(kept.conventions && { conventions: kept.conventions }), seed: kept.seed, dims: new Map(Object.entries(kept.dims ?? {})) });
  }

  private remember(key: string, study: Study): void {
    const { target, conventions, seed, dims } = study.choices;
    void this.memento.update(`choices:${key}`, { ...(target !== undefined && { target }), ...(conventions && { conventions }), seed, dims: Object.fromEntries(dims) } satisfies Remembered);
  }
}
