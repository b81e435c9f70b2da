/**
 * Gives a run that learned without it the path on which a detector's scores name objects behind the projector
 * (`mm_object_names`): for each category the mean token of what it likely is, less the mean of all, times `--gain`.
 *
 *     npx tsx tools/photo/add-name-path.ts RUN --data data/names.jsonl --images ../shared/photos --out RUN2
 *
 * A model that knows its objects well enough by other features learns late to look at a path that begins at random.
 * `--features` multiplies what the projector gives. Then `chatrex train instruct --from RUN2`.
 */

import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseChatRexConfig } from '../../src/chatrex/config.ts';
import { chatRexVision } from '../../src/chatrex/network.ts';
import { boxFeeds, pixelFeeds } from '../../src/chatrex/preprocess.ts';
import { visionInputs } from '../../src/chatrex/vision-encoder.ts';
import type { Sample } from '../../src/datasets/sample.ts';
import { decodeImage } from '../../src/image/decode.ts';
import { createScope } from '../../src/nn/scope.ts';
import { Session } from '../../src/runtime/session.ts';
import { graphOf } from '../../src/tensor/graph.ts';
import { initializeParameters, storedParameters } from '../../src/training/parameters.ts';
import { runFile } from '../../src/training/run.ts';
import { openSafetensors } from '../../src/weights/safetensors.ts';
import { type TensorToWrite, writeSafetensors } from '../../src/weights/safetensors-writer.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string' },
    images: { type: 'string' },
    out: { type: 'string' },
    gain: { type: 'string', default: '3' },
    features: { type: 'string', default: '0.6' },
  },
});
const { data, images: root, out } = options;
const [run] = positionals;
if (!run || !data || !root || !out) {
  process.stderr.write('give RUN, --data FILE.jsonl, --images FOLDER and --out FOLDER\n');
  process.exit(2);
}

/** Of a category with as much as this no further photograph is looked at: the sum of squared scores. */
const enough = 12;
const namePath = 'mm_object_names.weight';
const norm = 'parameters.mm_object_projector.norm.weight';

// The run's own: one from before the classifier was added has a narrower projector.
const { settings } = JSON.parse(await readFile(runFile(run), 'utf8'));
const config = parseChatRexConfig({ ...settings.model, model_type: 'chatrex' });
const vision = chatRexVision(createScope(), config);
const { pixelsLow, pixelsHigh, objects } = visionInputs(config, { batch: 1 });
const outputs = { content: vision.objectTokens(vision.encode(pixelsLow, pixelsHigh), objects).content };
const parameters = initializeParameters(graphOf(outputs).parameters.values(), 0);
const stored = await openSafetensors(join(run, 'checkpoint.safetensors'));
for (const [name, { data: values }] of parameters) {
  if (name === namePath) values.fill(0);
  else values.set(await stored.readFloat32(`parameters.${name}`));
}
const session = await Session.create(outputs, storedParameters(parameters));

const [header, ...lines] = (await readFile(data, 'utf8')).trim().split('\n');
const names: string[] = JSON.parse(header).vocabulary.map(({ name }: { name: string }) => name);
const { shape, data: weights } = parameters.get(namePath)!;
const [width, count] = shape;
const sums = names.map(() => new Float64Array(width));
const weightOf = names.map(() => 0);
for (const line of lines) {
  const sample: Sample = JSON.parse(line);
  const regions = sample.regions.filter(({ category, isIgnored }) => category !== undefined && !isIgnored);
  if (!sample.image || !('file' in sample.image)) continue;
  if (!regions.some(({ category }) => weightOf[names.indexOf(category!)] < enough)) continue;
  const image = await decodeImage(join(root, String(sample.image.file)));
  const boxes = Float64Array.from(regions.flatMap(({ boxXyxy }) => boxXyxy));
  const { content } = await session.run({ ...pixelFeeds([image], config), ...boxFeeds([image], [boxes], config) });
  const tokens = content.data as Float32Array;
  regions.forEach(({ category, score = 0.9 }, k) => {
    const at = names.indexOf(category!);
    weightOf[at] += score ** 2;
    for (let i = 0; i < width; i++) sums[at][i] += score ** 2 * tokens[k * width + i];
  });
}
await session.dispose();

const seen = names.map((_, at) => at).filter((at) => weightOf[at] > 0);
for (let i = 0; i < width; i++) {
  const means = seen.map((at) => sums[at][i] / weightOf[at]);
  const middle = means.reduce((sum, value) => sum + value, 0) / means.length;
  seen.forEach((at, k) => {
    weights[i * count + at] = Number(options.gain) * (means[k] - middle);
  });
}
const entries: TensorToWrite[] = [{ name: `parameters.${namePath}`, dtype: 'float32', shape, data: weights }];
for (const [name, tensor] of stored.tensors) {
  // A run that starts from this one has moments of its own.
  if (!name.startsWith('parameters.') || name === `parameters.${namePath}`) continue;
  const values = await stored.readFloat32(name);
  if (name === norm) for (const [i, value] of values.entries()) values[i] = value * Number(options.features);
  entries.push({ name, dtype: 'float32', shape: tensor.shape, data: values });
}
await cp(run, out, { recursive: true, filter: (path) => !/\.(safetensors|png)$|metrics\.jsonl$/.test(path) });
await writeSafetensors(join(out, 'checkpoint.safetensors'), entries, stored.metadata);
const missing = names.filter((_, at) => weightOf[at] === 0);
process.stdout.write(`${out}: ${seen.length} names${missing.length > 0 ? `, none of ${missing.join(', ')}` : ''}\n`);
