import { UserError } from '../../graph/errors.ts';
import type { Graph, Node } from '../../graph/graph.ts';
import { readAttributes, type Edit } from './edit.ts';

/**
 * Scan-8 runs over axis 1 for each element of a batch (axis 0). Here: a Scan over the batch whose body is the Scan over time.
 * @throws UserError('file') where sequence lengths are given: no exporter ever wrote them
 */
export function batchScan(node: Node, e: Edit): Node {
  const a = readAttributes(node), body = a.graph('body'), [lengths, ...values] = node.inputs as [string, ...string[]];
  if (lengths) throw new UserError('file', `${node.name}: Scan of operator set 8 with sequence lengths is not supported`, 'Convert the model to operator set 9 or later.', { node: node.name, op: 'Scan' });
  if (!body) return { ...node, inputs: values };
  const scans = a.int('num_scan_inputs', 0), states = values.length - scans, directions = a.ints('directions');
  const inner: Node = {
    name: e.fresh('Scan'), op: 'Scan', domain: '', origin: node.origin ?? node.name,
    inputs: values.map(() => e.fresh('element')), outputs: node.outputs.map(() => e.fresh('result')),
    attributes: {
      body: { kind: 'graph', value: body }, num_scan_inputs: { kind: 'int', value: scans },
      ...(directions && { scan_input_directions: { kind: 'ints', value: directions } }),
    },
  };
  const outer: Graph = {
    ...body, name: `${body.name}.batch`, nodes: [inner], initializers: new Map(), types: new Map(),
    inputs: inner.inputs.map(name => ({ name })), outputs: inner.outputs.map(name => ({ name })),
  };
  // Nothing is carried from one element of the batch to the next: states and sequences are all scanned.
  return {
    ...node, inputs: values,
    attributes: { body: { kind: 'graph', value: outer }, num_scan_inputs: { kind: 'int', value: states + scans } },
  };
}
