/**
 * Lines of JSON that are appended as results come and synced before anybody relies on them.
 *
 * Writers that append at the same time share one write and one sync. A process that is killed in the middle of a line
 * leaves a torn last line: readers stop before it, and a journal that is opened again cuts it off.
 */

import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ChatRexError } from '../errors.ts';
import { naming } from '../files.ts';

/** No line is longer: an annotation of 100 regions with all its texts stays under a tenth of it. */
export const maxLineBytes = 8 * 2 ** 20;

/**
 * A file whose writes return when they are on disk: half the calls of a write and a sync. Other systems have the flag
 * too, and mean less by it than by a sync.
 */
const syncedAppending =
  process.platform === 'linux'
    ? constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_DSYNC
    : undefined;

export class Journal {
  readonly #path: string;
  readonly #file: FileHandle;
  #waiting: { text: string; resolve: () => void; reject: (error: unknown) => void }[] = [];
  #writing: Promise<void> | undefined;
  /** What went wrong with a write: it may have left half a line, so nothing may follow it. */
  #failure: { readonly error: unknown } | undefined;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Opens a file for appending, without the torn line that a killed writer may have left. One writer a file. */
  static async open(path: string): Promise<Journal> {
    const file = await open(path, syncedAppending ?? 'a+').catch((cause: NodeJS.ErrnoException) => {
      throw new ChatRexError('not-found', `cannot write ${path} (${cause.code}): check the folder and its rights`, {
        cause,
      });
    });
    const { size } = await file.stat();
    const whole = await wholeLinesBytes(file, size);
    if (whole < size) await file.truncate(whole);
    return new Journal(path, file);
  }

  /** Resolves when the line is on disk. */
  append(value: unknown): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure.error);
    const text = `${JSON.stringify(value)}\n`;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    // Everything that is appended in this turn of the event loop goes out together.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await naming(this.#path, async () => {
          await this.#file.appendFile(batch.map(({ text }) => text).join(''));
          if (syncedAppending === undefined) await this.#file.datasync();
        });
        for (const { resolve } of batch) resolve();
      } catch (error) {
        this.#failure = { error };
        for (const { reject } of [...batch, ...this.#waiting.splice(0)]) reject(error);
      }
    }
    this.#writing = undefined;
  }

  async close(): Promise<void> {
    while (this.#writing) await this.#writing;
    await this.#file.close();
  }
}

/** Length of the file up to its last line break. */
async function wholeLinesBytes(file: FileHandle, size: number): Promise<number> {
  const step = 64 * 1024;
  for (let end = size; end > 0; end -= step) {
    const start = Math.max(0, end - step);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
    const at = buffer.subarray(0, bytesRead).lastIndexOf(10);
    if (at >= 0) return start + at + 1;
  }
  return 0;
}

/**
 * The lines of a file, one by one; nothing for a file that does not exist.
 * @param start byte at which a line begins
 * @yields each line's value and the byte after its line break
 * @throws ChatRexError 'invalid-file' naming the line that is no JSON or too long; a last line without a break is left
 *   out
 */
export async function* readLines<Value>(path: string, start = 0): AsyncGenerator<{ value: Value; end: number }> {
  let rest: Buffer = Buffer.alloc(0);
  let position = start;
  try {
    for await (const chunk of createReadStream(path, { start })) {
      let from = 0;
      const bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
        const line = bytes.toString('utf8', from, at);
        position += at + 1 - from;
        from = at + 1;
        if (line !== '') yield { value: parseLine<Value>(line, path, position), end: position };
      }
      rest = bytes.subarray(from);
      if (rest.length > maxLineBytes) {
        throw new ChatRexError(
          'limit-exceeded',
          `${path}: the line at byte ${position} is longer than ${maxLineBytes} bytes; expected JSON Lines`,
        );
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function parseLine<Value>(line: string, path: string, end: number): Value {
  try {
    return JSON.parse(line) as Value;
  } catch (cause) {
    throw new ChatRexError(
      'invalid-file',
      `${path}: the line that ends at byte ${end} is not JSON ("${line.slice(0, 40)}"); remove it and run again`,
      { cause },
    );
  }
}
