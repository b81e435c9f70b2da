/**
 * Installs the dependencies with `npm ci` where node_modules lacks a package of the lock file or holds another version of it.
 * The commands at the top of the README start with this, so that they work in a fresh clone; it needs nothing but Node.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Packages of a lock file by folder; none where there is no such file. */
function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  } catch {
    return {};
  }
}

const installed = packagesOf('node_modules/.package-lock.json');
// Optional packages are for other platforms; the folder '' is this package itself.
const isMissing = ([folder, { version, optional }]) =>
  folder !== '' && !optional && installed[folder]?.version !== version;

if (Object.entries(packagesOf('package-lock.json')).some(isMissing)) {
  const { status } = spawnSync('npm', ['ci'], { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) process.exit(status ?? 1);
}
