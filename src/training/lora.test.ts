import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { languageConfig, parseChatRexConfig } from '../chatrex/config.ts';
import { packTexts } from '../chatrex/pack-texts.ts';
import { openTiny } from '../chatrex/testing/tiny-chatrex.ts';
import { chatRexTrainingGraph } from '../chatrex/training-graph.ts';
import { readConfig } from '../language/load.ts';
import { linear } from '../nn/linear.ts';
import { adapterNames, isAdapter, mergedWeight } from '../nn/low-rank.ts';
import { createScope } from '../nn/scope.ts';
import { createRandom } from '../random.ts';
import { hostTensor } from '../runtime/host-tensor.ts';
import { Session } from '../runtime/session.ts';
import { graphOf } from '../tensor/graph.ts';
import { gelu } from '../tensor/ops/gelu.ts';
import { input } from '../tensor/ops/input.ts';
import { reduceMean } from '../tensor/ops/reduce-mean.ts';
import { float16ToFloat32, float32ToFloat16 } from '../weights/float16.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { useScratchFolder } from '../weights/testing/support.ts';
import { createAdamwState } from './adamw.ts';
import { saveTrainingState } from './checkpoint.ts';
import { exportMllm } from './export.ts';
import { GradientSession } from './gradient-session.ts';
import { loadInitial } from './initial-weights.ts';
import { checkpointFile } from './loop.ts';
import { adapterOf, learnsBeside, requireTargets } from './lora.ts';
import { initializeParameters, type ParameterSet, storedParameters } from './parameters.ts';
import { runFile } from './run.ts';

const scratch = useScratchFolder();
const adapter = { rank: 2, alpha: 6 };

/** A layer with an adapter between two activations; without `isAdapted` the same layer alone. */
function layer(isAdapted = true) {
  const scope = createScope((name) => (isAdapted && name === 'inner' ? adapter : undefined));
  const x = input('x', 'float32', ['batch', 3]);
  const y = gelu(linear(scope.at('inner'), 3, 4)(gelu(x)));
  return { y, loss: reduceMean(y) };
}

/** Random values everywhere, also where training starts at zero. */
function randomParameters(outputs: Parameters<typeof graphOf>[0]): ParameterSet {
  const parameters = initializeParameters(graphOf(outputs).parameters.values(), 1);
  const random = createRandom('lora');
  for (const { data } of parameters.values()) for (let i = 0; i < data.length; i++) data[i] = random.range(-1, 1);
  return parameters;
}

const x = hostTensor('float32', [2, 3], [0.5, -1, 2, 1, 0.3, -0.7]);

function merged(parameters: ParameterSet): ParameterSet {
  return new Map(
    [...parameters]
      .filter(([name]) => !isAdapter(name))
      .map(([name, tensor]) => {
        const [a, b] = [adapterNames(name).down, adapterNames(name).up].map((of) => parameters.get(of)?.data);
        return [name, a && b ? { ...tensor, data: mergedWeight(tensor.data, a, b, adapter) } : tensor];
      }),
  );
}

test('a layer with its adapter merged computes what both computed', async () => {
  const parameters = randomParameters(layer());
  expect([...parameters.keys()].filter(isAdapter)).toEqual(['inner.lora_A.weight', 'inner.lora_B.weight']);
  const results: number[][] = [];
  for (const [graph, values] of [
    [layer(), parameters],
    [layer(false), merged(parameters)],
    [layer(false), parameters],
  ] as const) {
    const session = await Session.create({ y: graph.y }, storedParameters(values));
    results.push(Array.from((await session.run({ x })).y.data as Float32Array));
    await session.dispose();
  }
  for (const [i, value] of results[1].entries()) expect(value).toBeCloseTo(results[0][i], 5);
  expect(Math.max(...results[2].map((value, i) => Math.abs(value - results[0][i])))).toBeGreaterThan(0.1);
});

test('its gradients are the slopes of the loss, and the frozen weight has none', async () => {
  const { loss } = layer();
  const parameters = randomParameters({ loss });
  const session = await GradientSession.create(loss, {}, parameters, { isTrainable: isAdapter });
  await session.accumulate({ x });
  const gradients = new Map([...session.finish()].map(([name, values]) => [name, values.slice()]));
  expect([...gradients.keys()].every(isAdapter)).toBe(true);
  const step = 2e-3;
  for (const [name, gradient] of gradients) {
    const { data } = parameters.get(name)!;
    for (let i = 0; i < data.length; i++) {
      const value = data[i];
      const losses = [];
      for (const moved of [value + step, value - step]) {
        data[i] = moved;
        losses.push((await session.accumulate({ x })).loss);
        session.finish();
      }
      data[i] = value;
      expect(Math.abs((losses[0] - losses[1]) / (2 * step) - gradient[i])).toBeLessThan(2e-3);
    }
  }
  await session.dispose();
});

