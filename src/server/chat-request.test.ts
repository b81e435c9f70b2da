import { describe, expect, it } from 'vitest';
import { answerOptions, chatRequestSchema, conversationOf } from './chat-request.ts';
import { checked } from './http-context.ts';

const image = (url = 'data:a', fields: object = {}) => ({ type: 'image_url', image_url: { url }, ...fields });
const text = (value: string) => ({ type: 'text', text: value });
const user = (...content: unknown[]) => ({ role: 'user', content });
const assistant = (content: string, phrases?: object[]) => ({
  ...{ role: 'assistant', content },
  ...(phrases && { grounding: { phrases } }),
});

const conversation = (...messages: unknown[]) => conversationOf(checked({ messages }, chatRequestSchema).messages);

describe('conversationOf', () => {
  it('makes turns of questions and answers', () => {
    const { turns, image: found } = conversation(
      user(image('data:x', { granularity: 'fine' }), text('One?')),
      assistant('A dog.', [{ start: 2, end: 5, objects: [3] }]),
      { role: 'user', content: 'Two?' },
    );
    expect(turns).toEqual([
      {
        question: 'One?',
        answer: [
          { kind: 'text', text: 'A ' },
          { kind: 'phrase', text: 'dog', objects: [3] },
          { kind: 'text', text: '.' },
        ],
      },
      { question: 'Two?' },
    ]);
    expect(found).toMatchObject({ url: 'data:x', granularity: 'fine', param: 'messages.0.content.0.image_url.url' });
  });

  it('joins messages of a user that follow each other, and parts of a message', () => {
    expect(conversation(user(image()), user(text('One,'), text('or two?'))).turns).toEqual([
      { question: 'One,\nor two?' },
    ]);
    expect(conversation(user(text('What?')), user(image())).turns).toEqual([{ question: 'What?' }]);
  });

  it('takes an answer without grounding as text, and passes over an empty system message', () => {
    const { turns } = conversation(
      { role: 'system', content: ' ' },
      user(image(), text('One?')),
      assistant('Yes.'),
      user(text('Two?')),
    );
    expect(turns[0].answer).toEqual([{ kind: 'text', text: 'Yes.' }]);
  });

  it('takes the same image twice as one, and boxes under either name', () => {
    const boxes = [[1, 2, 3, 4]];
    const { image: found } = conversation(
      user(image('data:a', { boxes }), text('a')),
      assistant('b'),
      user(image('data:a', { bbox_list: boxes }), text('c')),
    );
    expect(found.boxes).toEqual(boxes);
  });

  it.each([
    ['two images', [user(image('data:a'), image('data:b'), text('a'))], /2 different ones/],
    [
      'one image with other boxes',
      [user(image(), text('a')), assistant('b'), user(image('data:a', { boxes: [] }), text('c'))],
      /2 different ones/,
    ],
    ['no image', [user(text('a'))], /came none/],
    ['an answer first', [assistant('a'), user(image(), text('b'))], /messages.0: expected an answer to follow/],
    [
      'two answers',
      [user(image(), text('a')), assistant('b'), assistant('c')],
      /messages.2: expected an answer to follow/,
    ],
    ['an answer last', [user(image(), text('a')), assistant('b')], /last message to be a question/],
    ['no text', [user(image())], /question 0 has no text/],
    [
      'a system message',
      [{ role: 'developer', content: 'Be nice.' }, user(image(), text('a'))],
      /without developer messages/,
    ],
    [
      'phrases out of order',
      [
        user(image(), text('a')),
        assistant('abc', [
          { start: 1, end: 3, objects: [] },
          { start: 0, end: 1, objects: [] },
        ]),
        user(text('b')),
      ],
      /in order and inside/,
    ],
    [
      'a phrase outside',
      [user(image(), text('a')), assistant('abc', [{ start: 1, end: 4, objects: [] }]), user(text('b'))],
      /from 1 to 4/,
    ],
    [
      'an empty phrase',
      [user(image(), text('a')), assistant('abc', [{ start: 1, end: 1, objects: [] }]), user(text('b'))],
      /from 1 to 1/,
    ],
    ['too much text', [user(image(), text('a'.repeat(70_000)))], /at most 65536 characters/],
    ['another role', [{ role: 'tool', content: 'a' }], /messages.0.role/],
    ['another part', [user({ type: 'input_audio' })], /messages.0.content/],
    ['boxes of three numbers', [user(image('data:a', { boxes: [[1, 2, 3]] }), text('a'))], /boxes.0/],
    ['a text that is none', [user(text(5 as never))], /text/],
  ])('refuses %s', (_, messages, message) => {
    expect(() => conversation(...messages)).toThrow(message);
  });
});

it('answerOptions reads what OpenAI and older clients say', () => {
  expect(answerOptions({ max_tokens: 3, max_completion_tokens: 5, temperature: null, stop: 'a' })).toEqual({
    ...{ maxTokens: 5, temperature: undefined, topP: undefined, seed: undefined, stop: ['a'] },
  });
});
