/**
 * What the classifier of plain white images learns from and is judged by: rendered and real examples, in three parts
 * that share no photograph and no thing.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { createRandom, type Random } from '../../src/random.ts';
import { imageStatistics } from '../../src/rexverse/collect/image-statistics.ts';
import { sampleSide } from '../../src/rexverse/collect/perceptual-hash.ts';
import { CATEGORIES } from '../../src/world/categories.ts';
import { renderScene } from '../../src/world/scene.ts';
import { loadSpriteAtlas } from '../../src/world/sprite-atlas.ts';
import { drawing, framed, overexposed, thingsOnColor, thingsOnWhite } from './draw-example.ts';

export const parts = ['train', 'val', 'test'] as const;
export type Part = (typeof parts)[number];

export interface Example {
  readonly kind: string;
  readonly isPlain: boolean;
  /** Of `imageStatistics`. */
  readonly statistics: Float64Array;
}

/** Examples of a rendered kind, and photographs, in each part. */
const sizes: Readonly<Record<Part, { readonly rendered: number; readonly photographs: number }>> = {
  train: { rendered: 250, photographs: 600 },
  val: { rendered: 120, photographs: 250 },
  test: { rendered: 200, photographs: 600 },
};
/** Images that are drawn or decoded at the same time. */
const atOnce = 8;

interface Recipe {
  readonly kind: string;
  readonly isPlain: boolean;
  make(): Promise<Buffer | string>;
}

/**
 * @param photos folders of photographs; those with an `instances.json` also give things to cut out
 * @param scale of the usual numbers of examples
 */
export async function examplesOf(
  part: Part,
  photos: readonly string[],
  scale: number,
  onExample?: (done: number) => void,
): Promise<Example[]> {
  const recipes = await recipesOf(part, photos, scale);
  const examples: Example[] = [];
  for (let at = 0; at < recipes.length; at += atOnce) {
    const some = recipes.slice(at, at + atOnce).map(async ({ kind, isPlain, make }): Promise<Example> => {
      return { kind, isPlain, statistics: await statisticsOf(await make()) };
    });
    examples.push(...(await Promise.all(some)));
    onExample?.(examples.length);
  }
  return examples;
}

async function recipesOf(part: Part, photos: readonly string[], scale: number): Promise<Recipe[]> {
  const [rendered, photographs] = [sizes[part].rendered, sizes[part].photographs].map((size) =>
    Math.round(scale * size),
  );
  const files = createRandom(`photographs ${part}`)
    .shuffle(photos.flatMap(filesIn).filter((file) => partOf(file) === part))
    .slice(0, photographs);
  const sprites = spriteFiles().filter((file) => partOf(file) === part);
  const pieces = photos.flatMap(outlinesIn).filter(({ file }) => partOf(file) === part);
  const atlas = await loadSpriteAtlas();
  const recipes: Recipe[] = files.map((file) => ({ kind: 'photographs', isPlain: false, make: async () => file }));
  const add = (
    kind: string,
    isPlain: boolean,
    count: number,
    make: (random: Random, at: number) => Promise<Buffer>,
  ) => {
    for (let at = 0; at < count; at++) {
      recipes.push({ kind, isPlain, make: () => make(createRandom(`${kind} ${part} ${at}`), at) });
    }
  };
  const several = (random: Random) =>
    random.weighted([
      [1, 6],
      [2, 2],
      [3, 2],
    ] as const);
  const sprite = (random: Random) => Array.from({ length: several(random) }, () => random.pick(sprites));
  const real = (random: Random) =>
    Promise.all(Array.from({ length: several(random) }, () => cutOut(random.pick(pieces))));
  const fewer = Math.round(0.4 * rendered);
  add('rendered things on white', true, rendered, (random) => thingsOnWhite(sprite(random), random));
  add('logos, text, charts, products', true, rendered, drawing);
  if (pieces.length > 0) {
    add('real things on white', true, rendered, async (random) => thingsOnWhite(await real(random), random));
    add('real things on color', false, fewer, async (random) => thingsOnColor(await real(random), random));
  }
  add('rendered things on color', false, fewer, (random) => thingsOnColor(sprite(random), random));
  add('photographs in a white frame', false, fewer, (random) => framed(random.pick(files), random));
  add('overexposed photographs', false, fewer, (random) => overexposed(random.pick(files), random));
  add('scenes of RexWorld', false, fewer, (_, index) => {
    const { width, height, data } = renderScene(atlas, { split: part, seed: 4711, index }).image;
    return sharp(data, { raw: { width, height, channels: 3 } })
      .png({ compressionLevel: 1 })
      .toBuffer();
  });
  return recipes;
}

