/**
 * UPN against a file of the official network: weights, padded inputs, backbone maps, memory, predictions per prompt.
 */

import { ChatRexError } from '../../src/errors.ts';
import { createScope } from '../../src/nn/scope.ts';
import type { WeightStorage } from '../../src/onnx/emit.ts';
import { type UpnConfig, upnPresets } from '../../src/proposals/config.ts';
import type { Predictions } from '../../src/proposals/decoder.ts';
import { type Granularity, proposeFor, upnNetwork } from '../../src/proposals/network.ts';
import { upnWeights } from '../../src/proposals/weights.ts';
import { type HostTensor, hostTensor } from '../../src/runtime/host-tensor.ts';
import { Session } from '../../src/runtime/session.ts';
import { input } from '../../src/tensor/ops/input.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { openSafetensors } from '../../src/weights/safetensors.ts';
import type { WeightFile } from '../../src/weights/weight-file.ts';
import { difference } from './difference.ts';
import type { ParityRow } from './row.ts';

const weightPrefix = 'weights.';
const granularities: readonly Granularity[] = ['fine', 'coarse'];
/** Selected tokens whose similarities differ by less than this may come in either order. */
const tieTolerance = 1e-4;
/** First boxes (before the sigmoid) that differ by less than this are the same token's. */
const boxTolerance = 1e-3;

/** @throws ChatRexError when the file lacks something or its weights do not fit its configuration */
export async function upnParity(path: string): Promise<ParityRow[]> {
  const file = await openSafetensors(path);
  const config = configOf(file.metadata);
  const feeds = await readInputs(file);
  const [, , height, width] = feeds.images.shape;
  const canvas = { height, width };
  const outputs = buildGraph(config, canvas);
  const weights = await upnWeights(file, config, weightPrefix);
  const actual = await runGraph(outputs, weights, feeds);
  const rows: ParityRow[] = [];
  const compare = async (name: string, result: HostTensor, note?: string) => {
    if (file.tensors.has(name)) rows.push({ tensor: name, ...difference(await file.readFloat32(name), result), note });
  };
  for (const name of Object.keys(actual)) {
    if (!name.includes('_prompt.')) await compare(name, actual[name]);
  }
  for (const granularity of granularities) {
    const name = (what: string) => `${granularity}_grained_prompt.${what}`;
    const boxes = actual[name('refpoint_unsigmoid')] as HostTensor<'float32'>;
    const similarities = actual[name('selected_logits')] as HostTensor<'float32'>;
    const matched = matchTies(await file.readFloat32(name('refpoint_unsigmoid')), boxes, similarities);
    // Content queries belong to places in the order, so another order of tied boxes has to be decoded as the file has
    // it.
    const decoded = matched.note
      ? await runGraph(buildGraph(config, canvas, granularity), weights, { ...feeds, queries: matched.boxes })
      : actual;
    await compare(name('refpoint_unsigmoid'), matched.boxes, matched.note);
    for (const what of ['pred_logits', 'pred_boxes_cxcywh']) await compare(name(what), decoded[name(what)]);
  }
  return rows;
}

async function runGraph(
  outputs: Readonly<Record<string, Tensor>>,
  weights: WeightStorage,
  feeds: Readonly<Record<string, HostTensor>>,
): Promise<Record<string, HostTensor>> {
  const session = await Session.create(outputs, weights);
  const results = await session.run(feeds);
  await session.dispose();
  return results;
}

/**
 * Our boxes in the order of the expected ones, where the two differ only among tokens whose similarities tie; at the
 * cut, a tie may also select another token, and then the expected box stands in for it.
 */
