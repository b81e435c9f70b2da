import { spawn } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Dataset } from '../datasets/dataset.ts';
import { ChatRexError } from '../errors.ts';
import { countingSuite } from './data-suites/counting.ts';
import { evaluate } from './evaluate.ts';
import { readRows } from './rows-file.ts';
import type { Counts, FoundBoxes } from './subject.ts';
import { countedRun, countedSamples } from './testing/counted-run.ts';
import { memoryDataset, regionOf, sampleOf } from './testing/memory-dataset.ts';

const names = ['dog', 'cat', 'red car'];
const data = memoryDataset(
  Array.from({ length: 6 }, (_, i) =>
    sampleOf(
      `s${i}`,
      names.slice(0, 1 + (i % 3)).flatMap((name) => [regionOf(name, 0), regionOf(name, 40)]),
    ),
  ),
);
const questionCount = 12;

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'chatrex-rows-')), 'run');
});
afterEach(() => rm(join(folder, '..'), { recursive: true }));

/** Answers "two" for some names, and remembers what it was asked. */
function counter(asked: string[], failOn: (question: string) => boolean = () => false): Counts {
  return {
    count: async ({ sample }, name): Promise<FoundBoxes> => {
      const question = `${sample.id} ${name}`;
      asked.push(question);
      if (failOn(question)) throw new ChatRexError('runtime', `no answer about ${question}`);
      return { text: name === 'cat' ? 'three' : 'two', boxes: [] };
    },
  };
}

interface RunSettings {
  subject: Counts;
  folder?: string;
  data?: Dataset;
  limit?: number;
  shard?: { index: number; of: number };
  concurrency?: number;
  signal?: AbortSignal;
  options?: Record<string, unknown>;
  onNote?: (text: string) => void;
}

const run = ({ subject, ...settings }: RunSettings) =>
  evaluate({ suite: countingSuite(), data, model: { name: 'test' }, open: async () => subject, ...settings });

/** What must not depend on the clock. */
const comparable = ({ evaluation }: Awaited<ReturnType<typeof run>>) => {
  const { counts, ...rest } = evaluation;
  return { ...rest, counts: { ...counts, seconds: 0 } };
};

describe('a run', () => {
  it('that was interrupted continues and asks nothing twice; its figures are those of one run', async () => {
    const once: string[] = [];
    const whole = comparable(await run({ subject: counter(once) }));
    expect(once).toHaveLength(questionCount);
    expect(whole.figures.exact).toBeCloseTo(8 / 12, 9);

    const asked: string[] = [];
    for (const stopAfter of [2, 5, 6, 100]) {
      const control = new AbortController();
      const subject = counter(asked);
      const stopping: Counts = {
        count: async (...question) => {
          if (asked.length + 1 >= stopAfter) control.abort();
          return subject.count(...question);
        },
      };
      const { run: result, evaluation } = await run({ subject: stopping, folder, signal: control.signal });
      expect(result.isComplete).toBe(stopAfter === 100);
      expect(evaluation.counts.answered).toBe(Math.min(stopAfter, questionCount));
    }
    expect(asked).toEqual(once);
    expect(comparable(await run({ subject: counter(asked), folder }))).toEqual(whole);
    expect(asked).toHaveLength(questionCount);
  });

  it('whose last row was cut asks for that one alone, and says so', async () => {
    await run({ subject: counter([]), folder });
    const path = join(folder, 'rows.jsonl');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.slice(0, -9));
    const [asked, notes]: string[][] = [[], []];
    const { evaluation } = await run({ subject: counter(asked), folder, onNote: (note) => notes.push(note) });
    expect(asked).toEqual(['s5 red car']);
    expect(notes).toEqual([expect.stringMatching(/rows\.jsonl ended in the middle of a row/)]);
    expect(evaluation.counts.answered).toBe(questionCount);
    expect(await readRows(folder)).toHaveLength(questionCount);
  });

  it('has faults of single questions and samples as rows, and asks them again', async () => {
    const broken: Dataset = {
      ...data,
      sample: async (index) => {
        if (index === 1) throw new ChatRexError('invalid-file', 'sample 1 is broken');
        return data.sample(index);
      },
    };
    const { evaluation, run: result } = await run({
      subject: counter([], (question) => question === 's2 cat'),
      data: broken,
      folder,
    });
    expect(result).toMatchObject({ asked: 10, failed: 2, isComplete: true });
    expect(evaluation.counts).toMatchObject({ samples: 6, questions: 10, answered: 9, failed: 2 });
    expect(evaluation.notes).toEqual([
      '1 question without an answer counted as wrong: no answer about s2 cat',
      '1 sample could not be read and left out: sample 1 is broken',
      '1 answers state no number and show no box',
    ]);
    const asked: string[] = [];
    const again = await run({ subject: counter(asked), folder });
    expect(asked).toEqual(['s1 dog', 's1 cat', 's2 cat']);
    expect(comparable(again)).toEqual(comparable(await run({ subject: counter([]) })));
  });

  it('in shards that share a folder is the same run', async () => {
    const asked: string[] = [];
    for (const index of [2, 0, 1]) {
      await run({ subject: counter(asked), folder, shard: { index, of: 3 }, concurrency: 2 });
    }
    expect(new Set(asked).size).toBe(questionCount);
    expect(asked).toHaveLength(questionCount);
    const whole = await run({ subject: counter(asked), folder });
    expect(asked).toHaveLength(questionCount);
    expect(comparable(whole)).toEqual(comparable(await run({ subject: counter([]) })));
  });

  it('gives up when its first questions all fail', async () => {
    const many = memoryDataset(Array.from({ length: 40 }, (_, i) => sampleOf(`s${i}`, [regionOf('dog', 0)])));
    await expect(run({ subject: counter([], () => true), data: many })).rejects.toThrow(
      /the first 20 questions all failed, the last with: no answer about s19 dog/,
    );
  });

  it('does not open a model when nothing is left to ask', async () => {
    await run({ subject: counter([]), folder });
    const closed = async () => {
      throw new Error('opened');
    };
    const { evaluation } = await evaluate({
      suite: countingSuite(),
      data,
      model: { name: 'test' },
      folder,
      open: closed,
    });
    expect(evaluation.counts.answered).toBe(questionCount);
  });
});

