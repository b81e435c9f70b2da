/**
 * Damaged files: whatever the bytes, a typed error or a file that can be read; never a crash, a hang or a full memory.
 */

import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChatRexError } from '../errors.ts';
import { withFile } from '../file-range.ts';
import { tensorBytes } from './dtype.ts';
import { unpickle } from './pickle.ts';
import { openSafetensors } from './safetensors.ts';
import { parseHeader, parseHeaderLength } from './safetensors-header.ts';
import { encodeSafetensors, fixtures, useScratchFolder } from './testing/support.ts';
import { encodeTorchArchive } from './testing/torch-archive.ts';
import { openTorchCheckpoint } from './torch-checkpoint.ts';
import { collectTensors } from './torch-collect.ts';
import { createTorchHost } from './torch-pickle.ts';
import type { TensorInfo, WeightFile } from './weight-file.ts';
import { readZipEntries } from './zip.ts';

const scratch = useScratchFolder();
const seed = 20_241_127;
const maxGrowthBytes = 300 * 2 ** 20;
/** Of the processor's time, which does not run while the machine does other things. */
const maxCaseMs = 2000;

let residentBytes = 0;
beforeAll(() => {
  residentBytes = process.memoryUsage().rss;
});
afterAll(() => expect(process.memoryUsage().rss - residentBytes).toBeLessThan(maxGrowthBytes));

/** One change to a file: `place` and `amount` are fractions of what is there. */
interface Mutation {
  readonly kind: 'flip' | 'replace' | 'insert' | 'delete' | 'repeat' | 'truncate';
  readonly place: number;
  readonly amount: number;
  readonly bytes: Uint8Array;
}

const fraction = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

/** Bytes that mean something to the formats: numbers at their limits, JSON, and opcodes. */
const telling = fc.constantFrom(
  ...['-1', '0', '1e999', '9007199254740993', '18446744073709551616', '[]', '{}', '"a"', 'null', ',', '"', '\\', '[[['],
  ...[
    '\xff\xff\xff\xff',
    '\x00\x00\x00\x00',
    '\xff\xff\xff\x7f',
    '(',
    't',
    ')',
    'R',
    'Q',
    '}',
    ']',
    'u',
    'e',
    'h\x00',
    '2',
    '0',
  ],
  ...[
    '.',
    'b',
    's',
    'cos\nsystem\n',
    '\x93',
    '\x94',
    '\x8b\xff\xff\xff\x7f',
    'X\xff\xff\xff\xff',
    '\x96',
    'PK\x05\x06',
    'PK\x01\x02',
  ],
);
const telltaleBytes = telling.map((text) => Uint8Array.from(Buffer.from(text, 'latin1')));

const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('flip', 'replace', 'insert', 'delete', 'repeat', 'truncate'),
    place: fraction,
    amount: fraction,
    bytes: fc.oneof(telltaleBytes, fc.uint8Array({ minLength: 1, maxLength: 8 })),
  }),
  { minLength: 1, maxLength: 3 },
);

function mutate(original: Uint8Array, changes: readonly Mutation[]): Uint8Array {
  let bytes: Uint8Array = Buffer.from(original);
  for (const { kind, place, amount, bytes: piece } of changes) {
    const at = Math.floor(place * bytes.length);
    const length = 1 + Math.floor(amount * 32);
    const rest = (from: number) => bytes.subarray(from);
    if (kind === 'flip' && bytes.length > 0) bytes[at] ^= 1 << Math.floor(amount * 8);
    if (kind === 'replace') bytes = Buffer.concat([bytes.subarray(0, at), piece, rest(at + piece.length)]);
    if (kind === 'insert') bytes = Buffer.concat([bytes.subarray(0, at), piece, rest(at)]);
    if (kind === 'delete') bytes = Buffer.concat([bytes.subarray(0, at), rest(at + length)]);
    if (kind === 'repeat') bytes = Buffer.concat([bytes.subarray(0, at + length), rest(at)]);
    if (kind === 'truncate') bytes = bytes.subarray(0, at);
  }
  return bytes;
}

/** Runs `read` on damaged bytes `count` times; a typed error is as good as a result. */
async function fuzz(count: number, damaged: fc.Arbitrary<Uint8Array>, read: (bytes: Uint8Array) => unknown) {
  const counts = { read: 0, refused: 0 };
  const property = fc.asyncProperty(damaged, async (bytes) => {
    const start = process.cpuUsage();
    try {
      await read(bytes);
      counts.read++;
    } catch (error) {
      if (!(error instanceof ChatRexError)) throw error;
      expect(error.message.length).toBeLessThan(1500);
      counts.refused++;
    }
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000).toBeLessThan(maxCaseMs);
  });
  await fc.assert(property, { numRuns: count, seed, endOnFailure: true });
  return counts;
}

