import { describe, expect, it } from 'vitest';
import { evaluate } from '../evaluate.ts';
import { hallusionAnswers, hallusionQuestions, scoreHallusion } from '../suites/hallusion.ts';
import { llavaTruth } from '../suites/llava-wild.ts';
import { mmVetAnswers, mmVetQuestions } from '../suites/mm-vet.ts';
import { mmbenchAnswers, mmbenchQuestions, scoreMmbench } from '../suites/mmbench.ts';
import { popeAnswers, popeQuestions, scorePope } from '../suites/pope.ts';
import type { RawRecord, RecordFile } from '../suites/record-files.ts';
import { scoreSeed, seedAnswers, seedQuestions } from '../suites/seed.ts';
import type { SuiteScore } from '../suites/suite-score.ts';
import { askedSuites } from './asked-suites.ts';
import { questionDataset, questionSuite } from './question-dataset.ts';

const suiteNamed = (name: string) => askedSuites.find((suite) => suite.name === name)!;
const fileOf = (records: readonly RawRecord[], path = 'truth.json'): RecordFile => ({ path, records });

/** Asks somebody who knows the right words, and scores with the suite's own rules. */
async function scoreOf(
  name: string,
  files: readonly RecordFile[],
  answer: (prompt: string) => string,
  score: (answers: RecordFile) => SuiteScore,
) {
  const asked = suiteNamed(name);
  const questions = asked.questions(files);
  const prompts: string[] = [];
  const { evaluation } = await evaluate({
    suite: questionSuite(asked, questions, async (answers) => score(answers)),
    data: questionDataset(name, questions, '.'),
    model: {},
    open: async () => ({
      answer: async (_, prompt) => {
        prompts.push(prompt);
        return answer(prompt);
      },
    }),
  });
  return { figures: evaluation.figures, prompts };
}

