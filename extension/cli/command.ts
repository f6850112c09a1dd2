import { writeFile } from 'node:fs/promises';
import { Command, CommanderError } from 'commander';
import { UserError, type ErrorCode } from '../../kernels/graph/errors.ts';
import { GradientSession, type RunResult } from '../session/session.ts';
import { inspectReport } from '../session/inspect.ts';
import { RuntimeClient } from '../runtime/client.ts';
import { saveNpz } from '../formats/tensors.ts';
import { toJson } from '../session/json.ts';
import { operatorsTable } from './operators.ts';
import { runOptions, type RawOptions } from './options.ts';
import { htmlReport } from '../session/htmlReport.ts';
import { summaryText } from './table.ts';

const EXIT: Readonly<Record<ErrorCode, number>> = { usage: 2, file: 3, 'no-gradient': 4, run: 5, cancelled: 5 };

const collect = (value: string, before: string[]) => [...before, value];

/** The options that say what is run. */
function withRunOptions(command: Command): Command {
  return command
    .option('--target <NAME>', 'value to differentiate; NAME[0,281] is one element')
    .option('--loss <KIND>', 'mean | l2 | cross-entropy,label=K | mse,to=FILE')
    .option('--cotangent <NAME=FILE>', 'start value for an output (.npy, .npz:key, ones)', collect, [])
    .option('--input <NAME=FILE>', 'value of an input (.npy, .npz:key, .pb)', collect, [])
    .option('--inputs <FILE.npz>', 'values of inputs by name', collect, [])
    .option('--dim <NAME=N>', 'size of a symbolic dimension', collect, [])
    .option('--seed <N>', 'seed of generated inputs')
    .option('--stop <VALUE>', 'mark a stop-gradient at a value', collect, [])
    .option('--unstop <VALUE>', 'ignore a stop', collect, [])
    .option('--conventions <NAME>', 'default | tensorflow | torch | onnxruntime')
    .option('--of <A,B>', 'only these values')
    .option('--provider <NAME>', 'cpu | cuda')
    .option('--threads <N>', 'threads of ONNX Runtime')
    .option('--timeout <S>', 'seconds until the run is given up')
    .option('--repeat <N>', 'run N times, report the median of the last N − 1')
    .option('--signature <NAME>', 'signature of a SavedModel')
    .option('--update [NODE]', 'also run the update operators of the file')
    .option('--trust', 'let a model reach external data outside its folder')
    .option('--json', 'the result as JSON');
}

async function openSession(model: string, raw: RawOptions, runtime: RuntimeClient): Promise<GradientSession> {
  const onTerminal = process.stderr.isTTY;
  if (onTerminal) process.stderr.write(`reading ${model}\r`);
  return GradientSession.open(model, runtime, { trust: raw.trust === true, ...(raw.signature !== undefined && { signature: raw.signature }) });
}

async function compute(model: string, raw: RawOptions, runtime: RuntimeClient): Promise<{ session: GradientSession; result: RunResult }> {
  const options = await runOptions(raw), session = await openSession(model, raw, runtime);
  const progress = process.stderr.isTTY ? (stage: string) => process.stderr.write(`\u001b[2K${stage}\r`) : undefined;
  const result = await session.run({ ...options, ...(progress && { progress }) });
  if (progress) process.stderr.write('\u001b[2K');
  return { session, result };
}

/** Something that was asked for has no gradient rule: an error that names it, after everything else was reported. */
function requireGradients(result: RunResult, asked: readonly string[] | undefined, model: string): void {
  const missing = result.report.values.find(v => v.gradient.status === 'unsupported' && (!asked || asked.includes(v.name)));
  if (!missing) return;
  const at = missing.gradient.because[0], op = result.report.values.find(v => v.node === at?.node)?.op;
  const place = { file: model, ...(at && { node: at.node }), ...(op && { op }) };
  if (at?.reason === 'unknown-shape') {
    throw new UserError('no-gradient', `a shape inside ${op ?? 'the operator'} at node ${at.node} is known only while it runs, and the gradient rule needs it; needed for ${missing.name}`,
      'Put a stop there (--stop), ask only for values that do not need it (--of), or fix the dimension (--dim).', place);
  }
  throw new UserError('no-gradient', `no gradient rule for ${op ?? 'the operator'} at node ${at?.node ?? '?'}; needed for ${missing.name}`,
    'Put a stop there (--stop), or ask only for values that do not need it (--of).', place);
}

function program(runtime: RuntimeClient): Command {
  const root = new Command('adjoint').description('Where the gradient goes in a model, and why.').exitOverride().showHelpAfterError(false)
    .configureOutput({ writeErr: () => {} });
  root.command('inspect').argument('<MODEL>').description('what the file holds').option('--trust').option('--json')
    .action(async (model: string, raw: RawOptions) => {
      const report = inspectReport(await openSession(model, raw, runtime));
      console.log(raw.json ? toJson(report.json) : report.text);
    });
  withRunOptions(root.command('gradients').argument('<MODEL>').description('the gradient of every value'))
    .option('--save <FILE.npz>', 'whole gradient tensors').option('--save-forward', 'also forward:NAME')
    .action(async (model: string, raw: RawOptions) => {
      const { result } = await compute(model, raw, runtime);
      if (raw.save) {
        const entries = new Map(result.gradients);
        for (const [k, v] of result.forward) entries.set(`forward:${k}`, v);
        for (const [k, v] of result.deltas) entries.set(`delta:${k}`, v);
        await saveNpz(raw.save, entries);
      }
      requireGradients(result, raw.of?.split(','), model);
      console.log(raw.json ? toJson(result.report) : summaryText(result.report));
    });
  withRunOptions(root.command('report').argument('<MODEL>').description('one self-contained page')).requiredOption('-o, --output <FILE.html>')
    .action(async (model: string, raw: RawOptions) => {
      const { session, result } = await compute(model, raw, runtime);
      await writeFile(raw.output!, await htmlReport(session, result.report));
      if (!raw.json) console.log(`wrote ${raw.output}`);
      else console.log(toJson({ schema: 1, file: raw.output }));
    });
  root.command('operators').description('which operators have a gradient, and its formula').option('--markdown').option('--json')
    .action((raw: { markdown?: boolean; json?: boolean }) => console.log(operatorsTable(raw.json ? 'json' : raw.markdown ? 'markdown' : 'text')));
  return root;
}

function failure(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    return failure(new UserError('usage', error.message.replace(/^error: /, ''), 'See adjoint --help.'), json);
  }
  if (error instanceof UserError) {
    const { file, node } = error.place;
    const place = [file && !error.message.includes(file) ? file : '', node && !error.message.includes(node) ? `node ${node}` : ''].filter(Boolean).join(', ');
    process.stderr.write(`adjoint: ${place ? `${place}: ` : ''}${error.message}${error.remedy ? `. ${error.remedy}` : ''}\n`.replace(/\.\.(?= |\n)/g, '.'));
    if (json) console.log(toJson({ error: { code: error.code, message: error.message, node: node ?? null, hint: error.remedy } }));
    return EXIT[error.code];
  }
  process.stderr.write(`adjoint: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  if (json) console.log(toJson({ error: { code: 'bug', message: String(error), node: null, hint: 'This is a bug of Adjoint; please report it.' } }));
  return 5;
}

/** Runs the command line; returns the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  const runtime = new RuntimeClient();
  try {
    await program(runtime).parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    return failure(error, argv.includes('--json'));
  } finally {
    await runtime.dispose();
  }
}
