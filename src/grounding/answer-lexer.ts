/** Cuts a streamed answer into tags, index tokens and text, holding back only what may still become a tag. */

import type { Dialect } from './dialect.ts';

export type AnswerToken =
  | { kind: 'text' | keyof Dialect; source: string }
  | { kind: 'object'; index: number; source: string };

/** An index token; longer numbers are text, so that no answer can make the lexer wait without end. */
const objectPattern = '<obj(0|[1-9]\\d{0,5})>';
const objectBeginning = /^<obj(0|[1-9]\d{0,5})?$/;

export interface AnswerLexer {
  push(chunk: string): AnswerToken[];
  /** What was held back, as text. */
  end(): AnswerToken[];
}

interface Tables {
  kindOf: Map<string, keyof Dialect>;
  /** Every proper beginning of a tag. */
  beginnings: Set<string>;
  pattern: RegExp;
}
const tables = new WeakMap<Dialect, Tables>();

function tablesOf(dialect: Dialect): Tables {
  const known = tables.get(dialect);
  if (known) return known;
  const kindOf = new Map(Object.entries(dialect).map(([kind, tag]) => [tag as string, kind as keyof Dialect]));
  const beginnings = new Set(['<', '<o', '<ob']);
  for (const tag of kindOf.keys()) {
    for (let length = 1; length < tag.length; length++) beginnings.add(tag.slice(0, length));
  }
  const made = { kindOf, beginnings, pattern: new RegExp([objectPattern, ...kindOf.keys()].join('|'), 'g') };
  tables.set(dialect, made);
  return made;
}

export function createAnswerLexer(dialect: Dialect): AnswerLexer {
  const { kindOf, beginnings, pattern } = tablesOf(dialect);
  let held = '';

  const text = (source: string): AnswerToken[] => (source === '' ? [] : [{ kind: 'text', source }]);
  return {
    push(chunk) {
      const input = held + chunk;
      const tokens: AnswerToken[] = [];
      let end = 0;
      pattern.lastIndex = 0;
      for (let match = pattern.exec(input); match; match = pattern.exec(input)) {
        const [source, digits] = match;
        tokens.push(...text(input.slice(end, match.index)));
        const kind = kindOf.get(source);
        tokens.push(kind ? { kind, source } : { kind: 'object', index: Number(digits), source });
        end = match.index + source.length;
      }
      // A tag has its only `<` in front, so no earlier one can still become a tag.
      const last = input.lastIndexOf('<');
      const tail = last < end ? '' : input.slice(last);
      held = beginnings.has(tail) || objectBeginning.test(tail) ? tail : '';
      tokens.push(...text(input.slice(end, input.length - held.length)));
      return tokens;
    },
    end() {
      const tokens = text(held);
      held = '';
      return tokens;
    },
  };
}
