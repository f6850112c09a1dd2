import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readNpz } from '../../extension/formats/tensors.ts';
import { RuntimeClient } from '../../extension/runtime/client.ts';
import { GradientSession } from '../../extension/session/session.ts';

/**
 * Forward + backward + a summary of every value and gradient, beside ONNX Runtime's own forward in the same run, on the seven
 * models of ../shared/perf. Recorded ratios of others: see the README there.
 *   npm run bench -- gradients [--json FILE] [--models resnet50-b1,…] [--repeat 8]
 */
const RECORDED: Readonly<Record<string, { pytorch: number; training: number | null }>> = {
  'resnet50-b1': { pytorch: 7.2, training: 4.9 }, 'resnet50-b8': { pytorch: 5.1, training: 5.2 }, 'mobilenetv3-b8': { pytorch: 11.6, training: null },
  'vit_b_16-b1': { pytorch: 4.2, training: 3.3 }, 'bert-base-t128': { pytorch: 4.2, training: 4.0 }, 'gpt2-t256': { pytorch: 4.4, training: 3.7 },
  'lstm-t100-b16': { pytorch: 3.6, training: 23 },
};

interface Row {
  model: string; nodes: number; readMs: number; differentiateMs: number; sessionMs: number; forwardMs: number; runMs: number; ratio: number;
  pytorch: number; training: number | null;
}

const option = (name: string) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};

async function measure(folder: string, model: string, repeat: number): Promise<Row> {
  const runtime = new RuntimeClient();
  try {
    const path = join(folder, model, 'model.onnx'), inputs = await readNpz(join(folder, model, 'inputs.npz'));
    const plain = await runtime.createSession({ key: 'forward', model: { path }, provider: 'cpu' });
    const feeds = Object.fromEntries(plain.inputs.map(i => [i.name, inputs.get(i.name)!]));
    const forward = () => runtime.run({ sessionId: plain.sessionId, feeds, fetches: plain.outputs.map(o => o.name), repeat });
    const session = await GradientSession.open(path, runtime, { trust: true });
    // Forward and ours in turns, so that a noisy minute falls on both.
    const forwards: number[] = [], runs: number[] = [];
    let last, sessionMs = 0, differentiateMs = 0;
    for (let round = 0; round < 3; round++) {
      forwards.push((await forward()).runMs);
      last = await session.run({ inputs: new Map([...inputs].filter(([k]) => k in feeds)), repeat });
      runs.push(last.report.timing.runMs);
      // Later rounds find the session open.
      if (round === 0) ({ sessionMs, differentiateMs } = last.report.timing);
    }
    // The least of the rounds: what others do on the machine only ever adds.
    const forwardMs = Math.min(...forwards), runMs = Math.min(...runs), { timing } = last!.report;
    return {
      model, nodes: session.graph.nodes.length, readMs: timing.readMs, differentiateMs, sessionMs,
      forwardMs, runMs, ratio: runMs / forwardMs, ...RECORDED[model]!,
    };
  } finally {
    await runtime.dispose();
  }
}

async function main(): Promise<void> {
  const perf = fileURLToPath(new URL('../../../shared/perf', import.meta.url));
  if (!existsSync(perf)) {
    console.log('skipped: ../shared/perf is not there');
    return;
  }
  const names = (option('models')?.split(',') ?? Object.keys(RECORDED)).filter(n => readdirSync(perf).includes(n));
  const folder = process.env['ADJOINT_PERF'] ?? mkdtempSync(join(tmpdir(), 'adjoint-perf-'));
  const rows: Row[] = [];
  for (const name of names) {
    if (!existsSync(join(folder, name, 'model.onnx.data'))) execFileSync(process.execPath, [join(perf, 'make-weights.mjs'), folder, name]);
    const row = await measure(folder, name, Number(option('repeat') ?? 6));
    rows.push(row);
    console.log(`${name.padEnd(16)} forward ${row.forwardMs.toFixed(1)} ms  ours ${row.runMs.toFixed(1)} ms  ratio ${row.ratio.toFixed(2)}  (PyTorch ${row.pytorch}, training ${row.training ?? '–'})  read ${row.readMs.toFixed(0)} differentiate ${row.differentiateMs.toFixed(0)} session ${row.sessionMs.toFixed(0)} ms`);
  }
  const geometric = Math.exp(rows.reduce((a, r) => a + Math.log(r.ratio), 0) / rows.length);
  console.log(`geometric mean ${geometric.toFixed(2)}`);
  const json = option('json');
  if (json) writeFileSync(json, JSON.stringify({ schema: 1, rows, geometricMean: geometric }, null, 1));
  if (!process.env['ADJOINT_PERF']) rmSync(folder, { recursive: true, force: true });
}

void main();
