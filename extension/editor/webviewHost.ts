import * as vscode from 'vscode';
import { UserError } from '../../kernels/graph/errors.ts';
import { PROTOCOL_VERSION, type Asked, type FromWebview, type HostCommand, type Reply, type Requests, type ToWebview } from '../protocol.ts';
import type { SourceLine } from '../protocol.ts';
import { nodeName, valueName } from '../session/drawn.ts';
import type { Study, StudyChange } from '../session/study.ts';

/** What a webview asks for that is not about the study alone. */
export interface HostActions {
  command(study: Study | undefined, command: HostCommand, argument: string | undefined): void;
  openSource(source: SourceLine): void;
  save(name: string, content: Uint8Array): void;
  log(line: string): void;
}

/**
 * One webview's conversation with the host: it is shown a study, its requests are answered or rejected. Nothing is sent before the webview
 * said that it is ready; a webview that was hidden asks again.
 */
export class WebviewHost implements vscode.Disposable {
  private study: Study | undefined;
  private view: 'drawing' | 'panel' | undefined;
  private leave: (() => void) | undefined;
  private readonly asked = new Map<number, AbortController>();
  private readonly listening: vscode.Disposable;
  private disposed = false;

  constructor(private readonly webview: vscode.Webview, private readonly actions: HostActions) {
    this.listening = webview.onDidReceiveMessage((m: FromWebview) => this.receive(m));
  }

  /** Shows another study, or none. */
  show(study: Study | undefined): void {
    this.leave?.();
    this.study = study;
    this.leave = study?.onChange((change, origin) => origin !== this && this.changed(change));
    if (this.view) this.sendAll();
  }

  post(message: ToWebview): void {
    if (!this.disposed) void this.webview.postMessage(message);
  }

  dispose(): void {
    this.disposed = true;
    this.leave?.();
    this.listening.dispose();
    for (const c of this.asked.values()) c.abort();
  }

  private changed(change: StudyChange): void {
    if (!this.view) return;
    if (change === 'selection') return this.sendSelection(true);
    if (this.view === 'panel') return change === 'state' ? undefined : this.sendFlow();
    if (change === 'model') return this.sendAll();
    if (change === 'results') this.sendResults();
    this.sendState();
  }

  private sendAll(): void {
    if (this.view === 'panel') {
      this.sendFlow();
      return this.sendSelection(false);
    }
    const drawn = this.study?.drawn;
    if (drawn) {
      const settings = vscode.workspace.getConfiguration('adjoint.drawing');
      this.post({ type: 'graph', graph: drawn.drawing, options: { wheel: settings.get('wheel', 'pan'), direction: settings.get('direction', 'down') } });
      this.sendResults();
    }
    this.sendState();
    this.sendSelection(false);
  }

  private sendResults(): void {
    const { study } = this, results = study?.results, run = study?.facts;
    if (!study || !results) return;
    this.post({ type: 'results', results: results.drawing, marks: results.index.report.marks, findings: study.findings, ...(run && { run }) });
    const { whatIf } = study;
    this.post({ type: 'whatIf', ...(whatIf && { whatIf }) });
  }

  private sendState(): void {
    const state = this.study?.state;
    this.post({ type: 'state', ...(state && { state }) });
  }

  private sendFlow(): void {
    const { study } = this, flow = study?.flow, run = study?.facts;
    this.post({ type: 'flow', ...(flow && { flow }), ...(run && { run }), ...(study && { model: study.title }) });
  }

  private sendSelection(reveal: boolean): void {
    if (this.study) this.post({ type: 'select', selection: this.study.selection, reveal });
  }

  private receive(message: FromWebview): void {
    const { study } = this;
    switch (message.type) {
      case 'ask': return void this.answer(message);
      case 'drop': return this.asked.get(message.id)?.abort();
      case 'select': return study?.select(message.selection, this);
      case 'command': return this.actions.command(study, message.command, message.argument);
      case 'openSource': return this.actions.openSource(message.source);
      case 'toggleStop': return study && this.toggleStop(study, message);
      case 'gradientOf': return study?.drawn && this.actions.command(study, 'useTarget', valueName(study.drawn.drawing, message.value));
      case 'copy': return void vscode.env.clipboard.writeText(message.text);
      case 'save': return this.actions.save(message.name, new Uint8Array(Buffer.from(message.data, message.encoding)));
    }
  }

  private toggleStop(study: Study, { node, value }: { node?: number; value?: number }): void {
    const drawing = study.drawn?.drawing;
    if (!drawing) return;
    if (node !== undefined) study.toggleStop({ node: nodeName(drawing, node) });
    else if (value !== undefined) study.toggleStop({ value: valueName(drawing, value) });
    void study.run();
  }

  private async answer(asked: Asked): Promise<void> {
    const controller = new AbortController();
    this.asked.set(asked.id, controller);
    try {
      const answer = await this.reply(asked, controller.signal);
      this.post({ type: 'reply', id: asked.id, ok: true, answer });
    } catch (error) {
      const known = error instanceof UserError;
      if (!known) this.actions.log(error instanceof Error ? (error.stack ?? error.message) : String(error));
      this.post({
        type: 'reply', id: asked.id, ok: false,
        error: { code: known ? error.code : 'bug', message: known ? error.message : String(error), ...(known && error.remedy && { remedy: error.remedy }) },
      } satisfies Reply);
    } finally {
      this.asked.delete(asked.id);
    }
  }

  private async reply(asked: Asked, signal: AbortSignal): Promise<Requests[Asked['kind']]['answer']> {
    if (asked.kind === 'ready') {
      this.view = asked.ask.view;
      queueMicrotask(() => this.sendAll());
      return { protocol: PROTOCOL_VERSION };
    }
    const { study } = this;
    if (!study) throw new UserError('usage', 'No model is open here.', 'Open one.');
    switch (asked.kind) {
      case 'node': return study.node(asked.ask.node);
      case 'value': return study.value(asked.ask.value);
      case 'why': return study.why(asked.ask.value);
      case 'histogram': return study.histogram(asked.ask.value, asked.ask.of, signal);
    }
  }
}
