/**
 * Reads COCO's results files, `[{ image_id, category_id, bbox, score }, ...]`, by the gigabyte into columns. Objects
 * are read byte by byte; whatever is unusual about one goes through a JSON parser, which also tells what is wrong with
 * it.
 */

import { fileBytes } from '../../datasets/json/bytes.ts';
import { parseJson } from '../../datasets/json/parse.ts';
import { ChatRexError } from '../../errors.ts';
import { DetectionBuffer, type DetectionColumns } from '../metrics/detection-columns.ts';
import { guessSuite } from './guess-suite.ts';
import { isRecord } from './record-files.ts';

/** What ids mean; the places become the columns of the result. */
export interface DetectionIds {
  readonly images: ReadonlyMap<number, number>;
  /** Missing when categories do not matter: every detection is then of category 0, whether it names one or not. */
  readonly categories?: ReadonlyMap<number, number>;
}

export interface ReadDetections {
  readonly columns: DetectionColumns;
  /** Detections of images or categories that the truth does not have; they are left out. */
  readonly unknownImages: number;
  readonly unknownCategories: number;
}

export interface ReadDetectionOptions {
  /** Told how many bytes of the file each read gave. */
  onBytes?(count: number): void;
  /** How much is read at a time; 4 MB by default. */
  readonly chunkBytes?: number;
}

const defaultChunkBytes = 4 * 2 ** 20;
/** A single detection, a mask of its own included. */
const maxObjectBytes = 64 * 2 ** 20;

/**
 * Reads a results file, gzip or not.
 * @throws ChatRexError 'not-found', or 'invalid-file' naming the result and the field that is wrong.
 */
export async function readDetections(
  path: string,
  ids: DetectionIds,
  options: ReadDetectionOptions = {},
): Promise<ReadDetections> {
  const scanner = new DetectionScanner(path, ids);
  for await (const chunk of fileBytes(path, { chunkBytes: defaultChunkBytes, ...options })) scanner.push(chunk);
  return scanner.end();
}

const [quote, backslash, comma, colon, minus, point] = [...'"\\,:-.'].map((sign) => sign.charCodeAt(0));
const [openBrace, closeBrace, openBracket, closeBracket] = [...'{}[]'].map((sign) => sign.charCodeAt(0));
const [zero, nine, smallE, bigE, plus] = [...'09eE+'].map((sign) => sign.charCodeAt(0));

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Whole powers of ten that a double holds exactly. */
const powersOfTen = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
/** Whole numbers of fewer digits are exact, and then so is one division. */
const exactDigits = 15;

/** What a reader of bytes found: the end of what it read, or why not. */
const INCOMPLETE = -1;
const UNUSUAL = -2;

class DetectionScanner {
  readonly #path: string;
  readonly #ids: DetectionIds;
  readonly #buffer = new DetectionBuffer();
  #rest: Buffer = Buffer.alloc(0);
  #isStarted = false;
  #isEnded = false;
  #index = 0;
  #unknownImages = 0;
  #unknownCategories = 0;
  /** Fields of the object under way; #found has a bit for each that came. */
  #fields = new Float64Array(7);
  #found = 0;
  /** The bit of category_id where categories do not matter. */
  readonly #unneeded: number;
  #number = 0;
  /** Detections come image by image: the last look-up is mostly the next one too. */
  #lastImageId = Number.NaN;
  #lastImage = -1;

