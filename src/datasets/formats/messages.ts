/** OpenAI-style JSON Lines for fine-tuning: `{ messages: [{ role, content }] }`, images as paths or as data URLs. */

import { basename } from 'node:path';
import { z } from 'zod';
import { ChatRexError } from '../../errors.ts';
import { firstCharacter, textLines } from '../json/lines.ts';
import { JsonSyntaxError, parseJson } from '../json/parse.ts';
import { commonOptions, pathOption } from '../options.ts';
import { type DraftSample, defineReader, openCoverage } from '../reader.ts';
import { type Message, plainText, turnsOf } from '../region-text.ts';
import type { ImageRef } from '../sample.ts';
import { idOf, isRecord } from './coco-like.ts';

const options = z.strictObject({
  /** The file, unpacked: images inside it are read from their place. */
  path: pathOption,
  /** The folder that image paths are relative to; that of the file by default. */
  images: pathOption.optional(),
  ...commonOptions,
});

/** Conversations without regions, about one image or none. */
export const reader = defineReader({
  format: 'messages',
  version: 1,
  options,
  sources: ({ path, images }) => ({ files: [path], folders: images === undefined ? [] : [images] }),
  imageFolder: ({ images }) => images,
  hasImages: () => true,
  async *read({ path, images }, context) {
    const file = context.resolve(path);
    // Beside itself, the file needs no folder.
    const name = images === undefined ? basename(file) : file;
    if ((await firstCharacter(file)) === '[') {
      throw new ChatRexError('invalid-file', `${file} is a JSON array: expected JSON Lines, one object a line`);
    }
    let index = 0;
    for await (const lines of textLines(file, { onBytes: context.onBytes, signal: context.signal })) {
      for (const { bytes, start, number } of lines) {
        const draft = messagesDraft(bytes, start, name, index++);
        if (typeof draft === 'string') context.report({ kind: 'bad-record', source: `line ${number}`, value: draft });
        else yield draft;
      }
    }
  },
});

function messagesDraft(bytes: Buffer, start: number, file: string, index: number): DraftSample | string {
  let value: unknown;
  try {
    value = parseJson(bytes.toString('utf8'));
  } catch (error) {
    if (error instanceof JsonSyntaxError) return `not JSON: ${error.message}`;
    throw error;
  }
  if (!isRecord(value) || !Array.isArray(value.messages)) return 'expected a list of messages';
  const messages: Message[] = [];
  const urls: string[] = [];
  for (const message of value.messages) {
    const read = readMessage(message, urls);
    if (typeof read === 'string') return read;
    messages.push(read);
  }
  if (urls.length > 1) return `${urls.length} images; a sample has one`;
  const image = urls.length === 0 ? undefined : imageOf(urls[0], bytes, start, file);
  if (typeof image === 'string') return image;
  const turns = turnsOf(messages, plainText);
  if (typeof turns === 'string') return turns;
  const id = idOf(value.id);
  return {
    id: id === undefined ? String(index) : `${index}-${id}`,
    ...(image !== undefined && { image }),
    regions: [],
    phrases: [],
    conversations: [{ task: 'conversation', turns }],
    coverage: openCoverage,
  };
}

function readMessage(message: unknown, urls: string[]): Message | string {
  const { role, content } = isRecord(message) ? message : {};
  const known = role === 'developer' ? 'system' : role;
  if (known !== 'user' && known !== 'assistant' && known !== 'system') return `a message of the role ${role}`;
  if (typeof content === 'string') return { role: known, text: content };
  if (!Array.isArray(content)) return 'a message whose content is neither text nor a list';
  const texts: string[] = [];
  for (const part of content) {
    const { type, text, image_url: image } = isRecord(part) ? part : {};
    const url = isRecord(image) ? image.url : image;
    if (type === 'text' && typeof text === 'string') texts.push(text);
    else if (type === 'image_url' && typeof url === 'string' && url !== '') urls.push(url);
    else return `a part of the type ${type}`;
  }
  return { role: known, text: texts.join('\n') };
}

/** Where an image is; a data URL is a range of the file itself. A text says why it is missing. */
function imageOf(url: string, line: Buffer, start: number, file: string): ImageRef | string {
  if (/^https?:/i.test(url)) return 'the image is an address: fetch it, and give its path';
  if (!url.startsWith('data:')) return { file: url.replace(/^file:\/\//, '') };
  // Some writers escape slashes, and a text of the line may speak of data URLs too.
  const head = url.slice(0, urlHeadLength);
  const at = [head, head.replaceAll('/', '\\/')].map((text) => line.indexOf(text)).find((place) => place >= 0);
  const mark = at === undefined ? -1 : line.indexOf('base64,', at);
  const end = line.indexOf('"', mark);
  if (mark < 0 || end < 0) return 'a data URL that is not base64';
  return { file, range: [start + mark + 'base64,'.length, start + end], isBase64: true };
}

/** Enough of a data URL to find it again. */
const urlHeadLength = 120;
