/**
 * The object encoder against a file of the official one: feature maps and boxes in, pooled and embedded features out.
 */

import { ChatRexError } from '../../src/errors.ts';
import { encodeObjects, roiOutputSize } from '../../src/objects/object-encoder.ts';
import { objectFeeds } from '../../src/objects/object-inputs.ts';
import { hostTensor } from '../../src/runtime/host-tensor.ts';
import { Session } from '../../src/runtime/session.ts';
import { input } from '../../src/tensor/ops/input.ts';
import { openSafetensors } from '../../src/weights/safetensors.ts';
import type { WeightFile } from '../../src/weights/weight-file.ts';
import { difference } from './difference.ts';
import type { ParityRow } from './row.ts';

/** @throws ChatRexError when the file lacks a tensor of this layout */
export async function objectEncoderParity(path: string): Promise<ParityRow[]> {
  const file = await openSafetensors(path);
  const levels = [...file.tensors.keys()].filter((name) => /^feature\.\d+$/.test(name)).length;
  const maps = Array.from({ length: levels }, (_, i) => `feature.${i}`).map((name) => ({
    name,
    shape: shapeOf(file, name),
  }));
  const features = maps.map(({ name, shape }) => input(name, 'float32', shape));
  const [, , height, width] = shapeOf(file, 'feature.0');
  const map = {
    height,
    width,
    spatialScale: metadataNumber(file, 'spatial_scale') ?? 0.25,
    outputSize: metadataNumber(file, 'output_size') ?? roiOutputSize,
  };
  const boxes = await file.readFloat32('boxes_xyxy');
  const outputs = encodeObjects(features, {
    rows: input('rows', 'float32', [1, 'boxes', height]),
    columns: input('columns', 'float32', [1, 'boxes', width]),
    boxesCxcywhNormalized: input('boxesCxcywhNormalized', 'float32', [1, 'boxes', 4]),
  });
  const session = await Session.create(outputs, new Map());
  const feeds = Object.fromEntries(
    await Promise.all(
      maps.map(async ({ name, shape }) => [name, hostTensor('float32', shape, await file.readFloat32(name))] as const),
    ),
  );
  const actual = await session.run({ ...feeds, ...objectFeeds([boxes], map) });
  await session.dispose();
  const names = ['content', 'object'] as const;
  return Promise.all(
    names.map(async (tensor) => ({ tensor, ...difference(await file.readFloat32(tensor), actual[tensor]) })),
  );
}

function shapeOf(file: WeightFile, name: string): readonly number[] {
  const shape = file.tensors.get(name)?.shape;
  if (shape?.length === 4) return shape;
  throw new ChatRexError(
    'invalid-file',
    `${file.path} needs ${name} as [1, C, H, W], not ${shape ? `[${shape}]` : 'nothing'}`,
  );
}

function metadataNumber(file: WeightFile, key: string): number | undefined {
  const text = file.metadata[key];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0) return value;
  throw new ChatRexError('invalid-file', `the file's metadata must give ${key} as a positive number, not '${text}'`);
}
