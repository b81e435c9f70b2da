/** Names weights by what their files hold, wherever they are. */

import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Adds the bytes of files, each once, in the order of their paths. */
export async function fingerprintFiles(hash: Hash, paths: readonly string[]): Promise<void> {
  for (const path of [...new Set(paths)].sort()) {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  }
}
