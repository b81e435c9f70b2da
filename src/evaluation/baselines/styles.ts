/** The styles by name. */

import { ferret } from './ferret.ts';
import { groma } from './groma.ts';
import { internVl2 } from './internvl2.ts';
import { qwen2Vl } from './qwen2-vl.ts';
import { shikra } from './shikra.ts';
import type { BaselineStyle } from './style.ts';

export const baselineStyles: Readonly<Record<string, BaselineStyle>> = Object.fromEntries(
  [shikra, ferret, groma, internVl2, qwen2Vl].map((style) => [style.name, style]),
);
