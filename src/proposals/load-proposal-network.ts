/** Opens whatever finds the objects of images; a folder's `config.json` says what it is. */

import { z } from 'zod';
import { defaultModel } from '../bundled-models.ts';
import { nanoDetParameters } from '../vision/nanodet/network.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { storedWeights } from '../weights/storage.ts';
import { loadStoredUpn, type StoredUpn } from './load.ts';
import { locateNetwork } from './locate.ts';
import { nanoDetModelType, parseNanoDetConfig, sizesOf } from './nanodet/config.ts';
import { NanoDet, type StoredNanoDet } from './nanodet/nanodet.ts';
import type { ProposalNetwork } from './proposal-network.ts';
import { Upn, type UpnLoadOptions } from './upn.ts';

/**
 * Opens a proposal network of any kind; nothing but headers is read until the first image.
 * @param source the name of a bundled model (`photo`, `nano`), a folder of a network, a ChatRex folder with `upn/`, or
 *   a single `.safetensors` or official `.pth` of a UPN
 * @throws ChatRexError naming what is missing, malformed or does not fit
 * @example
 * const network = await loadProposalNetwork('photo');
 * const [{ boxesXyxy, scores, categories }] = await network.propose(['street.jpg']);
 */
export async function loadProposalNetwork(
  source = defaultModel,
  options: UpnLoadOptions = {},
): Promise<ProposalNetwork> {
  const nanoDet = await loadStoredNanoDet(source);
  return nanoDet ? new NanoDet(nanoDet, options.session) : Upn.load(source, options);
}

/** A network of any kind on disk: its configuration and where its weights are. */
export type StoredNetwork = ({ readonly kind: 'upn' } & StoredUpn) | ({ readonly kind: 'nanodet' } & StoredNanoDet);

/**
 * As `loadProposalNetwork`, for those who want the network and not what it computes.
 * @throws ChatRexError as it does
 */
export async function loadStoredNetwork(source: string): Promise<StoredNetwork> {
  const nanoDet = await loadStoredNanoDet(source);
  return nanoDet ? { kind: 'nanodet', ...nanoDet } : { kind: 'upn', ...(await loadStoredUpn(source)) };
}

/** Undefined for a source that is no NanoDet. */
async function loadStoredNanoDet(source: string): Promise<StoredNanoDet | undefined> {
  const located = await locateNetwork(source);
  if (!located.isFolder || modelTypeOf(located.config) !== nanoDetModelType) return undefined;
  const config = parseNanoDetConfig(located.config);
  const { tensors } = await openCheckpoint(located.path);
  return { config, weights: storedWeights(nanoDetParameters(sizesOf(config)), tensors) };
}

const modelTypeOf = (config: unknown): unknown => z.looseObject({}).catch({}).parse(config).model_type;
