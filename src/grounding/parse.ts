/**
 * Reads a model's answer, whole or as it is written, into text and phrases with boxes. Any string is read; none throws.
 *
 * Paper section 3.2. The grammar, with the tags of either dialect (`release` in brackets):
 *
 *     answer  = { text | phrase }
 *     phrase  = "<g>" text "</g>" "<o>" objects "</o>"      ("<ground>" "</ground>" "<objects>" "</objects>")
 *     objects = index { index } | "None" | ""               "None" or nothing: no object of the picture fits
 *     index   = "<obj" number ">"                           number without leading zeros, below the number of boxes
 *     text    = any characters that are none of the tags and no index
 *
 * Spaces around and between indices mean nothing. What is not of this form is read like this, each time with an issue:
 *
 *     a closing tag that closes nothing          left out of the text
 *     an index outside an object list            kept as text, as it is written
 *     a phrase not closed before its list        closed there
 *     a phrase without a list                    a phrase without boxes
 *     a list without a phrase                    a phrase without text
 *     spaces between a phrase and its list       left out; other text there ends the phrase
 *     text in a list, an index twice, too large  left out of the list
 *     a list not closed before the next phrase   closed there
 *     the end inside a phrase or list            closed there; a half-written tag is text
 *
 * Unlike the official reader, a phrase that comes twice keeps its boxes twice, and an index out of range is reported.
 */

import { type Dialect, noObjects } from '../prompt/special-tokens.ts';
import { type AnswerToken, createAnswerLexer } from './answer-lexer.ts';
import type { GroundedText, Span } from './grounded-text.ts';

export type IssueKind =
  | 'unexpected-tag'
  | 'unexpected-text'
  | 'missing-phrase-end'
  | 'missing-objects'
  | 'missing-objects-end'
  | 'objects-without-phrase'
  | 'object-outside-list'
  | 'object-out-of-range'
  | 'repeated-object'
  | 'truncated';

/** Something in an answer that is not of the grammar. `position` counts UTF-16 units from its start. */
export interface AnswerIssue {
  kind: IssueKind;
  position: number;
  /** What stands there; empty where something is missing. */
  found: string;
}

/** What happens while an answer is read. Text between `phrase-start` and `phrase-end` is the phrase's. */
export type AnswerEvent =
  | { kind: 'text'; text: string }
  | { kind: 'phrase-start' }
  | { kind: 'phrase-end'; objects: number[] }
  | { kind: 'issue'; issue: AnswerIssue };

export interface ParsedAnswer {
  spans: GroundedText;
  /** How each span was spelled; joined they are the answer, character for character. */
  sources: string[];
  issues: AnswerIssue[];
}

export interface AnswerParser {
  push(chunk: string): AnswerEvent[];
  /** Closes what is open. Nothing may be pushed afterwards. */
  end(): AnswerEvent[];
  /** Everything read so far. */
  readonly answer: ParsedAnswer;
}

/** Reads a whole answer about a picture with `boxCount` boxes. */
export function parseAnswer(source: string, options: { dialect: Dialect; boxCount: number }): ParsedAnswer {
  const parser = createAnswerParser(options);
  parser.push(source);
  parser.end();
  return parser.answer;
}

/** Reads an answer piece by piece; how it is cut into pieces changes nothing but how its text is cut into events. */
export function createAnswerParser({ dialect, boxCount }: { dialect: Dialect; boxCount: number }): AnswerParser {
  const lexer = createAnswerLexer(dialect);
  const reader = createReader(boxCount);
  return {
    answer: reader.answer,
    push(chunk) {
      for (const token of lexer.push(chunk)) reader.take(token);
      return reader.drain();
    },
    end() {
      for (const token of lexer.end()) reader.take(token);
      reader.end();
      return reader.drain();
    },
  };
}

type Phrase = Extract<Span, { kind: 'phrase' }>;
type Mode = 'text' | 'phrase' | 'after-phrase' | 'list';

