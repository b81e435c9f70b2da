/**
 * What the paper (arXiv 2411.18363, tables 2 to 6) and newer peers report, under the names of our figures, as shares.
 *
 * Precision and recall of table 2 are of the authors' program, which leaves classes with a zero out of the mean. Rows
 * of other papers were measured on COCO val2017, LVIS minival, Osprey's files: they are comparable on the same data
 * alone.
 */

import type { Figures } from '../suites/suite-score.ts';

export interface PublishedRow {
  readonly name: string;
  /** Where the row is printed. */
  readonly source: string;
  readonly data: string;
  readonly figures: Figures;
}

const percent = (figures: Readonly<Record<string, number | undefined>>): Figures =>
  Object.fromEntries(
    Object.entries(figures).flatMap(([name, value]) => (value === undefined ? [] : [[name, value / 100] as const])),
  );

const paper = 'arXiv 2411.18363';

/** Model, P@.5, R@.5, AP. */
const table2Coco: readonly [string, number?, number?, number?][] = [
  ['ChatRex-7B', 73.2, 73.4, 48.5],
  ['DINO', undefined, undefined, 49.4],
  ['GLIP', undefined, undefined, 49.8],
  ['T-Rex2', undefined, undefined, 46.5],
  ['Grounding DINO', undefined, undefined, 48.4],
  ['Florence-2', undefined, undefined, 43.4],
  ['Shikra-7B', 40.3, 21.5],
  ['Ferret-7B', 66.3, 33.5],
  ['Groma-7B', 69.9, 28.9],
  ['InternVL2-8B', 45.3, 24.5],
  ['Qwen2-VL-7B', 59.3, 43.9],
];

/** Model, P@.5, R@.5, AP, and AP of rare, common and frequent categories. */
const table2Lvis: readonly [string, number?, number?, number?, number?, number?, number?][] = [
  ['ChatRex-7B', 80.6, 59.4, 43.1, 47.3, 48.0, 38.1],
  ['GLIP', undefined, undefined, 37.3, 28.2, 34.3, 41.5],
  ['T-Rex2', undefined, undefined, 47.6, 45.4, 46.0, 49.5],
  // The paper prints an AP of 33.0, which its own three parts contradict.
  ['Grounding DINO', undefined, undefined, 33.9, 22.2, 30.7, 38.8],
  ['Shikra-7B', 52.8, 14.5],
  ['Ferret-7B', 72.9, 25.2],
  ['Groma-7B', 76.3, 10.9],
  ['InternVL2-8B', 51.6, 13.1],
  ['Qwen2-VL-7B', 77.0, 34.7],
];

/** F1 over IoU .5 to .95 on COCO and LVIS: peers of 2026 by Rex-Omni's program (SenseNova-Vision's README, 2026-07). */
const peers: readonly [string, number, number][] = [
  ['Grounding DINO-T', 56.6, 38.8],
  ['Qwen3-VL-8B', 46.6, 43.2],
  ['Qwen3.5-9B', 49.3, 43.2],
  ['Rex-Omni 3B', 52.9, 46.9],
  ['LocateAnything 3B', 54.7, 50.7],
  ['SenseNova-Vision', 56.6, 54.8],
];

const referringSplits = [
  ...['RefCOCO val', 'RefCOCO testA', 'RefCOCO testB'],
  ...['RefCOCO+ val', 'RefCOCO+ testA', 'RefCOCO+ testB'],
  ...['RefCOCOg val', 'RefCOCOg test'],
];

/** Accuracy of each split above. */
const table3: readonly [string, ...number[]][] = [
  ['ChatRex-7B', 90.1, 93.0, 85.2, 85.2, 89.6, 79.3, 88.8, 88.6],
  ['Qwen2-VL-7B', 91.7, 93.6, 87.3, 85.8, 90.5, 79.5, 87.3, 87.8],
  ['Grounding DINO-L', 90.6, 93.2, 88.2, 82.8, 89.0, 75.9, 86.1, 87.0],
];

/** Model, MMBench, MM-Vet, SEED-I, LLaVA-W, MMMU, POPE, HallusionBench. */
const table4: readonly [string, ...(number | undefined)[]][] = [
  ['ChatRex-7B', 65.8, 36.4, 69.6, 65.9, 38.0, 87.3, 45.8],
  ['LLaVA-1.5-7B', 64.3, 30.5, 66.1, 63.4, 35.7, 85.9, 27.6],
  ['Qwen-VL-Chat-7B', 59.1, undefined, 65.4, undefined, undefined, 74.9, 36.8],
  ['InternVL-Chat-7B', 64.6, undefined, undefined, undefined, undefined, 86.4],
  ['Ferret-v2-7B', undefined, 34.9, undefined, 67.7, undefined, 87.8],
  ['InstructBLIP-7B', undefined, 26.2, 58.8, 60.9],
];

