/** A data set of samples that a test writes down, with blank images. */

import type { Dataset, VocabularyEntry } from '../../datasets/dataset.ts';
import type { Region, Sample } from '../../datasets/sample.ts';
import { ChatRexError } from '../../errors.ts';

export const size = { width: 100, height: 80 };

/** A sample whose annotation is complete and closed unless the fields say otherwise. */
export function sampleOf(id: string, regions: readonly Region[], fields: Partial<Sample> = {}): Sample {
  return {
    id,
    image: { file: `${id}.png`, size },
    regions,
    phrases: [],
    conversations: [],
    coverage: { complete: ['fine', 'coarse'], isClosed: true },
    ...fields,
  };
}

/** A coarse region 20 pixels wide and high. */
export function regionOf(category: string, left: number, fields: Partial<Region> = {}): Region {
  return { boxXyxy: [left, 0, left + 20, 20], category, granularities: ['coarse'], ...fields };
}

/** @param unreadable ids of samples whose image cannot be read */
export function memoryDataset(samples: readonly Sample[], unreadable: readonly string[] = []): Dataset {
  const names = new Set(samples.flatMap(({ regions }) => regions.flatMap(({ category }) => category ?? [])));
  return {
    name: 'memory',
    fingerprint: 'memory',
    size: samples.length,
    vocabulary: [...names].map((name): VocabularyEntry => ({ name })),
    sample: async (index) => samples[index],
    imageSize: async () => size,
    image: async (index) => {
      const { id } = samples[index];
      if (unreadable.includes(id)) throw new ChatRexError('invalid-file', `${id}.png cannot be decoded`);
      return { ...size, data: new Uint8Array(3 * size.width * size.height) };
    },
    conversations: async () => [],
    close: async () => {},
  };
}
