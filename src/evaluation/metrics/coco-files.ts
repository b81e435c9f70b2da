/** Reads COCO's two JSON files, annotations and results, into plain records (cocodataset.org/#format-data, #format-results). */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ChatRexError } from '../../errors.ts';
import type { DetectedBox, GroundTruthBox } from './records.ts';

const boxSchema = z.tuple([z.number(), z.number(), z.number().nonnegative(), z.number().nonnegative()]);

const datasetSchema = z.object({
  images: z.array(z.object({ id: z.int() })),
  categories: z.array(z.object({ id: z.int(), name: z.string() })),
  annotations: z.array(
    z.object({
      image_id: z.int(),
      category_id: z.int(),
      bbox: boxSchema,
      area: z.number().nonnegative().optional(),
      iscrowd: z.union([z.literal(0), z.literal(1), z.boolean()]).optional(),
    }),
  ),
});

const resultsSchema = z.array(
  z.object({ image_id: z.int(), category_id: z.int(), bbox: boxSchema, score: z.number() }),
);

/** An annotation file; `imageIds` and `categoryIds` are meant for `CocoOptions`. */
export interface CocoDataset {
  imageIds: number[];
  categoryIds: number[];
  categoryNames: Map<number, string>;
  truths: GroundTruthBox[];
}

/**
 * Reads an annotation file (`instances_*.json`).
 * @throws ChatRexError `not-found` or `invalid-file`, naming the first field that is wrong.
 */
export async function readCocoDataset(path: string): Promise<CocoDataset> {
  const { images, categories, annotations } = await readJson(path, datasetSchema);
  return {
    imageIds: images.map((image) => image.id),
    categoryIds: categories.map((category) => category.id),
    categoryNames: new Map(categories.map(({ id, name }) => [id, name])),
    truths: annotations.map((annotation) => ({
      imageId: annotation.image_id,
      categoryId: annotation.category_id,
      boxXywh: annotation.bbox,
      area: annotation.area,
      isCrowd: Boolean(annotation.iscrowd),
    })),
  };
}

/**
 * Reads a results file; every detection must be of an image of the dataset.
 * @throws ChatRexError `not-found` or `invalid-file`, naming the first field that is wrong.
 */
export async function readCocoResults(path: string, dataset: CocoDataset): Promise<DetectedBox[]> {
  const known = new Set(dataset.imageIds);
  return (await readJson(path, resultsSchema)).map((result, index) => {
    if (!known.has(result.image_id)) {
      throw new ChatRexError(
        'invalid-file',
        `${path}: expected images of the annotation file, got image_id ${result.image_id} in result ${index}`,
      );
    }
    return {
      imageId: result.image_id,
      categoryId: result.category_id,
      boxXywh: result.bbox,
      score: result.score,
    };
  });
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    if (isMissing) throw new ChatRexError('not-found', `${path}: no such file`, { cause });
    throw new ChatRexError('invalid-file', `${path}: expected JSON, but it cannot be read as that`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path: field, message } = parsed.error.issues[0];
  throw new ChatRexError('invalid-file', `${path}: ${field.join('.') || 'the top level'}: ${message}`);
}
