/** The child process: holds ONNX Runtime and does what the host asks, one request at a time. */
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import type * as Ort from 'onnxruntime-node';
import { UserError } from '../../kernels/graph/errors.ts';
import { bindingFolder, cudaLibraries, redirectBinding } from './cuda.ts';
import { describeOrtError, fieldsOf, requireCuda } from './errors.ts';
import type { FromWorker, PortInfo, RequestKind, Requests, RunResult, SentError, SentRun, TensorValue, ToWorker } from './protocol.ts';
import { RUNTIME_PROTOCOL } from './protocol.ts';
import { checkFetch, fromOrt, scalarOf, toOrt } from './tensors.ts';

interface OpenSession {
  readonly session: Ort.InferenceSession;
  readonly inputs: ReadonlyMap<string, PortInfo>;
  readonly outputs: ReadonlyMap<string, PortInfo>;
  readonly profileFolder?: string;
}

type Handlers = { [K in RequestKind]: (ask: Requests[K]['ask']) => Requests[K]['answer'] | Promise<Requests[K]['answer']> };

function handlersFor(ort: typeof Ort, cudaFolders: string | undefined): Handlers {
  const sessions = new Map<number, OpenSession>();
  const keptFeeds = new Map<string, TensorValue>();
  const open = (id: number): OpenSession => {
    const found = sessions.get(id);
    if (!found) throw new Error(`no session ${id}`);
    return found;
  };
  const libraries = () => cudaLibraries(ort, cudaFolders);

  return {
    async createSession({ session: id, model, folder, provider, threads, optimization = 'all', profile }) {
      if (provider === 'cuda') requireCuda(libraries());
      const profileFolder = profile ? mkdtempSync(join(tmpdir(), 'adjoint-profile-')) : undefined;
      const options: Ort.InferenceSession.SessionOptions = {
        executionProviders: provider === 'cuda' ? ['cuda', 'cpu'] : ['cpu'],
        graphOptimizationLevel: optimization,
        logSeverityLevel: 3,
        ...(threads && { intraOpNumThreads: threads }),
        ...(folder !== undefined && { extra: { session: { model_external_initializers_file_folder_path: folder } } }),
        ...(profileFolder && { enableProfiling: true, profileFilePrefix: join(profileFolder, 'run') }),
      };
      const begin = performance.now();
      const session = await fromOrtErrors(() =>
        model instanceof Uint8Array ? ort.InferenceSession.create(model, options) : ort.InferenceSession.create(model.path, options));
      const createMs = performance.now() - begin;
      const inputs = session.inputMetadata.map(portOf), outputs = session.outputMetadata.map(portOf);
      sessions.set(id, { session, inputs: byName(inputs), outputs: byName(outputs), profileFolder });
      return { createMs, inputs, outputs };
    },

    async releaseSession({ session: id }) {
      await open(id).session.release();
      sessions.delete(id);
      return null;
    },

    run: ask => run(ort, open(ask.session), keptFeeds, ask),

    forgetFeeds({ keys }) {
      for (const key of keys) keptFeeds.delete(key);
      return null;
    },

    endProfiling({ session: id }) {
      const { session, profileFolder } = open(id);
      if (!profileFolder) throw new UserError('usage', 'This session was not opened for profiling.', 'Open it with profiling.');
      session.endProfiling();
      const [file] = readdirSync(profileFolder);
      if (!file) throw new UserError('run', 'ONNX Runtime wrote no profile.', 'Profile a session only once.');
      return { path: join(profileFolder, file) };
    },

    cudaLibraries: libraries,
  };
}

