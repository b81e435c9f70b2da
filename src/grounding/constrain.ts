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
 * An answer is cut, which means that what is open is closed by the shortest way and the end follows,
 * - 'length': when only as many tokens are left as closing needs;
 * - 'loop': when a block of tokens repeats itself (see `loop-detection.ts`), or a phrase is named again with the same boxes
 *   and at most two tokens between.
 */

import { ChatRexError } from '../errors.ts';
import type { GroundingIds } from '../prompt/special-tokens.ts';
import { createLoopDetector } from './loop-detection.ts';

/** The tokens that may come next: these only, or all of the vocabulary but these. */
export type Allowed = { kind: 'only'; ids: Int32Array } | { kind: 'all-but'; ids: Int32Array };

export interface AnswerConstraint {
  /** Valid until the next `push`. */
  allowed(): Allowed;
  /** Sets the logits (length at least the vocabulary) of every token that may not come next to -Infinity, in place. */
  mask(logits: Float32Array): void;
  /** @throws ChatRexError 'invalid-argument' for a token that may not come next. */
  push(id: number): void;
  /** An end token has come. */
  readonly isDone: boolean;
  /** Why nothing but the end was left to choose; undefined where the model ended its answer itself. */
  readonly cut: 'length' | 'loop' | undefined;
}

export interface ConstraintOptions {
  ids: GroundingIds;
  /** Any of them ends the answer. */
  endIds: readonly number[];
  /** All special tokens of the vocabulary; those with no place in an answer never come. */
  specialIds: readonly number[];
  /** Logits beyond the vocabulary, as padded checkpoints have, are never chosen. */
  vocabSize: number;
  /** The text "None" as ids. */
  noneIds: readonly number[];
  boxCount: number;
  /** Length of the answer in tokens, its end token included; at least 1. */
  maxTokens: number;
}

type Mode = 'text' | 'phrase' | 'after-phrase' | 'list' | 'none' | 'done';

/** A phrase with the same boxes, this near to its like, is a loop. */
const nearbyTokens = 2;

