/**
 * An answer for a terminal: phrases on the colour of their boxes, followed by the boxes' indices.
 */
import type { GroundedText } from '../grounding/grounded-text.ts';
import { showSpans } from './phrases.ts';

/**
 * With `colour`, 24-bit ANSI colours (black on the box's colour: readable on light and dark terminals); without, plain
 * text. Control characters in the answer are removed, so that no answer can move the cursor or retitle the window.
 * @example groundedAnswerAnsi(answer, { colour: false }) // 'Two dogs [0, 3] beside a man [1].'
 */
export function groundedAnswerAnsi(answer: GroundedText, { colour }: { readonly colour: boolean }): string {
  return showSpans(answer)
    .map((span) => {
      const text = printable(span.text);
      if (span.colour === undefined) return text;
      const boxes = `[${span.objects.join(', ')}]`;
      if (!colour) return `${text} ${boxes}`;
      return `\u001b[48;2;${span.colour.join(';')};38;2;0;0;0m${text}\u001b[0m \u001b[2m${boxes}\u001b[0m`;
    })
    .join('');
}

/** Keeps line breaks and tabs; drops escapes, other control characters and marks that reorder text. */
function printable(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n\t]|[\p{Cs}\u202A-\u202E\u2066-\u2069]/gu, '');
}