function createReader(boxCount: number) {
  const spans: GroundedText = [];
  const sources: string[] = [];
  const issues: AnswerIssue[] = [];
  let events: AnswerEvent[] = [];
  let mode: Mode = 'text';
  /** Where the token being taken begins. */
  let position = 0;
  /** Text whose meaning the next token decides: spaces after a phrase, or anything in a list. */
  let pending = '';

  const report = (kind: IssueKind, found: string, at = position) => {
    const issue = { kind, position: at, found };
    issues.push(issue);
    events.push({ kind: 'issue', issue });
  };
  const phrase = () => spans[spans.length - 1] as Phrase;
  const keepSource = (source: string) => {
    sources[sources.length - 1] += source;
  };
  const openSpan = (span: Span) => {
    spans.push(span);
    sources.push('');
  };
  const addText = (text: string) => {
    spans[spans.length - 1].text += text;
    keepSource(text);
    if (text !== '') events.push({ kind: 'text', text });
  };
  /** Makes the last span a text span that can be added to. */
  const enterText = () => {
    if (spans.at(-1)?.kind !== 'text') openSpan({ kind: 'text', text: '' });
  };
  const openPhrase = (source: string, next: Mode) => {
    openSpan({ kind: 'phrase', text: '', objects: [] });
    keepSource(source);
    events.push({ kind: 'phrase-start' });
    mode = next;
  };
  const closePhrase = () => {
    events.push({ kind: 'phrase-end', objects: [...phrase().objects] });
    mode = 'text';
  };
  const takePending = () => {
    const text = pending;
    pending = '';
    return text;
  };
  const flushList = (isClosing: boolean) => {
    const text = takePending();
    keepSource(text);
    const word = text.trim();
    const isNone = word === noObjects && isClosing && phrase().objects.length === 0;
    if (word !== '' && !isNone) report('unexpected-text', text, position - text.length);
  };

  const inText = (token: AnswerToken) => {
    if (token.kind === 'phraseStart') return openPhrase(token.source, 'phrase');
    if (token.kind === 'objectsStart') {
      report('objects-without-phrase', token.source);
      return openPhrase(token.source, 'list');
    }
    enterText();
    if (token.kind === 'text') return addText(token.source);
    if (token.kind === 'object') {
      report('object-outside-list', token.source);
      return addText(token.source);
    }
    report('unexpected-tag', token.source);
    keepSource(token.source);
  };

  const inPhrase = (token: AnswerToken) => {
    switch (token.kind) {
      case 'text':
        return addText(token.source);
      case 'object':
        report('object-outside-list', token.source);
        return addText(token.source);
      case 'phraseEnd':
        keepSource(token.source);
        mode = 'after-phrase';
        return;
      case 'objectsStart':
        report('missing-phrase-end', token.source);
        keepSource(token.source);
        mode = 'list';
        return;
      case 'phraseStart':
        report('missing-phrase-end', token.source);
        closePhrase();
        return inText(token);
      default:
        report('unexpected-tag', token.source);
        keepSource(token.source);
    }
  };

  const afterPhrase = (token: AnswerToken) => {
    if (token.kind === 'text' && token.source.trim() === '') {
      pending += token.source;
      return;
    }
    const spaces = takePending();
    if (token.kind === 'objectsStart') {
      if (spaces !== '') report('unexpected-text', spaces, position - spaces.length);
      keepSource(spaces + token.source);
      mode = 'list';
      return;
    }
    report('missing-objects', '', position - spaces.length);
    closePhrase();
    if (spaces !== '') inText({ kind: 'text', source: spaces });
    inText(token);
  };

  const inList = (token: AnswerToken) => {
    if (token.kind === 'text') {
      pending += token.source;
      return;
    }
    flushList(token.kind === 'objectsEnd');
    if (token.kind === 'phraseStart') {
      report('missing-objects-end', token.source);
      closePhrase();
      return inText(token);
    }
    keepSource(token.source);
    if (token.kind === 'objectsEnd') return closePhrase();
    if (token.kind !== 'object') return report('unexpected-tag', token.source);
    if (token.index >= boxCount) report('object-out-of-range', token.source);
    else if (phrase().objects.includes(token.index)) report('repeated-object', token.source);
    else phrase().objects.push(token.index);
  };

  const handlers: Record<Mode, (token: AnswerToken) => void> = {
    text: inText,
    phrase: inPhrase,
    'after-phrase': afterPhrase,
    list: inList,
  };
  return {
    answer: { spans, sources, issues } satisfies ParsedAnswer,
    take(token: AnswerToken) {
      handlers[mode](token);
      position += token.source.length;
    },
    end() {
      if (mode === 'text') return;
      const spaces = mode === 'after-phrase' ? takePending() : '';
      if (mode === 'list') flushList(false);
      report('truncated', '', position - spaces.length);
      closePhrase();
      if (spaces !== '') inText({ kind: 'text', source: spaces });
    },
    drain() {
      const drained = events;
      events = [];
      return drained;
    },
  };
}
