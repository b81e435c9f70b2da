import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createRgbImage, type Rgb, type RgbImage } from '../image/rgb-image.ts';
import { colourAt } from './colours.ts';
import { boxLayer, drawBoxes } from './draw-boxes.ts';
import { imageFormatOf } from './encode.ts';

const grey = createRgbImage(900, 600, [120, 120, 120]);

async function pixelsOf(
  file: Uint8Array,
): Promise<{ width: number; height: number; at(x: number, y: number): number[] }> {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * info.channels).subarray(0, 3)];
  return { width: info.width, height: info.height, at };
}

function count(pixels: Uint8Array, colour: Rgb): number {
  let found = 0;
  for (let at = 0; at < pixels.length; at += 3) {
    if (pixels[at] === colour[0] && pixels[at + 1] === colour[1] && pixels[at + 2] === colour[2]) found++;
  }
  return found;
}

describe('drawBoxes', () => {
  it('draws the outline where the box is, in its colour, and nothing elsewhere', async () => {
    const encoded = await pixelsOf(await drawBoxes(grey, Float32Array.of(100, 150, 400, 500)));
    expect([encoded.width, encoded.height]).toEqual([900, 600]);
    for (const [x, y] of [
      [100, 300],
      [399, 300],
      [250, 150],
      [250, 499],
    ]) {
      expect(encoded.at(x, y)).toEqual([...colourAt(0)]);
    }
    for (const [x, y] of [
      [250, 300],
      [90, 300],
      [500, 300],
      [250, 510],
    ]) {
      expect(encoded.at(x, y)).toEqual([120, 120, 120]);
    }
  });

  it('has a dark halo beside the line, on light and on dark', async () => {
    for (const value of [255, 40]) {
      const image = createRgbImage(900, 600, [value, value, value]);
      const encoded = await pixelsOf(await drawBoxes(image, Float32Array.of(100, 150, 400, 500)));
      const [halo] = encoded.at(102, 300);
      expect(halo).toBeLessThan(value);
    }
  });

  it('gives equal labels one colour and different labels different ones, and takes given colours', async () => {
    const boxes = Float32Array.of(50, 100, 150, 200, 250, 100, 350, 200, 450, 100, 550, 200);
    const named = await pixelsOf(await drawBoxes(grey, boxes, { labels: ['cat', 'dog', 'Cat'] }));
    expect([50, 250, 450].map((x) => named.at(x, 150))).toEqual([[...colourAt(0)], [...colourAt(1)], [...colourAt(0)]]);
    const colours: Rgb[] = [
      [1, 200, 3],
      [200, 5, 6],
      [7, 8, 200],
    ];
    const given = await pixelsOf(await drawBoxes(grey, boxes, { colours }));
    expect([50, 250, 450].map((x) => given.at(x, 150))).toEqual(colours.map((colour) => [...colour]));
  });

  it('writes a label: its tag in the colour, its letters in black', async () => {
    const box = Float32Array.of(300, 200, 600, 500);
    const raw = async (labels?: string[]) =>
      sharp(await drawBoxes(grey, box, { labels, scores: [0.934] }))
        .extract({ left: 300, top: 170, width: 200, height: 26 })
        .raw()
        .toBuffer();
    const [withName, scoreOnly] = [await raw(['teapot']), await raw()];
    expect(count(withName, colourAt(0))).toBeGreaterThan(800);
    expect(count(withName, [0, 0, 0])).toBeGreaterThan(count(scoreOnly, [0, 0, 0]) * 1.5);
    expect(count(scoreOnly, [0, 0, 0])).toBeGreaterThan(20);
  });

  it('is the same bytes every time, and needs no font of the machine', async () => {
    const options = { labels: ['a <b> & "c"', 'Ж漢👍'], scores: [0.5, Number.NaN] };
    const boxes = Float32Array.of(0, 0, 900, 600, 10, 10, 20, 20);
    expect(await drawBoxes(grey, boxes, options)).toEqual(await drawBoxes(grey, boxes, options));
    const box = { left: 5, top: 50, right: 90, bottom: 95, colour: colourAt(0), label: 'cup', isNamed: true };
    expect(boxLayer([box], { width: 100, height: 100 })).not.toMatch(/<text|font/);
  });

  it.each(['png', 'jpeg', 'webp'] as const)('writes %s', async (format) => {
    const file = await drawBoxes(grey, Float32Array.of(1, 1, 300, 300), { format });
    expect(await sharp(file).metadata()).toMatchObject({ format, width: 900, height: 600 });
  });

  it('enlarges tiny images with square pixels and reduces huge ones', async () => {
    const tiny: RgbImage = { width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 0, 0, 255) };
    const enlarged = await pixelsOf(await drawBoxes(tiny, new Float32Array(0)));
    expect([enlarged.width, enlarged.height]).toEqual([800, 400]);
    expect(enlarged.at(398, 200)).toEqual([255, 0, 0]);
    expect(enlarged.at(402, 200)).toEqual([0, 0, 255]);
    const strip = createRgbImage(20_000, 3);
    const reduced = await pixelsOf(await drawBoxes(strip, Float32Array.of(0, 0, 9, 3), { labels: ['x'] }));
    expect([reduced.width, reduced.height]).toEqual([4096, 1]);
    expect((await pixelsOf(await drawBoxes(createRgbImage(1, 1), Float32Array.of(0, 0, 1, 1)))).width).toBe(800);
  });

  it('cuts boxes at the border and leaves out those beyond it', async () => {
    const boxes = Float32Array.of(-50, -50, 2000, 300, 950, 10, 990, 40);
    const encoded = await pixelsOf(await drawBoxes(grey, boxes));
    expect(encoded.at(450, 300)).toEqual([...colourAt(0)]);
    expect(encoded.at(899, 150)).toEqual([...colourAt(0)]);
  });

  it('keeps every box of a crowd of 200 visible under its labels', async () => {
    const boxes = new Float32Array(800);
    for (let at = 0; at < 200; at++) {
      boxes.set(
        [(at % 20) * 44 + 2, Math.floor(at / 20) * 58 + 4, (at % 20) * 44 + 38, Math.floor(at / 20) * 58 + 50],
        at * 4,
      );
    }
    const labels = Array.from({ length: 200 }, (_, at) => `thing ${at % 7}`);
    const file = await drawBoxes(grey, boxes, { labels });
    const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
    expect(info.width).toBe(1600);
    const untouched = count(data, [120, 120, 120]) / (info.width * info.height);
    expect(untouched).toBeGreaterThan(0.5);
    for (let name = 0; name < 7; name++) expect(count(data, colourAt(name))).toBeGreaterThan(3000);
  });

  it('refuses lists of another length and coordinates that are no numbers', async () => {
    const box = Float32Array.of(1, 2, 3, 4);
    await expect(drawBoxes(grey, box, { labels: ['a', 'b'] })).rejects.toThrow('There are 1 boxes but 2 labels');
    await expect(drawBoxes(grey, box, { scores: [] })).rejects.toThrow('There are 1 boxes but 0 scores');
    await expect(drawBoxes(grey, Float32Array.of(1, 2, Number.NaN, 4))).rejects.toThrow(/four finite numbers/);
  });
});

describe('imageFormatOf', () => {
  it('reads the ending', () => {
    expect(['a.PNG', 'b/c.jpg', 'd.e.jpeg', 'f.webp'].map(imageFormatOf)).toEqual(['png', 'jpeg', 'jpeg', 'webp']);
    for (const path of ['a', 'a.gif', 'a.png/b', '.']) expect(() => imageFormatOf(path)).toThrow(/must end in/);
  });
});