async function run(ort: typeof Ort, { session, inputs, outputs }: OpenSession, keptFeeds: Map<string, TensorValue>, ask: SentRun): Promise<RunResult> {
  // First of all: the host believes from now on that they are here.
  for (const [, feed] of ask.feeds) if (feed.kind === 'keep') keptFeeds.set(feed.key, feed.value);
  const feeds: Record<string, Ort.Tensor> = {};
  for (const [name, feed] of ask.feeds) {
    const port = inputs.get(name);
    if (!port) throw new UserError('usage', `The model has no input ${name}.`, `Its inputs are: ${[...inputs.keys()].join(', ') || 'none'}.`);
    const value = feed.kind === 'kept' ? keptFeeds.get(feed.key) : feed.value;
    if (!value) throw new Error(`no kept feed ${feed.kind === 'kept' && feed.key}`);
    feeds[name] = toOrt(ort, port, value);
  }
  for (const name of inputs.keys()) {
    if (!(name in feeds)) throw new UserError('usage', `Input ${name} is missing.`, 'Give a value to every input.');
  }
  const names = new Set([...ask.fetches, ...ask.scalars]);
  if (!names.size) throw new UserError('usage', 'No output was asked for.', 'Ask for at least one output of the graph.');
  for (const name of names) {
    const port = outputs.get(name);
    if (!port) throw new UserError('usage', `The model has no output ${name}.`, 'Ask for an output of the graph.');
    checkFetch(port);
  }
  const allMs: number[] = [];
  let results: Ort.InferenceSession.OnnxValueMapType = {};
  for (let i = 0; i < ask.repeat; i++) {
    const begin = performance.now();
    results = await fromOrtErrors(() => session.run(feeds, [...names]));
    allMs.push(performance.now() - begin);
  }
  return {
    outputs: Object.fromEntries(ask.fetches.map(name => [name, fromOrt(results[name] as Ort.Tensor)])),
    scalars: Float64Array.from(ask.scalars, name => scalarOf(name, results[name] as Ort.Tensor)),
    runMs: allMs.length > 1 ? median(allMs.slice(1)) : allMs[0]!,
    firstMs: allMs[0]!,
    allMs,
  };
}

/** What ONNX Runtime throws is for a person; what else is thrown here is a bug. */
async function fromOrtErrors<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw describeOrtError(error instanceof Error ? error.message : String(error));
  }
}

function portOf(m: Ort.InferenceSession.ValueMetadata): PortInfo {
  return m.isTensor ? { name: m.name, dtype: m.type, shape: m.shape } : { name: m.name };
}

function byName(ports: readonly PortInfo[]): Map<string, PortInfo> {
  return new Map(ports.map(p => [p.name, p]));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

function send(message: FromWorker): void {
  process.send?.(message);
}

/** A run blocks this thread, so another one looks whether the host is still there: no run may outlive the editor. */
function endWithHost(): void {
  const watch = `const host = ${process.ppid};
    setInterval(() => { try { process.kill(host, 0); } catch (e) { if (e.code === 'ESRCH') process.kill(process.pid, 'SIGKILL'); } }, 1000);`;
  new Worker(watch, { eval: true, execArgv: [] }).unref();
}

function main(): void {
  process.on('disconnect', () => process.exit());
  const [cudaFolders, linkFolder] = process.argv.slice(2);
  let handlers: Handlers;
  try {
    if (cudaFolders && linkFolder) redirectBinding(cudaFolders, linkFolder);
    // Not an import: it must come after the redirection. The bundle holds the package; only its native file stays a file.
    const ort = require('onnxruntime-node') as typeof Ort;
    handlers = handlersFor(ort, cudaFolders);
    send({ kind: 'hello', protocol: RUNTIME_PROTOCOL, onnxruntime: ort.env.versions.node ?? '' });
    endWithHost();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const remedy = `The library is looked for in ${bindingFolder()}; ONNX Runtime exists for linux-x64 and arm64 (glibc 2.28 or later), macOS arm64, Windows x64 and arm64.`;
    send({ kind: 'unusable', error: fieldsOf(new UserError('run', `ONNX Runtime cannot be loaded on ${process.platform}-${process.arch}: ${why}`, remedy)) });
    return;
  }
  process.on('message', async ({ id, kind, ask }: ToWorker) => {
    const handle = handlers[kind] as (ask: unknown) => unknown;
    try {
      const answer = await handle(ask);
      send({ kind: 'answer', id, answer, rssBytes: process.memoryUsage.rss() });
    } catch (error) {
      const sent: SentError = error instanceof UserError
        ? { kind: 'user', error: fieldsOf(error) }
        : { kind: 'bug', stack: error instanceof Error ? error.stack ?? error.message : String(error) };
      send({ kind: 'rejected', id, error: sent, rssBytes: process.memoryUsage.rss() });
    }
  });
}

main();
