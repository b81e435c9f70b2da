/**
 * SVG to image files, alone or over a photograph.
 */
import sharp, { type Sharp } from 'sharp';
import { ChatRexError } from '../errors.ts';
import type { RgbImage } from '../image/rgb-image.ts';

export type ImageFormat = 'png' | 'jpeg' | 'webp';

/** The format that a file name asks for. @throws ChatRexError `invalid-argument` for any other ending. */
export function imageFormatOf(path: string): ImageFormat {
  const ending = /\.([^./\\]+)$/.exec(path)?.[1].toLowerCase();
  if (ending === 'png' || ending === 'webp') return ending;
  if (ending === 'jpg' || ending === 'jpeg') return 'jpeg';
  throw new ChatRexError(
    'invalid-argument',
    `"${path}" must end in .png, .jpg, .jpeg or .webp to say the image's format.`,
  );
}

/** A sharp pipeline over the pixels of `image`. */
export function sharpFrom({ width, height, data }: RgbImage): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false });
}

/** Of formats that lose something, from 1 to 100. */
const fineQuality = 92;

/** The bytes of a file. JPEG keeps full colour resolution: thin coloured lines smear otherwise. */
export async function encodeImage(image: Sharp, format: ImageFormat, quality = fineQuality): Promise<Uint8Array> {
  if (format === 'jpeg') return image.jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer();
  if (format === 'webp') return image.webp({ quality, smartSubsample: true }).toBuffer();
  return image.png({ compressionLevel: 6 }).toBuffer();
}

/** An SVG document of our own making as an image file on white. */
export async function renderSvg(svg: string, format: ImageFormat = 'png'): Promise<Uint8Array> {
  return encodeImage(sharp(Buffer.from(svg), { unlimited: true }).flatten({ background: '#ffffff' }), format);
}
