/**
 * Lessons about photographs, as our own JSON Lines: true boxes where a folder has them, the detector's where not, and
 * captions whose phrases are tied to boxes where that can be done with certainty.
 *
 *     npx tsx tools/photo/make-data.ts FOLDER... --out data/photos [--validation val2017] [--captions-only 100]
 *
 * A folder holds `images/`, `captions.json` and `instances.json` of COCO's form; images are those of either file.
 * Photographs of the folder's split `--validation` with true boxes, and so many of the first ones with captions alone,
 * are kept apart: `validation.jsonl`. The others are `train.jsonl`; those of them with true boxes are also
 * `boxes.jsonl`. `names.jsonl` has these, and for each category up to 40 others that show it, among them boxes whose
 * name the detector only guesses: most categories are rare in photographs, and a guess still teaches what the
 * detector's scores are called. Image names are relative to the folder of all. `--fast` looks at one scale.
 */

import { mkdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { iou } from '../../src/boxes/overlap.ts';
import type { Conversation, Phrase, Region, Sample } from '../../src/datasets/sample.ts';
import { writeBeside } from '../../src/files.ts';
import type { GroundedText } from '../../src/grounding/grounded-text.ts';
import { decodeImage } from '../../src/image/decode.ts';
import { askAbout } from '../../src/prompt/phrasings.ts';
import { loadProposalNetwork } from '../../src/proposals/load-proposal-network.ts';
import type { Proposals } from '../../src/proposals/post-process.ts';
import { createRandom } from '../../src/random.ts';
import { classifyPhrase } from '../../src/rexverse/phrases/classify-phrase.ts';
import { nounPhrases } from '../../src/rexverse/phrases/noun-phrases.ts';
import { categoryOf } from './named-things.ts';

/** A box that names its category this surely is one; less sure ones only where a caption speaks of the category. */
const sure = { unsaid: 0.5, said: 0.3 };
/** Below this, and unsaid, a category is not there. */
const absentBelow = 0.15;
/** Above this a name is a guess worth learning. */
const guessed = 0.1;
/** Photographs for each category in `names.jsonl`. */
const photographsOfName = 40;

const { values: options, positionals: folders } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string' },
    model: { type: 'string', default: 'photo' },
    validation: { type: 'string', default: 'val2017' },
    'captions-only': { type: 'string', default: '100' },
    fast: { type: 'boolean', default: false },
  },
});
if (!options.out || folders.length === 0) {
  process.stderr.write('give folders of photographs, and --out FOLDER\n');
  process.exit(2);
}

interface CocoFile {
  readonly images: readonly { id: number; file_name: string; width: number; height: number; split?: string }[];
  readonly annotations: readonly {
    image_id: number;
    category_id: number;
    bbox: [number, number, number, number];
    iscrowd?: number;
    caption?: string;
  }[];
  readonly categories?: readonly { id: number; name: string }[];
}

interface Photograph {
  readonly id: string;
  readonly path: string;
  readonly isKeptApart: boolean;
  readonly captions: readonly string[];
  /** True boxes, where somebody drew them. */
  readonly regions?: readonly Region[];
}

interface Mention {
  readonly start: number;
  readonly end: number;
  readonly query: string;
  readonly category: string;
  readonly isDescriptive: boolean;
  readonly count: number | 'several';
}

const network = await loadProposalNetwork(options.model);
const names = network.categories;
const photographs = (await Promise.all(folders.map(readFolder))).flat();
const root = folders.length === 1 ? folders[0] : join(folders[0], '..');
const made = { train: [] as Sample[], validation: [] as Sample[], guesses: [] as Sample[] };
const started = performance.now();
for (const [done, photograph] of photographs.entries()) {
  const { sample, guesses } = await samplesOf(photograph);
  made[photograph.isKeptApart ? 'validation' : 'train'].push(sample);
  if (!photograph.isKeptApart) made.guesses.push(guesses);
  if (done % 25 === 24) {
    const left = ((performance.now() - started) / 1000 / (done + 1)) * (photographs.length - done - 1);
    process.stderr.write(`${done + 1} of ${photographs.length} photographs, ${left.toFixed(0)} s left\n`);
  }
}
await network.dispose();
await mkdir(options.out, { recursive: true });
const header = JSON.stringify({ vocabulary: names.map((name) => ({ name })) });
const { train, validation, guesses } = made;
const boxes = train.filter(hasTruth);
for (const [name, of] of Object.entries({ train, validation, boxes, names: rareNamesToo(guesses) })) {
  const path = join(options.out, `${name}.jsonl`);
  const text = [header, ...of.map((sample) => JSON.stringify(sample)), ''].join('\n');
  await writeBeside(path, (file) => file.writeFile(text));
  process.stderr.write(`${path}: ${of.length} photographs\n`);
}