function matchTies(
  expected: Float32Array,
  boxes: HostTensor<'float32'>,
  similarities: HostTensor<'float32'>,
): { boxes: HostTensor<'float32'>; note?: string } {
  const [batch, count] = boxes.shape;
  const ordered = boxes.data.slice();
  const scale = tieTolerance * Math.max(1, ...similarities.data.map(Math.abs));
  const rowOf = (data: Float32Array, row: number) => data.subarray(row * 4, row * 4 + 4);
  const isSame = (a: Float32Array, b: Float32Array) =>
    a.every((value, i) => value === b[i] || Math.abs(value - b[i]) <= boxTolerance);
  let [swapped, atCut] = [0, 0];
  for (let image = 0; image < batch; image++) {
    const rows = Array.from({ length: count }, (_, i) => image * count + i);
    const wrong = rows.filter((row) => !isSame(rowOf(expected, row), rowOf(boxes.data, row)));
    const free = new Set(wrong);
    const similarity = (row: number) => similarities.data[row];
    for (const row of wrong) {
      const ties = [...free].filter((other) => Math.abs(similarity(other) - similarity(row)) <= scale);
      const match = ties.find((other) => isSame(rowOf(expected, row), rowOf(boxes.data, other)));
      if (match !== undefined) {
        free.delete(match);
        ordered.set(rowOf(boxes.data, match), row * 4);
        swapped++;
      } else if (Math.abs(similarity(row) - similarity(rows[count - 1])) <= scale) {
        ordered.set(rowOf(expected, row), row * 4);
        atCut++;
      }
    }
  }
  const notes = [swapped && `${swapped} tied queries in another order`, atCut && `${atCut} tied at the cut`];
  return { boxes: { ...boxes, data: ordered }, note: notes.filter(Boolean).join(', ') || undefined };
}

/** The sizes that such files state; the rest is as in every UPN. */
function configOf(metadata: Readonly<Record<string, string>>): UpnConfig {
  const list = (key: string): number[] => {
    const values = (metadata[key] ?? '').split(',').map(Number);
    if (values.every((value) => Number.isInteger(value) && value > 0)) return values;
    throw new ChatRexError(
      'invalid-file',
      `the file's metadata must give ${key}, not ${JSON.stringify(metadata[key])}`,
    );
  };
  const one = (key: string): number => list(key)[0];
  return {
    ...upnPresets['upn-large'],
    backbone: {
      kind: 'swin',
      embedDim: one('embed_dim'),
      depths: list('depths'),
      numHeads: list('num_heads'),
      windowSize: one('window_size'),
    },
    numLevels: one('n_levels'),
    hiddenSize: one('d_model'),
    numHeads: one('n_heads'),
    numPoints: one('n_points'),
    numEncoderLayers: one('enc_layers'),
    numDecoderLayers: one('dec_layers'),
    feedForwardSize: one('d_ffn'),
    numQueries: one('num_queries'),
  };
}

async function readInputs(file: WeightFile): Promise<{ images: HostTensor; padding: HostTensor }> {
  const shapeOf = (name: string) => file.tensors.get(name)?.shape ?? [];
  const images = await file.readFloat32('images_padded');
  const mask = Uint8Array.from((await file.read('mask')) as Uint8Array);
  return {
    images: hostTensor('float32', shapeOf('images_padded'), images),
    padding: hostTensor('bool', shapeOf('mask'), mask),
  };
}

/** @param fed the granularity whose queries are fed instead of selected */
function buildGraph(
  config: UpnConfig,
  { height, width }: { height: number; width: number },
  fed?: Granularity,
): Record<string, Tensor> {
  const network = upnNetwork(createScope(), config);
  const images = input('images', 'float32', ['batch', 3, height, width]);
  const padding = input('padding', 'bool', ['batch', height, width]);
  const encoded = network.encode(images, padding);
  const outputs: Record<string, Tensor> = {};
  const put = (granularity: Granularity, { logits, boxesCxcywhNormalized }: Predictions) => {
    outputs[`${granularity}_grained_prompt.pred_logits`] = logits.at(-1) as Tensor;
    outputs[`${granularity}_grained_prompt.pred_boxes_cxcywh`] = boxesCxcywhNormalized.at(-1) as Tensor;
  };
  if (fed) {
    const boxesUnsigmoid = input('queries', 'float32', ['batch', config.numQueries, 4]);
    const content = network.content('batch', config.numQueries);
    put(fed, network.decode(encoded, { content, boxesUnsigmoid, prompts: network.prompt(fed) }));
    return outputs;
  }
  encoded.backboneMaps.forEach((map, i) => {
    outputs[`backbone.${i}`] = map;
  });
  outputs.memory = encoded.memory;
  for (const granularity of granularities) {
    const { selection, predictions } = proposeFor(network, encoded, granularity);
    outputs[`${granularity}_grained_prompt.refpoint_unsigmoid`] = selection.boxesUnsigmoid;
    outputs[`${granularity}_grained_prompt.selected_logits`] = selection.logits;
    put(granularity, predictions);
  }
  return outputs;
}
