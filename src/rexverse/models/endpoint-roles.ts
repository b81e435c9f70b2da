/** The four roles, played by OpenAI-compatible endpoints with the prompts of table 9. */

import type { Prompts } from '../prompts.ts';
import { fill } from '../prompts.ts';
import { cropOf, wholeImage } from './crop.ts';
import type { Endpoint } from './endpoint.ts';
import { CallError } from './errors.ts';
import { type GroundingFormat, groundingParser, readBoxes } from './grounding-answers.ts';
import { readSentence, readVerdict, sentenceParser, verdictParser } from './read-answers.ts';
import type { Captioner, Describer, GroundedBox, Grounder, Writer } from './roles.ts';

export function endpointCaptioner(endpoint: Endpoint, prompts: Prompts): Captioner {
  return {
    caption: async (image) =>
      endpoint.ask(image, {
        stage: 'caption',
        text: prompts.caption.text,
        images: [await wholeImage(image)],
        parser: sentenceParser,
        read: readSentence,
      }),
  };
}

/** Phrases that one question asks about: longer lists make models forget the first. */
const phrasesAtOnce = 12;

export function endpointGrounder(endpoint: Endpoint, prompts: Prompts, format: GroundingFormat): Grounder {
  const prompt =
    format === 'rex-omni' || format === 'locate-anything' ? prompts['ground-rex-omni'] : prompts['ground-json'];
  return {
    ground: async (image, queries) => {
      const images = [await wholeImage(image)];
      const answers: GroundedBox[][] = [];
      for (let at = 0; at < queries.length; at += phrasesAtOnce) {
        const some = queries.slice(at, at + phrasesAtOnce);
        const text = fill(prompt.text, { phrases: some.join(', ') });
        const found = await endpoint.ask(image, {
          ...{ stage: 'ground' as const, text, images, parser: `${groundingParser} ${format}` },
          // The size turns the model's coordinates into pixels.
          parameters: { width: image.width, height: image.height, queries: some },
          read: (answer) => readBoxes(answer, format, some, image),
          // Rex-Omni's boxes are special tokens; vLLM strips them unless told not to.
          ...(prompt === prompts['ground-rex-omni'] && { extra: { skip_special_tokens: false } }),
        });
        answers.push(...found);
      }
      return answers;
    },
  };
}

export function endpointDescriber(endpoint: Endpoint, prompts: Prompts): Describer {
  return {
    describe: async (image, { boxesXyxy, region, phrase }, isConditioned) => {
      const boxXyxy = boxesXyxy[region];
      return endpoint.ask(image, {
        stage: 'describe',
        text: isConditioned ? fill(prompts.describe.text, { phrase }) : prompts['describe-plain'].text,
        images: [await cropOf(image, boxXyxy)],
        parser: sentenceParser,
        parameters: { boxXyxy },
        read: readSentence,
      });
    },
  };
}

export function endpointWriter(endpoint: Endpoint, prompts: Prompts): Writer {
  return {
    verify: (image, { boxesXyxy, region, phrase }, description) =>
      endpoint.ask(image, {
        stage: 'verify',
        text: fill(prompts.verify.text, { phrase, description }),
        parser: verdictParser,
        parameters: { boxXyxy: boxesXyxy[region] },
        read: readVerdict,
      }),
    rewrite: (image, { boxesXyxy, region, phrase }, description, broken) =>
      endpoint.ask(image, {
        stage: 'rewrite',
        text: broken
          ? fill(prompts['rewrite-again'].text, { phrase, description, ...broken })
          : fill(prompts.rewrite.text, { phrase, description }),
        parser: sentenceParser,
        parameters: { boxXyxy: boxesXyxy[region] },
        read: (answer) => {
          const text = readSentence(answer);
          if (text.length > 2000)
            throw new CallError('unreadable', `expected a few words, came ${text.length} characters`);
          return text;
        },
      }),
  };
}
