/** How good the answers about one sample are, and what truth and answer look like, for the pages of a report. */

import type { BoxXyxy } from '../../boxes/box.ts';
import type { DetectionRow } from '../data-suites/coco.ts';
import type { CountRow } from '../data-suites/counting.ts';
import { countIn } from '../data-suites/counting.ts';
import type { HumanrefRow } from '../data-suites/humanref.ts';
import type { ProposalAnswer, ProposalTruth } from '../data-suites/proposals.ts';
import type { PhraseRow } from '../data-suites/referring.ts';
import type { RegionRow } from '../data-suites/regions.ts';
import { groupBy } from '../metrics/group-by.ts';
import { matchBoxes } from '../metrics/match-boxes.ts';
import { normalizePhrase } from '../metrics/normalize-phrase.ts';
import type { Row } from '../row.ts';
import { cleanCategory, cleanPrediction, wordIou } from '../suites/regions.ts';
import { meanOf } from '../suites/suite-score.ts';

export interface LabelledBox {
  readonly label: string;
  readonly boxXyxy: BoxXyxy;
}

export interface SampleReview {
  /** 0 is worst, 1 is best. */
  readonly quality: number;
  /** What the quality is, in words. */
  readonly text: string;
  readonly truth: readonly LabelledBox[];
  readonly answer: readonly LabelledBox[];
  /** Only for questions in words. */
  readonly words?: ReviewedWords;
}

export interface ReviewedWords {
  readonly question: string;
  /** Missing where no answer came. */
  readonly answer?: string;
  readonly truth: string;
}

type Reviewer = (rows: readonly Row<never, never>[]) => SampleReview;

const reviewers: Readonly<Record<string, Reviewer>> = {
  coco: reviewDetection as Reviewer,
  lvis: reviewDetection as Reviewer,
  proposals: reviewProposals as Reviewer,
  regions: reviewRegions as Reviewer,
  counting: reviewCounts as Reviewer,
  referring: reviewPhrases as Reviewer,
  refcoco: reviewPhrases as Reviewer,
  humanref: reviewPeople as Reviewer,
};

/**
 * What a suite's rows of one sample show; undefined for a suite whose samples cannot be drawn.
 * @param rows all of one sample
 */
export function reviewSample(suite: string, rows: readonly Row<unknown, unknown>[]): SampleReview | undefined {
  if (!Object.hasOwn(reviewers, suite) || rows.every(({ truth }) => truth === undefined)) return undefined;
  return reviewers[suite](rows as readonly Row<never, never>[]);
}

/** F1 of boxes at IoU .5 under the right name. */
function reviewDetection(rows: readonly DetectionRow[]): SampleReview {
  const truth = rows.flatMap((row) => row.truth?.boxes ?? []).filter(({ isCrowd }) => !isCrowd);
  const found = rows.flatMap((row) => ('answer' in row ? row.answer.boxes : []));
  const byName = groupBy(found, ({ label }) => normalizePhrase(label));
  let right = 0;
  for (const [name, own] of groupBy(truth, (box) => normalizePhrase(box.name))) {
    right += matchBoxes(
      (byName.get(name) ?? []).map(({ boxXyxy }) => boxXyxy),
      own.map(({ boxXyxy }) => boxXyxy),
    ).length;
  }
  const count = truth.length + found.length;
  return {
    quality: count === 0 ? 1 : (2 * right) / count,
    text: `${right} of ${truth.length} objects found, ${boxCount(found.length - right)} beside them`,
    truth: truth.map(({ name, boxXyxy }) => ({ label: name, boxXyxy })),
    answer: found,
  };
}

/** Recall at IoU .5 of the boxes from .3 on, of the prompt that stands for the run. */
function reviewProposals(rows: readonly Row<ProposalTruth, ProposalAnswer>[]): SampleReview {
  const row = rows.find(({ truth }) => truth?.granularity === 'coarse') ?? rows[0];
  const truth = (row.truth?.boxes ?? []).filter(({ isCrowd }) => !isCrowd).map(({ boxXyxy }) => boxXyxy);
  const answer = 'answer' in row ? row.answer : { boxesXyxy: [], scores: [] };
  const found = answer.boxesXyxy.filter((_, i) => answer.scores[i] >= 0.3);
  const right = matchBoxes(found, truth).length;
  const unnamed = (boxXyxy: BoxXyxy): LabelledBox => ({ label: '', boxXyxy });
  return {
    quality: truth.length === 0 ? 1 : right / truth.length,
    text: `${right} of ${truth.length} objects among ${boxCount(found.length)} with a score from .3`,
    truth: truth.map(unnamed),
    answer: found.map(unnamed),
  };
}

