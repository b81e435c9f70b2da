import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { countingAnswers, countingQuestions, readCount, scoreCounting } from './counting.ts';
import { inferOption } from './infer-option.ts';
import { scoreMmbench } from './mmbench.ts';
import { scoreMmmu } from './mmmu.ts';
import { isOpenRight, readChoice, readOpen } from './mmmu-parse.ts';
import { pairAnswers } from './pair-answers.ts';
import { llavaPopeQuestions, popeAnswers, popeQuestions, readPopeAnswer, scorePope, withCategories } from './pope.ts';
import { PythonRandom } from './python-random.ts';
import { scoreSeed, seedResults } from './seed.ts';
import { readYesNo } from './yes-no.ts';

const id = ({ id }: { id: string }) => id;

describe('pairing answers with samples', () => {
  it('counts and names what is missing, repeated and unknown', () => {
    const truths = ['a', 'b', 'c'].map((key) => ({ id: key }));
    const answers = ['b', 'a', 'b', 'x'].map((key, i) => ({ id: key, at: i }));
    const { pairs, counts, notes } = pairAnswers(truths, answers, id, id);
    expect(pairs.map(({ answer }) => answer?.at)).toEqual([1, 0, undefined]);
    expect(counts).toEqual({ samples: 3, answered: 2, missing: 1, repeated: 1, unknown: 1 });
    expect(notes).toEqual([
      '1 sample without an answer counted as wrong: c',
      '1 answer to a sample that was answered before left out: b',
      '1 answer to an unknown sample left out: x',
    ]);
  });

  it('refuses files that have nothing in common, and a truth with a sample twice', () => {
    const [one, other] = [[{ id: '1' }], [{ id: 'v1_0' }]];
    expect(() => pairAnswers(one, other, id, id)).toThrow(
      /no answer is of a sample of the truth \(1\), came answers to v1_0/,
    );
    expect(() => pairAnswers([...one, ...one], one, id, id)).toThrow(/sample '1' twice/);
    expect(() => pairAnswers([], one, id, id)).toThrow(/no samples/);
    expect(() => pairAnswers(one, [], id, id)).toThrow(/came no answer at all/);
  });
});

describe('POPE', () => {
  it('reads answers by three rules', () => {
    const read = (text: string) => [
      readPopeAnswer(text, 'official'),
      readPopeAnswer(text, 'vlmevalkit'),
      readPopeAnswer(text, 'lmms-eval'),
    ];
    expect(read('yes')).toEqual([true, true, true]);
    expect(read('Yes.')).toEqual([true, true, undefined]);
    expect(read('No, there is not.')).toEqual([false, false, undefined]);
    expect(read('There is nothing. No.')).toEqual([true, false, undefined]);
    expect(read('')).toEqual([true, undefined, undefined]);
    // "NO" is none of the words of the first rule.
    expect(read('NO')).toEqual([true, false, false]);
  });

  it('counts a missing answer as the wrong one and keeps categories apart', () => {
    const file = (path: string, records: object[]) => ({ path, records: records as Record<string, unknown>[] });
    const label = (question_id: number, label: string) => ({ question_id, image: 'a.jpg', text: '?', label });
    const questions = ['random', 'popular'].flatMap((category) =>
      popeQuestions(file(`coco_pope_${category}.json`, [label(1, 'yes'), label(2, 'no')])),
    );
    const answers = [
      ...popeAnswers(
        file('random.jsonl', [
          { question_id: 1, answer: 'yes' },
          { question_id: 2, answer: 'no' },
        ]),
      ),
      ...popeAnswers(file('popular.jsonl', [{ question_id: 1, answer: 'yes' }])),
    ];
    const { figures, byKind, counts } = scorePope(questions, answers);
    expect(byKind.random).toEqual({ accuracy: 1, precision: 1, recall: 1, f1: 1, yesRatio: 0.5 });
    expect(byKind.popular).toEqual({ accuracy: 0.5, precision: 0.5, recall: 1, f1: 2 / 3, yesRatio: 1 });
    expect(figures.f1).toBeCloseTo(5 / 6, 12);
    expect(counts.missing).toBe(1);
  });

  it('takes LLaVA’s ids, which run through all categories', () => {
    const labels = ['random', 'popular'].flatMap((category) => [
      { id: '1', category, isYes: true },
      { id: '2', category, isYes: false },
    ]);
    const asked = ['popular', 'popular', 'random', 'random'].map((category, question_id) => ({
      question_id,
      category,
    }));
    const questions = llavaPopeQuestions({ path: 'q', records: asked }, labels);
    const records = ['yes', 'no', 'no', 'no'].map((text, question_id) => ({ question_id, text }));
    const { byKind } = scorePope(questions, withCategories(popeAnswers({ path: 'a', records }), questions));
    expect([byKind.popular.accuracy, byKind.random.accuracy]).toEqual([1, 0.5]);
    expect(() => llavaPopeQuestions({ path: 'q', records: asked.slice(1) }, labels)).toThrow(/1 questions.*2 labels/);
  });

  it('says what a file of another suite looks like', () => {
    const file = { path: 'boxes.json', records: [{ image_id: 1, category_id: 2, bbox: [1, 2, 3, 4], score: 1 }] };
    expect(() => popeAnswers(file)).toThrow(/boxes\.json: record 0: .*this looks like a file of coco or lvis/);
  });
});

