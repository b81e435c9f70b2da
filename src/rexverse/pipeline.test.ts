import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { mapConcurrent } from './pipeline.ts';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let at = 0; at < count; at++) yield at;
}

test('every value comes out once, the slow ones do not hold up the others, and no more are at work than asked', async () => {
  let [running, most] = [0, 0];
  const map = async (value: number) => {
    most = Math.max(most, ++running);
    await sleep(value === 0 ? 60 : value % 3);
    running--;
    return value;
  };
  const seen: number[] = [];
  for await (const value of mapConcurrent(numbers(40), 4, map)) seen.push(value);
  expect(most).toBe(4);
  expect(seen.indexOf(0)).toBeGreaterThan(4);
  expect(seen.sort((a, b) => a - b)).toEqual([...Array(40).keys()]);
});

test('a failure of the work or of the source ends the stream', async () => {
  const all = async (values: AsyncIterable<number>) => {
    for await (const _ of values);
  };
  const failing = mapConcurrent(numbers(9), 3, async (value) => {
    if (value === 5) throw new Error('five');
    return value;
  });
  await expect(all(failing)).rejects.toThrow('five');
  async function* broken(): AsyncGenerator<number> {
    yield 1;
    throw new Error('no more');
  }
  await expect(all(mapConcurrent(broken(), 3, async (value) => value))).rejects.toThrow('no more');
});

test('whoever stops reading stops the source', async () => {
  let isClosed = false;
  async function* endless(): AsyncGenerator<number> {
    try {
      for (let at = 0; ; at++) yield at;
    } finally {
      isClosed = true;
    }
  }
  for await (const value of mapConcurrent(endless(), 2, async (one) => one)) if (value === 7) break;
  await sleep(1);
  expect(isClosed).toBe(true);
});
