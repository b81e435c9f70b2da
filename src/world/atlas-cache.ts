/**
 * Keeps the decoded sprites on disk, because decoding takes seconds of two cores and reading takes a tenth of one.
 *
 * The file lives in the user's cache folder (`XDG_CACHE_HOME` or `~/.cache`, then `chatrex/`), is named after
 * everything it depends on, and is only ever an optimisation: one that cannot be read or written is ignored.
 */

import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { writeNamed } from '../files.ts';
import type { Sprite, SpriteAtlas } from './sprites.ts';

/** Raised when the bytes of a decoded sprite change for another reason than their sources. */
const FORMAT = 1;

interface CachedSprite {
  name: string;
  sizes: [width: number, height: number][];
}

/** The cache file for these sources (names and images or their versions). */
export function atlasCachePath(sources: readonly string[]): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([FORMAT, sharp.versions, sources]))
    .digest('hex');
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'chatrex', `sprites-${hash.slice(0, 16)}.bin`);
}

/** The atlas in a cache file, or null when there is none that is whole. */
export async function readAtlas(path: string): Promise<SpriteAtlas | null> {
  const file = await open(path).catch(() => null);
  if (!file) return null;
  try {
    const lengths = new Float64Array(2);
    await file.read(new Uint8Array(lengths.buffer), 0, 16, 0);
    const [headerBytes, bodyBytes] = lengths;
    if ((await file.stat()).size !== 16 + headerBytes + bodyBytes) return null;
    const header = Buffer.alloc(headerBytes);
    await file.read(header, 0, headerBytes, 16);
    const buffer = new SharedArrayBuffer(bodyBytes);
    const { bytesRead } = await file.read(new Uint8Array(buffer), 0, bodyBytes, 16 + headerBytes);
    if (bytesRead !== bodyBytes) return null;
    return { buffer, sprites: sliceSprites(buffer, JSON.parse(header.toString()) as CachedSprite[]) };
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

/** Writes an atlas beside the path and renames it, so that readers never see half of one. */
export async function writeAtlas(path: string, { buffer, sprites }: SpriteAtlas): Promise<void> {
  const cached = [...sprites.values()].map(({ name, levels }): CachedSprite => {
    return { name, sizes: levels.map(({ width, height }) => [width, height]) };
  });
  const header = Buffer.from(JSON.stringify(cached));
  const lengths = new Uint8Array(new Float64Array([header.length, buffer.byteLength]).buffer);
  const draft = `${path}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeNamed(draft, [lengths, header, new Uint8Array(buffer)]);
    await rename(draft, path);
  } catch {
    await rm(draft, { force: true }).catch(() => {});
  }
}

/** Views into the buffer in the order in which the sprites were packed. */
function sliceSprites(buffer: SharedArrayBuffer, cached: readonly CachedSprite[]): Map<string, Sprite> {
  let offset = 0;
  return new Map(
    cached.map(({ name, sizes }) => {
      const levels = sizes.map(([width, height]) => {
        const pixels = new Uint8Array(buffer, offset, width * height * 4);
        offset += pixels.length;
        return { width, height, pixels };
      });
      return [name, { name, levels }];
    }),
  );
}