/** As the collect stage looks at an image. */
async function statisticsOf(image: Buffer | string): Promise<Float64Array> {
  const pixels = await sharp(image)
    .autoOrient()
    .flatten({ background: '#fff' })
    .toColourspace('srgb')
    .resize(sampleSide, sampleSide, { fit: 'fill' })
    .raw({ depth: 'uchar' })
    .toBuffer();
  return imageStatistics(pixels);
}

/** The same file is in the same part wherever its folder is. */
function partOf(file: string): Part {
  return createRandom(`part of ${file.split('/').at(-1)}`).weighted([
    ['train', 55],
    ['val', 20],
    ['test', 25],
  ]);
}

function filesIn(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true }) as string[];
  return names
    .filter((name) => /\.(jpe?g|png|webp)$/i.test(name))
    .map((name) => join(folder, name))
    .sort();
}

function spriteFiles(): string[] {
  const assets = join(
    dirname(createRequire(import.meta.url).resolve('@lobehub/fluent-emoji-3d/package.json')),
    'assets',
  );
  return CATEGORIES.flatMap(({ codepoints }) => (codepoints ? [join(assets, `${codepoints}.webp`)] : []));
}

interface Outline {
  readonly file: string;
  /** Corners of polygons, x and y in turn, in pixels. */
  readonly polygons: readonly (readonly number[])[];
  readonly boxXywh: readonly [number, number, number, number];
}

/** Things that are annotated with polygons and are large enough to be cut out. */
function outlinesIn(folder: string): Outline[] {
  let text: string;
  try {
    text = readFileSync(join(folder, 'instances.json'), 'utf8');
  } catch {
    return [];
  }
  const { images, annotations } = JSON.parse(text) as {
    images: { id: number; file_name: string }[];
    annotations: { image_id: number; bbox: Outline['boxXywh']; segmentation?: unknown; iscrowd?: number }[];
  };
  const names = new Map(images.map(({ id, file_name: name }) => [id, join(folder, 'images', name)]));
  return annotations.flatMap(({ image_id: id, bbox, segmentation, iscrowd }) => {
    const file = names.get(id);
    const isUsable = file && Array.isArray(segmentation) && segmentation.length > 0 && !iscrowd;
    return isUsable && Math.min(bbox[2], bbox[3]) >= 60 ? [{ file, polygons: segmentation, boxXywh: bbox }] : [];
  });
}

async function cutOut({ file, polygons, boxXywh: [x, y, width, height] }: Outline): Promise<Buffer> {
  const { width: w = 1, height: h = 1 } = await sharp(file).metadata();
  const paths = polygons.map((corners) => `<polygon points="${corners.join(' ')}"/>`).join('');
  const mask = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}">${paths}</svg>`);
  const whole = await sharp(file)
    .ensureAlpha()
    .composite([{ input: mask, blend: 'dest-in' }])
    .png({ compressionLevel: 1 })
    .toBuffer();
  const [left, top] = [Math.max(0, Math.floor(x)), Math.max(0, Math.floor(y))];
  const size = { width: Math.min(w - left, Math.ceil(width)), height: Math.min(h - top, Math.ceil(height)) };
  return sharp(whole)
    .extract({ left, top, ...size })
    .png({ compressionLevel: 1 })
    .toBuffer();
}
