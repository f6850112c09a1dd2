/** The host side of a webview page without VS Code: a real study of a real model answers, through the real ONNX Runtime process. */
import { join } from 'node:path';
import { UserError } from '../../../kernels/graph/errors.ts';
import { RuntimeClient } from '../../../extension/runtime/client.ts';
import { Study } from '../../../extension/session/study.ts';
import { nodeName, valueName } from '../../../extension/session/drawn.ts';
import { PROTOCOL_VERSION, type Asked, type FromWebview, type Requests, type RequestKind, type ToWebview } from '../../../extension/protocol.ts';

export class StudyHost {
  readonly study: Study;
  /** Every message that a page has sent, requests left out. */
  readonly received: FromWebview[] = [];
  private readonly pages = new Set<{ readonly view: 'drawing' | 'panel'; readonly send: (message: ToWebview) => void }>();
  private readonly runtime: RuntimeClient;

  constructor(path: string, trusted = true, root = process.cwd()) {
    this.runtime = new RuntimeClient(join(root, 'extension/runtime/worker.ts'));
    this.study = new Study(path, this.runtime, { trusted: () => trusted, limits: () => ({ timeout: 0, threads: 0 }), log: () => undefined });
    this.study.onChange((change, origin) => {
      for (const page of this.pages) {
        if (change === 'model') this.sendModel(page);
        if (change === 'results') this.sendResults(page);
        if (change === 'model' || change === 'state' || change === 'results') { if (page.view === 'drawing') page.send({ type: 'state', ...(this.study.state && { state: this.study.state }) }); }
        if (change === 'selection' && origin !== page) page.send({ type: 'select', selection: this.study.selection, reveal: true });
      }
    });
  }

  /** A message to every open page, as a command of the palette sends it. */
  send(message: ToWebview): void { for (const page of this.pages) page.send(message); }

  dispose(): void {
    this.study.dispose();
    void this.runtime.dispose();
  }

  /** A page that has loaded: returns what takes its messages. */
  connect(send: (message: ToWebview) => void): (message: FromWebview) => void {
    let page: { view: 'drawing' | 'panel'; send: typeof send } | undefined;
    return message => {
      if (message.type === 'ask' && message.kind === 'ready') { page = { view: message.ask.view, send }; this.pages.add(page); }
      void this.take(message, page, send);
    };
  }

  private sendModel(page: { view: string; send: (m: ToWebview) => void }): void {
    const { drawn } = this.study;
    if (drawn && page.view === 'drawing') page.send({ type: 'graph', graph: drawn.drawing, options: { wheel: 'pan', direction: 'down' } });
  }
  private sendResults(page: { view: string; send: (m: ToWebview) => void }): void {
    const { study } = this, run = study.facts;
    if (page.view === 'panel') page.send({ type: 'flow', ...(study.flow && { flow: study.flow }), ...(run && { run }), model: study.title });
    else if (study.results) {
      page.send({ type: 'results', results: study.results.drawing, marks: study.results.index.report.marks, findings: study.findings, ...(run && { run }) });
      page.send({ type: 'whatIf', ...(study.whatIf && { whatIf: study.whatIf }) });
    }
  }

  private async take(message: FromWebview, page: object | undefined, send: (m: ToWebview) => void): Promise<void> {
    const { study } = this;
    if (message.type === 'ask') {
      try { send({ type: 'reply', id: message.id, ok: true, answer: await this.answer(message) }); }
      catch (error) { send({ type: 'reply', id: message.id, ok: false, error: { code: error instanceof UserError ? error.code : 'bug', message: String((error as Error).message) } }); }
      if (message.kind !== 'ready' || !page) return;
      this.sendModel(page as never);
      this.sendResults(page as never);
      if (message.ask.view === 'drawing') send({ type: 'state', ...(study.state && { state: study.state }) });
      return;
    }
    this.received.push(message);
    const drawing = study.drawn?.drawing;
    if (message.type === 'select') study.select(message.selection, page);
    else if (message.type === 'toggleStop' && drawing) {
      study.toggleStop(message.node !== undefined ? { node: nodeName(drawing, message.node) } : { value: valueName(drawing, message.value!) });
      await study.run();
    } else if (message.type === 'command' && message.command === 'resetWhatIf') { study.resetWhatIf(); await study.run(); }
    else if (message.type === 'command' && message.command === 'run') await study.run();
    else if (message.type === 'command' && message.command === 'cancel') study.cancel();
  }

  private async answer({ kind, ask }: Asked): Promise<Requests[RequestKind]['answer']> {
    switch (kind) {
      case 'ready': return { protocol: PROTOCOL_VERSION };
      case 'node': return this.study.node(ask.node);
      case 'value': return this.study.value(ask.value);
      case 'why': return this.study.why(ask.value);
      case 'histogram': return this.study.histogram(ask.value, ask.of, new AbortController().signal);
    }
  }
}