async function readFolder(folder: string): Promise<Photograph[]> {
  const [instances, captions] = await Promise.all(
    ['instances.json', 'captions.json'].map(
      async (name): Promise<CocoFile> => JSON.parse(await readFile(join(folder, name), 'utf8')),
    ),
  );
  const nameOf = new Map(instances.categories?.map(({ id, name }) => [id, name]));
  const images = new Map([...captions.images, ...instances.images].map((image) => [image.id, image]));
  const annotated = new Set(instances.annotations.map(({ image_id: id }) => id));
  let captionsOnly = Number(options['captions-only']);
  return [...images.values()].map(({ id, file_name: name, width, height, split }) => {
    const regions = instances.annotations
      .filter(({ image_id: image }) => image === id)
      .map(({ category_id: category, bbox: [x, y, w, h], iscrowd }): Region => {
        const boxXyxy = [x, y, Math.min(x + w, width), Math.min(y + h, height)] as const;
        const isIgnored = iscrowd === 1;
        return { boxXyxy, category: nameOf.get(category), granularities: ['coarse'], ...(isIgnored && { isIgnored }) };
      });
    const of = captions.annotations.filter(({ image_id: image }) => image === id);
    const hasTruth = annotated.has(id);
    // A folder whose file says of no split holds photographs of one kind alone: those without boxes are kept apart.
    const isKeptApart = hasTruth ? split === options.validation : split === undefined && captionsOnly-- > 0;
    return {
      ...{ id: `${relative(join(folder, '..'), folder)}/${id}`, path: join(folder, 'images', name), isKeptApart },
      captions: of.map(({ caption }) => (caption ?? '').trim().replace(/\s+/g, ' ')),
      ...(hasTruth && { regions }),
    };
  });
}

async function samplesOf(photograph: Photograph): Promise<{ sample: Sample; guesses: Sample }> {
  const { id, path, captions, regions: truths } = photograph;
  const { width, height } = await decodeImage(path);
  const [found] = await network.propose([path], { minScore: 0.1, fast: options.fast });
  const mentions = captions.map(mentionsOf);
  const said = new Set(mentions.flat().map(({ category }) => category));
  const regions = truths ?? regionsFound(found, said);
  const partialCategories = truths ? [] : uncertainNames(found, said, regions);
  const ties = mentions.map((all) => all.map((mention) => regionsMeant(mention, regions, partialCategories)));
  const random = createRandom(`photo/${id}`);
  const sample: Sample = {
    id,
    image: { file: relative(root, path), size: { width, height } },
    regions,
    phrases: phrasesOf(mentions, ties),
    conversations: captions.flatMap((caption, i): Conversation[] => {
      if (caption === '') return [];
      const question = askAbout('caption-brief', [], 'seen', random);
      return [{ task: 'brief-caption', turns: [{ question, answer: grounded(caption, mentions[i], ties[i]) }] }];
    }),
    coverage: { complete: ['coarse'], isClosed: true, ...(partialCategories.length > 0 && { partialCategories }) },
  };
  return { sample, guesses: truths ? sample : withGuesses(sample, found) };
}

/** Boxes whose names are guesses, in addition; of what is guessed nobody asks where it is or how many there are. */
function withGuesses(sample: Sample, { boxesXyxy, categories = [], categoryScores }: Proposals): Sample {
  const regions = [...sample.regions];
  const partial = new Set(sample.coverage.partialCategories);
  categories.forEach((category, i) => {
    const score = categoryScores?.[i] ?? 0;
    const box = boxesXyxy.subarray(4 * i, 4 * i + 4);
    if (score < guessed || regions.some((one) => iou(box, Float32Array.from(one.boxXyxy))[0] > 0.5)) return;
    const [x1, y1, x2, y2] = Array.from(box, (value) => Math.round(value * 10) / 10);
    regions.push({ boxXyxy: [x1, y1, x2, y2], category, granularities: ['coarse'], score: rounded(score) });
    partial.add(category);
  });
  return { ...sample, regions, coverage: { ...sample.coverage, partialCategories: [...partial].sort() } };
}

/** The detector's boxes have scores. */
function hasTruth({ regions }: Sample): boolean {
  return regions.some(({ score }) => score === undefined);
}

