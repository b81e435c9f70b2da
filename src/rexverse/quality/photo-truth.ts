/** Photographs of which boxes and captions are known: a folder with COCO's files. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { BoxXyxy } from '../../boxes/box.ts';
import { ChatRexError } from '../../errors.ts';
import { groupBy } from '../../evaluation/metrics/group-by.ts';

export interface TrueBox {
  readonly category: string;
  readonly boxXyxy: BoxXyxy;
  /** Nobody counted what is in it: boxes inside are neither right nor wrong. */
  readonly isCrowd: boolean;
}

export interface PhotoTruth {
  /** Relative to the folder. */
  readonly file: string;
  readonly boxes: readonly TrueBox[];
  readonly captions: readonly string[];
}

export interface PhotoTruths {
  readonly categories: readonly string[];
  /** Those with boxes, in the order of the file. */
  readonly photos: readonly PhotoTruth[];
}

const image = z.object({ id: z.number(), file_name: z.string(), split: z.string().optional() });
const instancesSchema = z.object({
  images: z.array(image),
  categories: z.array(z.object({ id: z.number(), name: z.string() })),
  annotations: z.array(
    z.object({
      image_id: z.number(),
      category_id: z.number(),
      bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
      iscrowd: z.number().optional(),
    }),
  ),
});
const captionsSchema = z.object({ annotations: z.array(z.object({ image_id: z.number(), caption: z.string() })) });

/**
 * @param folder with `instances.json`, `images/` and, if it has captions, `captions.json`
 * @param split images of this split alone, where the file says of which each is
 * @throws ChatRexError 'not-found' or 'invalid-file' naming the file
 */
export async function readPhotoTruths(folder: string, split?: string): Promise<PhotoTruths> {
  const { images, categories, annotations } = await readJson(join(folder, 'instances.json'), instancesSchema);
  const { annotations: captions } = await readJson(join(folder, 'captions.json'), captionsSchema).catch((error) => {
    if (error instanceof ChatRexError && error.code === 'not-found') return { annotations: [] };
    throw error;
  });
  const names = new Map(categories.map(({ id, name }) => [id, name]));
  const boxesOf = groupBy(annotations, (one) => one.image_id);
  const captionsOf = groupBy(captions, (one) => one.image_id);
  const photos = images
    .filter((one) => split === undefined || one.split === undefined || one.split === split)
    .map(
      ({ id, file_name: name }): PhotoTruth => ({
        file: `images/${name}`,
        boxes: (boxesOf.get(id) ?? []).map(({ category_id: category, bbox: [left, top, width, height], iscrowd }) => ({
          category: names.get(category) ?? '',
          boxXyxy: [left, top, left + width, top + height],
          isCrowd: iscrowd === 1,
        })),
        captions: (captionsOf.get(id) ?? []).map(({ caption }) => caption.replace(/\s+/g, ' ').trim()),
      }),
    )
    .filter(({ boxes }) => boxes.length > 0);
  return { categories: categories.map(({ name }) => name), photos };
}

async function readJson<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.infer<Schema>> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new ChatRexError(
      'not-found',
      `${path} is missing; expected a folder with COCO's instances.json and images/`,
      {
        cause,
      },
    );
  });
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ChatRexError('invalid-file', `${path} is not what COCO's annotations look like`, { cause });
  }
}