  constructor(path: string, ids: DetectionIds) {
    this.#path = path;
    this.#ids = ids;
    this.#unneeded = ids.categories ? 0 : 0b0010;
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    // A byte order mark, as some editors put it.
    let at = !this.#isStarted && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    for (;;) {
      while (at < bytes.length && (isSpace(bytes[at]) || (this.#isStarted && bytes[at] === comma))) at++;
      if (at === bytes.length) break;
      if (!this.#isStarted) {
        if (bytes[at] !== openBracket) throw this.#refused('expected a list of detections', bytes, at);
        this.#isStarted = true;
        at++;
        continue;
      }
      if (bytes[at] === closeBracket && !this.#isEnded) {
        this.#isEnded = true;
        at++;
        continue;
      }
      if (this.#isEnded) throw this.#refused('expected the end of the file', bytes, at);
      if (bytes[at] !== openBrace) throw this.#refused(`result ${this.#index}: expected an object`, bytes, at);
      const end = this.#readObject(bytes, at);
      if (end === INCOMPLETE) break;
      at = end;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
    if (this.#rest.length > maxObjectBytes) {
      const message = `${this.#path}: result ${this.#index}: expected at most ${maxObjectBytes} bytes; is a brace missing?`;
      throw new ChatRexError('limit-exceeded', message);
    }
  }

  end(): ReadDetections {
    if (!this.#isEnded) {
      const message = `${this.#path}: expected ] at the end, came the end of the file after result ${this.#index - 1}`;
      throw new ChatRexError('invalid-file', `${message}; it was cut off`);
    }
    return {
      columns: this.#buffer.columns(),
      unknownImages: this.#unknownImages,
      unknownCategories: this.#unknownCategories,
    };
  }

  #readObject(bytes: Buffer, start: number): number {
    let end = this.#readFields(bytes, start);
    if (end === INCOMPLETE) return INCOMPLETE;
    if (end === UNUSUAL || (this.#found | this.#unneeded) !== 0b1111) {
      end = skipValue(bytes, start);
      if (end === INCOMPLETE) return INCOMPLETE;
      this.#readSlowly(bytes.subarray(start, end).toString('utf8'));
    }
    this.#keep();
    this.#index++;
    return end;
  }

  #keep(): void {
    const [imageId, categoryId, x, y, width, height, score] = this.#fields;
    if (imageId !== this.#lastImageId) {
      this.#lastImageId = imageId;
      this.#lastImage = this.#ids.images.get(imageId) ?? -1;
    }
    const category = this.#ids.categories ? this.#ids.categories.get(categoryId) : 0;
    if (this.#lastImage < 0) this.#unknownImages++;
    else if (category === undefined) this.#unknownCategories++;
    else this.#buffer.push(this.#lastImage, category, x, y, width, height, score);
  }

  /** Reads a plain object: known keys with plain numbers, other keys with anything. */
  #readFields(bytes: Buffer, start: number): number {
    this.#found = 0;
    let at = start + 1;
    for (;;) {
      while (isSpace(bytes[at]) || bytes[at] === comma) at++;
      if (at >= bytes.length) return INCOMPLETE;
      if (bytes[at] === closeBrace) return at + 1;
      if (bytes[at] !== quote) return UNUSUAL;
      const key = at + 1;
      const keyEnd = bytes.indexOf(quote, key);
      if (keyEnd < 0) return INCOMPLETE;
      at = keyEnd + 1;
      while (isSpace(bytes[at])) at++;
      if (at >= bytes.length) return INCOMPLETE;
      if (bytes[at] !== colon) return UNUSUAL;
      at++;
      while (isSpace(bytes[at])) at++;
      if (at >= bytes.length) return INCOMPLETE;
      at = this.#readField(bytes, key, keyEnd - key, at);
      if (at < 0) return at;
    }
  }

  #readField(bytes: Buffer, key: number, length: number, at: number): number {
    switch (fieldOf(bytes, key, length)) {
      case 0:
        return this.#readInto(bytes, at, 0, 0b0001);
      case 1:
        return this.#readInto(bytes, at, 1, 0b0010);
      case 2:
        return this.#readBox(bytes, at);
      case 6:
        return this.#readInto(bytes, at, 6, 0b1000);
      default:
        return skipValue(bytes, at);
    }
  }

  #readInto(bytes: Buffer, at: number, field: number, bit: number): number {
    const end = this.#readNumber(bytes, at);
    if (end < 0) return end;
    this.#fields[field] = this.#number;
    this.#found |= bit;
    return end;
  }

  #readBox(bytes: Buffer, start: number): number {
    if (bytes[start] !== openBracket) return UNUSUAL;
    let at = start + 1;
    for (let side = 0; side < 4; side++) {
      while (isSpace(bytes[at])) at++;
      at = this.#readNumber(bytes, at);
      if (at < 0) return at;
      this.#fields[2 + side] = this.#number;
      while (isSpace(bytes[at])) at++;
      if (at >= bytes.length) return INCOMPLETE;
      if (bytes[at] !== (side < 3 ? comma : closeBracket)) return UNUSUAL;
      at++;
    }
    if (this.#fields[4] < 0 || this.#fields[5] < 0) return UNUSUAL;
    this.#found |= 0b0100;
    return at;
  }

  /** A number to the last bit: with few digits as a quotient of exact numbers, otherwise by the engine. */
  #readNumber(bytes: Buffer, start: number): number {
    let at = start;
    const isNegative = bytes[at] === minus;
    if (isNegative) at++;
    const first = at;
    let mantissa = 0;
    let digits = 0;
    let decimals = 0;
    for (; bytes[at] >= zero && bytes[at] <= nine; at++, digits++) mantissa = mantissa * 10 + bytes[at] - zero;
    if (at === first) return at >= bytes.length ? INCOMPLETE : UNUSUAL;
    if (bytes[at] === point) {
      for (at++; bytes[at] >= zero && bytes[at] <= nine; at++, digits++, decimals++) {
        mantissa = mantissa * 10 + bytes[at] - zero;
      }
    }
    if (at >= bytes.length) return INCOMPLETE;
    const hasExponent = bytes[at] === smallE || bytes[at] === bigE;
    if (hasExponent || digits > exactDigits) {
      while (isNumberByte(bytes[at])) at++;
      if (at >= bytes.length) return INCOMPLETE;
      this.#number = Number(bytes.toString('latin1', start, at));
      return Number.isFinite(this.#number) ? at : UNUSUAL;
    }
    const value = decimals === 0 ? mantissa : mantissa / powersOfTen[decimals];
    this.#number = isNegative ? -value : value;
    return at;
  }

  #readSlowly(text: string): void {
    const at = `${this.#path}: result ${this.#index}`;
    let value: unknown;
    try {
      value = parseJson(text);
    } catch (cause) {
      throw new ChatRexError('invalid-file', `${at}: not JSON: ${(cause as Error).message}`, { cause });
    }
    const record = isRecord(value) ? value : {};
    const { image_id: imageId, category_id: categoryId, bbox, score } = record;
    const box = Array.isArray(bbox) && bbox.length === 4 ? bbox : undefined;
    const numbers = [
      imageId,
      this.#ids.categories ? categoryId : 0,
      ...(box ?? [undefined, undefined, undefined, undefined]),
      score,
    ];
    const names = ['image_id', 'category_id', 'bbox', 'bbox', 'bbox', 'bbox', 'score'];
    numbers.forEach((number, i) => {
      if (typeof number === 'number' && Number.isFinite(number)) return;
      const came =
        names[i] === 'bbox' ? JSON.stringify(bbox) : typeof number === 'number' ? number : JSON.stringify(number);
      const what = names[i] === 'bbox' ? 'four numbers' : 'a number';
      const guess = Object.keys(record).length > 0 && !('bbox' in record) ? guessSuite(record) : undefined;
      const advice = guess ? `; this looks like a file of ${guess}` : '';
      throw new ChatRexError('invalid-file', `${at}: ${names[i]}: expected ${what}, came ${came}${advice}`);
    });
    this.#fields.set(numbers as number[]);
    if (this.#fields[4] < 0 || this.#fields[5] < 0) {
      throw new ChatRexError('invalid-file', `${at}: bbox: expected a width and a height of at least 0, came ${bbox}`);
    }
  }

