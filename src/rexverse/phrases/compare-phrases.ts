/** How well noun phrases agree with those of a parser. */

export interface Agreement {
  readonly predicted: number;
  readonly gold: number;
  /** Spans with the same start and end. */
  readonly equal: number;
  /** Spans with the same last word. */
  readonly sameHead: number;
}

export type SpanRange = readonly [start: number, end: number];

export function compareSpans(predicted: readonly SpanRange[], gold: readonly SpanRange[]): Agreement {
  const spans = new Set(gold.map(([start, end]) => `${start}-${end}`));
  const ends = new Set(gold.map(([, end]) => end));
  return {
    predicted: predicted.length,
    gold: gold.length,
    equal: predicted.filter(([start, end]) => spans.has(`${start}-${end}`)).length,
    sameHead: predicted.filter(([, end]) => ends.has(end)).length,
  };
}

export interface Scores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly headF1: number;
}

/** Over all texts together. */
export function scores(agreements: readonly Agreement[]): Scores {
  const sum = (key: keyof Agreement) => agreements.reduce((total, one) => total + one[key], 0);
  const [predicted, gold, equal, sameHead] = [sum('predicted'), sum('gold'), sum('equal'), sum('sameHead')];
  return {
    precision: equal / predicted,
    recall: equal / gold,
    f1: (2 * equal) / (predicted + gold),
    headF1: (2 * sameHead) / (predicted + gold),
  };
}
