import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../kernels/graph/errors.ts';
import { describeCudaLoadError, requireCuda } from './errors.ts';
import { KeptList } from './keptList.ts';
import { RuntimeProcess, cancelled } from './process.ts';
import type { Provider, RequestKind, Requests, RunResult, SentFeed, SessionPorts, SessionRequest, TensorValue } from './protocol.ts';

export interface RuntimeLimits {
  /** Of one request, in milliseconds; 10 minutes. */
  readonly timeLimitMs: number;
  /** The child's own memory in bytes; 80 % of the machine's (of the container's, where it has a limit). */
  readonly maxRssBytes: number;
  /** After so many crashes within `withinMs` it is not started again; 5 in 3 minutes. */
  readonly crashes: number;
  readonly withinMs: number;
  /** Sessions that stay open in the child; 4. */
  readonly sessions: number;
  /** Bytes of models in memory that are kept to open a session again after a restart; 256 MiB. */
  readonly modelBytes: number;
  /** Bytes of feeds that stay in the child under their keys; 512 MiB. */
  readonly feedBytes: number;
}

export interface RuntimeOptions {
  readonly limits?: Partial<RuntimeLimits>;
  /** Folders with the CUDA provider's libraries, CUDA's and cuDNN's: one, or a list as in PATH. */
  readonly cudaFolders?: string;
  /** Gets what the child writes, and what happens to it, line by line. */
  readonly log?: (line: string) => void;
}

export interface CreateSession extends SessionRequest {
  /** Stands for the model with all its options: the same key is the same session. */
  readonly key: string;
}

export interface Session extends SessionPorts {
  readonly sessionId: number;
  /** True if the session was open already; `createMs` is then the time that it once took. */
  readonly cached: boolean;
}

/** A feed that is sent once and then stays in the child; the key stands for the value. */
export interface KeyedFeed {
  readonly key: string;
  readonly value: TensorValue;
}

export interface RunRequest {
  readonly sessionId: number;
  readonly feeds: Readonly<Record<string, TensorValue | KeyedFeed>>;
  readonly fetches?: readonly string[];
  /** Outputs of one element that come back as numbers in one array, in this order. */
  readonly scalars?: readonly string[];
  /** Runs so many times for timing; the results are the last run's. */
  readonly repeat?: number;
}

export interface CallOptions {
  /** Aborting rejects with UserError('cancelled'); a request under way ends the child, which starts again when it is needed. */
  readonly signal?: AbortSignal;
  readonly timeLimitMs?: number;
}

export interface ProviderState {
  readonly provider: Provider;
  readonly available: boolean;
  /** Why it is not available, and what to do. */
  readonly reason?: string;
  readonly remedy?: string;
}

/** `stopped`: not running, starts when it is needed. `failed`: crashed too often, needs `restart`. */
export type RuntimeState = 'stopped' | 'idle' | 'busy' | 'failed' | 'disposed';

interface KnownSession {
  readonly sessionId: number;
  readonly request: CreateSession;
  readonly ports: SessionPorts;
}

/** The child's script: beside the bundle in the product, the source when run from source. */
export function workerScript(): string {
  const bundled = join(__dirname, 'worker.js');
  return existsSync(bundled) ? bundled : join(__dirname, 'worker.ts');
}

/**
 * ONNX Runtime in a child process. Started by the first request; requests run one after the other. A child that crashes rejects what
 * it was doing with RuntimeDied and starts again with the next request; nothing is repeated. All methods reject with UserError.
 */
export class RuntimeClient {
  private readonly limits: RuntimeLimits;
  private readonly log: (line: string) => void;
  private child: RuntimeProcess | undefined;
  private lastExit: Promise<void> = Promise.resolve();
  private tail: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  private crashes: number[] = [];
  private stopped: UserError | undefined;
  private disposed = false;
  private nextSession = 1;
  /** Every session that can be opened again, by its key; models in memory are bounded. */
  private readonly known: KeptList<string, KnownSession>;
  /** What is in the child now: this side decides what stays, the child only obeys. */
  private readonly open: KeptList<number, null>;
  private readonly feeds: KeptList<string, null>;

  constructor(private readonly script = workerScript(), private readonly options: RuntimeOptions = {}) {
    this.limits = {
      timeLimitMs: 600_000, maxRssBytes: 0.8 * machineMemory(), crashes: 5, withinMs: 180_000,
      sessions: 4, modelBytes: 256 * 2 ** 20, feedBytes: 512 * 2 ** 20, ...options.limits,
    };
    this.log = options.log ?? (() => undefined);
    this.known = new KeptList(this.limits.modelBytes);
    this.open = new KeptList(this.limits.sessions);
    this.feeds = new KeptList(this.limits.feedBytes);
  }

