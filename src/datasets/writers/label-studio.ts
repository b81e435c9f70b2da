/**
 * Tasks for Label Studio (labelstud.io/guide/export): boxes in percent, as annotations, or as predictions where
 * scored.
 */

import type { ImageSize } from '../../image/rgb-image.ts';
import type { VocabularyEntry } from '../dataset.ts';
import type { Region, Sample } from '../sample.ts';
import { type FileWriter, loseBesideBoxes, namelessCategory, TextOutput } from '../writer.ts';

export const writer: FileWriter = {
  format: 'label-studio',
  ending: '.json',
  async write(file, { samples }, lose) {
    const output = new TextOutput(file);
    let count = 0;
    await output.write('[');
    for await (const { sample, image } of samples()) {
      loseBesideBoxes(sample, lose);
      if (image === undefined) {
        lose('samples without an image');
        continue;
      }
      for (const { category, isIgnored, attributes, areaPixels } of sample.regions) {
        if (category === undefined) lose(`names of regions, which are called ${namelessCategory} now`);
        if (isIgnored) lose('marks of regions that are ignored');
        if (attributes !== undefined) lose('attributes');
        if (areaPixels !== undefined) lose('areas of masks');
      }
      await output.write(`${count++ > 0 ? ',\n' : '\n'}${JSON.stringify(taskOf(sample, image.file, image.size))}`);
    }
    await output.write(']\n');
    await output.flush();
  },
};

/** What a person drew is an annotation; what a model found with a score is a prediction. */
function taskOf({ id, regions }: Sample, file: string, size: ImageSize) {
  const drawn: object[] = [];
  const found: object[] = [];
  for (const [at, region] of regions.entries()) {
    (region.score === undefined ? drawn : found).push(resultOf(region, at, size));
  }
  return {
    data: { image: file, id },
    annotations: drawn.length > 0 || found.length === 0 ? [{ result: drawn }] : [],
    predictions: found.length > 0 ? [{ model_version: 'chatrex', result: found }] : [],
  };
}

function resultOf({ boxXyxy, category, score, partOf }: Region, index: number, { width, height }: ImageSize): object {
  const [left, top, right, bottom] = boxXyxy;
  return {
    id: `region-${index}`,
    type: 'rectanglelabels',
    from_name: 'label',
    to_name: 'image',
    original_width: width,
    original_height: height,
    image_rotation: 0,
    value: {
      x: (100 * left) / width,
      y: (100 * top) / height,
      width: (100 * (right - left)) / width,
      height: (100 * (bottom - top)) / height,
      rotation: 0,
      rectanglelabels: [category ?? namelessCategory],
    },
    ...(score !== undefined && { score }),
    ...(partOf !== undefined && { parentID: `region-${partOf}` }),
  };
}

/** The labeling configuration that the tasks need, with all names. */
export function labelingConfig(vocabulary: readonly VocabularyEntry[]): string {
  const labels = vocabulary.map(({ name }) => `    <Label value="${escapeXml(name)}"/>`);
  return `<View>
  <Image name="image" value="$image"/>
  <RectangleLabels name="label" toName="image">
${labels.join('\n')}
  </RectangleLabels>
</View>
`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
