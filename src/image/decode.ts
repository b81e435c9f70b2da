/**
 * Image files and raw pixels to `RgbImage`.
 *
 * Agrees with PIL's `Image.open(path).convert('RGB')` on 8-bit RGB and greyscale files. Deliberate deviations:
 * EXIF orientation is applied; transparent pixels are composited on white (PIL uncovers whatever colour lies hidden
 * under alpha 0); 16-bit samples are scaled to 8 (PIL clips 16-bit greyscale), by the bits that they use; floats are
 * read; CMYK goes through a colour profile. Embedded RGB colour profiles are ignored, as PIL does, because the released
 * models were trained that way.
 */
import { readFile, stat } from 'node:fs/promises';
import sharp, { type Metadata, type SharpOptions } from 'sharp';
import { ChatRexError, wrongArgument } from '../errors.ts';
import { decodeFloats, gainOf16Bits, type Warn } from './deep-samples.ts';
import { heic, refuseForeignFormat } from './foreign-formats.ts';
import { assertImageSize, type ImageSize, type Rgb, type RgbImage } from './rgb-image.ts';

/** The largest file that is read. A 100-megapixel JPEG is about 40 MB; more is a mistake or an attack on memory. */
export const MAX_IMAGE_BYTES = 64 * 2 ** 20;

/** The most pixels that are decoded: a 108-megapixel phone photograph fits, and the decoded bytes stay near 400 MB. */
export const MAX_IMAGE_PIXELS = 2 ** 27;

/** What shows through transparent pixels: the white of the page on which such images are usually seen. */
export const TRANSPARENCY_BACKGROUND: Rgb = [255, 255, 255];

/** Formats that are decoded. SVG is left out on purpose: it is a program that draws, not an image. */
const READABLE_FORMATS = new Set(['jpeg', 'png', 'webp', 'heif', 'gif', 'tiff']);
const READABLE_NAMES = 'JPEG, PNG, WebP, AVIF, GIF or TIFF';

export interface ImageLimits {
  /** Largest encoded size in bytes; `MAX_IMAGE_BYTES` when left out. */
  readonly maxBytes?: number;
  /** Most pixels after decoding; `MAX_IMAGE_PIXELS` when left out. */
  readonly maxPixels?: number;
}

export interface DecodeOptions extends ImageLimits {
  /**
   * The image may be shrunk by a whole factor (up to 8) as long as both sides stay at least this large; JPEG is then
   * decoded at the smaller size, which is several times as fast. Full size by default.
   */
  readonly atLeast?: ImageSize;
  /** Called with one sentence when a file is read although something in it is wrong or has to be guessed. */
  readonly onWarning?: Warn;
}

/** Pixels in memory: three (RGB) or four (RGBA, straight alpha) interleaved bytes each, in reading order. */
export interface RawPixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** A path, the bytes of a file, or pixels. */
export type ImageSource = string | Uint8Array | RawPixels;

/**
 * Reads an image: JPEG, PNG, WebP, AVIF, GIF (first frame) and TIFF of any bit depth and colour model, upright by EXIF.
 * Raw RGB pixels are returned as they are, without a copy.
 *
 * @throws ChatRexError `not-found` (no such file), `invalid-file` (empty, truncated, not an image), `unsupported`
 * (another format, HEIC among them; an address), `limit-exceeded` (too many bytes or pixels; judged before the pixels
 * are decoded), `invalid-argument`.
 * @example const { width, height, data } = await decodeImage('photo.jpg');
 */
export async function decodeImage(source: ImageSource, options: DecodeOptions = {}): Promise<RgbImage> {
  const { maxPixels = MAX_IMAGE_PIXELS, maxBytes = MAX_IMAGE_BYTES } = options;
  if (typeof source === 'string') {
    return decodeBytes(await readImage(source, maxBytes), nameOf(source), options);
  }
  if (source instanceof Uint8Array) {
    assertByteCount(source.byteLength, 'The image', maxBytes);
    return decodeBytes(source, 'The image', options);
  }
  if (!isRawPixels(source)) {
    throw wrongArgument('image', 'a path, the bytes of a file as Uint8Array, or { width, height, data }', source);
  }
  return fromRawPixels(source, maxPixels);
}

