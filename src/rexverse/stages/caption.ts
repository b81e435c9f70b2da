/**
 * Stage 2: one sentence about the image (paper section 4.1, image caption). Given captions and conversations pass
 * through.
 */

import type { AnnotatedText } from '../annotation.ts';
import { isRefusal } from '../models/read-answers.ts';
import type { Captioner } from '../models/roles.ts';
import { type Draft, Filtered } from '../pipeline.ts';
import { viewOf } from './image-view.ts';

/** A caption is a sentence or a few. Ten thousand words are a fault of the model, and nobody trains on them. */
export const maxCaptionCharacters = 4000;

export function captionImage(captioner: Captioner): (draft: Draft) => Promise<Draft> {
  return async (draft) => {
    const { caption, turns } = draft.entry;
    const texts: AnnotatedText[] = turns
      ? turns.map(({ question, answer }) => ({ question, text: answer, phrases: [] }))
      : [{ text: caption ?? (await captioner.caption(viewOf(draft))), phrases: [] }];
    const usable = texts.filter(({ text }) => faultOf(text) === undefined);
    if (usable.length > 0) {
      const dropped = texts.flatMap(({ text }) => {
        const reason = faultOf(text);
        return reason === undefined ? [] : [{ stage: 'caption' as const, what: shortened(text), reason }];
      });
      return { ...draft, texts: usable, dropped: [...draft.dropped, ...dropped] };
    }
    throw new Filtered(faultOf(texts[0]?.text ?? '') ?? 'no text', shortened(texts[0]?.text ?? ''));
  };
}

function faultOf(text: string): string | undefined {
  if (text.trim() === '') return 'empty text';
  if (text.length > maxCaptionCharacters) return 'text too long';
  return isRefusal(text) ? 'refused' : undefined;
}

function shortened(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 199)}…`;
}
