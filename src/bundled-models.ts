/** The models that are part of the package. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What every command and function uses when no model is named: photographs are what people have. */
export const defaultModel = 'photo';

/** The folder of a bundled model; undefined for what is not the name of one. */
export function bundledModel(name: string): string | undefined {
  if (!/^[\w-]+$/.test(name)) return undefined;
  const folder = fileURLToPath(new URL(`../models/${name}`, import.meta.url));
  return existsSync(folder) ? folder : undefined;
}