  get state(): RuntimeState {
    if (this.disposed) return 'disposed';
    if (this.stopped) return 'failed';
    return this.waiting ? 'busy' : this.child ? 'idle' : 'stopped';
  }

  /** The child's process id while it runs. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Opens a session, or gives the one that is open under this key. Rejects with UserError, whose place names the node at fault where ONNX Runtime does. */
  createSession(request: CreateSession, options: CallOptions = {}): Promise<Session> {
    return this.exclusive(options, async () => {
      const known = this.known.use(request.key);
      if (known && this.open.has(known.sessionId)) {
        this.open.use(known.sessionId);
        return { ...known.ports, sessionId: known.sessionId, cached: true };
      }
      const sessionId = known?.sessionId ?? this.nextSession++;
      const ports = await this.openSession(sessionId, request, options);
      this.known.add(request.key, { sessionId, request, ports }, request.model instanceof Uint8Array ? request.model.byteLength : 0);
      this.known.evict();
      return { ...ports, sessionId, cached: false };
    });
  }

  /**
   * Runs a session; one that a restart or newer sessions have closed is opened again first.
   * Rejects with UserError: 'usage' for feeds and fetches that do not fit, 'run' for failures, limits and crashes, 'cancelled'.
   */
  run(request: RunRequest, options: CallOptions = {}): Promise<RunResult> {
    return this.exclusive(options, async () => {
      const { sessionId, fetches = [], scalars = [], repeat = 1 } = request;
      await this.start();
      if (!this.open.has(sessionId)) {
        const known = this.known.find(k => k.sessionId === sessionId);
        if (!known) throw new Error(`session ${sessionId} was released`);
        await this.openSession(sessionId, known.request, options);
      }
      this.open.use(sessionId);
      const feeds = Object.entries(request.feeds).map(([name, feed]) => [name, this.toSend(feed)] as const);
      try {
        return await this.ask('run', { session: sessionId, feeds, fetches, scalars, repeat: Math.max(1, repeat) }, options);
      } finally {
        const keys = this.feeds.evict();
        if (keys.length && this.child) await this.ask('forgetFeeds', { keys }, {});
      }
    });
  }

  /** Closes the session of this key and forgets its model. */
  release(key: string): Promise<void> {
    return this.exclusive({}, async () => {
      const known = this.known.use(key);
      this.known.delete(key);
      if (known && this.open.delete(known.sessionId)) await this.ask('releaseSession', { session: known.sessionId }, {});
    });
  }

  /** Ends the recording of a session that was opened with `profile`; the path of the trace (Chrome trace format, JSON). The file is the caller's to remove. */
  endProfiling(sessionId: number): Promise<string> {
    return this.exclusive({}, async () => {
      if (!this.open.has(sessionId)) throw new UserError('run', 'The profiled session is closed; its profile is lost.', 'Open it and run again.');
      return (await this.ask('endProfiling', { session: sessionId }, {})).path;
    });
  }

  /** What can be run on here. CUDA is tried with a tiny session where its libraries are present. */
  providers(options: CallOptions = {}): Promise<readonly ProviderState[]> {
    return this.exclusive(options, async () => {
      await this.start();
      const cpu: ProviderState = { provider: 'cpu', available: true };
      try {
        requireCuda(await this.ask('cudaLibraries', null, options));
        const sessionId = this.nextSession++;
        await this.openSession(sessionId, { model: TINY_MODEL, provider: 'cuda' }, options);
        this.open.delete(sessionId);
        await this.ask('releaseSession', { session: sessionId }, options);
        return [cpu, { provider: 'cuda', available: true }];
      } catch (error) {
        if (!(error instanceof UserError) || error.code === 'cancelled') throw error;
        return [cpu, { provider: 'cuda', available: false, reason: error.message, remedy: error.remedy }];
      }
    });
  }

  /** Ends the child, also one that had crashed too often; what is under way is rejected as cancelled. It starts with the next request. */
  restart(): void {
    this.log('ONNX Runtime is restarted');
    this.crashes = [];
    this.stopped = undefined;
    this.end(new UserError('cancelled', 'ONNX Runtime was restarted.', 'Run again.'));
  }

  dispose(): void {
    this.disposed = true;
    this.end(cancelled());
  }

