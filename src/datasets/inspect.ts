/** What is in a data set, in figures. */

import { ChatRexError } from '../errors.ts';
import type { Dataset, VocabularyEntry } from './dataset.ts';
import { FaultLog, type FaultSummary } from './faults.ts';
import { faultsOf, type IndexedDataset, samplesOf } from './indexed-dataset.ts';
import type { Sample } from './sample.ts';

export interface DatasetReport {
  readonly name: string;
  readonly fingerprint: string;
  /** Samples, with and without an image. */
  readonly samples: number;
  readonly images: number;
  readonly regions: number;
  readonly ignoredRegions: number;
  /** Categories of the vocabulary, and those that have a region. */
  readonly categories: number;
  readonly usedCategories: number;
  readonly phrases: Readonly<Record<string, number>>;
  /** Conversations by task, and their turns. */
  readonly conversations: Readonly<Record<string, number>>;
  readonly turns: number;
  readonly imageSizes: SizeReport;
  readonly regionsPerImage: Spread;
  /** Square root of the area of boxes, in pixels. */
  readonly boxSides: Spread;
  /** Regions by COCO's sizes: below 32^2, below 96^2, and above, in square pixels. */
  readonly boxSizes: { readonly small: number; readonly medium: number; readonly large: number };
  readonly granularities: { readonly fine: number; readonly coarse: number };
  readonly coverage: CoverageReport;
  /** Regions by name, most frequent first. */
  readonly regionsByCategory: readonly CategoryReport[];
  readonly faults: FaultSummary;
  readonly notes: readonly string[];
}

export interface SizeReport {
  readonly known: number;
  readonly width: Spread;
  readonly height: Spread;
}

export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

/** How many samples promise what. */
export interface CoverageReport {
  readonly completeFine: number;
  readonly completeCoarse: number;
  readonly closed: number;
  readonly withPartialCategories: number;
}

export interface CategoryReport {
  readonly name: string;
  readonly regions: number;
  readonly images: number;
  readonly frequency?: VocabularyEntry['frequency'];
}

export interface InspectOptions {
  /** Whether every image is decoded, so that broken ones and those of another shape are found. */
  readonly isDecoding?: boolean;
  readonly signal?: AbortSignal;
}

/** COCO's limits of small and medium, in square pixels. */
const smallArea = 32 ** 2;
const mediumArea = 96 ** 2;

/**
 * Counts everything in one pass over the index; memory grows with categories, not with samples.
 * @example const { images, regions } = await inspectDataset(await openDataset('coco:instances.json'));
 */
export async function inspectDataset(
  dataset: Dataset,
  onSample?: (done: number) => void,
  { isDecoding = false, signal }: InspectOptions = {},
): Promise<DatasetReport> {
  const tally = new Tally();
  const faults = new FaultLog(faultsOf(dataset));
  let done = 0;
  for await (const sample of samplesOf(dataset)) {
    if (signal?.aborted) throw new ChatRexError('aborted', `inspecting ${dataset.name} was interrupted`);
    tally.add(sample);
    if (isDecoding && sample.image !== undefined) {
      const value = await decodingProblem(dataset, done);
      if (value !== undefined) faults.report({ kind: 'unreadable-image', sample: sample.id, value });
    }
    onSample?.(++done);
  }
  const { vocabulary, name, fingerprint, size } = dataset;
  const byName = new Map(vocabulary.map((entry) => [entry.name, entry]));
  const regionsByCategory = [...tally.categories]
    .map(([category, { regions, images }]) => {
      const frequency = byName.get(category)?.frequency;
      return { name: category, regions, images, ...(frequency && { frequency }) };
    })
    .sort((a, b) => b.regions - a.regions || (a.name < b.name ? -1 : 1));
  return {
    name,
    fingerprint,
    samples: size,
    images: tally.images,
    regions: tally.regions,
    ignoredRegions: tally.ignored,
    categories: vocabulary.length,
    usedCategories: regionsByCategory.length,
    phrases: Object.fromEntries(tally.phrases),
    conversations: Object.fromEntries(tally.conversations),
    turns: tally.turns,
    imageSizes: { known: tally.widths.count, width: tally.widths.spread(), height: tally.heights.spread() },
    regionsPerImage: tally.perImage.spread(),
    boxSides: tally.sides.spread(),
    boxSizes: tally.boxSizes,
    granularities: tally.granularities,
    coverage: tally.coverage,
    regionsByCategory,
    faults: faults.summary(),
    notes: 'notes' in dataset ? (dataset as IndexedDataset).notes : [],
  };
}

