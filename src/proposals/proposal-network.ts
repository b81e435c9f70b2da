/** What all networks that find objects have in common, whatever finds them: images in, boxes out. */

import { requireNotAborted, wrongArgument } from '../errors.ts';
import { decodeImage, type ImageLimits, type ImageSource } from '../image/decode.ts';
import type { RgbImage } from '../image/rgb-image.ts';
import type { Granularity } from './network.ts';
import type { FilterOptions, Proposals } from './post-process.ts';

export interface ProposeOptions extends FilterOptions {
  /** Pieces of things, whole things (by default), or what either finds. */
  readonly granularity?: Granularity | 'both';
  /** Looks at one scale only, where the network has several: quicker, and it misses small things. */
  readonly fast?: boolean;
  readonly limits?: ImageLimits;
  /** Ends the work before the next image, with an error of code 'aborted'. */
  readonly signal?: AbortSignal;
}

/** A network that finds the objects of images: a UPN, or a detector of a list of categories. */
export interface ProposalNetwork {
  /** What it can tell apart. A detector of whole things has no `fine`. */
  readonly granularities: readonly Granularity[];
  /** The names it may give to boxes; empty for a network that names nothing. */
  readonly categories: readonly string[];
  /** Which boxes it keeps by default. */
  readonly filter: Required<FilterOptions>;
  /**
   * Finds the objects of every image. Each is looked at alone, so that its boxes do not depend on the others.
   * @returns one result per image, in order
   * @throws ChatRexError for an image that cannot be read, options out of range, 'unsupported' for a granularity that
   *   the network does not know, 'aborted'
   */
  propose(sources: readonly ImageSource[], options?: ProposeOptions): Promise<Proposals[]>;
  /** Frees the memory after the calls under way; later calls are refused with code 'runtime'. */
  dispose(): Promise<void>;
}

/** Decodes images one by one, finds what is in each, and ends between two steps when it is told to. */
export async function proposeForEach(
  sources: readonly ImageSource[],
  { limits, signal }: Pick<ProposeOptions, 'limits' | 'signal'>,
  find: (image: RgbImage) => Promise<Proposals>,
): Promise<Proposals[]> {
  if (!Array.isArray(sources)) throw wrongArgument('images', "a list of images such as ['photo.jpg']", sources);
  const results: Proposals[] = [];
  for (const source of sources) {
    requireNotAborted(signal, 'finding objects');
    const image = await decodeImage(source, limits);
    requireNotAborted(signal, 'finding objects');
    results.push(await find(image));
  }
  return results;
}

/** @throws ChatRexError 'invalid-argument' for what is no granularity */
export function requireGranularity(granularity: unknown): void {
  if (granularity === 'fine' || granularity === 'coarse' || granularity === 'both') return;
  throw wrongArgument('granularity', "'fine', 'coarse' or 'both'", granularity);
}