const lora = { ...adapter, targets: ['q_proj', 'mlp.down_proj'], alsoTrain: ['model.norm'] };

test('only layers of the language model that are named have adapters, and of it only these learn', async () => {
  const { config } = await openTiny('tiny-gated');
  const { logits } = chatRexTrainingGraph(createScope(adapterOf(lora)), config);
  const names = [...graphOf({ logits }).parameters.keys()];
  const adapted = names.filter(isAdapter);
  const layers = languageConfig(config).numHiddenLayers;
  expect(adapted.length).toBe(2 * 2 * layers);
  expect(adapted.every((name) => /^model\.layers\.\d\.(self_attn\.q_proj|mlp\.down_proj)\./.test(name))).toBe(true);
  const frozen = names.filter((name) => !learnsBeside(lora)(name));
  expect(frozen).toContain('model.layers.0.self_attn.q_proj.weight');
  expect(frozen).toContain('model.embed_tokens.weight');
  expect(frozen).not.toContain('model.norm.weight');
  requireTargets(lora, names);
  expect(() => requireTargets({ ...lora, targets: ['q_proj', 'qkv_proj'] }, names)).toThrow(
    /lora\.targets: no linear layer .* 'qkv_proj'/,
  );
  expect(frozen.some((name) => name.startsWith('mm_projector') || name.startsWith('vision_tower'))).toBe(false);
});

test('a run with adapters begins at a model without, and is exported as one that computes the same', async () => {
  const folder = 'fixtures/chatrex/tiny-gated';
  const { config, chat } = await openTiny('tiny-gated');
  const run = scratch('run');
  await mkdir(run);
  const graph = chatRexTrainingGraph(createScope(adapterOf(lora)), config, {}, 'encoded');
  const whole = chatRexTrainingGraph(createScope(adapterOf(lora)), config);
  const parameters = initializeParameters(graphOf({ logits: whole.logits }).parameters.values(), 1);
  await loadInitial([{ file: join(folder, 'model.safetensors'), from: '', to: '', isExported: true }], parameters);
  const names = [...parameters.keys()];
  for (const [name, { data }] of parameters) {
    if (isAdapter(name)) data.fill(0.05);
    // As export will round them.
    else data.set(float16ToFloat32(float32ToFloat16(data)));
  }
  const optimizer = createAdamwState(names.filter(learnsBeside(lora)), parameters);
  await saveTrainingState(checkpointFile(run), { step: 3, parameters, optimizer });
  await writeFile(runFile(run), JSON.stringify({ stage: 'instruct', settings: { model: config, lora } }));
  await cp(join(folder, 'tokenizer.json'), join(run, 'tokenizer.json'));
  await exportMllm(run, scratch('exported'));

  const exported = await openSafetensors(scratch('exported/model.safetensors'));
  expect([...exported.tensors.keys()].filter(isAdapter)).toEqual([]);
  const plain = chatRexTrainingGraph(
    createScope(),
    parseChatRexConfig(await readConfig(scratch('exported'))),
    {},
    'encoded',
  );
  const ids = chat.question('Why?', 1);
  const sizes = { imageTokens: Number(plain.imageTokens.shape[1]), boxes: 1 };
  const isTarget = ids.map((_, i) => i === ids.length - 1);
  const packed = packTexts([{ prefix: chat.prefix(1), texts: [{ ids, isTarget }] }], sizes);
  const random = createRandom('features');
  const features = Object.fromEntries(
    [...graphOf({ logits: plain.logits }).inputs.values()]
      .filter(({ name }) => !(name in packed))
      .map(({ name, shape }) => {
        const tensor = hostTensor(
          'float32',
          shape.map((dim) => (typeof dim === 'number' ? dim : 1)),
        );
        tensor.data.set(Float32Array.from(tensor.data, () => random.range(-1, 1)));
        return [name, tensor];
      }),
  );
  const values = new Map<string, Float32Array>();
  for (const name of exported.tensors.keys()) values.set(name, await exported.readFloat32(name));
  const after: ParameterSet = new Map(
    [...exported.tensors.values()].map(({ name, shape }) => [name, hostTensor('float32', shape, values.get(name)!)]),
  );
  const logits: Float32Array[] = [];
  for (const [of, weights] of [
    [graph, parameters],
    [plain, after],
  ] as const) {
    const session = await Session.create({ logits: of.logits }, storedParameters(weights));
    logits.push((await session.run({ ...packed, ...features })).logits.data as Float32Array);
    await session.dispose();
  }
  expect(Math.max(...logits[0].map(Math.abs))).toBeGreaterThan(0.1);
  for (const [i, value] of logits[0].entries()) expect(Math.abs(value - logits[1][i])).toBeLessThan(5e-3);
});
