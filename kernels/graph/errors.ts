/** What kind of failure a person sees; the command line's exit status follows from it (docs: reference of the command line). */
export type ErrorCode =
  /** The call is wrong: unknown value, missing target, wrong shape. */
  | 'usage'
  /** The file cannot be read: not a model, damaged, refused for safety. */
  | 'file'
  /** Something on the way has no gradient and was asked for. */
  | 'no-gradient'
  /** The run failed: out of memory, time-out, kernel error, provider missing. */
  | 'run'
  | 'cancelled';

export interface ErrorPlace {
  readonly file?: string;
  readonly node?: string;
  readonly op?: string;
}

/** What went wrong, for a person: which file, which node, what to do. Anything else that is thrown is a bug. */
export class UserError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    /** What the person can do about it, one sentence. */
    readonly remedy = '',
    readonly place: ErrorPlace = {},
  ) {
    super(message);
    this.name = 'UserError';
  }
}
