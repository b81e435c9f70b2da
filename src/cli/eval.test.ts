import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { UpnConfig } from '../proposals/config.ts';
import { patternedWeights } from '../proposals/testing/patterned.ts';
import { upnParameters } from '../proposals/weights.ts';
import { writeSafetensors } from '../weights/safetensors-writer.ts';
import type { WorldReport } from '../world/evaluation/evaluate-world.ts';
import { evalCommand } from './eval.ts';

const tiny = new URL('../../fixtures/chatrex/tiny-gated/', import.meta.url).pathname;

/** As small as a proposal network can be. */
const upnConfig: UpnConfig = {
  backbone: { kind: 'convnext', depths: [1, 1, 1, 1], dims: [8, 8, 8, 8], kernelSize: 3, layerScale: 0.1 },
  backboneStages: [2, 3],
  numLevels: 2,
  hiddenSize: 32,
  numHeads: 2,
  numPoints: 1,
  numEncoderLayers: 1,
  numDecoderLayers: 1,
  feedForwardSize: 16,
  numQueries: 8,
  shorterSide: 64,
  longerSide: 64,
  canvasMultiple: 32,
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatrex-eval-'));
  vi.stubEnv('CHATREX_CACHE', join(folder, 'cache'));
  const upn = join(folder, 'upn');
  await mkdir(upn);
  await writeFile(join(upn, 'config.json'), JSON.stringify({ model_type: 'upn', ...upnConfig }));
  const weights = patternedWeights(upnConfig);
  const tensors = upnParameters(upnConfig).map(({ name, shape }) => ({
    name,
    shape,
    dtype: 'float32' as const,
    data: weights.get(name)!.data,
  }));
  await writeSafetensors(join(upn, 'model.safetensors'), tensors);
  for (const file of ['config.json', 'model.safetensors', 'tokenizer.json']) await cp(tiny + file, join(folder, file));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** What `eval world` prints. */
const printed = (...words: string[]): Promise<string> => printedBy('world', ...words);

async function printedBy(...words: string[]): Promise<string> {
  let text = '';
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  const command = evalCommand();
  command.commands[0].exitOverride();
  await command.parseAsync(words, { from: 'user' });
  vi.restoreAllMocks();
  return text;
}

const reportOf = async (...words: string[]): Promise<WorldReport> => JSON.parse(await printed(...words, '--json'));

/** What must not depend on the clock. */
const figuresOf = ({ results }: WorldReport) => results.map(({ seconds: _, ...result }) => result);

describe('eval world with random weights', () => {
  const small = ['--count', '1', '--questions', '1', '--max-tokens', '4', '--threads', '1'];
  let first: WorldReport;

  it('reports every task in sane ranges', async () => {
    first = await reportOf('--model', folder, '--seed', '4', '--min-score', '0', ...small);
    expect(first).toMatchObject({ split: 'test', seed: 4, count: 1, phrasings: 'unseen', skipped: [] });
    expect(first.results).toHaveLength(16);
    for (const { task, variant, count, figures } of first.results) {
      expect(count, `${task} ${variant}`).toBeGreaterThan(0);
      for (const [name, value] of Object.entries(figures)) {
        if (value === null) continue;
        expect(value, `${task} ${variant} ${name}`).toBeGreaterThanOrEqual(0);
        expect(value, `${task} ${variant} ${name}`).toBeLessThanOrEqual(name === 'boxes per scene' ? 100 : 1);
      }
    }
  });

  it('gives the same figures again, from the same questions whatever the boxes', async () => {
    const again = await reportOf('--model', folder, '--seed', '4', '--min-score', '0', ...small);
    expect(figuresOf(again)).toEqual(figuresOf(first));
    for (const task of ['detection', 'referring', 'counting']) {
      const [proposed, given] = first.results.filter((result) => result.task === task);
      expect(proposed.count).toBe(given.count);
    }
  });

  it('measures a proposal network alone, in a table that says what was skipped', async () => {
    const words = ['--seed', '5', '--tasks', 'upn,counting', '--phrasings', 'seen', ...small];
    const table = await printed('--model', join(folder, 'upn'), ...words);
    expect(table).toMatch(/^RexWorld test, seed 5: 1 scene, seen phrasings/);
    expect(table).toMatch(/\nupn +fine +coarse +both\n {2}AP +\S+ +\S+ +-\n/);
    expect(table).toMatch(/\nskipped: counting \(upn boxes\), counting \(true boxes\): .* no language model .*\n$/);
  });

  it('leaves a folder that is scored again and compared without a model', async () => {
    const out = (name: string) => join(folder, name);
    const words = ['--seed', '5', '--tasks', 'upn,counting', ...small, '--count', '2'];
    await printed('--model', folder, ...words, '--out', out('whole'));
    await printed('--model', join(folder, 'upn'), ...words, '--out', out('proposals'));
    expect(await readFile(join(out('whole'), 'report.html'), 'utf8')).toContain('<td>upn (coarse)</td>');
    const report = JSON.parse(await printedBy('report', out('whole'), '--json'));
    expect(report).toMatchObject({ suite: 'world', counts: { samples: 2 }, notes: [] });
    expect(Object.keys(report.byKind)).toContain('counting (true boxes)');
    const compared = JSON.parse(
      await printedBy('compare', out('whole'), out('proposals'), '--resamples', '100', '--json'),
    );
    expect(compared.samples).toBe(2);
    const page = ['compare', out('whole'), out('proposals'), '--resamples', '100', '--out', out('two.html')];
    await printedBy(...page);
    expect(await readFile(out('two.html'), 'utf8')).toContain('upn (coarse): AP');
    await expect(printedBy(...page)).rejects.toThrow(/two\.html" exists; .*--force/);
    await expect(printedBy(...page.slice(0, -1), out('two.png'))).rejects.toThrow(
      /expected a name that ends in \.html/,
    );
    expect(compared.figures.map(({ name }: { name: string }) => name)).toContain('upn (coarse): AP');
  });

  it('measures a language model alone', async () => {
    const { results, skipped } = await reportOf('--model', tiny, '--seed', '5', '--tasks', 'counting', ...small);
    expect(results.map(({ variant }) => variant)).toEqual(['true boxes']);
    expect(skipped).toMatchObject([{ variant: 'upn boxes', reason: expect.stringMatching(/no proposal network/) }]);
  });
});

it('refuses what it cannot do in one line', async () => {
  const empty = join(folder, 'empty');
  await mkdir(empty);
  await expect(printed('--model', 'no-such', '--seed', '1')).rejects.toThrow(/model 'no-such'/);
  await expect(printed('--model', empty, '--seed', '1')).rejects.toThrow(/found neither/);
  await expect(printed('--seed', '1', '--tasks', 'upn,cuonting')).rejects.toThrow(/'cuonting' is none of upn/);
  await expect(printed('--seed', '-1')).rejects.toThrow(/whole number/);
  await expect(printed('--model', tiny, '--seed', '1', '--count', '0')).rejects.toThrow(/count: expected/);
});
