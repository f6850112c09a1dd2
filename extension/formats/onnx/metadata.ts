import { statSync } from 'node:fs';
import { memorySource, openFile, type ByteSource } from '../byteSource.ts';
import { LENGTH, WireReader } from './wire.ts';

export type Metadata = Readonly<Record<string, string>>;

/** Where a message keeps its doc_string and its metadata_props. */
export interface MetadataFields { readonly doc: number; readonly props: number }
export const NODE_FIELDS: MetadataFields = { doc: 6, props: 9 };
export const VALUE_FIELDS: MetadataFields = { doc: 3, props: 4 };
export const TENSOR_FIELDS: MetadataFields = { doc: 12, props: 16 };

interface Range { readonly store: MetadataStore; readonly start: number; readonly end: number; readonly fields: MetadataFields; decoded?: Metadata }

/**
 * Metadata by byte ranges: a model of 100,000 nodes has 100 MB of it, and a person looks at a few. A range looks like
 * an ordinary record (keys, `in`, spread) and is decoded at the first look. The file is opened again for that, and
 * let go a moment after the last look; if it has changed since, the records are empty.
 */
export class MetadataStore {
  private wire: WireReader | undefined;
  private closer: NodeJS.Timeout | undefined;
  private readonly stamp: string;

  constructor(private readonly source: ByteSource) {
    this.stamp = source.path === undefined ? '' : stampOf(source.path);
  }

  range(start: number, end: number, fields: MetadataFields): Metadata {
    const target: Range = { store: this, start, end, fields };
    return new Proxy(target, handler) as unknown as Metadata;
  }

  decode(range: Range): Metadata {
    try {
      this.wire ??= this.reopen();
      this.wire.seek(range.start);
      return readMetadata(this.wire, range.end, range.fields);
    } catch {
      return {};
    }
  }

  private reopen(): WireReader {
    const { path } = this.source;
    if (path === undefined) return new WireReader(this.source);
    if (stampOf(path) !== this.stamp) return new WireReader(memorySource(this.source.name, new Uint8Array()));
    const source = openFile(path);
    this.closer = setTimeout(() => {
      source.close();
      this.wire = undefined;
    }, 1000);
    this.closer.unref();
    return new WireReader(source);
  }
}

function stampOf(path: string): string {
  const stat = statSync(path);
  return `${stat.ino}:${stat.size}:${stat.mtimeMs}`;
}

/** Reads doc_string and metadata_props of the message from here to `end`; the rest of it is skipped. */
export function readMetadata(wire: WireReader, end: number, fields: MetadataFields): Metadata {
  const all: Record<string, string> = {};
  for (let key = wire.key(end); key; key = wire.key(end)) {
    if (key === ((fields.doc << 3) | LENGTH)) {
      const text = wire.string(end);
      if (text) put(all, 'doc_string', text);
    } else if (key === ((fields.props << 3) | LENGTH)) readEntry(wire, end, (k, v) => put(all, k, v));
    else wire.skip(key, end);
  }
  return all;
}

/** One StringStringEntryProto. */
export function readEntry(wire: WireReader, outer: number, take: (key: string, value: string) => void): void {
  const end = wire.end(outer);
  let name = '', value = '';
  for (let key = wire.key(end); key; key = wire.key(end)) {
    if (key === 10) name = wire.string(end);
    else if (key === 18) value = wire.string(end);
    else wire.skip(key, end);
  }
  take(name, value);
}

/** Sets a key that comes from a file: `__proto__` is a name like any other. */
export function put<T>(record: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__') Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true });
  else record[key] = value;
}

function decoded(range: Range): Metadata {
  return (range.decoded ??= range.store.decode(range));
}

const handler: ProxyHandler<Range> = {
  get: (range, key) => (typeof key === 'string' && Object.hasOwn(decoded(range), key) ? decoded(range)[key] : undefined),
  has: (range, key) => typeof key === 'string' && Object.hasOwn(decoded(range), key),
  ownKeys: range => Object.keys(decoded(range)),
  getOwnPropertyDescriptor: (range, key) => (typeof key === 'string' && Object.hasOwn(decoded(range), key)
    ? { value: decoded(range)[key], enumerable: true, configurable: true, writable: false } : undefined),
  set: () => false,
  deleteProperty: () => false,
  defineProperty: () => false,
};
