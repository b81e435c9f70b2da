import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { linear } from '../nn/linear.ts';
import { createScope } from '../nn/scope.ts';
import type { StoredWeight } from '../onnx/emit.ts';
import { graphOf } from '../tensor/graph.ts';
import { add } from '../tensor/ops/add.ts';
import { constantLike } from '../tensor/ops/constant.ts';
import { input } from '../tensor/ops/input.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reduceSum } from '../tensor/ops/reduce-sum.ts';
import { viewBytes } from '../weights/dtype.ts';
import { float32ToBfloat16, float32ToFloat16 } from '../weights/float16.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { storedWeights } from '../weights/storage.ts';
import { hostTensor } from './host-tensor.ts';
import { Session } from './session.ts';
import { defaultThreads } from './threads.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'session-'));
});
afterAll(() => rm(folder, { recursive: true }));

const values = [1, -2, 0.5, 4, 8, -0.25];

/** y = x w + b: w [2, 3] and b [3]. */
function affine() {
  const scope = createScope();
  const x = input('x', 'float32', ['rows', 2]);
  return { y: add(matmul(x, scope.parameter('w', [2, 3])), scope.parameter('b', [3])) };
}
const affineFeeds = { x: hostTensor('float32', [1, 2], [2, 10]) };
const affineResult = [2 + 40 + 1, -4 + 80 + 2, 1 - 2.5 + 3];

/** A safetensors file as others may write it: no padding, so that tensors start at odd offsets. */
async function writeUnpadded(
  path: string,
  tensors: Record<string, { dtype: string; shape: number[]; data: Uint8Array }>,
) {
  let offset = 0;
  const entries = Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
    offset += data.byteLength;
    return [name, { dtype, shape, data_offsets: [offset - data.byteLength, offset] }];
  });
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const header = json.length % 2 === 0 ? Buffer.concat([json, Buffer.from(' ')]) : json;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await writeFile(path, Buffer.concat([length, header, ...Object.values(tensors).map(({ data }) => data)]));
}

const asFloat32 = (list: number[]) => viewBytes(Float32Array.from(list));
const encodings: [dtype: string, encode: (list: number[]) => Uint8Array][] = [
  ['F32', asFloat32],
  ['F16', (list) => viewBytes(float32ToFloat16(Float32Array.from(list)))],
  ['BF16', (list) => viewBytes(float32ToBfloat16(Float32Array.from(list)))],
  ['F64', (list) => viewBytes(Float64Array.from(list))],
];

test.each(encodings)('%s weights are used where they lie, at odd offsets too', async (dtype, encode) => {
  const path = join(folder, `${dtype}.safetensors`);
  await writeUnpadded(path, {
    w: { dtype, shape: [2, 3], data: encode(values) },
    b: { dtype: 'F32', shape: [3], data: asFloat32([1, 2, 3]) },
  });
  const { tensors } = await openSafetensors(path);
  expect(tensors.get('w')!.byteOffset % 2).toBe(1);
  const graph = graphOf(affine());
  const session = await Session.create(affine(), storedWeights(graph.parameters.values(), tensors));
  expect([...(await session.run(affineFeeds)).y.data]).toEqual(affineResult);
  await session.dispose();
});

test('outputs are written into the tensors given for them', async () => {
  const session = await Session.create(affine(), 'feeds');
  const weights = { w: hostTensor('float32', [2, 3], values), b: hostTensor('float32', [3], [1, 2, 3]) };
  const y = hostTensor('float32', [1, 3]);
  const results = await session.run({ ...affineFeeds, ...weights }, { y });
  expect(results.y).toBe(y);
  expect([...y.data]).toEqual(affineResult);
  await session.dispose();
});

test('one tensor may be fed and receive an output at the same time', async () => {
  const past = input('past', 'float32', [2, 3]);
  const present = add(past, constantLike(1));
  const session = await Session.create({ present, total: reduceSum(present) }, new Map());
  const cache = hostTensor('float32', [2, 3]);
  for (const turn of [1, 2, 3]) {
    expect((await session.run({ past: cache }, { present: cache })).total.data[0]).toBe(6 * turn);
    expect([...cache.data]).toEqual(new Array(6).fill(turn));
  }
  await session.dispose();
});

