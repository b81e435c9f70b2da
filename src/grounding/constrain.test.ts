import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerConstraint } from './constrain.ts';
import { dialects, type GroundingIds, groundingTokens } from './dialect.ts';
import { createLoopDetector } from './loop-detection.ts';
import { parseAnswer } from './parse.ts';
import { choiceProbability, scoreAnswer } from './score.ts';

/**
 * A vocabulary of letters a to j (0 to 9), "None" as [10, 11], two foreign specials (12, 13), end (14), then the
 * dialect's.
 */
const letters = [...'abcdefghij', 'No', 'ne', '<image>', '<user>', '<end>'];
const names = [...letters, ...groundingTokens(dialects.paper)];
const end = 14;
const first = letters.length;
const ids: GroundingIds = {
  objects: Array.from({ length: 100 }, (_, i) => first + i),
  phraseStart: first + 100,
  phraseEnd: first + 101,
  objectsStart: first + 102,
  objectsEnd: first + 103,
};
const spell = (tokens: number[]) => tokens.map((id) => names[id]).join('');

const vocabulary = {
  ids,
  endIds: [end],
  specialIds: Array.from({ length: names.length - 12 }, (_, i) => 12 + i),
  vocabSize: names.length,
  noneIds: [10, 11],
};
const constraintFor = (options: {
  boxCount: number;
  maxTokens?: number;
  timesAsked?: (phraseIds: readonly number[]) => number;
}) => new AnswerConstraint(vocabulary, { maxTokens: 1000, ...options });

/** What may come after `tokens`, in words. */
function next(tokens: number[], boxCount = 2): string[] {
  const constraint = constraintFor({ boxCount });
  for (const id of tokens) constraint.push(id);
  const logits = new Float32Array(names.length + 8).fill(1);
  constraint.mask(logits);
  return [...logits.keys()].filter((id) => logits[id] !== -Infinity).map((id) => names[id] ?? 'padding');
}

const text = letters.slice(0, 12);
const [box0, box1] = ids.objects;

describe('lists in any order', () => {
  const list = [ids.phraseStart, 2, ids.phraseEnd, ids.objectsStart];
  const { objectsEnd, objects } = ids;
  const masked = (tokens: number[], values: [number, number][], leastScore = 0.5, proposalScores = [1, 1, 1]) => {
    const setLists = { leastScore, proposalScores };
    const constraint = new AnswerConstraint(vocabulary, { boxCount: 3, maxTokens: 1000, setLists });
    for (const id of tokens) constraint.push(id);
    const logits = new Float32Array(names.length).fill(-9);
    for (const [id, value] of values) logits[id] = value;
    constraint.mask(logits);
    return logits;
  };
  const logitFor = (probability: number) => Math.log(probability / (1 - probability));

  it.each([
    ['is reached', 0.3, 0.31],
    ['is not reached', 0.3, 0.29],
  ])('go on where the least score %s', (_, leastScore, probability) => {
    const values: [number, number][] = [
      [objectsEnd, 2],
      [objects[2], 2 + logitFor(probability)],
    ];
    const logits = masked([...list, objects[0], objects[1]], values, leastScore);
    expect(logits[objects[2]] > logits[objectsEnd]).toBe(probability > leastScore);
    // The score of the answer is the probability that was compared.
    const spans = [{ kind: 'phrase' as const, text: 'c', objects: [2] }];
    const probabilities = [0, 0, 0, 0, choiceProbability(logits, objects[2])];
    const options = { ids: [...list, objects[2]], probabilities, grounding: ids, proposalScores: [1, 1, 1] };
    expect(scoreAnswer(spans, { ...options, leastSetScore: leastScore })[0][0]).toBeCloseTo(probability, 5);
  });

  it('end though many objects are together likelier: none is by itself', () => {
    const values: [number, number][] = [
      [objectsEnd, 0.5],
      [objects[1], 0],
      [objects[2], 0.1],
    ];
    const logits = masked([...list, objects[0]], values);
    expect(logits[objects[1]]).toBe(-Infinity);
    expect(logits[objects[2]]).toBeLessThan(logits[objectsEnd]);
  });

  it('weigh objects by their proposals, unless the model is sure of one', () => {
    const first = (values: [number, number][], scores: number[]) => {
      const logits = masked(list, [[10, 0], ...values], 0.1, scores);
      return objects.slice(0, 3).findIndex((id) => logits[id] > logits[10]);
    };
    expect(
      first(
        [
          [objects[0], 3],
          [objects[1], 3.1],
        ],
        [0.9, 0.2, 1],
      ),
    ).toBe(0);
    expect(
      first(
        [
          [objects[0], 3],
          [objects[1], 8],
        ],
        [0.9, 0.2, 1],
      ),
    ).toBe(1);
    // The model is surest of a box that is hardly one: another that may be listed comes.
    expect(
      first(
        [
          [objects[0], 3],
          [objects[1], 8],
        ],
        [0.9, 0.05, 1],
      ),
    ).toBe(0);
    expect(first([[objects[1], 8]], [0.9, 0.05, 1])).toBe(-1);
  });

  it('leave tokens outside a list as they are', () => {
    const logits = masked([], [[3, 2]]);
    expect([logits[3], logits[4], logits[ids.phraseStart]]).toEqual([2, -9, -9]);
  });
});

