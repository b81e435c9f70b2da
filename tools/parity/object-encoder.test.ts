import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { objectEncoderParity } from './object-encoder.ts';

const fixture = (name: string) =>
  new URL(`../../fixtures/chatrex/object-encoder-${name}.safetensors`, import.meta.url).pathname;
const official = new URL('../../../shared/reference/object-encoder.safetensors', import.meta.url).pathname;

describe('objectEncoderParity', () => {
  it.each([
    ['boxes at, over and beyond the edges, empty, reversed, just whole bins', 'awkward'],
    ['no boxes', 'none'],
    ['oblong maps whose sizes are no halves of each other', 'oblong'],
    ['another scale and number of bins', 'scale'],
  ])('%s', async (_, name) => {
    await expectParity(fixture(name));
  });

  it.skipIf(!existsSync(official))('the official module', async () => {
    await expectParity(official);
  });

  it('names the tensor that a file lacks', async () => {
    const other = new URL('../../fixtures/weights/dtypes.safetensors', import.meta.url).pathname;
    await expect(objectEncoderParity(other)).rejects.toThrow(/needs feature\.0/);
  });
});

async function expectParity(path: string): Promise<void> {
  const rows = await objectEncoderParity(path);
  expect(rows.map(({ tensor }) => tensor)).toEqual(['content', 'object']);
  for (const { absolute } of rows) expect(absolute).toBeLessThan(2e-6);
}
