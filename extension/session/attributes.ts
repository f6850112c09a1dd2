import type { Attribute } from '../../kernels/graph/graph.ts';

/** An attribute in a few words. */
export function attributeText(a: Attribute): string {
  switch (a.kind) {
    case 'tensor': return `${a.value.dtype} ${a.value.dims.join('×') || 'scalar'}`;
    case 'graph': return `graph of ${a.value.nodes.length} nodes`;
    case 'ints': case 'floats': case 'strings': return a.value.length > 12 ? `[${a.value.slice(0, 12).join(', ')}, … ${a.value.length}]` : `[${a.value.join(', ')}]`;
    case 'string': return JSON.stringify(a.value.length > 80 ? `${a.value.slice(0, 79)}…` : a.value);
    default: return String(a.value);
  }
}
