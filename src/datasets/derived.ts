/**
 * Values that are computed once for every index of a data set and kept on disk: rendered scenes, proposals, features.
 *
 * A block of indices is one file, written beside and renamed: a block that is there is complete. So an interrupted
 * computation continues, and several machines may share a folder, each with some of the blocks.
 */

import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { readFrom, readRange, withFile } from '../file-range.ts';
import { writeAll, writeBeside } from '../files.ts';
import { runInWorkers, type WorkerModule } from '../workers/pool.ts';

export interface Derivation<Value> {
  /** Folder of the blocks. Its name says what the values depend on, so that others never take its place. */
  readonly folder: string;
  /** Number of indices. */
  readonly size: number;
  readonly blockSize?: number;
  /** Its worker answers a `Range` with `DerivedValues`. */
  readonly worker: WorkerModule;
  readonly unpack: (bytes: Uint8Array<ArrayBuffer>) => Value;
}

/** A stretch of indices, its end excluded. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** What a worker answers: per index its bytes, or why there are none. */
export type DerivedValues = readonly (Uint8Array | { readonly failure: string })[];

export interface Derived<Value> {
  /** @throws ChatRexError 'invalid-file' with the reason when the value of this index could not be computed */
  at(index: number): Promise<Value>;
}

export interface DeriveOptions {
  readonly signal?: AbortSignal;
  /** Computes only every n-th block, so that n machines share the work: blocks `shard, shard + shards, ...`. */
  readonly shard?: { readonly index: number; readonly count: number };
  readonly onProgress?: (done: number, total: number) => void;
  readonly threads?: number;
}

const defaultBlockSize = 512;
const magic = 0x42585243;
/** Magic number and count, then the end of each value as float64, where a negative end marks a failure. */
const headBytes = (count: number): number => 8 + 8 * count;

/** Computes the blocks that are missing or were cut, then opens all. */
export async function derive<Value>(
  derivation: Derivation<Value>,
  options: DeriveOptions = {},
): Promise<Derived<Value>> {
  const { folder, worker } = derivation;
  const { signal, shard = { index: 0, count: 1 }, onProgress, threads } = options;
  await mkdir(folder, { recursive: true });
  const blocks = rangesOf(derivation).filter((_, block) => block % shard.count === shard.index);
  const missing: Range[] = [];
  for (const range of blocks) if (!(await isComplete(pathOf(derivation, range), range))) missing.push(range);
  const sizeOf = (ranges: readonly Range[]) => ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  let done = sizeOf(blocks) - sizeOf(missing);
  const total = sizeOf(blocks);
  const keep = async (range: Range, values: DerivedValues) => {
    await writeBlock(pathOf(derivation, range), values);
    done += range.end - range.start;
    onProgress?.(done, total);
  };
  await runInWorkers<Range, DerivedValues>(worker, missing, keep, { signal, threads });
  return openDerived(derivation);
}

/** Opens values that are complete, as worker threads of training do. */
export function openDerived<Value>(derivation: Derivation<Value>): Derived<Value> {
  const { size, blockSize = defaultBlockSize, unpack } = derivation;
  const ends = new Map<string, Promise<Float64Array>>();
  return {
    at: async (index) => {
      if (!(Number.isInteger(index) && index >= 0 && index < size)) {
        throw new ChatRexError('invalid-argument', `index ${index}: expected a whole number from 0 to ${size - 1}`);
      }
      const start = index - (index % blockSize);
      const path = pathOf(derivation, { start, end: Math.min(size, start + blockSize) });
      let offsets = ends.get(path);
      if (!offsets) {
        offsets = readEnds(path);
        ends.set(path, offsets);
        offsets.catch(() => ends.delete(path));
      }
      const bytes = await readValue(path, await offsets, index - start);
      return unpack(bytes);
    },
  };
}

const rangesOf = ({ size, blockSize = defaultBlockSize }: Derivation<unknown>): Range[] =>
  Array.from({ length: Math.ceil(size / blockSize) }, (_, block) => ({
    start: block * blockSize,
    end: Math.min(size, (block + 1) * blockSize),
  }));

const pathOf = ({ folder }: Derivation<unknown>, { start, end }: Range): string =>
  join(folder, `${start}-${end}.block`);

async function writeBlock(path: string, values: DerivedValues): Promise<void> {
  const bytes = values.map((value) => (value instanceof Uint8Array ? value : new TextEncoder().encode(value.failure)));
  const head = new DataView(new ArrayBuffer(headBytes(values.length)));
  head.setUint32(0, magic, true);
  head.setUint32(4, values.length, true);
  let end = 0;
  bytes.forEach(({ byteLength }, i) => {
    end += byteLength;
    head.setFloat64(8 + 8 * i, values[i] instanceof Uint8Array ? end : -end, true);
  });
  await writeBeside(path, async (file) => {
    await writeAll(file, new Uint8Array(head.buffer));
    for (const part of bytes) await writeAll(file, part);
  });
}

/** Whether a block is there whole. One that was cut, or is of another count, is removed. */
async function isComplete(path: string, { start, end }: Range): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return false;
  const offsets = await readEnds(path).catch(() => undefined);
  if (offsets?.length === end - start) return true;
  await rm(path, { force: true });
  return false;
}

async function readEnds(path: string): Promise<Float64Array> {
  return withFile(path, async (file, size) => {
    const head = new DataView((await readFrom(file, path, 0, 8)).buffer);
    const count = head.getUint32(4, true);
    if (head.getUint32(0, true) !== magic || size < headBytes(count)) throw cutBlock(path);
    const ends = new Float64Array((await readFrom(file, path, 8, 8 * count)).buffer);
    const last = count === 0 ? 0 : Math.abs(ends[count - 1]);
    if (size !== headBytes(count) + last) throw cutBlock(path);
    return ends;
  });
}

async function readValue(path: string, ends: Float64Array, place: number): Promise<Uint8Array<ArrayBuffer>> {
  const start = place === 0 ? 0 : Math.abs(ends[place - 1]);
  const end = Math.abs(ends[place]);
  const bytes = await readRange(path, headBytes(ends.length) + start, end - start);
  if (!Object.is(ends[place], -end)) return bytes;
  throw new ChatRexError('invalid-file', new TextDecoder().decode(bytes));
}

const cutBlock = (path: string): ChatRexError =>
  new ChatRexError('invalid-file', `${path} was cut or is of another kind; delete it and run the command again`);
