/** The rows of the panel's table: which are shown, in what order. Everything works on row indices, so that 100,000 rows cost a few milliseconds. */
import { STATUSES, VALUE_KINDS, type FlowTable, type ValueKind } from '../../extension/protocol.ts';
import { cellState, type CellState } from '../state/model.ts';

export type Tab = 'parameters' | 'values' | 'problems';
export type ColumnId = 'name' | 'kind' | 'steps' | 'norm' | 'shares' | 'shape' | 'mean' | 'std' | 'largest' | 'forward' | 'ratio' | 'update';
export interface Sort { readonly column: ColumnId | undefined; readonly descending: boolean }
export interface Query { readonly tab: Tab; readonly text: string; readonly sort: Sort; readonly from: number; readonly to: number }

export class FlowRows {
  readonly count: number;
  readonly maxSteps: number;
  private readonly states: CellState[];

  constructor(readonly flow: FlowTable) {
    this.count = flow.value.length;
    let most = 0;
    for (const s of flow.steps) if (s > most) most = s;
    this.maxSteps = most;
    this.states = Array.from({ length: this.count }, (_, i) => cellState(flow.status[i]!, flow.norm[i]!));
  }

  name(row: number): string { return this.flow.strings[this.flow.name[row]!]!; }
  op(row: number): string { return this.flow.strings[this.flow.op[row]!]!; }
  shape(row: number): string { return this.flow.strings[this.flow.shape[row]!]!; }
  kind(row: number): ValueKind { return VALUE_KINDS[this.flow.kind[row]!]!; }
  state(row: number): CellState { return this.states[row]!; }
  status(row: number): string { return STATUSES[this.flow.status[row]!] ?? 'not-asked'; }
  rowOf(value: number): number { return this.flow.value.indexOf(value); }

  /** Gradient ÷ value; NaN where there is none. */
  ratio(row: number): number { return this.state(row) === 'ok' && this.flow.forwardNorm[row]! > 0 ? this.flow.norm[row]! / this.flow.forwardNorm[row]! : NaN; }
  /** Norm of the optimiser's update ÷ norm of the parameter. */
  update(row: number): number { return this.flow.updateNorm[row]! / this.flow.forwardNorm[row]!; }
  get hasUpdates(): boolean { return this.flow.updateNorm.some(u => !Number.isNaN(u)); }

  isProblem(row: number): boolean {
    const state = this.state(row);
    return state === 'nan' || state === 'unknown' || this.flow.finding[row] === 1 || (this.kind(row) === 'parameter' && (state === 'zero' || state === 'blocked' || state === 'dead'));
  }

  private inTab(row: number, tab: Tab): boolean {
    if (tab === 'problems') return this.isProblem(row);
    const kind = this.kind(row);
    return tab === 'parameters' ? kind === 'parameter' || (kind === 'input' && this.state(row) !== 'nodiff') : kind !== 'parameter';
  }

  /** Rows of a tab that match the text within a range of steps, in order. */
  view({ tab, text, sort, from, to }: Query): Uint32Array {
    const tests = textTests(text), all = from <= 0 && to >= this.maxSteps, rows: number[] = [];
    for (let i = 0; i < this.count; i++) {
      const step = this.flow.steps[i]!;
      if (this.inTab(i, tab) && (all || (step >= from && step <= to)) && tests.every(t => t(this, i))) rows.push(i);
    }
    return Uint32Array.from(rows).sort(this.order(sort));
  }

  private order({ column, descending }: Sort): (a: number, b: number) => number {
    if (column === undefined) { const rank = Float64Array.from(this.states, (s, i) => this.rank(s, i)); return (a, b) => rank[b]! - rank[a]! || a - b; }
    const sign = descending ? -1 : 1;
    if (column === 'name' || column === 'kind' || column === 'shape') {
      const collator = new Intl.Collator('en', { numeric: true }), text = column === 'name' ? (i: number) => this.name(i) : column === 'kind' ? (i: number) => this.kind(i) : (i: number) => this.shape(i);
      return (a, b) => sign * collator.compare(text(a), text(b)) || a - b;
    }
    const keys = Float64Array.from({ length: this.count }, (_, i) => this.figure(i, column));
    // What is not known stands last in both directions; NaN and Inf gradients stand above all numbers.
    return (a, b) => {
      const x = keys[a]!, y = keys[b]!;
      return Number.isNaN(x) ? (Number.isNaN(y) ? a - b : 1) : Number.isNaN(y) ? -1 : x === y ? a - b : sign * (x < y ? -1 : 1);
    };
  }

