import { expect, test } from 'vitest';
import type { ChatRexError } from '../errors.ts';
import { emitModel } from '../onnx/emit.ts';
import { graphOf } from '../tensor/graph.ts';
import { cast } from '../tensor/ops/cast.ts';
import { input } from '../tensor/ops/input.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { hostTensor } from './host-tensor.ts';
import { NativeSession } from './native-session.ts';
import { Session } from './session.ts';

const options = {
  ...({ provider: 'cpu', threads: 1, optimizes: true, plansMemory: true, keepsMemory: true } as const),
  settings: {},
};

/** y = x w, and whether each is not 0. */
function product(inner: number) {
  const y = matmul(input('x', 'float32', ['rows', inner]), input('w', 'float32', [inner, inner]));
  return emitModel(graphOf({ y, isSet: cast(y, 'bool'), whole: cast(y, 'int64') }), new Map()).bytes;
}

test('outputs without memory of the caller come as copies, of any type and size', async () => {
  const session = await NativeSession.open(product(2), options);
  const w = hostTensor('float32', [2, 2], [1, 0, 0, 2]);
  const some = await session.run({ x: hostTensor('float32', [1, 2], [0, 3]), w }, {});
  expect(some).toEqual({
    y: hostTensor('float32', [1, 2], [0, 6]),
    isSet: hostTensor('bool', [1, 2], [0, 1]),
    whole: hostTensor('int64', [1, 2], [0, 6]),
  });
  const none = await session.run({ x: hostTensor('float32', [0, 2]), w }, {});
  expect(none.y).toEqual(hostTensor('float32', [0, 2]));
  const rows = 3_000_000;
  const many = await session.run({ x: hostTensor('float32', [rows, 2], new Float32Array(2 * rows).fill(1)), w }, {});
  expect(many.y.data.length).toBe(2 * rows);
  expect(many.y.data.every((value, i) => value === 1 + (i % 2))).toBe(true);
  await session.dispose();
});

test('timers fire while a session computes, and dispose waits for the runs under way', async () => {
  const size = 600;
  const session = await NativeSession.open(product(size), options);
  const ones = hostTensor('float32', [size, size], new Float32Array(size * size).fill(1));
  let ticks = 0;
  const clock = setInterval(() => ticks++, 1);
  const runs = Array.from({ length: 4 }, () => session.run({ x: ones, w: ones }, {}));
  const disposed = session.dispose();
  for (const { y } of await Promise.all(runs)) expect(y.data.every((value) => value === size)).toBe(true);
  await disposed;
  clearInterval(clock);
  expect(ticks).toBeGreaterThan(0);
});

test('memory of the wrong size or type is refused, and the session lives on', async () => {
  const session = await NativeSession.open(product(2), options);
  const feeds = { x: hostTensor('float32', [1, 2], [1, 1]), w: hostTensor('float32', [2, 2], [1, 0, 0, 2]) };
  await expect(session.run(feeds, { y: hostTensor('float32', [1, 3]) })).rejects.toThrow(/shape|dimension/i);
  await expect(session.run({ ...feeds, x: hostTensor('int64', [1, 2]) }, {})).rejects.toThrow(/type/);
  const short = { dtype: 'float32', shape: [9, 9], data: new Float32Array(2) } as const;
  await expect(session.run({ ...feeds, x: short }, {})).rejects.toThrow();
  expect([...(await session.run(feeds, {})).y.data]).toEqual([1, 2]);
  await session.dispose();
});

test('a signal ends a run in the middle, and the session lives on', async () => {
  const size = 700;
  const w = input('w', 'float32', [size, size]);
  let y = input('x', 'float32', [size, size]);
  for (let i = 0; i < 60; i++) y = matmul(y, w);
  const session = await Session.create({ y }, new Map(), { threads: 1 });
  const eye = hostTensor('float32', [size, size]);
  for (let i = 0; i < size; i++) eye.data[i * (size + 1)] = 1;
  const ending = (signal?: AbortSignal) =>
    session.run({ x: eye, w: eye }, {}, signal).then(
      () => 'done',
      (error: ChatRexError) => error.code,
    );
  const start = performance.now();
  expect(await ending()).toBe('done');
  const tenth = Math.round((performance.now() - start) / 10);
  expect(await ending(AbortSignal.timeout(tenth))).toBe('aborted');
  expect(await ending(AbortSignal.abort())).toBe('aborted');
  expect(await ending()).toBe('done');
  await session.dispose();
});
