/** Choosing a token from logits: the likeliest, or by chance with temperature and nucleus (Holtzman et al. 2019). */

import { ChatRexError } from '../errors.ts';
import type { Random } from '../random.ts';

export interface SamplingOptions {
  /** 0, the default, always takes the likeliest token; 1 samples the model's own distribution. */
  temperature?: number;
  /** Samples only from the likeliest tokens that together have this probability; 1, the default, from all. */
  topP?: number;
}

export interface Choice {
  id: number;
  /** The model's probability of it (temperature 1) among the tokens that are not masked by -Infinity. */
  probability: number;
}

/** @throws ChatRexError 'invalid-argument' for a temperature below 0 or a topP outside (0, 1]. */
export function requireSampling({ temperature = 0, topP = 1 }: SamplingOptions): void {
  if (typeof temperature !== 'number' || !(temperature >= 0 && temperature < Infinity)) {
    throw new ChatRexError('invalid-argument', `temperature must be 0 or more, not ${temperature}`);
  }
  if (typeof topP !== 'number' || !(topP > 0 && topP <= 1))
    throw new ChatRexError('invalid-argument', `topP must be in (0, 1], not ${topP}`);
}

/**
 * @param logits of all tokens; masked ones are -Infinity.
 * @throws ChatRexError 'invalid-argument' when no token may come, 'runtime' when a logit is not a number.
 */
export function chooseToken(logits: Float32Array, options: SamplingOptions, random: Random): Choice {
  const { temperature = 0, topP = 1 } = options;
  const likeliest = argMax(logits);
  const total = sumOfExp(logits, logits[likeliest], 1);
  const id = temperature === 0 ? likeliest : sample(logits, logits[likeliest], temperature, topP, random);
  return { id, probability: Math.exp(logits[id] - logits[likeliest]) / total };
}

function argMax(logits: Float32Array): number {
  let best = -1;
  for (let id = 0; id < logits.length; id++) {
    if (Number.isNaN(logits[id])) throw new ChatRexError('runtime', `the logit of token ${id} is not a number`);
    if (logits[id] > (best < 0 ? -Infinity : logits[best])) best = id;
  }
  if (best < 0) throw new ChatRexError('invalid-argument', 'the constraint allows no token at all');
  return best;
}

function sumOfExp(logits: Float32Array, largest: number, temperature: number): number {
  let sum = 0;
  for (const logit of logits) sum += Math.exp((logit - largest) / temperature);
  return sum;
}

function sample(logits: Float32Array, largest: number, temperature: number, topP: number, random: Random): number {
  const weight = (id: number) => Math.exp((logits[id] - largest) / temperature);
  const total = sumOfExp(logits, largest, temperature);
  const ids = topP < 1 ? nucleus(logits, weight, total * topP) : [...logits.keys()];
  let left = random.next() * ids.reduce((sum, id) => sum + weight(id), 0);
  for (const id of ids) {
    left -= weight(id);
    if (left < 0) return id;
  }
  // Rounding may leave a crumb: the last token that may come at all.
  return ids.findLast((id) => weight(id) > 0)!;
}

/** The likeliest tokens, as few as reach `mass`. */
function nucleus(logits: Float32Array, weight: (id: number) => number, mass: number): number[] {
  const sorted = [...logits.keys()].filter((id) => logits[id] !== -Infinity).sort((a, b) => logits[b] - logits[a]);
  let sum = 0;
  const kept = sorted.findIndex((id) => {
    sum += weight(id);
    return sum >= mass;
  });
  return kept < 0 ? sorted : sorted.slice(0, kept + 1);
}
