import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SentenceEncoder } from './sentence-encoder.ts';

const fixture = fileURLToPath(new URL('../../fixtures/language/sentence-encoder', import.meta.url));
const expected: Record<string, { text: string; ids: number[]; vector: number[] }[]> = JSON.parse(
  readFileSync(`${fixture}/expected.json`, 'utf8'),
);

/** The weights are large: where they are is told by an environment variable. */
const realFolder = process.env.CHATREX_MINILM ?? '';

async function compare(folder: string, name: string): Promise<void> {
  const encoder = await SentenceEncoder.load(folder, { threads: 1 });
  try {
    const cases = expected[name];
    // Twice the first one: equal texts share a vector.
    const vectors = await encoder.encode([...cases.map(({ text }) => text), cases[0].text]);
    expect(vectors).toHaveLength(cases.length + 1);
    expect(vectors[cases.length]).toEqual(vectors[0]);
    cases.forEach(({ text, ids, vector }, i) => {
      expect(encoder.tokens(text), text).toEqual(ids);
      vector.forEach((value, at) => {
        expect(Math.abs(vectors[i][at] - value), `${text} ${at}`).toBeLessThan(1e-4);
      });
      expect(Math.hypot(...vectors[i])).toBeCloseTo(1, 5);
    });
  } finally {
    await encoder.dispose();
  }
}

describe('a sentence encoder', () => {
  it('of random weights gives what transformers gives', () => compare(fixture, 'tiny'));

  it.skipIf(!existsSync(realFolder))('all-MiniLM-L6-v2 gives what transformers gives', () =>
    compare(realFolder, 'all-MiniLM-L6-v2'),
  );

  it('takes marks in a text as text', async () => {
    const encoder = await SentenceEncoder.load(fixture, { threads: 1 });
    expect(encoder.tokens('[SEP]').slice(1, -1)).not.toContain(3);
    await encoder.dispose();
  });

  it('refuses a folder of something else', async () => {
    const llama = fileURLToPath(new URL('../../fixtures/language/vicuna', import.meta.url));
    await expect(SentenceEncoder.load(llama)).rejects.toThrow(/model_type.*expected a BERT encoder/);
    await expect(SentenceEncoder.load('no-such-folder')).rejects.toMatchObject({ code: 'not-found' });
  });
});
