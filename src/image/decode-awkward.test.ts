/** Files that are a little wrong, deeper than 8 bits, or of formats that people have and nothing here reads. */
import { existsSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { ChatRexError } from '../errors.ts';
import { decodeImage, type ImageSource } from './decode.ts';
import { tiffOf } from './testing/tiff.ts';

const cases = new URL('../../../shared/cases/', import.meta.url);

async function decoded(source: ImageSource): Promise<{ grey: number[]; data: Uint8Array; warnings: string[] }> {
  const warnings: string[] = [];
  const { data } = await decodeImage(source, { onWarning: (message) => warnings.push(message) });
  return { data, grey: [...data].filter((_, i) => i % 3 === 0), warnings };
}

const refusal = (source: ImageSource): Promise<ChatRexError> =>
  decodeImage(source).then(
    () => expect.unreachable('should have been refused'),
    (error: ChatRexError) => error,
  );

/** Noise: every part of its JPEG is needed. */
const noise = Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) % 256);
const jpeg = () =>
  sharp(noise, { raw: { width: 64, height: 48, channels: 3 } })
    .jpeg()
    .toBuffer();

describe('a JPEG without its end marker', () => {
  it('is read with a warning, and is the same image', async () => {
    const whole = await jpeg();
    const { data, warnings } = await decoded(whole.subarray(0, -2));
    expect(data).toEqual((await decoded(whole)).data);
    expect(warnings).toEqual(['The image ends without the mark of its end; all its pixels are there.']);
  });

  it.each([3, 4, 10, 1000])('is refused where pixels are missing too: %i bytes', async (count) => {
    expect(await refusal((await jpeg()).subarray(0, -count))).toMatchObject({ code: 'invalid-file' });
  });

  it.skipIf(!existsSync(cases))('of another camera', async () => {
    const bytes = readFileSync(new URL('jpeg-without-eoi.jpg', cases));
    expect((await decoded(bytes)).warnings).toHaveLength(1);
  });
});

describe('samples of more than 8 bits', () => {
  const grey16 = (...samples: number[]) =>
    sharp(Uint16Array.from(samples), { raw: { width: samples.length, height: 1, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();

  it.each([
    [12, [0, 2048, 4095]],
    [10, [0, 512, 1023]],
    [8, [0, 128, 255]],
  ])('of %i bits in 16 are no darkness, with a warning', async (bits, samples) => {
    const { grey, warnings } = await decoded(await grey16(...samples));
    expect(grey[0]).toBe(0);
    expect(Math.abs(grey[1] - 128)).toBeLessThanOrEqual(1);
    expect(grey[2]).toBe(255);
    expect(warnings).toEqual([expect.stringContaining(`read as ${bits} bits`)]);
  });

  it('of 16 bits, and black ones, are as they are', async () => {
    expect(await decoded(await grey16(0, 4096, 65_535))).toMatchObject({ grey: [0, 16, 255], warnings: [] });
    expect(await decoded(await grey16(0, 0))).toMatchObject({ grey: [0, 0], warnings: [] });
  });

  it('that are floats of 0 to 1, 255 or 65535 are scaled, grey and colour alike', async () => {
    for (const white of [1, 255, 65_535]) {
      const grey = Float32Array.of(0, white / 2, white, Number.NaN);
      expect((await decoded(tiffOf(4, 1, 1, grey))).grey).toEqual([0, 128, 255, 0]);
      const colour = Float32Array.of(0, white / 2, white, white, 0, white / 5);
      expect([...(await decoded(tiffOf(2, 1, 3, colour))).data]).toEqual([0, 128, 255, 255, 0, 51]);
    }
    expect((await decoded(tiffOf(2, 1, 1, Uint32Array.of(0, 65_535)))).grey).toEqual([0, 255]);
  });

  it('of another range are refused', async () => {
    for (const samples of [Float32Array.of(0, 1e6), Float32Array.of(-3, 1)]) {
      expect(await refusal(tiffOf(2, 1, 1, samples))).toMatchObject({ code: 'unsupported', message: /samples from/ });
    }
  });
});

describe('what is told by name', () => {
  const ftyp = (brand: string) => Buffer.from(`\0\0\0\x18ftyp${brand}\0\0\0\0mif1heic`, 'latin1');

  it.each<[string, Buffer, RegExp, string]>([
    ['HEIC', ftyp('heic'), /HEIC \(HEVC\).*convert it to JPEG/, 'unsupported'],
    ['BMP', Buffer.from('BM\x46\0\0\0'), /format BMP.*convert/, 'unsupported'],
    ['Photoshop', Buffer.from('8BPS\0\x01'), /format Photoshop/, 'unsupported'],
    ['JPEG XL', Buffer.from([0xff, 0x0a, 0]), /format JPEG XL/, 'unsupported'],
    ['a web page', Buffer.from('<!DOCTYPE html><html>'), /a web page/, 'invalid-file'],
    ['a pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\n'), /git lfs pull/, 'invalid-file'],
  ])('%s', async (_, bytes, message, code) => {
    expect(await refusal(bytes)).toMatchObject({ message, code });
  });

  it.skipIf(!existsSync(cases))('a photo of a phone, without lines of the decoder', async () => {
    const { code, message } = await refusal(new URL('qa-phone.heic', cases).pathname);
    expect([code, message]).toEqual(['unsupported', expect.stringMatching(/^"[^"]+" is HEIC [^\n]+$/)]);
    expect(message).not.toMatch(/seek|plugin/);
  });

  it('an address', async () => {
    expect(await refusal('https://example.org/a.jpg')).toMatchObject({ code: 'unsupported', message: /download it/ });
  });

  it('a name with an escape sequence, made harmless', async () => {
    const { message } = await refusal('no\u001b[31mne\n.png');
    expect(message).toContain('"no?[31mne?.png"');
  });
});
