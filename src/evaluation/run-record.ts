/** `run.json`: what the rows of a folder are answers of. Rows of another model, data or options never mix with them. */

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ChatRexError } from '../errors.ts';
import { writeAll, writeBeside } from '../files.ts';

/** Raised when rows have another layout than before. */
const version = 2;

const recordSchema = z.object({
  version: z.number(),
  suite: z.string(),
  /** Who answers: names and a hash of the files, or an endpoint's address and model. */
  model: z.record(z.string(), z.unknown()),
  data: z.object({ name: z.string(), fingerprint: z.string(), size: z.number(), spec: z.unknown() }),
  /** Everything that changes a question or an answer. */
  options: z.record(z.string(), z.unknown()),
  /** How rows are scored: a later command may score them in another way. */
  scoring: z.record(z.string(), z.unknown()).optional(),
});

export type RunRecord = z.infer<typeof recordSchema>;

export const runRecordPath = (folder: string): string => join(folder, 'run.json');

export const createRunRecord = (parts: Omit<RunRecord, 'version'>): RunRecord => ({ version, ...parts });

/**
 * Writes the record into a folder, which is made if it is missing, or checks that the one there is of the same run.
 * @returns whether the folder held this run already
 * @throws ChatRexError 'invalid-argument' naming what differs from the run in the folder
 */
export async function claimRun(folder: string, record: RunRecord): Promise<boolean> {
  const path = runRecordPath(folder);
  const own = JSON.parse(JSON.stringify(record)) as RunRecord;
  const existing = await readRunRecord(folder).catch((error: unknown) => {
    if (error instanceof ChatRexError && error.code === 'not-found') return undefined;
    throw error;
  });
  const write = () => writeBeside(path, (file) => writeAll(file, Buffer.from(`${JSON.stringify(own, null, 2)}\n`)));
  if (existing === undefined) {
    await mkdir(folder, { recursive: true });
    await write();
    return false;
  }
  const difference = firstDifference(identity(existing), identity(own), '');
  if (difference === undefined) {
    if (firstDifference(existing, own, '') !== undefined) await write();
    return true;
  }
  throw new ChatRexError('invalid-argument', `${path} is of another run: ${difference}; use another folder`);
}

/** Where the data lie, how they are named and how rows are scored is free; what the data are is the fingerprint. */
const identity = ({ data: { fingerprint }, scoring: _, ...record }: RunRecord) => ({
  ...record,
  data: { fingerprint },
});

/** @throws ChatRexError 'not-found' without a record, 'invalid-file' for one that cannot be read */
export async function readRunRecord(folder: string): Promise<RunRecord> {
  const path = runRecordPath(folder);
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw cause;
    throw new ChatRexError('not-found', `${folder}: expected the folder of an evaluation, but run.json is missing`, {
      cause,
    });
  });
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ChatRexError('invalid-file', `${path}: expected the record of an evaluation; use another folder`, {
      cause,
    });
  }
}

/** The first place in which two JSON values differ, in words. */
function firstDifference(before: unknown, now: unknown, path: string): string | undefined {
  if (isObject(before) && isObject(now)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
      const difference = firstDifference(before[key], now[key], path === '' ? key : `${path}.${key}`);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }
  const [was, is] = [JSON.stringify(before), JSON.stringify(now)];
  return was === is ? undefined : `${path} was ${was ?? 'missing'} and is ${is ?? 'missing'}`;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
