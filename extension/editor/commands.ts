import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../../kernels/graph/errors.ts';
import { htmlReport } from '../session/htmlReport.ts';
import { toJson } from '../session/json.ts';
import { saveNpz } from '../formats/tensors.ts';
import { FLOW_VIEW, type CommandId } from '../ids.ts';
import type { HostCommand, SourceLine, ViewCommand } from '../protocol.ts';
import type { RuntimeClient } from '../runtime/client.ts';
import { nodeName, valueName } from '../session/drawn.ts';
import type { Study } from '../session/study.ts';
import { chooseConventions, chooseDevice, chooseInputs, chooseTarget, goToNode, setDimension } from './choices.ts';
import type { GraphEditorProvider } from './graphEditor.ts';
import { openModelFile, openSample } from './samples.ts';
import { openSource } from './sourceLines.ts';
import type { Studies } from './studies.ts';

export interface CommandParts {
  readonly extension: vscode.Uri;
  readonly studies: Studies;
  readonly runtime: RuntimeClient;
  readonly editor: () => GraphEditorProvider;
  readonly output: vscode.LogOutputChannel;
  readonly openTextView: (uri: vscode.Uri) => Promise<void>;
}

/** Commands that are about the view alone, with what the drawing is told. */
const VIEW_COMMANDS: readonly (readonly [CommandId, ViewCommand])[] = [
  ['adjoint.find', 'find'], ['adjoint.nextFinding', 'nextFinding'], ['adjoint.previousFinding', 'previousFinding'], ['adjoint.foldAll', 'foldAll'],
  ['adjoint.unfoldLevel', 'unfoldLevel'], ['adjoint.fit', 'fit'], ['adjoint.zoomToSelection', 'zoomToSelection'], ['adjoint.changeDirection', 'changeDirection'],
  ['adjoint.layOutAgain', 'layOutAgain'], ['adjoint.colorBy', 'colorBy'], ['adjoint.explainGradient', 'explain'], ['adjoint.explainZeroGradient', 'explain'],
  ['adjoint.savePictureSvg', 'savePictureSvg'], ['adjoint.savePicturePng', 'savePicturePng'],
];

/** What each command does. A command that cannot work now does nothing: the palette hides it, but another extension may call it. */
export class Commands {
  private readonly table: ReadonlyMap<CommandId, () => unknown>;

  constructor(private readonly parts: CommandParts) {
    const { studies, runtime, output, extension } = parts;
    const on = (id: CommandId, work: () => unknown) => [id, work] as const;
    const withStudy = (work: (study: Study) => unknown) => () => studies.active?.drawn && work(studies.active);
    this.table = new Map([
      ...VIEW_COMMANDS.map(([id, view]) => on(id, withStudy(study => this.parts.editor().view(study, view)))),
      on('adjoint.runModel', withStudy(study => study.run())),
      on('adjoint.cancelRun', withStudy(study => study.cancel())),
      on('adjoint.chooseTarget', withStudy(chooseTarget)),
      on('adjoint.chooseInputs', withStudy(chooseInputs)),
      on('adjoint.setDimension', withStudy(setDimension)),
      on('adjoint.chooseConventions', withStudy(chooseConventions)),
      on('adjoint.chooseDevice', withStudy(study => chooseDevice(study, runtime))),
      on('adjoint.goToNode', withStudy(async study => {
        if (await goToNode(study)) this.parts.editor().reveal(study);
      })),
      on('adjoint.addStop', withStudy(study => this.addStop(study))),
      on('adjoint.removeStop', withStudy(study => this.removeStop(study))),
      on('adjoint.resetWhatIf', withStudy(study => (study.resetWhatIf(), study.run()))),
      on('adjoint.goToSource', withStudy(study => this.goToSource(study))),
      on('adjoint.showGradientFlow', () => vscode.commands.executeCommand(`${FLOW_VIEW}.focus`)),
      on('adjoint.saveReport', withStudy(study => this.saveReport(study))),
      on('adjoint.saveGradients', withStudy(study => this.saveGradients(study))),
      on('adjoint.copyName', withStudy(study => copy(selectedName(study)))),
      on('adjoint.copyJson', withStudy(study => copy(study.selection.node === undefined ? undefined : toJson(study.node(study.selection.node))))),
      on('adjoint.openTextView', withStudy(() => this.parts.openTextView(studies.activeUri!))),
      on('adjoint.restartRuntime', () => runtime.restart()),
      on('adjoint.showLog', () => output.show()),
      on('adjoint.openSample', () => openSample(extension, studies)),
      on('adjoint.openModel', openModelFile),
    ]);
  }

