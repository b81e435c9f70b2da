/** A detector without a language model answers what it can: which of its categories are there, and how many. */

import { expect, test } from 'vitest';
import { createRgbImage } from '../image/rgb-image.ts';
import { ModelSubject } from './model-subject.ts';
import type { SampleView } from './sample-view.ts';

const view = { image: async () => createRgbImage(40, 30) } as unknown as SampleView;
const proposals = {
  boxesXyxy: Float32Array.of(1, 2, 11, 12, 5, 5, 20, 25, 0, 0, 9, 9),
  scores: Float32Array.of(0.9, 0.8, 0.7),
  categories: ['dog', 'hot dog', 'dog'],
};
const detector = { categories: ['dog', 'hot dog', 'cat'], propose: async () => [proposals] };

test('a detector alone is asked by names; what it calls otherwise, and names that it does not know, have no box', async () => {
  const subject = new ModelSubject({ upn: detector as never });
  expect((await subject.detect(view, ['Dog', 'unicorn'])).boxes).toEqual([
    { label: 'Dog', boxXyxy: [1, 2, 11, 12], score: expect.closeTo(0.9) },
    { label: 'Dog', boxXyxy: [0, 0, 9, 9], score: expect.closeTo(0.7) },
  ]);
  expect((await subject.count(view, 'hot dog')).boxes).toHaveLength(1);
  expect(await subject.nameRegion(view, [[6, 5, 20, 25]], 0)).toBe('hot dog');
  expect(await subject.nameRegion(view, [[30, 20, 40, 30]], 0)).toBe('');
  expect(await subject.answer(view, 'Is there a dog in the image?\nAnswer with one word.')).toBe('Yes');
  expect(await subject.answer(view, 'Is there a cat in the imange?')).toBe('No');
  await expect(subject.answer(view, 'What is this?')).rejects.toThrow(/no language model/);
});

test('a network without categories finds nothing by name', async () => {
  const subject = new ModelSubject({ upn: { ...detector, categories: [] } as never });
  await expect(subject.detect(view, ['dog'])).rejects.toThrow(/no language model/);
});

test('questions in a row about one image look at it once, where names say which image it is', async () => {
  const looked: string[] = [];
  const propose = async () => {
    looked.push('look');
    return [proposals];
  };
  const upn = { ...detector, propose };
  const ask = async (namesImages: boolean, files: readonly string[]) => {
    looked.length = 0;
    const data = { namesImages };
    const subject = new ModelSubject({ upn: upn as never });
    for (const file of files) {
      const question = { ...view, data, sample: { image: { file } } } as unknown as SampleView;
      await subject.answer(question, 'Is there a dog in the image?');
    }
    return looked.length;
  };
  expect(await ask(true, ['a.jpg', 'a.jpg', 'b.jpg', 'a.jpg'])).toBe(3);
  expect(await ask(false, ['a.jpg', 'a.jpg'])).toBe(2);
});
