/** Stage 6, second half: descriptions become referring expressions of five to ten words without commas (table 9). */

import type { AnnotatedRegion, Dropped } from '../annotation.ts';
import { isRefusal } from '../models/read-answers.ts';
import type { Writer } from '../models/roles.ts';
import type { Draft } from '../pipeline.ts';
import { regionView } from './describe.ts';
import { viewOf } from './image-view.ts';

const [minWords, maxWords] = [5, 10];

export function rewriteDescriptions(writer: Writer): (draft: Draft) => Promise<Draft> {
  return async (draft) => {
    const image = viewOf(draft);
    const dropped: Dropped[] = [];
    const regions: AnnotatedRegion[] = [];
    for (const [at, region] of draft.regions.entries()) {
      if (region.description === undefined) {
        regions.push(region);
        continue;
      }
      const view = regionView(draft.regions, at);
      let answer = await writer.rewrite(image, view, region.description);
      let fault = brokenRule(answer);
      if (fault) {
        answer = await writer.rewrite(image, view, region.description, { answer, fault });
        fault = brokenRule(answer);
      }
      if (fault) dropped.push({ stage: 'rewrite', what: answer.slice(0, 200), reason: fault });
      regions.push(fault ? region : { ...region, referring: withoutFullStop(answer) });
    }
    return { ...draft, regions, dropped: [...draft.dropped, ...dropped] };
  };
}

/** Which rule a referring expression breaks, in words that a model understands; undefined when none. */
export function brokenRule(answer: string): string | undefined {
  const text = withoutFullStop(answer);
  if (isRefusal(text)) return 'refused';
  if (text.includes(',') || text.includes('，')) return 'it has a comma';
  if (/[.!?;:]\s/.test(text)) return 'it has more than one sentence';
  const words = text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
  if (words < minWords) return `it has fewer than ${minWords} words`;
  return words > maxWords ? `it has more than ${maxWords} words` : undefined;
}

function withoutFullStop(text: string): string {
  return text.trim().replace(/\.+$/, '');
}
