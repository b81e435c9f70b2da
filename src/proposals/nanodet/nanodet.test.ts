import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { createRgbImage } from '../../image/rgb-image.ts';
import { loadProposalNetwork } from '../load-proposal-network.ts';
import { patterned } from '../testing/patterned.ts';
import { Upn } from '../upn.ts';
import { patternedSquare, places, runBundled } from './testing/bundled.ts';
import { tinyNanoDet } from './testing/tiny.ts';

const network = tinyNanoDet();
afterAll(() => network.dispose());

function image(width: number, height: number) {
  const made = createRgbImage(width, height);
  patterned('photo', made.data.length, 1).forEach((value, i) => {
    made.data[i] = 128 + 60 * value * Math.sin(i / 500);
  });
  return made;
}

test('the bundled weights give what the original gives in TensorFlow.js', async () => {
  const fixture = new URL('../../../fixtures/photo/nanodet.json', import.meta.url);
  const { side, outputs }: { side: number; outputs: number[][] } = JSON.parse(await readFile(fixture, 'utf8'));
  const found = await runBundled(patternedSquare(side));
  outputs.forEach((expected, i) => {
    const kept = places(found[i].length);
    expect(kept.length).toBe(expected.length);
    expected.forEach((value, k) => {
      expect(Math.abs(found[i][kept[k]] - value)).toBeLessThan(1e-3);
    });
  });
});

test('boxes lie in the image, best first, each with a name, whatever the image’s shape', async () => {
  const images = [image(90, 70), image(1, 1), image(300, 3)];
  const results = await network.propose(images, { minScore: 0 });
  results.forEach(({ boxesXyxy, scores, categories, categoryScores, granularities, width, height }, i) => {
    expect([width, height]).toEqual([images[i].width, images[i].height]);
    expect(scores.length).toBeGreaterThan(0);
    expect(boxesXyxy.length).toBe(4 * scores.length);
    expect([categories?.length, categoryScores?.length, granularities.length]).toEqual(
      new Array(3).fill(scores.length),
    );
    boxesXyxy.forEach((value, at) => {
      expect(value >= 0 && value <= (at % 2 === 0 ? width : height)).toBe(true);
    });
    expect(Array.from(scores)).toEqual(Array.from(scores).sort((a, b) => b - a));
    for (const name of categories!) expect(network.categories).toContain(name);
  });
});

test('an image’s boxes are the same alone, among others and at the same time as others', async () => {
  const [a, b] = [image(90, 70), image(70, 90)];
  const wish = { minScore: 0.1 };
  const [alone] = await network.propose([a], wish);
  const [[, among], [atOnce]] = await Promise.all([network.propose([b, a], wish), network.propose([a], wish)]);
  expect(among).toEqual(alone);
  expect(atOnce).toEqual(alone);
});

test('a fast look is a look at the first scale', async () => {
  const [fast] = await network.propose([image(90, 70)], { fast: true, minScore: 0 });
  const [whole] = await network.propose([image(90, 70)], { minScore: 0 });
  expect(fast.scores.length).toBeGreaterThan(0);
  expect(fast).not.toEqual(whole);
});

test('it finds whole things: both is coarse, fine is refused before an image is read', async () => {
  expect(network.granularities).toEqual(['coarse']);
  const [coarse] = await network.propose([image(60, 60)], { minScore: 0 });
  const [both] = await network.propose([image(60, 60)], { minScore: 0, granularity: 'both' });
  expect(both).toEqual(coarse);
  const refused = network.propose(['missing.jpg'], { granularity: 'fine' });
  await expect(refused).rejects.toMatchObject({ code: 'unsupported' });
});

test('no images, nothing likely enough, cancelled, options out of range', async () => {
  expect(await network.propose([])).toEqual([]);
  const [none] = await network.propose([image(20, 20)], { minScore: 1 });
  expect(none.boxesXyxy.length).toBe(0);
  const aborted = network.propose([image(20, 20)], { signal: AbortSignal.abort() });
  await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
  await expect(network.propose([], { nmsIou: 2 })).rejects.toMatchObject({ code: 'invalid-argument' });
});

test('a folder’s configuration says what opens: a UPN is a proposal network too, and this is no UPN', async () => {
  const [upn, photo] = await Promise.all([loadProposalNetwork('nano'), loadProposalNetwork('photo')]);
  expect(upn).toBeInstanceOf(Upn);
  expect([upn.granularities, upn.categories]).toEqual([['fine', 'coarse'], []]);
  expect([photo.granularities, photo.categories.length]).toEqual([['coarse'], 80]);
  await expect(Upn.load('photo')).rejects.toThrow(/loadProposalNetwork/);
});

const dog = fileURLToPath(new URL('../../../../shared/photos/demo/sam_dog.jpg', import.meta.url));
describe.skipIf(!existsSync(dog))('a photograph', () => {
  test('shows a dog', async () => {
    const photo = await loadProposalNetwork('photo', { session: { threads: 1 } });
    const [{ categories, scores }] = await photo.propose([dog]);
    await photo.dispose();
    expect(categories![0]).toBe('dog');
    expect(scores[0]).toBeGreaterThan(0.5);
  });
});
