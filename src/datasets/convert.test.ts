import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readerOf } from '../open-dataset.ts';
import { convertDataset } from './convert.ts';
import type { VocabularyEntry } from './dataset.ts';
import type { Region, Sample } from './sample.ts';
import { imageFile } from './testing/images.ts';
import { memoryDataset } from './testing/memory-dataset.ts';
import { readFolder, withFiles } from './testing/read-all.ts';

const size = { width: 640, height: 427 };
const vocabulary: VocabularyEntry[] = [
  { name: 'cup', sourceId: 7, frequency: 'r', synonyms: ['mug'] },
  { name: 'traffic: "light", #1', sourceId: 3 },
  { name: 'a <b> & c' },
];
const text = fc.string({ unit: 'binary', maxLength: 12 });
const side = (end: number) => fc.double({ min: 0, max: end - 1, noNaN: true });

const box = fc
  .tuple(
    side(size.width),
    side(size.height),
    fc.double({ min: 1e-3, max: 1, noNaN: true }),
    fc.double({ min: 1e-3, max: 1, noNaN: true }),
  )
  .map(([left, top, across, down]): Region['boxXyxy'] => [
    left,
    top,
    left + across * (size.width - left),
    top + down * (size.height - top),
  ]);

/** What COCO, YOLO and Label Studio hold. */
const plainRegion = fc.record(
  {
    boxXyxy: box,
    category: fc.constantFrom(...vocabulary.map(({ name }) => name)),
    granularities: fc.constant(['coarse' as const]),
  },
  { requiredKeys: ['boxXyxy', 'category', 'granularities'] },
);

const fullRegion = fc.record(
  {
    boxXyxy: box,
    category: text,
    granularities: fc.subarray(['fine' as const, 'coarse' as const]),
    isIgnored: fc.boolean(),
    // A key that would change an object's prototype is not read (zod).
    attributes: fc.dictionary(
      text.filter((key) => key !== '__proto__'),
      text,
    ),
    areaPixels: fc.double({ min: 0, max: 1e6, noNaN: true }),
    score: fc.double({ min: 0, max: 1, noNaN: true }),
    sourceId: text,
  },
  { requiredKeys: ['boxXyxy', 'granularities'] },
);

const span = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text }),
  fc.record({ kind: fc.constant('phrase' as const), text, objects: fc.constantFrom<number[]>([], [0]) }),
);

/** JSON has no -0. */
const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value));

const fullSample = fc.record({
  regions: fc.array(fullRegion, { minLength: 1, maxLength: 4 }),
  phrases: fc.array(
    fc.record({
      text,
      regions: fc.constantFrom([], [0]),
      kind: fc.constantFrom('name' as const, 'referring' as const),
    }),
  ),
  conversations: fc.array(
    fc.record({
      task: text,
      turns: fc.array(fc.record({ question: fc.array(span), answer: fc.array(span) }), { maxLength: 2 }),
    }),
    { maxLength: 2 },
  ),
  coverage: fc.record({
    complete: fc.subarray(['fine' as const, 'coarse' as const]),
    isClosed: fc.boolean(),
    partialCategories: fc.array(text),
  }),
});

function samplesOf(contents: readonly Omit<Sample, 'id' | 'image'>[]): Sample[] {
  return contents.map((content, at) =>
    asJson({ ...content, id: String(3 * at), image: { file: `a ${at}.png`, size } }),
  );
}

async function roundTrip(samples: readonly Sample[], format: string, extra: Record<string, unknown> = {}) {
  return withFiles({ 'a 0.png': await imageFile(size.width, size.height) }, async (folder) => {
    const out = join(folder, format === 'yolo' ? 'out' : 'out.file');
    const report = await convertDataset(memoryDataset(samples, vocabulary), { format, out, dataRoot: folder });
    const read = await readFolder(await readerOf(format), folder, {
      path: format === 'yolo' ? 'out' : 'out.file',
      ...extra,
    });
    return { ...read, report };
  });
}

