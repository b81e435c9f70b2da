import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { BoxXyxy } from '../../boxes/box.ts';
import type { Dataset } from '../../datasets/dataset.ts';
import type { Sample } from '../../datasets/sample.ts';
import { openDataset } from '../../open-dataset.ts';
import { evaluate } from '../evaluate.ts';
import type { Detects, FindsProposals, FoundBox, Refers } from '../subject.ts';
import type { Suite } from '../suite.ts';
import { fixedCap } from '../suites/detection.ts';
import { memoryDataset, regionOf, sampleOf, size } from '../testing/memory-dataset.ts';
import { type CocoSuiteOptions, cocoSuite } from './coco.ts';
import { countIn } from './counting.ts';
import { proposalsSuite } from './proposals.ts';
import { referringSuite } from './referring.ts';
import { regionsSuite } from './regions.ts';

async function figuresOf<Subject, Truth, Answer>(
  suite: Suite<Subject, Truth, Answer>,
  data: Dataset,
  subject: Subject,
) {
  const { evaluation } = await evaluate({ suite, data, model: {}, open: async () => subject });
  return evaluation;
}

const found = (label: string, left: number, score = 1): FoundBox => ({
  label,
  boxXyxy: [left, 0, left + 20, 20],
  score,
});

interface CocoResult {
  image_id: number;
  category_id: number;
  bbox: [number, number, number, number];
  score: number;
}

const fixture = (name: string) => fileURLToPath(new URL(`../../../fixtures/metrics/${name}`, import.meta.url));

