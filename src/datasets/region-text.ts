/**
 * Texts of data sets that name regions by tokens of their own, as grounded text; everything else in them stays text.
 */

import type { GroundedText, Span, Turn } from '../grounding/grounded-text.ts';

/** What a token of a data set means: the regions and the words that a person reads; undefined leaves it as text. */
export type TokenMeaning = (match: RegExpMatchArray) => { objects: number[]; text: string } | undefined;

/**
 * @param pattern finds tokens; it must be global
 * @example groundedText('Is <region1> red?', /<region(\d+)>/g, ([, n]) => ({ objects: [Number(n) - 1], text: '' }))
 *   // [{ kind: 'text', text: 'Is ' }, { kind: 'phrase', text: '', objects: [0] }, { kind: 'text', text: ' red?' }]
 */
export function groundedText(text: string, pattern: RegExp, meaning: TokenMeaning): GroundedText {
  const spans: Span[] = [];
  let done = 0;
  for (const match of text.matchAll(pattern)) {
    const found = meaning(match);
    if (found === undefined) continue;
    if (match.index > done) spans.push({ kind: 'text', text: text.slice(done, match.index) });
    spans.push({ kind: 'phrase', ...found });
    done = match.index + match[0].length;
  }
  if (done < text.length) spans.push({ kind: 'text', text: text.slice(done) });
  return spans;
}

/** A text without any region. */
export const plainText = (text: string): GroundedText => (text === '' ? [] : [{ kind: 'text', text }]);

/** One side of a conversation. */
export interface Message {
  readonly role: 'user' | 'assistant' | 'system';
  readonly text: string;
}

const roles: Readonly<Record<string, Message['role']>> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  assistant: 'assistant',
  model: 'assistant',
  system: 'system',
};

/** LLaVA's `[{ from, value }, ...]`; a text says what is wrong with it. */
export function llavaMessages(value: unknown): Message[] | string {
  if (!Array.isArray(value) || value.length === 0) return 'conversations is not a list with entries';
  const messages: Message[] = [];
  for (const entry of value) {
    const { from, value: text } = (entry ?? {}) as { from?: unknown; value?: unknown };
    const role = typeof from === 'string' && Object.hasOwn(roles, from) ? roles[from] : undefined;
    if (role === undefined || typeof text !== 'string') return 'an entry of conversations has no from and value';
    messages.push({ role, text });
  }
  return messages;
}

/** Removes the image's token from the start or end of the first question. Anywhere else it is text. */
export function withoutImageToken(text: string): string {
  if (text.startsWith('<image>')) return text.slice('<image>'.length).replace(/^\s*\n|^ +/, '');
  if (text.endsWith('<image>')) return text.slice(0, -'<image>'.length).replace(/\n\s*$| +$/, '');
  return text;
}

/**
 * Questions with their answers. What a system message says is put before the first question; a question that has no
 * answer at the end is left out.
 * @returns a text that says what is wrong where question and answer do not take turns
 */
export function turnsOf(
  messages: readonly Message[],
  ground: (text: string, role: 'user' | 'assistant') => GroundedText,
): Turn[] | string {
  const turns: Turn[] = [];
  let system = '';
  let question: string | undefined;
  for (const { role, text } of messages) {
    if (role === 'system') system += `${text}\n\n`;
    else if (role === 'user') {
      if (question !== undefined) return 'two questions without an answer between them';
      question = turns.length === 0 ? system + withoutImageToken(text) : text;
    } else {
      if (question === undefined) return 'an answer without a question';
      turns.push({ question: ground(question, 'user'), answer: ground(text, 'assistant') });
      question = undefined;
    }
  }
  return turns.length > 0 ? turns : 'no question has an answer';
}
