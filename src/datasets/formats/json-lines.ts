/** Our own JSON Lines: a `Sample` a line. The first line may be a header, `{"vocabulary": [...]}`. */

import { z } from 'zod';
import { jsonRecords } from '../json/lines.ts';
import { commonOptions, flagOption, pathOption } from '../options.ts';
import { defineReader } from '../reader.ts';
import { parseHeader, parseSample } from '../sample-schema.ts';

const options = z.strictObject({
  /** The file; .gz is read too. */
  path: pathOption,
  /** The folder that image files are relative to; that of the file by default. */
  images: pathOption.optional(),
  /** Whether images are looked for; by default where `images` is given. */
  check: flagOption.optional(),
  ...commonOptions,
});

/** More different names than this are not a vocabulary. */
const maxNames = 100_000;

/** Coverage and granularities are those of each line. */
export const reader = defineReader({
  format: 'json-lines',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path], folders: images === undefined ? [] : [images] }),
  imageFolder: ({ images }) => images,
  hasImages: ({ images, check }) => check ?? images !== undefined,
  async *read({ path }, context) {
    let vocabulary: Set<string> | undefined;
    const names = new Set<string>();
    let isFirst = true;
    for await (const { value, place } of jsonRecords(path, context)) {
      const header = isFirst ? parseHeader(value) : undefined;
      isFirst = false;
      if (header !== undefined) {
        context.setVocabulary(header);
        vocabulary = new Set(header.map(({ name }) => name));
        continue;
      }
      const parsed = parseSample(value);
      if ('problem' in parsed) {
        context.report({ kind: 'bad-record', source: place, value: parsed.problem });
        continue;
      }
      const { draft } = parsed;
      for (const { category, sourceId } of draft.regions) {
        if (category === undefined) continue;
        if (vocabulary === undefined) {
          if (names.size < maxNames) names.add(category);
        } else if (!vocabulary.has(category)) {
          context.report({ kind: 'unknown-category', sample: draft.id, source: sourceId, value: category });
        }
      }
      yield draft;
    }
    if (vocabulary === undefined) context.setVocabulary([...names].map((name) => ({ name })));
  },
});
