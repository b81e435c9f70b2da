/** A folder of images without annotations. */

import { z } from 'zod';
import { commonOptions, pathOption } from '../options.ts';
import { defineReader, openCoverage } from '../reader.ts';
import { isImageName, walkFolder } from '../walk-folder.ts';

const options = z.strictObject({
  /** The folder; images in folders below it are found too, and links are followed. */
  path: pathOption,
  ...commonOptions,
});

/** Images alone; nothing may be concluded from labels that are not there. */
export const reader = defineReader({
  format: 'photos',
  version: 1,
  options,
  sources: ({ path }) => ({ files: [], trees: [path] }),
  imageFolder: ({ path }) => path,
  hasImages: () => true,
  async *read({ path }, context) {
    for await (const { place } of walkFolder(context.resolve(path))) {
      if (!isImageName(place)) continue;
      yield { id: place, image: { file: place }, regions: [], phrases: [], conversations: [], coverage: openCoverage };
    }
  },
});
