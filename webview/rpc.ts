import type { FromWebview, HostCommand, Reply, RequestKind, Requests, ToWebview } from '../extension/protocol.ts';

/** Where messages go: VS Code's host, or the page itself in a report. */
export interface Port {
  post(message: FromWebview): void;
  getState(): unknown;
  setState(state: unknown): void;
}

/** A request that the host rejected: what happened, and what to do. */
export class HostError extends Error {
  constructor(readonly code: string, message: string, readonly remedy: string | undefined) { super(message); }
}

/** Requests to the host, each answered or rejected; messages from it, each to its one listener. */
export class Rpc {
  private next = 1;
  private readonly pending = new Map<number, { resolve(answer: never): void; reject(error: Error): void }>();

  constructor(readonly port: Port) {}

  ask<K extends RequestKind>(kind: K, ask: Requests[K]['ask'], signal?: AbortSignal): Promise<Requests[K]['answer']> {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve: resolve as (answer: never) => void, reject });
      signal?.addEventListener('abort', () => {
        if (!this.pending.delete(id)) return;
        this.port.post({ type: 'drop', id });
        reject(signal.reason as Error);
      });
      this.port.post({ type: 'ask', id, kind, ask } as FromWebview);
    });
  }

  command(command: HostCommand, argument?: string): void {
    this.port.post(argument === undefined ? { type: 'command', command } : { type: 'command', command, argument });
  }

  /** Settles the request that a reply belongs to; a reply that nobody waits for is dropped. */
  settle(reply: Reply): void {
    const waiting = this.pending.get(reply.id);
    if (!waiting) return;
    this.pending.delete(reply.id);
    if (reply.ok) waiting.resolve(reply.answer as never);
    else waiting.reject(new HostError(reply.error.code, reply.error.message, reply.error.remedy));
  }
}

declare function acquireVsCodeApi(): { postMessage(message: unknown): void; getState(): unknown; setState(state: unknown): void };

/** VS Code's side. Messages arrive as events of the window; only those that carry a type of ours are handed on. */
export function connect(receive: (message: ToWebview, rpc: Rpc) => void): Rpc {
  const api = acquireVsCodeApi();
  const rpc = new Rpc({ post: m => api.postMessage(m), getState: () => api.getState(), setState: s => api.setState(s) });
  addEventListener('message', ({ data }: MessageEvent<ToWebview>) => {
    if (!data || typeof data.type !== 'string') return;
    if (data.type === 'reply') rpc.settle(data);
    else receive(data, rpc);
  });
  return rpc;
}
