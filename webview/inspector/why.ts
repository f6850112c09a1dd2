/** The way from the loss to a value as a list in the drawing's grammar: lines, a bar where it is cut, dashes behind it. */
import type { WhyAnswer, WhyStep } from '../../extension/protocol.ts';
import { fillOf, type Colours } from '../ui/charts.ts';
import { h, styled, svg } from '../ui/dom.ts';
import { leaf, number } from '../ui/format.ts';
import { strokeWidth } from '../ui/scale.ts';
import { cellStateOf } from '../state/model.ts';

/** At most 40 steps are listed: those nearest to the value, and all cuts. */
const MOST = 40;

export function steps(colours: Colours, answer: WhyAnswer, go: (node: number) => void): HTMLElement {
  const list = h('ol', { class: 'steps' }), all = answer.steps, cutAt = all.findIndex(s => s.cut);
  const from = Math.max(0, Math.min(all.length - MOST, cutAt < 0 ? all.length : cutAt - 3));
  all.forEach((step, i) => {
    if (i > 0 && i < from) return;
    if (i === from && from > 1) list.append(h('li', {}, h('span', {}), h('span', { class: 'desc' }, `${from - 1} more steps`), h('span', {})));
    list.append(item(colours, all, step, i, cutAt >= 0 && i > cutAt, go));
  });
  return list;
}

function item(colours: Colours, all: readonly WhyStep[], step: WhyStep, i: number, behind: boolean, go: (node: number) => void): HTMLElement {
  const state = cellStateOf(step.status, step.norm), next = all[i + 1], picture = svg('svg', { width: 22, height: 26, 'aria-hidden': 'true' });
  const line = (d: string, norm: number, cut: boolean) => picture.append(cut || !(norm > 0) || !Number.isFinite(norm) ? svg('path', { d, class: cut ? 'c-dash' : 'c-line' }) : styled(svg('path', { d }), { stroke: fillOf(colours, norm).fill, 'stroke-width': `${strokeWidth(colours.scale, norm)}`, fill: 'none' }));
  if (i && !step.cut) line('M11 0V8', step.norm, behind || state === 'blocked');
  if (next) line('M11 18V26', next.norm, step.cut === true || behind || cellStateOf(next.status, next.norm) === 'blocked');
  if (!i) picture.append(svg('circle', { cx: 11, cy: 13, r: 6, class: 'c-source' }));
  else if (step.cut) picture.append(svg('rect', { x: 5.5, y: 7.5, width: 11, height: 11, rx: 2, class: 'c-stop' }));
  else if (state === 'ok') picture.append(styled(svg('rect', { x: 5, y: 7, width: 12, height: 12, rx: 2 }), { fill: fillOf(colours, step.norm).fill }));
  else if (state === 'nan') picture.append(svg('rect', { x: 5, y: 7, width: 12, height: 12, rx: 2, class: 'c-alarm' }));
  else picture.append(svg('rect', { x: 5.5, y: 7.5, width: 11, height: 11, rx: 2, class: state === 'zero' ? 'c-hollow' : 'c-hatch' }));
  const text = state === 'ok' ? number(step.norm) : state === 'nan' ? (Number.isNaN(step.norm) ? 'NaN' : 'Inf') : state === 'zero' ? '0' : 'none';
  const name = step.node >= 0 ? h('button', { class: 'link name', type: 'button', title: step.name, click: (() => go(step.node)) as never }, leaf(step.name)) : h('span', { class: 'name', title: step.name }, leaf(step.name));
  return h('li', { class: step.cut ? 'cut' : behind ? 'off' : '' }, picture, name, h('span', { class: 'num' }, step.cut ? (state === 'ok' ? `${text} stops here` : 'stops here') : text));
}
