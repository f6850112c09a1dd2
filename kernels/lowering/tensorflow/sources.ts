/** Operators whose outputs have to be fed: placeholders, and what a queue or an iterator of a training graph would give. */
export const SOURCES: ReadonlySet<string> = new Set([
  'Placeholder', 'PlaceholderV2', '_Arg', '_DeviceArg', 'IteratorGetNext', 'IteratorGetNextSync', 'OneShotIterator', 'QueueDequeue', 'QueueDequeueV2', 'QueueDequeueMany', 'QueueDequeueManyV2',
  'QueueDequeueUpTo', 'QueueDequeueUpToV2', 'Unstage', 'ReaderReadV2', 'ParseExample', 'ParseExampleV2', 'ParseSingleExample', 'DecodeRaw', 'DecodeJpeg', 'DecodePng', 'DecodeImage',
]);

/** Variables: state that the graph reads. */
export const VARIABLES: ReadonlySet<string> = new Set(['VariableV2', 'Variable', 'VarHandleOp']);
