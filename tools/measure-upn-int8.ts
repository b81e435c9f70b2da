/**
 * What each part of a UPN loses in int8: the network with one part in int8 after the other, and with all that `chatrex
 * quantize --upn int8` rounds, against itself in float.
 *
 *     npx tsx tools/measure-upn-int8.ts [SOURCE] [--image FILE] [--size 400x533] [--best 100] [--only PART,...]
 *
 * SOURCE is what `chatrex propose --model` takes; without it a UPN-Large with random weights is made in the temporary
 * folder. Without an image the pixels are random. Columns, of the prompt `fine`:
 *
 *     memory    relative error of the tokens after the encoder
 *     selected  share of the selected tokens that float selects too
 *     same      of float's best boxes, share whose own query, decoded from the same first box, gives a box at IoU .95
 *     any       of float's best boxes, share for which some box of the network on its own is at IoU .95
 *
 * With random weights many tokens are as good as each other, so rounding selects others: `same` is the fair column
 * there, and `any` the one that a user sees.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensurePatternedCheckpoint } from '../bench/upn-checkpoint.ts';
import { cxcywhToXyxy } from '../src/boxes/convert.ts';
import { iou as overlapsOf } from '../src/boxes/overlap.ts';
import { decodeImage } from '../src/image/decode.ts';
import { createImageBatch, IMAGENET_STATISTICS, setImage } from '../src/image/normalize.ts';
import { resizeImage } from '../src/image/resize.ts';
import type { ImageSize } from '../src/image/rgb-image.ts';
import type { StoredWeight } from '../src/onnx/emit.ts';
import { type Int8Layers, upnScope } from '../src/proposals/int8-layers.ts';
import { openUpn } from '../src/proposals/load.ts';
import { proposeFor, upnNetwork } from '../src/proposals/network.ts';
import { defaultInt8Layers, linearLayersOf, upnQuantizationPlan } from '../src/proposals/quantize.ts';
import { patterned } from '../src/proposals/testing/patterned.ts';
import { upnWeights } from '../src/proposals/weights.ts';
import { type HostTensor, hostTensor } from '../src/runtime/host-tensor.ts';
import { Session } from '../src/runtime/session.ts';
import { input } from '../src/tensor/ops/input.ts';
import { openCheckpoint } from '../src/weights/checkpoint.ts';
import { writeSafetensors } from '../src/weights/safetensors-writer.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    image: { type: 'string' },
    size: { type: 'string', default: '400x533' },
    best: { type: 'string', default: '100' },
    only: { type: 'string' },
    threads: { type: 'string', default: '1' },
  },
});

/** Parts of a network by the names of their layers. */
const parts: Record<string, RegExp> = {
  'backbone stage 0': /backbone\.(layers|stages)\.0\./,
  'backbone stage 1': /backbone\.(layers|stages)\.1\./,
  'backbone stage 2': /backbone\.(layers|stages)\.2\./,
  'backbone stage 3': /backbone\.(layers|stages)\.3\./,
  'backbone qkv': /attn\.qkv/,
  'backbone fc2': /mlp\.fc2|pwconv2/,
  'encoder values': /encoder.*(value_proj|output_proj)/,
  'encoder offsets': /encoder.*sampling_offsets/,
  'encoder weights': /encoder.*attention_weights/,
  'encoder feed-forward': /encoder.*linear[12]/,
  'query selection': /enc_output/,
  'first boxes': /enc_out_bbox_embed/,
  'decoder values': /decoder.*value_proj/,
  'decoder offsets': /decoder.*sampling_offsets/,
  'decoder rest': /decoder.*(attention_weights|linear[12]|out(put)?_proj)/,
  'positions of boxes': /ref_point_head/,
  'box head': /^bbox_embed/,
};

interface Outcome {
  memory: Float32Array;
  selected: bigint[];
  firstBoxes: HostTensor;
  logits: Float32Array;
  boxes: Float32Array;
  decodedLogits: Float32Array;
  decodedBoxes: Float32Array;
}

