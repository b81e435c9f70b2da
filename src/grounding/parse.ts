/**
 * Reads a model's answer, whole or as it is written, into text and phrases with boxes. Any string is read; none throws.
 *
 * Paper section 3.2. The grammar, with the tags of either dialect (`release` in brackets):
 *
 *     answer  = { text | phrase }
 *     phrase  = "<g>" text "</g>" "<o>" objects "</o>"      ("<ground>" "</ground>" "<objects>" "</objects>")
 *     objects = index { index } | "None" | ""               "None" or nothing: no object of the image fits
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

import { type AnswerToken, createAnswerLexer } from './answer-lexer.ts';
import { type Dialect, noObjects } from './dialect.ts';
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

/** Reads a whole answer about an image with `boxCount` boxes. */
export function parseAnswer(source: string, options: { dialect: Dialect; boxCount: number }): ParsedAnswer {
  const parser = createAnswerParser(options);
  parser.push(source);
  parser.end();
  return parser.answer;
}

/** Reads an answer piece by piece; how it is cut into pieces changes nothing but how its text is cut into events. */
export function createAnswerParser({ dialect, boxCount }: { dialect: Dialect; boxCount: number }): AnswerParser {
  const lexer = createAnswerLexer(dialect);
  const reader = new AnswerReader(boxCount);
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

/** The state of reading: one method per place of the grammar one can be in. */
class AnswerReader {
  readonly answer: ParsedAnswer = { spans: [], sources: [], issues: [] };
  #events: AnswerEvent[] = [];
  #mode: 'text' | 'phrase' | 'afterPhrase' | 'list' = 'text';
  /** Where the token being taken begins. */
  #position = 0;
  /** Text whose meaning the next token decides: spaces after a phrase, or anything in a list. */
  #pending = '';
  readonly #boxCount: number;

  constructor(boxCount: number) {
    this.#boxCount = boxCount;
  }

  take(token: AnswerToken): void {
    if (this.#mode === 'text') this.#inText(token);
    else if (this.#mode === 'phrase') this.#inPhrase(token);
    else if (this.#mode === 'afterPhrase') this.#afterPhrase(token);
    else this.#inList(token);
    this.#position += token.source.length;
  }

  end(): void {
    if (this.#mode === 'text') return;
    const spaces = this.#mode === 'afterPhrase' ? this.#takePending() : '';
    if (this.#mode === 'list') this.#flushList(false);
    this.#report('truncated', '', this.#position - spaces.length);
    this.#closePhrase();
    if (spaces !== '') this.#inText({ kind: 'text', source: spaces });
  }

  drain(): AnswerEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #inText(token: AnswerToken): void {
    if (token.kind === 'phraseStart') {
      this.#openPhrase(token.source);
      this.#mode = 'phrase';
    } else if (token.kind === 'objectsStart') {
      this.#report('objects-without-phrase', token.source);
      this.#openPhrase(token.source);
      this.#mode = 'list';
    } else {
      if (this.answer.spans.at(-1)?.kind !== 'text') this.#openSpan({ kind: 'text', text: '' });
      this.#addTextOrReport(token);
    }
  }

  #inPhrase(token: AnswerToken): void {
    if (token.kind === 'phraseEnd') {
      this.#keepSource(token.source);
      this.#mode = 'afterPhrase';
    } else if (token.kind === 'objectsStart') {
      this.#report('missing-phrase-end', token.source);
      this.#keepSource(token.source);
      this.#mode = 'list';
    } else if (token.kind === 'phraseStart') {
      this.#report('missing-phrase-end', token.source);
      this.#closePhrase();
      this.#inText(token);
    } else this.#addTextOrReport(token);
  }

  #afterPhrase(token: AnswerToken): void {
    if (token.kind === 'text' && token.source.trim() === '') {
      this.#pending += token.source;
      return;
    }
    const spaces = this.#takePending();
    const position = this.#position - spaces.length;
    if (token.kind === 'objectsStart') {
      if (spaces !== '') this.#report('unexpected-text', spaces, position);
      this.#keepSource(spaces + token.source);
      this.#mode = 'list';
      return;
    }
    this.#report('missing-objects', '', position);
    this.#closePhrase();
    if (spaces !== '') this.#inText({ kind: 'text', source: spaces });
    this.#inText(token);
  }

  #inList(token: AnswerToken): void {
    if (token.kind === 'text') {
      this.#pending += token.source;
      return;
    }
    this.#flushList(token.kind === 'objectsEnd');
    if (token.kind === 'phraseStart') {
      this.#report('missing-objects-end', token.source);
      this.#closePhrase();
      this.#inText(token);
      return;
    }
    this.#keepSource(token.source);
    const { objects } = this.#phrase;
    if (token.kind === 'objectsEnd') this.#closePhrase();
    else if (token.kind !== 'object') this.#report('unexpected-tag', token.source);
    else if (token.index >= this.#boxCount) this.#report('object-out-of-range', token.source);
    else if (objects.includes(token.index)) this.#report('repeated-object', token.source);
    else objects.push(token.index);
  }

  /** Text and stray indices belong to the last span; other tags have no place in it. */
  #addTextOrReport(token: AnswerToken): void {
    this.#keepSource(token.source);
    if (token.kind === 'object') this.#report('object-outside-list', token.source);
    else if (token.kind !== 'text') {
      this.#report('unexpected-tag', token.source);
      return;
    }
    this.answer.spans[this.answer.spans.length - 1].text += token.source;
    this.#events.push({ kind: 'text', text: token.source });
  }

  /** Judges the text that has come in a list since its last index. */
  #flushList(isClosing: boolean): void {
    const text = this.#takePending();
    this.#keepSource(text);
    const word = text.trim();
    const isNone = word === noObjects && isClosing && this.#phrase.objects.length === 0;
    if (word !== '' && !isNone) this.#report('unexpected-text', text, this.#position - text.length);
  }

  #openPhrase(source: string): void {
    this.#openSpan({ kind: 'phrase', text: '', objects: [] });
    this.#keepSource(source);
    this.#events.push({ kind: 'phrase-start' });
  }

  #closePhrase(): void {
    this.#events.push({ kind: 'phrase-end', objects: [...this.#phrase.objects] });
    this.#mode = 'text';
  }

  get #phrase() {
    return this.answer.spans.at(-1) as Extract<Span, { kind: 'phrase' }>;
  }

  #openSpan(span: Span): void {
    this.answer.spans.push(span);
    this.answer.sources.push('');
  }

  #keepSource(source: string): void {
    this.answer.sources[this.answer.sources.length - 1] += source;
  }

  #takePending(): string {
    const text = this.#pending;
    this.#pending = '';
    return text;
  }

  #report(kind: IssueKind, found: string, position = this.#position): void {
    const issue = { kind, position, found };
    this.answer.issues.push(issue);
    this.#events.push({ kind: 'issue', issue });
  }
}
