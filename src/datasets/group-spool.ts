/**
 * Joins two lists of a file, such as COCO's images and annotations, that come one after the other and together do not
 * fit in memory. Rows are put into buckets by the hash of their key, on disk once there are many; each bucket is then
 * grouped alone, and the groups are merged in the order in which their heads came.
 */

import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { textLines } from './json/lines.ts';

/** Rows that are kept in memory, in characters, before they go to disk. */
const memoryLimit = 8 * 2 ** 20;

/** A gigabyte of rows makes buckets of 8 MB, which take some 50 MB while they are grouped. All are open at once. */
const bucketCount = 128;

export interface Group<Head, Row> {
  /** Undefined where rows have a key that no head has. */
  readonly head: Head | undefined;
  readonly key: string;
  readonly rows: readonly Row[];
}

/** Each line: key, order of the head or -1 for a row, value. */
type Entry = readonly [key: string, order: number, value: unknown];

/** Heads and rows of plain JSON. */
export class GroupSpool<Head, Row> {
  readonly #scratch: () => Promise<string>;
  readonly #memoryLimit: number;
  #pending: string[][] = Array.from({ length: bucketCount }, () => []);
  #pendingLength = 0;
  #files: FileHandle[] | undefined;
  #folder = '';
  #heads = 0;

  /** @param scratch an empty folder, asked for only when rows must go to disk */
  constructor(scratch: () => Promise<string>, memoryLimitCharacters = memoryLimit) {
    this.#scratch = scratch;
    this.#memoryLimit = memoryLimitCharacters;
  }

  /** @returns a promise only when rows are written to disk, so that most calls need not be awaited */
  addHead(key: string, head: Head): Promise<void> | undefined {
    return this.#add(key, [key, this.#heads++, head]);
  }

  /** @returns as `addHead` */
  addRow(key: string, row: Row): Promise<void> | undefined {
    return this.#add(key, [key, -1, row]);
  }

  #add(key: string, entry: Entry): Promise<void> | undefined {
    const line = JSON.stringify(entry);
    this.#pending[bucketOf(key)].push(line);
    this.#pendingLength += line.length;
    return this.#pendingLength > this.#memoryLimit ? this.#flush() : undefined;
  }

  async #flush(): Promise<void> {
    if (this.#files === undefined) {
      this.#folder = await this.#scratch();
      this.#files = [];
      for (let at = 0; at < bucketCount; at++) this.#files.push(await open(this.#path('rows', at), 'wx'));
    }
    for (const [at, lines] of this.#pending.entries()) {
      if (lines.length > 0) await this.#files[at].appendFile(`${lines.join('\n')}\n`);
    }
    this.#pending = Array.from({ length: bucketCount }, () => []);
    this.#pendingLength = 0;
  }

  #path(kind: 'rows' | 'groups', bucket: number): string {
    return join(this.#folder, `${kind}-${bucket}.jsonl`);
  }

  /**
   * All groups, in the order of their heads; then those without a head. A second head of a key is a group without
   * rows.
   */
  async *groups(): AsyncGenerator<Group<Head, Row>> {
    if (this.#files === undefined) {
      const entries = this.#pending.flat().map((line) => JSON.parse(line) as Entry);
      yield* groupEntries<Head, Row>(entries).map(([, group]) => group);
      return;
    }
    await this.#flush();
    await this.close();
    for (let at = 0; at < bucketCount; at++) await this.#groupBucket(at);
    yield* mergeBuckets<Head, Row>(Array.from({ length: bucketCount }, (_, at) => this.#path('groups', at)));
  }

  async #groupBucket(at: number): Promise<void> {
    const entries: Entry[] = [];
    for await (const lines of textLines(this.#path('rows', at))) {
      for (const { bytes } of lines) entries.push(JSON.parse(bytes.toString()) as Entry);
    }
    const file = await open(this.#path('groups', at), 'wx');
    try {
      let text = '';
      for (const group of groupEntries<Head, Row>(entries)) {
        text += `${JSON.stringify(group)}\n`;
        if (text.length > 2 ** 20) {
          await file.appendFile(text);
          text = '';
        }
      }
      await file.appendFile(text);
    } finally {
      await file.close();
    }
  }

  /** Closes the files; they lie in the scratch folder. */
  async close(): Promise<void> {
    for (const file of this.#files ?? []) await file.close().catch(() => {});
  }
}

/** FNV-1a. */
function bucketOf(key: string): number {
  let bits = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) bits = Math.imul(bits ^ key.charCodeAt(at), 0x01000193);
  return ((bits >>> 16) ^ bits) & (bucketCount - 1);
}

type OrderedGroup<Head, Row> = readonly [order: number, group: Group<Head, Row>];

function groupEntries<Head, Row>(entries: readonly Entry[]): OrderedGroup<Head, Row>[] {
  const rowsOf = new Map<string, Row[]>();
  for (const [key, order, value] of entries) {
    if (order >= 0) continue;
    const rows = rowsOf.get(key);
    if (rows === undefined) rowsOf.set(key, [value as Row]);
    else rows.push(value as Row);
  }
  const groups: OrderedGroup<Head, Row>[] = [];
  const seen = new Set<string>();
  for (const [key, order, value] of entries) {
    if (order < 0) continue;
    groups.push([order, { key, head: value as Head, rows: seen.has(key) ? [] : (rowsOf.get(key) ?? []) }]);
    seen.add(key);
  }
  groups.sort(([a], [b]) => a - b);
  for (const [key, rows] of rowsOf) {
    if (!seen.has(key)) groups.push([Number.MAX_SAFE_INTEGER, { key, head: undefined, rows }]);
  }
  return groups;
}

/** Each file is in order; the smallest first entry of all comes next. */
async function* mergeBuckets<Head, Row>(paths: readonly string[]): AsyncGenerator<Group<Head, Row>> {
  const sources = paths.map((path) => orderedGroups<Head, Row>(path));
  try {
    const heads = await Promise.all(sources.map((source) => source.next()));
    for (;;) {
      let best = -1;
      for (const [at, head] of heads.entries()) {
        if (!head.done && (best < 0 || head.value[0] < (heads[best].value as OrderedGroup<Head, Row>)[0])) best = at;
      }
      if (best < 0) return;
      yield (heads[best].value as OrderedGroup<Head, Row>)[1];
      heads[best] = await sources[best].next();
    }
  } finally {
    for (const source of sources) await source.return(undefined);
  }
}

async function* orderedGroups<Head, Row>(path: string): AsyncGenerator<OrderedGroup<Head, Row>> {
  for await (const lines of textLines(path, { chunkBytes: mergeChunkBytes })) {
    for (const { bytes } of lines) yield JSON.parse(bytes.toString()) as OrderedGroup<Head, Row>;
  }
}

/** All buckets are open at once while they are merged. */
const mergeChunkBytes = 1 << 16;