  run(id: CommandId): Promise<unknown> { return this.guard(this.table.get(id)!); }

  /** What the buttons of a webview ask for. */
  readonly fromWebview = (study: Study | undefined, command: HostCommand, argument: string | undefined): void => {
    const run = (id: CommandId) => void vscode.commands.executeCommand(id);
    switch (command) {
      case 'run': return void study?.run();
      case 'drawWithoutValues': return study?.drawOnly();
      case 'chooseFile': return void this.guard(() => study && this.chooseWeights(study));
      case 'cancel': return study?.cancel();
      case 'useTarget':
        if (argument !== undefined) study?.choose({ target: argument, form: undefined });
        return void study?.run();
      case 'chooseTarget': return run('adjoint.chooseTarget');
      case 'chooseInputs': return run('adjoint.chooseInputs');
      case 'chooseConventions': return run('adjoint.chooseConventions');
      case 'chooseDevice': return run('adjoint.chooseDevice');
      case 'manageTrust': return void vscode.commands.executeCommand('workbench.trust.manage');
      case 'openAsText': return void (study && vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(study.path), 'default'));
      case 'openTextView': return run('adjoint.openTextView');
      case 'showLog': return run('adjoint.showLog');
      case 'openTerminal': return study && vscode.window.createTerminal({ cwd: dirname(study.path) }).show();
      case 'openModel': return run('adjoint.openModel');
      case 'openSample': return run('adjoint.openSample');
      case 'showPanel': return run('adjoint.showGradientFlow');
      case 'showFindings': return void vscode.commands.executeCommand('workbench.actions.view.problems');
      case 'whatIf': case 'nextStop': return run('adjoint.removeStop');
      case 'resetWhatIf': return run('adjoint.resetWhatIf');
      case 'savePictureSvg': return run('adjoint.savePictureSvg');
      case 'savePicturePng': return run('adjoint.savePicturePng');
      case 'saveReport': return run('adjoint.saveReport');
      case 'goToNode': return run('adjoint.goToNode');
      case 'close': return void vscode.commands.executeCommand('workbench.action.closeActiveEditor');
      case 'stopThere': return void this.guard(() => study && this.stopAtMissingRule(study));
      case 'showSupportedSystems':
        return void vscode.window.showInformationMessage('ONNX Runtime is there for Linux (glibc 2.28 or newer), Windows (both x64 and arm64) and macOS on Apple silicon.');
    }
  };

  /** A picture or table that a webview made. */
  readonly saveFile = (name: string, content: Uint8Array): void => void this.guard(async () => {
    const path = await this.askWhere(name, {});
    if (path) await writeFile(path.fsPath, content);
  });

  /** Says what a person can act on; the log has the rest. */
  async guard(work: () => unknown): Promise<unknown> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof UserError && error.code === 'cancelled') return undefined;
      this.parts.output.error(error instanceof Error ? error : String(error));
      const text = error instanceof UserError ? `${error.message}${/[.!?]$/.test(error.message) ? '' : '.'} ${error.remedy}` : `${String(error)} This is a bug of Adjoint.`;
      void vscode.window.showErrorMessage(text, 'Show Log').then(picked => picked && this.parts.output.show());
      return undefined;
    }
  }

  private addStop(study: Study): unknown {
    const { selection, drawn } = study, value = selection.value ?? firstOutput(study, selection.node);
    if (value === undefined) return undefined;
    const name = valueName(drawn!.drawing, value);
    if (!study.choices.stops.includes(name)) study.toggleStop({ value: name });
    return study.run();
  }

  private async removeStop(study: Study): Promise<unknown> {
    const { stops, unstops } = study.choices;
    const marks = (study.report?.marks ?? []).filter(m => m.kind === 'stop-gradient' || m.kind === 'prevent-gradient');
    const items = [
      ...stops.map(value => ({ label: value, description: 'your own stop', picked: true, place: { value } as const })),
      ...unstops.filter(n => !marks.some(m => m.node === n)).map(node => ({ label: node, description: 'taken away', picked: false, place: { node } as const })),
      ...marks.map(m => ({ label: m.node, description: WORDS[m.class], detail: m.why, picked: !unstops.includes(m.node), place: { node: m.node } as const })),
    ];
    if (!items.length) return vscode.window.showInformationMessage('Nothing stops a gradient in this model.');
    const kept = await vscode.window.showQuickPick(items, { title: 'What if: which stops stay?', placeHolder: 'Clear a stop to see what changes without it', canPickMany: true });
    if (!kept) return undefined;
    const stays = new Set(kept.map(k => k.label));
    study.choose({ stops: stops.filter(v => stays.has(v)), unstops: items.filter(i => 'node' in i.place && !stays.has(i.label)).map(i => i.label) });
    return study.run();
  }

  /** Puts a stop behind the node that has no rule, so that the rest is computed. */
  private stopAtMissingRule(study: Study): unknown {
    const { state } = study;
    if (state?.kind !== 'no-rule') return undefined;
    const node = study.drawn!.graph.nodes.find(n => n.name === state.node);
    for (const value of node?.outputs ?? []) if (value && !study.choices.stops.includes(value)) study.toggleStop({ value });
    return study.run();
  }

  private async chooseWeights(study: Study): Promise<void> {
    const { state } = study, [file] = (await vscode.window.showOpenDialog({ title: state?.kind === 'missing-weights' ? `Weights for ${state.file}` : 'Weights' })) ?? [];
    if (file) await study.useWeights(file.fsPath);
  }

  private goToSource(study: Study): unknown {
    const { node } = study.selection, source = node === undefined ? undefined : study.node(node).source;
    return source && openSource(source, study.path);
  }

  readonly openSourceLine = (source: SourceLine): void => void this.guard(() => openSource(source, this.parts.studies.active?.path));

  private async saveReport(study: Study): Promise<unknown> {
    const { report, drawn } = study;
    if (!report || !drawn) return undefined;
    const to = await this.askWhere(`${basename(study.path).replace(/\.[^.]+$/, '')}-gradients.html`, { 'HTML page': ['html'] });
    if (!to) return undefined;
    await writeFile(to.fsPath, await htmlReport(drawn.session, report));
    const open = await vscode.window.showInformationMessage(`Saved ${basename(to.fsPath)}.`, 'Open');
    return open && vscode.env.openExternal(to);
  }

  private async saveGradients(study: Study): Promise<unknown> {
    const to = await this.askWhere(`${basename(study.path).replace(/\.[^.]+$/, '')}-gradients.npz`, { 'NumPy archive': ['npz'] });
    if (!to) return undefined;
    return vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: 'Computing whole gradients', cancellable: true }, async (_, token) => {
      const controller = new AbortController();
      token.onCancellationRequested(() => controller.abort());
      await saveNpz(to.fsPath, new Map(await study.gradients(controller.signal)));
    });
  }

  private askWhere(name: string, filters: Record<string, string[]>): Thenable<vscode.Uri | undefined> {
    const beside = this.parts.studies.active?.path, folder = beside ? dirname(beside) : vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    return vscode.window.showSaveDialog({ defaultUri: vscode.Uri.file(join(folder ?? '', name)), filters });
  }
}

const WORDS = { benign: 'benign: what it holds back is zero', author: 'put there by the author', 'cuts-only-path': 'cuts the only path to parameters' } as const;

function firstOutput(study: Study, node: number | undefined): number | undefined {
  if (node === undefined) return undefined;
  const at = study.drawn!.drawing.values.producer.indexOf(node);
  return at < 0 ? undefined : at;
}

function selectedName({ selection: { node, value }, drawn }: Study): string | undefined {
  return node !== undefined ? nodeName(drawn!.drawing, node) : value !== undefined ? valueName(drawn!.drawing, value) : undefined;
}

function copy(text: string | undefined): unknown {
  return text === undefined ? undefined : vscode.env.clipboard.writeText(text);
}
