import { expect, test } from 'vitest';
import { isOfNewTokens, newTokens, newTokensName, withNewTokens } from '../nn/new-tokens.ts';
import { createScope } from '../nn/scope.ts';
import { createRandom } from '../random.ts';
import { hostTensor } from '../runtime/host-tensor.ts';
import { Session } from '../runtime/session.ts';
import { graphOf } from '../tensor/graph.ts';
import { add } from '../tensor/ops/add.ts';
import { gather } from '../tensor/ops/gather.ts';
import { input } from '../tensor/ops/input.ts';
import { matmul } from '../tensor/ops/matmul.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { reduceMean } from '../tensor/ops/reduce-mean.ts';
import { GradientSession } from './gradient-session.ts';
import { initializeParameters, type ParameterSet, storedParameters } from './parameters.ts';

const [vocabSize, width, count] = [7, 3, 2];
const name = 'words.weight';

/** A table as input and output, with or without tokens that learn beside it. */
function model(hasNew: boolean) {
  const scope = createScope(() => (hasNew ? { rank: 1, alpha: 1, newTokens: count } : undefined)).at('words');
  const table = scope.parameter('weight', [vocabSize, width], { kind: 'normal', deviation: 1 });
  const added = newTokens(scope, vocabSize, width);
  const ids = input('ids', 'int64', ['batch', 'places']);
  const rows = gather(table, ids, { axis: 0 });
  const read = added ? add(rows, added.embed(ids)) : rows;
  const logits = matmul(read, table, { transposeB: true });
  const all = added ? add(logits, added.logits(read)) : logits;
  return { logits: all, loss: reduceMean(multiply(all, all)) };
}

const ids = hostTensor('int64', [2, 4], [0, 4, 5, 6, 6, 1, 5, 2]);

function randomParameters(): ParameterSet {
  const parameters = initializeParameters(graphOf(model(true)).parameters.values(), 1);
  const random = createRandom('new tokens');
  for (const { data } of parameters.values()) for (let i = 0; i < data.length; i++) data[i] = random.range(-1, 1);
  return parameters;
}

async function logitsOf(hasNew: boolean, parameters: ParameterSet): Promise<number[]> {
  const session = await Session.create({ logits: model(hasNew).logits }, storedParameters(parameters));
  const { logits } = await session.run({ ids });
  await session.dispose();
  return Array.from(logits.data as Float32Array);
}

test('a table with what its last tokens have learned computes what both computed', async () => {
  const parameters = randomParameters();
  const [table, learned] = [parameters.get(name)!, parameters.get(newTokensName(name))!];
  const merged = hostTensor('float32', [vocabSize, width], withNewTokens(table.data, learned.data));
  expect(merged.data.subarray(0, (vocabSize - count) * width)).toEqual(
    table.data.subarray(0, (vocabSize - count) * width),
  );
  const [both, alone, without] = await Promise.all([
    logitsOf(true, parameters),
    logitsOf(false, new Map([[name, merged]])),
    logitsOf(false, parameters),
  ]);
  for (const [i, value] of alone.entries()) expect(value).toBeCloseTo(both[i], 5);
  expect(Math.max(...without.map((value, i) => Math.abs(value - both[i])))).toBeGreaterThan(0.1);
});

test('gradients are the slopes of the loss', async () => {
  const { loss } = model(true);
  const parameters = randomParameters();
  const session = await GradientSession.create(loss, {}, parameters, { isTrainable: isOfNewTokens });
  await session.accumulate({ ids });
  const [[learned, gradient]] = [...session.finish()].map(([of, values]) => [of, values.slice()] as const);
  expect(learned).toBe('words.new_tokens.weight');
  const { data } = parameters.get(learned)!;
  const step = 1e-2;
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    const losses: number[] = [];
    for (const moved of [value + step, value - step]) {
      data[i] = moved;
      losses.push((await session.accumulate({ ids })).loss);
      session.finish();
    }
    data[i] = value;
    expect(Math.abs((losses[0] - losses[1]) / (2 * step) - gradient[i])).toBeLessThan(2e-3);
  }
  await session.dispose();
});
