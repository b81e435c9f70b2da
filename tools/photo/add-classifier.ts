/**
 * Gives a run that learned without it the classifier as a second encoder: image tokens are those of both encoders side
 * by side, and object tokens have what the classifier sees in their box. Nothing changes at first: the new columns of
 * both projectors are zero, and learn.
 *
 *     npx tsx tools/photo/add-classifier.ts RUN --encoder encoder.safetensors --out RUN2
 *
 * `encoder.safetensors` is what `tools/convert-efficientnet-lite.ts` wrote. Then `chatrex train instruct --from RUN2`.
 */

import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lowEncoder } from '../../src/chatrex/network.ts';
import { efficientNetLiteChannels } from '../../src/vision/efficientnet-lite.ts';
import { openSafetensors } from '../../src/weights/safetensors.ts';
import { type TensorToWrite, writeSafetensors } from '../../src/weights/safetensors-writer.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { encoder: { type: 'string' }, out: { type: 'string' } },
});
const { encoder: encoderFile, out } = values;
const [run] = positionals;
if (!run || !encoderFile || !out) {
  process.stderr.write('give RUN, --encoder FILE.safetensors and --out FOLDER\n');
  process.exit(2);
}

const stored = await openSafetensors(join(run, 'checkpoint.safetensors'));
const encoder = await openSafetensors(encoderFile);
const entries: TensorToWrite[] = [];
for (const [name, { shape }] of stored.tensors) {
  // A run that starts from this one has moments of its own.
  if (!name.startsWith('parameters.')) continue;
  const data = await stored.readFloat32(name);
  if (name === 'parameters.mm_projector.0.weight') entries.push(widened(name, shape, data, 'before'));
  else if (name === 'parameters.mm_object_projector.0.weight') entries.push(widened(name, shape, data, 'behind'));
  else entries.push({ name, dtype: 'float32', shape, data });
}
for (const [name, { shape }] of encoder.tensors) {
  const data = await encoder.readFloat32(name);
  entries.push({ name: `parameters.${lowEncoder}.${name}`, dtype: 'float32', shape, data });
}
await cp(run, out, { recursive: true, filter: (path) => !/\.(safetensors|png)$|metrics\.jsonl$/.test(path) });
await writeSafetensors(join(out, 'checkpoint.safetensors'), entries, stored.metadata);
process.stdout.write(`${out}: with a second encoder of ${encoder.tensors.size} tensors\n`);

/** A weight [outputs, inputs] with zeros for the classifier's channels. */
function widened(
  name: string,
  [outputs, inputs]: readonly number[],
  data: Float32Array,
  place: 'before' | 'behind',
): TensorToWrite {
  const width = inputs + efficientNetLiteChannels;
  const wide = new Float32Array(outputs * width);
  for (let row = 0; row < outputs; row++) {
    const at = row * width + (place === 'before' ? efficientNetLiteChannels : 0);
    wide.set(data.subarray(row * inputs, (row + 1) * inputs), at);
  }
  return { name, dtype: 'float32', shape: [outputs, width], data: wide };
}
