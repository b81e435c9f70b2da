/**
 * Constrained decoding: which token may come next so that an answer is always of the grammar in `parse.ts`.
 *
 * Knows token ids only, no engine. Before each step the engine masks the logits with it, after each step it pushes the
 * chosen id. What it holds to:
 *
 *     text          any text token, a phrase's start, the end
 *     phrase        any text token; its closing tag after at least one of them
 *     after it      the opening tag of the object list, nothing else
 *     empty list    an existing index, or the first token of "None"
 *     list          an existing index that is not in it yet, or the closing tag
 *     after "None"  the closing tag
 *
 * Where lists are sets, an object is listed if its score is at least `leastScore`: the score of its proposal times
 * its probability against the end of the list alone, whatever other objects there are.
 *
 * An answer is cut, which means that what is open is closed by the shortest way and the end follows,
 * - 'length': when only as many tokens are left as closing needs;
 * - 'loop': when a block of tokens repeats itself (see `loop-detection.ts`), or a phrase is named again with the same
 *   boxes and at most two tokens between, more often than the question names it.
 */

import { ChatRexError } from '../errors.ts';
import type { AnswerVocabulary } from './dialect.ts';
import { createLoopDetector } from './loop-detection.ts';
import { logitOf, probabilityOf } from './score.ts';

/** How a list is written that is a set: by the score of each object, which `scoreAnswer` gives too. */
export interface SetLists {
  /** Of an object that is listed, in (0, 1): see `ChatRexConfig`. */
  readonly leastScore: number;
  /** Of every box, in [0, 1]. */
  readonly proposalScores: ArrayLike<number>;
}

/** The tokens that may come next: these only, or all of the vocabulary but these. */
export type Allowed = { kind: 'only'; ids: Int32Array } | { kind: 'all-but'; ids: Int32Array };

/**
 * Guards one answer about an image with `boxCount` boxes, of at most `maxTokens` tokens (at least 1), its end included.
 */
export class AnswerConstraint {
  readonly #vocabulary: AnswerVocabulary;
  readonly #objectIds: ReadonlySet<number>;
  readonly #setLists: SetLists | undefined;
  readonly #table: ReturnType<typeof allowedByMode>;
  readonly #loops = createLoopDetector();
  readonly #phrase: ReturnType<typeof createPhraseMemory>;
  #mode: 'text' | 'phrase' | 'after-phrase' | 'list' | 'none' | 'done' = 'text';
  #tokensLeft: number;
  /** Tokens of "None" that have come. */
  #noneLength = 0;
  #isStuck = false;
  #cut: 'length' | 'loop' | undefined;
  #allowed: Allowed;

  /**
   * @param options.setLists of a model whose lists are sets
   * @param options.timesAsked how often the question names a phrase, by the ids of the phrase; once by default
   */
  constructor(
    vocabulary: AnswerVocabulary,
    options: {
      boxCount: number;
      maxTokens: number;
      setLists?: SetLists;
      timesAsked?: (phraseIds: readonly number[]) => number;
    },
  ) {
    const { boxCount, maxTokens, setLists, timesAsked = () => 1 } = options;
    this.#phrase = createPhraseMemory(timesAsked);
    this.#vocabulary = vocabulary;
    this.#setLists = setLists;
    this.#objectIds = new Set(vocabulary.ids.objects.slice(0, boxCount));
    this.#table = allowedByMode(vocabulary);
    this.#tokensLeft = maxTokens;
    this.#allowed = this.#findAllowed();
  }

  /** An end token has come. */
  get isDone(): boolean {
    return this.#mode === 'done';
  }

  /** Why nothing but the end was left to choose; undefined where the model ended its answer itself. */
  get cut(): 'length' | 'loop' | undefined {
    return this.#cut;
  }

  /** What may come next. */
  get allowed(): Allowed {
    return this.#allowed;
  }