  /** One request after the other: a run blocks the child, and only the one under way may cost it its life when it is cancelled. */
  private exclusive<T>({ signal }: CallOptions, work: () => Promise<T>): Promise<T> {
    this.waiting++;
    const turn = this.tail.then(async () => {
      if (signal?.aborted) throw cancelled();
      if (this.disposed) throw new UserError('cancelled', 'ONNX Runtime was shut down.');
      return work();
    }).finally(() => this.waiting--);
    this.tail = turn.catch(() => undefined);
    if (!signal) return turn;
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(cancelled());
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
      turn.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    });
  }

  private async start(): Promise<RuntimeProcess> {
    if (this.stopped) throw this.stopped;
    if (this.child) return this.child;
    await this.lastExit; // two children at once could take twice the memory
    const begin = performance.now();
    const child: RuntimeProcess = new RuntimeProcess(
      { script: this.script, cudaFolders: this.options.cudaFolders, maxRssBytes: this.limits.maxRssBytes, log: this.log },
      error => this.crashed(child, error),
    );
    this.child = child;
    this.lastExit = child.exited.then(() => this.gone(child));
    try {
      const version = await child.ready;
      this.log(`ONNX Runtime ${version} started (process ${child.pid}, ${Math.round(performance.now() - begin)} ms)`);
    } catch (error) {
      this.gone(child);
      throw error;
    }
    return child;
  }

  private async ask<K extends RequestKind>(kind: K, ask: Requests[K]['ask'], options: CallOptions): Promise<Requests[K]['answer']> {
    const child = await this.start();
    try {
      return await child.ask(kind, ask, { signal: options.signal, timeLimitMs: options.timeLimitMs ?? this.limits.timeLimitMs });
    } finally {
      if (child.isEnded) this.gone(child);
    }
  }

  private async openSession(sessionId: number, request: SessionRequest, options: CallOptions): Promise<SessionPorts> {
    const child = await this.start();
    for (const session of this.open.evict(1)) await this.ask('releaseSession', { session }, {});
    const { model, folder, provider, threads, optimization, profile } = request;
    try {
      const ports = await this.ask('createSession', { session: sessionId, model, folder, provider, threads, optimization, profile }, options);
      this.open.add(sessionId, null, 1);
      return ports;
    } catch (error) {
      if (provider === 'cuda' && error instanceof UserError && /Failed to load shared library/.test(error.message)) {
        await new Promise(resolve => setTimeout(resolve, 50)); // the loader's reason comes on the other pipe
        throw describeCudaLoadError(error.message, child.recentErrors());
      }
      throw error;
    }
  }

  private toSend(feed: TensorValue | KeyedFeed): SentFeed {
    if (!('key' in feed)) return { kind: 'value', value: feed };
    const { key, value } = feed;
    if (this.feeds.has(key)) {
      this.feeds.use(key);
      return { kind: 'kept', key };
    }
    this.feeds.add(key, null, value.dtype === 'string' ? value.data.reduce((n, s) => n + 2 * s.length, 0) : value.data.byteLength);
    return { kind: 'keep', key, value };
  }

  private end(error: UserError): void {
    const child = this.child;
    if (!child) return;
    child.kill(error);
    this.gone(child);
  }

  /** Forgets what was in a child that has ended. */
  private gone(child: RuntimeProcess): void {
    if (this.child !== child) return;
    this.child = undefined;
    this.open.clear();
    this.feeds.clear();
  }

  private crashed(child: RuntimeProcess, error: UserError): void {
    this.log(error.message);
    this.gone(child);
    const { crashes, withinMs } = this.limits, now = Date.now();
    this.crashes = [...this.crashes.filter(t => now - t < withinMs), now];
    if (this.crashes.length < crashes) return;
    this.stopped = new UserError(
      'run',
      `ONNX Runtime crashed ${crashes} times in ${duration(withinMs)} and is not started again by itself.`,
      'Look in the log for the cause, then restart it (Adjoint: Restart ONNX Runtime).',
    );
    this.log(this.stopped.message);
  }
}

function duration(ms: number): string {
  return ms >= 60_000 ? `${Math.round(ms / 60_000)} minutes` : `${Math.round(ms / 1000)} s`;
}

function machineMemory(): number {
  const limit = process.constrainedMemory?.();
  return limit && limit < totalmem() ? limit : totalmem();
}

/** y = Identity(x) for one float, as an ONNX file (opset 13). */
const TINY_MODEL = Uint8Array.from([
  0x08, 0x07, 0x3a, 0x27, 0x0a, 0x10, 0x0a, 0x01, 0x78, 0x12, 0x01, 0x79, 0x22, 0x08, ...Buffer.from('Identity'), 0x12, 0x01, 0x67,
  0x5a, 0x0b, 0x0a, 0x01, 0x78, 0x12, 0x06, 0x0a, 0x04, 0x08, 0x01, 0x12, 0x00, 0x62, 0x03, 0x0a, 0x01, 0x79, 0x42, 0x02, 0x10, 0x0d,
]);
