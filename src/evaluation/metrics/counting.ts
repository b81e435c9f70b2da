/** Counting: how often the number in the answer is right, and how often at most one off. */

/** One counting question. */
export interface CountingAnswer {
  truth: number;
  /** The number in the model's answer; undefined when it named none, which is wrong. */
  predicted: number | undefined;
}

/** Shares of all questions, 0..1, or -1 without questions. */
export interface CountingScore {
  exact: number;
  offByOne: number;
}

/**
 * `offByOne` includes the exact answers.
 * @example evaluateCounting([{ truth: 3, predicted: 2 }]).offByOne; // 1
 */
export function evaluateCounting(answers: readonly CountingAnswer[]): CountingScore {
  const shareWithin = (tolerance: number) => {
    const right = answers.filter(
      ({ truth, predicted }) => predicted !== undefined && Math.abs(predicted - truth) <= tolerance,
    );
    return answers.length === 0 ? -1 : right.length / answers.length;
  };
  return { exact: shareWithin(0), offByOne: shareWithin(1) };
}
