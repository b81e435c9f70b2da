/** A browser with the studio in it, for tests. */

import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Debian's, or the one that CHROMIUM names; undefined without any. */
export const chromiumPath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => path !== undefined && existsSync(path),
);

export const launch = (): Promise<Browser> =>
  // Chromium's own sandbox cannot be had by root, as in containers.
  chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });

/** A page whose errors end up in `problems`. */
export async function openPage(
  browser: Browser,
  url: string,
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  page.setDefaultTimeout(20_000);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await page.goto(url);
  return { page, problems };
}

/** Opens the bundled sample and waits for its boxes. */
export async function openSample(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Try the drawn scene' }).click();
  await page.locator('button.box').first().waitFor();
}

export async function choose(page: Page, task: string): Promise<void> {
  await page.getByRole('radio', { name: task, exact: true }).check({ force: true });
}

/** Presses the button of the form, and waits for the newest answer to be whole. */
export async function askAndWait(page: Page): Promise<void> {
  const before = await page.locator('.answer').count();
  await page.locator('.ask button[type=submit]').click();
  await page.locator('.answer').nth(before).waitFor();
  await page.locator('.answer').first().getByText('in all').waitFor();
}

/** Drops files on the page as a person does. */
export async function drop(page: Page, files: readonly { name: string; type: string; bytes: Buffer }[]): Promise<void> {
  const given = files.map(({ bytes, ...rest }) => ({ ...rest, base64: bytes.toString('base64') }));
  const transfer = await page.evaluateHandle((list) => {
    const data = new DataTransfer();
    for (const { name, type, base64 } of list) {
      const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
      data.items.add(new File([bytes], name, { type }));
    }
    return data;
  }, given);
  await page.dispatchEvent('.page', 'drop', { dataTransfer: transfer });
}