/** Photographs with true boxes, and for each category those that show it most certainly. */
function rareNamesToo(samples: readonly Sample[]): Sample[] {
  const chosen = new Set(samples.filter(hasTruth));
  for (const name of names) {
    const scoreOf = ({ regions }: Sample) =>
      Math.max(0, ...regions.map(({ category, score = 1 }) => (category === name ? score : 0)));
    const showing = samples.filter((sample) => scoreOf(sample) > 0).sort((a, b) => scoreOf(b) - scoreOf(a));
    for (const sample of showing.slice(0, photographsOfName)) chosen.add(sample);
  }
  return [...chosen];
}

function rounded(score: number): number {
  return Math.round(score * 100) / 100;
}

function mentionsOf(caption: string): Mention[] {
  return nounPhrases(caption).flatMap((phrase) => {
    const { start, end, query, category: nouns, kind, count } = classifyPhrase(phrase);
    const category = categoryOf(nouns);
    return category === undefined
      ? []
      : [{ start, end, query, category, isDescriptive: kind === 'descriptive', count }];
  });
}

/** Boxes whose name is certain enough, one for each thing. */
function regionsFound({ boxesXyxy, categories, categoryScores }: Proposals, said: ReadonlySet<string>): Region[] {
  const regions: Region[] = [];
  categories?.forEach((category, i) => {
    const score = categoryScores?.[i] ?? 0;
    if (score < (said.has(category) ? sure.said : sure.unsaid)) return;
    const box = boxesXyxy.subarray(4 * i, 4 * i + 4);
    const isDouble = regions.some(
      (one) => one.category === category && iou(box, Float32Array.from(one.boxXyxy))[0] > 0.5,
    );
    if (isDouble) return;
    const [x1, y1, x2, y2] = Array.from(box, (value) => Math.round(value * 10) / 10);
    regions.push({
      boxXyxy: [x1, y1, x2, y2],
      category,
      granularities: ['coarse'],
      score: rounded(score),
    });
  });
  return regions;
}

/** Categories of which more may be there than was found: a caption names one without a box, or a box is half sure. */
function uncertainNames(
  { categories, categoryScores }: Proposals,
  said: ReadonlySet<string>,
  regions: readonly Region[],
): string[] {
  const certain = new Set(regions.map(({ category }) => category));
  const uncertain = new Set([...said].filter((name) => !certain.has(name)));
  categories?.forEach((category, i) => {
    const score = categoryScores?.[i] ?? 0;
    if (score >= absentBelow && score < sure.said) uncertain.add(category);
  });
  return [...uncertain].sort();
}

/** The regions that a phrase means, or none where that is not certain. */
function regionsMeant(
  { category, count }: Mention,
  regions: readonly Region[],
  uncertain: readonly string[],
): number[] {
  const of = regions.flatMap((region, i) => (region.category === category && !region.isIgnored ? [i] : []));
  if (count === 'several')
    return of.length >= 2 && !regions.some((r) => r.isIgnored && r.category === category) ? of : [];
  return of.length === count && !(count > 1 && uncertain.includes(category)) ? of : [];
}

function phrasesOf(mentions: readonly Mention[][], ties: readonly number[][][]): Phrase[] {
  const phrases = new Map<string, Phrase>();
  mentions.forEach((all, caption) => {
    all.forEach(({ query, category, isDescriptive }, i) => {
      const regions = ties[caption][i];
      // A category's own name is what detection asks for; other words for it are phrases.
      if (regions.length === 0 || query === category || query === '') return;
      phrases.set(`${query} ${regions}`, {
        text: query,
        kind: isDescriptive && regions.length === 1 ? 'referring' : 'phrase',
        regions,
      });
      if (isDescriptive) phrases.set(`phrase ${query} ${regions}`, { text: query, kind: 'phrase', regions });
    });
  });
  return [...phrases.values()];
}

function grounded(caption: string, mentions: readonly Mention[], ties: readonly number[][]): GroundedText {
  const spans: GroundedText = [];
  let at = 0;
  mentions.forEach(({ start, end }, i) => {
    if (ties[i].length === 0) return;
    if (start > at) spans.push({ kind: 'text', text: caption.slice(at, start) });
    spans.push({ kind: 'phrase', text: caption.slice(start, end), objects: ties[i] });
    at = end;
  });
  if (at < caption.length) spans.push({ kind: 'text', text: caption.slice(at) });
  return spans;
}
