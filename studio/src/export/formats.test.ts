import { expect, test } from 'vitest';
import { parseSample } from '../../../src/datasets/sample-schema.ts';
import type { Answer, StudioImage } from '../model.ts';
import { fileNames, toCoco, toJsonLines, toLabelStudio, toYolo } from './formats.ts';
import { answerCode, boxesCode, languages } from './request-code.ts';
import { crc32, zip } from './zip.ts';

const answer: Answer = {
  ...{ id: '1', task: 'ask', asked: 'a', question: 'What is <obj1> beside?', text: 'A cat, here.', status: 'done' },
  ...{ boxes: ['b', 'c'], granularity: 'both', phrases: [{ start: 2, end: 5, text: 'cat', boxes: ['b'] }] },
};

const image: StudioImage = {
  ...{
    id: 'i',
    name: 'a.png',
    file: new Blob(),
    width: 200,
    height: 100,
    minScore: 0.3,
    maxOverlap: 1,
    status: 'ready',
  },
  ...{ granularity: 'both', past: [], future: [], answers: [answer] },
  boxes: [
    { id: 'a', box: [0, 0, 5, 5], score: 0.1, source: 'found' },
    { id: 'b', box: [20, 10, 120, 60], score: 0.75, source: 'found', label: 'cat "Tom"' },
    { id: 'c', box: [0, 0, 200, 100], score: 1, source: 'drawn' },
  ],
};

test('COCO: the boxes that are shown, as x, y, width, height', () => {
  const { annotations, categories, images } = JSON.parse(toCoco([image, image]));
  expect(annotations.map(({ bbox }: { bbox: number[] }) => bbox).slice(0, 2)).toEqual([
    [20, 10, 100, 50],
    [0, 0, 200, 100],
  ]);
  expect(annotations.map(({ id }: { id: number }) => id)).toEqual([1, 2, 3, 4]);
  expect(categories).toEqual([
    { id: 1, name: 'cat "Tom"' },
    { id: 2, name: 'object' },
  ]);
  expect(images.map(({ file_name }: { file_name: string }) => file_name)).toEqual(['a.png', 'a-2.png']);
});

test('YOLO: class, centre and size as parts of the image', () => {
  const files = toYolo([image]);
  expect(files.get('labels/a.txt')).toBe(
    '0 0.350000 0.350000 0.500000 0.500000\n1 0.500000 0.500000 1.000000 1.000000\n',
  );
  expect(files.get('data.yaml')).toContain('  0: "cat \\"Tom\\""\n  1: "object"\n');
});

test('Label Studio: percent of the image', () => {
  const [task] = JSON.parse(toLabelStudio([image], 'nano'));
  expect(task.predictions[0].result[0].value).toMatchObject({ x: 10, y: 10, width: 50, height: 50 });
});

test('JSON Lines are samples, and what is named in question and answer is a region of the line', () => {
  const parsed = parseSample(JSON.parse(toJsonLines([image])));
  if (!('draft' in parsed)) throw new Error(JSON.stringify(parsed));
  expect(parsed.draft.regions.map(({ category }) => category)).toEqual(['cat "Tom"', undefined]);
  expect(parsed.draft.conversations[0].turns[0]).toMatchObject({
    question: [
      { kind: 'text', text: 'What is ' },
      { kind: 'phrase', text: '', objects: [1] },
      { kind: 'text', text: ' beside?' },
    ],
    answer: [
      { kind: 'text', text: 'A ' },
      { kind: 'phrase', text: 'cat', objects: [0] },
      { kind: 'text', text: ', here.' },
    ],
  });
});

test('files of the same name get different ones', () => {
  const named = (name: string) => ({ ...image, name });
  expect(fileNames([named('x.png'), named('x.png'), named('x-2.png'), named('y')])).toEqual([
    ...['x.png', 'x-2.png', 'x-2-2.png', 'y'],
  ]);
});

test('an archive names its files with sizes and checksums', async () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  const bytes = Buffer.from(await zip(new Map([['ä.txt', 'hello']])).arrayBuffer());
  expect(bytes.readUInt32LE(0)).toBe(0x04034b50);
  expect(bytes.readUInt32LE(14)).toBe(crc32(Buffer.from('hello')));
  const end = bytes.subarray(-22);
  expect([end.readUInt32LE(0), end.readUInt16LE(10)]).toEqual([0x06054b50, 1]);
  expect(bytes.readUInt32LE(end.readUInt32LE(16))).toBe(0x02014b50);
});

test('code names the boxes that went with the question, and asks for a key where there is one', () => {
  const place = {
    fileName: "it's.png",
    mime: 'image/png',
    origin: 'http://127.0.0.1:3000',
    model: 'nano',
    hasKey: false,
  };
  const asked = { ...answer, given: [[1, 2, 3, 4]] as const, givenScores: [1] };
  const python = answerCode('Python', asked, place);
  expect(python).toContain('"boxes": [[1, 2, 3, 4]], "box_scores": [1]');
  expect(python).toContain('open("it\'s.png", "rb")');
  expect(answerCode('curl', asked, place)).toContain("base64 < 'it'\\''s.png'");
  for (const language of languages) {
    expect(answerCode(language, asked, place)).not.toContain('CHATREX_KEY');
    for (const code of [
      answerCode(language, asked, { ...place, hasKey: true }),
      answerCode(language, { ...asked, task: 'caption' }, { ...place, hasKey: true }),
      boxesCode(language, { granularity: 'both', minScore: 0.1 }, { ...place, hasKey: true }),
    ]) {
      expect(code).toContain('CHATREX_KEY');
    }
  }
});
