import * as vscode from 'vscode';
import type { TargetForm } from '../../kernels/autodiff/target.ts';
import { isFloat } from '../../kernels/graph/types.ts';
import { CONVENTIONS, type ConventionName } from '../../kernels/operators/conventions.ts';
import { readTensorFile } from '../formats/tensorFile.ts';
import { readNpz } from '../formats/tensors.ts';
import type { RuntimeClient } from '../runtime/client.ts';
import type { TensorValue } from '../runtime/protocol.ts';
import { typeText } from '../session/drawing.ts';
import type { Study } from '../session/study.ts';
import { targetCandidates } from '../session/targets.ts';

/** Long lists are searched, not scrolled: so many are shown at once. */
const SHOWN = 200;

/** Asks for a value to differentiate and for what is made of it, and runs. */
export async function chooseTarget(study: Study): Promise<void> {
  const { graph } = study.drawn!, candidates = targetCandidates(graph), likely = new Set(candidates.map(c => c.value));
  const others = graph.nodes.flatMap(n => n.outputs.map(value => ({ value, op: n.op }))).filter(({ value }) => {
    const type = graph.types.get(value);
    return value && !likely.has(value) && (type?.kind !== 'tensor' || isFloat(type.dtype));
  });
  const value = await pickFrom('Gradient of which value?', [
    ...candidates.map(c => ({ label: c.value, description: `${typeText(graph.types.get(c.value))} · ${c.why}` })),
    ...others.reverse().map(o => ({ label: o.value, description: `${typeText(graph.types.get(o.value))} · ${o.op}` })),
  ]);
  if (value === undefined) return;
  const type = graph.types.get(value), scalar = type?.kind === 'tensor' && type.shape?.every(d => d === 1);
  const form = scalar ? { text: value, form: undefined } : await chooseForm(value);
  if (!form) return;
  study.choose({ target: form.text, form: form.form });
  await study.run();
}

/** What is made of a value that is not a scalar. */
async function chooseForm(value: string): Promise<{ text: string; form: TargetForm | undefined } | undefined> {
  const forms: (vscode.QuickPickItem & { form?: TargetForm; ask?: 'element' | 'label' })[] = [
    { label: 'Its sum' },
    { label: 'Each row’s largest element', form: { kind: 'row-max' } },
    { label: 'One element…', ask: 'element' },
    { label: 'Its mean', form: { kind: 'mean' } },
    { label: 'Its L2 norm', form: { kind: 'l2' } },
    { label: 'Cross entropy with one class…', ask: 'label' },
  ];
  const picked = await vscode.window.showQuickPick(forms, { title: `Gradient of what of ${value}?` });
  if (!picked) return undefined;
  if (picked.ask === 'element') {
    const index = await vscode.window.showInputBox({ title: 'Which element?', prompt: 'Index along each axis, as 0, 281', validateInput: t => (/^\s*-?\d+(\s*,\s*-?\d+)*\s*$/.test(t) ? undefined : 'Whole numbers with commas between them') });
    return index === undefined ? undefined : { text: `${value}[${index.replace(/\s/g, '')}]`, form: undefined };
  }
  if (picked.ask === 'label') {
    const label = await vscode.window.showInputBox({ title: 'Which class?', prompt: 'Its number along the last axis, from 0', validateInput: t => (/^\d+$/.test(t) ? undefined : 'A whole number') });
    return label === undefined ? undefined : { text: value, form: { kind: 'cross-entropy', label: Number(label) } };
  }
  return { text: value, form: picked.form };
}

/** Asks where each input comes from, and runs. */
export async function chooseInputs(study: Study): Promise<void> {
  const { inputs } = study.drawn!.graph, { inputs: given, seed } = study.choices;
  const items = [
    { label: '$(file-zip) All from a NumPy archive…', description: '.npz with the names of the inputs', action: 'archive' as const, name: '' },
    { label: '$(sparkle) Generate all', description: `seed ${seed}`, action: 'generate' as const, name: '' },
    ...inputs.map(i => ({ label: i.name, description: `${typeText(i.type)} · ${given.has(i.name) ? 'from a file' : 'generated'}`, action: 'one' as const, name: i.name })),
  ];
  const picked = await vscode.window.showQuickPick(items, { title: 'Choose Inputs', placeHolder: 'An input to give, or all at once' });
  if (!picked) return;
  if (picked.action === 'generate') {
    const text = await vscode.window.showInputBox({ title: 'Seed of the generated inputs', value: String(seed), validateInput: t => (/^\d+$/.test(t) ? undefined : 'A whole number') });
    if (text === undefined) return;
    study.choose({ inputs: new Map(), seed: Number(text) });
  } else {
    const archive = picked.action === 'archive', [uri] = await vscode.window.showOpenDialog({ title: archive ? 'Archive with the inputs' : `Value of ${picked.name}`, filters: { Tensors: archive ? ['npz'] : ['npy', 'npz', 'pb'] } }) ?? [];
    if (!uri) return;
    const next = new Map(given);
    if (archive) for (const [name, value] of await readNpz(uri.fsPath)) if (inputs.some(i => i.name === name)) next.set(name, value);
    if (!archive) {
      const value = await tensorFrom(uri.fsPath);
      if (!value) return;
      next.set(picked.name, value);
    }
    study.choose({ inputs: next });
  }
  await study.run();
}