/** Large enough to meet every byte that decoding meets, small enough to be quick. */
const triedSize = { width: 64, height: 64 };

async function decodingProblem(dataset: Dataset, index: number): Promise<string | undefined> {
  try {
    await dataset.image(index, triedSize);
    return undefined;
  } catch (error) {
    if (!(error instanceof ChatRexError)) throw error;
    return error.message;
  }
}

class Tally {
  images = 0;
  regions = 0;
  ignored = 0;
  turns = 0;
  readonly categories = new Map<string, { regions: number; images: number }>();
  readonly phrases = new Map<string, number>();
  readonly conversations = new Map<string, number>();
  readonly widths = new Histogram();
  readonly heights = new Histogram();
  readonly perImage = new Histogram();
  readonly sides = new Histogram();
  readonly boxSizes = { small: 0, medium: 0, large: 0 };
  readonly granularities = { fine: 0, coarse: 0 };
  readonly coverage = { completeFine: 0, completeCoarse: 0, closed: 0, withPartialCategories: 0 };

  add({ image, regions, phrases, conversations, coverage }: Sample): void {
    if (image !== undefined) {
      this.images++;
      this.perImage.add(regions.length);
      if (image.size !== undefined) {
        this.widths.add(image.size.width);
        this.heights.add(image.size.height);
      }
    }
    this.#addRegions(regions);
    for (const { kind } of phrases) increase(this.phrases, kind);
    for (const { task, turns } of conversations) {
      increase(this.conversations, task);
      this.turns += turns.length;
    }
    if (coverage.complete.includes('fine')) this.coverage.completeFine++;
    if (coverage.complete.includes('coarse')) this.coverage.completeCoarse++;
    if (coverage.isClosed) this.coverage.closed++;
    if ((coverage.partialCategories ?? []).length > 0) this.coverage.withPartialCategories++;
  }

  #addRegions(regions: Sample['regions']): void {
    this.regions += regions.length;
    const here = new Set<string>();
    for (const { boxXyxy, category, granularities, isIgnored, areaPixels } of regions) {
      const [left, top, right, bottom] = boxXyxy;
      const boxArea = (right - left) * (bottom - top);
      const area = areaPixels ?? boxArea;
      this.boxSizes[area < smallArea ? 'small' : area < mediumArea ? 'medium' : 'large']++;
      this.sides.add(Math.sqrt(boxArea));
      if (isIgnored) this.ignored++;
      for (const granularity of granularities) this.granularities[granularity]++;
      if (category === undefined) continue;
      const entry = this.categories.get(category) ?? { regions: 0, images: 0 };
      entry.regions++;
      if (!here.has(category)) entry.images++;
      here.add(category);
      this.categories.set(category, entry);
    }
  }
}

function increase(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Counts of whole numbers; larger ones are kept to three digits, so that memory stays bounded. */
class Histogram {
  readonly #counts = new Map<number, number>();
  #least = Number.POSITIVE_INFINITY;
  #most = 0;
  count = 0;

  add(value: number): void {
    this.count++;
    this.#least = Math.min(this.#least, value);
    this.#most = Math.max(this.#most, value);
    const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, value))) - 3);
    const rounded = Math.round(value / step) * step;
    this.#counts.set(rounded, (this.#counts.get(rounded) ?? 0) + 1);
  }

  spread(): Spread {
    if (this.count === 0) return { least: 0, median: 0, most: 0 };
    let left = this.count / 2;
    for (const [value, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return { least: round(this.#least), median: value, most: round(this.#most) };
    }
    throw new Error('a histogram lost a value');
  }
}

const round = (value: number) => Math.round(value * 10) / 10;
