import { readdir, readFile, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { elementCount, type TensorValues, viewBytes, viewValues, weightDtypes } from './dtype.ts';
import { openSafetensors } from './safetensors.ts';
import { writeSafetensors } from './safetensors-writer.ts';
import {
  describeFile,
  encodeSafetensors,
  expectError,
  expectedByFile,
  fixtures,
  useScratchFolder,
} from './testing/support.ts';

const scratch = useScratchFolder();

describe('reading', () => {
  test('agrees with the safetensors package on every element type', async () => {
    const file = await openSafetensors(`${fixtures}/dtypes.safetensors`);
    expect(await describeFile(file)).toEqual(expectedByFile['dtypes.safetensors']);
    expect(file.metadata).toEqual({ format: 'pt', note: 'é' });
  });

  test('locations point at the bytes', async () => {
    const path = `${fixtures}/dtypes.safetensors`;
    const file = await openSafetensors(path);
    const bytes = await readFile(path);
    for (const { name, byteOffset, byteLength, path: where } of file.tensors.values()) {
      const values = await file.read(name);
      expect(where).toBe(path);
      expect(Buffer.compare(bytes.subarray(byteOffset, byteOffset + byteLength), viewBytes(values))).toBe(0);
    }
  });

  test('only float tensors become float32, and unknown names are named', async () => {
    const file = await openSafetensors(`${fixtures}/dtypes.safetensors`);
    expect(await file.readFloat32('float64')).toEqual(Float32Array.of(-0.5, -0.25, 0, 0.25, 0.5, 0.75));
    await expectError(file.readFloat32('int64'), 'unsupported', /int64/);
    await expectError(file.read('nobody'), 'not-found', /"nobody"/);
  });

  test('a file that shrinks after it was opened is an error, not zeros', async () => {
    const path = scratch('shrinks.safetensors');
    await writeSafetensors(path, [{ name: 'w', dtype: 'float32', shape: [4], data: new Float32Array(4) }]);
    const file = await openSafetensors(path);
    await writeFile(path, (await readFile(path)).subarray(0, -4));
    await expectError(file.read('w'), 'invalid-file', /ends 4 bytes early/);
  });
});

describe('refuses', () => {
  const two = { dtype: 'U8', shape: [2], data_offsets: [0, 2] };
  const data = new Uint8Array(2);
  const withLength = (length: bigint) => {
    const bytes = encodeSafetensors({ a: two }, data);
    bytes.writeBigUInt64LE(length);
    return bytes;
  };
  const cases: [string, Uint8Array, RegExp][] = [
    ['an empty file', new Uint8Array(0), /only 0 bytes/],
    ['a header longer than the file', withLength(1000n), /claims 1000 bytes/],
    ['a header of 2^64 - 1 bytes', withLength(2n ** 64n - 1n), /claims 18446744073709552000 bytes/],
    ['truncated data', encodeSafetensors({ a: two }, new Uint8Array(1)), /truncated/],
    ['bytes after the last tensor', encodeSafetensors({ a: two }, new Uint8Array(3)), /after the last tensor/],
    [
      'an overlap',
      encodeSafetensors({ a: two, b: { ...two, data_offsets: [1, 3] } }, new Uint8Array(3)),
      /"b" overlaps/,
    ],
    ['a gap', encodeSafetensors({ a: two, b: { ...two, data_offsets: [3, 5] } }, new Uint8Array(5)), /gap before/],
    ['a gap at the start', encodeSafetensors({ a: { ...two, data_offsets: [1, 3] } }, new Uint8Array(3)), /gap before/],
    [
      'a size that is not shape times dtype',
      encodeSafetensors({ a: { ...two, dtype: 'F32' } }, data),
      /float32 \[2\] \(8/,
    ],
    ['the same key twice', encodeSafetensors('{"a":{},"b":"{\\"a\\":1}","\\u0061":{}}'), /"a" twice/],
    ['a field twice', encodeSafetensors('{"a":{"dtype":"U8","dtype":"I8"}}'), /"dtype" twice/],
    ['broken JSON', encodeSafetensors('{"a":'), /not JSON/],
    ['a header that is an array', encodeSafetensors('[]'), /not a JSON object/],
    ['a header that starts with a space', encodeSafetensors(' {}'), /not a JSON object/],
    ['broken UTF-8', Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0xff, 0x7d])]), /not UTF-8/],
    ['a byte order mark', encodeSafetensors('\ufeff{}'), /not JSON/],
    ['a tensor that is a number', encodeSafetensors({ a: 1 }), /"a" is not a JSON object/],
    ['an unknown dtype', encodeSafetensors({ a: { ...two, dtype: 'X9' } }, data), /unknown dtype "X9"/],
    ['no dtype', encodeSafetensors({ a: { shape: [2], data_offsets: [0, 2] } }, data), /unknown dtype/],
    ['a negative size', encodeSafetensors({ a: { ...two, shape: [-2] } }, data), /no shape/],
    ['a fractional size', encodeSafetensors({ a: { ...two, shape: [1.5] } }, data), /no shape/],
    [
      'a size past 2^53',
      encodeSafetensors('{"a":{"dtype":"U8","shape":[9007199254740993],"data_offsets":[0,2]}}', data),
      /no shape/,
    ],
    [
      'an infinite size',
      encodeSafetensors('{"a":{"dtype":"U8","shape":[1e999],"data_offsets":[0,2]}}', data),
      /no shape/,
    ],
    [
      'an overflowing shape',
      encodeSafetensors({ a: { ...two, shape: [2 ** 40, 2 ** 40, 0], dtype: 'F32' } }, data),
      /spans 2/,
    ],
    ['offsets that run backwards', encodeSafetensors({ a: { ...two, data_offsets: [2, 0] } }, data), /spans -2/],
    ['a single offset', encodeSafetensors({ a: { ...two, data_offsets: [2] } }, data), /data_offsets/],
    ['metadata that is not text', encodeSafetensors({ __metadata__: { a: 1 } }), /map of strings/],
  ];
  test.each(cases)('%s', async (name, bytes, message) => {
    const path = scratch(`${name.replaceAll(' ', '-').replaceAll('^', '')}.safetensors`);
    await writeFile(path, bytes);
    await expectError(openSafetensors(path), 'invalid-file', message);
  });

  test('8-bit floats by name, missing files and folders', async () => {
    const path = scratch('f8.safetensors');
    await writeFile(path, encodeSafetensors({ a: { ...two, dtype: 'F8_E4M3' } }, data));
    await expectError(openSafetensors(path), 'unsupported', /F8_E4M3/);
    await expectError(openSafetensors(scratch('none.safetensors')), 'not-found', /none\.safetensors does not exist/);
    await expectError(openSafetensors(scratch('.')), 'invalid-file', /not a file/);
  });

  test('a header past the limit before reading it', async () => {
    const path = scratch('huge-header.safetensors');
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(100_000_001n);
    const { open } = await import('node:fs/promises');
    const file = await open(path, 'w');
    await file.write(bytes);
    await file.truncate(100_000_100);
    await file.close();
    await expectError(openSafetensors(path), 'limit-exceeded', /at most 100000000/);
  });
});

