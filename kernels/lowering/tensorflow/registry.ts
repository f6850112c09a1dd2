import type { Family, Lowering } from './context.ts';
import { arrays } from './arrays.ts';
import { blocksAndPatches } from './blocks.ts';
import { convolution } from './convolution.ts';
import { ctc } from './ctc.ts';
import { diagonals } from './diagonals.ts';
import { image } from './image.ts';
import { indexing } from './indexing.ts';
import { lists } from './lists.ts';
import { linalg } from './linalg.ts';
import { math } from './math.ts';
import { nn } from './nn.ts';
import { normalization } from './normalization.ts';
import { pooling } from './pooling.ts';
import { quantization } from './quantization.ts';
import { quantized } from './quantized.ts';
import { random } from './random.ts';
import { recurrent } from './recurrent.ts';
import { reductions } from './reductions.ts';
import { updates } from './updates.ts';

const FAMILIES: readonly Family[] = [math, reductions, arrays, indexing, convolution, pooling, nn, normalization, linalg, diagonals, blocksAndPatches, image, recurrent, ctc, random, quantization, quantized, lists, updates];

/** Every operator of TensorFlow that is lowered node by node, by name. */
export const LOWERINGS: ReadonlyMap<string, Lowering> = new Map(FAMILIES.flatMap(f => Object.entries(f)));
