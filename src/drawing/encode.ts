/**
 * SVG to picture files, alone or over a photograph.
 */
import sharp, { type Sharp } from 'sharp';
import { ChatRexError } from '../errors.ts';
import type { RgbImage } from '../image/rgb-image.ts';

export type PictureFormat = 'png' | 'jpeg' | 'webp';

/** The format that a file name asks for. @throws ChatRexError `invalid-argument` for any other ending. */
export function pictureFormatOf(path: string): PictureFormat {
  const ending = /\.([^./\\]+)$/.exec(path)?.[1].toLowerCase();
  if (ending === 'png' || ending === 'webp') return ending;
  if (ending === 'jpg' || ending === 'jpeg') return 'jpeg';
  throw new ChatRexError(
    'invalid-argument',
    `"${path}" must end in .png, .jpg, .jpeg or .webp to say the picture's format.`,
  );
}

/** A sharp pipeline over the pixels of `image`. */
export function sharpFrom({ width, height, data }: RgbImage): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false });
}

/** The bytes of a file. JPEG keeps full colour resolution: thin coloured lines smear otherwise. */
export async function encodePicture(picture: Sharp, format: PictureFormat): Promise<Uint8Array> {
  if (format === 'jpeg') return picture.jpeg({ quality: 92, chromaSubsampling: '4:4:4' }).toBuffer();
  if (format === 'webp') return picture.webp({ quality: 92, smartSubsample: true }).toBuffer();
  return picture.png({ compressionLevel: 6 }).toBuffer();
}

/** An SVG document of our own making as a picture file on white. */
export async function renderSvg(svg: string, format: PictureFormat = 'png'): Promise<Uint8Array> {
  return encodePicture(sharp(Buffer.from(svg), { unlimited: true }).flatten({ background: '#ffffff' }), format);
}
