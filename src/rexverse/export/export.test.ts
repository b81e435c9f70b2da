/** What is written of a run is read back by the data layer; two shards together write what one run writes. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Sample } from '../../datasets/sample.ts';
import { openDataset } from '../../open-dataset.ts';
import { reportPage } from '../report/page.ts';
import { summarizeRun } from '../report/summarize.ts';
import { reportTable } from '../report/table.ts';
import { runRexverse } from '../run.ts';
import { TestEndpoint } from '../testing/endpoint.ts';
import { writeTestImages } from '../testing/images.ts';
import { testSettings } from '../testing/settings.ts';
import { writeViewPage } from '../view/page.ts';
import { exportRun } from './export-run.ts';

const root = mkdtempSync(join(tmpdir(), 'rexverse-export-'));
const photos = join(root, 'photos');
const [whole, shards] = [join(root, 'whole'), join(root, 'shards')];
let endpoint: TestEndpoint;

beforeAll(async () => {
  await writeTestImages(photos, 9);
  endpoint = await TestEndpoint.start({
    answer: ({ stage, text, key }) => {
      // One kind of thing is never found.
      if (stage === 'ground' && text.includes('bicycle')) {
        const labels = /image: (.+?)\. Report/.exec(text)?.[1].split(', ') ?? [];
        const found = labels.filter((label) => label !== 'bicycle');
        return JSON.stringify(found.map((label, at) => ({ bbox_2d: [100 * at, 0, 100 * at + 90, 500], label })));
      }
      return stage === 'verify' && key < '4' ? 'No.' : undefined;
    },
  });
  const settings = await testSettings(`${endpoint.url}#test`);
  const quick = { source: photos, settings, workers: 0, concurrency: 4, retryPauseMs: 5, callPauseMs: 5 };
  await runRexverse({ ...quick, out: whole, blockSize: 4 });
  for (const index of [0, 1]) await runRexverse({ ...quick, out: shards, shard: { index, of: 2 } });
});
afterAll(async () => {
  await endpoint.close();
  rmSync(root, { recursive: true });
});

test('JSON Lines are samples: boxes, four granularities, absent phrases, grounded captions, images', async () => {
  const out = join(root, 'whole.jsonl');
  const count = await exportRun(whole, 'jsonl', out);
  expect(count).toBeGreaterThan(4);
  const data = await openDataset(
    { format: 'json-lines', options: { path: out } },
    { dataRoot: root, cacheFolder: join(root, 'cache') },
  );
  try {
    expect(data.size).toBe(count);
    const kinds = new Set<string>();
    let absent = 0;
    for (let at = 0; at < data.size; at++) {
      const sample = await data.sample(at);
      for (const { kind, regions } of sample.phrases) {
        kinds.add(kind);
        if (regions.length === 0) absent++;
      }
      const [{ turns }] = sample.conversations;
      expect(turns[0].answer.some((span) => span.kind === 'phrase')).toBe(true);
      expect(sample.coverage).toMatchObject({ complete: [], isClosed: false, partialCategories: expect.any(Array) });
    }
    expect([...kinds].sort()).toEqual(['description', 'name', 'phrase', 'referring']);
    expect(absent).toBeGreaterThan(0);
    expect(await data.image(0)).toMatchObject({ width: 224, height: 208 });
  } finally {
    await data.close();
  }
});

test.each(['jsonl', 'coco', 'tsv', 'parquet'] as const)(
  'shards together write the bytes of one run: %s',
  async (format) => {
    const [one, two] = [join(root, `one.${format}`), join(root, `two.${format}`)];
    await exportRun(whole, format, one, { shardSize: 4 });
    await exportRun(shards, format, two, { shardSize: 4 });
    const written = filesOf(one);
    expect(written.size).toBeGreaterThan(0);
    expect(filesOf(two)).toEqual(written);
  },
);

/** Every file of a path by its name, as Latin-1. */
function filesOf(path: string): Map<string, string> {
  if (statSync(path).isFile()) return new Map([['', readFileSync(path, 'latin1')]]);
  return new Map(
    readdirSync(path)
      .sort()
      .map((name) => [name, readFileSync(join(path, name), 'latin1')]),
  );
}

test('the report accounts for every entry and every call, as a table and as a page', async () => {
  const report = await summarizeRun(whole, { test: { input: 1, output: 2 } });
  expect(report).toMatchObject({ entries: 9, left: 0, failed: 0 });
  expect(report.done + report.filtered).toBe(9);
  const calls = Object.values(report.stages).reduce((sum, stage) => sum + stage.calls, 0);
  expect(calls).toBe(report.calls.made);
  expect(report.cost).toBeCloseTo((calls * (100 + 2 * 10)) / 1e6, 10);
  expect(report.stages.rewrite.out).toBe(report.done);
  expect(reportTable(report)).toContain('9 entries');
  expect(reportPage(report, 'a <b> & c')).toContain('a &lt;b&gt; &amp; c');
});

test('the page shows each entry with its boxes and what was left out, and runs no script but its own', async () => {
  const out = join(root, 'view.html');
  expect(await writeViewPage(whole, out, { limit: 6, skip: 1 })).toBe(6);
  const html = readFileSync(out, 'utf8');
  expect(html.match(/<article /g)).toHaveLength(6);
  expect(html).toContain('src="data:image/jpeg;base64,');
  expect(html).toMatch(/<mark tabindex="0" data-regions="0/);
  expect(html).toContain("default-src 'none'");
  expect(html).not.toMatch(/https?:\/\//);
});

test('COCO, Parquet in shards and the TSV of Rexverse-2M are read back as what was written', async () => {
  const [coco, parquet, tsv] = [join(root, 'coco.json'), join(root, 'parquet'), join(root, 'tsv')];
  const count = await exportRun(whole, 'coco', coco);
  expect(await exportRun(whole, 'parquet', parquet, { shardSize: 4 })).toBe(count);
  expect(await exportRun(whole, 'tsv', tsv)).toBe(count);
  const instances = JSON.parse(readFileSync(coco, 'utf8'));
  expect(instances.images).toHaveLength(count);
  expect(readdirSync(parquet)).toEqual(
    Array.from({ length: Math.ceil(count / 4) }, (_, at) => `part-0000${at}.parquet`),
  );
  const lines = readFileSync(join(root, 'whole.jsonl'), 'utf8').trim().split('\n');
  const samples = lines.map((line) => JSON.parse(line) as Sample);
  const options = { path: 'referring.annotations.tsv', images: ['image.tsv'] };
  const data = await openDataset({ format: 'rexverse', options }, { dataRoot: tsv, cacheFolder: join(root, 'cache') });
  try {
    const referring = samples.map(({ phrases }) => phrases.filter(({ kind }) => kind === 'referring'));
    const some = referring.filter((phrases) => phrases.length > 0);
    expect(data.size).toBe(some.length);
    for (const [at, phrases] of some.entries()) {
      const sample = await data.sample(at);
      expect(sample.phrases.map(({ text, kind }) => [text, kind])).toEqual(
        phrases.flatMap(({ text, kind, regions }) => regions.map(() => [text, kind])),
      );
    }
    const size = samples[referring.findIndex((phrases) => phrases.length > 0)].image?.size;
    expect(await data.image(0)).toMatchObject(size ?? {});
  } finally {
    await data.close();
  }
  await expect(exportRun(whole, 'tsv', tsv)).rejects.toThrow(/exists; give another --out/);
});
