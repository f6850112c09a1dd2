/** A map that knows what each entry weighs and which was used last, so that the oldest can be let go. */
export class KeptList<K, V> {
  private readonly entries = new Map<K, { readonly value: V; readonly weight: number }>();
  private total = 0;

  /** @param limit the sum of weights that is kept; the newest entry stays whatever it weighs. */
  constructor(private readonly limit: number) {}

  has(key: K): boolean {
    return this.entries.has(key);
  }

  /** The value, which becomes the newest. */
  use(key: K): V | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  add(key: K, value: V, weight: number): void {
    this.delete(key);
    this.entries.set(key, { value, weight });
    this.total += weight;
  }

  delete(key: K): boolean {
    this.total -= this.entries.get(key)?.weight ?? 0;
    return this.entries.delete(key);
  }

  clear(): void {
    this.entries.clear();
    this.total = 0;
  }

  find(wanted: (value: V) => boolean): V | undefined {
    for (const { value } of this.entries.values()) if (wanted(value)) return value;
    return undefined;
  }

  /** Lets the oldest go until `room` more fits into the limit, and says which. The newest stays unless room is asked for. */
  evict(room = 0): K[] {
    const gone: K[] = [];
    for (const key of [...this.entries.keys()]) {
      if (this.total + room <= this.limit || (room === 0 && this.entries.size === 1)) break;
      this.delete(key);
      gone.push(key);
    }
    return gone;
  }
}