/** A name in quotes, on one line and without what could colour a terminal. */
const nameOf = (path: string): string => `"${path.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')}"`;

async function readImage(path: string, maxBytes: number): Promise<Uint8Array> {
  const name = nameOf(path);
  if (/^(https?|ftp):\/\//i.test(path)) {
    throw new ChatRexError(
      'unsupported',
      `${name} is an address, which is not fetched; download it and give the file.`,
    );
  }
  try {
    const info = await stat(path);
    // Pipes and devices have no size to judge beforehand (/dev/zero never ends).
    if (!info.isFile())
      throw new ChatRexError('invalid-file', `${name} is not a regular file; expected an image file.`);
    assertByteCount(info.size, name, maxBytes);
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof ChatRexError) throw cause;
    const reason = (cause as NodeJS.ErrnoException).code;
    if (reason === 'ENOENT' || reason === 'ENOTDIR') {
      throw new ChatRexError('not-found', `${name} does not exist; expected an image file. Check the path.`, {
        cause,
      });
    }
    throw new ChatRexError('invalid-file', `${name} cannot be read (${reason ?? 'unknown reason'}).`, { cause });
  }
}

function assertByteCount(sizeBytes: number, name: string, maxBytes: number): void {
  if (sizeBytes === 0)
    throw new ChatRexError('invalid-file', `${name} is empty (0 bytes); expected ${READABLE_NAMES}.`);
  if (sizeBytes > maxBytes) {
    throw new ChatRexError(
      'limit-exceeded',
      `${name} has ${sizeBytes} bytes; at most ${maxBytes} are read. Shrink the file or raise maxBytes.`,
    );
  }
}

function assertPixelCount(width: number, height: number, name: string, maxPixels: number): void {
  if (width * height <= maxPixels) return;
  throw new ChatRexError(
    'limit-exceeded',
    `${name} has ${width} x ${height} pixels; at most ${maxPixels} in all are decoded. Shrink it or raise maxPixels.`,
  );
}

/**
 * Width and height of the upright image, from its header alone.
 *
 * @throws ChatRexError `not-found`, `invalid-file` (not an image), `unsupported` (another format)
 * @example const { width, height } = await imageSizeOf('photo.jpg');
 */
export async function imageSizeOf(source: string | Uint8Array): Promise<ImageSize> {
  const isPath = typeof source === 'string';
  if (isPath && !(await stat(source).catch(() => undefined))?.isFile()) {
    throw new ChatRexError('not-found', `${nameOf(source)} does not exist; expected an image file. Check the path.`);
  }
  const { autoOrient } = await readMetadata(source, isPath ? nameOf(source) : 'The image');
  return { width: autoOrient.width, height: autoOrient.height };
}

/** The size after division by the largest factor that keeps both sides; decoders of JPEG shrink by 2, 4 and 8. */
function shrunkSize(size: ImageSize, atLeast: ImageSize | undefined): ImageSize | undefined {
  if (atLeast === undefined) return undefined;
  const fits = (factor: number) => size.width / factor >= atLeast.width && size.height / factor >= atLeast.height;
  const factor = [8, 4, 2].find(fits);
  if (factor === undefined) return undefined;
  return { width: Math.ceil(size.width / factor), height: Math.ceil(size.height / factor) };
}

async function decodeBytes(
  bytes: Uint8Array,
  name: string,
  { maxPixels = MAX_IMAGE_PIXELS, atLeast, onWarning = () => {} }: DecodeOptions,
): Promise<RgbImage> {
  refuseForeignFormat(bytes, name);
  const metadata = await readMetadata(bytes, name);
  assertPixelCount(metadata.width, metadata.height, name, maxPixels);
  const options: SharpOptions = {
    // Stray bytes that every viewer forgives are only warnings; missing or broken pixels are errors.
    failOn: 'error',
    limitInputPixels: maxPixels,
    autoOrient: true,
    ignoreIcc: metadata.space !== 'cmyk',
  };
  const size = shrunkSize(metadata.autoOrient, atLeast);
  try {
    if (metadata.depth === 'ushort') {
      return await decodePixels(bytes, options, size, await gainOf16Bits(bytes, options, name, onWarning));
    }
    if (metadata.depth !== 'uchar') return await decodeFloats(bytes, metadata, options, name);
    return await decodePixels(bytes, options, size);
  } catch (cause) {
    const whole = metadata.format === 'jpeg' ? await decodeWithoutEnd(bytes, options, size) : undefined;
    if (!whole) throw cause instanceof ChatRexError ? cause : unreadable(name, cause);
    onWarning(`${name} ends without the mark of its end; all its pixels are there.`);
    return whole;
  }
}

