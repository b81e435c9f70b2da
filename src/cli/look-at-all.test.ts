import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatUpnConfig } from '../proposals/config-file.ts';
import { patterned, patternedWeights, tinyConfig } from '../proposals/testing/patterned.ts';
import { upnParameters } from '../proposals/weights.ts';
import { writeSafetensors } from '../weights/safetensors-writer.ts';
import { type LookOutcome, lookAtAll } from './look-at-all.ts';
import type { LookJob } from './looker.ts';
import type { LookRequest } from './open-looker.ts';

const chatRex = fileURLToPath(new URL('../../fixtures/chatrex/tiny-gated', import.meta.url));
let folder: string;
let upn: string;
let jobs: LookJob[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'look-'));
  upn = join(folder, 'upn');
  await mkdir(upn);
  const weights = patternedWeights(tinyConfig);
  const tensors = upnParameters(tinyConfig).map(({ name, shape }) => {
    return { name, shape: [...shape], dtype: 'float32' as const, data: weights.get(name)!.data };
  });
  await writeSafetensors(join(upn, 'model.safetensors'), tensors);
  await writeFile(join(upn, 'config.json'), formatUpnConfig(tinyConfig));
  const drawn = join(folder, 'drawn.jpg');
  jobs = [0, 1, 2, 3, 4].map((i) => ({ path: join(folder, `${i}.png`), ...(i === 0 && { target: drawn }) }));
  for (const [i, { path }] of jobs.entries()) {
    const data = Uint8Array.from(patterned(`image ${i}`, 48 * 40 * 3, 1), (value) => 128 + 60 * value);
    await sharp(data, { raw: { width: 48, height: 40, channels: 3 } })
      .png()
      .toFile(path);
  }
  await writeFile(jobs[3].path, 'no image');
});
afterAll(() => rm(folder, { recursive: true }));

const propose = (): LookRequest => ({
  ...{ kind: 'propose', model: upn, preset: 'upn-large', json: true },
  wish: { granularity: 'both', minScore: 0, maxBoxes: 5 },
});
const describeAll = (): LookRequest => ({
  ...{ kind: 'answer', model: chatRex, upn, asked: { kind: 'describe', detail: 'brief' }, json: true },
  ...{ filter: { minScore: 0, maxBoxes: 3 }, asking: { maxTokens: 6 } },
});

async function told(request: LookRequest, atOnce: number) {
  const outcomes: unknown[] = [];
  const onOutcome = ({ path }: LookJob, outcome: LookOutcome) => {
    const drawing = 'report' in outcome && Buffer.from(outcome.report.drawing ?? []).toString('base64');
    outcomes.push('report' in outcome ? { path, ...outcome.report, drawing } : { path, ...outcome });
  };
  await lookAtAll(request, jobs, { atOnce, onOutcome });
  return outcomes;
}

describe('all images of a folder', () => {
  it('in the order given, the same two at a time as one by one; a broken image is an outcome', async () => {
    const one = await told(describeAll(), 1);
    expect(await told(describeAll(), 2)).toEqual(one);
    expect(one).toMatchObject([
      { path: jobs[0].path, text: expect.stringContaining('0.png'), drawing: expect.stringMatching(/^.{100}/) },
      { path: jobs[1].path, text: expect.stringContaining('1.png'), drawing: '' },
      { path: jobs[2].path, text: expect.stringContaining('2.png') },
      { failure: { code: 'invalid-file', message: expect.stringContaining('3.png') } },
      { path: jobs[4].path, text: expect.stringContaining('4.png') },
    ]);
  });

  it('ends with what is wrong for every image, and when it is told to', async () => {
    const wrong = { ...propose(), wish: { granularity: 'both', minScore: 3 } } as LookRequest;
    await expect(told(wrong, 1)).rejects.toMatchObject({ code: 'invalid-argument' });
    const control = new AbortController();
    const seen: string[] = [];
    const work = lookAtAll(propose(), jobs, {
      ...{ atOnce: 2, signal: control.signal },
      onOutcome: ({ path }) => {
        seen.push(path);
        control.abort();
      },
    });
    await expect(work).rejects.toMatchObject({ code: 'aborted' });
    expect(seen.length).toBeLessThan(jobs.length);
  });
});
