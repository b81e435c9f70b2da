/** Categories of given boxes. */

import { Option } from 'commander';
import { readAllRecords } from '../../evaluation/suites/record-files.ts';
import { regionNames, regionTexts, scoreRegions } from '../../evaluation/suites/regions.ts';
import { SentenceEncoder } from '../../language/sentence-encoder.ts';
import type { ScoreSuite } from './score-suite.ts';

const regions: ScoreSuite = {
  name: 'regions',
  description: 'names of given boxes: semantic similarity, semantic IoU, exact',
  answers: 'records with the image’s id and predictions (a list), or id, index and prediction',
  truth: 'lvis_val_1k_category.json, paco_val_1k_category.json',
  options: [new Option('--encoder <folder>', 'all-MiniLM-L6-v2, for semantic similarity')],
  run: async ({ answers, truth = [], encoder: folder }) => {
    const names = (await readAllRecords(truth)).flatMap(regionNames);
    const texts = (await readAllRecords(answers)).flatMap(regionTexts);
    if (folder === undefined) return scoreRegions(names, texts);
    const encoder = await SentenceEncoder.load(folder as string);
    try {
      return await scoreRegions(names, texts, (all) => encoder.encode(all));
    } finally {
      await encoder.dispose();
    }
  },
};

export const regionSuites: readonly ScoreSuite[] = [regions];
