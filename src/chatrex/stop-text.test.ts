import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnswerEvent } from '../grounding/parse.ts';
import { cutSpans, StopText } from './stop-text.ts';

const text = (value: string): AnswerEvent => ({ kind: 'text', text: value });
const start: AnswerEvent = { kind: 'phrase-start' };
const end = (...objects: number[]): AnswerEvent => ({ kind: 'phrase-end', objects });

function passed(stops: string[], events: AnswerEvent[]) {
  const filter = new StopText(stops);
  const out = [...events.flatMap((event) => filter.push([event])), ...filter.end()];
  return { out, stoppedAt: filter.stoppedAt };
}

const read = (events: AnswerEvent[]) => events.map((event) => (event.kind === 'text' ? event.text : '')).join('');

describe('StopText', () => {
  it('ends the text before the first stop text, however it is cut into pieces', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 4 }), { maxLength: 8 }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 3 }), { maxLength: 3 }),
        (pieces, stops) => {
          const whole = pieces.join('');
          const places = stops.map((stop) => whole.indexOf(stop)).filter((place) => place >= 0);
          const { out, stoppedAt } = passed(
            stops,
            [...whole].map((letter) => text(letter)),
          );
          expect(whole.startsWith(read(out))).toBe(true);
          expect(stops.some((stop) => read(out).includes(stop))).toBe(false);
          expect(stoppedAt !== undefined).toBe(places.length > 0);
          if (places.length === 0) expect(read(out)).toBe(whole);
          expect(read(passed(stops, pieces.map(text)).out).length).toBeLessThanOrEqual(whole.length);
        },
      ),
    );
  });

  it('holds back only what may be the beginning of a stop text', () => {
    const filter = new StopText(['##']);
    expect(filter.push([text('a#')])).toEqual([text('a')]);
    expect(filter.push([text('b')])).toEqual([text('#b')]);
  });

  it('closes the phrase that it cuts, with its boxes when they came', () => {
    expect(passed(['dog'], [start, text('red dog'), end(1)]).out).toEqual([start, text('red '), end()]);
    expect(passed(['g on'], [start, text('dog'), end(1), text(' on')]).out).toEqual([start, text('do'), end(1)]);
  });

  it('leaves out a phrase of which nothing is left', () => {
    expect(passed(['dog'], [text('a '), start, text('dog')]).out).toEqual([text('a ')]);
  });

  it('passes phrases in their order', () => {
    const events = [text('a '), start, text('do'), text('g'), end(0), text('.')];
    expect(passed(['dot'], events).out).toEqual([text('a '), start, text('dog'), end(0), text('.')]);
  });

  it('refuses an empty stop text', () => {
    expect(() => new StopText([''])).toThrow(/stop/);
  });
});

it('cutSpans keeps the text before the end', () => {
  const spans = [
    { kind: 'text' as const, text: 'a ' },
    { kind: 'phrase' as const, text: 'dog', objects: [0] },
    { kind: 'text' as const, text: '.' },
  ];
  expect(cutSpans(spans, 4)).toEqual([spans[0], { kind: 'phrase', text: 'do', objects: [0] }]);
  expect(cutSpans(spans, 2)).toEqual([spans[0]]);
  expect(cutSpans(spans, 9)).toEqual(spans);
});
