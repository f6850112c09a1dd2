import { subgraphsOf, type Attribute, type Graph, type Node } from '../../graph/graph.ts';

/**
 * Stops as ONNX files hold them, made operators of our own: an operator of a custom domain that is named so, and an Identity
 * whose metadata says that it was `aten.detach` (what torch's exporter leaves when it does not optimise).
 */
export function recogniseStops(graph: Graph): Graph {
  let changed = false;
  const nodes = graph.nodes.map(node => {
    const found = recognised(node);
    if (found !== node) changed = true;
    return found;
  });
  return changed ? { ...graph, nodes } : graph;
}

function recognised(node: Node): Node {
  if (node.domain !== '' && node.domain !== 'adjoint' && (node.op === 'StopGradient' || node.op === 'PreventGradient')) return { ...node, domain: 'adjoint' };
  if (node.op === 'Identity' && node.domain === '' && isDetach(node)) return { ...node, op: 'StopGradient', domain: 'adjoint', attributes: {} };
  let attributes: Record<string, Attribute> | undefined;
  for (const [name, body] of subgraphsOf(node)) {
    const inner = recogniseStops(body);
    if (inner !== body) (attributes ??= { ...node.attributes })[name] = { kind: 'graph', value: inner };
  }
  return attributes ? { ...node, attributes } : node;
}

/** The node's own target (`call_function[target=torch.ops.aten.detach…`), not a mention among its arguments. */
function isDetach(node: Node): boolean {
  const fx = node.metadata?.['pkg.torch.onnx.fx_node'];
  return !!fx && /target=torch\.ops\.aten\.detach_?\b/.test(fx);
}