describe('coco', () => {
  it('gives the figures of pycocotools, from the file to the figures', async () => {
    const file = JSON.parse(await readFile(fixture('coco-val2014-annotations.json'), 'utf8'));
    const results = JSON.parse(await readFile(fixture('coco-val2014-results.json'), 'utf8'));
    const expected = JSON.parse(await readFile(fixture('coco-val2014-expected.json'), 'utf8')).val2014_100_fakebbox;
    const folder = await mkdtemp(join(tmpdir(), 'chatrex-coco-'));
    try {
      const images = file.images.map(({ id }: { id: number }) => ({
        ...{ id, file_name: `${id}.jpg` },
        ...{ width: 640, height: 640 },
      }));
      const path = join(folder, 'instances.json');
      await writeFile(path, JSON.stringify({ ...file, images }));
      const data = await openDataset(`coco:${path}`, { cacheFolder: folder });
      const nameOf = new Map<number, string>(
        file.categories.map(({ id, name }: { id: number; name: string }) => [id, name] as const),
      );
      const replay: Detects = {
        detect: async ({ sample }, names) => {
          const own = results.filter((result: CocoResult) => String(result.image_id) === sample.id);
          const boxes = own.map(({ category_id: category, bbox: [x, y, w, h], score }: CocoResult): FoundBox => {
            return { label: nameOf.get(category)!, boxXyxy: [x, y, x + w, y + h], score };
          });
          return { text: '', boxes: boxes.filter(({ label }: FoundBox) => names.includes(label)) };
        },
      };
      const { figures } = await figuresOf(cocoSuite({ isVocabulary: true }), data, replay);
      await data.close();
      expect(Object.keys(expected)).toHaveLength(12);
      for (const [name, value] of Object.entries(expected)) {
        expect(Math.abs(figures[name]! - (value as number)), name).toBeLessThan(1e-6);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('gives the fixed AP that the package lvis gives, under the rules of LVIS', async () => {
    const cases = JSON.parse(await readFile(fixture('../evaluation/lvis.json'), 'utf8'));
    const folder = await mkdtemp(join(tmpdir(), 'chatrex-lvis-'));
    try {
      for (const [i, { truth, detections, fixed }] of cases.entries()) {
        const path = join(folder, `lvis-${i}.json`);
        const images = truth.images.map((image: { id: number }) => ({ ...image, file_name: `${image.id}.jpg` }));
        await writeFile(path, JSON.stringify({ ...truth, images }));
        const data = await openDataset(`lvis:${path}`, { cacheFolder: folder });
        const names = new Map(data.vocabulary.map(({ sourceId, name }) => [sourceId, name]));
        const replay: Detects = {
          detect: async ({ sample }, asked) => ({
            text: '',
            boxes: detections.flatMap(([image, category, x, y, w, h, score]: number[]): FoundBox[] => {
              const label = names.get(category)!;
              const isAsked = String(image) === sample.id && asked.includes(label);
              return isAsked ? [{ label, boxXyxy: [x, y, x + w, y + h], score }] : [];
            }),
          }),
        };
        // Not the official way: in the file, names that nobody asks for here use up the 300 detections of an image.
        const suite = cocoSuite({ rule: 'lvis', isVocabulary: true, cap: fixedCap() });
        const { figures } = await figuresOf(suite, data, replay);
        await data.close();
        for (const [name, value] of Object.entries(fixed as Record<string, number>)) {
          const found = figures[name.split('@')[0]] ?? -1;
          expect(Math.abs(found - value), `${i} ${name}`).toBeLessThan(1e-6);
        }
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  /** What is asked about the samples. */
  async function asked(options: CocoSuiteOptions, ...samples: Sample[]): Promise<string[][]> {
    const questions: string[][] = [];
    const subject: Detects = {
      detect: async (_, names) => {
        questions.push([...names]);
        return { text: '', boxes: [] };
      },
    };
    await figuresOf(cocoSuite(options), memoryDataset(samples), subject);
    return questions;
  }

  it('asks for absent names only where the annotation knows that they are absent', async () => {
    const closed = sampleOf('closed', [regionOf('dog', 0)]);
    const open = sampleOf('open', [regionOf('cat', 0), regionOf('crowd', 0, { isIgnored: true })], {
      coverage: { complete: [], isClosed: false },
      phrases: [{ text: 'horse', regions: [], kind: 'name' }],
    });
    expect(await asked({}, closed, open, sampleOf('empty', []))).toEqual([['dog'], ['cat']]);
    expect(await asked({ isVocabulary: true, namesPerQuestion: 2 }, closed, open)).toEqual([
      ['dog', 'cat'],
      ['crowd'],
      ['cat', 'horse'],
    ]);
  });

  it('does not count what finds nothing of a category that is annotated in part', async () => {
    const regions = [regionOf('dog', 0)];
    const coverage = { complete: [], isClosed: false, partialCategories: ['dog'] };
    const twice: Detects = {
      detect: async () => ({ text: '', boxes: [found('a dog', 40, 0.9), found('Dog', 0, 0.5), found('cat', 0)] }),
    };
    const whole = await figuresOf(cocoSuite(), memoryDataset([sampleOf('a', regions)]), twice);
    expect(whole.figures).toMatchObject({ precision50: 0.5, recall50: 1 });
    expect(whole.figures.AP50).toBeCloseTo(0.5, 6);
    expect(whole.notes).toEqual(['boxes of a name that was not asked for, left out: 1']);
    const part = await figuresOf(cocoSuite(), memoryDataset([sampleOf('a', regions, { coverage })]), twice);
    expect(part.figures.precision50).toBeCloseTo(1, 9);
    expect(part.figures.AP50).toBeCloseTo(1, 6);
  });

  it('counts images that could not be read as missed, with zeros kept and left out side by side', async () => {
    const samples = [sampleOf('a', [regionOf('dog', 0)]), sampleOf('b', [regionOf('cat', 0)])];
    const subject: Detects = {
      detect: async (view, names) => {
        await view.image();
        return { text: '', boxes: names.map((name) => found(name, 0)) };
      },
    };
    const { figures, counts } = await figuresOf(cocoSuite(), memoryDataset(samples, ['b']), subject);
    expect(counts).toMatchObject({ answered: 1, failed: 1 });
    expect(figures).toMatchObject({ recall50: 0.5, recall50WithoutZeros: 1 });
    expect(figures.precision50).toBeCloseTo(0.5, 9);
    expect(figures.precision50WithoutZeros).toBeCloseTo(1, 9);
  });
});

describe('proposals', () => {
  const finds = (boxes: readonly BoxXyxy[], scores: readonly number[]): FindsProposals => ({
    propose: async (_, { granularity }) => ({
      ...size,
      boxesXyxy: Float32Array.from(granularity === 'fine' ? [] : boxes.flat()),
      scores: Float32Array.from(granularity === 'fine' ? [] : scores),
      granularities: [],
    }),
  });
  const coarse = [0, 20, 20, 20].map((_, i): BoxXyxy => [i * 20, 0, i * 20 + 20, 20]);

  it('are scored for each prompt; recall at a score is of the boxes from .3 on', async () => {
    const data = memoryDataset([sampleOf('a', [regionOf('dog', 0), regionOf('cat', 20)])]);
    const { figures, byKind, variant } = await figuresOf(proposalsSuite(), data, finds(coarse.slice(0, 2), [0.9, 0.2]));
    expect(Object.keys(byKind)).toEqual(['coarse', 'both']);
    expect(byKind.coarse).toMatchObject({ AR1: 0.5, AR100: 1, recallAtScore: 0.5, recallAtIou50: 1 });
    expect(byKind.coarse.AP).toBeCloseTo(1, 6);
    expect(figures).toEqual(byKind.both);
    expect(variant.figures).toBe('of both proposals');
  });

  it('have recall but no AP where the annotation promises nothing about a prompt', async () => {
    const coverage = { complete: ['coarse'] as const, isClosed: true };
    const data = memoryDataset([sampleOf('a', [regionOf('dog', 0)], { coverage })]);
    const { byKind, notes, variant } = await figuresOf(proposalsSuite(), data, finds(coarse.slice(0, 1), [0.9]));
    expect(byKind.fine).toMatchObject({ AP: null, AR100: 0 });
    expect(byKind.both).toMatchObject({ AP: null, AR100: 1 });
    expect(byKind.coarse.AP).toBeCloseTo(1, 6);
    expect(variant.figures).toBe('of coarse proposals');
    expect(notes).toEqual([expect.stringMatching(/^no AP for fine, both: /)]);
  });
});

it('regions are asked for one by one among all that are shown, 100 at a time', async () => {
  const regions = Array.from({ length: 101 }, (_, i) =>
    regionOf(i === 0 ? 'hot_dog' : 'cat', i, i === 7 ? { isIgnored: true } : {}),
  );
  const shown: number[] = [];
  const { figures, counts } = await figuresOf(regionsSuite(), memoryDataset([sampleOf('a', regions)]), {
    nameRegion: async (_, boxes, box) => {
      shown.push(boxes.length);
      return boxes[box][0] === 0 ? 'Hot dog.' : 'big cat';
    },
  });
  expect(counts.questions).toBe(100);
  expect(shown).toEqual(Array(100).fill(100));
  expect(figures.exact).toBeCloseTo(0.01, 9);
  expect(figures.semanticIou).toBeCloseTo((1 + 99 / 2) / 100, 9);
  expect(figures.semanticSimilarity).toBeNull();
});

it('referring takes the first box, and all of them for precision and recall; nothing is right about nothing', async () => {
  const regions = [regionOf('dog', 0), regionOf('dog', 40)];
  const phrases = [
    { text: 'the left dog', regions: [0], kind: 'referring' as const },
    { text: 'both dogs', regions: [0, 1], kind: 'referring' as const },
    { text: 'the horse', regions: [], kind: 'referring' as const },
    { text: 'dog', regions: [0, 1], kind: 'name' as const },
  ];
  const subject: Refers = {
    refer: async (_, phrase) => ({
      text: '',
      boxes: phrase === 'the horse' ? [] : [found(phrase, 40), found(phrase, 0)],
    }),
  };
  const { figures, counts } = await figuresOf(
    referringSuite(),
    memoryDataset([sampleOf('a', regions, { phrases })]),
    subject,
  );
  expect(counts.questions).toBe(3);
  expect(figures).toEqual({
    accuracy50: 0.5,
    accuracy50Inclusive: 0.5,
    meanIou: 0.5,
    precision: 0.75,
    recall: 1,
    rejection: 1,
  });
});

it('counts come from the number, or else from the boxes; nothing said is no zero', () => {
  expect(countIn({ text: 'There are three dogs.', boxes: [found('dog', 0)] })).toBe(3);
  expect(countIn({ text: 'dogs', boxes: [found('dog', 0), found('dog', 0), found('dog', 40)] })).toBe(2);
  expect(countIn({ text: 'There are no dogs.', boxes: [] })).toBe(0);
  expect(countIn({ text: 'dogs', boxes: [] })).toBeUndefined();
});
