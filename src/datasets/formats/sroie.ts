/** SROIE 2019: scanned receipts; a text file for each image, with the corners and the text of a line. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { commonOptions, pathOption } from '../options.ts';
import { completeCoverage, type DraftRegion, defineReader, type ReaderContext } from '../reader.ts';
import type { Phrase } from '../sample.ts';
import { walkFolder } from '../walk-folder.ts';

const options = z.strictObject({
  /** The folder with `box/*.txt` and `img/*.jpg`, or with both kinds of files together. */
  path: pathOption,
  ...commonOptions,
});

/** A receipt has some hundred lines. */
const maxFileBytes = 2 ** 22;

/** Four corners and a text, which may hold commas itself. */
const linePattern = /^((?:\s*-?\d+(?:\.\d+)?\s*,){8})(.*)$/;

/** Boxes of lines of text, with what is written as a description; everything without a box is background. */
export const reader = defineReader({
  format: 'sroie',
  version: 1,
  options,
  sources: ({ path }) => ({ files: [], trees: [path] }),
  imageFolder: ({ path }) => path,
  hasImages: () => true,
  async *read({ path }, context) {
    context.setVocabulary([{ name: 'text' }]);
    const root = context.resolve(path);
    for await (const { place, path: file, size } of walkFolder(root)) {
      // `entities/` holds what the receipt says, as JSON in .txt files.
      if (!place.endsWith('.txt') || /(^|\/)(entities|key)\//.test(place)) continue;
      const stem = place.slice(0, -'.txt'.length);
      const name = stem.slice(stem.lastIndexOf('/') + 1);
      // Copies such as `X51005230605(1).txt` came with the download.
      const original = stem.replace(/\s*\(\d+\)$/, '');
      if (original !== stem && existsSync(join(root, `${original}.txt`))) {
        context.report({ kind: 'duplicate-image', sample: name, value: place });
        continue;
      }
      if (size > maxFileBytes) {
        context.report({ kind: 'bad-record', sample: name, value: `a text file of ${size} bytes` });
        continue;
      }
      yield {
        id: name,
        image: { file: `${stem}.jpg` },
        otherFiles: [`${stem.replace(/(^|\/)box\//, '$1img/')}.jpg`, `img/${name}.jpg`, `${stem}.png`],
        ...receiptLines(decode(await readFile(file)), name, context),
        conversations: [],
        coverage: completeCoverage,
      };
    }
  },
});

/** Most files are UTF-8; some hold single bytes of Latin 1. */
function decode(file: Uint8Array): string {
  const hasMark = file[0] === 0xef && file[1] === 0xbb && file[2] === 0xbf;
  const bytes = hasMark ? file.subarray(3) : file;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}

function receiptLines(
  content: string,
  sample: string,
  { report }: ReaderContext,
): { regions: DraftRegion[]; phrases: Phrase[] } {
  const regions: DraftRegion[] = [];
  const phrases: Phrase[] = [];
  for (const [at, line] of content.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const [, corners, text] = linePattern.exec(line) ?? [];
    if (corners === undefined) {
      report({ kind: 'bad-record', sample, source: `line ${at + 1}`, value: line });
      continue;
    }
    const sides = corners.split(',').slice(0, 8).map(Number);
    const xs = sides.filter((_, place) => place % 2 === 0);
    const ys = sides.filter((_, place) => place % 2 === 1);
    const place = regions.push({
      boxXyxy: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)],
      category: 'text',
      granularities: ['coarse'],
      sourceId: `line ${at + 1}`,
    });
    if (text.trim() !== '') phrases.push({ text: text.trim(), regions: [place - 1], kind: 'description' });
  }
  return { regions, phrases };
}
