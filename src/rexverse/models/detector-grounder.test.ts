import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { decodeImage } from '../../image/decode.ts';
import { parseModel } from '../settings.ts';
import { testSettings } from '../testing/settings.ts';
import { ItemCalls } from './calls.ts';
import { DetectorGrounder } from './detector-grounder.ts';
import { openRoles } from './open-roles.ts';

const scene = fileURLToPath(new URL('../../../models/nano/example/scene.png', import.meta.url));
const noFolder = (name: string): string => {
  throw new Error(`no ChatRex: ${name}`);
};

test('a detector may find, and may not write', async () => {
  const spec = await parseModel('models/photo/upn', noFolder);
  expect(spec).toMatchObject({ kind: 'detector', revision: expect.stringMatching(/^[0-9a-f]{32}$/) });
  const settings = await testSettings('models/photo/upn');
  const options = { permits: { acquire: noFolder as never }, policy: { tries: 1, pauseMs: 1, timeoutMs: 1 } };
  await expect(openRoles(settings, options)).rejects.toThrow(/finds things and writes nothing/);
});

test('all phrases of an image are one call; phrases that name no category find nothing', async () => {
  const spec = await parseModel('models/photo/upn', noFolder);
  const grounder = new DetectorGrounder(spec as { folder: string; revision: string });
  const appended: unknown[] = [];
  const calls = new ItemCalls({ index: 0, imageHash: 'a' }, new Map(), {
    append: async (one) => void appended.push(one),
  });
  const bytes = await readFile(scene);
  const { width, height } = await decodeImage(bytes);
  const view = { bytes, width, height, hash: 'a', calls, signal: new AbortController().signal };
  try {
    const [sky, ...found] = await grounder.ground(view, ['blue sky', 'old man', 'person']);
    expect(sky).toEqual([]);
    expect(found[0]).toEqual(found[1]);
    await grounder.ground(view, ['dog']);
    expect(appended).toHaveLength(1);
    expect(calls).toMatchObject({ made: 1, reused: 1 });
  } finally {
    await grounder.dispose();
  }
});