/**
 * @param size to which the image is shrunk; as it is by default
 * @param gain what samples are multiplied with
 */
async function decodePixels(
  bytes: Uint8Array,
  options: SharpOptions,
  size: ImageSize | undefined,
  gain = 1,
): Promise<RgbImage> {
  const decoder = sharp(bytes, options);
  const sized = size ? decoder.resize(size.width, size.height, { fit: 'fill' }) : decoder;
  const image = sized.toColourspace('srgb').flatten({ background: rgbCss(TRANSPARENCY_BACKGROUND) });
  const { data, info } = await (gain === 1 ? image : image.linear(gain))
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: toThreeChannels(data, info.channels) };
}

/**
 * A JPEG whose end marker alone is missing: with the marker put there, a decoder that forgives nothing finds all
 * pixels. Undefined where anything else is wrong.
 */
function decodeWithoutEnd(
  bytes: Uint8Array,
  options: SharpOptions,
  size: ImageSize | undefined,
): Promise<RgbImage | undefined> {
  const ended = new Uint8Array(bytes.length + 2);
  ended.set(bytes);
  ended.set([0xff, 0xd9], bytes.length);
  return decodePixels(ended, { ...options, failOn: 'warning' }, size).catch(() => undefined);
}

async function readMetadata(source: string | Uint8Array, name: string): Promise<Metadata> {
  let metadata: Metadata;
  try {
    // The pixel limit is ours to judge below, with our message.
    metadata = await sharp(source, { limitInputPixels: false, failOn: 'error' }).metadata();
  } catch (cause) {
    throw unreadable(name, cause);
  }
  if (metadata.compression === 'hevc') throw heic(name);
  if (!READABLE_FORMATS.has(metadata.format)) {
    throw new ChatRexError(
      'unsupported',
      `${name} is in the format ${metadata.format}; expected ${READABLE_NAMES}. Convert it first.`,
    );
  }
  return metadata;
}

function unreadable(name: string, cause: unknown): ChatRexError {
  const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\s+/g, ' ').trim();
  return new ChatRexError('invalid-file', `${name} is not a readable image (${reason}); expected ${READABLE_NAMES}.`, {
    cause,
  });
}

/**
 * Plain bytes (no Buffer) of three channels; greyscale comes from the decoder as one, and the colours are then equal.
 */
function toThreeChannels(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const pixels = data.length / channels;
  const rgb = new Uint8Array(pixels * 3);
  for (let pixel = 0; pixel < pixels; pixel++) rgb.fill(data[pixel * channels], pixel * 3, pixel * 3 + 3);
  return rgb;
}

const isRawPixels = (source: unknown): source is RawPixels => {
  const data = (source as RawPixels | null | undefined)?.data;
  return data instanceof Uint8Array || data instanceof Uint8ClampedArray;
};

function fromRawPixels({ width, height, data }: RawPixels, maxPixels: number): RgbImage {
  assertImageSize({ width, height });
  assertPixelCount(width, height, 'The image', maxPixels);
  const pixels = width * height;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length === pixels * 3) return { width, height, data: bytes };
  if (bytes.length !== pixels * 4) {
    throw new ChatRexError(
      'invalid-argument',
      `Raw pixels of ${width} x ${height} must be ${pixels * 3} bytes (RGB) or ${pixels * 4} (RGBA); got ${bytes.length}.`,
    );
  }
  const rgb = new Uint8Array(pixels * 3);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const alpha = bytes[pixel * 4 + 3];
    for (let channel = 0; channel < 3; channel++) {
      const over = bytes[pixel * 4 + channel] * alpha + TRANSPARENCY_BACKGROUND[channel] * (255 - alpha);
      rgb[pixel * 3 + channel] = Math.round(over / 255);
    }
  }
  return { width, height, data: rgb };
}

function rgbCss([r, g, b]: Rgb): { r: number; g: number; b: number } {
  return { r, g, b };
}
