import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type HallusionQuestion, scoreHallusion, scoreHallusionJudged } from './hallusion.ts';
import { llavaPrompt, llavaReviews, llavaTruth, readLlavaScores, scoreLlavaWild } from './llava-wild.ts';
import { mmVetGrades, mmVetQuestions, readMmVetGrade, scoreMmVet } from './mm-vet.ts';
import { readRecords } from './record-files.ts';

const shared = fileURLToPath(new URL('../../../../shared/reference/suites/', import.meta.url));

describe('HallusionBench', () => {
  const question = (setId: string, figureId: string, questionId: string, isYes: boolean): HallusionQuestion => ({
    category: 'VS',
    subcategory: 'chart',
    setId,
    figureId,
    questionId,
    visualInput: figureId,
    question: '?',
    isYes,
    details: '',
  });
  const questions = [
    question('0', '0', '0', true),
    question('0', '1', '0', true),
    question('0', '1', '1', false),
    question('0', '2', '0', false),
    question('0', '2', '1', true),
  ];
  const answers = ['I do not know', 'Yes.', 'No, it is not.', 'No', 'no'].map((text, i) => ({ ...questions[i], text }));

  it('counts questions, figures and questions over figures, of those with an image', () => {
    const { figures, counts } = scoreHallusion(questions, answers);
    // Question 1 of figure 2 is wrong: one of two figures and one of two questions are right throughout.
    expect(figures).toEqual({ aAcc: 0.75, fAcc: 0.5, qAcc: 0.5, mean: (0.75 + 0.5 + 0.5) / 3 });
    expect(counts).toMatchObject({ samples: 4, unknown: 0 });
  });

  it('lets a judge decide, and not knowing is right without an image', () => {
    const verdictOf = (_: HallusionQuestion, { text }: { text: string }) =>
      text.includes('know') ? ('unclear' as const) : text === 'no' ? ('incorrect' as const) : ('correct' as const);
    expect(scoreHallusionJudged(questions, answers, verdictOf).figures).toMatchObject({
      aAcc: 0.8,
      fAcc: 0.5,
      qAcc: 0.5,
    });
  });
});

describe('MM-Vet', () => {
  const truth = mmVetQuestions({
    path: 'mm-vet.json',
    records: [
      { id: 'v1_0', question: '?', answer: 'x', capability: ['ocr', 'math'] },
      { id: 'v1_1', question: '?', answer: 'x', capability: ['ocr'] },
    ],
  });

  it('averages the grades that the official script wrote, by capability and over runs', () => {
    const grades = mmVetGrades({
      path: 'g',
      records: [
        { id: 'v1_0', score: [1, 0.5] },
        { id: 'v1_1', score: [0.2, 0.2] },
      ],
    });
    const { figures, byKind } = scoreMmVet(truth, grades!);
    expect(figures.score).toBeCloseTo((60 + 35) / 2, 12);
    expect(figures.deviation).toBeCloseTo(12.5, 12);
    expect(byKind.math.score).toBeCloseTo(75, 12);
    expect(byKind['math+ocr'].score).toBeCloseTo(75, 12);
    expect(mmVetGrades({ path: 'a', records: [{ id: 'v1_0', value: 'words' }] })).toBeUndefined();
  });

  it.each([
    ['0.5', 0.5],
    ['1', 1],
    [' .3 because', 0.3],
    ['1.1', undefined],
    ['half', undefined],
    ['', undefined],
  ])('reads the grade %s', (reply, grade) => expect(readMmVetGrade(reply)).toBe(grade));
});

describe('LLaVA-Bench', () => {
  it('takes the ratio of the means, unreadable scores included', () => {
    const review = (question_id: number, category: string, tuple: number[]) => ({ question_id, category, tuple });
    const records = [
      review(1, 'llava_bench_conv', [8, 4]),
      review(2, 'llava_bench_detail', [10, 10]),
      review(3, 'llava_bench_conv', [-1, -1]),
    ];
    const { figures, byKind, notes } = scoreLlavaWild(llavaReviews({ path: 'r', records }));
    expect(figures.ratio).toBeCloseTo((100 * 13) / 17, 12);
    expect(byKind.detail).toEqual({ ratio: 100, first: 100, second: 100 });
    expect(notes).toEqual(['1 review without readable scores averaged in as -1 and -1']);
  });

  it.each([
    ['8 9\nwell', [8, 9]],
    ['8,9.5', [8, 9.5]],
    ['8, 9', [-1, -1]],
    ['Scores: 8 9', [-1, -1]],
    ['', [-1, -1]],
  ])('reads the scores of %s', (review, scores) => expect(readLlavaScores(review)).toEqual(scores));

  it('puts a prompt together from the files of the suite, and says which is missing', () => {
    const questions = { path: 'q', records: [{ question_id: 1, image: 'a.jpg', text: 'What?', category: 'conv' }] };
    const context = { path: 'c', records: [{ image: 'a.jpg', caption: ['A dog.', 'On grass.'] }] };
    const references = { path: 'g', records: [{ question_id: 1, text: 'A dog on grass.' }] };
    const rules = { path: 'r', records: [{ id: 'llava_bench_conv', role: 'Model', prompt: 'Judge.' }] };
    const truth = llavaTruth([questions, context, references, rules]);
    expect(llavaPrompt(truth, truth.questions[0], 'A cat.')).toBe(
      '[Context]\nA dog.\nOn grass.\n\n[Question]\nWhat?\n\n[Model 1]\nA dog on grass.\n\n[End of Model 1]\n\n' +
        '[Model 2]\nA cat.\n\n[End of Model 2]\n\n[System]\nJudge.\n\n',
    );
    expect(() => llavaTruth([questions, references])).toThrow(/context\.jsonl/);
  });

  it.skipIf(!existsSync(shared)).each([
    ['gpt35', [92.1, 86.6, 79.8]],
    ['alpaca-13b', [120.8, 72.9, 88]],
  ])('published reviews of %s', async (name, expected) => {
    const { figures } = scoreLlavaWild(
      llavaReviews(await readRecords(`${shared}llava/review_${name}_vicuna-13b.jsonl`)),
    );
    [figures.ratio, figures.first, figures.second].forEach((value, i) => {
      expect(Math.abs(value! - expected[i])).toBeLessThan(0.0501);
    });
  });
});
