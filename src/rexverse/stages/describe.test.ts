import { expect, test } from 'vitest';
import { faultOf } from './describe.ts';

test.each([
  ['The red car is on the left.', undefined],
  ['A dog asleep', undefined],
  ['一只棕色的狗 躺在 地板上。', undefined],
  ['giraffe: yes.', 'no sentence'],
  ['a yellow donut: yes', 'no sentence'],
  ['Is there a dog on the floor? No, yes.', 'no sentence'],
  ['a broccoli', 'no sentence'],
  ['', 'no sentence'],
  ["I'm sorry, I cannot see it.", 'refused'],
  ['dog '.repeat(300), 'description too long'],
])('a description "%.40s": %s', (text, fault) => {
  expect(faultOf(text)).toBe(fault);
});
