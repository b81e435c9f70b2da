/** Figures of the official scripts. Skipped where the reference files are missing. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { mmmuAnswers, mmmuQuestions, scoreMmmu } from './mmmu.ts';
import { popeAnswers, popeQuestions, scorePope } from './pope.ts';
import { readRecords } from './record-files.ts';
import { scoreSeed, seedResults } from './seed.ts';

const shared = fileURLToPath(new URL('../../../../shared/reference/suites/', import.meta.url));

describe.skipIf(!existsSync(shared))('published figures', () => {
  it.each(['random', 'popular'])('POPE %s, as its evaluate.py', async (category) => {
    const { results } = JSON.parse(readFileSync(`${shared}pope/expected.json`, 'utf8'));
    const questions = popeQuestions(await readRecords(`${shared}pope/coco_pope_${category}.json`));
    const score = scorePope(questions, popeAnswers(await readRecords(`${shared}pope/${category}_answers.jsonl`)));
    const expected = results[category];
    expect(score.figures.accuracy).toBeCloseTo(expected.Accuracy, 12);
    expect(score.figures.precision).toBeCloseTo(expected.Precision, 12);
    expect(score.figures.recall).toBeCloseTo(expected.Recall, 12);
    expect(score.figures.f1).toBeCloseTo(expected['F1 score'], 12);
    expect(score.figures.yesRatio).toBeCloseTo(expected['Yes ratio'], 12);
  });

  it('SEED-Bench, GPT-4V: 67.28, images 69.07, videos 60.50', async () => {
    const { questions, answers } = seedResults(await readRecords(`${shared}seed/GPT-4V.json`));
    const { figures, counts } = scoreSeed(questions, answers);
    expect(counts).toMatchObject({ samples: 17_997, missing: 0 });
    expect(100 * figures.accuracy!).toBeCloseTo(67.28, 2);
    expect(100 * figures.accuracyImage!).toBeCloseTo(69.07, 2);
    expect(100 * figures.accuracyVideo!).toBeCloseTo(60.5, 2);
  });

  it.each([
    ['llava1.5_13b_total_val_output.json', 36.7],
    ['llava1.5_13b_val.json', 36.0],
  ])('MMMU, %s: %d', async (name, expected) => {
    const questions = mmmuQuestions(await readRecords(`${shared}mmmu/answer_dict_val.json`));
    const { figures } = scoreMmmu(questions, mmmuAnswers(await readRecords(`${shared}mmmu/${name}`)));
    expect(100 * figures.accuracy!).toBeCloseTo(expected, 1);
  });
});
