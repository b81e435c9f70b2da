/** A checkpoint of UPN-Large with weights that a formula gives, for benchmarks without the released one. */

import { existsSync } from 'node:fs';
import { upnPresets } from '../src/proposals/config.ts';
import { patternedWeight } from '../src/proposals/testing/patterned.ts';
import { upnParameters } from '../src/proposals/weights.ts';
import { writeSafetensors } from '../src/weights/safetensors-writer.ts';

/** Writes the 870 MB to `path` unless the file is there; one tensor is in memory at a time. */
export async function ensurePatternedCheckpoint(path: string): Promise<void> {
  if (existsSync(path)) return;
  const tensors = upnParameters(upnPresets['upn-large']).map(({ name, shape }) => ({
    name,
    shape,
    dtype: 'float32' as const,
    data: () => patternedWeight(name, shape),
  }));
  await writeSafetensors(path, tensors);
}
