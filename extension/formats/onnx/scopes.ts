/**
 * Where a node belongs, from what the exporter left: torch's name scopes, else the path in the node's name (`/layers/0/conv/Conv`),
 * else nothing.
 */
export function scopeOf(metadata: Readonly<Record<string, string>> | undefined, name: string, output: string): readonly string[] | undefined {
  const scopes = metadata?.['pkg.torch.onnx.name_scopes'];
  if (scopes) {
    // A Python list as text; each entry is the full dotted path, the last one the operator's own.
    const paths = [...scopes.matchAll(/'([^']*)'/g)].map(m => m[1]!), module = paths.slice(0, -1).at(-1);
    return module ? module.split('.') : undefined;
  }
  const path = name.includes('/') ? name : output.includes('/') ? output : '';
  if (!path) return undefined;
  const parts = path.split('/').filter(Boolean);
  return parts.length > 1 ? parts.slice(0, -1) : undefined;
}