export function createAnswerConstraint(options: ConstraintOptions): AnswerConstraint {
  const { ids, boxCount, noneIds, vocabSize } = options;
  const endIds = Int32Array.from(options.endIds);
  const specials = new Set([...options.specialIds, ...endIds]);
  const allBut = (...kept: number[]): Allowed => ({
    kind: 'all-but',
    ids: Int32Array.from([...specials].filter((id) => !kept.includes(id))),
  });
  const only = (...kept: number[]): Allowed => ({ kind: 'only', ids: Int32Array.from(kept) });
  const table = {
    text: allBut(ids.phraseStart, ...endIds),
    textWithoutPhrase: allBut(...endIds),
    phrase: allBut(ids.phraseEnd),
    emptyPhrase: allBut(),
    end: only(...endIds),
    phraseEnd: only(ids.phraseEnd),
    objectsStart: only(ids.objectsStart),
    objectsEnd: only(ids.objectsEnd),
    nothing: only(),
  };
  const objectIds = new Set(ids.objects.slice(0, boxCount));

  const loops = createLoopDetector();
  const phrase = createPhraseMemory();
  let mode: Mode = 'text';
  let tokensLeft = options.maxTokens;
  let noneLength = 0;
  let isStuck = false;
  let cut: AnswerConstraint['cut'];
  let current: Allowed | undefined;

  /** Tokens from an empty list to the end of the answer. */
  const emptyListCost = (boxCount > 0 ? 1 : noneIds.length) + 2;
  const closingCost = (): number => {
    if (mode === 'text') return 1;
    if (mode === 'phrase') return emptyListCost + (phrase.text.length === 0 ? 3 : 2);
    if (mode === 'after-phrase') return emptyListCost + 1;
    if (mode === 'none') return noneIds.length - noneLength + 2;
    return phrase.objects.size > 0 ? 2 : emptyListCost;
  };

  const allowedInList = (isClosing: boolean): Allowed => {
    if (phrase.objects.size > 0 && isClosing) return table.objectsEnd;
    const free = [...objectIds].filter((id) => !phrase.objects.has(id));
    if (phrase.objects.size > 0) return only(...free, ids.objectsEnd);
    return tokensLeft >= noneIds.length + 2 ? only(...free, noneIds[0]) : only(...free);
  };
  const findAllowed = (): Allowed => {
    const isClosing = isStuck || tokensLeft <= closingCost();
    switch (mode) {
      case 'text':
        if (isClosing) return table.end;
        // A phrase takes its two tags, a token of text, an object list and the end.
        return tokensLeft >= emptyListCost + 4 ? table.text : table.textWithoutPhrase;
      case 'phrase':
        if (phrase.text.length === 0) return table.emptyPhrase;
        return isClosing ? table.phraseEnd : table.phrase;
      case 'after-phrase':
        return table.objectsStart;
      case 'list':
        return allowedInList(isClosing);
      case 'none':
        return noneLength < noneIds.length ? only(noneIds[noneLength]) : table.objectsEnd;
      case 'done':
        return table.nothing;
    }
  };
  const allowed = () => {
    current ??= findAllowed();
    return current;
  };

  const closeList = () => {
    mode = 'text';
    if (phrase.close()) isStuck = true;
  };
  const step = (id: number) => {
    switch (mode) {
      case 'text':
        if (endIds.includes(id)) mode = 'done';
        else if (id === ids.phraseStart) {
          mode = 'phrase';
          phrase.open();
        } else phrase.tokensBefore++;
        return;
      case 'phrase':
        if (id === ids.phraseEnd) mode = 'after-phrase';
        else phrase.text.push(id);
        return;
      case 'after-phrase':
        mode = 'list';
        return;
      case 'list':
        if (id === ids.objectsEnd) closeList();
        else if (objectIds.has(id)) phrase.objects.add(id);
        else {
          mode = 'none';
          noneLength = 1;
        }
        return;
      case 'none':
        if (id === ids.objectsEnd) closeList();
        else noneLength++;
    }
  };

  return {
    allowed,
    mask: (logits) => maskLogits(logits, allowed(), vocabSize),
    push(id) {
      if (!isAllowed(allowed(), id, vocabSize)) {
        throw new ChatRexError(
          'invalid-argument',
          `answer: token ${id} may not come here; mask the logits before choosing`,
        );
      }
      if (allowed() === table.end) cut = isStuck ? 'loop' : 'length';
      tokensLeft--;
      step(id);
      if (loops.push(id)) isStuck = true;
      current = undefined;
    },
    get isDone() {
      return mode === 'done';
    },
    get cut() {
      return cut;
    },
  };
}

/** The phrase being written, and whether it is the one before it over again. */
function createPhraseMemory() {
  let previous: string | undefined;
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
    /** True when the same phrase with the same boxes has just been there. */
    close() {
      const key = `${memory.text}|${[...memory.objects].sort((a, b) => a - b)}`;
      const isRepeated = key === previous && memory.tokensBefore <= nearbyTokens;
      previous = key;
      memory.tokensBefore = 0;
      return isRepeated;
    },
  };
  return memory;
}

function isAllowed({ kind, ids }: Allowed, id: number, vocabSize: number): boolean {
  return kind === 'only' ? ids.includes(id) : id >= 0 && id < vocabSize && !ids.includes(id);
}

function maskLogits(logits: Float32Array, { kind, ids }: Allowed, vocabSize: number): void {
  if (kind === 'all-but') {
    for (const id of ids) logits[id] = -Infinity;
    logits.fill(-Infinity, vocabSize);
    return;
  }
  const kept = Float32Array.from(ids, (id) => logits[id]);
  logits.fill(-Infinity);
  ids.forEach((id, i) => {
    logits[id] = kept[i];
  });
}
