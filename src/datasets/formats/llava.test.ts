import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { imageFile } from '../testing/images.ts';
import { faultCounts, readFiles } from '../testing/read-all.ts';
import { reader } from './llava.ts';

const human = (value: string) => ({ from: 'human', value });
const gpt = (value: string) => ({ from: 'gpt', value });
const rows = [
  {
    id: '000000033471',
    image: 'coco/train2017/a.jpg',
    conversations: [human('<image>\nWhat is <image> here?'), gpt('A <obj3>.'), human('Why?'), gpt('Because.')],
  },
  {
    id: '000000033471',
    image: 'ocr_vqa/images/b.png',
    conversations: [human('Who?\n<image>'), gpt('Me [0.1, 0.2, 0.3, 0.4]')],
  },
  { id: 'text', model: '', conversations: [human('Hello'), gpt('Hi'), human('unanswered')] },
  { id: 'bad', conversations: [gpt('an answer first')] },
  { id: 'worse', conversations: [{ from: 'narrator', value: 'x' }] },
  { id: 'worst', image: 3, conversations: [human('a'), gpt('b')] },
];
const turns = (...pairs: [string, string][]) =>
  pairs.map(([question, answer]) => ({
    question: [{ kind: 'text', text: question }],
    answer: [{ kind: 'text', text: answer }],
  }));

describe('LLaVA', () => {
  it('takes the image’s token off one end of the first question and keeps every other as text', async () => {
    const result = await readFiles(reader, { 'mix.json': rows }, { path: 'mix.json' });
    expect(result.samples.map(({ id, image }) => [id, image?.file])).toEqual([
      ['0-000000033471', 'coco/train2017/a.jpg'],
      ['1-000000033471', 'ocr_vqa/images/b.png'],
      ['2-text', undefined],
    ]);
    expect(result.samples.map(({ conversations }) => conversations[0].turns)).toEqual([
      turns(['What is <image> here?', 'A <obj3>.'], ['Why?', 'Because.']),
      turns(['Who?', 'Me [0.1, 0.2, 0.3, 0.4]']),
      turns(['Hello', 'Hi']),
    ]);
    expect(faultCounts(result)).toEqual({ 'bad-record': 3 });
    const images = await readFiles(reader, { 'mix.json': rows }, { path: 'mix.json', text: 'false' });
    expect(images.samples).toHaveLength(2);
  });

  it('finds OCR-VQA’s images, which are .jpg, and ALLaVA’s below the folder of their part', async () => {
    const jpeg = await imageFile(8, 6, 'jpeg');
    const files = {
      'mix.json': [rows[1], { ...rows[0], image: 'allava_laion/images/c.jpeg' }],
      'data/ocr_vqa/images/b.jpg': jpeg,
      'data/images/c.jpeg': jpeg,
    };
    const result = await readFiles(reader, files, { path: 'mix.json', images: 'data' });
    expect(result.samples.map(({ image }) => image)).toEqual([
      { file: 'ocr_vqa/images/b.jpg', size: { width: 8, height: 6 } },
      { file: 'images/c.jpeg', size: { width: 8, height: 6 } },
    ]);
  });

  it('survives damage', async () => {
    await fuzzReader(reader, { 'mix.json': rows }, { path: 'mix.json' }, { targets: ['mix.json'], runs: 40 });
  });
});
