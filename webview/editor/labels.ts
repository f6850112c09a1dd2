/** What a screen reader hears of a place in the drawing: name, operator, state, number, then where it is. */
import { NodeMark } from '../../extension/protocol.ts';
import { groupState } from '../drawing/groups.ts';
import { BoxKind } from '../layout/types.ts';
import type { CellState, Model } from '../state/model.ts';
import type { Scene, Target } from '../drawing/scene.ts';
import { counted, integer, number } from '../ui/format.ts';

export function stateWords(state: CellState, norm: number): string {
  switch (state) {
    case 'ok': return `gradient ${number(norm)}`;
    case 'zero': return 'gradient zero';
    case 'blocked': return 'blocked';
    case 'dead': return 'not on a path to the loss';
    case 'nodiff': return 'no gradient to carry';
    case 'unknown': return 'gradient not known';
    case 'nan': return Number.isNaN(norm) ? 'gradient NaN' : 'gradient infinite';
    case 'plain': return '';
  }
}

export function groupName(model: Model, group: number): string { return model.groupPath(group).map(g => model.hierarchy!.label[g]).join('/') || model.graph.title; }

/** "moments/StopGradient, StopGradient, stops a gradient of 1.5e−9, 1 input, 1 use, in instance_norm, 2 of 11". */
export function labelOf(scene: Scene, target: Target, box: number): string {
  const { model, layout } = scene, parts: string[] = [];
  if (target.kind === 'group') {
    const h = model.hierarchy!, g = target.ref, instances = h.childStart[g + 1]! - h.childStart[g]!, r = model.groups, open = box < 0;
    parts.push(h.label[g]!, h.kind[g] === 1 ? counted(instances, 'repeat') : counted(h.last[g]! - h.first[g]!, 'node'), open ? 'open' : 'folded', stateWords(groupState(scene, g), r?.outNorm[g] ?? NaN));
    if (r?.alarms[g]) parts.push(counted(r.alarms[g]!, 'value with NaN or Inf', 'values with NaN or Inf'));
    if (r?.blocked[g]) parts.push(`${integer(r.blocked[g]!)} blocked`);
    if (r?.zeros[g]) parts.push(`${integer(r.zeros[g]!)} zero`);
  } else if (target.kind === 'value') {
    parts.push(model.valueName(target.ref), 'input', model.type(target.ref), stateWords(model.valueState(target.ref), model.norm(target.ref)), counted(model.usesOf(target.ref).length, 'use'));
  } else {
    const n = target.ref, value = model.mainValue(n), state = model.valueState(value), norm = model.norm(value), inputs = model.nodeUseStart[n + 1]! - model.nodeUseStart[n]!;
    const uses = [...model.outputs(n)].reduce((sum, v) => sum + model.usesOf(v).length, 0), alarm = parameterAlarm(model, n);
    parts.push(model.name(n), model.op(n));
    if (box >= 0 && layout.boxes.kind[box] === BoxKind.loss) parts.push('the loss');
    if (model.isStop(n)) parts.push(model.isRemoved(n) ? `removed stop, passes a gradient of ${number(norm)}` : state === 'ok' ? `stops a gradient of ${number(norm)}` : 'stops the gradient', model.mark(n) & NodeMark.benign ? 'benign' : '');
    else parts.push(model.isQuantiser(n) ? 'fake quantisation' : '', stateWords(state, norm), alarm);
    parts.push(counted(inputs, 'input'), counted(uses, 'use'));
  }
  const group = box >= 0 ? layout.boxes.group[box]! : target.kind === 'group' ? model.hierarchy!.parent[target.ref]! : 0;
  if (group > 0) parts.push(`in ${groupName(model, group)}`);
  return parts.filter(Boolean).join(', ');
}

function parameterAlarm(model: Model, node: number): string {
  const h = model.hierarchy;
  for (let k = h?.parameterStart[node] ?? 0; h && k < h.parameterStart[node + 1]!; k++) if (model.valueState(h.parameters[k]!) === 'nan') return `${model.valueName(h.parameters[k]!)} is not finite`;
  return '';
}

/** "133 gradients. 1 NaN, 7 zero, 4 blocked." */
export function resultWords(model: Model): string {
  let gradients = 0, bad = 0, zero = 0, blocked = 0, unknown = 0;
  for (let v = 0; v < model.valueCount; v++) {
    const state = model.valueState(v);
    if (state === 'ok' || state === 'zero' || state === 'nan') gradients++;
    if (state === 'nan') bad++;
    else if (state === 'zero') zero++;
    else if (state === 'blocked') blocked++;
    else if (state === 'unknown' && model.valueKind(v) !== 'constant') unknown++;
  }
  const parts = [bad && `${integer(bad)} NaN or Inf`, zero && `${integer(zero)} zero`, blocked && `${integer(blocked)} blocked`, unknown && `${integer(unknown)} not known`].filter(Boolean);
  return `${counted(gradients, 'gradient')}.${parts.length ? ` ${parts.join(', ')}.` : ''}`;
}
