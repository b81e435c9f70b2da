import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp, { type Color, type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChatRexError, type ErrorCode } from '../errors.ts';
import { decodeImage, type ImageLimits, type ImageSource } from './decode.ts';

interface Case {
  name: string;
  tolerance: number;
  size: [number, number];
  file: string;
  expected: string;
}

const cases: Case[] = JSON.parse(readFileSync(new URL('../../fixtures/image/decode.json', import.meta.url), 'utf8'));
const fileOf = (name: string) => Buffer.from(cases.find((entry) => entry.name === name)!.file, 'base64');

/** A file of one colour in any format that sharp writes. */
function plain(width: number, height: number, background: Color, channels: 3 | 4 = 3): Sharp {
  return sharp({ create: { width, height, channels, background } });
}

async function refusal(source: ImageSource, limits?: ImageLimits): Promise<{ code: ErrorCode; message: string }> {
  const error = await decodeImage(source, limits).then(
    () => expect.unreachable('should have been refused'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ChatRexError);
  const { code, message } = error as ChatRexError;
  expect(message).not.toContain('\n');
  return { code, message };
}

async function firstPixel(source: ImageSource): Promise<number[]> {
  const { data } = await decodeImage(source);
  return [...data.subarray(0, 3)];
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chatrex-decode-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('decodeImage on readable files', () => {
  it.each(cases)('equals PIL: $name', async ({ file, size, expected, tolerance }) => {
    const { width, height, data } = await decodeImage(Buffer.from(file, 'base64'));
    expect([width, height]).toEqual(size);
    const reference = Buffer.from(expected, 'base64');
    expect(data.length).toBe(reference.length);
    const worst = data.reduce((most, value, at) => Math.max(most, Math.abs(value - reference[at])), 0);
    expect(worst).toBeLessThanOrEqual(tolerance);
  });

  it('reads AVIF and lossy WebP', async () => {
    const image = plain(9, 5, { r: 200, g: 40, b: 90 });
    for (const bytes of [await image.clone().avif().toBuffer(), await image.clone().webp().toBuffer()]) {
      const { width, height, data } = await decodeImage(bytes);
      expect([width, height]).toEqual([9, 5]);
      for (const [channel, value] of [200, 40, 90].entries()) expect(Math.abs(data[channel] - value)).toBeLessThan(6);
    }
  });

  it('scales 16-bit samples to 8, colour and grey', async () => {
    const raw = (channels: 1 | 3) => ({ raw: { width: 2, height: 1, channels } });
    const colour = await sharp(Uint16Array.of(0, 32_896, 65_535, 257, 514, 25_700), raw(3))
      .toColourspace('rgb16')
      .png();
    expect([...(await decodeImage(await colour.toBuffer())).data]).toEqual([0, 128, 255, 1, 2, 100]);
    const grey = await sharp(Uint16Array.of(257 * 3, 65_535), raw(1))
      .toColourspace('grey16')
      .png()
      .toBuffer();
    expect((await sharp(grey).metadata()).depth).toBe('ushort');
    expect([...(await decodeImage(grey)).data]).toEqual([3, 3, 3, 255, 255, 255]);
  });

  it('turns CMYK into colours that look right', async () => {
    const bytes = await plain(4, 4, { r: 220, g: 30, b: 30 }).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer();
    expect((await sharp(bytes).metadata()).space).toBe('cmyk');
    const [red, green, blue] = await firstPixel(bytes);
    expect(red).toBeGreaterThan(180);
    expect(Math.max(green, blue)).toBeLessThan(80);
  });

  it('shows white through transparent pixels, the same for files and raw pixels', async () => {
    for (const alpha of [0, 0.5, 1]) {
      const bytes = await plain(1, 1, { r: 100, g: 0, b: 200, alpha }, 4).png().toBuffer();
      const raw = await sharp(bytes).ensureAlpha().raw().toBuffer();
      const mixed = [100, 0, 200].map((value) => value * (raw[3] / 255) + 255 * (1 - raw[3] / 255));
      for (const source of [bytes, { width: 1, height: 1, data: raw }]) {
        const pixel = await firstPixel(source);
        for (let at = 0; at < 3; at++) expect(Math.abs(pixel[at] - mixed[at])).toBeLessThanOrEqual(1);
      }
    }
    const deep = sharp(Uint16Array.of(0, 0, 0, 0, 65_535, 0, 0, 65_535), {
      raw: { width: 2, height: 1, channels: 4 },
    });
    const deepPng = await deep.toColourspace('rgb16').png().toBuffer();
    expect(await sharp(deepPng).metadata()).toMatchObject({ depth: 'ushort', hasAlpha: true });
    expect([...(await decodeImage(deepPng)).data]).toEqual([255, 255, 255, 255, 0, 0]);
    const grey = await plain(1, 1, { r: 0, g: 0, b: 0, alpha: 0 }, 4).toColourspace('b-w').png().toBuffer();
    expect(await firstPixel(grey)).toEqual([255, 255, 255]);
  });

  it('takes one pixel, and 20,000 in a row', async () => {
    expect(await firstPixel(await plain(1, 1, '#0a141e').png().toBuffer())).toEqual([10, 20, 30]);
    const { width, height } = await decodeImage(await plain(20_000, 3, '#0a141e').png().toBuffer());
    expect([width, height]).toEqual([20_000, 3]);
  });

  it('reads a path, and passes raw RGB through without a copy', async () => {
    const path = join(folder, 'a.png');
    writeFileSync(path, fileOf('png'));
    expect((await decodeImage(path)).width).toBe(20);
    const data = Uint8Array.of(1, 2, 3);
    expect((await decodeImage({ width: 1, height: 1, data })).data.buffer).toBe(data.buffer);
  });

  it('forgives stray bytes after the image', async () => {
    expect((await decodeImage(Buffer.concat([fileOf('jpeg-444'), Buffer.from('stray')]))).width).toBe(20);
  });
});

describe('decodeImage on everything else', () => {
  it('names a file that is missing, a folder, an empty file', async () => {
    const missing = join(folder, 'none.jpg');
    expect(await refusal(missing)).toEqual({
      code: 'not-found',
      message: `"${missing}" does not exist; expected an image file. Check the path.`,
    });
    expect((await refusal(folder)).message).toMatch(/is not a regular file/);
    const empty = join(folder, 'empty.jpg');
    writeFileSync(empty, '');
    expect((await refusal(empty)).message).toMatch(/empty\.jpg" is empty \(0 bytes\)/);
    expect((await refusal('/dev/zero')).message).toMatch(/not a regular file/);
  });

  it.each(['jpeg-420', 'jpeg-progressive', 'png', 'webp-lossless'])('refuses a truncated %s', async (name) => {
    const file = fileOf(name);
    for (const part of [0.2, 0.6, 0.9]) {
      const { code } = await refusal(file.subarray(0, Math.floor(file.length * part)));
      expect(code).toBe('invalid-file');
    }
  });

  it('refuses corrupt pixels and things that are no images', async () => {
    const png = Buffer.from(fileOf('png'));
    png.fill(0x55, 60, 90);
    expect((await refusal(png)).code).toBe('invalid-file');
    for (const text of ['hello', '%PDF-1.4', '\0\0\0\0\0\0\0\0', '<html></html>']) {
      expect((await refusal(Buffer.from(text))).code).toBe('invalid-file');
    }
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>';
    expect(await refusal(Buffer.from(svg))).toMatchObject({ code: 'unsupported', message: /format svg/ });
  });

  it('refuses too many bytes before reading, and too many pixels before decoding', async () => {
    const path = join(folder, 'large.bin');
    writeFileSync(path, new Uint8Array(2000));
    expect(await refusal(path, { maxBytes: 1999 })).toMatchObject({ code: 'limit-exceeded', message: /2000 bytes/ });
    // A decompression bomb announces itself in the header: 50,000 x 50,000 pixels, a few hundred bytes.
    const bomb = Buffer.from(fileOf('png'));
    bomb.writeUInt32BE(50_000, 16);
    bomb.writeUInt32BE(50_000, 20);
    bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
    expect(await refusal(bomb)).toMatchObject({ code: 'limit-exceeded', message: /50000 x 50000 pixels/ });
    expect((await refusal(fileOf('png'), { maxPixels: 239 })).code).toBe('limit-exceeded');
    expect((await decodeImage(fileOf('png'), { maxPixels: 240 })).width).toBe(20);
  });

  it('refuses raw pixels of the wrong length or size', async () => {
    expect((await refusal({ width: 2, height: 2, data: new Uint8Array(13) })).message).toMatch(/12 bytes .* got 13/);
    expect((await refusal({ width: 0, height: 2, data: new Uint8Array(0) })).code).toBe('invalid-argument');
    expect((await refusal({ width: 9, height: 9, data: new Uint8Array(243) }, { maxPixels: 80 })).code).toBe(
      'limit-exceeded',
    );
  });
});
