import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UserError } from '../../kernels/graph/errors.ts';
import { RuntimeDied, bytes, userErrorOf } from './errors.ts';
import type { FromWorker, RequestKind, Requests, ToWorker } from './protocol.ts';
import { RUNTIME_PROTOCOL } from './protocol.ts';

export interface ProcessOptions {
  readonly script: string;
  readonly cudaFolders?: string;
  /** Bytes of its own memory (mapped files not counted) at which it is ended. */
  readonly maxRssBytes: number;
  readonly log: (line: string) => void;
}

export interface AskOptions {
  readonly signal?: AbortSignal;
  /** From sending to the answer. */
  readonly timeLimitMs: number;
}

interface Pending {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

const START_LIMIT_MS = 30_000;
const WATCH_MS = 100;
/** Lines of the child's error output that are kept to explain a failure. */
const KEPT_LINES = 40;

/** One life of the child process. It ends by `kill`, or by itself, which is a crash. */
export class RuntimeProcess {
  /** Rejects when the child cannot load ONNX Runtime. */
  readonly ready: Promise<string>;
  readonly exited: Promise<void>;
  private readonly child: ChildProcess;
  private readonly pending = new Map<number, Pending>();
  private readonly stderr: string[] = [];
  private readonly linkFolder: string | undefined;
  private nextId = 1;
  private ended: Error | undefined;

