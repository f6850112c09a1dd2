import textformat from 'protobufjs/ext/textformat.js';
import { UserError } from '../../../kernels/graph/errors.ts';
import { messageType } from './schema.ts';

/** Longest text that is parsed, in characters. */
export const LONGEST_TEXT = 256 * 2 ** 20;

/**
 * A message of type `tensorflow.NAME` in protobuf's text format, encoded as binary: from there on both forms are read by the
 * same code. Throws UserError('file') with the line of the damage.
 */
export function parseText(name: string, text: string, file: string, path?: string): Uint8Array {
  const type = messageType(name);
  try {
    return type.encode(textformat.fromText(type, text)).finish();
  } catch (error) {
    if (error instanceof RangeError) throw new UserError('file', `${file} is nested too deeply to be read`, '', path === undefined ? {} : { file: path });
    const why = (error as Error).message.replaceAll('.tensorflow.', '');
    throw new UserError('file', `${file} is no ${name} in text form: ${why}`, 'Check the line that is named, or export the model again.', path === undefined ? {} : { file: path });
  }
}
