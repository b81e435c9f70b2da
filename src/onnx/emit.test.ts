/** Models as ONNX Runtime gets them: names, sizes that are only known at run time, weights. */

import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { expect, test } from 'vitest';
import { ChatRexError } from '../errors.ts';
import { hostTensor } from '../runtime/host-tensor.ts';
import { Session } from '../runtime/session.ts';
import { graphOf } from '../tensor/graph.ts';
import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { constant } from '../tensor/ops/constant.ts';
import { expand } from '../tensor/ops/expand.ts';
import { input } from '../tensor/ops/input.ts';
import { layerNorm } from '../tensor/ops/layer-norm.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { parameter } from '../tensor/ops/parameter.ts';
import { range } from '../tensor/ops/range.ts';
import { reshape } from '../tensor/ops/reshape.ts';
import { topK } from '../tensor/ops/top-k.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { emitModel, type WeightStorage } from './emit.ts';

const nodesOf = (outputs: Record<string, Tensor>, weights: WeightStorage = 'feeds') =>
  fromBinary(ModelProtoSchema, emitModel(graphOf(outputs), weights).bytes).graph!;

const weight = (name: string) => parameter({ name, dtype: 'float32', shape: [2], initializer: { kind: 'zeros' } });

test('a name is declared once: two inputs or two parameters of one name are refused', () => {
  const twice = add(input('x', 'float32', [2]), input('x', 'float32', [2]));
  expect(() => graphOf({ twice })).toThrow("two nodes of the graph declare input 'x'; create it once");
  expect(() => graphOf({ y: add(weight('w'), weight('w')) })).toThrow("declare parameter 'w'; take it from one scope");
});

test('an output that is an input under its name, and an output twice', async () => {
  const x = input('x', 'float32', [2]);
  expect(() => emitModel(graphOf({ x: add(x, 1) }), 'feeds')).toThrow("'x' is both an input and an output");
  const doubled = multiply(x, 2);
  const session = await Session.create(
    { same: x, once: doubled, again: doubled, two: constant('int64', [], [2]) },
    'feeds',
  );
  const { same, once, again, two } = await session.run({ x: hostTensor('float32', [2], [3, 4]) });
  expect([same, once, again, two].map(({ data }) => Array.from(data, Number))).toEqual([[3, 4], [6, 8], [6, 8], [2]]);
  await session.dispose();
});

test('sizes are computed from inputs: sums and products of symbols', async () => {
  const [a, b] = [input('a', 'float32', ['past', 2]), input('b', 'float32', ['sequence', 2])];
  const joined = concat([a, b], 0);
  const flat = reshape(joined, [-1]);
  const outputs = {
    flat,
    positions: range('past+sequence'),
    table: expand(constant('float32', [], [7]), ['past*sequence', 'past+1']),
  };
  const session = await Session.create(outputs, 'feeds');
  for (const [past, sequence] of [
    [3, 2],
    [0, 5],
    [1, 0],
  ]) {
    const results = await session.run({ a: hostTensor('float32', [past, 2]), b: hostTensor('float32', [sequence, 2]) });
    expect(results.flat.shape).toEqual([2 * (past + sequence)]);
    expect(Array.from(results.positions.data, Number)).toEqual(Array.from({ length: past + sequence }, (_, i) => i));
    expect(results.table.shape).toEqual([past * sequence, past + 1]);
  }
  await session.dispose();
});

test('a size is computed once however often it is needed', () => {
  const x = input('x', 'float32', ['batch', 4]);
  const y = add(reshape(expand(constant('float32', [4], [1, 2, 3, 4]), ['batch', 4]), ['batch', 2, 2]), 0);
  const { node } = nodesOf({ y: concat([reshape(y, ['batch', 4]), x], 1), z: range('batch') });
  expect(node.filter(({ opType }) => opType === 'Shape')).toHaveLength(1);
});

test('a size that no input has is an error that names it', () => {
  const build = () => emitModel(graphOf({ y: range('boxes') }), 'feeds');
  expect(build).toThrow(ChatRexError);
  expect(build).toThrow("no input of the graph has the size 'boxes' as one of its axes");
});

test('small constants are stored once', () => {
  const x = input('x', 'float32', [2]);
  const { initializer } = nodesOf({ y: add(multiply(x, 2), multiply(x, 2)), z: multiply(x, 2) });
  expect(initializer).toHaveLength(1);
});

test('outputs that nothing reads are not asked for, but the first of a node has a name', () => {
  const x = input('x', 'float32', [2, 4]);
  const one = constant('float32', [4], [1, 1, 1, 1]);
  const [, mean] = layerNorm(x, one, one).node.outputs;
  const norm = (outputs: Record<string, Tensor>) =>
    nodesOf(outputs).node.find(({ opType }) => opType === 'LayerNormalization')!.output;
  expect(norm({ y: layerNorm(x, one, one) })).toEqual(['y']);
  expect(norm({ mean })).toEqual([expect.stringMatching(/./), 'mean']);
  expect(nodesOf({ indices: topK(x, { k: 1 }).indices }).node[0].output).toHaveLength(2);
});

test('parameters are inputs when fed, initializers when stored, and cast when stored otherwise', () => {
  const y = multiply(weight('w'), 2);
  expect(nodesOf({ y }).input.map(({ name }) => name)).toEqual(['w']);
  const stored = new Map([['w', { dtype: 'float16' as const, data: Uint16Array.of(0x3c00, 0x4000) }]]);
  const graph = nodesOf({ y }, stored);
  expect(graph.input).toHaveLength(0);
  expect(graph.node.map(({ opType }) => opType)).toEqual(['Cast', 'Mul']);
  expect(() => nodesOf({ y }, new Map())).toThrow('no weight is stored for parameter w');
});

test('weights in files are referred to, not copied', () => {
  const y = multiply(weight('w'), 2);
  const stored = new Map([
    ['w', { dtype: 'float32' as const, path: '/data/model.safetensors', byteOffset: 80, byteLength: 8 }],
  ]);
  const { bytes, externalFolder } = emitModel(graphOf({ y }), stored);
  const [{ externalData }] = fromBinary(ModelProtoSchema, bytes).graph!.initializer;
  expect(externalFolder).toBe('/');
  expect(Object.fromEntries(externalData.map(({ key, value }) => [key, value]))).toEqual({
    location: 'data/model.safetensors',
    offset: '80',
    length: '8',
  });
  const relative = new Map([
    ['w', { dtype: 'float32' as const, path: 'model.safetensors', byteOffset: 0, byteLength: 8 }],
  ]);
  expect(() => emitModel(graphOf({ y }), relative)).toThrow('the path of weight w is not absolute');
});
