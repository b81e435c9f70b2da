/** Counting: the number that the answer states or, where it states none, how many boxes it names. */

import type { Answer } from '../../chatrex/answer.ts';
import { statedNumber } from '../../chatrex/stated-number.ts';
import { measured } from '../../evaluation/figures.ts';
import { type CountingAnswer, evaluateCounting } from '../../evaluation/metrics/counting.ts';
import { numberValue } from '../../prompt/words.ts';
import type { Measure } from './measure.ts';
import type { Looked } from './scene-view.ts';
import { ask, conversationsOf } from './scene-view.ts';

export const counting: Measure<Looked, Pick<CountingAnswer, 'truth'>, Pick<CountingAnswer, 'predicted'>> = {
  questions: async (view) =>
    (await conversationsOf(view, 'counting')).map(({ turns: [{ question, accepted }] }) => ({
      truth: { truth: numberValue(accepted![0])! },
      ask: async (image) => ({ predicted: countIn(await ask(image, question, view.askOptions)) }),
    })),
  nothing: { predicted: undefined },
  score: (rows) => {
    const { exact, offByOne } = evaluateCounting(rows);
    return { exact: measured(exact), 'off by one': measured(offByOne) };
  },
};

/** Undefined for an answer with neither a number nor a box: it is no count of zero. */
export function countIn({ text, objects }: Pick<Answer, 'text' | 'objects'>): number | undefined {
  return statedNumber(text) ?? (objects.length > 0 ? new Set(objects).size : undefined);
}
