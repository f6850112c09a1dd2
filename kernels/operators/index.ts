import { operatorKey, type Operator } from './operator.ts';
import type { Registry } from './infer.ts';
import { elementwise } from './elementwise.ts';
import { comparison } from './comparison.ts';
import { reductions } from './reductions.ts';
import { shapeOperators } from './shaping.ts';
import { indexing } from './indexing.ts';
import { contractions } from './contractions.ts';
import { convolution } from './convolution.ts';
import { columnOperators } from './columns.ts';
import { pooling } from './pooling.ts';
import { roiAlign } from './roiAlign.ts';
import { normalization } from './normalization.ts';
import { activations } from './activations.ts';
import { losses } from './losses.ts';
import { quantization } from './quantization.ts';
import { stops } from './stops.ts';
import { customGradient } from './customGradient.ts';
import { controlFlow } from './controlFlow.ts';
import { recurrent } from './recurrent.ts';
import { sequences } from './sequences.ts';
import { image } from './image.ts';
import { linalg } from './linalg.ts';
import { signal } from './signal.ts';
import { attentionOperators } from './attention.ts';
import { contribOperators } from './contrib.ts';
import { contribAttention } from './contribAttention.ts';
import { contribQuantized } from './contribQuantized.ts';
import { mlOperators } from './ml.ts';
import { specialFunctions } from './specialFunctions.ts';
import { tensorflow } from './tensorflow.ts';
import { mlClassifiers } from './mlClassifiers.ts';
import { training } from './training.ts';

/** Every operator that we know, by domain and name. */
export const OPERATORS: Registry = new Map<string, Operator>(
  [
    elementwise, comparison, reductions, shapeOperators, indexing, contractions, convolution, columnOperators, pooling, roiAlign, normalization, activations,
    losses, quantization, stops, [customGradient], controlFlow, recurrent, sequences, image, linalg, signal, attentionOperators, contribOperators, contribAttention, contribQuantized, mlOperators, mlClassifiers, training, tensorflow, specialFunctions,
  ].flat().map(o => [operatorKey(o.op, o.domain ?? ''), o]),
);
