import type { DrawingGraph, DrawingResults } from '../extension/protocol.ts';
import type { FromLayoutWorker, GroupResults, Hierarchy, Layout, LayoutRequest, TextMetrics, ToLayoutWorker } from './layout/types.ts';

export interface LayoutListener {
  hierarchy(hierarchy: Hierarchy): void;
  layout(layout: Layout): void;
  groups(groups: GroupResults): void;
  failed(message: string): void;
}

type View = Omit<LayoutRequest, 'revision' | 'expanded'>;

/** The layout worker, made from its bundled source because a webview may only start workers from blobs. A stale answer is dropped. */
export class LayoutClient {
  private readonly worker: Worker;
  private readonly url: string;
  private revision = 0;
  private waiting = 0;

  constructor(source: string, private readonly listener: LayoutListener) {
    this.url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    this.worker = new Worker(this.url);
    this.worker.onmessage = ({ data }: MessageEvent<FromLayoutWorker>) => this.receive(data);
    this.worker.onerror = event => listener.failed(event.message || 'The layout worker stopped.');
  }

  get busy(): boolean { return this.waiting > 0; }

  open(graph: DrawingGraph, results: DrawingResults | undefined, expanded: ArrayLike<number> | undefined, view: View): void {
    this.send({ type: 'graph', graph, metrics: measureText(), target: results?.target ?? -1, ...(results && { results }), request: { ...view, revision: ++this.revision, ...(expanded && { expanded }) } });
  }
  request(expanded: ArrayLike<number>, view: View): void { this.send({ type: 'layout', request: { ...view, expanded, revision: ++this.revision } }); }
  results(results: DrawingResults): void { this.worker.postMessage({ type: 'results', results } satisfies ToLayoutWorker); }

  dispose(): void {
    this.worker.terminate();
    URL.revokeObjectURL(this.url);
  }

  private send(message: ToLayoutWorker): void {
    this.waiting = this.revision;
    this.worker.postMessage(message);
  }

  private receive(message: FromLayoutWorker): void {
    switch (message.type) {
      case 'hierarchy': this.listener.hierarchy(message.hierarchy); break;
      case 'aggregates': this.listener.groups(message.groups); break;
      case 'layout':
        if (message.layout.revision !== this.revision) return;
        this.waiting = 0;
        this.listener.layout(message.layout);
        break;
      case 'failed':
        if (message.revision !== this.revision) return;
        this.waiting = 0;
        this.listener.failed(message.message);
    }
  }
}

/** Width of each character of Latin-1 at 12 px in the window's font, so that the worker needs no DOM. */
function measureText(): TextMetrics {
  const pen = new OffscreenCanvas(1, 1).getContext('2d')!, advance = new Float32Array(256);
  pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  for (let c = 32; c < 256; c++) advance[c] = pen.measureText(String.fromCharCode(c)).width;
  return { advance, other: pen.measureText('…').width };
}
