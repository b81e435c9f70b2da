/**
 * Sizes of a NanoDet-g (RangiLyu/nanodet, `nanodet-g.yml`), its names, and how its scores are to be read.
 *
 * A folder says so in `config.json`: these fields, with `"model_type": "nanodet"`.
 */

import { z } from 'zod';
import { ChatRexError } from '../../errors.ts';
import { levelStrides, type NanoDetSizes, nanoDetSizesShape } from '../../vision/nanodet/sizes.ts';

const count = z.int().positive();

/** sigmoid(slope * logit + offset) is a probability. */
const logistic = z.strictObject({ slope: z.number().positive(), offset: z.number() }).readonly();

const scale = z.strictObject({
  /** Images are stretched to a square of this side in pixels; a multiple of the largest stride. */
  side: count,
  /** Boxes that cover more of the image than this share are left to another scale. */
  largestBox: z.number().gt(0).max(1),
  /**
   * How the highest score of a box tells how likely the box holds an object, and how likely it also names it rightly.
   */
  calibration: z.strictObject({ object: logistic, category: logistic }),
});

const schema = z.strictObject({
  ...nanoDetSizesShape,
  /** Names, in the order of the scores. */
  categories: z.array(z.string().min(1)).min(1).readonly(),
  /** Where images are looked at; the first is the one of a fast look. */
  scales: z.array(scale).min(1).readonly(),
  /** Least score of boxes, 0..1, by default. */
  minScore: z.number().min(0).max(1),
  /** Of two boxes that overlap by more, the one with the lower score goes, by default. */
  nmsIou: z.number().min(0).max(1),
});

export type NanoDetConfig = z.infer<typeof schema>;
export type NanoDetScale = NanoDetConfig['scales'][number];
export type Logistic = z.infer<typeof logistic>;

/** The `model_type` of a folder's `config.json`. */
export const nanoDetModelType = 'nanodet';

/** The network of a configuration. */
export const sizesOf = ({ categories, ...config }: NanoDetConfig): NanoDetSizes => ({
  ...config,
  categoryCount: categories.length,
});

/** @throws ChatRexError 'invalid-file' naming the first field that is wrong */
export function parseNanoDetConfig(json: unknown): NanoDetConfig {
  const { model_type: _, ...rest } = z.looseObject({}).catch({}).parse(json);
  const parsed = schema.safeParse(rest);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    throw new ChatRexError('invalid-file', `config.json: ${path.join('.') || 'top level'}: ${message}`);
  }
  const largest = Math.max(...levelStrides(parsed.data));
  const wrong = parsed.data.scales.find(({ side }) => side % largest !== 0);
  if (wrong) {
    throw new ChatRexError('invalid-file', `config.json: scales: expected multiples of ${largest}, came ${wrong.side}`);
  }
  return parsed.data;
}

/** The text of a `config.json`. */
export const formatNanoDetConfig = (config: NanoDetConfig): string =>
  `${JSON.stringify({ model_type: nanoDetModelType, ...config }, null, 2)}\n`;
