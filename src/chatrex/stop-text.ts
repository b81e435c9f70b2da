/**
 * Ends an answer where it comes to one of the caller's stop texts, which is left out of it, as OpenAI's `stop` does.
 *
 * Stop texts are looked for in what a person reads: markers of phrases and boxes lie between its characters and take no
 * part.
 */

import { ChatRexError } from '../errors.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import type { AnswerEvent } from '../grounding/parse.ts';

/** Passes events on as soon as no stop text can begin before them. */
export class StopText {
  readonly #stops: readonly string[];
  #text = '';
  /** UTF-16 units of the text that were passed on. */
  #released = 0;
  /** Events but texts that wait for the text before them, with their place in it. */
  #waiting: { event: Exclude<AnswerEvent, { kind: 'text' }>; position: number }[] = [];
  #isInPhrase = false;
  #stoppedAt: number | undefined;

  /** @throws ChatRexError 'invalid-argument' for an empty stop text */
  constructor(stops: readonly string[]) {
    if (stops.includes('')) {
      throw new ChatRexError('invalid-argument', 'stop: expected texts of at least one character, came an empty one');
    }
    this.#stops = stops;
  }

  /** Where the answer's text ends; undefined as long as no stop text came. */
  get stoppedAt(): number | undefined {
    return this.#stoppedAt;
  }

  /** @returns the events that are certain; once a stop text came, those that end the answer, and later nothing */
  push(events: readonly AnswerEvent[]): AnswerEvent[] {
    if (this.#stops.length === 0) return [...events];
    const certain: AnswerEvent[] = [];
    for (const event of events) {
      if (this.#stoppedAt !== undefined) break;
      if (event.kind !== 'text') this.#waiting.push({ event, position: this.#text.length });
      else {
        this.#text += event.text;
        this.#stoppedAt = this.#findStop();
      }
      certain.push(...this.#release(this.#stoppedAt ?? this.#text.length - this.#heldBack()));
      if (this.#stoppedAt !== undefined) certain.push(...this.#closePhrase());
    }
    return certain;
  }

  /** What was held back, when nothing more comes. */
  end(): AnswerEvent[] {
    return this.#stoppedAt === undefined ? this.#release(this.#text.length, true) : [];
  }

  #findStop(): number | undefined {
    const places = this.#stops.map((stop) => this.#text.indexOf(stop, this.#released)).filter((place) => place >= 0);
    return places.length > 0 ? Math.min(...places) : undefined;
  }

  /** Length of the longest end of the text with which a stop text may begin. */
  #heldBack(): number {
    const lengths = this.#stops.map((stop) => {
      let length = Math.min(stop.length - 1, this.#text.length - this.#released);
      while (length > 0 && !this.#text.endsWith(stop.slice(0, length))) length--;
      return length;
    });
    return Math.max(0, ...lengths);
  }

  #release(until: number, isLast = false): AnswerEvent[] {
    const events: AnswerEvent[] = [];
    const releaseText = (end: number) => {
      if (end > this.#released) events.push({ kind: 'text', text: this.#text.slice(this.#released, end) });
      this.#released = Math.max(this.#released, end);
    };
    while (this.#waiting.length > 0 && this.#isCertain(until, isLast)) {
      const { event, position } = this.#waiting.shift()!;
      releaseText(position);
      if (event.kind !== 'issue') this.#isInPhrase = event.kind === 'phrase-start';
      events.push(event);
    }
    releaseText(until);
    return events;
  }

  /**
   * Whether the first waiting event belongs to the text up to `until`; a phrase does with its first character or its
   * end.
   */
  #isCertain(until: number, isLast: boolean): boolean {
    const [{ event, position }] = this.#waiting;
    if (position !== until) return position < until;
    return this.#stoppedAt === undefined && (isLast || event.kind !== 'phrase-start' || this.#waiting.length > 1);
  }

  /** A phrase that the stop text cut keeps its boxes if they are known. */
  #closePhrase(): AnswerEvent[] {
    if (!this.#isInPhrase) return [];
    const end = this.#waiting.find(({ event }) => event.kind === 'phrase-end')?.event;
    return [end ?? { kind: 'phrase-end', objects: [] }];
  }
}

/** The spans of a text up to `end`, which counts UTF-16 units; spans that begin there or later are left out. */
export function cutSpans(spans: GroundedText, end: number): GroundedText {
  let position = 0;
  return spans.flatMap((span) => {
    const start = position;
    position += span.text.length;
    return start < end ? [{ ...span, text: span.text.slice(0, end - start) }] : [];
  });
}
