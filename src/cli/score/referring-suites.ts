/** Suites of phrases and the boxes that they mean. */

import { Option } from 'commander';
import type { CoordinateFrame } from '../../evaluation/baselines/coordinates.ts';
import { humanrefAnswers, humanrefPhrases, scoreHumanref } from '../../evaluation/suites/humanref.ts';
import { readAllRecords } from '../../evaluation/suites/record-files.ts';
import { scoreRefcoco } from '../../evaluation/suites/refcoco.ts';
import { refcocoAnswers, refcocoSamples } from '../../evaluation/suites/refcoco-files.ts';
import { recordSuite, type ScoreSuite } from './score-suite.ts';

const frames: Readonly<Record<string, CoordinateFrame>> = {
  shares: 'shares',
  'padded-shares': 'paddedShares',
  thousandths: 'thousandths',
  pixels: 'pixels',
};

const refcoco: ScoreSuite = {
  name: 'refcoco',
  description: 'RefCOCO, RefCOCO+, RefCOCOg: one sentence, one box',
  answers:
    'records with id and boxes (pixels) or a text with boxes, in any order; without ids in the order of the truth',
  truth: 'the splits: lines of Shikra or InternVL, a table of VLMEvalKit, files of MDETR',
  options: [
    new Option('--frame <frame>', 'what numbers in texts are; guessed from their size by default').choices(
      Object.keys(frames),
    ),
    new Option('--exactly-one', 'several boxes are wrong, as for Shikra; by default the first counts'),
  ],
  run: async ({ answers, truth = [], frame, exactlyOne }) => {
    const samples = (await readAllRecords(truth)).flatMap(refcocoSamples);
    const used = frame === undefined ? undefined : frames[frame as string];
    const said = (await readAllRecords(answers)).flatMap((file) => refcocoAnswers(file, samples, used));
    return scoreRefcoco(samples, said, { isExactlyOne: exactlyOne === true });
  },
};

const humanref = recordSuite({
  name: 'humanref',
  description: 'phrases that mean several people or none',
  answers: 'lines with id and extracted_predictions',
  truth: 'annotations.jsonl of HumanRef',
  score: async ({ answers, truth }) => scoreHumanref(truth.flatMap(humanrefPhrases), answers.flatMap(humanrefAnswers)),
});

export const referringSuites: readonly ScoreSuite[] = [refcoco, humanref];