  /**
   * Sets the logits of every token that may not come next to -Infinity, in place; where lists are sets, those of all
   * objects but one too. Their length is at least that of the vocabulary; what lies beyond it, as in padded
   * checkpoints, never comes.
   */
  mask(logits: Float32Array): void {
    const { kind, ids } = this.#allowed;
    if (kind === 'all-but') {
      for (const id of ids) logits[id] = -Infinity;
      logits.fill(-Infinity, this.#vocabulary.vocabSize);
      return;
    }
    const kept = Float32Array.from(ids, (id) => logits[id]);
    logits.fill(-Infinity);
    ids.forEach((id, i) => {
      logits[id] = kept[i];
    });
    if (this.#setLists && this.#mode === 'list') this.#weigh(this.#setLists, logits, ids);
  }

  /**
   * Leaves one object against the end of the list, with the larger logit if its score is at least `leastScore`. Of
   * several such objects it is the one with the largest sum of logit and logarithm of its proposal's score.
   */
  #weigh({ leastScore, proposalScores }: SetLists, logits: Float32Array, ids: Int32Array): void {
    const stop = ids.find((id) => !this.#objectIds.has(id));
    const against = stop === undefined ? 0 : logits[stop];
    let [best, bestWeight, bestScore] = [-1, -Infinity, 0];
    this.#vocabulary.ids.objects.slice(0, this.#objectIds.size).forEach((id, index) => {
      const logit = logits[id];
      if (logit === -Infinity) return;
      logits[id] = -Infinity;
      const score = proposalScores[index] * probabilityOf(logit - against);
      const weight = logit + Math.log(Math.max(proposalScores[index], 1e-6));
      const isOver = score >= leastScore;
      const hasOver = bestScore >= leastScore;
      if (isOver === hasOver ? weight > bestWeight : isOver) [best, bestWeight, bestScore] = [id, weight, score];
    });
    if (best < 0) return;
    logits[best] = logitOf(bestScore) - logitOf(leastScore);
    if (stop !== undefined) logits[stop] = 0;
  }

