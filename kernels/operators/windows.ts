import type { AttributeReader } from '../graph/attributes.ts';
import type { StaticShape } from '../graph/types.ts';

/** A sliding window over the spatial axes: sizes, strides, dilations and the padding that is really used. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Before each axis, then after each axis, as ONNX writes them. */
  readonly pads: readonly number[];
  readonly ceil: boolean;
}

/** Extent of a dilated kernel. */
export const extent = (w: Window, axis: number): number => w.dilations[axis]! * (w.kernel[axis]! - 1) + 1;

/** Reads a window's attributes; `auto_pad` is worked out from the sizes. */
export function windowOf(a: AttributeReader, spatial: StaticShape, kernel: readonly number[]): Window {
  const n = kernel.length, strides = a.ints('strides', Array<number>(n).fill(1)), dilations = a.ints('dilations', Array<number>(n).fill(1));
  const auto = a.string('auto_pad', 'NOTSET'), w = { kernel, strides, dilations, ceil: a.int('ceil_mode', 0) === 1 };
  if (auto === 'NOTSET' || auto === '') return { ...w, pads: a.ints('pads', Array<number>(2 * n).fill(0)) };
  if (auto === 'VALID') return { ...w, pads: Array<number>(2 * n).fill(0) };
  const before: number[] = [], after: number[] = [];
  kernel.forEach((k, i) => {
    const out = Math.ceil(spatial[i]! / strides[i]!), total = Math.max(0, (out - 1) * strides[i]! + dilations[i]! * (k - 1) + 1 - spatial[i]!);
    const small = Math.floor(total / 2), [b, e] = auto === 'SAME_LOWER' ? [total - small, small] : [small, total - small];
    before.push(b!);
    after.push(e!);
  });
  return { ...w, pads: [...before, ...after] };
}

/** Number of positions of the window along each axis. */
export function windowOutput(w: Window, spatial: StaticShape): number[] {
  return spatial.map((d, i) => {
    const before = w.pads[i]!, room = d + before + w.pads[i + spatial.length]! - extent(w, i), steps = room / w.strides[i]!;
    // ONNX Runtime divides integers: a window that is a little too large for its axis still has one position.
    let out = (w.ceil ? Math.ceil(steps) : Math.trunc(steps)) + 1;
    // A window that would start in the padding behind is not there.
    if (w.ceil && (out - 1) * w.strides[i]! >= d + before) out--;
    return out;
  });
}
