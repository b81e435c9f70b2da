/** An image on which a worker process hangs, as in a broken decoder. `npm run test:rexverse` */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Outcome } from '../src/rexverse/annotation.ts';
import { outcomesOf } from '../src/rexverse/outcomes.ts';
import { runRexverse } from '../src/rexverse/run.ts';
import { writeTestImages } from '../src/rexverse/testing/images.ts';
import { testSettings } from '../src/rexverse/testing/settings.ts';

test('is ended by its deadline; the others do not notice', async () => {
  const root = mkdtempSync(join(tmpdir(), 'rexverse-hang-'));
  const [photos, out] = [join(root, 'photos'), join(root, 'out')];
  try {
    await writeTestImages(photos, 12);
    process.env.REXVERSE_TEST_IMAGES = photos;
    const rolesModule = fileURLToPath(new URL('../src/rexverse/testing/hanging-roles.ts', import.meta.url));
    const settings = await testSettings('http://127.0.0.1:9/v1#never-asked');
    // Others take milliseconds; on a busy machine they may take a thousand times as long.
    const patience = { deadlineMs: 10_000, attempts: 1 };
    const work = { workers: 1, concurrency: 2, retryPauseMs: 5 };
    const summary = await runRexverse({ source: photos, settings, out, rolesModule, ...patience, ...work });
    expect(summary).toMatchObject({ done: 11, failed: 1, left: 0 });
    const failed: Outcome[] = [];
    for await (const { outcome } of outcomesOf(out)) if (outcome.state === 'failed') failed.push(outcome);
    expect(failed).toMatchObject([{ name: '0005.jpg', reason: 'deadline', attempts: 1 }]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
