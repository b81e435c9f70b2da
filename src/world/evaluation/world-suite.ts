/** All measures of the world as one suite: a question's key names its task, its variant and its place among them. */

import type { AskOptions } from '../../chatrex/answer.ts';
import type { ScoredBoxes } from '../../chatrex/image-boxes.ts';
import { faultNotes } from '../../evaluation/data-suites/notes.ts';
import { groupBy } from '../../evaluation/metrics/group-by.ts';
import type { Row } from '../../evaluation/row.ts';
import type { SampleView } from '../../evaluation/sample-view.ts';
import type { FindsProposals } from '../../evaluation/subject.ts';
import type { Question, Suite, SuiteFigures } from '../../evaluation/suite.ts';
import type { Figures } from '../../evaluation/suites/suite-score.ts';
import type { Phrasings } from '../../prompt/phrasings.ts';
import type { Proposals } from '../../proposals/post-process.ts';
import type { WorldDataset } from '../dataset.ts';
import { evaluatedTasks, type PlannedMeasure, planTask } from './plan.ts';
import type { Looked } from './scene-view.ts';
import { type SceneView, trueBoxList } from './scene-view.ts';

/** A model that is asked about scenes; `ModelSubject` is one. */
export interface WorldSubject extends FindsProposals {
  /** The boxes that the language model gets when none are given. */
  chosenProposals(view: SampleView): Promise<Proposals>;
  /** The image with a list of boxes; chosen proposals by default. */
  look(view: SampleView, boxes?: ScoredBoxes): Promise<Looked>;
}

export type WorldRow = Row<object, object>;

export interface WorldSuiteSettings {
  readonly phrasings: Phrasings;
  /** Questions per scene and task. */
  readonly questions: number;
  readonly askOptions: AskOptions;
}

export function worldSuite(
  world: Pick<WorldDataset, 'scene' | 'conversations'>,
  measures: readonly PlannedMeasure[],
  settings: WorldSuiteSettings,
): Suite<WorldSubject, object, object> {
  return {
    name: 'world',
    needs: ['images'],
    questions: async (view) => {
      const scene = await world.scene(view.index);
      const { boxes, indexOf } = trueBoxList(scene);
      const seen: SceneView = { scene, indexOf: null, data: world, index: view.index, ...settings };
      const questions: Question<WorldSubject, object, object>[] = [];
      for (const planned of measures) questions.push(...(await questionsOf(planned, view, seen, { boxes, indexOf })));
      return questions;
    },
    score: (rows) => figuresOf(measures, rows),
  };
}

function figuresOf(measures: readonly PlannedMeasure[], rows: readonly WorldRow[]): SuiteFigures {
  const byKind = measures.map((planned) => [
    `${planned.task} (${planned.variant})`,
    scoreMeasure(planned, rows).figures,
  ]);
  return { figures: {}, byKind: Object.fromEntries(byKind), variant: {}, notes: faultNotes(rows) };
}

/** Figures of all measures that the rows are of. */
export function scoreWorldRows(rows: readonly WorldRow[]): SuiteFigures {
  const starts = new Set(rows.map(({ question }) => question.slice(0, 1 + question.lastIndexOf('/'))));
  const measures = evaluatedTasks.flatMap(planTask).filter((planned) => starts.has(keyStart(planned)));
  return figuresOf(measures, rows);
}

async function questionsOf(
  planned: PlannedMeasure,
  view: SampleView,
  seen: SceneView,
  truth: ReturnType<typeof trueBoxList>,
): Promise<Question<WorldSubject, object, object>[]> {
  const keyOf = (place: number) => `${keyStart(planned)}${place}`;
  if (planned.of === 'proposals') {
    return (await planned.measure.questions(seen)).map((question, place) => ({
      key: keyOf(place),
      truth: question.truth,
      prepare: planned.variant === 'both' ? (subject) => subject.chosenProposals(view) : undefined,
      ask: (subject) =>
        question.ask({
          propose: (options) => subject.propose(view, options),
          chosen: () => subject.chosenProposals(view),
        }),
    }));
  }
  const isTrue = planned.variant === 'true boxes';
  const look = (subject: WorldSubject) => subject.look(view, isTrue ? truth.boxes : undefined);
  const asked = await planned.measure.questions(isTrue ? { ...seen, indexOf: truth.indexOf } : seen);
  return asked.map((question, place) => ({
    key: keyOf(place),
    truth: question.truth,
    prepare: look,
    ask: async (subject) => question.ask(await look(subject)),
  }));
}

const keyStart = ({ task, variant }: Pick<PlannedMeasure, 'task' | 'variant'>): string => `${task}/${variant}/`;

/** The figures of one measure, over its rows among those of all measures. */
export function scoreMeasure(
  planned: PlannedMeasure,
  rows: readonly WorldRow[],
): { count: number; seconds: number; figures: Figures } {
  const own = groupBy(rows, ({ question }) => question.startsWith(keyStart(planned))).get(true) ?? [];
  const { nothing } = planned.measure;
  const judged = own.map((row) => ({ ...row.truth, ...('answer' in row ? row.answer : nothing) }));
  return {
    count: own.length,
    seconds: own.reduce((sum, { seconds }) => sum + seconds, 0),
    figures: planned.measure.score(judged),
  };
}
