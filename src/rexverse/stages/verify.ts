/** Stage 6, first half: a description that does not fit its phrase is left out (paper section 4.1, filtering). */

import type { AnnotatedRegion, Dropped } from '../annotation.ts';
import type { Writer } from '../models/roles.ts';
import type { Draft } from '../pipeline.ts';
import { regionView } from './describe.ts';
import { viewOf } from './image-view.ts';

export function verifyDescriptions(writer: Writer): (draft: Draft) => Promise<Draft> {
  return async (draft) => {
    const image = viewOf(draft);
    const dropped: Dropped[] = [];
    const regions: AnnotatedRegion[] = [];
    for (const [at, region] of draft.regions.entries()) {
      const { description, ...rest } = region;
      if (description === undefined) {
        regions.push(region);
        continue;
      }
      const { fits, reason = 'description does not fit' } = await writer.verify(
        image,
        regionView(draft.regions, at),
        description,
      );
      if (!fits) dropped.push({ stage: 'verify', what: description, reason });
      regions.push(fits ? region : { ...rest, rejected: { description, reason } });
    }
    return { ...draft, regions, dropped: [...draft.dropped, ...dropped] };
  };
}
