/** Suites that a judge scores, or may help to. */

import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import { ChatRexError } from '../../errors.ts';
import { type Judge, judgeAll, openJudge, parseJudge } from '../../evaluation/judge/judge.ts';
import { textAnswers } from '../../evaluation/suites/answer-fields.ts';
import {
  type HallusionVerdict,
  hallusionAnswers,
  hallusionId,
  hallusionPrompt,
  hallusionQuestions,
  readHallusionVerdict,
  scoreHallusion,
  scoreHallusionJudged,
} from '../../evaluation/suites/hallusion.ts';
import { inferOption } from '../../evaluation/suites/infer-option.ts';
import {
  holdsReviews,
  llavaPrompt,
  llavaReviews,
  llavaTruth,
  readLlavaScores,
  scoreLlavaWild,
} from '../../evaluation/suites/llava-wild.ts';
import {
  mmVetAnswers,
  mmVetGrades,
  mmVetPrompt,
  mmVetQuestions,
  readMmVetGrade,
  scoreMmVet,
} from '../../evaluation/suites/mm-vet.ts';
import {
  mmbenchAnswers,
  mmbenchPrompt,
  mmbenchQuestions,
  scoreMmbench,
  unreadMmbenchAnswers,
} from '../../evaluation/suites/mmbench.ts';
import { pairAnswers } from '../../evaluation/suites/pair-answers.ts';
import { whole } from '../option-types.ts';
import { progressBar } from '../progress.ts';
import { type RecordSuite, recordSuite, type ScoreOptions } from './score-suite.ts';

const judgeOptions = (): Option[] => [
  new Option('--judge <URL#model>', 'an OpenAI-compatible address and the model there; its key is CHATREX_JUDGE_KEY'),
  new Option('--judge-cache <file>', 'where verdicts are kept; beside the answers by default'),
  new Option('--judge-at-once <n>', 'questions to the judge at a time').argParser(whole(1, 64)).default(4),
];

const withoutJudge = (name: string) => ({
  notScored: `${name} needs a judge; give --judge URL#model, or a file of its verdicts as --answers`,
});

/** Opens the judge of `--judge`, if there is one, and closes it afterwards. */
async function withJudge<Result>(
  { judge: address, judgeCache, answers }: ScoreOptions,
  use: (judge: Judge | undefined) => Promise<Result>,
): Promise<Result> {
  if (address === undefined) return use(undefined);
  const cachePath = (judgeCache as string | undefined) ?? `${answers[0]}.judge.jsonl`;
  const judge = await openJudge(parseJudge(address as string), { cachePath, apiKey: process.env.CHATREX_JUDGE_KEY });
  try {
    return await use(judge);
  } finally {
    await judge.close();
  }
}

/** Judges with a line that says how far it is. */
async function judged<Item, Result>(
  name: string,
  items: readonly Item[],
  { judgeAtOnce }: ScoreOptions,
  judgeOne: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  if (items.length === 0) return [];
  const bar = progressBar(`${name}: verdicts`, items.length);
  bar.update(0);
  const results = await judgeAll(items, judgeOne, {
    atOnce: judgeAtOnce as number,
    onProgress: (done) => bar.update(done),
  });
  bar.end(`${items.length} verdicts`);
  return results;
}

/** Attempts at a reply that can be read, each warmer than the one before. */
const readAttempts = 5;

const mmbench = recordSuite({
  name: 'mmbench',
  description: 'multiple choice, every rotation of the options right',
  answers: 'a table with index and prediction (VLMEvalKit), or lines with question_id and text (LLaVA)',
  truth: 'mmbench_dev_20230712.tsv',
  options: judgeOptions(),
  score: async (records, options) => {
    const questions = records.truth.flatMap(mmbenchQuestions);
    const answers = records.answers.flatMap(mmbenchAnswers);
    return withJudge(options, async (judge) => {
      if (!judge) return scoreMmbench(questions, answers);
      const unread = unreadMmbenchAnswers(questions, answers);
      const found = await judged('mmbench', unread, options, async ({ question, answer }) => {
        const prompt = mmbenchPrompt(question, answer.text);
        return inferOption(await judge.ask({ suite: 'mmbench', sample: question.id, prompt }), question.options);
      });
      const matched = unread.flatMap(({ question }, i) => {
        const option = found[i];
        return option === undefined ? [] : [[question.id, option] as const];
      });
      return scoreMmbench(questions, answers, new Map(matched));
    });
  },
});

const hallusion = recordSuite({
  name: 'hallusion',
  description: 'HallusionBench: yes or no about figures and altered copies',
  answers: 'HallusionBench_result.json, with model_prediction',
  truth: 'HallusionBench.json',
  options: [
    new Option('--rule <name>', 'whose script to agree with; official needs a judge')
      .choices(['vlmevalkit', 'official'])
      .default('vlmevalkit'),
    ...judgeOptions(),
  ],
  score: async (records, options) => {
    const questions = records.truth.flatMap(hallusionQuestions);
    const answers = records.answers.flatMap(hallusionAnswers);
    if (options.rule === 'vlmevalkit') return scoreHallusion(questions, answers);
    return withJudge(options, async (judge) => {
      if (!judge) return withoutJudge('hallusion --rule official');
      const byId = new Map(questions.map((question) => [hallusionId(question), question]));
      const asked = answers.flatMap((answer) => {
        const question = byId.get(hallusionId(answer));
        return question ? [{ question, answer }] : [];
      });
      const verdicts = await judged('hallusion', asked, options, async ({ question, answer }) => {
        const prompt = hallusionPrompt(question, answer.text);
        return readHallusionVerdict(await judge.ask({ suite: 'hallusion', sample: hallusionId(answer), prompt }));
      });
      const verdictOf = new Map<object, HallusionVerdict>(asked.map(({ answer }, i) => [answer, verdicts[i]]));
      return scoreHallusionJudged(questions, answers, (_, answer) => verdictOf.get(answer) ?? 'unclear');
    });
  },
});

