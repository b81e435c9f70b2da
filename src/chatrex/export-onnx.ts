/**
 * A model as .onnx files for programs that are not ours: proposal network, encoders, object encoder and language
 * model, each a file that any ONNX Runtime opens. docs/onnx.md says what goes in and what comes out.
 */

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { writeNamed } from '../files.ts';
import type { ImageSize } from '../image/rgb-image.ts';
import { writingScope } from '../language/language-format.ts';
import { extensionGraph } from '../language/language-model.ts';
import { llama } from '../language/llama.ts';
import { embeddingDTypeOf, languageWeights, readConfig } from '../language/load.ts';
import { createScope } from '../nn/scope.ts';
import { int8LayersOf } from '../proposals/int8-layers.ts';
import { loadStoredNetwork } from '../proposals/load-proposal-network.ts';
import { locateNetwork } from '../proposals/locate.ts';
import { detectionGraph } from '../proposals/nanodet/nanodet.ts';
import { paddedCanvas, proposalGraph } from '../proposals/upn.ts';
import { graphOf } from '../tensor/graph.ts';
import { input } from '../tensor/ops/input.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { type OnnxFiles, writeOnnxFiles } from '../weights/onnx-writer.ts';
import { type ChatRexConfig, languageConfig, parseChatRexConfig } from './config.ts';
import { chatRexVision } from './network.ts';
import { objectsOfBoxes } from './object-boxes.ts';
import { encodedMaps, encodedPredictions, visionInputs } from './vision-encoder.ts';
import { type SplitTensors, splitTensors, visionWeights } from './weights.ts';

/** One .onnx file, as it is listed in the index. */
export interface OnnxModel {
  readonly file: string;
  /** The file beside it that holds its weights. */
  readonly data: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** A symbolic size is a name, the same wherever the size is the same. */
export interface OnnxValue {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly (number | string)[];
}

export interface ExportOnnxOptions {
  /**
   * Size of the images, with their padding, that the exported UPN takes; by default 4:3 with the configuration's
   * shorter side.
   */
  readonly canvas?: ImageSize;
}

/** What lists the files of an export. */
export const onnxIndexFile = 'index.json';

/** Sets of files, planned from headers alone: nothing is written yet. */
export interface OnnxPlan {
  readonly sets: readonly OnnxFiles[];
  readonly models: readonly OnnxModel[];
  /** Names of all files that will be written. */
  readonly files: readonly string[];
}

/**
 * What an export of a model will write.
 * @param source a ChatRex, with its proposal network where it has one, or a proposal network alone: a folder, the name
 *   of a bundled or pulled model, or the file of a UPN
 * @throws ChatRexError as `ChatRex.load` and `loadProposalNetwork` do; 'invalid-argument' for a canvas that the network
 *   cannot take
 */
export async function planOnnx(source: string, { canvas }: ExportOnnxOptions = {}): Promise<OnnxPlan> {
  const { folder, network } = await partsOf(source);
  if (canvas && network === undefined) {
    throw new ChatRexError('invalid-argument', `canvas: ${source} has no proposal network; leave it out`);
  }
  const sets: OnnxFiles[] = network === undefined ? [] : [await proposalFiles(network, canvas)];
  if (folder !== undefined) {
    const config = parseChatRexConfig(await readConfig(folder));
    const tensors = splitTensors(await openCheckpoint(folder), config);
    sets.push(...visionFiles(config, tensors), languageFiles(config, tensors));
  }
  const models = sets.flatMap(({ dataFile, graphs }) =>
    Object.entries(graphs).map(([file, outputs]) => describe(file, dataFile, outputs)),
  );
  const files = [...sets.map(({ dataFile }) => dataFile), ...models.map(({ file }) => file), onnxIndexFile];
  return { sets, models, files };
}

/**
 * Writes what was planned into `folder`, which is made; the index comes last.
 * @throws ChatRexError as `writeOnnxFiles`
 */
export async function writeOnnx(
  folder: string,
  { sets, models }: OnnxPlan,
  onProgress?: (progress: { doneBytes: number; totalBytes: number; name: string }) => void,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const set of sets) {
    await writeOnnxFiles(folder, set, (doneBytes, totalBytes) =>
      onProgress?.({ doneBytes, totalBytes, name: set.dataFile }),
    );
  }
  await writeNamed(join(folder, onnxIndexFile), `${JSON.stringify({ models }, null, 2)}\n`);
}

/** The folder of a ChatRex and the source of its proposal network, or one of the two. */
async function partsOf(source: string): Promise<{ folder?: string; network?: string }> {
  const located = await locateNetwork(source);
  const { path } = located;
  if (!located.isFolder) return { network: path };
  if (isWhole(located.config)) return { folder: path };
  const outer = dirname(path);
  const isInner = resolve(path) !== resolve(source) && existsSync(join(outer, 'config.json'));
  return { network: path, ...(isInner && isWhole(await readConfig(outer)) && { folder: outer }) };
}