describe('what may come next', () => {
  const open = [ids.phraseStart, 2];
  const list = [...open, ids.phraseEnd, ids.objectsStart];

  it.each<[string, number[], string[]]>([
    ['in text', [], [...text, '<end>', '<g>']],
    ['in an empty phrase', [ids.phraseStart], text],
    ['in a phrase', open, [...text, '</g>']],
    ['after a phrase', [...open, ids.phraseEnd], ['<o>']],
    ['in an empty list', list, ['No', '<obj0>', '<obj1>']],
    ['in a list', [...list, box1], ['<obj0>', '</o>']],
    ['in a list of all boxes', [...list, box1, box0], ['</o>']],
    ['in None', [...list, 10], ['ne']],
    ['after None', [...list, 10, 11], ['</o>']],
    ['after a list', [...list, box0, ids.objectsEnd], [...text, '<end>', '<g>']],
    ['after the end', [end], []],
  ])('%s', (_, tokens, expected) => {
    expect(next(tokens)).toEqual(expected);
  });

  it('is None where there are no boxes', () => {
    expect(next(list, 0)).toEqual(['No']);
  });

  it('is kept to: another token is an error', () => {
    const constraint = constraintFor({ boxCount: 2 });
    for (const id of [ids.phraseEnd, ids.objectsStart, box0, 12, 500, -1]) {
      expect(() => constraint.push(id)).toThrow(/may not come here/);
    }
  });
});

/** Writes an answer with whatever logits `draw` gives. */
function generate(options: { boxCount: number; maxTokens: number }, draw: (step: number) => Float32Array) {
  const constraint = constraintFor(options);
  const tokens: number[] = [];
  const probabilities: number[] = [];
  while (!constraint.isDone) {
    const logits = draw(tokens.length);
    constraint.mask(logits);
    const id = logits.indexOf(Math.max(...logits));
    probabilities.push(choiceProbability(logits, id));
    constraint.push(id);
    tokens.push(id);
  }
  return { tokens, probabilities, cut: constraint.cut };
}

describe('any logits', () => {
  it('give a well-formed answer within its length, every box scored', () => {
    const scores = Float32Array.from({ length: 100 }, (_, i) => 1 - i / 200);
    const options = { boxCount: fc.integer({ min: 0, max: 100 }), maxTokens: fc.integer({ min: 1, max: 80 }) };
    fc.assert(
      fc.property(fc.record(options), fc.integer(), fc.boolean(), ({ boxCount, maxTokens }, seed, hasManyTags) => {
        let state = seed;
        const random = () => {
          state = (Math.imul(state, 1664525) + 1013904223) | 0;
          return (state >>> 8) / 2 ** 24;
        };
        const answer = generate({ boxCount, maxTokens }, () => {
          const logits = Float32Array.from(names, random);
          // Else index tokens, being many, would win every list and no list would ever close.
          if (hasManyTags) for (const id of [ids.phraseStart, ids.phraseEnd, ids.objectsEnd]) logits[id] += random();
          logits[end] -= 0.2;
          return logits;
        });
        expect(answer.tokens.length).toBeLessThanOrEqual(maxTokens);
        expect(answer.tokens.indexOf(end)).toBe(answer.tokens.length - 1);
        const { spans, issues } = parseAnswer(spell(answer.tokens.slice(0, -1)), { dialect: dialects.paper, boxCount });
        expect(issues).toEqual([]);
        const boxScores = scoreAnswer(spans, {
          ids: answer.tokens,
          probabilities: answer.probabilities,
          grounding: ids,
          proposalScores: scores.subarray(0, boxCount),
        });
        spans.forEach((span, i) => {
          const count = span.kind === 'phrase' ? span.objects.length : 0;
          expect(boxScores[i]).toHaveLength(count);
          expect(boxScores[i].every((score) => score > 0 && score <= 1)).toBe(true);
        });
      }),
      { numRuns: 300 },
    );
  });
});

