/** The layout worker: one graph at a time; of the requests that wait only the last is answered. */
import { aggregate } from './aggregate.ts';
import { LayoutEngine } from './engine.ts';
import type { FromLayoutWorker, LayoutRequest, ToLayoutWorker } from './types.ts';

interface Scope {
  onmessage: ((event: { readonly data: ToLayoutWorker }) => void) | null;
  postMessage(message: FromLayoutWorker, transfer: Transferable[]): void;
}
const scope = globalThis as unknown as Scope;

let engine: LayoutEngine | undefined;
let waiting: LayoutRequest | undefined;

scope.onmessage = ({ data }) => {
  try {
    receive(data);
  } catch (error) {
    fail(data.type === 'results' ? 0 : data.request.revision, error);
  }
};

function receive(message: ToLayoutWorker): void {
  switch (message.type) {
    case 'graph': {
      waiting = undefined;
      engine = new LayoutEngine(message.graph, message.metrics);
      engine.setResults(message.results, message.target);
      scope.postMessage({ type: 'hierarchy', hierarchy: engine.hierarchy }, []);
      answer({ ...message.request, expanded: message.request.expanded ?? engine.firstExpanded() });
      if (message.results) send({ type: 'aggregates', revision: message.results.revision, groups: aggregate(message.graph, engine.hierarchy, message.results) });
      break;
    }
    case 'layout':
      // Requests that have come meanwhile are looked at first.
      if (!waiting) setTimeout(answerLast, 0);
      waiting = message.request;
      break;
    case 'results':
      if (!engine) break;
      engine.setResults(message.results, message.results.target);
      send({ type: 'aggregates', revision: message.results.revision, groups: aggregate(engine.graph, engine.hierarchy, message.results) });
  }
}

function answerLast(): void {
  const request = waiting;
  waiting = undefined;
  if (!request) return;
  try {
    answer(request);
  } catch (error) {
    fail(request.revision, error);
  }
}

function answer(request: LayoutRequest): void {
  const begin = performance.now(), layout = engine!.layout(request);
  send({ type: 'layout', layout, ms: performance.now() - begin });
}

function fail(revision: number, error: unknown): void {
  scope.postMessage({ type: 'failed', revision, message: error instanceof Error ? error.message : String(error) }, []);
}

/** Posts a message with all its arrays handed over, not copied. Nothing that the engine keeps is sent this way. */
function send(message: FromLayoutWorker): void {
  const buffers: ArrayBuffer[] = [], visit = (value: unknown): void => {
    if (ArrayBuffer.isView(value)) buffers.push(value.buffer as ArrayBuffer);
    else if (value && typeof value === 'object') Object.values(value).forEach(visit);
  };
  visit(message);
  scope.postMessage(message, buffers);
}
