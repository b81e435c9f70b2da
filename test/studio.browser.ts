/** The studio in a real browser, with the bundled model: what people do there, and what they are told when it fails. */

import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSample } from '../src/datasets/sample-schema.ts';
import { type LocalServer, scene, startLocalServer } from '../src/server/testing/local-server.ts';
import { askAndWait, choose, chromiumPath, drop, launch, openPage, openSample } from './studio-page.ts';

if (!chromiumPath) console.warn('skipped: no chromium here; apt-get install chromium, or name one by CHROMIUM');

describe.skipIf(!chromiumPath)('studio', () => {
  let browser: Browser;
  let server: LocalServer;
  beforeAll(async () => {
    [browser, server] = await Promise.all([launch(), startLocalServer()]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });
  const start = async () => {
    const opened = await openPage(browser, server.url);
    await openSample(opened.page);
    return opened;
  };

  test('a dropped image shows its boxes, and the slider and the kind of box choose among them', async () => {
    const { page, problems } = await openPage(browser, server.url);
    await drop(page, [{ name: 'scene.png', type: 'image/png', bytes: scene }]);
    await page.locator('button.box').first().waitFor();
    const count = () => page.locator('button.box').count();
    const both = await count();
    expect(both).toBeGreaterThan(8);
    await page.getByRole('slider', { name: 'Score' }).fill('0.9');
    expect(await count()).toBeLessThan(both);
    await page.getByRole('slider', { name: 'Score' }).fill('0.1');
    await page.getByRole('radio', { name: 'Whole things' }).check({ force: true });
    await expect.poll(count).toBeLessThan(both);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('phrases light their boxes, and boxes their phrases', async () => {
    const { page, problems } = await start();
    await choose(page, 'Detect');
    await page.getByLabel('Names to detect').fill('cat, kite');
    await askAndWait(page);
    const cat = page.locator('.phrase', { hasText: 'cat' });
    await cat.hover();
    await expect.poll(() => page.locator('button.box.lit').count()).toBe(2);
    expect(await page.locator('button.box.lit .tag').allTextContents()).toEqual([
      expect.stringContaining('cat'),
      expect.stringContaining('cat'),
    ]);
    await page.getByRole('heading', { level: 1 }).hover();
    await expect.poll(() => page.locator('.lit').count()).toBe(0);
    await page.locator('button.box', { hasText: 'kite' }).first().focus();
    await expect.poll(() => page.locator('.phrase.lit').allTextContents()).toEqual([expect.stringContaining('kite')]);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('a small box inside a large one is within reach, lit or not', async () => {
    const { page } = await start();
    await page.locator('button.box').first().waitFor();
    // Found boxes would lie between the two that are drawn.
    await page.getByRole('slider', { name: 'Score' }).fill('1');
    const frame = (await page.locator('.frame').boundingBox())!;
    await page.getByRole('button', { name: 'Draw', exact: true }).click();
    const corner = async (x: number, y: number) =>
      page.mouse.move(frame.x + x * frame.width, frame.y + y * frame.height);
    for (const [from, to] of [
      [0.28, 0.44],
      [0.02, 0.98],
    ]) {
      await corner(from, from);
      await page.mouse.down();
      await corner(to, to);
      await page.mouse.up();
    }
    await page.keyboard.press('Escape');
    const [small, large] = await page
      .locator('button.box.drawn')
      .evaluateAll((all) => all.map((one) => one.getAttribute('data-index')).sort((a, b) => Number(a) - Number(b)));
    await corner(0.03, 0.97);
    await expect.poll(() => page.locator('button.box.lit').getAttribute('data-index')).toBe(large);
    await corner(0.3, 0.3);
    await expect.poll(() => page.locator('button.box.lit').getAttribute('data-index')).toBe(small);
    await page.close();
  });

  test('a click names a box in the question, and the answer is about it', async () => {
    const { page } = await start();
    await choose(page, 'Ask');
    await page.locator('#question').fill('What is ');
    await page.locator('button.box[data-index="0"]').click();
    await expect.poll(() => page.locator('#question').inputValue()).toBe('What is <obj0>');
    await page.locator('#question').fill('What is <obj0>?');
    await askAndWait(page);
    expect(await page.locator('.answer .text').first().textContent()).not.toBe('');
    expect(await page.locator('.answer .facts').first().textContent()).toContain('first word after');
    await askAndWait(page);
    await page.locator('.answer').first().getByText('image not encoded again').waitFor();
    await page.close();
  });

  test('boxes are drawn, moved, resized and deleted, and every step is undone and redone', async () => {
    const { page } = await start();
    const frame = (await page.locator('.frame').boundingBox())!;
    const at = (x: number, y: number) => [frame.x + x * frame.width, frame.y + y * frame.height] as const;
    const drag = async (from: readonly [number, number], to: readonly [number, number]) => {
      await page.mouse.move(...from);
      await page.mouse.down();
      await page.mouse.move(...to, { steps: 4 });
      await page.mouse.up();
    };
    const before = await page.locator('button.box').count();
    await page.getByRole('button', { name: 'Draw', exact: true }).click();
    await drag(at(0.3, 0.82), at(0.5, 0.95));
    expect(await page.locator('button.box').count()).toBe(before + 1);
    const drawn = page.locator('button.box.drawn');
    const left = async () => Number.parseFloat(await drawn.evaluate((element) => (element as HTMLElement).style.left));
    expect(await left()).toBeCloseTo(30, 0);
    await page.getByRole('button', { name: 'Draw', exact: true }).click();
    await drag(at(0.4, 0.9), at(0.5, 0.9));
    expect(await left()).toBeCloseTo(40, 0);
    await drag(at(0.6, 0.95), at(0.7, 0.97));
    const width = () => drawn.evaluate((element) => Number.parseFloat((element as HTMLElement).style.width));
    expect(await width()).toBeCloseTo(30, 0);
    await drawn.focus();
    await page.keyboard.press('Delete');
    expect(await page.locator('button.box').count()).toBe(before);
    for (let i = 0; i < 2; i++) await page.keyboard.press('Control+z');
    expect(await width()).toBeCloseTo(20, 0);
    await page.keyboard.press('Control+z');
    expect(await left()).toBeCloseTo(30, 0);
    await page.keyboard.press('Control+z');
    expect(await drawn.count()).toBe(0);
    for (let i = 0; i < 3; i++) await page.keyboard.press('Control+Shift+z');
    expect(await width()).toBeCloseTo(30, 0);
    await page.close();
  });

  test('boxes and names are exported in every format, and our JSON Lines are read by our reader', async () => {
    const { page, problems } = await start();
    await choose(page, 'Detect');
    await page.getByLabel('Names to detect').fill('cat');
    await askAndWait(page);
    await page.locator('summary', { hasText: 'Export' }).click();
    const save = async (name: string) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name, exact: true }).click(),
      ]);
      await page.getByText(`Saved ${download.suggestedFilename()}.`).waitFor();
      return readFile(await download.path());
    };
    const count = await page.locator('button.box').count();
    const coco = JSON.parse(String(await save('COCO')));
    expect(coco.annotations).toHaveLength(count);
    expect(coco.categories.map(({ name }: { name: string }) => name).sort()).toEqual(['cat', 'object']);
    expect(coco.images).toEqual([{ id: 1, file_name: 'scene.png', width: 256, height: 256 }]);
    const [task] = JSON.parse(String(await save('Label Studio')));
    expect(task.predictions[0].result).toHaveLength(count);
    expect((await save('YOLO')).subarray(0, 4).toString('latin1')).toBe('PK\x03\x04');
    const parsed = parseSample(JSON.parse(String(await save('JSON Lines'))));
    expect(parsed).toHaveProperty('draft');
    expect((await save('PNG')).subarray(1, 4).toString()).toBe('PNG');
    expect(String(await save('HTML'))).toContain('data:image/png;base64,');
    expect(problems).toEqual([]);
    await page.close();
  });

  test('what is no image, a damaged image and a server that is gone are told in words', async () => {
    const { page } = await openPage(browser, server.url);
    await drop(page, [{ name: 'notes.txt', type: 'text/plain', bytes: Buffer.from('hello') }]);
    await page.getByText('“notes.txt” is not an image').waitFor();
    await drop(page, [{ name: 'broken.png', type: 'image/png', bytes: Buffer.from('hello') }]);
    await page.getByText('“broken.png” cannot be shown').waitFor();
    await openSample(page);
    await page.route('**/v1/chat/completions', (route) => route.abort());
    await page.locator('.ask button[type=submit]').click();
    await page.getByText('The server does not answer').waitFor();
    await page.close();
  });
});
