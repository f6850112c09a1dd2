import type { Operator } from './operator.ts';
import { like } from './shapes.ts';

const identity: Operator['expand'] = c => [c.op('Identity', [c.x[0]])];

/** What the file or the person put there to hold a gradient back. ONNX has none of these: the domain is our own. */
export const stops: readonly Operator[] = [
  { op: 'StopGradient', domain: 'adjoint', noGradient: 'stop-gradient', native: false, infer: like(), expand: identity, formula: 'y = x; nothing flows back' },
  { op: 'PreventGradient', domain: 'adjoint', noGradient: 'prevent-gradient', native: false, infer: like(), expand: identity, formula: 'y = x; asking for a gradient through it is an error' },
];
