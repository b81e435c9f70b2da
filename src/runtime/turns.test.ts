import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

test('as many at once as there is room for, in the order asked; what wants all waits for all', async () => {
  const turns = new Turns(() => 2);
  const events: string[] = [];
  const work = async (name: string, count: number) => {
    const leave = await turns.take(count);
    events.push(`${name} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    events.push(`${name} ends`);
    leave();
  };
  await Promise.all([work('one', 1), work('two', 1), work('all', 5), work('three', 1)]);
  expect(events).toEqual([
    ...['one begins', 'two begins', 'one ends', 'two ends'],
    ...['all begins', 'all ends', 'three begins', 'three ends'],
  ]);
});

test('a limit that shrank lets in one at a time, and none is left out', async () => {
  let limit = 3;
  const turns = new Turns(() => limit);
  const leave = await turns.take(3);
  const next = turns.take(3);
  limit = 1;
  leave();
  (await next)();
  (await turns.take())();
});
