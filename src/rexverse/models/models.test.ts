/** Answers of other models, limits, prompts: what is between the engine and an endpoint. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fill, loadPrompts } from '../prompts.ts';
import { parseModel } from '../settings.ts';
import { brokenRule } from '../stages/rewrite.ts';
import { Limiter } from '../work/limiter.ts';
import { formatOf, readBoxes } from './grounding-answers.ts';
import { retryAfter } from './post-json.ts';
import { isRefusal, readSentence, readVerdict } from './read-answers.ts';

const size = { width: 500, height: 200 };
const boxes = (...args: Parameters<typeof readBoxes>) =>
  readBoxes(...args).map((list) => list.map(({ boxXyxy }) => [...boxXyxy]));

describe('boxes of other models', () => {
  test('Qwen3-VL: shares of a thousand, cut lists, labels in other words', () => {
    const answer =
      '```json\n[{"bbox_2d": [100, 500, 200, 1000], "label": "the red car"}, {"bbox_2d": [0, 0, 10, 10], "label": "dog"}, {"bbox_2d": [1, 2';
    expect(boxes(answer, 'qwen3-vl', ['dog', 'red car'], size)).toEqual([[[0, 0, 5, 2]], [[50, 100, 100, 200]]]);
  });

  test('detectors: pixels in lists or in corners, with scores', () => {
    const answer =
      '[{"name":"cat","bbox":{"xmin":1,"ymin":2,"xmax":3,"ymax":4},"score":0.5},{"label":"cat","box":[5,6,7,8]}]';
    expect(readBoxes(answer, 'pixels', ['cat'], size)).toEqual([
      [
        { boxXyxy: [1, 2, 3, 4], score: 0.5 },
        { boxXyxy: [5, 6, 7, 8], score: 1 },
      ],
    ]);
  });

  test('Rex-Omni and LocateAnything: tokens', () => {
    const rexOmni =
      '<|object_ref_start|>cup<|object_ref_end|><|box_start|><0><0><999><999>, <0><0><333><999><|box_end|>';
    expect(boxes(rexOmni, 'rex-omni', ['cup'], size)[0][0]).toEqual([0, 0, 500, 200]);
    expect(boxes(rexOmni, 'rex-omni', ['cup'], size)[0]).toHaveLength(2);
    const locate = '<ref>bat</ref><box><100><200><150><250></box>';
    expect(boxes(locate, 'locate-anything', ['ball', 'bat'], size)).toEqual([[], [[50, 40, 75, 50]]]);
    expect(() => readBoxes('cup at 0 0 999 999', 'rex-omni', ['cup'], size)).toThrow(/skip_special_tokens/);
  });

  test('nothing there, nonsense, and nothing at all are three things', () => {
    expect(boxes('[]', 'qwen3-vl', ['dog'], size)).toEqual([[]]);
    expect(boxes('There is no such object.', 'qwen3-vl', ['dog'], size)).toEqual([[]]);
    expect(() => readBoxes('I like dogs.', 'qwen3-vl', ['dog'], size)).toThrow(/expected a JSON list/);
    expect(() => readBoxes('', 'qwen3-vl', ['dog'], size)).toThrow(/expected a JSON list/);
  });

  test('formats are known by the name of the model', () => {
    expect(['IDEA-Research/Rex-Omni', 'Qwen3-VL-8B', 'grounding-dino-tiny', 'Qwen2.5-VL-7B'].map(formatOf)).toEqual([
      ...['rex-omni', 'qwen3-vl', 'pixels', 'pixels'],
    ]);
  });
});

describe('words of language models', () => {
  test('sentences lose what is wrapped around them; refusals and verdicts are known', () => {
    expect(readSentence('<think>hm</think>\n**Caption:** "A dog,\n running."')).toBe('A dog, running.');
    expect(() => readSentence('  ""  ')).toThrow(/empty/);
    expect(["I'm sorry, but no.", 'I cannot describe this.', 'A dog that is sorry.'].map(isRefusal)).toEqual([
      true,
      true,
      false,
    ]);
    expect(readVerdict('Yes, it does.')).toEqual({ fits: true });
    expect(readVerdict('No. It shows a cat.').fits).toBe(false);
    expect(() => readVerdict('Maybe.')).toThrow(/expected yes or no/);
  });

  test('referring expressions have five to ten words and no commas', () => {
    expect(brokenRule('The small red car on the left.')).toBeUndefined();
    expect(brokenRule('red car')).toMatch(/fewer than 5/);
    expect(brokenRule('a b c d e f g h i j k')).toMatch(/more than 10/);
    expect(brokenRule('The small, red car on the left')).toMatch(/comma/);
    expect(brokenRule('A red car. It is small and old.')).toMatch(/one sentence/);
  });

  test('prompts are replaced one by one, and must have their places', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rexverse-prompts-'));
    try {
      writeFileSync(join(folder, 'caption.v2.txt'), 'What is here?\n');
      expect((await loadPrompts(folder)).caption).toEqual({ version: 'v2', text: 'What is here?' });
      expect((await loadPrompts(folder)).verify).toEqual((await loadPrompts()).verify);
      writeFileSync(join(folder, 'verify.v1.txt'), 'Is {phrase} right?');
      await expect(loadPrompts(folder)).rejects.toThrow(/expected \{description\}/);
    } finally {
      rmSync(folder, { recursive: true });
    }
    expect(fill('{a} and {b} and {c}', { a: '{b}', b: '$&' })).toBe('{b} and $& and {c}');
  });

  test('an endpoint needs its model', async () => {
    await expect(parseModel('http://x/v1', (name) => name)).rejects.toThrow(/expected URL#model/);
    expect(await parseModel('http://x/v1/#m', (name) => name)).toMatchObject({ url: 'http://x/v1', model: 'm' });
  });
});

describe('limits', () => {
  test('requests at once, per minute, tokens per minute, pauses and budgets hold for all callers together', () => {
    let now = 0;
    const granted: string[] = [];
    const denied: string[] = [];
    const limiter = new Limiter({
      limits: { requestsAtOnce: 2, requestsPerMinute: 60, tokensPerMinute: 6000 },
      budget: { tokens: 1000 },
      now: () => now,
    });
    const ask = (name: string, tokens = 10) =>
      limiter.acquire(
        'e',
        tokens,
        () => granted.push(name),
        ({ message }) => denied.push(`${name}: ${message}`),
      );
    for (const name of ['a', 'b', 'c']) ask(name);
    expect(granted).toEqual(['a']);
    now += 1000;
    limiter.release('e', 10, 'm', { input: 5, output: 5 });
    expect(granted).toEqual(['a', 'b']);
    now += 1000;
    limiter.release('e', 10, 'm', { input: 0, output: 0 }, 5000);
    expect(granted).toEqual(['a', 'b']);
    now += 5000;
    ask('d', 900);
    expect(granted).toEqual(['a', 'b', 'c']);
    limiter.release('e', 10, 'm', { input: 900, output: 100 });
    expect(denied).toEqual([expect.stringMatching(/^d: the budget is spent \(1010 of 1000 tokens\)/)]);
    ask('e');
    expect(denied).toHaveLength(2);
    limiter.stop(new Error('over') as never);
  });

  test('Retry-After is seconds or a date, and is bounded', () => {
    expect(retryAfter('2.5')).toBe(2500);
    expect(retryAfter('Thu, 01 Jan 1970 00:00:30 GMT', 10_000)).toBe(20_000);
    expect(retryAfter('999999999')).toBe(3_600_000);
    expect(retryAfter('soon')).toBeUndefined();
    expect(retryAfter(undefined)).toBeUndefined();
  });
});