describe('yes and no', () => {
  it.each([
    ['Yes, the two lines are parallel.', true],
    ['No.', false],
    ['The answer is no; the chart says 1,200.', false],
    ['Yes and no', undefined],
    ['I cannot see it', undefined],
    ['yes-no', undefined],
    ['"Yes"', true],
  ])('%s', (text, expected) => expect(readYesNo(text)).toBe(expected));
});

describe('SEED-Bench', () => {
  it('counts both of two lines with one id, as the published figures do', () => {
    const line = (question_id: string, prediction: string, gt_answer: string) => ({
      question_id,
      prediction,
      gt_answer,
    });
    const records = [line('1', 'A', 'A'), line('1', 'B', 'A'), line('v2', 'c', 'C')];
    const { questions, answers } = seedResults({ path: 'x', records });
    expect(scoreSeed(questions, answers).figures).toEqual({ accuracy: 1 / 3, accuracyImage: 0.5, accuracyVideo: 0 });
    expect(scoreSeed(questions, answers, 'lmms-eval').figures.accuracyVideo).toBe(1);
  });
});

describe('counting', () => {
  it('reads the first number and no region’s', () => {
    expect(readCount('<region12><region3> There are 2 dogs and 5 cats')).toBe(2);
    expect(readCount('<g>dogs</g><o><obj4><obj7></o> 2')).toBe(2);
    expect(readCount('region7 and 3')).toBe(3);
    expect(readCount('a few')).toBeUndefined();
  });

  it('scores', () => {
    const questions = countingQuestions({
      path: 'q',
      records: [1, 2, 3, 4].map((answer) => ({ id: `${answer}`, answer })),
    });
    const said = ['1', 'three', 'I see 4'].map((prediction, i) => ({ id: `${i + 1}`, prediction }));
    const score = scoreCounting(questions, countingAnswers({ path: 'a', records: said }));
    expect(score.figures).toEqual({ exact: 0.25, offByOne: 0.5, meanAbsoluteError: (0 + 2 + 1 + 4) / 4 });
    expect(score.notes).toContain('1 answer without a number counted as 0');
  });
});

describe('multiple choice', () => {
  const options = { A: 'dog', B: 'cat', C: 'a big red bus', D: 'none' };

  it.each([
    ['B', 'B'],
    ['(B) cat', 'B'],
    ['The answer is B.', 'B'],
    ['A or B', undefined],
    ['it must be a cat', 'B'],
    ['Cannot determine the answer', 'Z'],
    ['B is the right answer since I can see it', undefined],
    ['The correct answer is **C**. Both A and B are wrong.', 'C'],
  ])('VLMEvalKit reads %s', (text, expected) => expect(inferOption(text, options)).toBe(expected));

  it.each([
    ['(A) or rather (C)', 'C'],
    ['B', 'B'],
    ['B.', 'B'],
    ['I think that it is a big red bus there', 'C'],
    ['bus', undefined],
  ])('MMMU reads %s', (text, expected) => expect(readChoice(text, options)).toBe(expected));

  it('MMMU’s own script reads made-up answers the same', () => {
    const cases = JSON.parse(readFileSync(new URL('../../../fixtures/evaluation/mmmu.json', import.meta.url), 'utf8'));
    for (const { response, truths, isRight } of cases.open) {
      expect(isOpenRight(readOpen(response), truths), `${JSON.stringify(response)} for ${truths}`).toBe(isRight);
    }
    for (const { response, letter } of cases.choice) {
      expect(readChoice(response, cases.options) ?? null, JSON.stringify(response)).toBe(letter);
    }
  });

  it('MMMU’s numbers are found in the time that the text takes to read', () => {
    const start = performance.now();
    expect(readOpen(`${'1'.repeat(300_000)}x`).size).toBe(1);
    expect(performance.now() - start).toBeLessThan(5000);
    expect([...readOpen('it is 12.5e3, or 1,234 and -7')]).toEqual(expect.arrayContaining([12_500, 1234, -7]));
  });

  it('MMMU guesses as Python does', () => {
    const random = new PythonRandom(42);
    expect(Array.from({ length: 20 }, () => random.choice([...'ABCD'])).join('')).toBe('AACBBBAADAAABBABDBDC');
    const question = (key: number) => ({ id: `validation_Art_${key}`, isOpen: false, truths: ['A'], options });
    const score = scoreMmmu(
      [1, 2, 3].map(question),
      [1, 2, 3].map((key) => ({ id: `validation_Art_${key}`, text: '?' })),
    );
    expect(score.figures.accuracy).toBeCloseTo(2 / 3, 12);
    expect(score.byKind.Art.accuracy).toBeCloseTo(2 / 3, 12);
  });

  it('MMBench wants every rotation right', () => {
    const rotation = (index: number, letter: string) => ({
      id: String(index),
      question: '?',
      options,
      letter,
      ability: 'x',
    });
    const questions = [rotation(1, 'A'), rotation(1_000_001, 'B'), rotation(2, 'C'), rotation(1_000_002, 'D')];
    const say = (index: number, text: string) => ({ id: String(index), text });
    const answers = [say(1, 'A'), say(1_000_001, 'B'), say(2, 'C'), say(1_000_002, 'bus')];
    const { figures, notes } = scoreMmbench(questions, answers);
    expect(figures).toEqual({ accuracy: 0.5, accuracyVanilla: 1, accuracyAllRotations: 0.75 });
    expect(notes[0]).toMatch(/1 answer without a readable option/);
    expect(scoreMmbench(questions, answers, new Map([['1000002', 'D']])).figures.accuracy).toBe(1);
  });
});
