/** Opens the model of any command over many images. */

import type { SessionOptions } from '../runtime/session.ts';
import { type AnswerRequest, openAnswerer } from './answer-image.ts';
import type { Looker } from './looker.ts';
import { openProposer, type ProposeRequest } from './propose-image.ts';

/** Plain data, so that it can be sent to a thread. */
export type LookRequest = ProposeRequest | AnswerRequest;

/** Opens the model that a request names. */
export const openLooker = (request: LookRequest, session?: SessionOptions): Promise<Looker> =>
  request.kind === 'propose' ? openProposer(request, session) : openAnswerer(request, session);
