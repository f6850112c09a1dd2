/** The layout in a worker: keeps graph, groups and results between requests. */
import type { DrawingGraph, DrawingResults } from '../../extension/protocol.ts';
import { aggregate } from './aggregate.ts';
import { compose, type ComposeInput } from './compose.ts';
import { firstFold } from './firstFold.ts';
import { buildHierarchy } from './hierarchy.ts';
import { spineOf } from './spine.ts';
import type { FromLayoutWorker, LayoutRequest, ToLayoutWorker } from './types.ts';

interface Known extends ComposeInput {
  readonly results?: DrawingResults | undefined;
}

let known: Known | undefined;

const send = (message: FromLayoutWorker) => (postMessage as (m: FromLayoutWorker) => void)(message);

function open({ graph, metrics, target, results, request }: Extract<ToLayoutWorker, { type: 'graph' }>): void {
  const hierarchy = buildHierarchy(graph);
  known = { graph, hierarchy, metrics, target, results, spine: spineOf(graph, target, results) };
  send({ type: 'hierarchy', hierarchy });
  if (results) gather(known, results);
  layOut(known, { ...request, expanded: request.expanded ?? firstFold(graph, hierarchy, target, results) });
}

function layOut(input: Known, request: LayoutRequest): void {
  const begin = performance.now(), layout = compose(request.fresh ? fresh(input) : input, request);
  send({ type: 'layout', layout, ms: performance.now() - begin });
}

/** Lay out again: the results known since then choose the main path. */
function fresh(input: Known): Known {
  return (known = { ...input, spine: spineOf(input.graph, input.target, input.results) });
}

function gather({ graph, hierarchy }: { readonly graph: DrawingGraph; readonly hierarchy: Known['hierarchy'] }, results: DrawingResults): void {
  send({ type: 'aggregates', revision: results.revision, groups: aggregate(graph, hierarchy, results) });
}

onmessage = ({ data }: MessageEvent<ToLayoutWorker>) => {
  try {
    if (data.type === 'graph') open(data);
    else if (!known) throw new Error('No graph was sent.');
    else if (data.type === 'layout') layOut(known, data.request);
    else {
      known = { ...known, results: data.results, target: data.results.target };
      gather(known, data.results);
    }
  } catch (error) {
    send({ type: 'failed', revision: data.type === 'results' ? data.results.revision : data.request.revision, message: error instanceof Error ? error.message : String(error) });
  }
};
