import type { Family, Lowering } from './context.ts';
import { math } from './math.ts';

const FAMILIES: readonly Family[] = [math];

/** Every operator of TensorFlow that is lowered node by node, by name. */
export const LOWERINGS: ReadonlyMap<string, Lowering> = new Map(FAMILIES.flatMap(f => Object.entries(f)));
