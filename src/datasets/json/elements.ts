/**
 * Streams the elements of one big JSON file: those of a top-level array, or of the arrays in a top-level object. A
 * byte scanner finds where each element ends and `JSON.parse` reads it, so that memory holds one element, and a fault
 * is told with line and column. Streaming parsers of the registry know neither NaN nor the place, and take ten times
 * as long.
 */

import { ChatRexError } from '../../errors.ts';
import { type ByteOptions, fileBytes, placeOf } from './bytes.ts';
import { JsonSyntaxError, parseJson } from './parse.ts';

/** One element of an array, or a whole value of the top-level object that is not an array. */
export interface JsonElement {
  /** The key in the top-level object; '' for elements of a top-level array. */
  readonly section: string;
  /** Place in the array; -1 for a value that is not an array. */
  readonly index: number;
  readonly value: unknown;
}

export interface ElementOptions extends ByteOptions {
  /** Sections to parse; all by default. The others are scanned for their end alone. */
  isWanted?(section: string): boolean;
  /** Told of every array, also of those without elements. */
  onArray?(section: string): void;
}

/** A single element larger than this is not an annotation of one image. V8's longest string is 512 MB. */
const maxElementBytes = 256 * 2 ** 20;

/**
 * The elements of a JSON file in batches, in the order of the file.
 * @throws ChatRexError 'invalid-file' with line, column and reason; 'not-found'; 'aborted'
 * @example for await (const batch of jsonElements('instances.json')) for (const { value } of batch) use(value);
 */
export async function* jsonElements(path: string, options: ElementOptions = {}): AsyncGenerator<JsonElement[]> {
  const scanner = new ElementScanner(options);
  try {
    for await (const chunk of fileBytes(path, options)) {
      scanner.push(chunk);
      const batch = scanner.take();
      if (batch.length > 0) yield batch;
    }
    scanner.end();
    const batch = scanner.take();
    if (batch.length > 0) yield batch;
  } catch (error) {
    if (!(error instanceof ScanError)) throw error;
    const { line, column } = await placeOf(path, error.offset);
    throw new ChatRexError('invalid-file', `${path}:${line}:${column}: not JSON: ${error.message}`);
  }
}

/** A fault with the byte of the file where it is. */
class ScanError extends Error {
  readonly offset: number;

  constructor(reason: string, offset: number) {
    super(reason);
    this.offset = offset;
  }
}

/** What the scanner expects next. */
type Expected = 'start' | 'key' | 'colon' | 'value' | 'element' | 'after element' | 'after value' | 'nothing';

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const colon = 0x3a;

const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

class ElementScanner {
  readonly #options: ElementOptions;
  #elements: JsonElement[] = [];
  /** What has not been consumed; `#base` is the place of its first byte in the file. */
  #bytes: Buffer = Buffer.alloc(0);
  #base = 0;
  #at = 0;
  #expects: Expected = 'start';
  #isTopArray = false;
  #section = '';
  #index = -1;
  /** Whether a comma has just been read, so that an end is a fault. */
  #isAfterComma = false;
  // The value under way: where it starts, how deep, whether inside a text.
  #valueStart = -1;
  #kind: 'container' | 'text' | 'scalar' = 'scalar';
  #depth = 0;
  #isInText = false;

  constructor(options: ElementOptions) {
    this.#options = options;
  }

  take(): JsonElement[] {
    const elements = this.#elements;
    this.#elements = [];
    return elements;
  }

