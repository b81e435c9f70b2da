/**
 * Errors that a user can meet. One line each: what is wrong, what was expected, what came, and the fix.
 * The CLI prints the message alone and maps `code` to an exit status; libraries only throw.
 */

/** Stable, machine-readable kinds of failure. */
export type ErrorCode =
  | 'invalid-argument'
  | 'invalid-shape'
  | 'invalid-file'
  | 'unsupported'
  | 'weights-mismatch'
  | 'limit-exceeded'
  | 'not-found'
  | 'aborted'
  | 'runtime';

/** The one error class that this project throws on purpose; anything else is a defect. */
export class ChatRexError extends Error {
  override readonly name = 'ChatRexError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
