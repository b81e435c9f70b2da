/** The package's version, in sources as when installed. */

import { readFile } from 'node:fs/promises';

export async function packageVersion(): Promise<string> {
  const json = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  return String(json.version);
}