/** Whether a `config.json` describes a ChatRex, with its language model. */
const isWhole = (config: unknown): boolean => config !== null && typeof config === 'object' && 'language' in config;

async function proposalFiles(source: string, canvas: ImageSize | undefined): Promise<OnnxFiles> {
  const stored = await loadStoredNetwork(source);
  const dataFile = 'proposal-network.onnx.data';
  if (stored.kind === 'nanodet') {
    if (canvas) {
      throw new ChatRexError('invalid-argument', 'canvas: this network sees squares of its own sizes; leave it out');
    }
    const { config, weights } = stored;
    const graphs = config.scales.map(({ side }) => [`proposal-network-${side}.onnx`, detectionGraph(config, side)]);
    return { dataFile, graphs: Object.fromEntries(graphs), weights };
  }
  const { config, weights } = stored;
  const { shorterSide, canvasMultiple } = config;
  const size =
    canvas ?? paddedCanvas({ width: Math.round((shorterSide * 4) / 3), height: shorterSide }, canvasMultiple);
  if (size.width % canvasMultiple !== 0 || size.height % canvasMultiple !== 0) {
    throw new ChatRexError(
      'invalid-argument',
      `canvas ${size.width}x${size.height}: both sides must be multiples of ${canvasMultiple}`,
    );
  }
  const outputs = proposalGraph(config, size, true, ['coarse', 'fine'], int8LayersOf(weights.keys()), 'batch');
  const renamed = Object.entries(outputs).map(
    ([name, tensor]) => [name.replace(' boxes', '.boxesCxcywhNormalized').replace(' ', '.'), tensor] as const,
  );
  return { dataFile, graphs: { 'proposal-network.onnx': Object.fromEntries(renamed) }, weights };
}

/** Two files over two files of weights: who only needs tokens of boxes does not load the encoders. */
function visionFiles(config: ChatRexConfig, tensors: SplitTensors): OnnxFiles[] {
  const weights = visionWeights(tensors.vision, config);
  const encoders = chatRexVision(createScope(), config);
  const { pixelsLow, pixelsHigh } = visionInputs(config);
  const image = encoders.encode(pixelsLow, pixelsHigh);
  const imageOutputs: Record<string, Tensor> = { imageTokens: encoders.imageTokens(image) };
  image.maps.forEach((map, i) => {
    imageOutputs[`map.${i}`] = map;
  });
  image.predictions.forEach((one, i) => {
    imageOutputs[`predictions.${i}`] = one;
  });
  const objects = chatRexVision(createScope(), config);
  const boxes = input('boxesXyxy', 'float32', ['batch', 'boxes', 4]);
  const maps = encodedMaps(config, 'batch', (i) => `map.${i}`);
  const predictions = encodedPredictions(config, 'batch', (i) => `predictions.${i}`);
  const { read, choice } = objects.objectTokens({ maps, predictions }, objectsOfBoxes(boxes, config));
  const objectOutputs = { objectTokens: read, ...(choice !== read && { objectChoices: choice }) };
  return [
    { dataFile: 'image-encoder.onnx.data', graphs: { 'image-encoder.onnx': imageOutputs }, weights },
    { dataFile: 'object-encoder.onnx.data', graphs: { 'object-encoder.onnx': objectOutputs }, weights },
  ];
}

/** Embeddings may be tied to the output layer, so that the two files share one file of weights. */
function languageFiles(config: ChatRexConfig, { language: tensors }: SplitTensors): OnnxFiles {
  const language = languageConfig(config);
  const format = config.quantization?.language ?? 'float';
  const scope = writingScope(format);
  const model = llama(scope, language, { embeddingDType: embeddingDTypeOf(tensors) });
  return {
    dataFile: 'language-model.onnx.data',
    graphs: {
      'token-embeddings.onnx': { embeddings: model.embed(input('ids', 'int64', ['sequence'])) },
      'language-model.onnx': extensionGraph(model, language),
    },
    weights: languageWeights(tensors, language, format),
  };
}

function describe(file: string, data: string, outputs: Readonly<Record<string, Tensor>>): OnnxModel {
  const value = (name: string, { dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>) => ({ name, dtype, shape });
  const { inputs } = graphOf(outputs);
  return {
    file,
    data,
    inputs: [...inputs.values()].map((tensor) => value(tensor.name, tensor)),
    outputs: Object.entries(outputs).map(([name, tensor]) => value(name, tensor)),
  };
}