  /**
   * Takes the chosen token.
   * @throws ChatRexError 'invalid-argument' for one that may not come here.
   */
  push(id: number): void {
    const { kind, ids } = this.#allowed;
    const isInVocabulary = id >= 0 && id < this.#vocabulary.vocabSize;
    if (kind === 'only' ? !ids.includes(id) : ids.includes(id) || !isInVocabulary) {
      throw new ChatRexError(
        'invalid-argument',
        `answer: token ${id} may not come here; mask the logits before choosing`,
      );
    }
    if (this.#allowed === this.#table.end) this.#cut = this.#isStuck ? 'loop' : 'length';
    this.#tokensLeft--;
    this.#step(id);
    if (this.#loops.push(id)) this.#isStuck = true;
    this.#allowed = this.#findAllowed();
  }

  #step(id: number): void {
    const { ids, endIds } = this.#vocabulary;
    const phrase = this.#phrase;
    if (this.#mode === 'text') {
      if (endIds.includes(id)) this.#mode = 'done';
      else if (id === ids.phraseStart) {
        this.#mode = 'phrase';
        phrase.open();
      } else phrase.tokensBefore++;
    } else if (this.#mode === 'phrase') {
      if (id === ids.phraseEnd) this.#mode = 'after-phrase';
      else phrase.text.push(id);
    } else if (this.#mode === 'after-phrase') {
      this.#mode = 'list';
      this.#noneLength = 0;
    } else if (id === ids.objectsEnd) {
      this.#mode = 'text';
      if (phrase.close()) this.#isStuck = true;
    } else if (this.#objectIds.has(id)) phrase.objects.add(id);
    else {
      this.#mode = 'none';
      this.#noneLength++;
    }
  }

  #findAllowed(): Allowed {
    const table = this.#table;
    const isClosing = this.#isStuck || this.#tokensLeft <= this.#closingCost();
    switch (this.#mode) {
      case 'text':
        if (isClosing) return table.end;
        // A phrase takes its three tags before the list is open, a token of text, and what an empty list takes.
        return this.#tokensLeft >= this.#emptyListCost + 4 ? table.text : table.textWithoutPhrase;
      case 'phrase':
        if (this.#phrase.text.length === 0) return table.emptyPhrase;
        return isClosing ? table.phraseEnd : table.phrase;
      case 'after-phrase':
        return table.objectsStart;
      case 'list':
        return this.#allowedInList(isClosing);
      case 'none':
        return this.#noneLength < this.#vocabulary.noneIds.length
          ? only(this.#vocabulary.noneIds[this.#noneLength])
          : table.objectsEnd;
      case 'done':
        return table.nothing;
    }
  }

  #allowedInList(isClosing: boolean): Allowed {
    const { objects } = this.#phrase;
    const { ids, noneIds } = this.#vocabulary;
    if (objects.size > 0 && isClosing) return this.#table.objectsEnd;
    const free = [...this.#objectIds].filter((id) => !objects.has(id));
    if (objects.size > 0) return only(...free, ids.objectsEnd);
    return this.#tokensLeft >= noneIds.length + 2 ? only(...free, noneIds[0]) : only(...free);
  }

  /** The fewest tokens from here to the end of the answer. */
  #closingCost(): number {
    switch (this.#mode) {
      case 'text':
        return 1;
      case 'phrase':
        return this.#emptyListCost + (this.#phrase.text.length === 0 ? 3 : 2);
      case 'after-phrase':
        return this.#emptyListCost + 1;
      case 'list':
        return this.#phrase.objects.size > 0 ? 2 : this.#emptyListCost;
      case 'none':
        return this.#vocabulary.noneIds.length - this.#noneLength + 2;
      case 'done':
        return 0;
    }
  }

  /** From an open list without objects: an index or "None", the closing tag, the end. */
  get #emptyListCost(): number {
    return (this.#objectIds.size > 0 ? 1 : this.#vocabulary.noneIds.length) + 2;
  }
}

const only = (...ids: number[]): Allowed => ({ kind: 'only', ids: Int32Array.from(ids) });

function allowedByMode({ ids, endIds, specialIds }: AnswerVocabulary) {
  const allSpecialBut = (...kept: number[]): Allowed => ({
    kind: 'all-but',
    ids: Int32Array.from(specialIds.filter((id) => !kept.includes(id))),
  });
  return {
    text: allSpecialBut(ids.phraseStart, ...endIds),
    textWithoutPhrase: allSpecialBut(...endIds),
    phrase: allSpecialBut(ids.phraseEnd),
    emptyPhrase: allSpecialBut(),
    end: only(...endIds),
    phraseEnd: only(ids.phraseEnd),
    objectsStart: only(ids.objectsStart),
    objectsEnd: only(ids.objectsEnd),
    nothing: only(),
  };
}

/** A phrase with the same boxes, this near to its like, is a loop. */
const nearbyTokens = 2;

/** The phrase being written, and whether it is the one before it over again. */
function createPhraseMemory(timesAsked: (phraseIds: readonly number[]) => number) {
  let previous: string | undefined;
  let repeats = 1;
  const memory = {
    text: [] as number[],
    /** Ids of the index tokens in its list. */
    objects: new Set<number>(),
    /** Text tokens since the phrase before. */
    tokensBefore: 0,
    open() {
      memory.text = [];
      memory.objects.clear();
    },
    /** True when the same phrase with the same boxes has just been there, as often as it was asked for. */
    close() {
      const key = `${memory.text}|${[...memory.objects].sort((a, b) => a - b)}`;
      repeats = key === previous && memory.tokensBefore <= nearbyTokens ? repeats + 1 : 1;
      previous = key;
      memory.tokensBefore = 0;
      return repeats > 1 && repeats > timesAsked(memory.text);
    },
  };
  return memory;
}
