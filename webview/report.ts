/** The report page: the drawing of the editor, live, answered by what the page itself holds. */
import type { Asked, EdgeReport, FromWebview, NodeCard, ReportPage, Requests, ToWebview, ValueCard, ValueReport } from '../extension/protocol.ts';
import { PROTOCOL_VERSION } from '../extension/protocol.ts';
import { Editor } from './editor/app.ts';
import { Panel } from './panel/panel.ts';
import { Rpc } from './rpc.ts';
import { registerControls } from './ui/controls.ts';
import './styles/report.css';

const ARRAYS = { Uint8Array, Uint32Array, Int32Array, Float32Array, Float64Array } as const;

/** The other side of the host's encoding of typed arrays and of numbers that JSON does not have. */
function decode(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('number' in value && Object.keys(value).length === 1) return Number(value.number);
  if (!('array' in value && 'base64' in value)) return value;
  const bytes = Uint8Array.from(atob(value.base64 as string), c => c.charCodeAt(0));
  return new ARRAYS[value.array as keyof typeof ARRAYS](bytes.buffer);
}

/** Cards from a report, as the host makes them. */
class Cards {
  private readonly reports: ReadonlyMap<string, ValueReport>;
  private readonly uses = new Map<string, EdgeReport[]>();

  constructor(private readonly page: ReportPage) {
    this.reports = new Map(page.report.values.map(v => [v.name, v]));
    for (const e of page.report.edges) this.uses.set(e.value, [...(this.uses.get(e.value) ?? []), e]);
  }

  value(value: number): ValueCard {
    const { graph, findings } = this.page, name = graph.strings[graph.values.name[value]!]!, node = graph.values.producer[value]!, source = node >= 0 ? this.page.nodes[node]!.source : undefined;
    const report = this.reports.get(name) ?? { name, kind: 'activation', gradient: { status: 'not-asked', because: [] } };
    return { value, report, uses: this.uses.get(name) ?? [], sentence: this.page.sentences[value]!, findings: findings.filter(f => f.value === name), ...(source && { source }) };
  }

  node(node: number): NodeCard {
    const { graph, findings, report, nodes } = this.page, { uses, values } = graph, name = graph.strings[graph.nodes.name[node]!]!, mark = report.marks.find(m => m.node === name);
    const outputs: ValueCard[] = [], parameters = new Set<number>();
    values.producer.forEach((p, v) => p === node && outputs.push(this.value(v)));
    uses.node.forEach((n, u) => n === node && values.kind[uses.value[u]!] === 1 && parameters.add(uses.value[u]!));
    return {
      node, name, op: graph.strings[graph.nodes.op[node]!]!, ...nodes[node]!, ...(mark && { mark }), outputs,
      parameters: [...parameters].map(v => this.value(v)), findings: findings.filter(f => f.node === name && f.value === undefined),
    };
  }
}

/** Answers the drawing's requests from the page. */
function answer(page: ReportPage, cards: Cards, { kind, ask }: Asked): Requests[Asked['kind']]['answer'] {
  if (kind === 'ready') return { protocol: PROTOCOL_VERSION };
  if (kind === 'node') return cards.node(ask.node);
  if (kind === 'value') return cards.value(ask.value);
  if (kind === 'why') return { value: ask.value, sentence: page.sentences[ask.value]!, steps: [] };
  throw new Error('A histogram needs the model: open it in VS Code.');
}

function download(name: string, data: string): void {
  const link = document.createElement('a');
  link.href = data;
  link.download = name;
  link.click();
}

/** A view's way to the page: requests are answered from it, a selection goes to the other view. */
function localRpc(page: ReportPage, cards: Cards, other: () => { receive(message: ToWebview): void } | undefined): Rpc {
  const kept: { state?: unknown } = {};
  const reply = (asked: Asked) => {
    try {
      rpc.settle({ type: 'reply', id: asked.id, ok: true, answer: answer(page, cards, asked) });
    } catch (error) {
      rpc.settle({ type: 'reply', id: asked.id, ok: false, error: { code: 'usage', message: (error as Error).message } });
    }
  };
  const post = (message: FromWebview): void => {
    if (message.type === 'copy') void navigator.clipboard.writeText(message.text);
    else if (message.type === 'save') download(message.name, message.encoding === 'base64' ? `data:image/png;base64,${message.data}` : `data:text/plain;charset=utf-8,${encodeURIComponent(message.data)}`);
    else if (message.type === 'select') other()?.receive({ type: 'select', selection: message.selection, reveal: true });
    else if (message.type === 'ask') queueMicrotask(() => reply(message));
  };
  const rpc = new Rpc({ post, getState: () => kept.state, setState: state => void (kept.state = state) });
  return rpc;
}

function start(page: ReportPage): void {
  registerControls();
  const cards = new Cards(page), { report, findings } = page, views: { editor?: Editor; panel?: Panel } = {};
  const editor = (views.editor = new Editor(localRpc(page, cards, () => views.panel), document.getElementById('drawing')!));
  const panel = (views.panel = new Panel(localRpc(page, cards, () => views.editor), document.getElementById('flow')!));
  const inputs = `${report.inputs.length} ${report.inputs.length === 1 ? 'input' : 'inputs'}`;
  const run = { target: report.target, ...(report.targetWhy && { targetWhy: report.targetWhy }), loss: report.loss, inputs, provider: report.provider, conventions: report.conventions, notes: report.notes };
  editor.receive({ type: 'graph', graph: page.graph, options: { wheel: 'zoom', direction: 'down' } });
  editor.receive({ type: 'results', results: page.results, marks: report.marks, findings, run });
  panel.receive({ type: 'flow', flow: page.flow, run, model: page.graph.title });
}

const light = matchMedia('(prefers-color-scheme: light)'), contrast = matchMedia('(prefers-contrast: more)');
const theme = () => (document.body.className = `${contrast.matches ? 'vscode-high-contrast' : light.matches ? '' : 'vscode-dark'}${light.matches ? (contrast.matches ? ' vscode-high-contrast-light' : 'vscode-light') : ''} report`);
theme();
light.addEventListener('change', theme);
contrast.addEventListener('change', theme);
start(JSON.parse(document.getElementById('page')!.textContent!, decode) as ReportPage);