test('the number of threads changes nothing but the time', async () => {
  const x = input('x', 'float32', [64, 48]);
  const w = hostTensor(
    'float32',
    [48, 40],
    Array.from({ length: 48 * 40 }, (_, i) => Math.sin(i)),
  );
  const feeds = {
    x: hostTensor(
      'float32',
      [64, 48],
      Array.from({ length: 64 * 48 }, (_, i) => Math.cos(i)),
    ),
    w,
  };
  const results: unknown[] = [];
  for (const threads of [1, 2]) {
    const y = matmul(x, createScope().parameter('w', [48, 40]));
    const session = await Session.create({ y }, 'feeds', { threads });
    results.push((await session.run(feeds)).y.data);
    await session.dispose();
  }
  expect(results[0]).toEqual(results[1]);
});

test('CHATREX_THREADS is how many threads sessions have that are not told', () => {
  expect(defaultThreads({ CHATREX_THREADS: '3' })).toBe(3);
  expect(defaultThreads({})).toBe(availableParallelism());
  for (const given of ['0', '-1', '1.5', 'two']) {
    expect(() => defaultThreads({ CHATREX_THREADS: given })).toThrow(`CHATREX_THREADS: expected a whole number`);
  }
});

test('what cannot work is refused in one line', async () => {
  const weights = new Map<string, StoredWeight>([
    ['w', { dtype: 'float32', data: Float32Array.from(values) }],
    ['b', { dtype: 'float32', data: new Float32Array(3) }],
  ]);
  await expect(Session.create(affine(), new Map())).rejects.toThrow(/no weight is stored for parameter w$/);
  const file = { dtype: 'float32', path: 'here.bin', byteOffset: 0, byteLength: 24 } as const;
  await expect(Session.create(affine(), new Map<string, StoredWeight>([...weights, ['w', file]]))).rejects.toThrow(
    /w is not absolute/,
  );
  const gone = { ...file, path: join(folder, 'gone.bin') };
  await expect(Session.create(affine(), new Map<string, StoredWeight>([...weights, ['w', gone]]))).rejects.toThrow(
    /refused the model/,
  );
  const x = input('x', 'float32', [2]);
  await expect(Session.create({ x: multiply(x, 2) }, new Map())).rejects.toThrow(/both an input and an output/);

  const session = await Session.create(affine(), weights);
  await expect(session.run({})).rejects.toThrow(/input 'x' is not fed/);
  await expect(session.run({ x: hostTensor('float32', [1, 3]) })).rejects.toThrow(/ONNX Runtime failed.*x/s);
  await session.dispose();
  await session.dispose();
  await expect(session.run(affineFeeds)).rejects.toThrow(/was disposed/);
});

test('a provider that is not there is an error that names those that are', async () => {
  // No machine has both.
  const absent = process.platform === 'darwin' ? 'dml' : 'coreml';
  await expect(Session.create(affine(), 'feeds', { provider: absent })).rejects.toThrow(
    new RegExp(`provider '${absent}' is not in this installation; it has .*cpu`),
  );
});

test('a provider that is listed but cannot start says so', async () => {
  // Without its libraries, which come with no npm package, or without a GPU. A machine that has both passes too.
  const started = Session.create(affine(), 'feeds', { provider: 'cuda' }).then((session) => session.dispose());
  await started.catch((error: Error) => expect(error.message).toMatch(/^provider 'cuda' (did not start|is not in)/));
});

test('a hundred sessions made, run and disposed leave no memory behind', async () => {
  const x = input('x', 'float32', ['rows', 768]);
  const y = linear(createScope(), 768, 768)(x);
  const weights = new Map([
    ['weight', { dtype: 'float32', data: new Float32Array(768 * 768) }],
    ['bias', { dtype: 'float32', data: new Float32Array(768) }],
  ] as const);
  const feeds = { x: hostTensor('float32', [4, 768]) };
  const residentAfter = async (sessions: number) => {
    for (let i = 0; i < sessions; i++) {
      const session = await Session.create({ y }, weights);
      await session.run(feeds);
      await session.dispose();
    }
    return process.memoryUsage().rss / 1e6;
  };
  const resident = [await residentAfter(10), await residentAfter(100), await residentAfter(100)];
  // One session holds over 2.4 MB: were they kept, both hundreds would take 240 MB. What else grows does so once.
  expect(Math.min(resident[1] - resident[0], resident[2] - resident[1])).toBeLessThan(80);
});
