/** Options of RefCOCO's files, whatever form they are in. */

import { z } from 'zod';
import { commonOptions, listOption, pathOption } from '../options.ts';

export const refcocoOptions = z.strictObject({
  /** `refs(unc).p`, its JSON, or a mirror: .parquet, .jsonl, .json. */
  path: pathOption,
  /** `instances.json`, which pickles need. */
  instances: pathOption.optional(),
  /** The folder of COCO's train2014; without it, images are not looked for. */
  images: pathOption.optional(),
  /** Expressions of some splits alone: train, val, testA, testB, test. */
  split: listOption.optional(),
  ...commonOptions,
});

export type RefcocoOptions = z.infer<typeof refcocoOptions>;
