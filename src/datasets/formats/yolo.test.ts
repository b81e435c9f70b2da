import { describe, expect, it } from 'vitest';
import { fuzzReader } from '../testing/fuzz.ts';
import { imageFile } from '../testing/images.ts';
import { faultCounts, readFiles, type TestFiles } from '../testing/read-all.ts';
import { reader } from './yolo.ts';

const image = await imageFile(100, 50);
const yaml = 'path: /somewhere/else\ntrain: images/train\nval: [images/val]\nnames:\n  0: cat\n  2: traffic light\n';
const files: TestFiles = {
  'data.yaml': yaml,
  'images/train/a.png': image,
  'images/train/b.png': image,
  'images/val/images/c.png': image,
  'labels/train/a.txt': '\uFEFF0 0.5 0.5 0.2 0.4\r\n2 0.1 0.1 0.1 0.1 0.75\n\n0 0 0 .1 0 .1 .2\n',
  'images/val/labels/c.txt': '',
};

describe('YOLO', () => {
  it('reads boxes, scores and polygons as shares of the image', async () => {
    const result = await readFiles(reader, files, { path: 'data.yaml' });
    expect(result.vocabulary).toEqual([
      { name: 'cat', sourceId: 0 },
      { name: 'traffic light', sourceId: 2 },
    ]);
    expect(result.faults).toEqual({});
    const [a, b] = result.samples;
    expect([a.id, b.id, b.regions]).toEqual(['images/train/a.png', 'images/train/b.png', []]);
    const boxes = a.regions.map(({ boxXyxy }) => boxXyxy.map((side) => Math.round(side * 1000) / 1000));
    expect(boxes).toEqual([
      [40, 15, 60, 35],
      [5, 2.5, 15, 7.5],
      [0, 0, 10, 10],
    ]);
    expect(a.regions[1]).toMatchObject({ category: 'traffic light', score: 0.75, sourceId: 'line 2' });
    expect(a.coverage).toEqual({ complete: ['coarse'], isClosed: true });
  });

  it('takes the last folder called images for that of labels, and a folder for its data.yaml', async () => {
    const result = await readFiles(reader, files, { path: '.', split: 'val' });
    expect(result.samples.map(({ id }) => id)).toEqual(['images/val/images/c.png']);
  });

  it('reads lists of images', async () => {
    const listed = {
      ...files,
      'data.yaml': 'train: list.txt\nnames: [cat]\n',
      'list.txt': './images/train/a.png\nimages/gone.png\n',
    };
    const result = await readFiles(reader, listed, { path: 'data.yaml' });
    expect(result.samples.map(({ id }) => id)).toEqual(['images/train/a.png']);
    expect(faultCounts(result)).toEqual({ 'missing-image': 1, 'unknown-category': 1 });
  });

  it('tells lines that are no label', async () => {
    const labels = '0 0.5 0.5 0.2\n7 0.5 0.5 0.1 0.1\n0 nan 0.5 0.1 0.1\n0 0.5 0.5 -0.1 0.1\n0 1.5 0.5 0.1 0.1\n';
    const result = await readFiles(reader, { ...files, 'labels/train/a.txt': labels }, { path: 'data.yaml' });
    expect(faultCounts(result)).toEqual({ 'bad-record': 1, 'unknown-category': 1, 'bad-box': 2, 'box-outside': 1 });
    expect(result.samples[0].regions.map(({ sourceId }) => sourceId)).toEqual(['line 2']);
  });

  it('refuses what cannot be meant', async () => {
    const read = (change: TestFiles, options = {}) =>
      readFiles(reader, { ...files, ...change }, { path: 'data.yaml', ...options });
    await expect(read({}, { split: 'dev' })).rejects.toThrow(/no split dev; it has train, val/);
    await expect(read({ 'data.yaml': 'names: [a\n' })).rejects.toThrow(/not YAML/);
    await expect(read({ 'data.yaml': 'train: x\n' })).rejects.toThrow(/names/);
    const { 'labels/train/a.txt': _, ...unlabelled } = files;
    await expect(readFiles(reader, unlabelled, { path: 'data.yaml' })).rejects.toThrow(/none of 2 images has a label/);
  });

  it('survives damage', async () => {
    const targets = ['data.yaml', 'labels/train/a.txt'];
    await fuzzReader(reader, files, { path: 'data.yaml' }, { targets, runs: 80 });
  });
});
