/** Boxes and answers as files that other programs read. Only the boxes that are shown are written. */

import type { Sample } from '../../../src/datasets/sample.ts';
import type { GroundedText, Turn } from '../../../src/grounding/grounded-text.ts';
import { type Answer, type Box, type StudioImage, visibleBoxes } from '../model.ts';

/** A box that nobody named; every format wants a name. */
const nameOf = ({ label }: Box): string => label ?? 'object';

const namesOf = (images: readonly StudioImage[]): string[] => [
  ...new Set(images.flatMap((image) => visibleBoxes(image).map(nameOf))),
];

const rounded = (value: number): number => Math.round(value * 100) / 100;

/** File names with the double ones made different, as two folders may hold the same name. */
export function fileNames(images: readonly StudioImage[]): string[] {
  const taken = new Set<string>();
  return images.map(({ name }) => {
    let unique = name;
    for (let count = 2; taken.has(unique); count++) unique = name.replace(/(\.[^.]*)?$/, `-${count}$1`);
    taken.add(unique);
    return unique;
  });
}

/** COCO's instances file: boxes as x, y, width, height. */
export function toCoco(images: readonly StudioImage[]): string {
  const names = namesOf(images);
  const files = fileNames(images);
  const annotations = images.flatMap((image, i) =>
    visibleBoxes(image).map((box) => {
      const [x1, y1, x2, y2] = box.box;
      const bbox = [x1, y1, x2 - x1, y2 - y1].map(rounded);
      const category_id = names.indexOf(nameOf(box)) + 1;
      return { image_id: i + 1, category_id, bbox, area: rounded(bbox[2] * bbox[3]), iscrowd: 0, score: box.score };
    }),
  );
  return JSON.stringify({
    info: { description: 'ChatRex studio' },
    images: images.map(({ width, height }, i) => ({ id: i + 1, file_name: files[i], width, height })),
    annotations: annotations.map((annotation, i) => ({ id: i + 1, ...annotation })),
    categories: names.map((name, i) => ({ id: i + 1, name })),
  });
}

/** YOLO's files by name: a line per box, "class x y width height" with the centre, all divided by the image's size. */
export function toYolo(images: readonly StudioImage[]): Map<string, string> {
  const names = namesOf(images);
  const files = new Map<string, string>();
  const imageNames = fileNames(images);
  images.forEach((image, i) => {
    const lines = visibleBoxes(image).map((box) => {
      const [x1, y1, x2, y2] = box.box;
      const [width, height] = [x2 - x1, y2 - y1];
      const values = [(x1 + width / 2) / image.width, (y1 + height / 2) / image.height];
      const all = [...values, width / image.width, height / image.height].map((value) => value.toFixed(6));
      return `${names.indexOf(nameOf(box))} ${all.join(' ')}\n`;
    });
    files.set(`labels/${imageNames[i].replace(/\.[^.]*$/, '')}.txt`, lines.join(''));
  });
  const quoted = names.map((name, i) => `  ${i}: ${JSON.stringify(name)}\n`).join('');
  files.set('data.yaml', `path: .\ntrain: images\nval: images\nnames:\n${quoted}`);
  return files;
}

/** Tasks of Label Studio with our boxes as predictions, in percent of the image. */
export function toLabelStudio(images: readonly StudioImage[], model: string): string {
  const files = fileNames(images);
  const tasks = images.map((image, i) => ({
    data: { image: `/data/local-files/?d=${encodeURIComponent(files[i])}` },
    predictions: [{ model_version: model, result: visibleBoxes(image).map((box) => labelStudioResult(image, box)) }],
  }));
  return JSON.stringify(tasks, null, 1);
}

function labelStudioResult({ width, height }: StudioImage, { id, box: [x1, y1, x2, y2], score, label }: Box) {
  const percent = (value: number, of: number) => (100 * value) / of;
  const sides = { width: percent(x2 - x1, width), height: percent(y2 - y1, height) };
  return {
    ...{ id, type: 'rectanglelabels', from_name: 'label', to_name: 'image', score },
    ...{ original_width: width, original_height: height, image_rotation: 0 },
    value: {
      x: percent(x1, width),
      y: percent(y1, height),
      ...sides,
      rotation: 0,
      rectanglelabels: [label ?? 'object'],
    },
  };
}

/** Our own JSON Lines, a sample a line: boxes with their names, and the questions with grounded answers. */
export function toJsonLines(images: readonly StudioImage[]): string {
  const files = fileNames(images);
  return images.map((image, i) => `${JSON.stringify(sampleOf(image, files[i]))}\n`).join('');
}

function sampleOf(image: StudioImage, file: string): Sample {
  const { width, height } = image;
  const boxes = visibleBoxes(image);
  const answers = image.answers.filter(({ status, task }) => status === 'done' && task !== 'caption').reverse();
  const turns = answers.map(
    ({ question, ...rest }): Turn => ({
      question: questionSpans(question, rest.boxes, boxes),
      answer: groundedText(rest, boxes),
    }),
  );
  const captions = image.answers.filter(({ task }) => task === 'caption').flatMap(({ phrases }) => phrases);
  return {
    id: file,
    image: { file, size: { width, height } },
    regions: boxes.map(({ box, label, score }) => ({
      boxXyxy: [box[0], box[1], box[2], box[3]],
      ...(label && { category: label }),
      granularities: [],
      score,
    })),
    phrases: captions.flatMap(({ text, boxes: ids }) => {
      const regions = indicesOf(ids, boxes);
      return regions.length === 0 ? [] : [{ text, regions, kind: 'description' as const }];
    }),
    conversations: turns.map((turn) => ({ task: 'conversation', turns: [turn] })),
    // What is missing here may be in the image all the same.
    coverage: { complete: [], isClosed: false },
  };
}

const indicesOf = (ids: readonly string[], boxes: readonly Box[]): number[] =>
  ids.map((id) => boxes.findIndex((box) => box.id === id)).filter((index) => index >= 0);

function groundedText({ text, phrases }: Pick<Answer, 'text' | 'phrases'>, boxes: readonly Box[]): GroundedText {
  const spans: GroundedText = [];
  let at = 0;
  for (const { start, end, boxes: ids } of phrases) {
    if (start > at) spans.push({ kind: 'text', text: text.slice(at, start) });
    const objects = indicesOf(ids, boxes);
    const words = text.slice(start, end);
    spans.push(objects.length > 0 ? { kind: 'phrase', text: words, objects } : { kind: 'text', text: words });
    at = end;
  }
  if (at < text.length) spans.push({ kind: 'text', text: text.slice(at) });
  return spans;
}

/** `<objN>` counts the boxes of the time of asking; spans count those that are written. */
function questionSpans(question: string, asked: readonly string[], boxes: readonly Box[]): GroundedText {
  return question.split(/(<obj\d+>)/).flatMap((part): GroundedText => {
    const digits = /^<obj(\d+)>$/.exec(part)?.[1];
    if (digits === undefined) return part === '' ? [] : [{ kind: 'text', text: part }];
    const id = asked[Number(digits)];
    const objects = id === undefined ? [] : indicesOf([id], boxes);
    return objects.length > 0 ? [{ kind: 'phrase', text: '', objects }] : [{ kind: 'text', text: part }];
  });
}
