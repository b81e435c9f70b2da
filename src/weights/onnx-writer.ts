/**
 * Writes graphs as .onnx files that any ONNX Runtime opens: the weights of all of them are copied into one file beside
 * them, which the .onnx files name. (Our own sessions copy nothing: they read weights where they are stored.)
 */

import { join, resolve } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { streamRange } from '../file-range.ts';
import { writeAll, writeBeside } from '../files.ts';
import { emitModel, type StoredWeight } from '../onnx/emit.ts';
import { graphOf } from '../tensor/graph.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { viewBytes } from './dtype.ts';

/** Graphs over one file of weights: a weight that several of them use is stored once. */
export interface OnnxFiles {
  /** What the file of the weights is called. */
  readonly dataFile: string;
  /** Outputs of each graph by the name of its .onnx file. */
  readonly graphs: Readonly<Record<string, Readonly<Record<string, Tensor>>>>;
  /** At least the parameters of the graphs, by name. */
  readonly weights: ReadonlyMap<string, StoredWeight>;
}

/** Weights from this size on begin at a page, also of Windows, so that a runtime can map them. */
const mappedFromBytes = 2 ** 20;
const pageBytes = 2 ** 16;
/** What vector instructions like best; other weights begin at multiples of it. */
const alignmentBytes = 64;

const sizeOf = (weight: StoredWeight): number => ('data' in weight ? weight.data.byteLength : weight.byteLength);

/**
 * Writes the data file and then the .onnx files into `folder`, which exists; each appears once it is complete.
 * @param onProgress called as bytes of weights are written
 * @throws ChatRexError 'weights-mismatch' when a parameter has no weight, 'not-found' when the folder cannot be written
 */
export async function writeOnnxFiles(
  folder: string,
  { dataFile, graphs, weights }: OnnxFiles,
  onProgress?: (doneBytes: number, totalBytes: number) => void,
): Promise<void> {
  const built = Object.entries(graphs).map(([name, outputs]) => [name, graphOf(outputs)] as const);
  const names = new Set(built.flatMap(([, graph]) => [...graph.parameters.keys()]));
  const root = resolve(folder);
  const placed = placeWeights([...names], weights, join(root, dataFile));
  const models = built.map(
    ([name, graph]) => [name, emitModel(graph, placed.weights, { externalFolder: root }).bytes] as const,
  );
  await writeBeside(join(folder, dataFile), async (file) => {
    let done = 0;
    for (const name of names) {
      const { byteOffset } = placed.weights.get(name) as { byteOffset: number };
      await writeAll(file, new Uint8Array(byteOffset - done));
      done = byteOffset;
      for await (const chunk of bytesOf(weights.get(name) as StoredWeight)) {
        await writeAll(file, chunk);
        done += chunk.byteLength;
        onProgress?.(done, placed.totalBytes);
      }
    }
  });
  for (const [name, bytes] of models) await writeBeside(join(folder, name), (file) => writeAll(file, bytes));
}

/** The weights where they will be in the file at `path`, one after the other. */
function placeWeights(names: readonly string[], weights: ReadonlyMap<string, StoredWeight>, path: string) {
  const placed = new Map<string, StoredWeight>();
  let end = 0;
  for (const name of names) {
    const weight = weights.get(name);
    if (!weight) throw new ChatRexError('weights-mismatch', `no weight is stored for parameter ${name}`);
    const byteLength = sizeOf(weight);
    const step = byteLength >= mappedFromBytes ? pageBytes : alignmentBytes;
    const byteOffset = Math.ceil(end / step) * step;
    placed.set(name, { dtype: weight.dtype, path, byteOffset, byteLength });
    end = byteOffset + byteLength;
  }
  return { weights: placed, totalBytes: end };
}

async function* bytesOf(weight: StoredWeight): AsyncGenerator<Uint8Array> {
  if ('data' in weight) yield viewBytes(weight.data);
  else yield* streamRange(weight.path, weight.byteOffset, weight.byteLength);
}
