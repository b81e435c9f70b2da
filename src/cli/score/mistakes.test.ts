/** What users give to every suite by mistake: answers missing, twice, of unknown samples, of another suite. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../testing/run-program.ts';
import { scoreSuites } from './suites.ts';

type Answer = Readonly<Record<string, unknown>>;

interface Case {
  readonly truth?: { readonly name: string; readonly content: unknown };
  /** A right answer to the sample of this number, from 1 to 3; others are unknown. */
  readonly answer: (sample: number) => Answer;
  /** Whether two answers to one sample are two detections of it, as the official scripts have it. */
  readonly mayRepeat?: boolean;
  /** Whether the file itself says which samples there are. */
  readonly isOwnTruth?: boolean;
}

const three = <Item>(make: (sample: number) => Item): Item[] => [1, 2, 3].map(make);
const box = [0, 0, 10, 10];

const detectionTruth = (more: object = {}) => ({
  images: three((id) => ({ id, file_name: `${id}.jpg`, width: 100, height: 100, ...more })),
  categories: [{ id: 1, name: 'cat', frequency: 'f' }],
  annotations: three((id) => ({ id, image_id: id, category_id: 1, bbox: box, area: 100, iscrowd: 0 })),
});
const options = { A: 'dog', B: 'cat' };

const cases: Readonly<Record<string, Case>> = {
  coco: {
    truth: { name: 'instances.json', content: detectionTruth() },
    answer: (image_id) => ({ image_id, category_id: 1, bbox: box, score: 0.5 }),
    mayRepeat: true,
  },
  'coco by names': {
    truth: { name: 'instances.json', content: detectionTruth() },
    answer: (id) => ({ image_path: `${id}.jpg`, extracted_predictions: { cat: [box] } }),
  },
  lvis: {
    truth: {
      name: 'lvis.json',
      content: detectionTruth({ neg_category_ids: [], not_exhaustive_category_ids: [] }),
    },
    answer: (image_id) => ({ image_id, category_id: 1, bbox: box, score: 0.5 }),
    mayRepeat: true,
  },
  proposals: {
    truth: { name: 'instances.json', content: detectionTruth() },
    answer: (id) => ({ image: `${id}.jpg`, granularity: 'fine', boxes: [box], scores: [0.5] }),
  },
  refcoco: {
    truth: {
      name: 'refcoco_testA.jsonl',
      content: three((id) => ({ id, img_path: 'a.jpg', expression: 'cat', bbox: box, width: 100, height: 100 })),
    },
    answer: (id) => ({ id, boxes: [box] }),
  },
  humanref: {
    truth: {
      name: 'annotations.jsonl',
      content: three((id) => ({ id, domain: 'a', sub_domain: 'b', answer_boxes: [box] })),
    },
    answer: (id) => ({ id, extracted_predictions: [box] }),
  },
  regions: {
    truth: {
      name: 'lvis_val_1k_category.json',
      content: three((id) => ({ id, file_name: `${id}.jpg`, categories: ['cat'] })),
    },
    answer: (id) => ({ id, predictions: ['cat'] }),
  },
  counting: {
    truth: { name: 'countbench.json', content: three((id) => ({ id, question: '?', answer: 2 })) },
    answer: (id) => ({ id, prediction: '2' }),
  },
  pope: {
    truth: {
      name: 'coco_pope_random.json',
      content: three((question_id) => ({ question_id, label: 'yes', image: 'a', text: '?' })),
    },
    answer: (question_id) => ({ question_id, answer: 'yes' }),
  },
  seed: {
    truth: {
      name: 'SEED-Bench.json',
      content: {
        questions: three((id) => ({
          ...{ question_id: String(id), data_type: 'image', question: '?', answer: 'A', choice_a: 'x', choice_b: 'y' },
          question_type_id: 1,
        })),
        question_type: { Scene: 1 },
      },
    },
    answer: (question_id) => ({ question_id, prediction: 'A' }),
  },
  mmmu: {
    truth: {
      name: 'answer_dict_val.json',
      content: Object.fromEntries(
        three((id) => [`validation_Art_${id}`, { question_type: 'multiple-choice', ground_truth: 'A' }]),
      ),
    },
    answer: (id) => ({ id: `validation_Art_${id}`, response: 'A' }),
  },
  mmbench: {
    truth: {
      name: 'mmbench.json',
      content: three((index) => ({ index, question: '?', answer: 'A', category: 'a', ...options })),
    },
    answer: (index) => ({ index, prediction: 'A' }),
  },
  hallusion: {
    truth: {
      name: 'HallusionBench.json',
      content: three((id) => ({
        ...{ category: 'VD', subcategory: 'chart', visual_input: '1', set_id: String(id), figure_id: '1' },
        ...{ question_id: '0', question: '?', gt_answer: '1', gt_answer_details: 'x' },
      })),
    },
    answer: (id) => ({
      ...{ category: 'VD', subcategory: 'chart', visual_input: '1', set_id: String(id), figure_id: '1' },
      ...{ question_id: '0', question: '?', model_prediction: 'Yes' },
    }),
  },
  'mm-vet': {
    truth: {
      name: 'mm-vet.json',
      content: Object.fromEntries(three((id) => [`v1_${id}`, { question: '?', answer: 'x', capability: ['ocr'] }])),
    },
    // Grades of the official script.
    answer: (id) => ({ id: `v1_${id}`, model: 'm', content: ['1.0'], score: [1] }),
  },
  'llava-wild': {
    answer: (question_id) => ({ question_id, tuple: [8, 8], category: 'llava_bench_conv' }),
    isOwnTruth: true,
  },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatrex-mistakes-'));
});
afterAll(() => rm(folder, { recursive: true }));

const suiteOf = (name: string) => name.split(' ')[0];
let written = 0;

