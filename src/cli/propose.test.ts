import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { formatUpnConfig } from '../proposals/config-file.ts';
import { patterned, patternedWeights, tinyConfig } from '../proposals/testing/patterned.ts';
import { upnParameters } from '../proposals/weights.ts';
import { writeSafetensors } from '../weights/safetensors-writer.ts';
import { proposeCommand } from './propose.ts';
import { someFailedStatus } from './tell-of-all.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const tsx = fileURLToPath(new URL('../../node_modules/tsx/dist/cli.mjs', import.meta.url));
let folder: string;
let model: string;
/** What standard input holds. */
let png: Uint8Array;

/** The command line in a process of its own: exit status, standard output, standard error. */
function chatrex(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [tsx, main, ...args], { cwd: folder }, (error, out, err) => {
      resolve({ status: Number(error?.code ?? 0), out, err });
    });
    child.stdin?.on('error', () => {}).end(png);
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'propose-'));
  model = join(folder, 'model');
  await mkdir(model);
  await mkdir(join(folder, 'images/inner'), { recursive: true });
  const weights = patternedWeights(tinyConfig);
  const tensors = upnParameters(tinyConfig).map(({ name, shape }) => {
    return { name, shape: [...shape], dtype: 'float32' as const, data: weights.get(name)!.data };
  });
  await writeSafetensors(join(model, 'model.safetensors'), tensors);
  await writeFile(join(model, 'config.json'), formatUpnConfig(tinyConfig));
  const pixels = Uint8Array.from(patterned('image', 80 * 60 * 3, 1), (value) => 128 + 60 * value);
  const file = sharp(pixels, { raw: { width: 80, height: 60, channels: 3 } });
  await file.clone().png().toFile(join(folder, 'images/one.png'));
  png = await readFile(join(folder, 'images/one.png'));
  await file.clone().webp().toFile(join(folder, 'images/inner/two.webp'));
  await writeFile(join(folder, 'images/broken.jpg'), 'no image');
});
afterAll(() => rm(folder, { recursive: true }));

test('a folder: one line each, a broken file named and skipped, drawings, a status that says so', async () => {
  const args = ['--model', model, '--min-score', '0', '--max-boxes', '7', '--granularity', 'both'];
  const { status, out, err } = await chatrex(
    'propose',
    'images',
    '-',
    'nope\u001b.png',
    ...args,
    '--json',
    '--out',
    'drawn',
  );
  expect(status).toBe(someFailedStatus);
  expect(err).toMatch(/skipped: "nope\?\.png" does not exist/);
  expect(err).toMatch(/skipped: .*broken\.jpg/);
  expect(err).not.toMatch(/ {4}at /);
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ image }) => image).sort()).toEqual(['-', 'images/inner/two.webp', 'images/one.png']);
  for (const { width, height, granularity, boxes, scores, granularities } of lines) {
    expect([width, height, granularity]).toEqual([80, 60, 'both']);
    expect(boxes.length).toBeGreaterThan(0);
    expect(boxes.length).toBeLessThanOrEqual(7);
    expect([scores.length, granularities.length]).toEqual([boxes.length, boxes.length]);
    for (const box of boxes) expect(box.length).toBe(4);
  }
  expect((await readdir(join(folder, 'drawn'), { recursive: true })).sort()).toEqual(
    ['inner', 'inner/two.webp.boxes.jpg', 'one.png.boxes.jpg', 'standard-input.boxes.jpg'].sort(),
  );
});

/** The command in this process: what it prints. */
async function propose(...args: string[]): Promise<string> {
  const printed: string[] = [];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
  try {
    await proposeCommand()
      .exitOverride()
      .configureOutput({ writeErr: () => {} })
      .parseAsync(args, { from: 'user' });
  } finally {
    spy.mockRestore();
  }
  return printed.join('');
}

test('one image: readable text, a drawing of the named format', async () => {
  const [file, drawing] = [join(folder, 'images/one.png'), join(folder, 'out.webp')];
  const out = await propose(file, '--model', model, '--out', drawing);
  expect(out).toMatch(/one\.png {2}80x60 {2}\d+ box/);
  expect((await sharp(await readFile(drawing)).metadata()).format).toBe('webp');
});

test('mistakes are one line each', async () => {
  const [file, images] = [join(folder, 'images/one.png'), join(folder, 'images')];
  const inOneLine = (text: string) =>
    expect.objectContaining({ message: expect.stringMatching(`^[^\\n]*${text}[^\\n]*`) });
  await expect(propose('nowhere.jpg')).rejects.toEqual(inOneLine('does not exist'));
  await expect(propose(join(images, 'broken.jpg'), '--model', model)).rejects.toEqual(inOneLine('broken.jpg'));
  await expect(propose(images, '--model', model, '--out', 'x.png')).rejects.toEqual(inOneLine('name a folder'));
  await expect(propose(file, '--model', 'absent')).rejects.toEqual(inOneLine("model 'absent'"));
  await expect(propose(file, '--model', model, '--min-score', '3')).rejects.toEqual(
    inOneLine('--min-score.*expected 0 to 1'),
  );
  await expect(propose(file, '--granularty', 'fine')).rejects.toEqual(
    inOneLine('Did you mean --granularity|granularty'),
  );
});
