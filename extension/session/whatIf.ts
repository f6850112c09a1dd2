import { STATUSES, type DrawingResults, type WhatIf } from '../protocol.ts';

/** Two norms within 1 % count as the same. */
const SAME = 0.01;

/** What stops that were put or removed change: the results before beside those after, and how many values have a new gradient, another, the same. */
export function compareResults(before: DrawingResults, after: DrawingResults, removed: readonly number[], added: readonly number[]): WhatIf {
  const computed = STATUSES.indexOf('computed');
  let appear = 0, change = 0, stay = 0;
  for (let v = 0; v < after.valueStatus.length; v++) {
    const was = before.valueStatus[v] === computed, is = after.valueStatus[v] === computed;
    if (!was && !is) continue;
    if (!was) appear++;
    else if (!is || differs(before.valueNorm[v]!, after.valueNorm[v]!)) change++;
    else stay++;
  }
  return { removed, added, normBefore: before.valueNorm, statusBefore: before.valueStatus, appear, change, stay, comparedIn: 'float32' };
}

function differs(a: number, b: number): boolean {
  if (!Number.isFinite(a) || !Number.isFinite(b)) return !Object.is(a, b);
  return Math.abs(a - b) > SAME * Math.max(Math.abs(a), Math.abs(b));
}
