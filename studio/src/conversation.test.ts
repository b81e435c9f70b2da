import { expect, test } from 'vitest';
import { earlierTurns, messagesOf } from './conversation.ts';
import type { Answer, Box, StudioImage } from './model.ts';

const box = (id: string): Box => ({ id, box: [0, 0, 9, 9], score: 0.9, source: 'found' });

const answer = (changed: Partial<Answer>): Answer => ({
  ...{ id: 'x', task: 'ask', asked: '', question: 'What?', text: 'A cat and a dog.', status: 'done' },
  ...{ granularity: 'both', boxes: ['a', 'b', 'c'] },
  phrases: [
    { start: 2, end: 5, text: 'cat', boxes: ['a', 'c'] },
    { start: 12, end: 15, text: 'dog', boxes: ['b'] },
    { start: 0, end: 1, text: 'A', boxes: [] },
  ],
  ...changed,
});

const image = (boxes: readonly string[], answers: readonly Answer[]): StudioImage => ({
  ...{ id: 'i', name: 'a.png', file: new Blob(), width: 10, height: 10, status: 'ready', granularity: 'both' },
  ...{ minScore: 0, maxOverlap: 1, past: [], future: [], boxes: boxes.map(box), answers },
});

test('boxes of earlier answers have the numbers of now, and a phrase whose boxes are gone is text', () => {
  const { turns } = earlierTurns(image(['c', 'a'], [answer({})]));
  expect(turns[0].phrases).toEqual([
    { start: 2, end: 5, objects: [1, 0] },
    // What meant nothing from the beginning still does.
    { start: 0, end: 1, objects: [] },
  ]);
});

test('earlier questions go first to last, without those that failed, captions, and boxes that are gone', () => {
  const answers = [
    answer({ question: 'last <obj2>' }),
    answer({ question: 'gone <obj1>' }),
    answer({ status: 'failed' }),
    answer({ task: 'caption' }),
    answer({ question: 'first <obj0> <obj77>' }),
  ];
  const { turns, leftOut } = earlierTurns(image(['c', 'a'], answers));
  expect(turns.map(({ question }) => question)).toEqual(['first <obj1> <obj77>', 'last <obj0>']);
  expect(leftOut).toBe(1);
});

test('the image goes with the first question alone, and answers with what they meant', () => {
  const { turns } = earlierTurns(image(['a', 'b', 'c'], [answer({})]));
  const messages = messagesOf('image', turns, 'And now?');
  expect(messages).toEqual([
    { role: 'user', content: ['image', { type: 'text', text: 'What?' }] },
    { role: 'assistant', content: 'A cat and a dog.', grounding: { phrases: turns[0].phrases } },
    { role: 'user', content: 'And now?' },
  ]);
});
