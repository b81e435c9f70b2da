/** A sheet of samples with their boxes and names, to see whether a data set is read as it is meant. */

import sharp, { type OverlayOptions } from 'sharp';
import { colourAt } from '../drawing/colours.ts';
import { boxLayer, type DrawnBox, drawOver, scaledSize, visiblePart } from '../drawing/draw-boxes.ts';
import { encodeImage, type ImageFormat } from '../drawing/encode.ts';
import { cleanText, fitText, textOutline } from '../drawing/text.ts';
import { ChatRexError } from '../errors.ts';
import { createRgbImage, type ImageSize, type RgbImage } from '../image/rgb-image.ts';
import type { Dataset } from './dataset.ts';
import type { Sample } from './sample.ts';

export interface ContactSheetOptions {
  /** Indices of the samples to show. */
  readonly indices: readonly number[];
  readonly columns?: number;
  /** Pixels of a cell's longer side. */
  readonly cell?: number;
  readonly format?: ImageFormat;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number) => void;
}

const gap = 8;
const captionHeight = 26;
const background = '#ffffff';

/** Ignored regions are grey, so that they are not taken for the others. */
const ignoredColor = [128, 128, 128] as const;

/** More boxes than this cannot be told apart in a cell. */
const maxBoxes = 300;

/**
 * Draws samples into a grid; an image that cannot be read is told in its cell.
 * @returns bytes of an image file
 */
export async function drawSheet(dataset: Dataset, options: ContactSheetOptions): Promise<Uint8Array> {
  const { indices, columns = 4, cell = 480, format = 'png', signal, onProgress } = options;
  const cells: OverlayOptions[] = [];
  const width = Math.min(columns, Math.max(1, indices.length));
  const rows = Math.max(1, Math.ceil(indices.length / width));
  const colors = new Map<string, number>();
  for (const [at, index] of indices.entries()) {
    if (signal?.aborted) throw new ChatRexError('aborted', 'drawing the sheet was interrupted');
    const left = (at % width) * (cell + gap) + gap;
    const top = Math.floor(at / width) * (cell + captionHeight + gap) + gap;
    cells.push({ input: await drawCell(dataset, index, cell, colors), left, top });
    onProgress?.(at + 1);
  }
  const sheet = sharp({
    create: {
      width: width * (cell + gap) + gap,
      height: rows * (cell + captionHeight + gap) + gap,
      channels: 3,
      background,
    },
    limitInputPixels: false,
  }).composite(cells);
  return encodeImage(sheet, format);
}

async function drawCell(dataset: Dataset, index: number, cell: number, colors: Map<string, number>): Promise<Buffer> {
  const sample = await dataset.sample(index);
  let caption = `${sample.id}: ${sample.regions.length} regions`;
  let image: RgbImage;
  try {
    image = await dataset.image(index, { width: cell, height: cell });
  } catch (error) {
    if (!(error instanceof ChatRexError)) throw error;
    image = createRgbImage(4, 3, [225, 225, 225]);
    caption = error.code === 'invalid-argument' ? `${sample.id}: text alone` : error.message;
  }
  const scale = cell / Math.max(image.width, image.height);
  const size = scaledSize(image, scale);
  const boxes = drawnBoxes(sample, image, sample.image?.size ?? image, scale, colors);
  const text = fitText(cleanText(caption), cell - 4, 15);
  const layer = `${boxLayer(boxes, size)}<path d="${textOutline(text, 2, size.height + 18, 15)}" fill="#222"/>`;
  return drawOver(image, size, layer, { width: cell, height: size.height + captionHeight })
    .png()
    .toBuffer();
}

function drawnBoxes(
  { regions, phrases }: Sample,
  image: RgbImage,
  original: ImageSize,
  scale: number,
  colors: Map<string, number>,
): DrawnBox[] {
  // Where regions have no category, what is said of them is their name.
  const said = new Map<number, string>();
  for (const { text, regions: meant } of phrases) {
    for (const region of meant) if (!said.has(region)) said.set(region, text);
  }
  const [scaleX, scaleY] = [image.width / original.width, image.height / original.height];
  return regions.slice(0, maxBoxes).flatMap(({ boxXyxy: [left, top, right, bottom], category, isIgnored }, at) => {
    const box = Float64Array.of(left * scaleX, top * scaleY, right * scaleX, bottom * scaleY);
    const rectangle = visiblePart(box, 0, image, scale);
    if (rectangle === undefined) return [];
    const label = cleanText(category ?? said.get(at) ?? '');
    if (!colors.has(label)) colors.set(label, colors.size);
    const color = label === '' ? colourAt(at) : colourAt(colors.get(label) as number);
    return [{ ...rectangle, colour: isIgnored ? ignoredColor : color, label, isNamed: label !== '' }];
  });
}