async function write(name: string, content: unknown): Promise<string> {
  const path = join(folder, `${written++}-${name}`);
  const lines = name.endsWith('.jsonl') && Array.isArray(content);
  await writeFile(path, lines ? content.map((line) => JSON.stringify(line)).join('\n') : JSON.stringify(content));
  return path;
}

async function scored(name: string, samples: readonly number[]) {
  const { truth, answer } = cases[name];
  const isList = ['coco', 'lvis'].includes(name);
  const answers = await write(isList ? 'answers.json' : 'answers.jsonl', samples.map(answer));
  const truths = truth ? ['--truth', await write(truth.name, truth.content)] : [];
  return run(['score', suiteOf(name), '--answers', answers, ...truths, '--json']);
}

async function score(name: string, samples: readonly number[]) {
  const { code, stdout, stderr } = await scored(name, samples);
  return { code, stderr, json: stdout === '' ? undefined : JSON.parse(stdout) };
}

it('has a case of every suite with samples', () => {
  const suites = scoreSuites.map(({ name }) => name).filter((name) => name !== 'repetition');
  expect([...new Set(Object.keys(cases).map(suiteOf))].sort()).toEqual([...suites].sort());
});

describe.each(Object.keys(cases))('%s', (name) => {
  const { mayRepeat = false, isOwnTruth = false } = cases[name];

  it('answers to all samples are scored without a word about mistakes', async () => {
    const { code, json, stderr } = await score(name, [3, 1, 2]);
    expect(code, stderr).toBe(0);
    expect(json.counts).toEqual({ samples: 3, answered: 3, missing: 0, repeated: 0, unknown: 0 });
    expect(stderr).not.toMatch(/without an|left out|unknown/);
  });

  it.skipIf(isOwnTruth)('a missing answer counts as wrong, and is counted aloud', async () => {
    const whole = (await score(name, [1, 2, 3])).json;
    const { code, json, stderr } = await score(name, [1, 3]);
    expect(code, stderr).toBe(0);
    expect(json.counts).toEqual({ samples: 3, answered: 2, missing: 1, repeated: 0, unknown: 0 });
    expect(stderr).toMatch(/note: 1 (sample without an answer counted as wrong: |image without any )/);
    // Some figure is lower, and none is as if there were two samples alone.
    const figures = Object.entries<number>(whole).filter(([, value]) => typeof value === 'number' && value > 0);
    expect(figures.some(([figure, value]) => json[figure] < value)).toBe(true);
  });

  it.skipIf(mayRepeat)('of two answers the first counts, and the other is told of', async () => {
    const { code, json, stderr } = await score(name, [1, 2, 3, 2]);
    expect(code, stderr).toBe(0);
    expect(json.counts).toEqual({ samples: 3, answered: 3, missing: 0, repeated: 1, unknown: 0 });
    expect(stderr).toMatch(/note: 1 answer to an? (sample|image) that was answered before left out/);
    const { counts: _, notes: __, ...whole } = (await score(name, [1, 2, 3])).json;
    expect(json).toMatchObject(whole);
  });

  it.skipIf(isOwnTruth)('answers to unknown samples are left out and told of; alone they are refused', async () => {
    const { code, json, stderr } = await score(name, [1, 2, 3, 7]);
    expect(code, stderr).toBe(0);
    expect(json.counts).toEqual({ samples: 3, answered: 3, missing: 0, repeated: 0, unknown: 1 });
    expect(stderr).toMatch(/note: 1 \w+ (to an unknown sample|of unknown images) left out/);
    await expectRefusal(scored(name, [7, 8]), /no (answer|detection|proposal) (is of|fits)/);
  });

  it.skipIf(isOwnTruth)('the truth of other suites is refused in one line', async () => {
    const answers = await write('own.jsonl', three(cases[name].answer));
    for (const [other, { truth }] of Object.entries(cases)) {
      if (truth === undefined || truth.name === cases[name].truth?.name) continue;
      if ([name, other].every((one) => boxSuites.includes(suiteOf(one)))) continue;
      const words = ['--answers', answers, '--truth', await write(truth.name, truth.content)];
      await expectRefusal(run(['score', suiteOf(name), ...words]), /.+/, `truth of ${other}`);
    }
  });

  it('files of other suites are refused in one line', async () => {
    const own = cases[name];
    const truths = own.truth ? ['--truth', await write(own.truth.name, own.truth.content)] : [];
    for (const [other, { answer }] of Object.entries(cases)) {
      // Files of the same form: nothing in them says whose they are.
      if (sameForm.some((forms) => forms.includes(name) && forms.includes(other))) continue;
      const answers = await write('other.jsonl', [answer(4), answer(5)]);
      const refused = run(['score', suiteOf(name), '--answers', answers, ...truths]);
      await expectRefusal(refused, /.+/, `answers of ${other}`);
    }
  });
});

const sameForm: readonly (readonly string[])[] = [
  ['coco', 'lvis'],
  ['coco', 'coco by names', 'lvis'],
  ...Object.keys(cases).map((name) => [name]),
];

/** Suites whose truth may be that of each other: boxes and categories of images. */
const boxSuites = ['coco', 'lvis', 'proposals'];

/** Nothing is scored, and one line says why; suites with a judge may say that it is missing. */
async function expectRefusal(scored: ReturnType<typeof run>, reason: RegExp, what = ''): Promise<void> {
  const { code, stdout, stderr } = await scored;
  expect({ code, stdout }, `${what}: ${stderr}`).toEqual({
    code: stderr.includes('needs a judge') ? 5 : 1,
    stdout: '',
  });
  expect(stderr, what).toMatch(/^chatrex: [^\n]+\n$/);
  expect(stderr, what).toMatch(reason);
}