function reviewRegions(rows: readonly RegionRow[]): SampleReview {
  const judged = rows.flatMap((row) => {
    if (row.truth === undefined) return [];
    const said = 'answer' in row ? row.answer.trim() || '(nothing)' : '(no answer)';
    const overlap = 'answer' in row ? wordIou(cleanPrediction(row.answer), cleanCategory(row.truth.category)) : 0;
    return [{ ...row.truth, said, overlap }];
  });
  const right = judged.filter(({ overlap }) => overlap === 1).length;
  return {
    quality: meanOf(judged.map(({ overlap }) => overlap)) ?? 1,
    text: `${right} of ${judged.length} names have the right words`,
    truth: judged.map(({ category, boxXyxy }) => ({ label: category, boxXyxy })),
    answer: judged.map(({ said, boxXyxy }) => ({ label: said, boxXyxy })),
  };
}

function reviewCounts(rows: readonly CountRow[]): SampleReview {
  const judged = rows.flatMap((row) => {
    if (row.truth === undefined) return [];
    return [{ ...row.truth, said: 'answer' in row ? countIn(row.answer) : undefined }];
  });
  const right = judged.filter(({ count, said }) => count === said).length;
  return {
    quality: judged.length === 0 ? 1 : right / judged.length,
    text: judged.map(({ name, count, said }) => `${name}: ${count}, answered ${said ?? 'nothing'}`).join('; '),
    truth: rows.flatMap(({ truth }) => boxesOf(truth?.boxesXyxy ?? [], truth?.name)),
    // Under the name that was asked for, which has the colour of the truth: answers say "people" for persons.
    answer: rows.flatMap((row) =>
      'answer' in row
        ? boxesOf(
            row.answer.boxes.map(({ boxXyxy }) => boxXyxy),
            row.truth?.name,
          )
        : [],
    ),
  };
}

const boxCount = (count: number): string => `${count} ${count === 1 ? 'box' : 'boxes'}`;

const boxesOf = (boxesXyxy: readonly BoxXyxy[], label = ''): LabelledBox[] =>
  boxesXyxy.map((boxXyxy) => ({ label, boxXyxy }));

/** Mean F1 of the phrases at IoU .5; a phrase that means nobody is right when it has no box. */
function reviewPeople(rows: readonly HumanrefRow[]): SampleReview {
  const judged = rows.flatMap((row) => {
    if (row.truth === undefined) return [];
    const { phrase, truthsXyxy } = row.truth;
    const found = 'answer' in row ? row.answer.boxes.map(({ boxXyxy }) => boxXyxy) : [];
    const count = truthsXyxy.length + found.length;
    const right = matchBoxes(found, truthsXyxy).length;
    const quality = 'fault' in row ? 0 : count === 0 ? 1 : (2 * right) / count;
    return [{ phrase, truthsXyxy, found, right, quality }];
  });
  const named = (phrase: string, boxes: readonly BoxXyxy[]) => boxes.map((boxXyxy) => ({ label: phrase, boxXyxy }));
  return {
    quality: meanOf(judged.map(({ quality }) => quality)) ?? 1,
    text: judged
      .map(({ phrase, truthsXyxy, found, right }) => {
        return `${phrase}: ${right} of ${truthsXyxy.length} found, ${boxCount(found.length - right)} beside them`;
      })
      .join('; '),
    truth: judged.flatMap(({ phrase, truthsXyxy }) => named(phrase, truthsXyxy)),
    answer: judged.flatMap(({ phrase, found }) => named(phrase, found)),
  };
}

function reviewPhrases(rows: readonly PhraseRow[]): SampleReview {
  let right = 0;
  for (const row of rows) {
    const found = 'answer' in row ? row.answer.boxes.map(({ boxXyxy }) => boxXyxy) : [];
    const truth = row.truth?.boxesXyxy ?? [];
    const isNothing = 'answer' in row && truth.length === 0 && found.length === 0;
    if (isNothing || matchBoxes(found.slice(0, 1), truth).length > 0) right++;
  }
  return {
    quality: rows.length === 0 ? 1 : right / rows.length,
    text: `${right} of ${rows.length} phrases right`,
    truth: rows.flatMap(({ truth }) =>
      (truth?.boxesXyxy ?? []).map((boxXyxy) => ({ label: truth?.phrase ?? '', boxXyxy })),
    ),
    answer: rows.flatMap((row) =>
      'answer' in row ? row.answer.boxes.map(({ boxXyxy }) => ({ label: row.truth?.phrase ?? '', boxXyxy })) : [],
    ),
  };
}
