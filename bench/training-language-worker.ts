/** Our side of `training-language.ts`: LEARNS THREADS [FILE]; lines of standard input are answered by lines of JSON. */

import { createInterface } from 'node:readline';
import { type ChatRexConfig, chatRexPresets, imageTokenCount } from '../src/chatrex/config.ts';
import { type ImageTexts, packTexts } from '../src/chatrex/pack-texts.ts';
import { chatRexTrainingGraph } from '../src/chatrex/training-graph.ts';
import { createScope } from '../src/nn/scope.ts';
import { createRandom } from '../src/random.ts';
import { type HostTensor, hostTensor } from '../src/runtime/host-tensor.ts';
import type { Feeds } from '../src/runtime/session.ts';
import { Session } from '../src/runtime/session.ts';
import { graphOf } from '../src/tensor/graph.ts';
import type { Tensor } from '../src/tensor/tensor.ts';
import { adamwStep, createAdamwState } from '../src/training/adamw.ts';
import { GradientSession } from '../src/training/gradient-session.ts';
import { crossEntropy } from '../src/training/losses.ts';
import { initializeParameters, storedParameters } from '../src/training/parameters.ts';
import { writeSafetensors } from '../src/weights/safetensors-writer.ts';

const [learns, threads, file] = process.argv.slice(2);

const { extensions: _, ...paper } = chatRexPresets.nano;
const config: ChatRexConfig = {
  ...paper,
  language: {
    model_type: 'llama',
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    vocab_size: 49_152,
    max_position_embeddings: 1024,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    tie_word_embeddings: true,
  },
};

/** 10 words, the image, 10 objects, then 306 tokens of which the last 200 are due: 400 in all. */
const boxes = 10;
const random = createRandom('bench/training-language');
const words = (count: number) => Array.from({ length: count }, () => random.int(0, 49_000));
const text = words(306);
const sample: ImageTexts = {
  prefix: [
    { kind: 'tokens', ids: words(10) },
    { kind: 'image' },
    ...Array.from({ length: boxes }, (_, index) => ({ kind: 'object' as const, index, id: 49_000 + index })),
  ],
  texts: [{ ids: text, isTarget: text.map((_, place) => place >= 106) }],
};

const graph = chatRexTrainingGraph(createScope(), config, { batch: 1, boxes }, 'encoded');
const loss = crossEntropy(graph.logits, graph.labels);
const inputs = graphOf({ loss }).nodes.filter(({ op }) => op.name === 'Input');
const packed = packTexts([sample], { imageTokens: imageTokenCount(config), boxes });

/** Random features where the image would be. */
function feature({ shape }: Tensor): HostTensor {
  const tensor = hostTensor('float32', shape as number[]);
  for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = random.range(-1, 1);
  return tensor;
}
const feeds: Feeds = {
  ...Object.fromEntries(
    inputs
      .filter(({ attributes }) => !((attributes as { name: string }).name in packed))
      .map(({ attributes, outputs }) => [(attributes as { name: string }).name, feature(outputs[0])]),
  ),
  ...packed,
};

const parameters = initializeParameters(graphOf({ loss }).parameters.values(), 1);
const isLearned = (name: string) => learns === 'everything' || !/^(model|lm_head)\./.test(name);
const trained = [...parameters.keys()].filter(isLearned);

/** Weights and inputs for PyTorch: what the projectors make of the image is an input there. */
async function writeStep(path: string): Promise<void> {
  const vision = { image: graph.imageTokens, objects: graph.objectTokens };
  const session = await Session.create(vision, storedParameters(parameters));
  const seen = await session.run(feeds);
  await session.dispose();
  const language = [...parameters].filter(([name]) => name.startsWith('model.'));
  await writeSafetensors(path, [
    ...Object.entries({ ...seen, ...packed }).map(([name, tensor]) => ({ ...tensor, name: `input/${name}` })),
    ...language.map(([name, tensor]) => ({ ...tensor, name: `parameter/${name}` })),
  ]);
}
if (file) await writeStep(file);

const session = await GradientSession.create(loss, {}, parameters, {
  isTrainable: isLearned,
  threads: Number(threads),
});
const optimizer = createAdamwState(trained, parameters);

const answers: Record<string, () => Promise<object> | object> = {
  size: () => {
    const millions = (names: Iterable<string>) =>
      Math.round([...names].reduce((sum, name) => sum + parameters.get(name)!.data.length, 0) / 1e4) / 100;
    return { tokens: packed.slots.data.length, weights: millions(parameters.keys()), trained: millions(trained) };
  },
  check: async () => {
    const { loss } = await session.accumulate(feeds);
    const norms = [...session.finish()].map(([name, gradient]) => [name, Math.sqrt(sumOfSquares(gradient))]);
    return { loss, norms: Object.fromEntries(norms) };
  },
  step: async () => {
    const [start, before] = [performance.now(), process.cpuUsage()];
    await session.accumulate(feeds);
    adamwStep(parameters, session.finish(), optimizer, 1e-4, { maxNorm: 1 });
    const { user, system } = process.cpuUsage(before);
    return { wall: performance.now() - start, processor: (user + system) / 1000 };
  },
  memory: () => ({ megabytes: process.resourceUsage().maxRSS / 1024 }),
};

function sumOfSquares(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum;
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answers[line]()));
}
await session.dispose();
