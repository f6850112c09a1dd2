declare module 'snappyjs' {
  /** Throws if the data is damaged or longer than `maxLength` bytes. */
  function uncompress(compressed: Uint8Array, maxLength?: number): Uint8Array;
  function compress(bytes: Uint8Array): Uint8Array;
  const snappy: { uncompress: typeof uncompress; compress: typeof compress };
  export default snappy;
}