describe('what is written is read back equal', () => {
  it.each(['json-lines', 'parquet'])('all of it as %s', async (format) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fullSample, { maxLength: 4 }), async (contents) => {
        const samples = samplesOf(contents);
        const read = await roundTrip(samples, format);
        expect(read.samples).toEqual(samples);
        const others = samples.flatMap(({ regions }) => regions.flatMap(({ category }) => category ?? []));
        const known = vocabulary.map(({ name }) => name);
        const added = [...new Set(others)].filter((name) => !known.includes(name));
        expect(read.vocabulary).toEqual([...vocabulary, ...added.map((name) => ({ name }))]);
        expect(read.report.lost).toEqual({});
      }),
      { numRuns: 25 },
    );
  });

  it('boxes, names, crowds, scores and areas as COCO', async () => {
    const region = fc
      .tuple(plainRegion, fc.boolean(), fc.integer({ min: 0, max: 1e6 }))
      .map(([plain, isIgnored, areaPixels]) => ({
        ...plain,
        ...(isIgnored && { isIgnored }),
        areaPixels,
      }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(region, { maxLength: 4 }), { maxLength: 3 }), async (lists) => {
        const coverage = { complete: ['coarse' as const], isClosed: true };
        const samples = samplesOf(lists.map((regions) => ({ regions, phrases: [], conversations: [], coverage })));
        const read = await roundTrip(samples, 'coco');
        let id = 0;
        const numbered = samples.map((sample) => ({
          ...sample,
          regions: sample.regions.map((one) => ({ ...one, sourceId: String(++id) })),
        }));
        expect(read.samples).toEqual(numbered);
        // The free id goes to the name that has none.
        expect(read.vocabulary).toEqual([...vocabulary.slice(0, 2), { ...vocabulary[2], sourceId: 1 }]);
      }),
      { numRuns: 25 },
    );
  });

  it.each(['yolo', 'label-studio'])('boxes and names as %s, to a millionth of a pixel', async (format) => {
    const region = fc
      .tuple(plainRegion, fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }))
      .map(([plain, score]) => ({
        ...plain,
        ...(score !== undefined && { score }),
      }));
    await fc.assert(
      fc.asyncProperty(fc.array(region, { minLength: 1, maxLength: 5 }), async (regions) => {
        const [sample] = samplesOf([
          { regions, phrases: [], conversations: [], coverage: { complete: [], isClosed: false } },
        ]);
        const { samples } = await roundTrip([sample], format);
        const byScore = (list: readonly Region[]) => [
          ...list.filter(({ score }) => score === undefined),
          ...list.filter(({ score }) => score !== undefined),
        ];
        const expected = format === 'yolo' ? sample.regions : byScore(sample.regions);
        expect(samples[0].regions.map(({ category, score }) => [category, score])).toEqual(
          expected.map(({ category, score }) => [category, score]),
        );
        for (const [at, { boxXyxy }] of samples[0].regions.entries()) {
          for (const [place, value] of boxXyxy.entries()) expect(value).toBeCloseTo(expected[at].boxXyxy[place], 6);
        }
      }),
      { numRuns: 15 },
    );
  });
});

const full: Sample = {
  id: 'a/../b',
  image: { file: 'a 0.png', size },
  regions: [
    { boxXyxy: [1, 2, 3, 4], granularities: ['fine'], isIgnored: true, attributes: { color: 'red' } },
    { boxXyxy: [1, 2, 3, 4], category: 'new', granularities: ['fine'], partOf: 0 },
  ],
  phrases: [{ text: 'x', regions: [0], kind: 'name' }],
  conversations: [{ task: 'conversation', turns: [] }],
  coverage: { complete: [], isClosed: false },
};

