/** The settings of a run as a file in its folder, for workers on other machines. */

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatRexError } from '../errors.ts';
import { writeAll, writeBeside } from '../files.ts';
import type { Settings } from './settings.ts';

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
