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
  | 'diverged'
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

/** @throws ChatRexError 'aborted' after the signal, saying that `what` was cancelled */
export function requireNotAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new ChatRexError('aborted', `${what} was cancelled`, { cause: signal.reason });
}

/**
 * An argument of the wrong type or range, as callers without types give them.
 * @param came shown shortly: text in quotes, objects by their class
 * @example throw wrongArgument('seed', 'a whole number from 0', Number.NaN)
 */
export const wrongArgument = (name: string, expected: string, came: unknown): ChatRexError =>
  new ChatRexError('invalid-argument', `${name}: expected ${expected}, came ${shown(came)}`);

const longestShown = 60;

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, longestShown));
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return `an object (${value.constructor?.name ?? 'without class'})`;
  return String(value);
}