/** Opens damaged bytes as a file and reads all that they claim to hold. */
function throughFile(fileName: string, open: (path: string) => Promise<WeightFile<TensorInfo>>) {
  return async (bytes: Uint8Array) => {
    const path = scratch(fileName);
    await writeFile(path, bytes);
    const file = await open(path);
    for (const name of file.tensors.keys()) await file.read(name);
  };
}

test('10,000 safetensors headers', async () => {
  const original = readFileSync(`${fixtures}/dtypes.safetensors`);
  const headerBytes = Number(original.readBigUInt64LE(0));
  const header = original.subarray(8, 8 + headerBytes);
  const data = original.subarray(8 + headerBytes);
  // Half of the headers get a length that fits them, so that damage reaches past the first check.
  const bytes = fc.tuple(mutations, fc.boolean()).map(([changes, hasFittingLength]) => {
    if (!hasFittingLength) return mutate(original, changes);
    const text = mutate(header, changes);
    const length = encodeSafetensors('').subarray(0, 8);
    length.writeBigUInt64LE(BigInt(text.length));
    return Buffer.concat([length, text, data]);
  });
  const counts = await fuzz(10_000, bytes, (damaged) => {
    const place = { path: 'fuzz.safetensors', fileBytes: damaged.byteLength };
    if (damaged.byteLength < 8) return;
    const end = 8 + parseHeaderLength(damaged.subarray(0, 8), place);
    for (const tensor of parseHeader(damaged.subarray(8, end), place).tensors.values()) {
      expect(tensor.byteOffset).toBeGreaterThanOrEqual(end);
      expect(tensor.byteOffset + tensor.byteLength).toBeLessThanOrEqual(damaged.byteLength);
      expect(tensorBytes(tensor)).toBe(tensor.byteLength);
    }
  });
  expect(counts.refused).toBeGreaterThan(5000);
  expect(counts.read).toBeGreaterThan(10);
  await fuzz(300, bytes, throughFile('fuzz.safetensors', openSafetensors));
});

test('2,000 pickles and 2,000 rows of opcodes', async () => {
  const names = [
    'nested-torch-2.15.pth',
    'views-torch-1.13.pth',
    'protocol4-torch-2.15.pth',
    'malicious.pth',
    'typed-storages.pth',
  ];
  const originals = await Promise.all(names.map((name) => readParts(`${fixtures}/${name}`)));
  const readPickle = (bytes: Uint8Array) =>
    collectTensors('fuzz.pth', unpickle(bytes, createTorchHost('fuzz.pth')), undefined);
  const pickles = fc.tuple(fc.constantFrom(...originals), mutations);
  const counts = await fuzz(
    2000,
    pickles.map(([{ pickle }, changes]) => mutate(pickle, changes)),
    readPickle,
  );
  expect(counts.refused).toBeGreaterThan(1000);
  expect(counts.read).toBeGreaterThan(10);
  const opcodes = fc.array(telltaleBytes, { maxLength: 60 }).map((rows) => Buffer.concat([...rows, Buffer.from('.')]));
  await fuzz(2000, opcodes, readPickle);
  const archives = pickles.map(([{ pickle, storages }, changes]) =>
    encodeTorchArchive(mutate(pickle, changes), storages),
  );
  await fuzz(200, archives, throughFile('fuzz.pth', openTorchCheckpoint));
});

test('1,000 archives', async () => {
  const { pickle, storages } = await readParts(`${fixtures}/parameters-torch-1.13.pth`);
  const originals = [false, true].map((zip64) => encodeTorchArchive(pickle, storages, { zip64 }));
  const archives = fc
    .tuple(fc.constantFrom(...originals), mutations)
    .map(([original, changes]) => mutate(original, changes));
  const counts = await fuzz(1000, archives, throughFile('archive.pth', openTorchCheckpoint));
  expect(counts.refused).toBeGreaterThan(300);
  expect(counts.read).toBeGreaterThan(10);
});

/** The pickle and the storages of a PyTorch archive. */
async function readParts(path: string): Promise<{ pickle: Uint8Array; storages: Record<string, Uint8Array> }> {
  const entries = await withFile(path, (file, fileBytes) => readZipEntries(file, path, fileBytes));
  const bytes = await readFile(path);
  const storages: Record<string, Uint8Array> = {};
  let pickle = new Uint8Array(0);
  for (const [name, { byteOffset, byteLength }] of entries) {
    const part = Uint8Array.from(bytes.subarray(byteOffset, byteOffset + byteLength));
    const [, inFolder] = name.split(/\/(.*)/);
    if (inFolder === 'data.pkl') pickle = part;
    else if (inFolder.startsWith('data/')) storages[inFolder.slice('data/'.length)] = part;
  }
  return { pickle, storages };
}
