/** COCO's instances file (cocodataset.org/#format-data). */

import type { BoxXywh } from '../../boxes/box.ts';
import type { Region, Sample } from '../sample.ts';
import { type FileWriter, loseBesideBoxes, namelessCategory, TextOutput } from '../writer.ts';

export const writer: FileWriter = {
  format: 'coco',
  ending: '.json',
  async write(file, { description, samples, vocabulary }, lose) {
    const ids = new Map<string, number>();
    const taken = new Set(vocabulary.flatMap(({ sourceId }) => sourceId ?? []));
    let next = 1;
    const freeId = () => {
      while (taken.has(next)) next++;
      taken.add(next);
      return next;
    };
    const categories = vocabulary.map(({ name, sourceId, frequency, synonyms }) => {
      const id = sourceId ?? freeId();
      if (!ids.has(name)) ids.set(name, id);
      return { id, name, ...(frequency && { frequency }), ...(synonyms && { synonyms }) };
    });
    const idOf = (category: string): number => {
      const known = ids.get(category);
      if (known !== undefined) return known;
      const id = freeId();
      ids.set(category, id);
      categories.push({ id, name: category });
      return id;
    };
    const areNumbers = await haveNumbers(samples());
    const output = new TextOutput(file);
    await output.write(`{"info":${JSON.stringify({ description })},"images":[`);
    let count = 0;
    for await (const { sample, image } of samples()) {
      loseBesideBoxes(sample, lose);
      if (image === undefined) {
        lose('samples without an image');
        continue;
      }
      const id = areNumbers ? Number(sample.id) : count + 1;
      const { width, height } = image.size;
      await output.write(
        `${count++ > 0 ? ',\n' : '\n'}${JSON.stringify({ id, width, height, file_name: image.file })}`,
      );
    }
    await output.write('],"annotations":[');
    let imageCount = 0;
    let annotations = 0;
    for await (const { sample, image } of samples()) {
      if (image === undefined) continue;
      imageCount++;
      const imageId = areNumbers ? Number(sample.id) : imageCount;
      for (const region of sample.regions) {
        if (region.category === undefined) lose(`names of regions, which are called ${namelessCategory} now`);
        if (region.partOf !== undefined) lose('parts');
        const categoryId = idOf(region.category ?? namelessCategory);
        const annotation = annotationOf(region, ++annotations, imageId, categoryId);
        await output.write(`${annotations > 1 ? ',\n' : '\n'}${JSON.stringify(annotation)}`);
      }
    }
    await output.write(`],"categories":${JSON.stringify(categories)}}\n`);
    await output.flush();
  },
};

/** Whether all samples have numbers for ids, as COCO's own images do; the others are counted. */
async function haveNumbers(samples: AsyncIterable<{ readonly sample: Sample }>): Promise<boolean> {
  for await (const { sample } of samples) if (!/^(0|[1-9]\d{0,14})$/.test(sample.id)) return false;
  return true;
}

function annotationOf(region: Region, id: number, imageId: number, categoryId: number) {
  const { boxXyxy, areaPixels, isIgnored, score, attributes } = region;
  const bbox: BoxXywh = [boxXyxy[0], boxXyxy[1], lengthOf(boxXyxy[0], boxXyxy[2]), lengthOf(boxXyxy[1], boxXyxy[3])];
  return {
    id,
    image_id: imageId,
    category_id: categoryId,
    bbox,
    area: areaPixels ?? bbox[2] * bbox[3],
    iscrowd: isIgnored ? 1 : 0,
    ...(score !== undefined && { score }),
    ...(attributes !== undefined && { attributes }),
  };
}

/** The length that, added to `start`, gives `end` again: rounding may take one step more or less. */
export function lengthOf(start: number, end: number): number {
  const length = end - start;
  if (start + length === end) return length;
  const step = 2 ** (Math.floor(Math.log2(length)) - 52);
  return [length + step, length - step].find((other) => start + other === end) ?? length;
}
