/**
 * Sees when a generation has got stuck repeating itself. Rule, on token ids: the last block of n tokens (n up to 64)
 * stands `max(4, ceil(16 / n))` times in a row. One token 16 times, two tokens 8 times, a phrase or sentence 4 times.
 */

const longestPeriod = 64;
const repeatsOf = (period: number) => Math.max(4, Math.ceil(16 / period));

export interface LoopDetector {
  /** Adds a token; true when it completes a loop. Costs 64 comparisons. */
  push(id: number): boolean;
}

export function createLoopDetector(): LoopDetector {
  const history: number[] = [];
  /** For each period n, how many of the latest tokens equal the one n before them. */
  const runs = new Int32Array(longestPeriod + 1);
  return {
    push(id) {
      history.push(id);
      const end = history.length - 1;
      let isLoop = false;
      for (let period = 1; period <= Math.min(longestPeriod, end); period++) {
        runs[period] = history[end - period] === id ? runs[period] + 1 : 0;
        if (runs[period] >= period * (repeatsOf(period) - 1)) isLoop = true;
      }
      return isLoop;
    },
  };
}
