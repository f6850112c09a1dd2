/** A drawing taller than the window, broken where fewest edges cross into columns of about equal height. */
import type { Item, Placed, Route } from './layered.ts';
import { METRICS } from './types.ts';

/** The scale at which a drawing should be readable without scrolling. */
const READING = 0.75;
/** So many edges may run through a gutter. */
const MOST_CROSSING = 2;

export function intoColumns(placed: Placed, items: readonly Item[], viewport: { readonly width: number; readonly height: number }): Placed {
  const tall = viewport.height / READING, pitch = placed.width + METRICS.gutter, count = Math.min(Math.floor((viewport.width / READING + METRICS.gutter) / pitch), Math.ceil(placed.height / tall));
  if (!(count >= 2) || placed.height < 1.2 * tall) return placed;
  const breaks = breaksOf(placed, items, count);
  return breaks.length ? new Columns(placed, breaks, pitch).moved() : placed;
}

interface Break {
  /** The gap between two layers: end of the upper, top of the lower. */
  readonly above: number;
  readonly below: number;
}

function breaksOf({ layer, y, routes, height }: Placed, items: readonly Item[], count: number): Break[] {
  const layers = layer.reduce((a, b) => Math.max(a, b), 0) + 1, tops = new Float64Array(layers).fill(Infinity), bottoms = new Float64Array(layers);
  items.forEach((item, i) => {
    tops[layer[i]!] = Math.min(tops[layer[i]!]!, y[i]!);
    bottoms[layer[i]!] = Math.max(bottoms[layer[i]!]!, y[i]! + item.h);
  });
  // Edges that run through the gap above layer l.
  const through = new Uint32Array(layers + 1);
  for (const { points } of routes) {
    const from = lower(tops, Math.min(points[1]!, points.at(-1)!) + 1), to = lower(tops, Math.max(points[1]!, points.at(-1)!) + 1);
    for (let l = from; l < to; l++) through[l]!++;
  }
  const breaks: Break[] = [];
  for (let k = 1; k < count; k++) {
    const wish = (height * k) / count, reach = height / count / 3;
    let best = -1;
    for (let l = 1; l < layers; l++) {
      if (Math.abs(tops[l]! - wish) > reach || through[l]! > MOST_CROSSING || tops[l]! - bottoms[l - 1]! < METRICS.gap - 1) continue;
      if (best < 0 || through[l]! < through[best]! || (through[l] === through[best] && Math.abs(tops[l]! - wish) < Math.abs(tops[best]! - wish))) best = l;
    }
    if (best > 0) breaks.push({ above: bottoms[best - 1]!, below: tops[best]! });
  }
  return breaks;
}

/** First index whose value is at least `x` in an ascending list. */
function lower(list: Float64Array, x: number): number {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

class Columns {
  /** How many edges each gutter holds so far. */
  private readonly used: number[];

  constructor(private readonly placed: Placed, private readonly breaks: readonly Break[], private readonly pitch: number) {
    this.used = breaks.map(() => 0);
  }

  moved(): Placed {
    const { placed, breaks, pitch } = this, routes = placed.routes.map(r => this.route(r));
    let height = 0;
    for (let c = 0; c <= breaks.length; c++) height = Math.max(height, (breaks[c]?.above ?? placed.height) + this.rise(c) + (c < breaks.length ? 30 : 0));
    return {
      ...placed, routes, x: placed.x.map((x, i) => x + this.columnOf(placed.y[i]!) * pitch), y: placed.y.map(y => y + this.rise(this.columnOf(y))),
      width: placed.width + breaks.length * pitch, height,
    };
  }

  private columnOf(y: number): number {
    let c = 0;
    while (c < this.breaks.length && y >= this.breaks[c]!.below) c++;
    return c;
  }

  /** What is added to y in a column: each begins at the top. */
  private rise(column: number): number {
    return column ? 36 - this.breaks[column - 1]!.below : 0;
  }

  /** An edge through a break: under its column to the gutter, up there, and over the next column down to where it goes on. */
  private route(route: Route): Route {
    const { breaks, pitch } = this, { points } = route, out: number[] = [];
    let column = this.columnOf(points[1]!), crossed = false;
    const put = (x: number, y: number) => void out.push(x + column * pitch, y + this.rise(column));
    for (let i = 0; i < points.length; i += 2) {
      const x = points[i]!, y = points[i + 1]!;
      for (let next = this.columnOf(y); column !== next;) {
        const down = next > column, gutter = down ? column : column - 1, { above, below } = breaks[gutter]!, lane = 6 * (this.used[gutter]!++ % 6), before = points[i - 2] ?? x;
        const across = (column + +down) * pitch - METRICS.gutter / 2 + lane - 12;
        put(before, down ? above + 8 + lane : below - 8 - lane);
        out.push(across, out.at(-1)!);
        column += down ? 1 : -1;
        const entry = (down ? below - 8 - lane : above + 8 + lane) + this.rise(column);
        out.push(across, entry, x + column * pitch, entry);
        crossed = true;
      }
      put(x, y);
    }
    return crossed ? { ...route, points: out, column: true } : route;
  }
}
