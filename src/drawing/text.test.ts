import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanText, fitText, measureText, textOutline } from './text.ts';
import { wrapText } from './wrap-text.ts';

describe('text', () => {
  it('has outlines for what labels are written in, and an empty box for the rest', () => {
    for (const character of 'aZ9éßñŁЖΩ→…€') expect(textOutline(character, 0, 0, 20)).not.toBe('');
    const missing = textOutline('漢', 0, 0, 20);
    expect(missing).not.toBe('');
    expect(textOutline('👍', 0, 0, 20)).toBe(missing);
    expect(textOutline('', 0, 0, 20)).toBe('');
  });

  it('measures in proportion to size, bold wider than regular', () => {
    expect(measureText('hello', 20)).toBeCloseTo(2 * measureText('hello', 10), 9);
    expect(measureText('hello', 20, 'bold')).toBeGreaterThan(measureText('hello', 20));
  });

  it('cuts what does not fit and marks the cut', () => {
    expect(fitText('short', 1000, 12)).toBe('short');
    const cut = fitText('a rather long phrase about a thing', 100, 12);
    expect(cut).toMatch(/^a rather.*…$/);
    expect(measureText(cut, 12)).toBeLessThanOrEqual(100);
  });

  it('removes what is not text', () => {
    expect(cleanText(' a\u0000b\u001b[31m\n\tc\u202Ed\ud800 ')).toBe('ab[31m cd');
  });
});

describe('wrapText', () => {
  const joined = (spans: string[], width: number) =>
    wrapText(
      spans.map((text) => ({ text })),
      width,
      10,
    ).map((line) => line.map((run) => run.text).join('|'));

  it('keeps a full stop with the phrase before it', () => {
    const width = measureText('one two', 10) + 1;
    expect(joined(['one ', 'two', '. three'], width)).toEqual(
      ['one', 'two|. three'].slice(0, 1).concat(['two|.', 'three']),
    );
  });

  it('breaks at line breaks and inside words that are longer than a line', () => {
    expect(joined(['a\nb'], 500)).toEqual(['a', 'b']);
    const pieces = joined(['x'.repeat(50)], measureText('x'.repeat(20), 10) + 0.5);
    expect(pieces.map((piece) => piece.length)).toEqual([20, 20, 10]);
  });

  it('loses no character and keeps every line within the width', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme-ascii' }), { maxLength: 6 }),
        fc.integer({ min: 15, max: 300 }),
        (texts, width) => {
          const lines = wrapText(
            texts.map((text) => ({ text })),
            width,
            10,
          );
          const shown = lines.flatMap((line) => line.map((run) => run.text)).join('');
          expect(shown.replace(/\s/g, '')).toBe(texts.join('').replace(/\s/g, ''));
          for (const line of lines) for (const run of line) expect(run.x + run.width).toBeLessThan(width + 0.01);
        },
      ),
    );
  });
});
