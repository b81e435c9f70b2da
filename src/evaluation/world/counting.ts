/** Counting: the number that the answer states or, where it states none, how many boxes it names. */

import type { Answer } from '../../chatrex/answer.ts';
import { statedNumber } from '../../chatrex/stated-number.ts';
import { numberValue } from '../../prompt/words.ts';
import { type CountingAnswer, evaluateCounting } from '../metrics/counting.ts';
import { type Measure, measured } from './measure.ts';
import { ask, type SceneView, samplesOf } from './scene-view.ts';

export const counting: Measure<SceneView, CountingAnswer> = {
  observe: async (view) => {
    const rows: CountingAnswer[] = [];
    for (const { turns } of samplesOf(view, 'counting')) {
      const [{ question, accepted }] = turns;
      rows.push({ truth: numberValue(accepted![0])!, predicted: countIn(await ask(view, question)) });
    }
    return rows;
  },
  score: (rows) => {
    const { exact, offByOne } = evaluateCounting(rows);
    return { exact: measured(exact), 'off by one': measured(offByOne) };
  },
};

/** Undefined for an answer with neither a number nor a box: it is no count of zero. */
export function countIn({ text, objects }: Pick<Answer, 'text' | 'objects'>): number | undefined {
  return statedNumber(text) ?? (objects.length > 0 ? new Set(objects).size : undefined);
}
