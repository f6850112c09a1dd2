/** A host that has a graph and results, and no model: for the test page of the grammar and for graphs of any size. */
import { PROTOCOL_VERSION, STATUSES, VALUE_KINDS, type DrawingGraph, type DrawingResults, type EditorState, type FindingReport, type FlowTable, type FromWebview, type Mark, type NodeCard, type Summary, type ToWebview, type ValueCard, type WhatIf } from '../../../extension/protocol.ts';

export interface Drawn {
  /** Absent: nothing has been read. */
  readonly graph?: DrawingGraph;
  readonly results?: DrawingResults;
  readonly marks?: readonly Mark[];
  readonly findings?: readonly FindingReport[];
  readonly whatIf?: WhatIf;
  readonly state?: EditorState;
  readonly loss?: number;
  /** For the panel. */
  readonly flow?: FlowTable;
}

/** Rows of a panel, as many as wanted: parameters and values in turn, some of them without a gradient. */
export function flowOf(rows: number): FlowTable {
  const at = <T>(of: (i: number) => T): T[] => Array.from({ length: rows }, (_, i) => of(i)), status = (i: number) => (i % 97 === 5 ? 1 : i % 101 === 7 ? 2 : 0);
  const norm = Float64Array.from(at(i => (status(i) ? 0 : i % 1009 === 3 ? NaN : 10 ** (-6 * (i / rows) + (i % 7) / 7))));
  return {
    strings: ['Conv', '64×3×7×7', ...at(i => `layer${i % 50}/block_${i}/${i % 2 ? 'weight' : 'out'}`)], value: Uint32Array.from(at(i => i)), name: Uint32Array.from(at(i => i + 2)), op: new Uint32Array(rows), shape: new Uint32Array(rows).fill(1),
    kind: Uint8Array.from(at(i => i % 2)), status: Uint8Array.from(at(status)), steps: Int32Array.from(at(i => Math.floor(i / 20))), norm, forwardNorm: new Float64Array(rows).fill(2), mean: norm, std: norm, absMax: norm,
    count: new Float64Array(rows).fill(512), nan: Float64Array.from(norm, n => (Number.isNaN(n) ? 1 : 0)), inf: new Float64Array(rows), zero: Float64Array.from(at(i => i % 300)), updateNorm: new Float64Array(rows).fill(NaN),
    stop: new Uint8Array(rows), finding: new Uint8Array(rows), spine: Uint32Array.from(at(i => i).filter(i => i % 20 === 0)), bands: [],
  };
}

export class DrawnHost {
  readonly received: FromWebview[] = [];
  private send: ((message: ToWebview) => void) | undefined;

  constructor(private readonly drawn: Drawn) {}

  connect(send: (message: ToWebview) => void): (message: FromWebview) => void {
    this.send = send;
    return message => {
      if (message.type !== 'ask') { this.received.push(message); return; }
      const { graph, results, marks = [], findings = [], whatIf, state, loss = 4.227 } = this.drawn;
      const answer = (value: unknown) => send({ type: 'reply', id: message.id, ok: true, answer: value as never });
      switch (message.kind) {
        case 'ready':
          answer({ protocol: PROTOCOL_VERSION });
          if (this.drawn.flow) send({ type: 'flow', flow: this.drawn.flow, model: 'model.onnx' });
          if (graph) send({ type: 'graph', graph, options: { wheel: 'pan', direction: 'down' } });
          if (graph && results) send({ type: 'results', results, marks, findings, run: { target: graph.strings[graph.values.name[results.target]!]!, loss, inputs: '16 images, generated, seed 0', provider: 'cpu', conventions: 'tensorflow', notes: [] } });
          if (whatIf) send({ type: 'whatIf', whatIf });
          if (state) send({ type: 'state', state });
          break;
        case 'node': answer(this.node(message.ask.node)); break;
        case 'value': answer(this.value(message.ask.value)); break;
        case 'why': answer({ value: message.ask.value, sentence: 'An example.', steps: [] }); break;
        case 'histogram': answer({ low: -1, high: 1, counts: [1, 4, 9, 16, 9, 4, 1], negative: 22, positive: 22 });
      }
    };
  }

  state(state: EditorState | undefined): void { this.send?.({ type: 'state', ...(state && { state }) }); }

  private value(value: number): ValueCard {
    const graph = this.drawn.graph!, r = this.drawn.results, name = graph.strings[graph.values.name[value]!]!, [dtype = '', shape = ''] = graph.strings[graph.values.type[value]!]!.split(' ');
    const summary = (norm: number): Summary => ({ count: r!.valueCount[value]! || 1, nan: Number.isNaN(norm) ? 1 : 0, inf: norm === Infinity ? 1 : 0, zero: Math.round(r!.valueZeroShare[value]! * r!.valueCount[value]!), min: -norm, max: norm, mean: 0, std: norm, absMax: norm, l1: norm, l2: norm });
    const status = r ? STATUSES[r.valueStatus[value]!] ?? 'not-asked' : 'not-asked';
    return {
      value, uses: [], findings: (this.drawn.findings ?? []).filter(f => f.value === name),
      report: { name, kind: VALUE_KINDS[graph.values.kind[value]!]!, dtype, shape: shape === 'scalar' ? [] : shape.split('×').filter(Boolean).map(Number), gradient: { status, because: [], ...(status === 'computed' && { summary: summary(r!.valueNorm[value]!) }) } },
    };
  }

  private node(node: number): NodeCard {
    const graph = this.drawn.graph!, name = graph.strings[graph.nodes.name[node]!]!, mark = this.drawn.marks?.find(m => m.node === name), parameters: ValueCard[] = [], outputs: ValueCard[] = [];
    graph.uses.node.forEach((n, u) => { if (n === node && graph.values.kind[graph.uses.value[u]!] === 1) parameters.push(this.value(graph.uses.value[u]!)); });
    graph.values.producer.forEach((p, v) => { if (p === node) outputs.push(this.value(v)); });
    return { node, name, op: graph.strings[graph.nodes.op[node]!]!, attributes: [], ...(mark && { mark }), outputs, parameters, findings: (this.drawn.findings ?? []).filter(f => f.node === name) };
  }
}