  #refused(what: string, bytes: Buffer, at: number): ChatRexError {
    const came = bytes
      .subarray(at, at + 20)
      .toString('latin1')
      .split('\n', 1)[0];
    return new ChatRexError('invalid-file', `${this.#path}: ${what}, came ${came}`);
  }
}

/** 0 image_id, 1 category_id, 2 bbox, 6 score, -1 for another key. */
function fieldOf(bytes: Buffer, at: number, length: number): number {
  if (length === 8 && spells(bytes, at, imageKey)) return 0;
  if (length === 11 && spells(bytes, at, categoryKey)) return 1;
  if (length === 4 && spells(bytes, at, boxKey)) return 2;
  return length === 5 && spells(bytes, at, scoreKey) ? 6 : -1;
}

const [imageKey, categoryKey, boxKey, scoreKey] = ['image_id', 'category_id', 'bbox', 'score'].map((key) =>
  Buffer.from(key),
);

function spells(bytes: Buffer, at: number, key: Buffer): boolean {
  for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key[i]) return false;
  return true;
}

const isNumberByte = (byte: number): boolean =>
  (byte >= zero && byte <= nine) ||
  byte === point ||
  byte === smallE ||
  byte === bigE ||
  byte === minus ||
  byte === plus;

/** The end of a value of any kind, or INCOMPLETE. */
function skipValue(bytes: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) {
      at++;
      while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
      if (at >= bytes.length) return INCOMPLETE;
      if (depth === 0) return at + 1;
    } else if (byte === openBrace || byte === openBracket) depth++;
    else if (byte === closeBrace || byte === closeBracket) {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (depth === 0 && byte === comma) return at;
  }
  return INCOMPLETE;
}
