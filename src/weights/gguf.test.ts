import { readFile, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChatRexError } from '../errors.ts';
import { float32ToFloat16 } from './float16.ts';
import { openGguf } from './gguf.ts';
import { dequantize, type GgufType, storedBytes } from './gguf-blocks.ts';
import { HeaderIsLonger, parseGgufHeader } from './gguf-header.ts';
import { encodeGguf } from './testing/gguf.ts';
import { fixtures, useScratchFolder } from './testing/support.ts';

const scratch = useScratchFolder();
const half = (value: number): number[] => [...new Uint8Array(float32ToFloat16(Float32Array.of(value)).buffer)];

const small = encodeGguf(
  {
    'general.architecture': 'llama',
    'a.list': ['x', 'ß'],
    'a.number': 7,
    'a.float': 0.5,
    'a.flag': true,
    'a.none': [],
  },
  [
    { name: 'norm', type: 'F32', shape: [2], bytes: new Uint8Array(Float32Array.of(1.5, -2).buffer) },
    { name: 'half', type: 'F16', shape: [2, 1], bytes: Uint8Array.from([...half(0.25), ...half(-3)]) },
    // Bytes of 0x1f: low halves 15, high halves 1.
    { name: 'q40', type: 'Q4_0', shape: [1, 32], bytes: Uint8Array.from([...half(0.5), ...new Array(16).fill(0x1f)]) },
    {
      name: 'q41',
      type: 'Q4_1',
      shape: [32],
      bytes: Uint8Array.from([...half(0.5), ...half(-1), ...new Array(16).fill(0x1f)]),
    },
    {
      name: 'q80',
      type: 'Q8_0',
      shape: [1, 1, 32],
      bytes: Uint8Array.from([...half(0.5), ...new Array(32).fill(0xfe)]),
    },
  ],
);

async function stored(bytes: Uint8Array): Promise<string> {
  const path = scratch('model.gguf');
  await writeFile(path, bytes);
  return path;
}

test('metadata and values of every kind', async () => {
  const file = await openGguf(await stored(small));
  expect(Object.fromEntries(file.metadata)).toEqual({
    'general.architecture': 'llama',
    'a.list': ['x', 'ß'],
    'a.number': 7,
    'a.float': 0.5,
    'a.flag': true,
    'a.none': [],
  });
  expect([...file.tensors.values()].map(({ name, shape }) => [name, shape])).toEqual([
    ['norm', [2]],
    ['half', [2, 1]],
    ['q40', [1, 32]],
    ['q41', [32]],
    ['q80', [1, 1, 32]],
  ]);
  const sixteen = (value: number) => new Array(16).fill(value);
  expect([...(await file.readFloat32('norm'))]).toEqual([1.5, -2]);
  expect([...(await file.readFloat32('half'))]).toEqual([0.25, -3]);
  expect([...(await file.readFloat32('q40'))]).toEqual([...sixteen(3.5), ...sixteen(-3.5)]);
  expect([...(await file.readFloat32('q41'))]).toEqual([...sixteen(6.5), ...sixteen(-0.5)]);
  expect([...(await file.readFloat32('q80'))]).toEqual(new Array(32).fill(-1));
  await expect(file.readFloat32('other')).rejects.toMatchObject({ code: 'not-found' });
});

test('blocks of random bytes are what the package gguf makes of them', async () => {
  const golden: Record<string, { bytes: string; values: number[] }> = JSON.parse(
    await readFile(`${fixtures}/gguf-blocks.json`, 'utf8'),
  );
  for (const [type, { bytes, values }] of Object.entries(golden)) {
    const found = dequantize(type as GgufType, Uint8Array.from(Buffer.from(bytes, 'base64')));
    // Zero has no sign here.
    expect(Array.from(found, (value) => value + 0)).toEqual(values.map((value) => Math.fround(value) + 0));
  }
});

test('a header that ends where the bytes end is read on, one that ends with the file is refused', async () => {
  const place = { path: 'x', fileBytes: small.length };
  for (let length = 0; length < 200; length += 7) {
    expect(() => parseGgufHeader(small.subarray(0, length), place)).toThrow(HeaderIsLonger);
  }
  await expect(openGguf(await stored(small.subarray(0, 150)))).rejects.toMatchObject({ code: 'invalid-file' });
  await expect(openGguf(await stored(small.subarray(0, small.length - 64)))).rejects.toThrow(/truncated/);
});

test.each([
  ['another format', Uint8Array.from({ length: 64 }, () => 1), 'invalid-file'],
  ['an empty file', new Uint8Array(0), 'invalid-file'],
  ['a version to come', encodeGguf({}, [], { version: 4 }), 'unsupported'],
  [
    'an element type that is not read',
    encodeGguf({}, [{ name: 'k', type: 12, shape: [256], bytes: new Uint8Array(144) }]),
    'unsupported',
  ],
  [
    'rows that are no whole number of blocks',
    encodeGguf({}, [{ name: 'k', type: 'Q8_0', shape: [33], bytes: new Uint8Array(68) }]),
    'invalid-file',
  ],
  [
    'two tensors of one name',
    encodeGguf(
      {},
      [1, 2].map(() => ({ name: 'k', type: 'F32', shape: [1], bytes: new Uint8Array(4) }) as const),
    ),
    'invalid-file',
  ],
  ['an alignment of nothing', encodeGguf({ 'general.alignment': 0 }, []), 'invalid-file'],
])('%s is refused', async (_, bytes, code) => {
  await expect(openGguf(await stored(bytes))).rejects.toMatchObject({ code });
});

test('whatever the bytes, a typed error or a file that can be read', async () => {
  const numbers = [0, 1, 0xff, 0x7f, 0x80];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(small.length - 1), fc.oneof(fc.constantFrom(...numbers), fc.nat(255))), {
        minLength: 1,
        maxLength: 6,
      }),
      fc.nat(small.length),
      async (changes, cut) => {
        const bytes = small.slice(0, cut % 5 === 0 ? cut : small.length);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        try {
          const header = parseGgufHeader(bytes, { path: 'x', fileBytes: bytes.length });
          for (const { type, shape, byteOffset, byteLength } of header.tensors.values()) {
            expect(byteOffset + byteLength).toBeLessThanOrEqual(bytes.length);
            expect(storedBytes(type, shape)).toBe(byteLength);
            dequantize(type, bytes.slice(byteOffset, byteOffset + byteLength));
          }
        } catch (error) {
          expect(error).toBeInstanceOf(ChatRexError);
        }
      },
    ),
    { numRuns: 400, seed: 21 },
  );
});
