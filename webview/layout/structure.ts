/** Finding equal structure: hashes of groups, siblings that differ by a number, periods in a sequence of items. */

/** One step of a 32 bit hash (Murmur3's mixing). */
export function mix(hash: number, value: number): number {
  let k = Math.imul(value, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  hash ^= k;
  hash = (hash << 13) | (hash >>> 19);
  return (Math.imul(hash, 5) + 0xe6546b64) | 0;
}

/** A name as its text with every number replaced by '#', and the numbers. `block` is `block_0` where `block_1` exists: the caller knows. */
export function template(name: string): { readonly text: string; readonly numbers: readonly number[] } {
  const numbers: number[] = [];
  const text = name.replace(/\d+/g, digits => (numbers.push(Number(digits)), '#'));
  return { text, numbers };
}

export interface Sibling {
  readonly id: number;
  readonly name: string;
  /** Equal for equal structure. */
  readonly hash: number;
}

/**
 * Runs of at least three siblings of one structure whose names differ by one number, each run in the order of the numbers.
 * Neighbours in a run are neighbours by number among all siblings of their name, so that a stack of two kinds of blocks in turn
 * is not torn apart.
 */
export function numberedRuns(siblings: readonly Sibling[]): Sibling[][] {
  const families = new Map<string, { sibling: Sibling; numbers: readonly number[] }[]>();
  const plain = new Map<string, Sibling>();
  for (const sibling of siblings) {
    const { text, numbers } = template(sibling.name);
    if (!numbers.length) plain.set(sibling.name, sibling);
    else {
      const family = families.get(text);
      if (family) family.push({ sibling, numbers });
      else families.set(text, [{ sibling, numbers }]);
    }
  }
  const runs: Sibling[][] = [];
  for (const [text, family] of families) {
    // TensorFlow numbers repeated scopes block, block_1, block_2 …
    const zeroth = text.endsWith('_#') && family[0]!.numbers.length === 1 ? plain.get(text.slice(0, -2)) : undefined;
    if (zeroth) family.push({ sibling: zeroth, numbers: [0] });
    if (family.length < 3) continue;
    family.sort((a, b) => compareNumbers(a.numbers, b.numbers));
    let run: typeof family = [], varying = -1;
    const close = () => { if (run.length >= 3) runs.push(run.map(r => r.sibling)); };
    for (const member of family) {
      const last = run.at(-1);
      const at = last ? onlyDifference(last.numbers, member.numbers) : -1;
      if (last && last.sibling.hash === member.sibling.hash && at >= 0 && (run.length === 1 || at === varying)) {
        run.push(member);
        varying = at;
      } else {
        close();
        run = [member];
      }
    }
    close();
  }
  return runs;
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}
function onlyDifference(a: readonly number[], b: readonly number[]): number {
  let at = -1;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) { if (at >= 0) return -1; at = i; }
  return at;
}

export interface Period {
  /** The items `start … start + length × count − 1` are `count` repeats of `length` items. */
  readonly start: number;
  readonly length: number;
  readonly count: number;
}

/**
 * Stretches of a sequence of tokens that repeat at least three times, without overlaps. `crossing[i]` is the number of values alive
 * between item i − 1 and item i: a repeat begins where fewest are. Linear for a bounded number of candidate periods.
 */
export function periods(tokens: Int32Array, crossing: Int32Array): Period[] {
  const n = tokens.length, taken = new Uint8Array(n), found: Period[] = [];
  for (const length of candidatePeriods(tokens)) {
    let i = length;
    while (i < n) {
      if (taken[i] || taken[i - length] || tokens[i] !== tokens[i - length]) { i++; continue; }
      let end = i;
      while (end < n && !taken[end] && tokens[end] === tokens[end - length]) end++;
      const begin = i - length;
      i = end;
      if (end - begin < 3 * length) continue;
      // The phase: of the possible first cuts, the one that fewest values cross; the first of equals.
      let start = begin;
      for (let s = begin; s < begin + length && end - s >= 3 * length; s++) if (crossing[s]! < crossing[start]!) start = s;
      const count = Math.floor((end - start) / length);
      found.push({ start, length, count });
      taken.fill(1, start, start + count * length);
    }
  }
  return found.sort((a, b) => a.start - b.start);
}

/** Distances at which the same four tokens come again, those that cover most items first; of equal covers the shorter. */
function candidatePeriods(tokens: Int32Array): number[] {
  const n = tokens.length, k = Math.min(4, Math.max(1, n >> 3)), last = new Map<number, number>(), cover = new Map<number, number>();
  for (let i = k - 1; i < n; i++) {
    let h = 0;
    for (let j = i - k + 1; j <= i; j++) h = mix(h, tokens[j]!);
    const before = last.get(h);
    if (before !== undefined) cover.set(i - before, (cover.get(i - before) ?? 0) + 1);
    last.set(h, i);
  }
  return [...cover].filter(([length, hits]) => hits >= length).sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 12).map(([length]) => length);
}
