/** Images of a data set that is being written: named where they lie, or copied beside what is written. */

import { constants, existsSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { extname, isAbsolute, join, relative, resolve } from 'node:path';
import { encodeImage, sharpFrom } from '../drawing/encode.ts';
import { ChatRexError } from '../errors.ts';
import type { ImageSize } from '../image/rgb-image.ts';
import type { Dataset } from './dataset.ts';
import { imageBytes } from './image-bytes.ts';
import type { ImageRef, Sample } from './sample.ts';
import { isImageName } from './walk-folder.ts';
import type { OutgoingSample } from './writer.ts';

export interface OutgoingImageOptions {
  /** What relative image files of the data set are relative to. */
  readonly dataRoot: string;
  /** The folder of the written file, which names are relative to. */
  readonly folder: string;
  /** Where copies are written now, and what their folder is called in the written file. */
  readonly copies: { readonly folder: string; readonly name: string };
  /** Whether files are copied too, and not only images that no file of their own holds. */
  readonly isCopied: boolean;
  /** Whether the format can say which bytes of a file are the image. */
  readonly hasRanges: boolean;
}

type SizedRef = NonNullable<OutgoingSample['image']>;

/** Names images, and copies those that need it the first time that they are asked for. */
export class OutgoingImages {
  readonly #dataset: Dataset;
  readonly #options: OutgoingImageOptions;
  #copied = 0;
  #endings = new Map<number, string>();

  constructor(dataset: Dataset, options: OutgoingImageOptions) {
    this.#dataset = dataset;
    this.#options = options;
  }

  /** How many images have been copied. */
  get copied(): number {
    return this.#copied;
  }

  /** The image of a sample under its new name; undefined for text alone. */
  async nameOf(index: number, sample: Sample): Promise<SizedRef | undefined> {
    const { image } = sample;
    if (image === undefined) return undefined;
    // Data sets that draw their images (RexWorld) name files that do not exist.
    const isDrawn = !('samples' in this.#dataset) && !existsSync(this.#path(image));
    if (isDrawn) return this.#drawn(index, sample);
    const size = image.size ?? (await this.#dataset.imageSize(index));
    const { isCopied, hasRanges, folder } = this.#options;
    if (isCopied || (image.range !== undefined && !hasRanges))
      return { file: await this.#copy(index, sample, image), size };
    // Slashes, as every reader takes them.
    const file = relative(folder, this.#path(image)).replaceAll('\\', '/');
    return { ...image, file, size };
  }

  #path({ file }: ImageRef): string {
    return isAbsolute(file) ? file : resolve(this.#options.dataRoot, file);
  }

  async #copy(index: number, sample: Sample, image: ImageRef): Promise<string> {
    const known = this.#endings.get(index);
    if (known !== undefined) return this.#nameOfCopy(index, sample, known);
    const path = this.#path(image);
    if (image.range === undefined) {
      const name = this.#nameOfCopy(index, sample, isImageName(path) ? extname(path) : '.jpg');
      await this.#write(index, name, (target) => copyFile(path, target, constants.COPYFILE_EXCL));
      return name;
    }
    const bytes = await imageBytes(path, image);
    const name = this.#nameOfCopy(index, sample, endingOf(bytes));
    await this.#write(index, name, (target) => writeFile(target, bytes, { flag: 'wx' }));
    return name;
  }

  async #drawn(index: number, sample: Sample): Promise<SizedRef> {
    const name = this.#nameOfCopy(index, sample, '.png');
    const size: ImageSize = await this.#dataset.imageSize(index);
    if (!this.#endings.has(index)) {
      const drawn = await this.#dataset.image(index);
      const bytes = await encodeImage(sharpFrom(drawn), 'png');
      await this.#write(index, name, (target) => writeFile(target, bytes, { flag: 'wx' }));
    }
    return { file: name, size };
  }

  /** The sample's id where it can be a file's name; the index makes changed ones differ. */
  #nameOfCopy(index: number, { id }: Sample, ending: string): string {
    const safe = id
      .replace(/\.[A-Za-z]{3,4}$/, '')
      .replaceAll(/[^A-Za-z0-9._-]+/g, '_')
      .slice(0, 100);
    const stem = safe === id && !safe.startsWith('.') ? safe : `${safe.replace(/^\.+/, '')}-${index}`;
    return `${this.#options.copies.name}/${stem}${ending}`;
  }

  async #write(index: number, name: string, write: (target: string) => Promise<void>): Promise<void> {
    const { folder, name: shown } = this.#options.copies;
    await mkdir(folder, { recursive: true });
    const target = join(folder, name.slice(shown.length + 1));
    try {
      await write(target);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === undefined) throw cause;
      throw new ChatRexError('invalid-file', `cannot write ${target} (${code})`, { cause });
    }
    this.#endings.set(index, extname(name));
    this.#copied++;
  }
}

/** The ending of an encoded image, by its first bytes. */
function endingOf(bytes: Uint8Array): string {
  if (bytes[0] === 0x89 && bytes[1] === 0x50) return '.png';
  if (bytes[0] === 0x47 && bytes[1] === 0x49) return '.gif';
  if (bytes[0] === 0x52 && bytes[8] === 0x57) return '.webp';
  return '.jpg';
}
