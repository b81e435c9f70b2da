/** The settings and limits of a run as files in its folder, for workers on other machines. */

import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { writeAll, writeBeside } from '../files.ts';
import type { Settings } from './settings.ts';
import type { Limits } from './work/limiter.ts';

const settingsFileName = 'settings.json';

export async function writeSettings(folder: string, settings: Settings): Promise<void> {
  await mkdir(folder, { recursive: true });
  const bytes = Buffer.from(`${JSON.stringify(settings, null, 2)}\n`);
  await writeBeside(join(folder, settingsFileName), (file) => writeAll(file, bytes));
}

/** @throws ChatRexError 'not-found' for a folder without a run */
export async function readSettings(folder: string): Promise<Settings> {
  const text = await readFile(join(folder, settingsFileName), 'utf8').catch((cause) => {
    throw new ChatRexError('not-found', `${folder} has no ${settingsFileName}; expected the folder of a run`, {
      cause,
    });
  });
  return JSON.parse(text) as Settings;
}

const limitsFileName = 'limits.json';

/** Limits of all machines together, for runs with a queue; without any the file goes. */
export async function writeSharedLimits(folder: string, limits: Limits = {}): Promise<void> {
  const path = join(folder, limitsFileName);
  if (Object.values(limits).every((limit) => limit === undefined)) return rm(path, { force: true });
  await writeBeside(path, (file) => writeAll(file, Buffer.from(`${JSON.stringify(limits)}\n`)));
}

export async function readSharedLimits(folder: string): Promise<Limits | undefined> {
  const text = await readFile(join(folder, limitsFileName), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Limits);
}