/** The tensor of a file; of an archive the one that the person picks. */
async function tensorFrom(path: string): Promise<TensorValue | undefined> {
  if (!path.endsWith('.npz')) return readTensorFile(path);
  const arrays = await readNpz(path);
  const key = arrays.size === 1 ? [...arrays.keys()][0] : await vscode.window.showQuickPick([...arrays.keys()], { title: 'Which array?' });
  return key === undefined ? undefined : arrays.get(key);
}

/** Asks for the size of a dimension that the file leaves open, and runs. */
export async function setDimension(study: Study): Promise<void> {
  const names = new Set(study.drawn!.graph.inputs.flatMap(i => (i.type?.kind === 'tensor' ? (i.type.shape ?? []).map((d, axis) => (typeof d === 'string' ? d : typeof d === 'number' && d >= 0 ? '' : `${i.name}[${axis}]`)) : [])).filter(Boolean));
  const { dims } = study.choices;
  const picked = names.size === 1 ? { label: [...names][0]! } : await vscode.window.showQuickPick([...names].map(label => ({ label, description: `${dims.get(label) ?? 1}` })), { title: 'Set Dimension' });
  if (!picked) return;
  const text = await vscode.window.showInputBox({ title: `Size of ${picked.label}`, value: String(dims.get(picked.label) ?? 1), validateInput: t => (/^\d+$/.test(t) ? undefined : 'A whole number') });
  if (text === undefined) return;
  study.choose({ dims: new Map(dims).set(picked.label, Number(text)) });
  await study.run();
}

/** Asks which framework's choices decide ties and kinks, and runs. */
export async function chooseConventions(study: Study): Promise<void> {
  const items = (Object.keys(CONVENTIONS) as ConventionName[]).map(label => ({ label, description: label === study.conventions ? 'in force' : '' }));
  const picked = await vscode.window.showQuickPick(items, { title: 'Choose Conventions', placeHolder: 'Who decides ties of Max, Clip at its bounds, Abs at 0 …' });
  if (!picked) return;
  study.choose({ conventions: picked.label });
  await study.run();
}

/** Asks on which execution provider the model runs, and runs. One that is not there says why. */
export async function chooseDevice(study: Study, runtime: RuntimeClient): Promise<void> {
  const states = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: 'Looking for execution providers' }, () => runtime.providers());
  const picked = await vscode.window.showQuickPick(states.map(s => ({
    label: s.provider.toUpperCase(), description: s.provider === study.choices.provider ? 'in force' : s.available ? '' : 'not available',
    ...(s.reason && { detail: `${s.reason} ${s.remedy ?? ''}` }), state: s,
  })), { title: 'Choose Device' });
  if (!picked) return;
  if (!picked.state.available) return void vscode.window.showWarningMessage(`${picked.state.reason ?? 'Not available.'} ${picked.state.remedy ?? ''}`);
  study.choose({ provider: picked.state.provider });
  await study.run();
}

/** Lets the person find a node by name and selects it. */
export async function goToNode(study: Study): Promise<boolean> {
  const { drawing, index, nodes } = study.drawn!;
  const name = await pickFrom('Go to Node', Array.from(drawing.nodes.name, (_, i) => ({ label: nodes[i]!.name, description: nodes[i]!.op })));
  const node = name === undefined ? undefined : index.nodes.get(name);
  if (node === undefined) return false;
  study.select({ node });
  return true;
}

/** A quick pick over a list of any length: VS Code gets only what matches, and never more than it can show at once. */
function pickFrom(title: string, items: readonly { readonly label: string; readonly description: string }[]): Promise<string | undefined> {
  return new Promise(resolve => {
    const pick = vscode.window.createQuickPick();
    const update = () => {
      const words = pick.value.toLowerCase().split(/\s+/).filter(Boolean), found: vscode.QuickPickItem[] = [];
      for (const item of items) {
        const text = `${item.label} ${item.description}`.toLowerCase();
        if (words.every(w => text.includes(w)) && found.push({ ...item, alwaysShow: true }) >= SHOWN) break;
      }
      pick.items = found;
      pick.title = found.length < SHOWN ? title : `${title} · the first ${SHOWN} of ${items.length.toLocaleString('en')}`;
    };
    pick.placeholder = 'Part of a name or operator';
    pick.onDidChangeValue(update);
    pick.onDidAccept(() => {
      resolve(pick.selectedItems[0]?.label);
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    update();
    pick.show();
  });
}
