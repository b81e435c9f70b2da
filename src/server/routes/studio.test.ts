import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { studioRoutes } from './studio.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'studio-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<!doctype html>');
  await writeFile(join(folder, 'assets', 'index-1.js'), 'export {};');
  await writeFile(join(folder, 'notes.secret'), 'not of the page');
});
afterAll(() => rm(folder, { recursive: true }));

test('serves the page and what it is made of, and nothing else of the folder', async () => {
  const app = studioRoutes(folder);
  const page = await app.request('/');
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
  expect(await page.text()).toBe('<!doctype html>');
  expect((await app.request('/assets/index-1.js')).headers.get('content-type')).toContain('text/javascript');
  for (const path of ['/notes.secret', '/assets/', '/assets/../notes.secret', '/%2e%2e/package.json']) {
    expect((await app.request(path)).status).toBe(404);
  }
});

test('a page that the browser has is not sent again', async () => {
  const app = studioRoutes(folder);
  const etag = (await app.request('/')).headers.get('etag')!;
  const again = await app.request('/', { headers: { 'if-none-match': etag } });
  expect([again.status, await again.text()]).toEqual([304, '']);
  expect((await app.request('/', { headers: { 'if-none-match': '"another"' } })).status).toBe(200);
});

test('without a build, the page says how to make one', async () => {
  const reply = await studioRoutes(join(folder, 'missing')).request('/');
  expect(await reply.text()).toContain('npm run build');
});
