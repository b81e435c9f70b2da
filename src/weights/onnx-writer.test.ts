import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { ModelProtoSchema } from 'onnx-buf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StoredWeight } from '../onnx/emit.ts';
import { add } from '../tensor/ops/add.ts';
import { input } from '../tensor/ops/input.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { parameter } from '../tensor/ops/parameter.ts';
import { writeOnnxFiles } from './onnx-writer.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onnx-writer-'));
});
afterEach(() => rm(folder, { recursive: true }));

const weight = (name: string, size: number) =>
  parameter({ name, dtype: 'float32', shape: [size], initializer: { kind: 'zeros' } });

/** Where the .onnx file says that its weights are. */
async function placesIn(file: string): Promise<Map<string, Record<string, string>>> {
  const { graph } = fromBinary(ModelProtoSchema, await readFile(join(folder, file)));
  return new Map(
    graph!.initializer.map(({ name, externalData }) => [
      name,
      Object.fromEntries(externalData.map(({ key, value }) => [key, value])),
    ]),
  );
}

test('every weight is found again where the .onnx file says, whatever the sizes and wherever it was stored', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.boolean()), { minLength: 1, maxLength: 6 }),
      async (sizes) => {
        const stored = join(folder, 'stored.bin');
        const values = sizes.map(([size], w) => Float32Array.from({ length: size }, (_, i) => 100 * w + i));
        await writeFile(stored, Buffer.concat(values.map((array) => new Uint8Array(array.buffer))));
        let byteOffset = 0;
        const weights = new Map<string, StoredWeight>();
        sizes.forEach(([, isInFile], w) => {
          const { byteLength } = values[w];
          weights.set(`w${w}`, {
            dtype: 'float32',
            ...(isInFile ? { path: stored, byteOffset, byteLength } : { data: values[w] }),
          });
          byteOffset += byteLength;
        });
        const outputs = Object.fromEntries(sizes.map(([size], w) => [`y${w}`, multiply(weight(`w${w}`, size), 2)]));
        await writeOnnxFiles(folder, { dataFile: 'all.data', graphs: { 'm.onnx': outputs }, weights });
        const places = await placesIn('m.onnx');
        const data = await readFile(join(folder, 'all.data'));
        values.forEach((array, w) => {
          const { location, offset, length } = places.get(`w${w}`)!;
          expect([location, Number(offset) % 64]).toEqual(['all.data', 0]);
          const bytes = data.subarray(Number(offset), Number(offset) + Number(length));
          expect(new Float32Array(Uint8Array.from(bytes).buffer)).toEqual(array);
        });
      },
    ),
    { numRuns: 10 },
  );
});

test('graphs that share a weight share its bytes; large ones begin at a page; progress ends at the whole', async () => {
  const large = 2 ** 18;
  const shared = weight('shared', large);
  const x = input('x', 'float32', [large]);
  const weights = new Map<string, StoredWeight>([
    ['small', { dtype: 'float32', data: Float32Array.of(1) }],
    ['shared', { dtype: 'float32', data: new Float32Array(large).fill(3) }],
    ['unused', { dtype: 'float32', data: new Float32Array(1000) }],
  ]);
  const graphs = {
    'a.onnx': { y: add(multiply(x, weight('small', 1)), shared) },
    'b.onnx': { y: add(x, shared) },
  };
  const seen: [number, number][] = [];
  await writeOnnxFiles(folder, { dataFile: 'both.data', graphs, weights }, (...progress) => seen.push(progress));
  const [a, b] = [await placesIn('a.onnx'), await placesIn('b.onnx')];
  expect(a.get('shared')).toEqual(b.get('shared'));
  expect(Number(a.get('shared')!.offset) % 65536).toBe(0);
  const { size } = await stat(join(folder, 'both.data'));
  expect(size).toBeLessThan(4 * large + 2 * 65536);
  expect(seen.at(-1)).toEqual([size, size]);
});

test('a weight that is missing or cannot be read leaves no file', async () => {
  const outputs = { y: multiply(weight('w', 2), 2) };
  const write = (weights: [string, StoredWeight][]) =>
    writeOnnxFiles(folder, { dataFile: 'd', graphs: { 'm.onnx': outputs }, weights: new Map(weights) });
  await expect(write([])).rejects.toThrow('no weight is stored for parameter w');
  const short = join(folder, 'short.bin');
  await writeFile(short, new Uint8Array(4));
  await expect(write([['w', { dtype: 'float32', path: short, byteOffset: 0, byteLength: 8 }]])).rejects.toThrow(
    /short.bin ends 4 bytes early/,
  );
  expect(await readdir(folder)).toEqual(['short.bin']);
});
