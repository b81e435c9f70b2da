/** Lists, downloads, hashes: what is judged before a model sees an image. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isPublicAddress } from '../../public-address.ts';
import { defaultImageFilters, inspectImage } from '../stages/inspect.ts';
import { type CoyoCounts, coyoImages, defaultCoyoFilters } from './coyo.ts';
import { downloadImage, isOptedOut } from './download.ts';
import { Duplicates } from './duplicates.ts';
import { type ListedImage, openList } from './list.ts';

const root = mkdtempSync(join(tmpdir(), 'rexverse-collect-'));
afterAll(() => rmSync(root, { recursive: true }));

async function listed(source: string): Promise<ListedImage[]> {
  const found: ListedImage[] = [];
  for await (const image of (await openList(source)).images) found.push(image);
  return found;
}

async function noise(seed: number, width = 320, height = 240): Promise<Buffer> {
  const pixels = Uint8Array.from({ length: 10 * 8 * 3 }, (_, at) => (Math.sin(seed * 97 + at * 13.7) + 1) * 127);
  const image = sharp(pixels, { raw: { width: 10, height: 8, channels: 3 } });
  return image.resize(width, height, { fit: 'fill', kernel: 'cubic' }).png().toBuffer();
}

describe('lists', () => {
  test('folders in the order of their names, manifests, conversations', async () => {
    for (const name of ['b/2.JPG', 'b/1.png', 'a.webp', 'notes.md', '.hidden/x.jpg']) {
      mkdirSync(join(root, 'photos', name, '..'), { recursive: true });
      writeFileSync(join(root, 'photos', name), 'x');
    }
    expect((await listed(join(root, 'photos'))).map(({ file }) => file)).toEqual(['a.webp', 'b/1.png', 'b/2.JPG']);
    writeFileSync(join(root, 'list.txt'), '\uFEFFa.jpg\r\n\r\n# note\nhttps://example.org/b.png\n');
    expect(await listed(join(root, 'list.txt'))).toEqual([
      { name: 'a.jpg', file: 'a.jpg' },
      { name: 'https://example.org/b.png', url: 'https://example.org/b.png' },
    ]);
    writeFileSync(join(root, 'list.jsonl'), '{"file":"a.jpg","caption":"A dog."}\n{"url":"http://x/y"}\n');
    expect(await listed(join(root, 'list.jsonl'))).toEqual([
      { name: 'a.jpg', file: 'a.jpg', caption: 'A dog.' },
      { name: 'http://x/y', url: 'http://x/y' },
    ]);
    const turns = [
      { from: 'human', value: '<image>\nWhat is it?' },
      { from: 'gpt', value: 'A red ball.' },
    ];
    writeFileSync(
      join(root, 'llava.json'),
      JSON.stringify([
        { id: 7, image: 'c/1.jpg', conversations: turns },
        { id: 8, conversations: turns },
      ]),
    );
    expect(await listed(join(root, 'llava.json'))).toEqual([
      { name: '7', file: 'c/1.jpg', turns: [{ question: 'What is it?', answer: 'A red ball.' }] },
    ]);
    await expect(openList(join(root, 'nothing'))).rejects.toThrow(/does not exist/);
    writeFileSync(join(root, 'bad.jsonl'), '{"path":"a.jpg"}\n');
    await expect(listed(join(root, 'bad.jsonl'))).rejects.toThrow(/expected \{"file" or "url"/);
  });

  test('COYO: columns are judged before anything is fetched', async () => {
    const column = (name: string, data: (string | number | bigint | null)[], type: 'STRING' | 'INT64' | 'DOUBLE') => ({
      name,
      data,
      type,
    });
    const file = parquetWriteBuffer({
      columnData: [
        column('id', [1n, 2n, 3n, 4n, 5n, 6n], 'INT64'),
        column(
          'url',
          [1, 2, 3, 4, 5, 6].map((n) => `https://example.org/${n}.jpg`),
          'STRING',
        ),
        column('width', [640n, 100n, 640n, 640n, 640n, 2000n], 'INT64'),
        column('height', [480n, 480n, 480n, 480n, 480n, 300n], 'INT64'),
        column('image_phash', ['00000000000000ff', 'a', '00000000000000ff', '0f00000000000000', 'b', 'c'], 'STRING'),
        column('nsfw_score_opennsfw2', [0.01, 0.01, 0.01, 0.9, null, 0.01], 'DOUBLE'),
        column('watermark_score', [0.1, 0.1, 0.1, 0.1, 0.95, 0.1], 'DOUBLE'),
      ],
    });
    const path = join(root, 'part-00000.parquet');
    writeFileSync(path, Buffer.from(file));
    const counts: CoyoCounts = {};
    const found: ListedImage[] = [];
    for await (const image of coyoImages([path], { ...defaultCoyoFilters, maxWatermark: 0.5 }, counts))
      found.push(image);
    expect(found).toEqual([{ name: '1', url: 'https://example.org/1.jpg' }]);
    expect(counts).toEqual({ 'too small': 1, duplicate: 1, NSFW: 1, watermark: 1, 'too long and narrow': 1 });
    await expect(coyoImages([join(root, 'list.txt')], defaultCoyoFilters).next()).rejects.toThrow(
      /cannot be read as a Parquet/,
    );
  });
});

describe('duplicates', () => {
  test('a copy in another size and quality is found; another image is not', async () => {
    const original = await noise(1);
    const copy = await sharp(original).resize(200, 150).jpeg({ quality: 60 }).toBuffer();
    const [a, b, c] = await Promise.all(
      [original, copy, await noise(2)].map((bytes) => inspectImage(bytes, { ...defaultImageFilters, minSide: 1 })),
    );
    const duplicates = new Duplicates(4);
    expect(duplicates.findOrKeep(0, a.imageHash, a.perceptualHash)).toBeUndefined();
    expect(duplicates.findOrKeep(1, b.imageHash, b.perceptualHash)).toBe(0);
    expect(duplicates.findOrKeep(2, c.imageHash, c.perceptualHash)).toBeUndefined();
  });

  test('agree with comparing every pair, for any hashes', () => {
    const hash = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const near = fc
      .tuple(hash, fc.array(fc.nat(63), { maxLength: 6 }))
      .map(([one, bits]) => bits.reduce((value, bit) => value ^ (1n << BigInt(bit)), one));
    fc.assert(
      fc.property(
        fc
          .array(hash, { minLength: 1, maxLength: 8 })
          .chain((some) => fc.array(fc.oneof(near, fc.constantFrom(...some)), { maxLength: 60 })),
        (hashes) => {
          const duplicates = new Duplicates(4);
          const kept: { at: number; value: bigint }[] = [];
          for (const [at, value] of hashes.entries()) {
            const first = kept.find((one) => (one.value ^ value).toString(2).replaceAll('0', '').length <= 4);
            const looks = value.toString(16).padStart(16, '0');
            expect(duplicates.findOrKeep(at, `${at + 1}`.padStart(15, '0'), looks)).toBe(first?.at);
            if (!first) kept.push({ at, value });
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test('a thing on plain white is left out, a photograph with a bright sky is not', async () => {
    const white = { r: 255, g: 255, b: 255 };
    const thing = await sharp(await noise(3, 120, 120))
      .extend({ top: 60, bottom: 60, left: 60, right: 60, background: white })
      .jpeg()
      .toBuffer();
    expect((await inspectImage(thing, defaultImageFilters)).reason).toBe('plain white background');
    expect((await inspectImage(thing, { ...defaultImageFilters, maxPlainWhite: 1 })).reason).toBeUndefined();
    const sky = await sharp(await noise(3, 300, 150))
      .extend({ top: 150, background: white })
      .jpeg()
      .toBuffer();
    expect((await inspectImage(sky, defaultImageFilters)).reason).toBeUndefined();
  });

  test('small, long and broken images', async () => {
    expect((await inspectImage(await noise(1, 150, 400), defaultImageFilters)).reason).toBe('too small');
    expect((await inspectImage(await noise(1, 1000, 210), defaultImageFilters)).reason).toBe('too long and narrow');
    await expect(inspectImage(Buffer.from('no image'), defaultImageFilters)).rejects.toThrow(/not a readable image/);
    await expect(inspectImage(Buffer.alloc(0), defaultImageFilters)).rejects.toThrow(/empty/);
  });
});

describe('downloads', () => {
  let server: Server;
  let url = '';
  const settings = { timeoutMs: 60_000, maxBytes: 100_000, isPrivateAllowed: true, ignoresOptOut: false };
  const signal = new AbortController().signal;
  const hits = new Map<string, number>();
  beforeAll(async () => {
    server = createServer((request, response) => {
      const path = request.url ?? '';
      hits.set(path, (hits.get(path) ?? 0) + 1);
      if (path === '/noai') response.setHeader('x-robots-tag', 'noindex, noai');
      if (path === '/long') response.end(Buffer.alloc(200_000));
      else if (path === '/slow') response.write('x');
      else if (path === '/loop') response.writeHead(302, { location: '/loop' }).end();
      else if (path === '/moved') response.writeHead(301, { location: '/ok' }).end();
      else if (path === '/gone') response.writeHead(404).end();
      else response.end('image');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const fetched = (path: string, changes: object = {}) =>
    downloadImage(url + path, root, { ...settings, ...changes }, signal);

  test('are kept by address, follow moves, and are fetched once', async () => {
    const first = await fetched('/moved');
    const second = await fetched('/moved');
    expect(first).toEqual(second);
    expect(first).toMatchObject({ bytes: Buffer.from('image') });
    expect(hits.get('/ok')).toBe(1);
  });

  test('end at too many bytes, too much time, circles, missing files, private networks and opt-outs', async () => {
    await expect(fetched('/long')).rejects.toThrow(/longer than 100000 bytes/);
    await expect(fetched('/slow', { timeoutMs: 100 })).rejects.toThrow(/no complete answer within 0.1 s/);
    await expect(fetched('/loop')).rejects.toThrow(/redirects/);
    await expect(fetched('/gone')).rejects.toThrow(/answered 404/);
    await expect(fetched('/x', { isPrivateAllowed: false })).rejects.toThrow(/private network/);
    await expect(downloadImage('file:///etc/passwd', root, settings, signal)).rejects.toThrow(/not an http/);
    expect(await fetched('/noai')).toEqual({ reason: 'opted out' });
    expect(await fetched('/noai', { ignoresOptOut: true })).toMatchObject({ bytes: Buffer.from('image') });
  });

  test('know private addresses and opt-out headers', () => {
    for (const address of [
      '127.0.0.1',
      '10.1.2.3',
      '192.168.0.1',
      '169.254.169.254',
      '::1',
      'fd00::1',
      '::ffff:10.0.0.1',
    ]) {
      expect(isPublicAddress(address), address).toBe(false);
    }
    for (const address of ['8.8.8.8', '2606:4700::1111', '172.32.0.1'])
      expect(isPublicAddress(address), address).toBe(true);
    expect(isOptedOut({ 'tdm-reservation': '1' })).toBe(true);
    expect(isOptedOut({ 'x-robots-tag': 'otherbot: noai' })).toBe(false);
    expect(isOptedOut({})).toBe(false);
  });
});
