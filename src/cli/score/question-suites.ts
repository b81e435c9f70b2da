/** Suites of questions about images that are scored by rules alone. */

import { Option } from 'commander';
import { countingAnswers, countingQuestions, scoreCounting } from '../../evaluation/suites/counting.ts';
import { type MmmuRule, mmmuAnswers, mmmuQuestions, mmmuRules, scoreMmmu } from '../../evaluation/suites/mmmu.ts';
import {
  llavaPopeQuestions,
  type PopeRule,
  popeAnswers,
  popeQuestions,
  popeRules,
  scorePope,
  withCategories,
} from '../../evaluation/suites/pope.ts';
import { readRecords } from '../../evaluation/suites/record-files.ts';
import {
  type SeedRule,
  scoreSeed,
  seedAnswers,
  seedQuestions,
  seedResults,
  seedRules,
} from '../../evaluation/suites/seed.ts';
import { type RecordSuite, recordSuite } from './score-suite.ts';

/** `--rule`, the first one by default. */
function ruleOption(rules: Readonly<Record<string, string>>): Option {
  const names = Object.keys(rules);
  return new Option('--rule <name>', 'whose script to agree with').choices(names).default(names[0]);
}

const counting = recordSuite({
  name: 'counting',
  description: 'how many there are: exact, off by one, mean error',
  answers: 'records with id (or image and question) and prediction',
  truth: 'records with id (or image and question) and the count as answer',
  score: async ({ answers, truth }) =>
    scoreCounting(truth.flatMap(countingQuestions), answers.flatMap(countingAnswers)),
});

const pope = recordSuite({
  name: 'pope',
  description: 'is it in the image: accuracy, precision, recall, F1, yes ratio',
  answers: 'lines with question_id and answer (POPE) or text (LLaVA); one file for each category',
  truth: 'coco_pope_random.json, coco_pope_popular.json, coco_pope_adversarial.json, or one of them',
  options: [
    ruleOption(popeRules),
    new Option('--questions <file>', 'llava_pope_test.jsonl, when LLaVA’s ids run through all categories'),
  ],
  score: async ({ answers, truth }, { rule, questions: llavaFile }) => {
    const questions = truth.map(popeQuestions);
    const said = answers.map(popeAnswers);
    if (llavaFile !== undefined) {
      const numbered = llavaPopeQuestions(await readRecords(llavaFile as string), questions.flat());
      return scorePope(numbered, withCategories(said.flat(), numbered), rule as PopeRule);
    }
    // The files go together in order, whatever the answers are called.
    const isByFile = questions.length === said.length && said.every((own) => new Set(own.map(categoryOf)).size <= 1);
    const named = isByFile
      ? said.map((own, i) => own.map((answer) => ({ ...answer, category: questions[i][0]?.category ?? 'all' })))
      : said;
    return scorePope(questions.flat(), named.flat(), rule as PopeRule);
  },
});

const categoryOf = ({ category }: { category: string }): string => category;

const seed = recordSuite({
  name: 'seed',
  description: 'SEED-Bench-1: multiple choice about images and videos',
  answers: 'records with question_id and prediction (or text)',
  truth: 'SEED-Bench.json; not needed when the answers also have gt_answer',
  isTruthOptional: true,
  options: [ruleOption(seedRules)],
  score: async ({ answers, truth }, { rule }) => {
    if (truth.length === 0) {
      const results = answers.map(seedResults);
      const questions = results.flatMap((result) => result.questions);
      return scoreSeed(
        questions,
        results.flatMap((result) => result.answers),
        rule as SeedRule,
      );
    }
    return scoreSeed(truth.flatMap(seedQuestions), answers.flatMap(seedAnswers), rule as SeedRule);
  },
});

const mmmu = recordSuite({
  name: 'mmmu',
  description: 'college subjects, multiple choice and open',
  answers: 'an object { id: answer }, or the output.json of subjects with id and response',
  truth: 'answer_dict_val.json; not needed when the answers also have question_type, answer and index2ans',
  isTruthOptional: true,
  options: [ruleOption(mmmuRules)],
  score: async ({ answers, truth }, { rule }) =>
    scoreMmmu(
      (truth.length > 0 ? truth : answers).flatMap(mmmuQuestions),
      answers.flatMap(mmmuAnswers),
      rule as MmmuRule,
    ),
});

export const questionSuites: readonly RecordSuite[] = [counting, pope, seed, mmmu];
