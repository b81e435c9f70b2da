/**
 * Rexverse-2M (IDEA-Research/Rexverse-2M) and its kin: an annotation TSV whose lines are a byte offset into an image
 * TSV and a JSON text. An image line is a key and the image in base64.
 *
 * Two conventions for boxes are met, xyxy and xywh. Which one a file follows is decided by the sizes of its first
 * images.
 */

import { dirname } from 'node:path';
import { z } from 'zod';
import { type TextLine, textLines } from '../json/lines.ts';
import { JsonSyntaxError, parseJson } from '../json/parse.ts';
import { commonOptions, listOption, pathOption } from '../options.ts';
import { type DraftRegion, type DraftSample, defineReader, openCoverage, type ReaderContext } from '../reader.ts';
import type { Phrase, PhraseKind } from '../sample.ts';
import { isRecord } from './coco-like.ts';
import { ImageTsv } from './rexverse-images.ts';
import { openLineIndex } from './rexverse-lineidx.ts';

const options = z.strictObject({
  /** The annotation TSV; the file beside it with `.lineidx` is checked against it where it exists. */
  path: pathOption,
  /** The image TSV, or its parts in order with `+` between them. */
  images: listOption,
  /** How boxes are written; decided by the sizes of the first images by default. */
  boxes: z.enum(['xyxy', 'xywh']).optional(),
  /** What the texts are; by default what the name of the file says, or descriptions. */
  kind: z.enum(['phrase', 'referring', 'description']).optional(),
  ...commonOptions,
});

/** Lines from which the convention is decided. */
const triedLines = 200;

/** Texts with a box each; a text without a box is one that means nothing in the image. Nothing is background. */
export const reader = defineReader({
  format: 'rexverse',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path, ...images] }),
  imageFolder: ({ images }) => dirname(images[0]),
  hasImages: () => true,
  async *read({ path, images, boxes, kind }, context) {
    const tsv = await ImageTsv.open(images.map(context.resolve));
    const texts = kind ?? (/referring/.test(path) ? 'referring' : 'description');
    try {
      const index = await openLineIndex(`${context.resolve(path)}.lineidx`);
      const form = boxes ?? (await formOfBoxes(path, tsv, context));
      let number = 0;
      for await (const lines of textLines(context.resolve(path), context)) {
        for (const line of lines) {
          index?.check(number, line.start);
          const draft = await rexverseDraft(line, number++, { tsv, form, texts });
          if (typeof draft !== 'string') yield draft;
          else context.report({ kind: 'bad-record', source: `line ${line.number}`, value: draft });
        }
      }
      const problem = index?.problem(number);
      if (problem !== undefined) context.report({ kind: 'bad-record', source: `${path}.lineidx`, value: problem });
    } finally {
      await tsv.close();
    }
  },
});

type BoxForm = 'xyxy' | 'xywh';

interface Annotation {
  readonly offset: number;
  readonly entries: readonly { readonly box: unknown; readonly text: string }[];
}

/** `<offset>\t<json>`; a text says what is wrong. */
function parseLine({ bytes }: TextLine): Annotation | string {
  const tab = bytes.indexOf(0x09);
  const offset = tab < 0 ? Number.NaN : Number(bytes.toString('latin1', 0, tab));
  if (!Number.isSafeInteger(offset) || offset < 0) return 'expected a byte offset and a tab';
  let value: unknown;
  try {
    value = parseJson(bytes.toString('utf8', tab + 1));
  } catch (error) {
    if (error instanceof JsonSyntaxError) return `not JSON: ${error.message}`;
    throw error;
  }
  const list = Array.isArray(value) ? value : isRecord(value) ? (value.boxes ?? value.annotations) : undefined;
  if (!Array.isArray(list)) return 'expected a list of boxes';
  const entries = list.map((entry) => {
    const { bbox, box, phrase, caption, text, description } = isRecord(entry) ? entry : {};
    const words = [phrase, caption, text, description].find((candidate) => typeof candidate === 'string');
    return { box: bbox ?? box ?? null, text: typeof words === 'string' ? words.trim() : '' };
  });
  return { offset, entries };
}

async function rexverseDraft(
  line: TextLine,
  index: number,
  { tsv, form, texts }: { readonly tsv: ImageTsv; readonly form: BoxForm; readonly texts: PhraseKind },
): Promise<DraftSample | string> {
  const annotation = parseLine(line);
  if (typeof annotation === 'string') return annotation;
  const image = await tsv.imageAt(annotation.offset);
  if (typeof image === 'string') return image;
  const regions: DraftRegion[] = [];
  const phrases: Phrase[] = [];
  for (const { box, text } of annotation.entries) {
    const meant =
      box === null
        ? []
        : [regions.push({ ...(form === 'xyxy' ? { boxXyxy: box } : { boxXywh: box }), granularities: ['coarse'] }) - 1];
    if (text !== '') phrases.push({ text, regions: meant, kind: texts });
  }
  return { id: String(index), image, regions, phrases, conversations: [], coverage: openCoverage };
}

/**
 * Counts boxes of the first lines that can only be one of the two: the other reading leaves the image or is reversed.
 */
async function formOfBoxes(path: string, tsv: ImageTsv, context: ReaderContext): Promise<BoxForm> {
  const votes = { xyxy: 0, xywh: 0 };
  let tried = 0;
  for await (const lines of textLines(context.resolve(path), { signal: context.signal })) {
    for (const line of lines.slice(0, triedLines - tried)) {
      tried++;
      const annotation = parseLine(line);
      if (typeof annotation === 'string') continue;
      const size = await tsv.sizeAt(annotation.offset);
      if (size === undefined) continue;
      for (const { box } of annotation.entries) {
        if (!Array.isArray(box) || box.length !== 4 || !box.every((side) => Number.isFinite(side))) continue;
        const [a, b, c, d] = box as number[];
        // A pixel of rounding is forgiven.
        const fits = (right: number, bottom: number) =>
          right > a && bottom > b && right <= size.width + 1 && bottom <= size.height + 1;
        if (fits(c, d) !== fits(a + c, b + d)) votes[fits(c, d) ? 'xyxy' : 'xywh']++;
      }
    }
    if (tried >= triedLines) break;
  }
  const form = votes.xywh > votes.xyxy ? 'xywh' : 'xyxy';
  const counts = `${votes.xyxy} boxes of the first ${tried} lines can only be xyxy, ${votes.xywh} only xywh`;
  context.note(`boxes are read as ${form}: ${counts}; boxes=xyxy or boxes=xywh decides otherwise`);
  return form;
}
