/**
 * How sure an answer is of each of its boxes, so that average precision can be computed.
 *
 *     score = proposal score × probability of choosing the box
 *
 * The probability is the softmax (temperature 1, whatever the sampling) over the tokens that were allowed at the step
 * where the box's index was chosen: boxes not yet in the list, and the token that ends the list. Where lists are sets
 * (`SetLists` in `constrain.ts`) it is the softmax over that box and the end alone: the other boxes do not compete. The
 * paper gives no scores.
 */

import type { GroundingIds } from './dialect.ts';
import type { GroundedText } from './grounded-text.ts';

/** The logit of a probability, kept finite at both ends. */
export function logitOf(probability: number): number {
  const inside = Math.min(Math.max(probability, 1e-6), 1 - 1e-6);
  return Math.log(inside / (1 - inside));
}

export const probabilityOf = (logit: number): number => 1 / (1 + Math.exp(-logit));

/**
 * Probability of `id` under masked logits: those of tokens that may not come are -Infinity.
 * 0 for a masked token.
 */
export function choiceProbability(maskedLogits: Float32Array, id: number): number {
  let largest = -Infinity;
  for (const logit of maskedLogits) if (logit > largest) largest = logit;
  let sum = 0;
  for (const logit of maskedLogits) sum += Math.exp(logit - largest);
  return largest === -Infinity ? 0 : Math.exp(maskedLogits[id] - largest) / sum;
}

/**
 * Scores of all boxes of an answer: one list per span, parallel to its `objects` (empty for text).
 * `ids` are the answer's tokens and `probabilities` the `choiceProbability` of each; `proposalScores` has one per box,
 * in [0, 1]; `leastSetScore` is the `leastScore` of `SetLists`, if lists are sets. A box whose index was spelled in
 * letters was never chosen as a token: its score is 0.
 */
export function scoreAnswer(
  spans: GroundedText,
  options: {
    ids: readonly number[];
    probabilities: ArrayLike<number>;
    grounding: GroundingIds;
    proposalScores: ArrayLike<number>;
    leastSetScore?: number;
  },
): number[][] {
  const { proposalScores, leastSetScore } = options;
  // Decoding compared the score of a set's object with the least; its probability says how far it is above that.
  const scoreOf = (index: number, probability: number) =>
    leastSetScore === undefined || probability === 0
      ? proposalScores[index] * probability
      : Math.min(proposalScores[index], probabilityOf(logitOf(probability) + logitOf(leastSetScore)));
  const lists = choicesOf(options.ids, options.probabilities, options.grounding, proposalScores.length);
  let next = 0;
  return spans.map((span) => {
    if (span.kind === 'text' || span.objects.length === 0) return [];
    // A list that was read as something else belongs to no span: it is passed over, and those after it keep theirs.
    const found = lists.findIndex((list, i) => i >= next && [...list.keys()].every((i) => span.objects.includes(i)));
    const list = found < 0 ? undefined : lists[found];
    if (list) next = found + 1;
    return span.objects.map((index) => scoreOf(index, list?.get(index) ?? 0));
  });
}

/**
 * For every object list with an existing box, in order: index to the probability with which it was first chosen. A list
 * ends as the parser ends it: at its closing tag or the next phrase.
 */
function choicesOf(
  ids: readonly number[],
  probabilities: ArrayLike<number>,
  grounding: GroundingIds,
  boxCount: number,
): Map<number, number>[] {
  const indexOf = new Map(grounding.objects.slice(0, boxCount).map((id, index) => [id, index]));
  const lists: Map<number, number>[] = [];
  let list: Map<number, number> | undefined;
  ids.forEach((id, step) => {
    if (id === grounding.objectsStart) {
      if (!list) {
        list = new Map();
        lists.push(list);
      }
    } else if (id === grounding.objectsEnd || id === grounding.phraseStart) list = undefined;
    const index = indexOf.get(id);
    if (list && index !== undefined && !list.has(index)) list.set(index, probabilities[step]);
  });
  return lists.filter(({ size }) => size > 0);
}