describe('convertDataset', () => {
  it('counts what a format has no place for', async () => {
    const samples = [full, { ...full, id: 'text', image: undefined }];
    const { lost } = (await roundTrip(samples, 'coco')).report;
    expect(lost).toEqual({
      phrases: 2,
      conversations: 2,
      'samples without an image': 1,
      parts: 1,
      'names of regions, which are called object now': 1,
    });
    expect((await roundTrip([full], 'yolo')).report.lost).toEqual({
      phrases: 1,
      conversations: 1,
      'regions that are ignored': 1,
      parts: 1,
    });
  });

  it('copies images under names that no id can lead astray, also out of other files', async () => {
    const png = await imageFile(9, 4);
    const files = { 'a 0.png': png, 'pack.tsv': `k\t${Buffer.from(png).toString('base64')}\n` };
    await withFiles(files, async (folder) => {
      const packed = { file: 'pack.tsv', range: [2, 2 + Math.ceil(png.length / 3) * 4] as const, isBase64: true };
      const small = { width: 9, height: 4 };
      const samples = [
        { ...full, image: { file: 'a 0.png', size: small } },
        { ...full, id: 'plain', image: packed, regions: [] },
      ];
      const out = join(folder, 'x.json');
      const options = { format: 'coco', out, dataRoot: folder };
      const report = await convertDataset(memoryDataset(samples), { ...options, hasCopies: true });
      expect(report.copiedImages).toBe(2);
      expect(await readdir(join(folder, 'x-images'))).toEqual(['a_.._b-0.png', 'plain.png']);
      expect(await readFile(join(folder, 'x-images/plain.png'))).toEqual(Buffer.from(png));
      const written = JSON.parse(await readFile(out, 'utf8'));
      expect(written.images.map(({ file_name }: { file_name: string }) => file_name)).toEqual([
        'x-images/a_.._b-0.png',
        'x-images/plain.png',
      ]);
    });
  });

  it('draws images that no file holds', async () => {
    await withFiles({}, async (folder) => {
      const { samples: _1, ...drawing } = memoryDataset([
        { ...full, image: { file: 'nowhere/1', size: { width: 40, height: 30 } } },
      ]);
      const out = join(folder, 'x.json');
      const report = await convertDataset(drawing, { format: 'coco', out, dataRoot: folder });
      expect([report.copiedImages, await readdir(join(folder, 'x-images'))]).toEqual([1, ['a_.._b-0.png']]);
      expect(JSON.parse(await readFile(out, 'utf8')).images[0]).toMatchObject({
        width: 40,
        height: 30,
        file_name: 'x-images/a_.._b-0.png',
      });
    });
  });

  it('replaces nothing without being asked, and leaves nothing half-written', async () => {
    await withFiles({ 'x.json': 'mine', 'home/keep.txt': 'mine' }, async (folder) => {
      const dataset = memoryDataset([full]);
      const write = (format: string, name: string, more = {}) =>
        convertDataset(dataset, { format, out: join(folder, name), dataRoot: folder, ...more });
      await expect(write('coco', 'x.json')).rejects.toThrow(/x\.json exists.*--force/);
      await expect(write('yolo', 'home', { isForced: true })).rejects.toThrow(/is no YOLO folder/);
      await expect(write('coco', 'none/x.json')).rejects.toThrow(/does not exist: make the folder/);
      await expect(write('cocoa', 'y')).rejects.toThrow(/cannot be written, did you mean coco\?/);
      // The image to copy does not exist.
      await expect(write('yolo', 'y')).rejects.toThrow(/cannot write|ENOENT/);
      const aborted = AbortSignal.abort();
      await expect(write('coco', 'z.json', { signal: aborted })).rejects.toMatchObject({ code: 'aborted' });
      expect((await readdir(folder)).sort()).toEqual(['home', 'x.json']);
      expect(await readFile(join(folder, 'x.json'), 'utf8')).toBe('mine');
      await write('coco', 'x.json', { isForced: true });
      expect(JSON.parse(await readFile(join(folder, 'x.json'), 'utf8')).images).toHaveLength(1);
    });
  });
});
