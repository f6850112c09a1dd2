/**
 * In the real VS Code: how long the extension takes to activate, and ResNet-50 of ../shared/perf from its opening to its drawing and to its gradients.
 * npm run bench -- editor: medians of three windows, with the production build.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Drawing } from '../editor/harness/drawing.ts';
import { openWorkbench, ROOT } from '../editor/harness/workbench.ts';

const PERF = resolve(ROOT, '../shared/perf'), MODEL = 'resnet50-b1', WINDOWS = 3;

/** Milliseconds; `cpu` is what the extension host used while it activated: it depends less on what else the machine does. */
interface Times { readonly activate: number; readonly cpu: number; readonly drawn: number; readonly gradients: number }

async function measure(folder: string): Promise<Times> {
  const workbench = await openWorkbench({ folder });
  try {
    await workbench.explorerRow('model.onnx').waitFor({ timeout: 120_000 });
    const { activate, cpu } = await workbench.evaluate(async vscode => {
      const begin = performance.now(), before = process.cpuUsage();
      await vscode.extensions.getExtension('adjoint.adjoint')!.activate();
      const { user, system } = process.cpuUsage(before);
      return { activate: performance.now() - begin, cpu: (user + system) / 1000 };
    });
    const begin = performance.now();
    const opened = workbench.open(join(folder, 'model.onnx'));
    const drawing = await Drawing.shown(workbench, 300_000), drawn = performance.now() - begin;
    await drawing.coloured(300_000);
    const gradients = performance.now() - begin;
    await opened;
    return { activate, cpu, drawn, gradients };
  } finally {
    await workbench.close();
  }
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

async function main(): Promise<void> {
  if (!existsSync(PERF)) return void console.log('skipped: ../shared/perf is not there');
  const made = process.env['ADJOINT_PERF'] ? undefined : mkdtempSync(join(tmpdir(), 'adjoint-perf-')), models = made ?? process.env['ADJOINT_PERF']!;
  try {
    const folder = join(models, MODEL);
    if (!existsSync(join(folder, 'model.onnx.data'))) execFileSync(process.execPath, [join(PERF, 'make-weights.mjs'), models, MODEL]);
    execFileSync(process.execPath, ['scripts/build.mjs', '--production'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
    const times: Times[] = [];
    for (let i = 0; i < WINDOWS; i++) times.push(await measure(folder));
    console.log(`${cpus().length} cores, load ${loadavg()[0]!.toFixed(1)}; median of ${WINDOWS} windows`);
    console.log(`activation ${median(times.map(t => t.activate)).toFixed(0)} ms (goal 50), of the processor ${median(times.map(t => t.cpu)).toFixed(0)} ms`);
    console.log(`${MODEL}: opened → drawn ${median(times.map(t => t.drawn)).toFixed(0)} ms, → gradients drawn ${median(times.map(t => t.gradients)).toFixed(0)} ms`);
  } finally {
    if (made) rmSync(made, { recursive: true, force: true });
  }
}

void main().catch((error: Error) => {
  console.error(error.stack);
  process.exitCode = 1;
});