  push(chunk: Buffer): void {
    const keepFrom = this.#valueStart >= 0 ? this.#valueStart : this.#at;
    const rest = this.#bytes.subarray(keepFrom);
    if (rest.length > maxElementBytes) {
      this.#refuse(`one value has more than ${maxElementBytes / 2 ** 20} MB`, this.#base + keepFrom);
    }
    this.#base += keepFrom;
    this.#at -= keepFrom;
    if (this.#valueStart >= 0) this.#valueStart = 0;
    this.#bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    this.#scan();
  }

  end(): void {
    if (this.#expects === 'nothing') return;
    const place = this.#base + this.#bytes.length;
    if (this.#expects === 'start' && this.#valueStart < 0) this.#refuse('the file is empty', place);
    const where =
      this.#section === '' ? '' : ` in "${this.#section}"${this.#index >= 0 ? ` at entry ${this.#index}` : ''}`;
    this.#refuse(`the file ends too early${where}: it was cut off, fetch it again`, place);
  }

  #refuse(reason: string, offset: number): never {
    throw new ScanError(reason, offset);
  }

  #scan(): void {
    while (this.#at < this.#bytes.length) {
      if (this.#valueStart >= 0) {
        if (!this.#scanValue()) return;
        continue;
      }
      const byte = this.#bytes[this.#at];
      if (isSpace(byte)) this.#at++;
      else if (!this.#step(byte)) return;
    }
  }

  /** Takes one byte between values; false where more bytes are needed. */
  #step(byte: number): boolean {
    const place = this.#base + this.#at;
    switch (this.#expects) {
      case 'start':
        return this.#start(byte, place);
      case 'key':
        if (byte === closeBrace) {
          if (this.#isAfterComma) this.#refuse('a comma before }', place);
          return this.#close('nothing');
        }
        if (byte !== quote) this.#refuse('expected a name in double quotes', place);
        this.#begin('text');
        return true;
      case 'colon':
        if (byte !== colon) this.#refuse('expected a colon after a name', place);
        this.#at++;
        this.#expects = 'value';
        return true;
      case 'value':
        if (byte === openBracket) {
          this.#openArray();
          return true;
        }
        this.#beginValue(byte, place);
        return true;
      case 'element':
        if (byte === closeBracket) {
          if (this.#isAfterComma) this.#refuse('a comma before ]', place);
          return this.#closeArray();
        }
        this.#beginValue(byte, place);
        return true;
      case 'after element':
        if (byte === closeBracket) return this.#closeArray();
        if (byte !== comma) this.#refuse('expected a comma or ] after an entry', place);
        this.#isAfterComma = true;
        return this.#close('element');
      case 'after value':
        if (byte === closeBrace) return this.#close('nothing');
        if (byte !== comma) this.#refuse('expected a comma or } after a value', place);
        this.#isAfterComma = true;
        return this.#close('key');
      default:
        return this.#refuse(
          byte === openBrace || byte === openBracket
            ? 'there is a second value: this looks like JSON Lines, one value a line'
            : 'there is more after the end of the value',
          place,
        );
    }
  }

  #start(byte: number, place: number): boolean {
    // A byte order mark.
    if (place === 0 && byte === 0xef) {
      if (this.#bytes.length < 3) return false;
      if (this.#bytes[1] === 0xbb && this.#bytes[2] === 0xbf) {
        this.#at = 3;
        return true;
      }
    }
    if (byte === openBracket) {
      this.#isTopArray = true;
      this.#openArray();
      return true;
    }
    if (byte === openBrace) return this.#close('key');
    if (place === 0 && (byte === 0xff || byte === 0xfe)) this.#refuse('expected UTF-8, got UTF-16: convert it', place);
    const isPage = byte === 0x3c;
    return this.#refuse(`expected { or [${isPage ? ', got < (a web page?)' : ''}`, place);
  }

  #close(next: Expected): boolean {
    this.#at++;
    this.#expects = next;
    return true;
  }

  #openArray(): void {
    this.#index = 0;
    this.#options.onArray?.(this.#section);
    this.#isAfterComma = false;
    this.#close('element');
  }

  #closeArray(): boolean {
    this.#isAfterComma = false;
    this.#index = -1;
    return this.#close(this.#isTopArray ? 'nothing' : 'after value');
  }

  #beginValue(byte: number, place: number): void {
    if (byte === comma || byte === closeBrace || byte === closeBracket || byte === colon) {
      this.#refuse(`expected a value, got ${String.fromCharCode(byte)}`, place);
    }
    if (byte === openBrace || byte === openBracket) this.#begin('container');
    else this.#begin(byte === quote ? 'text' : 'scalar');
  }

  #begin(kind: 'container' | 'text' | 'scalar'): void {
    this.#isAfterComma = false;
    this.#valueStart = this.#at;
    this.#kind = kind;
    this.#depth = kind === 'container' ? 1 : 0;
    this.#isInText = kind === 'text';
    this.#at++;
  }

  /** Scans to the end of the value; false where more bytes are needed. */
  #scanValue(): boolean {
    const bytes = this.#bytes;
    const end = bytes.length;
    let at = this.#at;
    if (this.#kind === 'scalar') {
      while (
        at < end &&
        !isSpace(bytes[at]) &&
        bytes[at] !== comma &&
        bytes[at] !== closeBrace &&
        bytes[at] !== closeBracket
      )
        at++;
      this.#at = at;
      if (at < end) this.#finish();
      return at < end;
    }
    let depth = this.#depth;
    let isInText = this.#isInText;
    while (at < end) {
      const byte = bytes[at];
      if (isInText) {
        if (byte === backslash) {
          // The escaped byte may be in the next chunk.
          if (at + 1 >= end) break;
          at++;
        } else if (byte === quote) isInText = false;
      } else if (byte === quote) isInText = true;
      else if (byte === openBrace || byte === openBracket) depth++;
      else if (byte === closeBrace || byte === closeBracket) depth--;
      at++;
      if (depth === 0 && !isInText) {
        this.#at = at;
        this.#finish();
        return true;
      }
    }
    this.#at = at;
    this.#depth = depth;
    this.#isInText = isInText;
    return false;
  }

  #finish(): void {
    const start = this.#valueStart;
    this.#valueStart = -1;
    if (this.#expects === 'key') {
      this.#section = String(this.#parse(start));
      this.#index = -1;
      this.#expects = 'colon';
      return;
    }
    const isElement = this.#expects === 'element';
    if (this.#options.isWanted?.(this.#section) ?? true) {
      this.#elements.push({ section: this.#section, index: this.#index, value: this.#parse(start) });
    }
    if (isElement) this.#index++;
    this.#expects = isElement ? 'after element' : 'after value';
  }

  #parse(start: number): unknown {
    const slice = this.#bytes.subarray(start, this.#at);
    const text = slice.toString('utf8');
    try {
      return parseJson(text);
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      const bytesBefore = Buffer.byteLength(text.slice(0, error.offset));
      return this.#refuse(error.message, this.#base + start + bytesBefore);
    }
  }
}