  /** @param onCrash called once if it ends without `kill`. */
  constructor(private readonly options: ProcessOptions, private readonly onCrash: (error: UserError) => void) {
    const { script, cudaFolders } = options;
    this.linkFolder = cudaFolders && mkdtempSync(join(tmpdir(), 'adjoint-cuda-'));
    this.child = fork(script, this.linkFolder ? [cudaFolders!, this.linkFolder] : [], {
      execArgv: script.endsWith('.ts') ? ['--import', pathToFileURL(createRequire(script).resolve('tsx')).href] : [],
      env: environment(cudaFolders),
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    // A run does not notice that the host has gone.
    const killAtExit = () => {
      this.child.kill('SIGKILL');
      this.removeLinks();
    };
    process.on('exit', killAtExit);
    this.readLines('stdout');
    this.readLines('stderr');
    let readyResolve: (version: string) => void, readyReject: (error: Error) => void;
    this.ready = new Promise((resolve, reject) => ([readyResolve, readyReject] = [resolve, reject]));
    this.ready.catch(() => undefined);
    const slow = setTimeout(() => this.kill(new UserError('run', `ONNX Runtime's process did not start within ${START_LIMIT_MS / 1000} s.`, 'Try again; the log may say why.')), START_LIMIT_MS);
    this.child.on('message', (message: FromWorker) => {
      if (message.kind === 'hello') {
        clearTimeout(slow);
        if (message.protocol !== RUNTIME_PROTOCOL) {
          this.kill(new UserError('run', `The runtime process speaks version ${message.protocol} of the protocol, not ${RUNTIME_PROTOCOL}.`, 'Reload the window: the extension was updated while it ran.'));
        } else readyResolve(message.onnxruntime);
      } else if (message.kind === 'unusable') this.kill(userErrorOf(message.error));
      else this.settle(message);
    });
    this.exited = new Promise(resolve => {
      const end = (error: RuntimeDied) => {
        clearTimeout(slow);
        process.off('exit', killAtExit);
        if (!this.ended) {
          this.fail(error);
          this.onCrash(error);
        }
        readyReject(this.ended!);
        this.removeLinks();
        resolve();
      };
      this.child.on('exit', (code, signal) => end(this.died(code, signal)));
      this.child.on('error', error => { if (this.child.pid === undefined) end(new RuntimeDied(error.message, 'The log may say why.')); });
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get isEnded(): boolean {
    return this.ended !== undefined;
  }

  /** What the child wrote to its error output lately. */
  recentErrors(): string {
    return this.stderr.join('\n');
  }

  /** Sends a request; a cancelled, late or oversized one ends the child, because a run cannot be interrupted. */
  async ask<K extends RequestKind>(kind: K, ask: Requests[K]['ask'], { signal, timeLimitMs }: AskOptions): Promise<Requests[K]['answer']> {
    if (this.ended) throw this.ended;
    if (signal?.aborted) throw cancelled();
    const id = this.nextId++;
    const onAbort = () => this.kill(cancelled());
    const late = setTimeout(
      () => this.kill(new UserError('run', `ONNX Runtime did not finish within ${timeLimitMs / 1000} s and was stopped.`, 'Use a smaller input, or raise the time limit.')),
      timeLimitMs,
    );
    const watch = setInterval(() => this.checkMemory(this.ownMemory()), WATCH_MS);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.hold(true);
    try {
      return await new Promise<Requests[K]['answer']>((resolve, reject) => {
        this.pending.set(id, { resolve: resolve as Pending['resolve'], reject });
        this.child.send({ id, kind, ask } as ToWorker, error => {
          if (error) this.child.kill('SIGKILL'); // its end rejects the request
        });
      });
    } finally {
      clearTimeout(late);
      clearInterval(watch);
      signal?.removeEventListener('abort', onAbort);
      this.hold(false);
    }
  }

  /** Ends the child at once; what is under way is rejected with `error`. */
  kill(error: Error): void {
    if (this.ended) return;
    this.fail(error);
    this.child.ref(); // so that its end is seen: the next start waits for it
    this.child.kill('SIGKILL');
  }

  private fail(error: Error): void {
    this.ended = error;
    for (const id of [...this.pending.keys()]) this.reject(id, error);
  }

  private reject(id: number, error: Error): void {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    pending?.reject(error);
  }

  private settle(message: Extract<FromWorker, { id: number }>): void {
    const pending = this.pending.get(message.id);
    this.pending.delete(message.id);
    if (message.kind === 'answer') pending?.resolve(message.answer);
    else if (message.error.kind === 'user') pending?.reject(userErrorOf(message.error.error));
    else pending?.reject(new Error(`bug in the runtime process: ${message.error.stack}`));
    if (process.platform !== 'linux') this.checkMemory(message.rssBytes);
  }

  private checkMemory(used: number | undefined): void {
    const { maxRssBytes, log } = this.options;
    if (used === undefined || used <= maxRssBytes || this.ended) return;
    log(`ONNX Runtime's process uses ${bytes(used)} of memory, more than ${bytes(maxRssBytes)}: stopped`);
    this.kill(new UserError('run', `ONNX Runtime took more than ${bytes(maxRssBytes)} of memory and was stopped.`, 'Use a smaller batch or smaller dimensions, ask for fewer values, or raise the memory limit.'));
  }

  /** Bytes of memory that are its own: mapped weights can be dropped at any time and do not count. Known on Linux only. */
  private ownMemory(): number | undefined {
    if (process.platform !== 'linux' || this.pid === undefined) return undefined;
    try {
      const kilobytes = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.pid}/status`, 'latin1'))?.[1];
      return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
    } catch {
      return undefined; // it has just ended
    }
  }

  private died(code: number | null, signal: string | null): RuntimeDied {
    const last = this.stderr.findLast(line => line.trim() !== '');
    const memory = signal === 'SIGKILL' ? 'Another process ended it, most often the system because memory ran out: use a smaller batch or smaller dimensions.' : '';
    return new RuntimeDied(
      signal ? `by the signal ${signal}` : `with the exit code ${code}${last ? ` (${last.slice(0, 200)})` : ''}`,
      memory || 'It starts again with the next request; this one is not repeated. The log has what it wrote.',
    );
  }

  private removeLinks(): void {
    if (this.linkFolder) rmSync(this.linkFolder, { recursive: true, force: true });
  }

  /** A child that has nothing to do must not keep a command line from ending. */
  private hold(busy: boolean): void {
    if (this.ended) return;
    for (const handle of [this.child, this.child.channel, this.child.stdout, this.child.stderr] as unknown as ({ ref(): void; unref(): void } | null | undefined)[]) {
      if (busy) handle?.ref();
      else handle?.unref();
    }
  }

  /** Whole lines for the log, without the colours that ONNX Runtime gives them. */
  private readLines(stream: 'stdout' | 'stderr'): void {
    let rest = '';
    this.child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).replace(/\u001b\[[\d;]*m/g, '').split('\n');
      rest = lines.pop()!.slice(-10_000);
      for (const line of lines) {
        if (line.trim() === '') continue;
        this.options.log(line);
        if (stream === 'stderr') this.stderr.push(line);
      }
      this.stderr.splice(0, this.stderr.length - KEPT_LINES);
    });
  }
}

export function cancelled(): UserError {
  return new UserError('cancelled', 'Cancelled.');
}

/** The host's environment without what would make the child a debuggee; the person's CUDA folders are on the library path. */
function environment(cudaFolders: string | undefined): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, VSCODE_INSPECTOR_OPTIONS: __, ...env } = process.env;
  const library = process.platform === 'win32' ? 'PATH' : 'LD_LIBRARY_PATH';
  return {
    ...env,
    ELECTRON_RUN_AS_NODE: '1',
    ...(cudaFolders && { [library]: [cudaFolders, env[library]].filter(Boolean).join(delimiter) }),
  };
}
