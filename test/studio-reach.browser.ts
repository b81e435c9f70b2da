/**
 * Who reaches the studio, and what stays: the keyboard alone, axe's rules, narrow screens, reloads, folders.
 */

import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { studioFolder } from '../src/server/routes/studio.ts';
import { type LocalServer, scene, startLocalServer } from '../src/server/testing/local-server.ts';
import { askAndWait, choose, chromiumPath, drop, launch, openPage, openSample } from './studio-page.ts';

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

  test('the keyboard alone opens the sample, names a box, asks, corrects and undoes', async () => {
    const { page, problems } = await openPage(browser, server.url);
    await tabTo(page, '.sample[data-file="scene.png"]');
    await page.keyboard.press('Enter');
    await page.locator('button.box').first().waitFor();
    const count = await page.locator('button.box').count();
    await page.locator('body').press('Tab');
    await tabTo(page, 'button.box');
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-index'));
    expect(await focused()).toBe('0');
    await page.keyboard.press('ArrowRight');
    expect(await focused()).toBe('1');
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Alt+ArrowRight');
    expect(await page.locator('button.box.drawn').count()).toBe(1);
    await page.keyboard.press('Control+z');
    await page.keyboard.press('Control+z');
    expect(await page.locator('button.box.drawn').count()).toBe(0);
    await page.keyboard.press('Delete');
    await expect.poll(() => page.locator('button.box').count()).toBe(count - 1);
    await page.keyboard.press('Control+z');
    await page.keyboard.press('b');
    await expect.poll(() => page.locator('button.box:focus').getAttribute('data-index')).toBe(String(count));
    await page.keyboard.press('Enter');
    await tabTo(page, '#question');
    expect(await page.locator('#question').inputValue()).toBe(`<obj${count}>`);
    await page.keyboard.type(' is what?');
    await page.keyboard.press('Enter');
    await page.locator('.answer').getByText('in all').waitFor();
    expect(problems).toEqual([]);
    await page.close();
  });

  test('axe finds no serious fault, light and dark, from the first view to open panels', {
    timeout: 120_000,
  }, async () => {
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await openPage(browser, server.url, { colorScheme, reducedMotion: 'reduce' });
      await page.evaluate(axe);
      expect(await faults(page)).toEqual([]);
      await openSample(page);
      await askAndWait(page);
      for (const summary of await page.locator('summary').all()) await summary.click();
      await page.getByRole('checkbox', { name: /earlier question/ }).check();
      await page.getByRole('button', { name: 'Make a link' }).click();
      await page.getByLabel('Link to this session').waitFor();
      await page.getByRole('button', { name: 'Python' }).first().click();
      await page.locator('.phrase').first().focus();
      await page.waitForTimeout(300);
      expect(await faults(page)).toEqual([]);
      await page.close();
    }
  });

  test('a telephone scrolls downwards alone, and a wide screen shows image and answer side by side', async () => {
    for (const width of [320, 390, 768, 1280, 1920]) {
      const { page } = await openPage(browser, server.url, { viewport: { width, height: 800 } });
      await openSample(page);
      await askAndWait(page);
      for (const summary of await page.locator('summary').all()) await summary.click();
      await page.getByRole('button', { name: 'Make a link' }).click();
      await page.getByLabel('Link to this session').waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      const [image, form] = [await page.locator('.frame').boundingBox(), await page.locator('.ask').boundingBox()];
      if (width >= 1280) expect(form!.x).toBeGreaterThanOrEqual(image!.x + image!.width);
      await page.close();
    }
  });

  test('a reload keeps images, boxes, answers and the question', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(server.url);
    await openSample(page);
    await askAndWait(page);
    await page.locator('button.box').first().focus();
    await page.keyboard.press('Delete');
    const count = await page.locator('button.box').count();
    const text = await page.locator('.answer .text').textContent();
    await page.waitForTimeout(500);
    await page.reload();
    await page.locator('.answer').waitFor();
    expect(await page.locator('button.box').count()).toBe(count);
    expect(await page.locator('.answer .text').textContent()).toBe(text);
    await page.keyboard.press('Control+z');
    expect(await page.locator('button.box').count()).toBe(count + 1);
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    await page.waitForTimeout(500);
    await page.reload();
    await page.getByText('What is in your image?').waitFor();
    await context.close();
  });

  test('a folder is gone through by key, and asked about as a whole', async () => {
    const { page, problems } = await openPage(browser, server.url);
    const image = { type: 'image/png', bytes: scene };
    await drop(
      page,
      ['a.png', 'b.png', 'c.png'].map((name) => ({ name, ...image })),
    );
    await page.locator('button.box').first().waitFor();
    await page.getByText('1 of 3').waitFor();
    await page.keyboard.press('n');
    await page.getByText('2 of 3').waitFor();
    await page.keyboard.press('p');
    await page.getByText('1 of 3').waitFor();
    await choose(page, 'Count');
    await page.getByLabel('What to count').fill('cats');
    await page.getByRole('button', { name: 'The same for all 3 images' }).click();
    await page.getByText('3 of 3').waitFor();
    await page.getByRole('button', { name: 'The same for all 3 images' }).waitFor();
    for (let i = 0; i < 3; i++) {
      expect(await page.locator('.answer h3').allTextContents()).toEqual(['Count cats']);
      await page.getByRole('button', { name: 'Previous' }).click({ force: true });
    }
    expect(problems).toEqual([]);
    await page.close();
  });

  test('a key is asked for where the server wants one', async () => {
    const guarded = await startLocalServer({ apiKeys: ['a-key-of-the-test'] });
    try {
      const { page } = await openPage(browser, guarded.url);
      await page.getByRole('button', { name: 'Try the drawn scene' }).click();
      await page.getByLabel('Key of this server').fill('a-key-of-the-test');
      await page.getByRole('button', { name: 'Use it' }).click();
      await page.locator('button.box').first().waitFor();
      await askAndWait(page);
      await page.close();
    } finally {
      await guarded.stop();
    }
  });

  test('a search and an answer are cancelled', async () => {
    const { page } = await openPage(browser, server.url);
    await page.route('**/v1/chatrex/propose*', () => {});
    await page.getByRole('button', { name: 'Try the drawn scene' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Cancelled.').waitFor();
    await page.unroute('**/v1/chatrex/propose*');
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.locator('button.box').first().waitFor();
    await page.route('**/v1/chat/completions', () => {});
    await page.locator('.ask button[type=submit]').click();
    await page.locator('.answer').getByRole('button', { name: 'Cancel' }).click();
    await page.locator('.answer').getByText('cancelled').waitFor();
    await page.close();
  });

  test('the first view is under 200 kB compressed', async () => {
    const names = await readdir(studioFolder, { recursive: true });
    const files = await Promise.all(
      names.filter((name) => /\.\w+$/.test(name)).map((name) => readFile(join(studioFolder, name))),
    );
    expect(files.reduce((sum, bytes) => sum + gzipSync(bytes).length, 0)).toBeLessThan(200_000);
  });
});

/** Presses Tab until the element has the focus. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let i = 0; i < 60; i++) {
    if (await page.evaluate((css) => document.activeElement?.matches(css) ?? false, selector)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab never reached ${selector}`);
}

async function faults(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: put there by axe's own script
    const { violations } = await (globalThis as any).axe.run();
    return violations
      .filter(({ impact }: { impact: string }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }: { id: string; nodes: { html: string; failureSummary: string }[] }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary.slice(0, 200)}`),
      );
  });
}
