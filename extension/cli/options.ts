import { UserError } from '../../kernels/graph/errors.ts';
import type { TargetForm } from '../../kernels/autodiff/target.ts';
import { CONVENTIONS, type ConventionName } from '../../kernels/operators/conventions.ts';
import { readTensorFile } from '../formats/tensorFile.ts';
import { readNpz } from '../formats/tensors.ts';
import type { TensorValue } from '../runtime/protocol.ts';
import type { RunOptions } from '../session/session.ts';

/** Options of the command line as commander gives them. */
export interface RawOptions {
  target?: string; loss?: string; cotangent: string[]; input: string[]; inputs: string[]; dim: string[]; seed?: string;
  stop: string[]; unstop: string[]; conventions?: string; of?: string; save?: string; saveForward?: boolean;
  provider?: string; threads?: string; timeout?: string; repeat?: string; signature?: string; update?: string | boolean; trust?: boolean; json?: boolean; output?: string;
}

const usage = (message: string, remedy = 'See adjoint --help.') => new UserError('usage', message, remedy);

/** `NAME=FILE`; names may hold `=` when the file does not. */
function pair(text: string, option: string): [string, string] {
  const at = text.lastIndexOf('=');
  if (at <= 0) throw usage(`${option} ${text}: expected NAME=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function integer(text: string, option: string, least: number): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < least) throw usage(`${option} ${text}: expected a whole number of at least ${least}`);
  return n;
}

async function lossForm(text: string, inputs: Map<string, TensorValue>): Promise<TargetForm> {
  const [kind, ...rest] = text.split(','), settings = new Map(rest.map(r => pair(r, '--loss')));
  if (kind === 'mean' || kind === 'l2') return { kind };
  if (kind === 'cross-entropy') {
    const label = settings.get('label');
    if (label === undefined) throw usage('--loss cross-entropy needs label=K or label=FILE');
    if (/^\d+$/.test(label)) return { kind, label: Number(label) };
    inputs.set('adjoint.label', await readTensorFile(label));
    return { kind, label: 'adjoint.label' };
  }
  if (kind === 'mse') {
    const to = settings.get('to');
    if (to === undefined) throw usage('--loss mse needs to=FILE');
    inputs.set('adjoint.to', await readTensorFile(to));
    return { kind, to: 'adjoint.to' };
  }
  throw usage(`--loss ${text}: expected mean, l2, cross-entropy,label=K or mse,to=FILE`);
}

/** The session's options from the command line's; reads the files that they name. */
export async function runOptions(raw: RawOptions): Promise<RunOptions> {
  const inputs = new Map<string, TensorValue>(), extra = new Map<string, TensorValue>();
  const archives = new Map<string, TensorValue>();
  for (const file of raw.inputs) for (const [k, v] of await readNpz(file)) archives.set(k, v);
  for (const item of raw.input) {
    const [name, file] = pair(item, '--input');
    inputs.set(name, await readTensorFile(file));
  }
  const cotangents = new Map<string, TensorValue | 'ones'>();
  for (const item of raw.cotangent) {
    const [name, file] = pair(item, '--cotangent');
    cotangents.set(name, file === 'ones' ? 'ones' : await readTensorFile(file));
  }
  if (raw.conventions !== undefined && !(raw.conventions in CONVENTIONS)) throw usage(`--conventions ${raw.conventions}: expected ${Object.keys(CONVENTIONS).join(', ')}`);
  if (raw.provider !== undefined && raw.provider !== 'cpu' && raw.provider !== 'cuda') throw usage(`--provider ${raw.provider}: expected cpu or cuda`);
  const form = raw.loss === undefined ? undefined : await lossForm(raw.loss, extra);
  const of = raw.of?.split(',').map(s => s.trim()).filter(Boolean);
  return {
    inputs, archive: archives, extra,
    ...(raw.target !== undefined && { target: raw.target }), ...(form && { form }), ...(cotangents.size > 0 && { cotangents }),
    dims: new Map(raw.dim.map(d => pair(d, '--dim')).map(([k, v]) => [k, integer(v, '--dim', 0)])),
    seed: raw.seed === undefined ? 0 : integer(raw.seed, '--seed', 0),
    stops: raw.stop, unstops: raw.unstop,
    ...(raw.conventions !== undefined && { conventions: raw.conventions as ConventionName }),
    ...(of && { of }),
    provider: (raw.provider ?? 'cpu') as 'cpu' | 'cuda',
    ...(raw.threads !== undefined && { threads: integer(raw.threads, '--threads', 1) }),
    ...(raw.timeout !== undefined && { timeout: Number(raw.timeout) }),
    ...(raw.update !== undefined && { step: typeof raw.update === 'string' ? [raw.update] : ('file' as const) }),
    ...(raw.repeat !== undefined && { repeat: integer(raw.repeat, '--repeat', 1) }),
    ...(raw.save !== undefined && { whole: { gradients: of ?? ('all' as const), forward: raw.saveForward ? (of ?? ('all' as const)) : [] } }),
  };
}

