/** How often answers with coordinates loop, and how many ran to their limit (appendix A.2 of the paper). */

import { type AnswerRepetition, type BoxRun, findRepetition, shortestRun } from '../baselines/repetition.ts';
import { groupBy } from '../metrics/group-by.ts';
import { idOf, misfit, textOf } from './answer-fields.ts';
import type { RawRecord, RecordFile } from './record-files.ts';
import { counted, type SuiteScore, shareOf } from './suite-score.ts';

export interface CoordinateAnswer {
  readonly id: string;
  readonly text: string;
  /** Where the image is, when the record says it. */
  readonly image?: string;
  /** Whether the server said that the answer was cut; undefined when it did not say. */
  readonly ranToLimit?: boolean;
}

export interface RepetitionOptions {
  /** Answers of this many tokens ran to their limit, where records hold `tokens` or `completion_tokens`. */
  readonly maxTokens?: number;
}

/**
 * Answers with `finish_reason`, `tokens` or a whole reply of an endpoint (`choices`, `usage`), as far as they have
 * them.
 */
export function coordinateAnswers(file: RecordFile, { maxTokens }: RepetitionOptions = {}): CoordinateAnswer[] {
  return file.records.map((record, i) => {
    const choice = firstChoice(record);
    const text = textOf(record) ?? textOf(choice?.message ?? {}, ['content']);
    if (text === undefined) throw misfit(file, i, 'a text (response, prediction, text ...)', 'repetition');
    const image = textOf(record, ['image', 'file_name', 'image_path', 'img_path']);
    return { id: idOf(record) ?? String(i), text, image, ranToLimit: limitOf(record, choice, maxTokens) };
  });
}

type Choice = { message?: RawRecord; finish_reason?: unknown };

const firstChoice = ({ choices }: RawRecord): Choice | undefined =>
  Array.isArray(choices) ? (choices[0] as Choice | undefined) : undefined;

function limitOf(record: RawRecord, choice: Choice | undefined, maxTokens: number | undefined): boolean | undefined {
  const reason = record.finish_reason ?? record.finishReason ?? choice?.finish_reason;
  if (typeof reason === 'string') return reason === 'length';
  const usage = record.usage as { completion_tokens?: unknown } | undefined;
  const tokens = record.tokens ?? record.completion_tokens ?? usage?.completion_tokens;
  return typeof tokens === 'number' && maxTokens !== undefined ? tokens >= maxTokens : undefined;
}

export interface LongestRun {
  readonly answer: CoordinateAnswer;
  readonly repetition: AnswerRepetition;
  readonly run: BoxRun;
}

/**
 * Shares of answers: `repeating` (any run), `sameBox`, `steppingBox`, `textLoop`, `ranToLimit` (of those whose records
 * say it; null when none does), `cut` in the middle of an object, `withoutBoxes`. `repeatedBoxes` is a share of boxes.
 * `longestRun` counts boxes; `commonStepX` and `commonStepY` are the step that most runs take, in the answers' units.
 * @returns the score, and the longest run for drawing it
 */
export function scoreRepetition(answers: readonly CoordinateAnswer[]): { score: SuiteScore; longest?: LongestRun } {
  const found = answers.map((answer) => ({ answer, repetition: findRepetition(answer.text) }));
  const runs = found.flatMap(({ answer, repetition }) => repetition.runs.map((run) => ({ answer, repetition, run })));
  const lengthOf = ({ run }: LongestRun) => run.to - run.from;
  const longest = runs.reduce<LongestRun | undefined>(
    (best, one) => (best && lengthOf(best) >= lengthOf(one) ? best : one),
    undefined,
  );
  const boxCount = found.reduce((sum, { repetition }) => sum + repetition.boxes.length, 0);
  const has = (kind: BoxRun['kind']) => found.map(({ repetition }) => repetition.runs.some((run) => run.kind === kind));
  const steps = groupBy(
    runs.filter(({ run }) => run.kind === 'stepping'),
    ({ run }) => run.step.join(' '),
  );
  const [common] = [...steps.values()].sort((a, b) => b.length - a.length);
  const told = answers.flatMap(({ ranToLimit }) => ranToLimit ?? []);
  const score: SuiteScore = {
    suite: 'repetition',
    figures: {
      answers: answers.length,
      repeating: shareOf(found.map(({ repetition }) => repetition.runs.length > 0)),
      sameBox: shareOf(has('same')),
      steppingBox: shareOf(has('stepping')),
      textLoop: shareOf(found.map(({ repetition }) => repetition.isTextLoop)),
      ranToLimit: shareOf(told),
      cut: shareOf(found.map(({ repetition }) => repetition.isCut)),
      withoutBoxes: shareOf(found.map(({ repetition }) => repetition.boxes.length === 0)),
      repeatedBoxes: boxCount === 0 ? null : runs.reduce((sum, one) => sum + lengthOf(one), 0) / boxCount,
      longestRun: longest ? lengthOf(longest) : 0,
      commonStepX: common ? common[0].run.step[0] : null,
      commonStepY: common ? common[0].run.step[1] : null,
    },
    byKind: {},
    variant: {
      run: `at least ${shortestRun} boxes that are the same, or equally large and each the same step from the one before`,
      textLoop: 'the last 100 characters at least 20 times in the second half (VLMEvalKit detect_repetition)',
    },
    counts: { samples: answers.length, answered: answers.length, missing: 0, repeated: 0, unknown: 0 },
    notes:
      told.length < answers.length
        ? [
            `${counted(answers.length - told.length, 'answer')} without finish_reason: whether they ran to their limit is unknown`,
          ]
        : [],
  };
  return { score, longest };
}
