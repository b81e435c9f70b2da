/** Files that are not readable images but easily told: each gets a sentence of its own that says what to do. */

import { ChatRexError } from '../errors.ts';

/** Brands of HEIF files whose pixels are coded as HEVC; AVIF, coded as AV1, has others and is read. */
const hevcBrands = new Set(['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs']);

/** Names of such files in a folder. */
export const foreignEndings: ReadonlyMap<string, string> = new Map([
  ['.heic', 'HEIC'],
  ['.heif', 'HEIC'],
  ['.bmp', 'BMP'],
  ['.psd', 'Photoshop'],
  ['.jxl', 'JPEG XL'],
]);

/** @throws ChatRexError 'unsupported' for an image in another format, 'invalid-file' for what is no image */
export function refuseForeignFormat(bytes: Uint8Array, name: string): void {
  const head = String.fromCharCode(...bytes.subarray(0, 64));
  if (head.startsWith('BM')) throw another(name, 'BMP');
  if (head.startsWith('8BPS')) throw another(name, 'Photoshop');
  if (head.startsWith('\xff\x0a') || head.slice(4, 12) === 'JXL \r\n\x87\n') throw another(name, 'JPEG XL');
  if (head.slice(4, 8) === 'ftyp' && hevcBrands.has(head.slice(8, 12))) throw heic(name);
  if (head.startsWith('version https://git-lfs')) {
    throw new ChatRexError(
      'invalid-file',
      `${name} is a Git LFS pointer, not the image; fetch it with "git lfs pull".`,
    );
  }
  if (/^\s*<(!doctype\s+html|html)\b/i.test(head)) {
    throw new ChatRexError('invalid-file', `${name} is a web page, not an image; the download may have failed.`);
  }
}

/** HEIF of any brand whose pixels turned out to be HEVC. */
export const heic = (name: string): ChatRexError =>
  new ChatRexError(
    'unsupported',
    `${name} is HEIC (HEVC), which cannot be read; convert it to JPEG first, or let the phone save "most compatible".`,
  );

const another = (name: string, format: string): ChatRexError =>
  new ChatRexError('unsupported', `${name} is in the format ${format}, which cannot be read; convert it to PNG first.`);
