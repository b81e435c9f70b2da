/** Names and messages on a terminal: on one line, and nothing in them that a terminal would obey. */

/**
 * Text of any origin without line breaks, escape sequences and marks that reorder text.
 * @example oneLine('a\nb') // 'a?b'
 */
export const oneLine = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/gu, '?');
