/** A YOLO folder: `data.yaml`, `images/SPLIT`, `labels/SPLIT`. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ImageSize } from '../../image/rgb-image.ts';
import type { Region } from '../sample.ts';
import { loseBesideBoxes, namelessCategory, type WriteInput } from '../writer.ts';

/**
 * Writes into an empty folder; images of the input must lie in `images/SPLIT` below it.
 * @param input its images have names of one folder
 */
export async function writeYolo(
  folder: string,
  { samples, vocabulary }: WriteInput,
  lose: (kind: string, count?: number) => void,
  split = 'train',
): Promise<void> {
  const indices = new Map<string, number>();
  for (const { name } of vocabulary) if (!indices.has(name)) indices.set(name, indices.size);
  const indexOf = (name: string): number => {
    if (!indices.has(name)) indices.set(name, indices.size);
    return indices.get(name) as number;
  };
  const labels = join(folder, 'labels', split);
  await mkdir(labels, { recursive: true });
  for await (const { sample, image } of samples()) {
    loseBesideBoxes(sample, lose);
    if (image === undefined) {
      lose('samples without an image');
      continue;
    }
    const lines = sample.regions.flatMap((region) => {
      if (region.isIgnored) {
        lose('regions that are ignored');
        return [];
      }
      if (region.category === undefined) lose(`names of regions, which are called ${namelessCategory} now`);
      if (region.partOf !== undefined) lose('parts');
      if (region.attributes !== undefined) lose('attributes');
      if (region.areaPixels !== undefined) lose('areas of masks');
      return [labelLine(region, indexOf(region.category ?? namelessCategory), image.size)];
    });
    const name = image.file.slice(image.file.lastIndexOf('/') + 1);
    const stem = name.slice(0, name.lastIndexOf('.'));
    await writeFile(join(labels, `${stem}.txt`), lines.map((line) => `${line}\n`).join(''), { flag: 'wx' });
  }
  const names = Object.fromEntries([...indices].map(([name, index]) => [index, name]));
  await writeFile(join(folder, 'data.yaml'), stringify({ [split]: `images/${split}`, names }), { flag: 'wx' });
}

/** Class, centre, width, height as shares of the image; a score where there is one. */
function labelLine({ boxXyxy, score }: Region, index: number, { width, height }: ImageSize): string {
  const [left, top, right, bottom] = boxXyxy;
  const shares = [
    (left + right) / 2 / width,
    (top + bottom) / 2 / height,
    (right - left) / width,
    (bottom - top) / height,
  ];
  return [index, ...shares, ...(score === undefined ? [] : [score])].join(' ');
}