/** What each column of table 4 is a figure of; those of a judge have a scale of 0 to 100. */
const table4Columns: readonly [suite: string, data: string, figure: string, scale: 1 | 100][] = [
  ['mmbench', 'MMBench dev', 'accuracy', 1],
  ['mm-vet', 'MM-Vet', 'score', 100],
  ['seed', 'SEED-Bench, images', 'accuracyImage', 1],
  ['llava-wild', 'LLaVA-Bench in the wild', 'ratio', 100],
  ['mmmu', 'MMMU val, by VLMEvalKit', 'accuracy', 1],
  ['pope', 'POPE, mean of three', 'f1', 1],
  ['hallusion', 'HallusionBench, by VLMEvalKit', 'mean', 1],
];

const questionRows = Object.fromEntries(
  table4Columns.map(([suite, data, figure, scale], column) => [
    suite,
    table4.flatMap(([name, ...values]): PublishedRow[] => {
      const value = values[column];
      if (value === undefined) return [];
      return [{ name, data, source: `${paper}, table 4`, figures: { [figure]: (value / 100) * scale } }];
    }),
  ]),
);

/** Model, similarity and word overlap on LVIS. */
const table5: readonly [string, number, number][] = [
  ['ChatRex-7B', 89.7, 82.5],
  ['SPHINX-V-7B', 87.1, 62.9],
  ['VisionLLM v2-7B', 68.9, 46.3],
  ['Osprey-7B', 65.2, 38.2],
  ['Ferret-7B', 63.8, 36.6],
  ['GPT4RoI-7B', 51.3, 12.0],
  ['Shikra-7B', 49.7, 19.8],
  ['LLaVA-1.5', 49.0, 19.8],
];

/** Model, recall, precision and DensityF1 averaged over the subsets that mean somebody, and rejection. */
const humanRef: readonly [string, number, number, number, number?][] = [
  ['RexSeek-7B', 85.9, 85.8, 82.3, 54.1],
  ['Rex-Thinker-GRPO 7B', 86.6, 86.8, 83.5, 68.2],
  ['Molmo-7B-D', 77.7, 82.5, 72.6],
  ['Qwen2.5-VL-7B', 52.5, 68.5, 56.2, 7.1],
  ['ChatRex-7B', 50.4, 72.2, 55.6],
];

const detection = (precision?: number, recall?: number, AP?: number) => ({
  precision50WithoutZeros: precision,
  recall50WithoutZeros: recall,
  AP,
});

const peersOf = (data: string, of: 1 | 2): PublishedRow[] =>
  peers.map((peer) => ({
    ...{ name: peer[0], source: 'SenseNova-Vision README', data },
    figures: percent({ f1MeanIouWithoutZeros: peer[of] }),
  }));

const published: Readonly<Record<string, readonly PublishedRow[]>> = {
  coco: [
    ...table2Coco.map(([name, precision, recall, AP]) => ({
      ...{ name, source: `${paper}, table 2`, data: 'COCO val2017' },
      figures: percent(detection(precision, recall, AP)),
    })),
    ...peersOf('COCO val2017', 1),
  ],
  lvis: [
    ...table2Lvis.map(([name, precision, recall, AP, APr, APc, APf]) => ({
      ...{ name, source: `${paper}, table 2`, data: 'LVIS minival, fixed AP' },
      figures: percent({ ...detection(precision, recall, AP), APr, APc, APf }),
    })),
    ...peersOf('LVIS', 2),
  ],
  regions: table5.map(([name, similarity, overlap]) => ({
    ...{ name, source: `${paper}, table 5`, data: 'LVIS (Osprey, 1,000 images)' },
    figures: percent({ semanticSimilarity: similarity, semanticIou: overlap }),
  })),
  refcoco: table3.flatMap(([name, ...accuracies]) =>
    referringSplits.map((data, split) => ({
      ...{ name, source: `${paper}, table 3`, data },
      figures: percent({ accuracy50: accuracies[split] }),
    })),
  ),
  humanref: humanRef.map(([name, recall, precision, densityF1, rejection]) => ({
    ...{ name, source: 'arXiv 2506.04034, table 2', data: 'HumanRef, mean of five subsets' },
    figures: percent({ precision, recall, densityF1, rejection }),
  })),
  ...questionRows,
  proposals: [['COCO val2017', 91.2] as const, ['LVIS minival', 77.1] as const].map(([data, recall]) => ({
    ...{ name: 'UPN', source: `${paper}, table 6`, data },
    figures: percent({ recallAtScore: recall }),
  })),
  counting: [
    {
      ...{ name: 'VLM-FO1 3B', source: 'om-ai-lab/VLM-FO1', data: 'COCO, as its authors count it' },
      figures: percent({ exact: 44.6 }),
    },
  ],
};

/** Rows of others for a suite; none where nobody printed any. */
export function publishedRows(suite: string): readonly PublishedRow[] {
  return Object.hasOwn(published, suite) ? published[suite] : [];
}
