/**
 * The sprites as premultiplied RGBA with mip levels, all in one shared buffer that worker threads read without a copy.
 *
 * Sources: `@lobehub/fluent-emoji-3d` (MIT; the drawings are Microsoft's Fluent Emoji, MIT) for things,
 * `drawn-sprites.ts` for containers and pieces. Decoding takes seconds, so the result is kept in a cache file
 * (`atlas-cache.ts`).
 */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { ChatRexError } from '../errors.ts';
import { atlasCachePath, readAtlas, writeAtlas } from './atlas-cache.ts';
import { CATEGORIES } from './categories.ts';
import { DRAWN_SPRITES } from './drawn-sprites.ts';
import type { Sprite, SpriteAtlas, SpriteLevel } from './sprites.ts';

/** The longest side of the finest level: the largest object of a 256 pixel scene is about this long. */
const FINEST_SIDE = 192;
const COARSEST_SIDE = 8;
/** Alpha below this is the soft fringe of a shadow, not the object. */
const OPAQUE_ALPHA = 32;
/** Images decoded at the same time; sharp has its own threads. */
const CONCURRENCY = 8;

let loading: Promise<SpriteAtlas> | undefined;

/**
 * Decodes every sprite, once per process.
 * @throws ChatRexError `not-found` when a sprite of the package is missing.
 */
export function loadSpriteAtlas(): Promise<SpriteAtlas> {
  loading ??= readOrDecode();
  return loading;
}

/** The drawings are 25 MB that only the world needs, so they are no dependency of the package. */
function locatePackage(require: NodeJS.Require): string {
  const name = '@lobehub/fluent-emoji-3d';
  try {
    return require.resolve(`${name}/package.json`);
  } catch (cause) {
    throw new ChatRexError(
      'not-found',
      `RexWorld draws with the package ${name}, which is missing: npm install ${name}`,
      {
        cause,
      },
    );
  }
}

async function readOrDecode(): Promise<SpriteAtlas> {
  const require = createRequire(import.meta.url);
  const manifest = locatePackage(require);
  const assets = join(dirname(manifest), 'assets');
  const emoji = CATEGORIES.filter(({ codepoints }) => codepoints);
  const cachePath = atlasCachePath([
    (require(manifest) as { version: string }).version,
    ...emoji.map(({ name, codepoints }) => `${name} ${codepoints}`),
    JSON.stringify(DRAWN_SPRITES),
  ]);
  const cached = await readAtlas(cachePath);
  if (cached) return cached;
  const atlas = await decodeAtlas([
    ...emoji.map(({ name, codepoints }): Source => [name, join(assets, `${codepoints}.webp`)]),
    ...Object.entries(DRAWN_SPRITES).map(([name, svg]): Source => [name, Buffer.from(svg)]),
  ]);
  await writeAtlas(cachePath, atlas);
  return atlas;
}

type Source = [name: string, input: string | Buffer];

async function decodeAtlas(sources: readonly Source[]): Promise<SpriteAtlas> {
  const decoded: { name: string; levels: SpriteLevel[] }[] = new Array(sources.length);
  let next = 0;
  const worker = async () => {
    while (next < sources.length) {
      const at = next++;
      decoded[at] = { name: sources[at][0], levels: await decodeSprite(...sources[at]) };
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return packAtlas(decoded);
}

async function decodeSprite(name: string, input: string | Buffer): Promise<SpriteLevel[]> {
  try {
    const { data, info } = await sharp(input).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    const [left, top, right, bottom] = opaqueExtent(data, info.width, info.height);
    const [width, height] = [right - left, bottom - top];
    const scale = FINEST_SIDE / Math.max(width, height);
    const finest = await sharp(data, { raw: { width: info.width, height: info.height, channels: 4 } })
      .extract({ left, top, width, height })
      .resize(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)), { fit: 'fill' })
      .raw()
      .toBuffer({ resolveWithObject: true });
    const levels = [premultiply(finest.data, finest.info.width, finest.info.height)];
    while (Math.max(levels.at(-1)!.width, levels.at(-1)!.height) > COARSEST_SIDE) levels.push(halve(levels.at(-1)!));
    return levels;
  } catch (cause) {
    throw new ChatRexError(
      'not-found',
      `Sprite "${name}" cannot be read; reinstall the dependency @lobehub/fluent-emoji-3d (npm install).`,
      { cause },
    );
  }
}

/** Copies all levels into one shared buffer. */
function packAtlas(decoded: { name: string; levels: SpriteLevel[] }[]): SpriteAtlas {
  const sizeBytes = decoded.reduce((sum, { levels }) => sum + levels.reduce((all, l) => all + l.pixels.length, 0), 0);
  const buffer = new SharedArrayBuffer(sizeBytes);
  let offset = 0;
  const sprites = new Map<string, Sprite>();
  for (const { name, levels } of decoded) {
    const packed = levels.map(({ width, height, pixels }) => {
      const target = new Uint8Array(buffer, offset, pixels.length);
      target.set(pixels);
      offset += pixels.length;
      return { width, height, pixels: target };
    });
    sprites.set(name, { name, levels: packed });
  }
  return { buffer, sprites };
}

function opaqueExtent(rgba: Uint8Array, width: number, height: number): [number, number, number, number] {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (rgba[(y * width + x) * 4 + 3] < OPAQUE_ALPHA) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = y + 1;
    }
  }
  return [left, top, right, bottom];
}

function premultiply(rgba: Uint8Array, width: number, height: number): SpriteLevel {
  const pixels = new Uint8Array(rgba.length);
  for (let at = 0; at < rgba.length; at += 4) {
    const alpha = rgba[at + 3];
    for (let channel = 0; channel < 3; channel++) pixels[at + channel] = Math.round((rgba[at + channel] * alpha) / 255);
    pixels[at + 3] = alpha;
  }
  return { width, height, pixels };
}

/** Averages 2x2 pixels; an odd last row or column is repeated. */
function halve({ width, height, pixels }: SpriteLevel): SpriteLevel {
  const [halfWidth, halfHeight] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const half = new Uint8Array(halfWidth * halfHeight * 4);
  for (let y = 0; y < halfHeight; y++) {
    const [row0, row1] = [2 * y * width, Math.min(2 * y + 1, height - 1) * width];
    for (let x = 0; x < halfWidth; x++) {
      const [x0, x1] = [2 * x, Math.min(2 * x + 1, width - 1)];
      for (let c = 0; c < 4; c++) {
        const sum =
          pixels[(row0 + x0) * 4 + c] +
          pixels[(row0 + x1) * 4 + c] +
          pixels[(row1 + x0) * 4 + c] +
          pixels[(row1 + x1) * 4 + c];
        half[(y * halfWidth + x) * 4 + c] = (sum + 2) >> 2;
      }
    }
  }
  return { width: halfWidth, height: halfHeight, pixels: half };
}
