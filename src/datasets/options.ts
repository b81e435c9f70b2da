/**
 * Options that readers share. A spec on the command line has texts alone, so numbers and flags are read from texts
 * too.
 */

import { z } from 'zod';
import type { Granularity } from '../proposals/network.ts';
import type { DraftSample } from './reader.ts';

/** `true`, `false`, or their texts. */
export const flagOption = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);

/** A list, or a text with `+` between its items. */
export const listOption = z.union([
  z.array(z.string()),
  z.string().transform((text) => text.split('+').map((item) => item.trim())),
]);

/** The path of a file or folder; a number is a name too. */
export const pathOption = z.union([z.string().min(1), z.number().transform(String)]);

/** Options of every format. */
export const commonOptions = {
  /** The prompts that regions answer; what the format's description says by default. */
  granularity: z.enum(['fine', 'coarse', 'both']).optional(),
  /** The prompts for which everything without a box is background; what the format's description says by default. */
  complete: z.enum(['fine', 'coarse', 'both', 'none']).optional(),
  /** Whether categories that no region has are absent; what the format's description says by default. */
  closed: flagOption.optional(),
};

export type CommonOptions = z.infer<z.ZodObject<typeof commonOptions>>;

const granularitiesOf: Readonly<Record<'fine' | 'coarse' | 'both' | 'none', readonly Granularity[]>> = {
  fine: ['fine'],
  coarse: ['coarse'],
  both: ['fine', 'coarse'],
  none: [],
};

/** A draft with what a user says of its labels in place of what the format says. */
export function withCommonOptions(draft: DraftSample, options: CommonOptions): DraftSample {
  const { granularity, complete, closed } = options;
  if (granularity === undefined && complete === undefined && closed === undefined) return draft;
  const { regions, coverage } = draft;
  return {
    ...draft,
    regions:
      granularity === undefined
        ? regions
        : regions.map((region) => ({ ...region, granularities: granularitiesOf[granularity] })),
    coverage: {
      ...coverage,
      ...(complete !== undefined && { complete: granularitiesOf[complete] }),
      ...(closed !== undefined && { isClosed: closed }),
    },
  };
}
