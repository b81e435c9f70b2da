/** An image TSV, whole or in parts: where the base64 of the line at an offset begins and ends. */

import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { ChatRexError } from '../../errors.ts';
import { MAX_IMAGE_BYTES } from '../../image/decode.ts';
import type { ImageSize } from '../../image/rgb-image.ts';
import { probeSize } from '../image-bytes.ts';
import type { ImageRef } from '../sample.ts';

/** An image of 200 KB is found in one read. */
const readBytes = 2 ** 18;

/** A key is a short name. */
const maxKeyBytes = 1000;

interface Part {
  readonly path: string;
  readonly file: FileHandle;
  readonly start: number;
  readonly end: number;
}

export class ImageTsv {
  readonly #parts: readonly Part[];

  private constructor(parts: readonly Part[]) {
    this.#parts = parts;
  }

  /** @throws ChatRexError 'not-found' */
  static async open(paths: readonly string[]): Promise<ImageTsv> {
    const parts: Part[] = [];
    let start = 0;
    for (const path of paths) {
      const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
        throw new ChatRexError('not-found', `${path} cannot be opened (${cause.code}): check images=FILE`, { cause });
      });
      const { size } = await file.stat();
      parts.push({ path, file, start, end: start + size });
      start += size;
    }
    return new ImageTsv(parts);
  }

  async close(): Promise<void> {
    for (const { file } of this.#parts) await file.close();
  }

  /** The image of the line at a byte offset into all parts together; a text says why it is missing. */
  async imageAt(offset: number): Promise<ImageRef | string> {
    const part = this.#parts.find(({ start, end }) => offset >= start && offset < end);
    if (part === undefined) return `byte ${offset} is past the end of the images`;
    const bounds = await base64Bounds(part, offset - part.start);
    if (typeof bounds === 'string') return `${bounds} at byte ${offset} of the images`;
    // Names without their folder are the same on every machine.
    const isBeside = dirname(part.path) === dirname(this.#parts[0].path);
    return { file: isBeside ? basename(part.path) : part.path, range: bounds, isBase64: true };
  }

  /** The size of that image; undefined where it cannot be read. */
  async sizeAt(offset: number): Promise<ImageSize | undefined> {
    const image = await this.imageAt(offset);
    if (typeof image === 'string') return undefined;
    return probeSize(dirname(this.#parts[0].path), image).catch((error: unknown) => {
      if (error instanceof ChatRexError) return undefined;
      throw error;
    });
  }
}

/** First byte after the tab and last before the line break; Python's b'...' around it is left out. */
async function base64Bounds({ file }: Part, offset: number): Promise<[number, number] | string> {
  const head = await readSome(file, offset);
  const tab = head.subarray(0, maxKeyBytes).indexOf(0x09);
  const firstBreak = head.subarray(0, maxKeyBytes).indexOf(0x0a);
  if (tab < 0 || (firstBreak >= 0 && firstBreak < tab)) return 'there is no line with a key and a tab';
  let start = offset + tab + 1;
  let lineBreak = head.indexOf(0x0a, tab);
  let end = offset + (lineBreak < 0 ? head.length : lineBreak);
  while (lineBreak < 0) {
    if (end - start > 2 * MAX_IMAGE_BYTES) return 'there is a line that is longer than any image';
    const more = await readSome(file, end);
    if (more.length === 0) break;
    lineBreak = more.indexOf(0x0a);
    end += lineBreak < 0 ? more.length : lineBreak;
  }
  if (head[tab + 1] === 0x62 && head[tab + 2] === 0x27) {
    start += 2;
    end -= 1;
  }
  return end > start ? [start, end] : 'there is an empty image';
}

async function readSome(file: FileHandle, position: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(readBytes);
  const { bytesRead } = await file.read(buffer, 0, readBytes, position);
  return buffer.subarray(0, bytesRead);
}
