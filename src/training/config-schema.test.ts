import { expect, test } from 'vitest';
import { parseStageConfig } from './config-schema.ts';
import { nanoAlign, nanoInstruct } from './configs/nano-mllm.ts';
import { nanoUpn } from './configs/nano-upn.ts';
import { nanoVision } from './configs/nano-vision.ts';

test('the named configurations are sound', () => {
  expect(parseStageConfig('vision', nanoVision, 'nano')).toEqual(nanoVision);
  expect(parseStageConfig('upn', nanoUpn, 'nano')).toEqual(nanoUpn);
  expect(parseStageConfig('align', nanoAlign, 'nano')).toEqual(nanoAlign);
  expect(parseStageConfig('instruct', nanoInstruct, 'nano')).toEqual(nanoInstruct);
});

const refusal =
  (config: unknown, stage: 'upn' | 'align' = 'upn') =>
  () =>
    parseStageConfig(stage, config, 'my.js');

test('fields that are missing, mistyped or misspelt are named', () => {
  const { upn: _, ...without } = nanoUpn;
  expect(refusal(without)).toThrow(/my.js: field upn is missing/);
  expect(refusal({ ...nanoUpn, batchSize: 'four' })).toThrow(/field batchSize: expected (number|int).*string/);
  expect(refusal({ ...nanoUpn, steps: -4 })).toThrow(/field steps/);
  expect(refusal({ ...nanoUpn, learningRat: 1 })).toThrow(/no field learningRat, did you mean learningRate\?/);
  expect(refusal({ ...nanoUpn, upn: { ...nanoUpn.upn, numHeads: 0 } })).toThrow(/field upn.numHeads/);
  expect(refusal({ ...nanoUpn, data: [] })).toThrow(/field data/);
  expect(refusal({ ...nanoUpn, data: [{ data: { format: 'coco' }, weight: 0 }] })).toThrow(/data.0.weight/);
  expect(refusal(null)).toThrow(/my.js: expected an object/);
  expect(refusal({ ...nanoAlign, model: { ...nanoAlign.model, imageSize: 'large' } }, 'align')).toThrow(/imageSize/);
});

test('a configuration from before data sets is read as RexWorld on a square canvas', () => {
  const { data: _, validation: __, canvases: ___, isPadded: ____, ...rest } = nanoUpn;
  const older = { ...rest, scenes: 8, validationScenes: 4, imageSize: 256, namedObjects: 0, namingWeight: 0 };
  expect(parseStageConfig('upn', older, 'old')).toEqual({
    ...rest,
    data: [{ data: { format: 'world', options: { split: 'train', seed: 1, size: 8 } }, weight: 1 }],
    validation: { data: { format: 'world', options: { split: 'val', seed: 1, size: 4 } }, count: 4 },
    canvases: [{ width: 256, height: 256 }],
    isPadded: false,
  });
  expect(refusal({ ...older, namedObjects: 3 })).toThrow(/no field namedObjects/);
});

test('a field with a default may be left out', () => {
  expect('beta2' in nanoUpn).toBe(false);
  expect(parseStageConfig('upn', { ...nanoUpn, beta2: 0.999 }, 'nano').beta2).toBe(0.999);
});

test('figures are taken on scenes that training never draws', () => {
  for (const { data, validation } of [nanoUpn, nanoAlign, nanoInstruct]) {
    expect(validation?.data.options.split).toBe('val');
    for (const part of data) expect(part.data.options.split).toBe('train');
  }
});

test('a configuration with the older names of what is ours means the same', () => {
  const { extensions: _, ...model } = nanoAlign.model;
  const old = { objectsCarryIndex: true, objectsCarryPlace: true, visionTokenScale: 0.15 };
  const older = { ...nanoAlign, model: { ...model, ...old, listsInAnyOrder: true, listThreshold: 0.35 } };
  expect(parseStageConfig('align', older, 'older.js').model).toEqual(nanoAlign.model);
});
