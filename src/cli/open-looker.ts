/** Opens the model of any command over many images. */

import { defaultThreads } from '../runtime/threads.ts';
import { type AnswerRequest, openAnswerer } from './answer-image.ts';
import type { Looker } from './looker.ts';
import { openProposer, type ProposeRequest } from './propose-image.ts';

/** Plain data, so that it can be sent to a thread. */
export type LookRequest = ProposeRequest | AnswerRequest;

/**
 * Opens the model that a request names.
 * @param atOnce how many images will be looked at at once: they share the cores
 */
export const openLooker = (request: LookRequest, atOnce = 1): Promise<Looker> => {
  const session = { threads: Math.max(1, Math.floor(defaultThreads() / atOnce)) };
  return request.kind === 'propose' ? openProposer(request, session) : openAnswerer(request, session);
};