async function measure(work: string): Promise<void> {
  const random = join(tmpdir(), 'upn_large_patterned.safetensors');
  const [source = random] = positionals;
  if (source === random) await ensurePatternedCheckpoint(random);
  const { config, file } = await openUpn(source);
  const all = linearLayersOf(config);
  const rounded = join(work, 'all.safetensors');
  await writeSafetensors(rounded, upnQuantizationPlan(file, config, all));
  const weights = new Map<string, StoredWeight>([
    ...(await upnWeights(file, config)),
    ...(await upnWeights(await openCheckpoint(rounded), config)),
  ]);
  const [height, width] = options.size.split('x').map(Number);
  const images = hostTensor('float32', [1, 3, height, width], await pixelsOf({ height, width }));

  const run = async (layers: Int8Layers, firstBoxes?: HostTensor): Promise<Outcome> => {
    const network = upnNetwork(upnScope(layers), config);
    const encoded = network.encode(input('images', 'float32', images.shape), null);
    const { selection, predictions } = proposeFor(network, encoded, 'fine');
    const { shape } = selection.boxesUnsigmoid;
    const given = network.decode(encoded, {
      content: network.content(1, shape[1] as number),
      boxesUnsigmoid: input('givenBoxes', 'float32', shape),
      prompts: network.prompt('fine'),
    });
    const outputs = {
      memory: encoded.memory,
      selected: selection.tokenIndices,
      firstBoxes: selection.boxesUnsigmoid,
      logits: predictions.logits.at(-1)!,
      boxes: predictions.boxesCxcywhNormalized.at(-1)!,
      decodedLogits: given.logits.at(-1)!,
      decodedBoxes: given.boxesCxcywhNormalized.at(-1)!,
    };
    const session = await Session.create(outputs, weights, {
      threads: Number(options.threads),
      plansMemory: false,
      optimizes: false,
    });
    const blank = hostTensor('float32', shape as number[]);
    const results = await session.run({ images, givenBoxes: firstBoxes ?? blank });
    await session.dispose();
    const data = (name: keyof typeof outputs) => results[name].data as Float32Array;
    return {
      memory: data('memory'),
      selected: Array.from(results.selected.data as BigInt64Array),
      firstBoxes: results.firstBoxes,
      logits: data('logits'),
      boxes: data('boxes'),
      decodedLogits: data('decodedLogits'),
      decodedBoxes: data('decodedBoxes'),
    };
  };

  const expected = await run(new Set());
  const table: [string, Int8Layers][] = [
    ...Object.entries(parts).map(([name, pattern]): [string, Int8Layers] => [name, only(all, pattern)]),
    ['as quantize', defaultInt8Layers(config)],
    ['everything', all],
  ];
  const wanted = options.only?.split(',');
  console.log(line('int8', ['layers', 'memory', 'selected', 'same', 'any']));
  for (const [name, layers] of table) {
    if (layers.size === 0 || (wanted && !wanted.includes(name))) continue;
    const outcome = await run(layers, expected.firstBoxes);
    const chosen = new Set(expected.selected);
    const cells = [
      relativeError(expected.memory, outcome.memory).toFixed(4),
      (outcome.selected.filter((token) => chosen.has(token)).length / chosen.size).toFixed(3),
      ...agreement(expected, outcome).map((share) => share.toFixed(2)),
    ];
    console.log(line(name, [String(layers.size), ...cells]));
  }
}

const line = (name: string, cells: readonly string[]) =>
  name.padEnd(24) + cells.map((cell) => cell.padStart(10)).join('');

const only = (layers: Int8Layers, pattern: RegExp): Int8Layers =>
  new Set([...layers].filter((layer) => pattern.test(layer)));

/** Shares of float's best boxes: those that their own query finds again, and those that any query finds. */
function agreement(expected: Outcome, outcome: Outcome): [number, number] {
  const order = Array.from(expected.logits.keys()).sort((a, b) => expected.logits[b] - expected.logits[a]);
  const best = order.slice(0, Number(options.best));
  const overlaps = (boxes: Float32Array) =>
    overlapsOf(
      cxcywhToXyxy(Float32Array.from(best.flatMap((i) => [...boxOf(expected.boxes, i)]))),
      cxcywhToXyxy(boxes),
    );
  const count = outcome.logits.length;
  const same = overlaps(outcome.decodedBoxes);
  const any = overlaps(outcome.boxes);
  const share = (isFound: (query: number, row: number) => boolean) => best.filter(isFound).length / best.length;
  return [
    share((query, row) => same[row * count + query] >= 0.95),
    share((_, row) => any.subarray(row * count, (row + 1) * count).some((iou) => iou >= 0.95)),
  ];
}

const boxOf = (boxes: Float32Array, i: number): Float32Array => boxes.subarray(4 * i, 4 * i + 4);

function relativeError(expected: Float32Array, found: Float32Array): number {
  let [squares, total] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    squares += (expected[i] - found[i]) ** 2;
    total += expected[i] ** 2;
  }
  return Math.sqrt(squares / total);
}

async function pixelsOf(size: ImageSize): Promise<Float32Array> {
  if (!options.image) return patterned('image', 3 * size.height * size.width, 1);
  const batch = createImageBatch(1, size);
  setImage(batch, 0, resizeImage(await decodeImage(options.image), size), IMAGENET_STATISTICS);
  return batch.pixels;
}

const work = await mkdtemp(join(tmpdir(), 'measure-upn-int8-'));
try {
  await measure(work);
} finally {
  await rm(work, { recursive: true });
}