const mmVet = recordSuite({
  name: 'mm-vet',
  description: 'open answers graded by a judge, by capability',
  answers: 'an object { id: answer }, or the grades that the official script wrote',
  truth: 'mm-vet.json',
  options: [
    ...judgeOptions(),
    new Option('--runs <n>', 'how often each answer is graded; the official number is 5')
      .argParser(whole(1, 100))
      .default(1),
    new Option('--judge-prompt <file>', 'instructions for the judge, such as the official ones; ours by default'),
  ],
  score: async ({ truth, answers: files }, options) => {
    const questions = truth.flatMap(mmVetQuestions);
    const grades = files.map(mmVetGrades);
    if (grades.every((own) => own !== undefined)) return scoreMmVet(questions, grades.flat());
    const byId = new Map(questions.map((question) => [question.id, question]));
    const answers = files.flatMap(mmVetAnswers);
    const instructions = await instructionsOf(options.judgePrompt as string | undefined);
    return withJudge(options, async (judge) => {
      if (!judge) return withoutJudge('mm-vet');
      const graded = await judged('mm-vet', answers, options, async ({ id, text }) => {
        const question = byId.get(id);
        if (!question) return { id, grades: [] };
        const prompt = mmVetPrompt(question, text, instructions);
        const runs: number[] = [];
        for (let run = 0; run < (options.runs as number); run++) runs.push(await mmVetGrade(judge, id, run, prompt));
        return { id, grades: runs };
      });
      const known = graded.filter(({ id }) => byId.has(id));
      return {
        ...scoreMmVet(questions, graded),
        graded: known.map(({ id, grades: own }) => ({ id, score: own })),
      };
    });
  },
});

async function instructionsOf(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return readFile(path, 'utf8').catch((cause) => {
    throw new ChatRexError('not-found', `--judge-prompt ${path} cannot be read`, { cause });
  });
}

/** As the official script: warmer and warmer until the reply is a grade, and 0 when it never is. */
async function mmVetGrade(judge: Judge, id: string, run: number, prompt: string): Promise<number> {
  for (let attempt = 0; attempt < readAttempts; attempt++) {
    const asked = attempt === 0 ? prompt : `${prompt}\nThe score, as a number: `;
    const sample = run === 0 ? id : `${id} run ${run + 1}`;
    const reply = await judge.ask({ suite: 'mm-vet', sample, prompt: asked, temperature: attempt / 2, maxTokens: 3 });
    const grade = readMmVetGrade(reply);
    if (grade !== undefined) return grade;
  }
  return 0;
}

const llavaWild = recordSuite({
  name: 'llava-wild',
  description: 'LLaVA-Bench in the wild: a judge compares with GPT-4’s answers',
  answers: 'reviews that the official script wrote (tuple), or lines with question_id and text for a judge',
  truth: 'for a judge: questions.jsonl, context.jsonl, answers_gpt4.jsonl, and LLaVA’s rule.json for its own prompts',
  isTruthOptional: true,
  options: judgeOptions(),
  score: async ({ truth: truthFiles, answers: files }, options) => {
    if (files.every(holdsReviews)) return scoreLlavaWild(files.flatMap(llavaReviews));
    const answers = files.flatMap((file) =>
      textAnswers(file, 'llava-wild', ['text', 'prediction', 'response', 'output']),
    );
    return withJudge(options, async (judge) => {
      if (!judge) return withoutJudge('llava-wild');
      const truth = llavaTruth(truthFiles);
      const idOf = ({ id }: { id: string }) => id;
      const { pairs, counts, notes } = pairAnswers(truth.questions, answers, idOf, idOf);
      // A missing answer is judged too, as an empty one.
      const reviews = await judged('llava-wild', pairs, options, async ({ truth: question, answer }) => {
        const prompt = llavaPrompt(truth, question, answer?.text ?? '');
        const asked = { suite: 'llava-wild', sample: question.id, prompt, temperature: 0.2, maxTokens: 1024 };
        const [first, second] = readLlavaScores(await judge.ask(asked));
        return { id: question.id, kind: question.kind, first, second };
      });
      const score = scoreLlavaWild(reviews);
      return {
        ...{ ...score, counts, notes: [...notes, ...score.notes] },
        graded: reviews.map(({ id, kind, first, second }) => ({
          question_id: id,
          category: kind,
          tuple: [first, second],
        })),
      };
    });
  },
});

export const judgedSuites: readonly RecordSuite[] = [mmbench, hallusion, mmVet, llavaWild];
