/** `config.json` of a proposal network: the fields of `UpnConfig`, with `"model_type": "upn"`. */

import { z } from 'zod';
import { ChatRexError } from '../errors.ts';
import type { UpnConfig } from './config.ts';

const size = z.int().positive();
const backbone = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('swin'),
    embedDim: size,
    depths: z.array(size).min(1),
    numHeads: z.array(size).min(1),
    windowSize: size,
  }),
  z.strictObject({
    kind: z.literal('convnext'),
    depths: z.array(size).length(4),
    dims: z.array(size).length(4),
    kernelSize: size,
    layerScale: z.number(),
  }),
]);

/** The fields of `UpnConfig`. */
export const upnConfigSchema = z.strictObject({
  backbone,
  backboneStages: z.array(z.int().nonnegative()).min(1),
  numLevels: size,
  hiddenSize: size.multipleOf(32),
  numHeads: size,
  numPoints: size,
  numEncoderLayers: size,
  numDecoderLayers: size,
  feedForwardSize: size,
  numQueries: size,
  shorterSide: size,
  longerSide: size,
  canvasMultiple: size,
  minScore: z.number().min(0).max(1).optional(),
});

const modelType = 'upn';

/** @throws ChatRexError 'unsupported' for another kind of model, 'invalid-file' naming the first field that is wrong */
export function parseUpnConfig(json: unknown): UpnConfig {
  const { model_type: found, ...rest } = z.looseObject({}).catch({}).parse(json);
  if (found !== modelType) {
    throw new ChatRexError(
      'unsupported',
      `config.json: expected model_type '${modelType}', came '${found}'; loadProposalNetwork opens every kind`,
    );
  }
  const parsed = upnConfigSchema.safeParse(rest);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  throw new ChatRexError('invalid-file', `config.json: ${path.join('.') || 'top level'}: ${message}`);
}

/** The text of a `config.json`. */
export const formatUpnConfig = (config: UpnConfig): string =>
  `${JSON.stringify({ model_type: modelType, ...config }, null, 2)}\n`;
