/**
 * Configurations of earlier versions, in which what is ours was among the paper's fields. Their `listThreshold`, and
 * the `threshold` that `setLists` had after it, were compared with another figure than a score: the default takes their
 * place.
 */

import { ChatRexError } from '../errors.ts';

/** Of `setLists`. */
export const defaultLeastScore = 0.1;

/**
 * The same configuration with `extensions`; one that has no old field is returned as it is.
 * @throws ChatRexError 'invalid-file' for old fields that meant nothing without `objectsCarryIndex`
 */
export function withOldNames(json: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { objectsCarryIndex, objectsCarryPlace, visionTokenScale, listsInAnyOrder, listThreshold, ...rest } = json;
  const old = { objectsCarryIndex, objectsCarryPlace, visionTokenScale, listsInAnyOrder, listThreshold };
  if (Object.values(old).every((value) => value === undefined)) return json;
  const lonely = objectsCarryPlace ? 'objectsCarryPlace' : visionTokenScale !== undefined && 'visionTokenScale';
  if (!objectsCarryIndex && lonely) {
    throw new ChatRexError(
      'invalid-file',
      `config.json: ${lonely} needs objectsCarryIndex; write extensions.tiedObjects`,
    );
  }
  return {
    ...rest,
    extensions: {
      ...(objectsCarryIndex === true && {
        tiedObjects: { tokenScale: visionTokenScale, hasPlace: objectsCarryPlace ?? false },
      }),
      ...(listsInAnyOrder === true && { setLists: { leastScore: defaultLeastScore } }),
    },
  };
}
