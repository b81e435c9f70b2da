/** What the tests of this folder share: a scratch folder, and values as the fixtures describe them. */

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { ChatRexError, type ErrorCode } from '../../errors.ts';
import type { TensorInfo, WeightFile } from '../weight-file.ts';

/** Where the fixtures lie. */
export const fixtures = 'fixtures/weights';

interface ExpectedTensor {
  dtype: string;
  shape: number[];
  values: (number | string | boolean)[];
}

/** Values of every fixture by file and tensor, as Python read them. */
export const expectedByFile = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as Record<
  string,
  Record<string, ExpectedTensor>
>;

/** A folder for the tests of one file; gives a path in it. */
export function useScratchFolder(): (name: string) => string {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatrex-weights-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return (name) => join(folder, name);
}

/** Expects a typed error of one line. */
export async function expectError(action: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<ChatRexError> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ChatRexError);
  expect((error as ChatRexError).message).toMatch(message);
  expect((error as ChatRexError).code).toBe(code);
  expect((error as ChatRexError).message).not.toContain('\n');
  return error as ChatRexError;
}

/** All tensors of a file in the form of `expected.json`. */
export async function describeFile(file: WeightFile<TensorInfo>): Promise<Record<string, ExpectedTensor>> {
  const described: Record<string, ExpectedTensor> = {};
  for (const { name, dtype, shape } of file.tensors.values()) {
    const isHalf = dtype === 'float16' || dtype === 'bfloat16';
    const values = Array.from<number | bigint>(isHalf ? await file.readFloat32(name) : await file.read(name));
    const plain = values.map((value) => (typeof value === 'bigint' ? String(value) : value));
    described[name] = { dtype, shape: [...shape], values: dtype === 'bool' ? plain.map(Boolean) : plain };
  }
  return described;
}

/** A safetensors file's bytes from its header (JSON, or text to write as it is) and data. */
export function encodeSafetensors(header: unknown, data: Uint8Array = new Uint8Array(0)): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}
