/** A data set of samples in memory, for tests. */

import { createRgbImage } from '../../image/rgb-image.ts';
import type { VocabularyEntry } from '../dataset.ts';
import type { IndexedDataset } from '../indexed-dataset.ts';
import type { Sample } from '../sample.ts';

export function memoryDataset(samples: readonly Sample[], vocabulary: readonly VocabularyEntry[] = []): IndexedDataset {
  return {
    name: 'memory',
    fingerprint: 'memory',
    size: samples.length,
    vocabulary,
    faults: {},
    notes: [],
    indexFolder: '',
    sample: async (index) => samples[index],
    imageSize: async (index) => samples[index].image?.size ?? { width: 40, height: 30 },
    image: async () => createRgbImage(40, 30),
    conversations: async (index) => samples[index].conversations,
    async *samples() {
      yield* samples;
    },
    close: async () => {},
  };
}
