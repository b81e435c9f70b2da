import { describe, expect, it } from 'vitest';
import { decimal, fraction, indices, whole, wholeNumber } from './option-types.ts';

describe('option types', () => {
  it('read what they are for', () => {
    expect([wholeNumber('12'), whole(1, 5)('5'), decimal('-1e-3'), fraction('0.25'), indices('0,12')]).toEqual([
      12,
      5,
      -0.001,
      0.25,
      [0, 12],
    ]);
  });

  it.each<[string, (text: string) => unknown, string[]]>([
    ['wholeNumber', wholeNumber, ['', ' ', 'foo', '-4', '1.5', '1e3', '99999999999999999999']],
    ['whole', whole(1, 5), ['0', '6', 'abc']],
    ['decimal', decimal, ['', ' ', 'x', 'NaN', 'Infinity', '1e999']],
    ['fraction', fraction, ['', '-0.1', '1.1', 'NaN']],
    ['indices', indices, ['', ',', '1,', 'a', '-1', '99999999999999999999']],
  ])('%s refuses the rest', (_, read, texts) => {
    for (const text of texts) expect(() => read(text), text).toThrow(/expected/);
  });
});