describe('stuck generations', () => {
  const favour = (...cycle: number[]) => {
    return (step: number) => {
      const logits = new Float32Array(names.length);
      logits[cycle[step % cycle.length]] = 5;
      return logits;
    };
  };
  const limits = { boxCount: 3, maxTokens: 1000 };

  it('are cut after 16 equal tokens, 8 pairs, or 4 longer blocks', () => {
    const one = generate(limits, favour(3));
    expect(one).toMatchObject({ cut: 'loop' });
    expect(spell(one.tokens)).toBe(`${'d'.repeat(16)}<end>`);
    expect(generate(limits, favour(3, 4)).tokens).toHaveLength(17);
    expect(generate(limits, favour(0, 1, 2, 3, 4)).tokens).toHaveLength(21);
  });

  it('inside a phrase are closed first', () => {
    const { tokens } = generate(limits, (step) => favour(step === 0 ? ids.phraseStart : 3)(0));
    expect(spell(tokens)).toMatch(/^<g>d+<\/g><o>(<obj\d>|None)<\/o><end>$/);
  });

  it('that name the same phrase with the same boxes again are cut', () => {
    const { tokens, cut } = generate(
      limits,
      favour(ids.phraseStart, 3, ids.phraseEnd, ids.objectsStart, box1, ids.objectsEnd, 7),
    );
    expect(cut).toBe('loop');
    expect(spell(tokens)).toBe('<g>d</g><o><obj1></o>h<g>d</g><o><obj1></o><end>');
  });

  it('are no honest lines: what was asked twice is answered twice, and what follows is heard', () => {
    const named = (phrase: number, box: number) => [
      ...[ids.phraseStart, phrase, ids.phraseEnd, ids.objectsStart],
      ...[box, ids.objectsEnd],
    ];
    const timesAsked = (phrase: readonly number[]) => (phrase.join() === '3' ? 2 : 1);
    const constraint = constraintFor({ ...limits, timesAsked });
    for (const id of [...named(3, box0), 9, ...named(3, box0), 9, ...named(4, box1), end]) constraint.push(id);
    expect(constraint.cut).toBeUndefined();
    expect(constraint.isDone).toBe(true);
  });

  it('are no enumerations: the same words with other boxes, or the same phrase in another sentence', () => {
    const named = (box: number) => [ids.phraseStart, 3, ids.phraseEnd, ids.objectsStart, box, ids.objectsEnd];
    const tokens = [...named(box0), 0, ...named(box1), 4, 5, 6, ...named(box1), end];
    const constraint = constraintFor(limits);
    for (const id of tokens) constraint.push(id);
    expect(constraint.cut).toBeUndefined();
    expect(constraint.isDone).toBe(true);
  });

  it('are cut at the length, closed', () => {
    for (let maxTokens = 1; maxTokens < 12; maxTokens++) {
      const answer = generate({ boxCount: 3, maxTokens }, favour(ids.phraseStart));
      expect(answer.tokens.length).toBeLessThanOrEqual(maxTokens);
      expect(answer.tokens.at(-1)).toBe(end);
    }
    expect(generate({ boxCount: 3, maxTokens: 4 }, favour(0)).cut).toBe('length');
  });

  it('are told by ids alone, for any block up to 64', () => {
    const block = Array.from({ length: 64 }, (_, i) => i);
    const detector = createLoopDetector();
    const seen = Array.from({ length: 4 * 64 }, (_, i) => detector.push(block[i % 64]));
    expect(seen.indexOf(true)).toBe(4 * 64 - 1);
  });
});

describe('scores', () => {
  it('are the proposal times the probability among what was allowed', () => {
    const logits = Float32Array.of(-Infinity, 0, Math.log(3), -Infinity);
    expect(choiceProbability(logits, 2)).toBeCloseTo(0.75, 6);
    expect(choiceProbability(logits, 0)).toBe(0);
    const tokens = [ids.phraseStart, 3, ids.phraseEnd, ids.objectsStart, box1, box0, ids.objectsEnd, end];
    const spans = [{ kind: 'phrase' as const, text: 'd', objects: [1, 0] }];
    const probabilities = tokens.map((_, step) => step / 10);
    const options = { ids: tokens, probabilities, grounding: ids, proposalScores: [0.5, 1] };
    expect(scoreAnswer(spans, options)).toEqual([[0.4, 0.25]]);
  });

  it('of lists after a malformed one are theirs', () => {
    const { phraseStart, phraseEnd, objectsStart, objectsEnd } = ids;
    const open = [phraseStart, 3, phraseEnd, objectsStart];
    const scored = (...tokens: number[]) => {
      const { spans } = parseAnswer(spell(tokens), { dialect: dialects.paper, boxCount: 3 });
      const probabilities = tokens.map((_, step) => step / 100);
      return scoreAnswer(spans, { ids: tokens, probabilities, grounding: ids, proposalScores: [1, 1, 1] }).flat();
    };
    const good = [...open, ids.objects[2], objectsEnd];
    // Opened twice; not closed; an index of no box; an index spelled in letters; an index outside any list.
    expect(scored(...open, box0, objectsStart, box1, objectsEnd, ...good)).toEqual([0.04, 0.06, 0.12]);
    expect(scored(...open, box0, ...good)).toEqual([0.04, 0.09]);
    expect(scored(...open, ids.objects[50], objectsEnd, ...good)).toEqual([0.1]);
    expect(scored(box0, ...good)).toEqual([0.05]);
  });

  it('are 0 for a box that was spelled in letters', () => {
    const spans = [{ kind: 'phrase' as const, text: 'd', objects: [1] }];
    expect(scoreAnswer(spans, { ids: [1], probabilities: [1], grounding: ids, proposalScores: [1, 1] })).toEqual([[0]]);
  });
});
