import { describe, expect, test } from 'vitest';
import { upnPresets } from '../../proposals/config.ts';
import { createRandom } from '../../random.ts';
import { hostTensor } from '../../runtime/host-tensor.ts';
import type { PromptTruth } from './batch.ts';
import { denoisingGroup } from './denoising.ts';
import type { UpnTrainingConfig } from './loss.ts';
import { matchObjects, upnTargets } from './targets.ts';

const config = {
  upn: upnPresets['upn-nano'],
  batchSize: 1,
  canvases: [{ width: 64, height: 64 }],
  isPadded: true,
  denoisingQueries: 2,
  maxPositiveTokens: 8,
} satisfies UpnTrainingConfig;

/** Where predictions are: on the object, beside it, in a crowd, anywhere. */
const places = {
  object: [0.25, 0.25, 0.2, 0.2],
  beside: [0.3, 0.27, 0.2, 0.2],
  crowd: [0.75, 0.75, 0.1, 0.1],
  empty: [0.75, 0.2, 0.1, 0.1],
};
const boxes = Float32Array.from(Object.values(places).flat());
const names = Object.keys(places);
const truth: PromptTruth = {
  objects: Float32Array.from(places.object),
  ignored: Float32Array.of(0.75, 0.75, 0.3, 0.3),
  isComplete: true,
};

/** Targets of one image whose four tokens, and four selected queries behind two noised ones, are at the places. */
function targets(coarse: PromptTruth | null, fine: PromptTruth | null = null, isValid = [1, 1, 1, 1]) {
  const denoising = denoisingGroup(coarse?.objects ?? new Float32Array(0), 2, createRandom('d'));
  const tokens = hostTensor('float32', [1, 4], [0, 0, 0, 0]);
  const predictions = {
    logits: hostTensor('float32', [1, 1, 6]),
    boxes: hostTensor('float32', [1, 1, 6, 4], Float32Array.of(...places.object, ...places.empty, ...boxes)),
    tokenBoxes: hostTensor('float32', [1, 4, 4], boxes),
    'fine tokenLogits': tokens,
    'coarse tokenLogits': tokens,
  };
  const feeds = upnTargets(config, predictions, {
    truths: { fine: [fine], coarse: [coarse] },
    isValid: Uint8Array.from(isValid),
    decoded: [{ truth: coarse, denoising }],
  });
  const byPlace = (name: string, from = 0) =>
    Object.fromEntries(names.map((place, i) => [place, Number(feeds[name].data[from + i])]));
  return { feeds, byPlace };
}

describe('the decoder', () => {
  test('one query answers for the object, the others are background, and those in a crowd are neither', () => {
    const { byPlace } = targets(truth);
    expect(byPlace('is object', 2)).toEqual({ object: 1, beside: 0, crowd: 0, empty: 0 });
    expect(byPlace('class weights', 2)).toEqual({ object: 1, beside: 1, crowd: 0, empty: 1 });
    expect(byPlace('box weights', 2)).toEqual({ object: 1, beside: 0, crowd: 0, empty: 0 });
  });

  test('where annotations are not complete, only what is annotated teaches', () => {
    const { byPlace } = targets({ ...truth, isComplete: false });
    expect(byPlace('class weights', 2)).toEqual({ object: 1, beside: 0, crowd: 0, empty: 0 });
  });

  test('an image that says nothing about the prompt teaches nothing, noised queries included', () => {
    const { feeds } = targets(null);
    expect(feeds['class weights'].data.every((weight) => weight === 0)).toBe(true);
    expect(feeds['box weights'].data.every((weight) => weight === 0)).toBe(true);
  });

  test('an image without objects teaches background', () => {
    const { byPlace } = targets({ ...truth, objects: new Float32Array(0), ignored: new Float32Array(0) });
    expect(byPlace('is object', 2)).toEqual({ object: 0, beside: 0, crowd: 0, empty: 0 });
    expect(byPlace('class weights', 2)).toEqual({ object: 1, beside: 1, crowd: 1, empty: 1 });
  });
});

describe('the tokens', () => {
  test('of a prompt that the image does not cover are not asked', () => {
    const { feeds, byPlace } = targets(truth);
    expect(feeds['fine tokens counted'].data.every((counted) => counted === 0)).toBe(true);
    expect(byPlace('coarse tokens counted')).toEqual({ object: 1, beside: 1, crowd: 0, empty: 1 });
  });

  test('that fit an object best are to say so, as well as they fit', () => {
    const { object, beside, crowd, empty } = targets(truth).byPlace('coarse token targets');
    expect(object).toBeCloseTo(1, 5);
    expect(beside).toBeGreaterThan(0);
    expect(beside).toBeLessThan(object);
    expect([crowd, empty]).toEqual([0, 0]);
  });

  test('in padding are neither right nor wrong', () => {
    const { byPlace } = targets(truth, null, [0, 1, 1, 0]);
    expect(byPlace('coarse tokens counted')).toEqual({ object: 0, beside: 1, crowd: 0, empty: 0 });
    expect(byPlace('coarse token targets').object).toBe(0);
  });
});

test('objects are matched by the least total cost', () => {
  const objects = Float32Array.of(...places.empty, ...places.object);
  const pairs = new Map(matchObjects(new Float32Array(4), boxes, objects).map(([query, object]) => [object, query]));
  expect(pairs.get(0)).toBe(names.indexOf('empty'));
  expect(pairs.get(1)).toBe(names.indexOf('object'));
  expect(matchObjects(new Float32Array(4), boxes, new Float32Array(0))).toEqual([]);
});
