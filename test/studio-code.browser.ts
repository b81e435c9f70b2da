/** What leaves the page and comes back: code of every action, run as it is copied; links; earlier turns; prompts. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalServer, scene, startLocalServer } from '../src/server/testing/local-server.ts';
import { askAndWait, choose, chromiumPath, launch, openPage } from './studio-page.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
/** The version of Python's client that the code was written for. */
const openaiForPython = 'openai==2.8.1';
const key = 'a-key-of-the-test';

describe.skipIf(!chromiumPath)('studio', () => {
  let browser: Browser;
  let server: LocalServer;
  beforeAll(async () => {
    [browser, server] = await Promise.all([launch(), startLocalServer({ apiKeys: [key] })]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });
  /** The sample, opened with the key. */
  const start = async (url = server.url) => {
    const opened = await openPage(browser, url);
    await opened.page.getByRole('button', { name: 'Try the drawn scene' }).click();
    await giveKey(opened.page);
    await opened.page.locator('button.box').first().waitFor();
    opened.problems.length = 0;
    return opened;
  };

  describe('code', () => {
    let page: Page;
    let folder: string;
    let python: string | undefined;
    let environment: string;
    beforeAll(async () => {
      // Within the checkout, so that Node finds its modules.
      folder = await mkdtemp(join(root, 'studio-code-'));
      await writeFile(join(folder, 'scene.png'), scene);
      ({ page } = await start());
      environment = await mkdtemp(join(tmpdir(), 'chatrex-python-'));
      python = await pythonWithOpenai(environment);
      if (!python) console.warn(`skipped: Python's code, for ${openaiForPython} cannot be installed here`);
    }, 400_000);
    afterAll(async () => {
      for (const made of [folder, environment]) if (made) await rm(made, { recursive: true, force: true });
    });

    /** Runs what the first panel of this title shows, in all languages. */
    const outputs = async (title: string) => {
      const panel = page.locator('.snippets', { hasText: title }).first();
      await panel.locator('summary').click();
      const shown = async (language: string) => {
        await panel.getByRole('button', { name: language }).click();
        return (await panel.locator('pre').textContent())!;
      };
      const options = { cwd: folder, env: { ...process.env, CHATREX_KEY: key } };
      const curl = await run('bash', ['-c', await shown('curl')], options);
      await writeFile(join(folder, 'request.mts'), await shown('TypeScript'));
      const typescript = await run(process.execPath, ['--import', 'tsx', 'request.mts'], options);
      await writeFile(join(folder, 'request.py'), await shown('Python'));
      const fromPython = python === undefined ? undefined : await run(python, ['request.py'], options);
      await panel.locator('summary').click();
      return { curl: JSON.parse(curl.stdout), typescript: typescript.stdout, python: fromPython?.stdout };
    };

    test.each([
      ['Describe', async () => {}],
      ['Detect', () => page.getByLabel('Names to detect').fill('cat, kite')],
      ['Count', () => page.getByLabel('What to count').fill('cats')],
      ['Ask', () => page.locator('#question').fill('What is <obj1>? It\'s "this" \\ $HOME `x`')],
    ])('of %s gives the same answer', { timeout: 120_000 }, async (task, fill) => {
      await choose(page, task);
      await fill();
      await askAndWait(page);
      const text = (await page.locator('.answer .text').first().evaluate(plainText))!;
      const { curl, typescript, python: fromPython } = await outputs('Request as code');
      expect(curl.choices[0].message.content).toBe(text);
      for (const output of [typescript, fromPython ?? text]) expect(output.slice(0, text.length)).toBe(text);
    });

    test('of a further question brings what was said before, and the boxes that were corrected', {
      timeout: 120_000,
    }, async () => {
      await page.locator('button.box').first().focus();
      await page.keyboard.press('Delete');
      await choose(page, 'Count');
      await page.getByRole('checkbox', { name: /earlier question/ }).check();
      await askAndWait(page);
      await page
        .locator('.answer')
        .first()
        .getByText(/after \d earlier questions/)
        .waitFor();
      const text = (await page.locator('.answer .text').first().evaluate(plainText))!;
      const { curl, typescript, python: fromPython } = await outputs('Request as code');
      expect(curl.choices[0].message.content).toBe(text);
      for (const output of [typescript, fromPython ?? text]) expect(output.slice(0, text.length)).toBe(text);
      await page.getByRole('checkbox', { name: /earlier question/ }).uncheck();
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+z');
    });

    test('of captions and of boxes gives the same', { timeout: 120_000 }, async () => {
      await page.getByRole('slider', { name: 'Score' }).fill('0.75');
      await choose(page, 'Caption boxes');
      await page.getByLabel('What to say of each').selectOption('category');
      await askAndWait(page);
      const lines = (await page.locator('.answer .text').first().evaluate(plainText))!.split('\n');
      const captions = await outputs('Request as code');
      expect(captions.curl.captions.map(({ text }: { text: string }) => text)).toEqual(lines);
      for (const line of lines) expect(captions.typescript).toContain(line);
      if (captions.python !== undefined) for (const line of lines) expect(captions.python).toContain(line);
      await page.locator('.boxes > summary').click();
      const boxes = await outputs('Finding them as code');
      expect(boxes.curl.boxes).toHaveLength(await page.locator('button.box').count());
      expect(boxes.typescript).toContain('boxes:');
      if (boxes.python !== undefined) expect(boxes.python).toContain("'boxes':");
    });
  });

  test('the prompt is shown as the model read it, and its tokens add up', async () => {
    const { page } = await start();
    await askAndWait(page);
    await page.getByText('Prompt and tokens').click();
    const prompt = page.locator('.prompt dd').first();
    expect(await prompt.textContent()).toMatch(
      /<user>image, 64 tokens.*<obj0>box 0.*<obj1>box 1.*breifly.*<assistant>/s,
    );
    const said = Number(/in (\d+) tokens/.exec((await page.locator('.prompt dt').first().textContent())!)![1]);
    const ids = (await page.locator('.prompt dd').nth(1).textContent())!;
    const chips = await page.locator('.prompt dd').nth(1).locator('.chip').allTextContents();
    const words = chips
      .reduce((rest, chip) => rest.replace(chip, ' '), ids)
      .trim()
      .split(/\s+/).length;
    expect(words + 64 + chips.length - 1).toBe(said);
    await page.close();
  });

  test('a conversation that is too long is told, and asked without what was said before', async () => {
    const { page } = await start();
    await choose(page, 'Ask');
    for (let i = 0; i < 2; i++) {
      await page.locator('#question').fill(`What is this? ${'cat '.repeat(450)}`);
      await askAndWait(page).catch(() => {});
      await page.getByRole('checkbox', { name: /earlier question/ }).check();
    }
    await page.getByText('This is longer than the model can read at once.').waitFor();
    await page.getByRole('button', { name: 'Ask without the earlier questions' }).click();
    await page.locator('.answer').first().getByText('in all').waitFor();
    expect(await page.getByRole('checkbox', { name: /earlier question/ }).isChecked()).toBe(false);
    await page.close();
  });

  test('the overlap slider hides doubles, and the answer is about those that are shown', async () => {
    const { page, problems } = await start();
    const count = () => page.locator('button.box').count();
    const before = await count();
    await page.getByRole('slider', { name: 'Overlap' }).fill('0.1');
    const after = await count();
    expect(after).toBeLessThan(before);
    const [request] = await Promise.all([
      page.waitForRequest('**/v1/chat/completions'),
      page.locator('.ask button[type=submit]').click(),
    ]);
    expect(request.postDataJSON().messages[0].content[0].boxes).toHaveLength(after);
    await page.getByRole('slider', { name: 'Overlap' }).fill('1');
    expect(await count()).toBe(before);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('a link brings everything back to another browser, beside what is open there', {
    timeout: 120_000,
  }, async () => {
    const { page } = await start();
    await askAndWait(page);
    const text = await page.locator('.answer .text').textContent();
    await page.locator('button.box').first().focus();
    await page.keyboard.press('Delete');
    const count = await page.locator('button.box').count();
    await page.locator('summary', { hasText: /^Link$/ }).click();
    await page.getByRole('button', { name: 'Make a link' }).click();
    const link = await page.getByLabel('Link to this session').inputValue();
    expect(link).toMatch(new RegExp(`^${server.url}/#session=[\\w-]{22}$`));

    const other = await openPage(browser, link);
    await giveKey(other.page);
    await other.page.locator('.answer .text').waitFor();
    expect(await other.page.locator('.answer .text').textContent()).toBe(text);
    expect(await other.page.locator('button.box').count()).toBe(count);
    expect(other.page.url()).toBe(`${server.url}/`);
    await other.page.keyboard.press('Control+z');
    expect(await other.page.locator('button.box').count()).toBe(count + 1);
    await other.page.locator('.phrase').first().hover();
    await expect.poll(() => other.page.locator('button.box.lit').count()).toBeGreaterThan(0);
    await other.page.evaluate((address) => location.assign(address), link);
    await other.page.getByText('opened beside what you had open').waitFor();
    await other.page.getByText('2 of 2').waitFor();
    await other.page.close();

    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByText('The server has deleted it.').waitFor();
    await page.evaluate((address) => location.assign(address), link);
    await page.getByText(/leads to nothing any more.*30 days/).waitFor();
    expect(await page.locator('.answer').count()).toBe(1);
    // No log holds what opens a session.
    const id = /[\w-]{22}$/.exec(link)![0];
    expect(JSON.stringify(server.logged)).not.toContain(id);
    expect(JSON.stringify(server.logged)).toContain('/v1/chatrex/sessions/:id');
    await page.close();
  });

  test('a session that was tampered with is refused in words', async () => {
    const { page } = await start();
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    for (const [state, words] of [
      [{ version: 1, images: [{ name: 'x' }] }, 'damaged'],
      [{ version: 99 }, 'another version'],
    ] as const) {
      const body = JSON.stringify({ images: [], state });
      const kept = await fetch(`${server.url}/v1/chatrex/sessions`, { method: 'POST', headers, body });
      const { id } = await kept.json();
      await page.evaluate((hash) => (location.hash = hash), `#session=${id}`);
      await page.getByText(words).waitFor();
    }
    expect(await page.locator('button.box').count()).toBeGreaterThan(0);
    await page.close();
  });
});

async function giveKey(page: Page): Promise<void> {
  await page.getByLabel('Key of this server').fill(key);
  await page.getByRole('button', { name: 'Use it' }).click();
}

/** Text without what is only read aloud or counts boxes. */
function plainText(element: Element): string {
  const copy = element.cloneNode(true) as Element;
  for (const mark of copy.querySelectorAll('sup')) mark.remove();
  return copy.textContent ?? '';
}

/** A Python with OpenAI's client, if it can be had. */
async function pythonWithOpenai(environment: string): Promise<string | undefined> {
  // A Python that has it spares the installation.
  if (process.env.CHATREX_PYTHON) return process.env.CHATREX_PYTHON;
  const python = join(environment, 'bin', 'python');
  try {
    await run('python3', ['-m', 'venv', environment], { timeout: 60_000 });
    await run(python, ['-m', 'pip', 'install', '--quiet', openaiForPython], { timeout: 300_000 });
    return python;
  } catch {
    return undefined;
  }
}
