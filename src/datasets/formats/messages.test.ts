import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadImage } from '../image-bytes.ts';
import { fuzzReader } from '../testing/fuzz.ts';
import { imageFile } from '../testing/images.ts';
import { faultCounts, readFiles, readFolder, withFiles } from '../testing/read-all.ts';
import { reader } from './messages.ts';

const png = await imageFile(9, 4);
const dataUrl = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
const user = (...content: object[]) => ({ role: 'user', content });
const text = (value: string) => ({ type: 'text', text: value });
const image = (url: string) => ({ type: 'image_url', image_url: { url } });
const assistant = { role: 'assistant', content: 'A <obj3>.' };
const rows = [
  {
    messages: [
      { role: 'system', content: 'Be brief.' },
      user(text('data:image/png;base64, in words. What?'), image(dataUrl)),
      assistant,
    ],
  },
  { messages: [user(image('photos/a.png'), text('What?')), assistant] },
  { messages: [{ role: 'user', content: 'Hello' }, assistant], id: 'x' },
  { messages: [user(image('https://example.org/a.png')), assistant] },
  { messages: [user(image('a.png'), image('b.png')), assistant] },
  { messages: [{ role: 'tool', content: '' }] },
  { prompt: 'old' },
];
const lines = rows
  .map((row, at) => (at === 0 ? JSON.stringify(row).replaceAll('/', '\\/') : JSON.stringify(row)))
  .join('\n');

describe('OpenAI’s messages', () => {
  it('have images as paths and inside the file', async () => {
    await withFiles({ 'd/chat.jsonl': `\uFEFF${lines}\n{"cut`, 'd/photos/a.png': png }, async (folder) => {
      const result = await readFolder(reader, folder, { path: 'd/chat.jsonl' });
      expect(result.samples.map(({ id, image: found }) => [id, found?.file, found?.size])).toEqual([
        ['0', 'chat.jsonl', { width: 9, height: 4 }],
        ['1', 'photos/a.png', { width: 9, height: 4 }],
        ['2-x', undefined, undefined],
      ]);
      expect(result.samples[0].conversations[0].turns[0].question).toEqual([
        { kind: 'text', text: 'Be brief.\n\ndata:image/png;base64, in words. What?' },
      ]);
      const pixels = await loadImage(join(folder, 'd'), result.samples[0].image!);
      expect([pixels.width, pixels.height, ...pixels.data.subarray(0, 3)]).toEqual([9, 4, 0x40, 0x80, 0xc0]);
      expect(faultCounts(result)).toEqual({ 'bad-record': 5 });
    });
  });

  it('refuse an array', async () => {
    await expect(readFiles(reader, { 'a.json': rows }, { path: 'a.json' })).rejects.toThrow(/expected JSON Lines/);
  });

  it('survive damage', async () => {
    await fuzzReader(reader, { 'a.jsonl': lines }, { path: 'a.jsonl' }, { targets: ['a.jsonl'], runs: 40 });
  });
});