  /** Not finite first, then what has a finding, then by norm; zero, blocked and the rest last. */
  private rank(state: CellState, row: number): number {
    const base = state === 'nan' ? 1e6 : state === 'ok' ? Math.log10(this.flow.norm[row]!) + 400 : state === 'unknown' ? 4 : state === 'zero' ? 3 : state === 'blocked' ? 2 : state === 'dead' ? 1 : 0;
    return base + (this.flow.finding[row] && state !== 'nan' ? 1e4 : 0);
  }

  /** The number that a column sorts by. */
  figure(row: number, column: ColumnId): number {
    const { flow } = this, state = this.state(row), known = state === 'ok' || state === 'nan';
    switch (column) {
      case 'steps': return flow.steps[row]! < 0 ? NaN : flow.steps[row]!;
      case 'norm': return state === 'nan' ? Infinity : state === 'ok' ? flow.norm[row]! : state === 'zero' ? 0 : NaN;
      case 'shares': return known && flow.count[row]! ? (flow.zero[row]! + (flow.nan[row]! + flow.inf[row]!) * 1e3) / flow.count[row]! : state === 'zero' ? 1 : NaN;
      case 'mean': return flow.mean[row]!;
      case 'std': return flow.std[row]!;
      case 'largest': return flow.absMax[row]!;
      case 'forward': return flow.forwardNorm[row]!;
      case 'ratio': return this.ratio(row);
      case 'update': return this.update(row);
      default: return NaN;
    }
  }

  csv(rows: ArrayLike<number>): string {
    const quote = (s: string) => (/[",\n]/.test(s) ? `"${s.replaceAll('"', '""')}"` : s), lines = ['name,kind,operator,steps,status,l2_norm,mean,std,largest,zero,nan,inf,elements,forward_l2_norm,shape'], { flow: f } = this;
    for (let k = 0; k < rows.length; k++) {
      const i = rows[k]!;
      lines.push([quote(this.name(i)), this.kind(i), quote(this.op(i)), f.steps[i], this.status(i), f.norm[i], f.mean[i], f.std[i], f.absMax[i], f.zero[i], f.nan[i], f.inf[i], f.count[i], f.forwardNorm[i], quote(this.shape(i))].join(','));
    }
    return `${lines.join('\n')}\n`;
  }
}

type Test = (rows: FlowRows, row: number) => boolean;
const STATES: Readonly<Record<string, CellState>> = { zero: 'zero', nan: 'nan', inf: 'nan', blocked: 'blocked', unknown: 'unknown', dead: 'dead' };

/** Words in name or operator; `op:Conv`, `shape:16`, `zero:`, `nan:`, `blocked:`; `> 1e-3`, `< 1e-6` for the norm. */
function textTests(text: string): Test[] {
  const tests: Test[] = [];
  const rest = text.replace(/(?:\bgradient\s*)?([<>])=?\s*([-+.\deE]+)/g, (_, sign: string, bound: string) => {
    const limit = Number(bound);
    if (!Number.isNaN(limit)) tests.push((r, i) => { const n = r.figure(i, 'norm'); return sign === '>' ? n > limit : n < limit; });
    return ' ';
  });
  for (const part of rest.toLowerCase().split(/\s+/)) {
    if (!part) continue;
    const [, key, after = ''] = /^([a-z]+):(.*)$/.exec(part) ?? [], state = key && STATES[key];
    if (state) tests.push((r, i) => r.state(i) === state && (!after || r.name(i).toLowerCase().includes(after)));
    else if (key === 'op') tests.push((r, i) => r.op(i).toLowerCase().includes(after));
    else if (key === 'shape') tests.push((r, i) => `×${r.shape(i)}×`.includes(`×${after.replaceAll('x', '×')}×`));
    else tests.push((r, i) => r.name(i).toLowerCase().includes(part) || r.op(i).toLowerCase().includes(part));
  }
  return tests;
}