describe('answers are scored as files of answers are', () => {
  it('of POPE, whose categories number their questions alike', async () => {
    const records = [
      { question_id: 1, image: 'a.jpg', text: 'Is there a dog in the image?', label: 'yes' },
      { question_id: 2, image: 'a.jpg', text: 'Is there a cat in the image?', label: 'no' },
    ];
    const files = ['random', 'popular'].map((name) => fileOf(records, `coco_pope_${name}.json`));
    const { figures, prompts } = await scoreOf(
      'pope',
      files,
      (prompt) => (prompt.includes('dog') ? 'Yes' : 'No'),
      (answers) => scorePope(files.flatMap(popeQuestions), popeAnswers(answers)),
    );
    expect(figures).toMatchObject({ accuracy: 1, f1: 1, yesRatio: 0.5 });
    expect(prompts).toHaveLength(4);
    expect(prompts[0]).toBe('Is there a dog in the image?\nAnswer the question using a single word or phrase.');
  });

  it('of SEED-Bench, images alone', async () => {
    const choices = { choice_a: 'one', choice_b: 'two', choice_c: 'three', choice_d: 'four' };
    const question = { ...choices, question: 'How many?', answer: 'B', question_type_id: 1, data_type: 'image' };
    const file = fileOf([
      {
        id: 'questions',
        value: [
          { ...question, question_id: '7', data_id: '7.jpg' },
          { ...question, question_id: 'v1', data_type: 'video' },
        ],
      },
      { id: 'question_type', Counting: 1 },
    ]);
    const { figures, prompts } = await scoreOf(
      'seed',
      [file],
      () => 'B',
      (answers) => scoreSeed(seedQuestions(file), seedAnswers(answers)),
    );
    expect(figures).toMatchObject({ accuracyImage: 1, accuracyVideo: 0 });
    expect(prompts).toEqual([
      "How many?\nA. one\nB. two\nC. three\nD. four\nAnswer with the option's letter from the given choices directly.",
    ]);
  });

  it('of MMBench, whose rotations name the row with the image', async () => {
    const question = { question: 'What is it?', hint: 'Look.', category: 'c', 'l2-category': 'l' };
    const file = fileOf([
      { ...question, index: 3, A: 'dog', B: 'cat', answer: 'A', image: 'x'.repeat(80) },
      { ...question, index: 1_000_003, A: 'cat', B: 'dog', answer: 'B', image: '3' },
    ]);
    const [, second] = suiteNamed('mmbench').questions([file]);
    expect(second.images).toEqual([{ base64: 'x'.repeat(80) }]);
    const { figures, prompts } = await scoreOf(
      'mmbench',
      [file],
      (prompt) => (prompt.includes('A. dog') ? 'A' : 'B'),
      (answers) => scoreMmbench(mmbenchQuestions(file), mmbenchAnswers(answers)),
    );
    expect(figures.accuracy).toBe(1);
    expect(prompts[0]).toMatch(/^Look\.\nWhat is it\?\nA\. dog\nB\. cat\nAnswer with/);
  });

  it('of HallusionBench, those with an image', async () => {
    const key = { category: 'VD', subcategory: 'math', set_id: 0, figure_id: 1, question_id: 0 };
    const question = {
      ...key,
      question: 'Is it so?',
      gt_answer: '1',
      gt_answer_details: 'So.',
      filename: './VD/1.png',
    };
    const file = fileOf([
      { ...question, visual_input: '1' },
      { ...question, figure_id: 0, visual_input: '0', filename: null },
    ]);
    expect(suiteNamed('hallusion').questions([file])[0].images).toEqual([{ file: 'VD/1.png' }]);
    const { figures, prompts } = await scoreOf(
      'hallusion',
      [file],
      () => 'Yes, it is.',
      (answers) => scoreHallusion(hallusionQuestions(file), hallusionAnswers(answers)),
    );
    expect(figures).toMatchObject({ aAcc: 1, fAcc: 1, qAcc: 1 });
    expect(prompts).toEqual(['Is it so?']);
  });

  it('of MM-Vet and LLaVA-Bench, for a judge', () => {
    const vet = fileOf([{ id: 'v1_0', imagename: 'v1_0.png', question: 'Why?', answer: 'So.', capability: ['rec'] }]);
    const [question] = suiteNamed('mm-vet').questions([vet]);
    expect(question).toMatchObject({ id: 'v1_0', images: [{ file: 'v1_0.png' }], prompt: 'Why?' });
    expect(mmVetQuestions(vet)).toHaveLength(1);
    expect(mmVetAnswers(fileOf([{ ...question.record, prediction: 'Because.' }]))).toEqual([
      { id: 'v1_0', text: 'Because.' },
    ]);
    const files = [
      fileOf([{ question_id: 0, image: '1.jpg', text: 'What?', category: 'llava_bench_conv' }]),
      fileOf([{ id: '1', image: '1.jpg', caption: 'A hill.' }]),
      fileOf([{ question_id: 0, text: 'A hill.', answer_id: 'x' }]),
    ];
    const truths = [{ ...files[0].records[0], question_id: '0' }, files[1].records[0], files[2].records[0]];
    expect(suiteNamed('llava-wild').questions(files)).toEqual([
      { id: '0', images: [{ file: '1.jpg' }], prompt: 'What?', record: { question_id: '0' }, truths },
    ]);
    expect(llavaTruth(files).questions).toHaveLength(1);
  });
});

it('files that have no question, or one twice, are told of', () => {
  expect(() => questionDataset('pope', [], '.')).toThrow(/no question; give those of the suite/);
  const record = { question_id: 1, image: 'a.jpg', text: 'Is it?', label: 'yes' };
  const questions = suiteNamed('pope').questions([fileOf([record]), fileOf([record])]);
  expect(() => questionDataset('pope', questions, '.')).toThrow(/1 questions have an id that another one has/);
  expect(() => suiteNamed('pope').questions([fileOf([{ question_id: 1 }])])).toThrow(
    /record 0: image: expected a text/,
  );
});