it('killed in the middle and resumed, a run asks as many questions as once through and has equal figures', async () => {
  const script = fileURLToPath(new URL('testing/counted-run.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const before: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    before.push(line);
    if (before.length === 5) child.kill('SIGKILL');
  }
  const kept = (await readRows(folder)).length;
  expect(kept).toBe(4);
  const after: string[] = [];
  const { evaluation } = await countedRun(folder, (sample) => after.push(sample));
  // What was being asked when the process died has no answer.
  expect(after).toEqual(countedSamples.slice(kept).map(({ id }) => id));
  const whole = await countedRun(undefined, () => {});
  expect(evaluation.figures).toEqual(whole.evaluation.figures);
  expect(evaluation.counts).toMatchObject({ questions: 30, answered: 30, failed: 0 });
});

describe('a folder', () => {
  it('refuses rows of another run', async () => {
    await run({ subject: counter([]), folder, options: { maxTokens: 64 } });
    await expect(run({ subject: counter([]), folder, options: { maxTokens: 65 } })).rejects.toThrow(
      /run\.json is of another run: options\.maxTokens was 64 and is 65/,
    );
    const other = { ...data, fingerprint: 'other' };
    await expect(run({ subject: counter([]), folder, data: other, options: { maxTokens: 64 } })).rejects.toThrow(
      /data\.fingerprint was "memory" and is "other"/,
    );
  });

  it('is written by one process at a time; what a killed one left is taken over', async () => {
    await run({ subject: counter([]), folder, limit: 1 });
    const { hostname } = await import('node:os');
    await writeFile(join(folder, 'rows.jsonl.lock'), `${process.pid} ${hostname()}\n`);
    await expect(run({ subject: counter([]), folder })).rejects.toThrow(/is writing these rows/);
    // No process has this number.
    await writeFile(join(folder, 'rows.jsonl.lock'), `4194999 ${hostname()}\n`);
    await expect(run({ subject: counter([]), folder })).resolves.toBeDefined();
  });

  it('with a line that is no row is refused with its place', async () => {
    await run({ subject: counter([]), folder, limit: 1 });
    await appendFile(join(folder, 'rows.jsonl'), '{"sample": 1}\n');
    await expect(readRows(folder)).rejects.toThrow(/rows\.jsonl: line 2: expected a row/);
    await appendFile(join(folder, 'rows.jsonl'), 'x\n');
    await expect(run({ subject: counter([]), folder })).rejects.toThrow(ChatRexError);
  });
});
