import { expect, test } from 'vitest';
import type { Conversation } from '../../datasets/sample.ts';
import { dialects, groundingTokens } from '../../grounding/dialect.ts';
import type { Turn } from '../../grounding/grounded-text.ts';
import { createChat, nanoChatTokens } from '../../prompt/conversation.ts';
import { createTokenizer } from '../../prompt/tokenizer/tokenizer.ts';
import { trainTokenizer } from '../../prompt/tokenizer/train-tokenizer.ts';
import { createRandom } from '../../random.ts';
import {
  askedInOneWord,
  chooseConversations,
  imageTexts,
  type Lesson,
  lessonAt,
  namedRegions,
  tasksOf,
} from './texts.ts';

test('lessons follow each other, then everything is asked', () => {
  const lessons: Lesson[] = [
    { steps: 2, mixture: { counting: 1 } },
    { steps: 3, mixture: { referring: 1 }, regionStyle: 'category' },
  ];
  const curriculum = { lessons, mixture: { detection: 1 } };
  const asked = [0, 1, 2, 4, 5, 99].map((step) => Object.keys(lessonAt(curriculum, step).mixture)[0]);
  expect(asked).toEqual(['counting', 'counting', 'referring', 'referring', 'detection', 'detection']);
  expect(lessonAt(curriculum, 3).regionStyle).toBe('category');
  expect(lessonAt(curriculum, 5).regionStyle).toBeUndefined();
  expect(tasksOf(curriculum)).toEqual(['counting', 'referring', 'detection']);
});

test('a share of the questions with a short answer asks for one word', () => {
  const question = [{ kind: 'text' as const, text: 'Is there a dog?' }];
  const short: Turn = { question, answer: [{ kind: 'text', text: 'no' }], accepted: ['no'] };
  const open: Turn = { question, answer: [{ kind: 'text', text: 'A dog sleeps.' }] };
  const conversations: Conversation[] = Array.from({ length: 200 }, () => ({
    task: 'region-qa',
    turns: [short, open],
  }));
  const asked = askedInOneWord(conversations, 0.25, createRandom('words'));
  const endings = (at: number) => asked.filter(({ turns }) => turns[at].question.length === 2).length;
  expect(endings(0)).toBeGreaterThan(30);
  expect(endings(0)).toBeLessThan(70);
  expect(endings(1)).toBe(0);
  expect(asked.find(({ turns }) => turns[0].question.length === 2)?.turns[0].question[1]).toEqual({
    kind: 'text',
    text: '\nAnswer the question using a single word or phrase.',
  });
  expect(askedInOneWord(conversations, 0, createRandom('words'))).toBe(conversations);
});

const words = 'what is this it is a red cup where are the cups here'.split(' ');
const tokenizer = createTokenizer(
  trainTokenizer(
    words.map((word) => ` ${word}`),
    { vocabSize: 420, specialTokens: [...nanoChatTokens, ...groundingTokens(dialects.paper)] },
  ),
);
const chat = createChat(tokenizer, { format: 'nano', dialect: dialects.paper });
const say = (text: string) => ({ kind: 'text' as const, text });
const mean = (text: string, ...objects: number[]) => ({ kind: 'phrase' as const, text, objects });
const turn = (region: number): Turn => ({
  question: [say('what is '), mean('', region)],
  answer: [say('it is '), mean('a red cup', region)],
});
const list = {
  boxesXyxy: new Float32Array(12),
  indexOf: new Map([
    [0, 2],
    [7, 0],
  ]),
};
const options = { room: 1000, hasImage: true };
const decoded = ({ texts }: ReturnType<typeof imageTexts>) => texts.map(({ ids }) => tokenizer.decode(ids));

test('regions are said by their places in the list', () => {
  const texts = imageTexts([{ task: 'conversation', turns: [turn(7), turn(0)] }], list, chat, options);
  expect(decoded(texts)).toEqual([
    '\nwhat is <obj0><assistant> it is <g> a red cup</g><o><obj0></o><end>' +
      '<user>what is <obj2><assistant> it is <g> a red cup</g><o><obj2></o><end>',
  ]);
});

test('a conversation longer than the room is told as far as there is room, and others only if they fit', () => {
  const long: Conversation = { task: 'conversation', turns: [turn(7), turn(0), turn(7)] };
  const whole = imageTexts([long], list, chat, options).texts[0].ids.length;
  const [cut] = imageTexts([long], list, chat, { ...options, room: whole - 1 }).texts;
  expect(tokenizer.decode(cut.ids).match(/<assistant>/g)).toHaveLength(2);
  expect(imageTexts([long], list, chat, { ...options, room: 3 }).texts).toEqual([]);
  const short: Conversation = { task: 'conversation', turns: [turn(0)] };
  expect(imageTexts([long, short], list, chat, { ...options, room: whole }).texts).toHaveLength(1);
  expect(imageTexts([short, long], list, chat, { ...options, room: whole }).texts).toHaveLength(1);
});

test('text alone has no image before it', () => {
  const empty = { boxesXyxy: new Float32Array(0), indexOf: new Map() };
  const turns = [{ question: [say('what is this')], answer: [say('a cup')] }];
  const texts = imageTexts([{ task: 'conversation', turns }], empty, chat, { ...options, hasImage: false });
  expect(texts.prefix.some(({ kind }) => kind === 'image')).toBe(false);
  expect(texts.texts).toHaveLength(1);
});

test('conversations are chosen so that together they name no more regions than a list holds', () => {
  const many = Array.from({ length: 5 }, (_, i): Conversation => {
    const regions = Array.from({ length: 40 }, (_unused, k) => 40 * i + k);
    return { task: 'detection', turns: [{ question: [say('all')], answer: [mean('cups', ...regions)] }] };
  });
  const { chosen, regions } = chooseConversations(many, createRandom('choose'));
  expect(chosen).toHaveLength(2);
  expect([...regions].sort()).toEqual(chosen.flatMap(({ turns }) => namedRegions(turns)).sort());
});