describe('writing', () => {
  test('what is written is read back, whatever the names, types and shapes', async () => {
    const tensor = fc.record({
      name: fc.string({ unit: 'grapheme' }),
      dtype: fc.constantFrom(...weightDtypes),
      shape: fc.array(fc.nat(3), { maxLength: 3 }),
    });
    const path = scratch('round-trip.safetensors');
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(tensor, { selector: ({ name }) => name }), async (tensors) => {
        const valuesOf = new Map<string, TensorValues>();
        for (const { name, dtype, shape } of tensors) {
          const bytes = Uint8Array.from({ length: 8 * elementCount(shape) }, (_, i) => (i * 37) % 256);
          const values = viewValues(bytes, dtype).slice(0, elementCount(shape));
          valuesOf.set(name, values as TensorValues);
        }
        const entries = tensors.map((entry) => ({ ...entry, data: valuesOf.get(entry.name)! }));
        await writeSafetensors(path, entries, { 'a "key"': 'ü' });
        const file = await openSafetensors(path);
        expect(file.metadata).toEqual({ 'a "key"': 'ü' });
        expect(new Set(file.tensors.keys())).toEqual(new Set(valuesOf.keys()));
        for (const { name, shape, dtype } of tensors) {
          expect(file.tensors.get(name)).toMatchObject({ shape, dtype });
          expect(viewBytes(await file.read(name))).toEqual(viewBytes(valuesOf.get(name)!));
        }
      }),
      { numRuns: 100 },
    );
  });

  test('every tensor is aligned to its element size', async () => {
    const path = scratch('aligned.safetensors');
    const bytes = { name: 'bytes', dtype: 'uint8' as const, shape: [3], data: new Uint8Array(3) };
    const doubles = { name: 'doubles', dtype: 'float64' as const, shape: [1], data: new Float64Array(1) };
    await writeSafetensors(path, [bytes, doubles]);
    expect((await openSafetensors(path)).tensors.get('doubles')!.byteOffset % 8).toBe(0);
  });

  test('takes values from promises and streams, one tensor at a time', async () => {
    const path = scratch('producers.safetensors');
    const log: string[] = [];
    await writeSafetensors(path, [
      {
        name: 'later',
        dtype: 'float32',
        shape: [2],
        data: async () => {
          log.push('later');
          return Float32Array.of(1, 2);
        },
      },
      {
        name: 'stream',
        dtype: 'float32',
        shape: [3],
        data: async function* () {
          log.push('stream');
          yield Float32Array.of(3);
          yield Float32Array.of(4, 5);
        },
      },
    ]);
    const file = await openSafetensors(path);
    expect(log).toEqual(['later', 'stream']);
    expect(await file.read('later')).toEqual(Float32Array.of(1, 2));
    expect(await file.read('stream')).toEqual(Float32Array.of(3, 4, 5));
  });

  test('a failure leaves neither a new file nor a damaged old one', async () => {
    const folder = scratch('');
    const path = scratch('kept.safetensors');
    const entry = { name: 'w', dtype: 'float32' as const, shape: [2] };
    await writeSafetensors(path, [{ ...entry, data: Float32Array.of(1, 2) }]);
    const before = await readdir(folder);
    const failing = { ...entry, data: () => Promise.reject(new Error('the producer failed')) };
    await expect(writeSafetensors(path, [failing])).rejects.toThrow('the producer failed');
    await expectError(writeSafetensors(path, [{ ...entry, data: new Float32Array(1) }]), 'invalid-argument', /4 came/);
    await expectError(
      writeSafetensors(path, [{ ...entry, data: new Float32Array(3) }]),
      'invalid-argument',
      /more came/,
    );
    const twice = { ...entry, data: new Float32Array(2) };
    await expectError(writeSafetensors(path, [twice, twice]), 'invalid-argument', /two tensors would be called "w"/);
    await expectError(writeSafetensors(path, [{ ...twice, shape: [-2] }]), 'invalid-argument', /shape float32 \[-2\]/);
    await expectError(writeSafetensors(scratch('no/where.safetensors'), [twice]), 'not-found', /folder/);
    expect(await readdir(folder)).toEqual(before);
    expect(await (await openSafetensors(path)).read('w')).toEqual(Float32Array.of(1, 2));
  });
});
