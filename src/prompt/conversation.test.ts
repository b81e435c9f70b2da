import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dialects, groundingTokens } from '../grounding/dialect.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import { renderAnswer } from '../grounding/render.ts';
import { createRandom } from '../random.ts';
import { type Chat, createChat, nanoChatTokens, type PromptSegment } from './conversation.ts';
import { encodeUserText } from './special-ids.ts';
import { questionFor, regionQuestion, tasks, wordingCount } from './templates.ts';
import { createTokenizer } from './tokenizer/tokenizer.ts';
import { trainTokenizer } from './tokenizer/train-tokenizer.ts';
import { encodeTrainingSample } from './training-sample.ts';

const readFixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../fixtures/tokenizer/${name}`, import.meta.url), 'utf8'));

const dialect = dialects.release;
const vocabularies = { vicuna: readFixture('sentencepiece.json'), chatml: readFixture('byte-level.json') };
function chatOf(format: 'vicuna' | 'chatml', system?: string) {
  const tokenizer = createTokenizer(vocabularies[format]);
  tokenizer.addTokens(groundingTokens(dialect));
  return { tokenizer, chat: createChat(tokenizer, { format, dialect, system }) };
}

function nanoChat(): { tokenizer: ReturnType<typeof createTokenizer>; chat: Chat } {
  const specialTokens = [...nanoChatTokens, ...groundingTokens(dialects.paper)];
  const sentences = ['what is the red apple', 'the red apple is left of the dog'];
  const tokenizer = createTokenizer(trainTokenizer(sentences, { vocabSize: 420, specialTokens }));
  return { tokenizer, chat: createChat(tokenizer, { format: 'nano', dialect: dialects.paper }) };
}

/** Ids with -200 for the image and -300 for a feature, as the reference writes them. */
const flatten = (segments: PromptSegment[]) =>
  segments.flatMap((segment) => {
    if (segment.kind === 'tokens') return segment.ids;
    return segment.kind === 'image' ? [-200] : [segment.id, -300];
  });

describe('prompts equal the released inputs', () => {
  const cases = readFixture('prompts.json');

  it('for the first question, with and without system text and boxes', () => {
    for (const { chat: format, system, boxes, question, ids } of cases) {
      if (question === undefined) continue;
      const { chat } = chatOf(format, system ? 'There is a red apple.' : undefined);
      expect([...flatten(chat.prefix(boxes)), ...chat.question(question, boxes)]).toEqual(ids);
    }
  });

  it('for answers and further questions', () => {
    const answers: GroundedText[] = [
      [
        { kind: 'phrase', text: 'the red apple', objects: [0, 2] },
        { kind: 'text', text: '\n' },
        { kind: 'phrase', text: 'a dog', objects: [] },
      ],
      [
        { kind: 'text', text: 'The ' },
        { kind: 'phrase', text: 'small cat', objects: [1] },
        { kind: 'text', text: ' is left of it.' },
      ],
    ];
    for (const expected of cases) {
      if (!expected.answers) continue;
      const { chat } = chatOf(expected.chat);
      expect(answers.map((answer) => chat.answer(answer))).toEqual(expected.answers);
      const question = 'Please detect the red apple; a dog in this image. Answer the question with object indexes.';
      expect(chat.nextQuestion(question, 3)).toEqual(expected.further);
    }
  });
});

describe('what a person writes', () => {
  const { tokenizer, chat } = chatOf('chatml');

  it('never becomes a special token, but for the boxes that exist', () => {
    const pieces = fc.constantFrom(
      '<image>',
      '</s>',
      '<|im_end|>',
      '<ground>',
      '</objects>',
      '<obj03>',
      '<obj',
      '1>',
      ' a',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string())), (parts) => {
        const text = parts.join('');
        fc.pre(!/<obj(0|[1-9]\d*)>/.test(text));
        const ids = encodeUserText(tokenizer, text, 5);
        expect(ids.filter((id) => tokenizer.specialName(id) !== undefined)).toEqual([]);
        expect(tokenizer.decode(ids)).toBe(text.normalize('NFC').replaceAll(/\p{Cs}/gu, '\ufffd'));
      }),
    );
  });

  it('may name a box exactly when it exists', () => {
    const box = (index: number) => tokenizer.specialId(`<obj${index}>`)!;
    expect(encodeUserText(tokenizer, '<obj3>', 4)).toEqual([box(3)]);
    expect(() => chat.question('what is <obj3>?', 3)).toThrow(
      'question: <obj3> is no box of this image, which has <obj0> to <obj2>; name one it has',
    );
    expect(() => chat.question('<obj0>', 0)).toThrow(/no boxes/);
    expect(() => chat.question('<obj1>', 1)).toThrow(/only <obj0>/);
    expect(() => chat.question('<obj100>', 100)).toThrow(/<obj0> to <obj99>/);
    expect(() => chat.nextQuestion('<obj3>', 3)).toThrow(/no box/);
  });
});

describe('the prefix', () => {
  it('is the same whatever is asked, has a slot per box, and stops at 100', () => {
    const { chat } = nanoChat();
    expect(chat.prefix(2).map(({ kind }) => kind)).toEqual(['tokens', 'image', 'tokens', 'object', 'object']);
    expect(chat.prefix(0).map(({ kind }) => kind)).toEqual(['tokens', 'image']);
    expect(chat.prefix(100).filter(({ kind }) => kind === 'object')).toHaveLength(100);
    expect(() => chat.prefix(101)).toThrow(/at most 100, came 101/);
  });

  it('needs the tokens of its format', () => {
    const tokenizer = createTokenizer(vocabularies.chatml);
    expect(() => createChat(tokenizer, { format: 'chatml', dialect })).toThrow(/special token <ground>, found none/);
    tokenizer.addTokens(groundingTokens(dialect));
    expect(() => createChat(tokenizer, { format: 'nano', dialect })).toThrow(/<end>/);
  });
});

describe('the vocabulary of answers', () => {
  it('names every special token, the ends, and the empty list', () => {
    const { tokenizer, chat } = chatOf('chatml');
    const { vocabulary } = chat;
    expect(vocabulary.endIds.map((id) => tokenizer.specialName(id))).toEqual(['<|im_end|>', '<|endoftext|>']);
    expect(vocabulary.specialIds).toHaveLength(3 + 104);
    expect(vocabulary.vocabSize).toBe(tokenizer.vocabSize);
    const none = chat.answer([{ kind: 'phrase', text: 'a', objects: [] }]);
    expect(none.slice(-2 - vocabulary.noneIds.length, -2)).toEqual(vocabulary.noneIds);
  });
});

describe('training samples', () => {
  const { tokenizer, chat } = nanoChat();
  const turns = [
    {
      question: [
        { kind: 'text' as const, text: 'what is ' },
        { kind: 'phrase' as const, text: '', objects: [7] },
      ],
      answer: [{ kind: 'phrase' as const, text: 'the red apple', objects: [7, 4] }],
    },
    { question: [{ kind: 'text' as const, text: 'where' }], answer: [{ kind: 'text' as const, text: 'left' }] },
  ];

  it('place the objects of the scene in the list and learn answers with their end only', () => {
    const objectIndex = new Map([
      [7, 2],
      [4, 0],
    ]);
    const sample = encodeTrainingSample(chat, turns, { objectIndex, boxCount: 3 });
    expect(sample.isTarget).toHaveLength(sample.ids.length);
    expect(tokenizer.decode(sample.ids)).toBe(
      '\nwhat is <obj2><assistant><g> the red apple</g><o><obj0><obj2></o><end><user>where<assistant> left<end>',
    );
    expect(tokenizer.decode(sample.ids.filter((_, i) => sample.isTarget[i]))).toBe(
      '<g> the red apple</g><o><obj0><obj2></o><end> left<end>',
    );
    expect(flatten(sample.prefix)).toEqual(flatten(chat.prefix(3)));
  });

  it('text of a data set that looks like a token stays text', () => {
    const asked = [{ kind: 'text' as const, text: 'is <obj0> a' }];
    const answer = [{ kind: 'text' as const, text: 'no' }];
    const { ids } = encodeTrainingSample(chat, [{ question: asked, answer }], { objectIndex: new Map(), boxCount: 3 });
    expect(ids).not.toContain(chat.vocabulary.ids.objects[0]);
    expect(tokenizer.decode(ids)).toContain('is <obj0> a');
  });

  it('list objects in any order where one is wanted', () => {
    const objects = Array.from({ length: 20 }, (_, i) => i);
    const many = [
      {
        question: [{ kind: 'text' as const, text: 'all' }],
        answer: [{ kind: 'phrase' as const, text: 'things', objects }],
      },
    ];
    const objectIndex = new Map(objects.map((i) => [i, i]));
    const idsBy = (seed: string) =>
      encodeTrainingSample(chat, many, { objectIndex, boxCount: 20, random: createRandom(seed) }).ids;
    expect(idsBy('a')).not.toEqual(idsBy('b'));
    expect([...idsBy('a')].sort()).toEqual([...idsBy('b')].sort());
  });

  it('refuse an object that has no box', () => {
    expect(() => encodeTrainingSample(chat, turns, { objectIndex: new Map([[7, 0]]), boxCount: 1 })).toThrow(
      /object 4/,
    );
  });
});

describe('answers of the nano format', () => {
  const { tokenizer, chat } = nanoChat();
  const answer = [
    { kind: 'text' as const, text: 'Two ' },
    { kind: 'phrase' as const, text: 'red apples', objects: [1] },
    { kind: 'text' as const, text: ' and ' },
    { kind: 'phrase' as const, text: 'nothing', objects: [] },
  ];

  it('spell a word as within a sentence, wherever it stands', () => {
    expect(tokenizer.decode(chat.answer(answer))).toBe(
      ' Two <g> red apples</g><o><obj1></o> and <g> nothing</g><o>None</o><end>',
    );
  });

  it('are read without the spaces that they begin with', () => {
    const decoder = chat.createAnswerDecoder();
    const text = chat.answer(answer).map((id) => decoder.push(id));
    expect(text.join('') + decoder.end()).toBe(`${renderAnswer(answer, dialects.paper)}<end>`);
  });
});

describe('templates', () => {
  it('fill in what is asked about, untouched', () => {
    expect(questionFor('detect', ['person', ' pigeon '])).toBe(
      'Please detect person; pigeon in this image. Answer the question with object indexes.',
    );
    expect(questionFor('detect', ["a $& b $1 $'"], 1)).toBe("Find every a $& b $1 $' and give the object indexes.");
    expect(regionQuestion('sentence', [0, 3])).toContain('description of <obj0>; <obj3> in the image');
    expect(questionFor('region-qa', ['What is on <obj1>?'])).toBe('What is on <obj1>?');
    expect(() => questionFor('count', [' '])).toThrow(/count: expected something/);
    expect(() => questionFor('detect')).toThrow(/detect/);
  });

  it('leave no placeholder, in any wording of any task', () => {
    for (const task of tasks) {
      for (let wording = 0; wording < wordingCount(task); wording++) {
        expect(questionFor(task, ['the cat'], wording)).not.toContain('[OBJ]');
      }
    }
  });
});
