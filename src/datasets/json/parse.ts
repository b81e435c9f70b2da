/**
 * JSON as Python writes it: RFC 8259, and NaN, Infinity and -Infinity. What is wrong is told with its place; V8's own
 * messages often have none.
 */

/** What is wrong with a text, and where. */
export class JsonSyntaxError extends Error {
  /** In characters from the start of the text. */
  readonly offset: number;

  constructor(reason: string, offset: number) {
    super(reason);
    this.offset = offset;
  }
}

/** Deeper nesting than any annotation has; bounds the recursion of the parser below. */
const maxDepth = 500;

/**
 * The value that a text holds.
 * @throws JsonSyntaxError
 * @example parseJson('{"score": NaN}') // { score: NaN }
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Slow, and only for what is unusual: it knows NaN and finds the place.
    return new Parser(text).parse();
  }
}

const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wordPattern = /-?[A-Za-z_]+/y;
const whitespacePattern = /[ \t\r\n]*/y;
const stringPattern = /"(?:[^"\\]|\\[\s\S])*"/y;

const words: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', Number.NaN],
  ['-NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): unknown {
    const value = this.#value(0);
    this.#skipWhitespace();
    if (this.#at < this.#text.length) this.#refuse('there is more after the end of the value');
    return value;
  }

  #refuse(reason: string, offset = this.#at): never {
    throw new JsonSyntaxError(offset >= this.#text.length ? `it ends too early (${reason})` : reason, offset);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #skipWhitespace(): void {
    this.#match(whitespacePattern);
  }

  #value(depth: number): unknown {
    if (depth > maxDepth) this.#refuse(`it is nested more than ${maxDepth} deep`);
    this.#skipWhitespace();
    const first = this.#text[this.#at];
    if (first === '{') return this.#object(depth);
    if (first === '[') return this.#array(depth);
    if (first === '"') return this.#string();
    if (first === "'") this.#refuse('text in single quotes, JSON has double quotes');
    const start = this.#at;
    const word = this.#match(wordPattern);
    if (word !== undefined) {
      if (!words.has(word)) this.#refuse(`expected a value, got ${word.slice(0, 20)}`, start);
      return words.get(word);
    }
    const number = this.#match(numberPattern);
    if (number === undefined) this.#refuse(`expected a value${first === undefined ? '' : `, got ${first}`}`);
    return Number(number);
  }

  #string(): string {
    const start = this.#at;
    const found = this.#match(stringPattern);
    if (found === undefined) this.#refuse('a text without a closing quote', this.#text.length);
    try {
      return JSON.parse(found);
    } catch {
      // A raw line break or a wrong escape.
      return this.#refuse('a text with a control character or a wrong escape', start);
    }
  }

  #array(depth: number): unknown[] {
    const items: unknown[] = [];
    this.#at++;
    this.#skipWhitespace();
    if (this.#takes(']')) return items;
    for (;;) {
      items.push(this.#value(depth + 1));
      if (this.#endsList(']')) return items;
    }
  }

  #object(depth: number): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    this.#at++;
    this.#skipWhitespace();
    if (this.#takes('}')) return {};
    for (;;) {
      this.#skipWhitespace();
      if (this.#text[this.#at] !== '"') this.#refuse('expected a name in double quotes');
      const name = this.#string();
      this.#skipWhitespace();
      if (!this.#takes(':')) this.#refuse('expected a colon after a name');
      entries.push([name, this.#value(depth + 1)]);
      // fromEntries makes a plain property even of __proto__.
      if (this.#endsList('}')) return Object.fromEntries(entries);
    }
  }

  #endsList(close: ']' | '}'): boolean {
    this.#skipWhitespace();
    if (this.#takes(close)) return true;
    if (!this.#takes(',')) this.#refuse(`expected a comma or ${close}`);
    const comma = this.#at - 1;
    this.#skipWhitespace();
    if (this.#text[this.#at] === close) this.#refuse(`a comma before ${close}`, comma);
    return false;
  }

  #takes(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }
}
