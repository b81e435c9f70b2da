/** Verdicts on disk, one JSON line each, written as they come. */

import { type FileHandle, open, readFile } from 'node:fs/promises';
import { ChatRexError } from '../../errors.ts';
import { writeAll } from '../../files.ts';

export interface VerdictKey {
  readonly suite: string;
  readonly sample: string;
  /** Hash of the prompt and the temperature. */
  readonly prompt: string;
  readonly model: string;
}

const textOf = ({ suite, sample, prompt, model }: VerdictKey): string => JSON.stringify([suite, sample, prompt, model]);

export class VerdictCache {
  readonly #verdicts: Map<string, string>;
  readonly #file: FileHandle;
  /** Writes follow each other, so that lines do not mix. */
  #lastWrite: Promise<void> = Promise.resolve();

  private constructor(verdicts: Map<string, string>, file: FileHandle) {
    this.#verdicts = verdicts;
    this.#file = file;
  }

  /**
   * Opens a file of verdicts, or makes it. A last line that was cut off by an interruption is left out.
   * @throws ChatRexError 'invalid-file' for a file that holds something else, 'not-found' when it cannot be made
   */
  static async open(path: string): Promise<VerdictCache> {
    const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return Buffer.alloc(0);
      throw new ChatRexError('invalid-file', `${path}: verdicts cannot be read (${cause.code})`, { cause });
    });
    const wholeBytes = bytes.lastIndexOf('\n') + 1;
    const verdicts = new Map<string, string>();
    const lines = bytes.subarray(0, wholeBytes).toString('utf8').split('\n');
    lines.forEach((line, i) => {
      if (line === '') return;
      try {
        const { verdict, ...key } = JSON.parse(line);
        if (typeof verdict !== 'string' || typeof key.prompt !== 'string') throw new Error('no verdict');
        verdicts.set(textOf(key), verdict);
      } catch (cause) {
        const message = `${path}: line ${i + 1}: expected a verdict; name another file with --judge-cache`;
        throw new ChatRexError('invalid-file', message, { cause });
      }
    });
    const file = await open(path, 'a').catch((cause: NodeJS.ErrnoException) => {
      throw new ChatRexError('not-found', `${path}: verdicts cannot be written (${cause.code})`, { cause });
    });
    if (wholeBytes < bytes.length) await file.truncate(wholeBytes);
    return new VerdictCache(verdicts, file);
  }

  get(key: VerdictKey): string | undefined {
    return this.#verdicts.get(textOf(key));
  }

  /** Writes a verdict to the disk before it counts. */
  async add(key: VerdictKey, verdict: string): Promise<void> {
    const write = this.#lastWrite.then(async () => {
      await writeAll(this.#file, Buffer.from(`${JSON.stringify({ ...key, verdict })}\n`));
      await this.#file.datasync();
    });
    this.#lastWrite = write.catch(() => {});
    await write;
    this.#verdicts.set(textOf(key), verdict);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
