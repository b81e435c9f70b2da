/**
 * A model behind an OpenAI-compatible endpoint as a subject: the image goes along as a data URL, the question in the
 * words that the model knows (table 7 of the paper), and boxes are read from what it answers.
 *
 * `chatrex` is the style of our own server: it says beside the text which boxes it means, and takes boxes to speak
 * about.
 */

import { z } from 'zod';
import type { BoxXyxy } from '../../boxes/box.ts';
import { encodeImage, sharpFrom } from '../../drawing/encode.ts';
import { ChatRexError } from '../../errors.ts';
import { resizeImage } from '../../image/resize.ts';
import type { RgbImage } from '../../image/rgb-image.ts';
import { questionFor, regionQuestion } from '../../prompt/templates.ts';
import { baselineStyles } from '../baselines/styles.ts';
import type { SampleView } from '../sample-view.ts';
import type { Answers, Counts, Detects, FoundBox, FoundBoxes, NamesRegions, Refers } from '../subject.ts';
import { type ChatEndpoint, type ChatPart, type ChatReply, chatReply } from './ask-chat.ts';

export const chatRexStyle = 'chatrex';

/** Names of all styles; the first is the default. */
export const endpointStyles: readonly string[] = [chatRexStyle, ...Object.keys(baselineStyles)];

export interface EndpointOptions {
  /** One of `endpointStyles`. */
  readonly style?: string;
  readonly apiKey?: string;
  /** For one attempt; two minutes by default. */
  readonly timeoutMs?: number;
  /** Attempts at one question when the server is busy, fails, or says nothing that can be read; 5 by default. */
  readonly attempts?: number;
  /** Tokens of an answer at most; what the authors of a style allow by default, else the server's own. */
  readonly maxTokens?: number;
}

/** An answer of a hundred boxes in words is 10 kB. */
const maxReplyBytes = 4 * 2 ** 20;
const defaultTimeoutMs = 120_000;

const groundingSchema = z.object({
  phrases: z.array(z.object({ text: z.string(), objects: z.array(z.int()) })),
  objects: z.array(
    z.object({
      index: z.int(),
      box: z.tuple([z.number(), z.number(), z.number(), z.number()]),
      score: z.number().optional(),
    }),
  ),
});

/**
 * A model behind an OpenAI-compatible address, asked in the words of one of `endpointStyles`.
 * @example const endpoint = { address: 'http://127.0.0.1:8080/v1', model: 'nano' };
 *   await evaluate({ suite: cocoSuite(), data, open: async () => new EndpointSubject(endpoint), model: endpoint });
 */
export class EndpointSubject implements Detects, Refers, Counts, NamesRegions, Answers {
  readonly #endpoint: ChatEndpoint;
  readonly #options: EndpointOptions;
  /** Data URLs of the images that are asked about now. */
  readonly #images = new WeakMap<SampleView, Promise<string>>();

  /** @throws ChatRexError 'invalid-argument' for a style that does not exist */
  constructor(endpoint: ChatEndpoint, options: EndpointOptions = {}) {
    this.#endpoint = endpoint;
    this.#options = options;
    const { style = chatRexStyle } = options;
    if (endpointStyles.includes(style)) return;
    throw new ChatRexError('invalid-argument', `style '${style}': expected one of ${endpointStyles.join(', ')}`);
  }

  /** @throws ChatRexError for an image that cannot be read, or an answer that did not come */
  async detect(view: SampleView, names: readonly string[], signal?: AbortSignal): Promise<FoundBoxes> {
    const style = this.#baseline;
    if (!style) return groundedBoxes(await this.#ask(view, questionFor('detect', names), { signal }));
    const size = await view.size();
    const parts: FoundBoxes[] = [];
    for (const { prompt, categories } of style.questions(names)) {
      const { text, isCut } = await this.#ask(view, prompt, { signal, maxTokens: style.maxTokens });
      const read = style.read(text, { categories, size });
      const boxes = read.boxes.map(({ category, boxXyxy }): FoundBox => ({ label: category, boxXyxy, score: 1 }));
      const { strays, malformed } = read;
      parts.push({ boxes, text, strays, malformed, isCut: isCut || read.isCut });
    }
    return {
      boxes: parts.flatMap(({ boxes }) => boxes),
      text: parts.map(({ text }) => text).join('\n'),
      strays: sum(parts, ({ strays }) => strays),
      malformed: sum(parts, ({ malformed }) => malformed),
      isCut: parts.some(({ isCut }) => isCut),
    };
  }

  /** @throws ChatRexError 'unsupported' for a style that cannot be told boxes */
  async refer(
    view: SampleView,
    phrase: string,
    signal?: AbortSignal,
    amongXyxy?: readonly BoxXyxy[],
  ): Promise<FoundBoxes> {
    if (amongXyxy === undefined) return this.detect(view, [phrase], signal);
    this.#requireBoxes();
    if (amongXyxy.length === 0) return { boxes: [], text: '' };
    return groundedBoxes(await this.#ask(view, questionFor('detect', [phrase]), { signal, boxes: amongXyxy }));
  }

  async count(view: SampleView, name: string, signal?: AbortSignal): Promise<FoundBoxes> {
    if (!this.#baseline) return groundedBoxes(await this.#ask(view, questionFor('count', [name]), { signal }));
    const prompt = `How many instances of ${name} are there in this image? Answer with a number.`;
    const { text, isCut } = await this.#ask(view, prompt, { signal });
    return { boxes: [], text, isCut };
  }

  async answer(
    view: SampleView,
    question: string,
    signal?: AbortSignal,
    more?: readonly (() => Promise<RgbImage>)[],
  ): Promise<string> {
    if (more === undefined) return (await this.#ask(view, question, { signal })).text;
    const images = [await this.#image(view), ...(await Promise.all(more.map(async (image) => pngUrl(await image()))))];
    return (await this.#send(interleaved(question, images), { signal })).text;
  }

  /** @throws ChatRexError 'unsupported' for a style that cannot be told boxes */
  async nameRegion(
    view: SampleView,
    boxesXyxy: readonly BoxXyxy[],
    box: number,
    signal?: AbortSignal,
  ): Promise<string> {
    this.#requireBoxes();
    return (await this.#ask(view, regionQuestion('category', [box]), { signal, boxes: boxesXyxy })).text;
  }

  #requireBoxes(): void {
    if (!this.#baseline) return;
    const message = `style '${this.#baseline.name}' cannot be told boxes; use --style ${chatRexStyle}`;
    throw new ChatRexError('unsupported', message);
  }

  get #baseline() {
    return baselineStyles[this.#options.style ?? chatRexStyle];
  }

  async #ask(
    view: SampleView,
    text: string,
    { boxes, ...given }: { signal?: AbortSignal; maxTokens?: number; boxes?: readonly BoxXyxy[] },
  ): Promise<ChatReply> {
    const image = { type: 'image_url', image_url: { url: await this.#image(view) }, ...(boxes && { boxes }) } as const;
    return this.#send([image, { type: 'text', text }], given);
  }

  #send(content: readonly ChatPart[], given: { signal?: AbortSignal; maxTokens?: number }): Promise<ChatReply> {
    const { apiKey, timeoutMs = defaultTimeoutMs, attempts, maxTokens = given.maxTokens } = this.#options;
    const settings = { apiKey, timeoutMs, attempts, maxTokens, maxReplyBytes, signal: given.signal };
    return chatReply(this.#endpoint, content, settings);
  }

  /** PNG, so that the model sees the pixels that were annotated. */
  #image(view: SampleView): Promise<string> {
    const known = this.#images.get(view);
    if (known) return known;
    const side = this.#baseline?.squashedTo;
    const url = view
      .image()
      .then((image) => pngUrl(side === undefined ? image : resizeImage(image, { width: side, height: side })));
    this.#images.set(view, url);
    return url;
  }
}

async function pngUrl(image: RgbImage): Promise<string> {
  const bytes = await encodeImage(sharpFrom(image), 'png');
  return `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`;
}

/** A text with each image in the place where the text names it; images that it does not name come first. */
function interleaved(text: string, images: readonly string[]): ChatPart[] {
  const shown = (url: string): ChatPart => ({ type: 'image_url', image_url: { url } });
  const named = new Set([...text.matchAll(imageMark)].map(([, number]) => Number(number) - 1));
  const parts = images.flatMap((url, i) => (named.has(i) ? [] : [shown(url)]));
  let from = 0;
  const say = (to: number) => {
    const words = text.slice(from, to);
    if (words.trim() !== '') parts.push({ type: 'text', text: words });
  };
  for (const match of text.matchAll(imageMark)) {
    const url = images[Number(match[1]) - 1];
    if (url === undefined) continue;
    say(match.index);
    parts.push(shown(url));
    from = match.index + match[0].length;
  }
  say(text.length);
  return parts;
}

const imageMark = /<image (\d+)>/g;

/** Boxes that our own server says beside the text. @throws ChatRexError 'runtime' when it says none of them */
function groundedBoxes({ text, isCut, grounding }: ChatReply): FoundBoxes {
  const parsed = groundingSchema.safeParse(grounding);
  if (!parsed.success) {
    const advice = `it is no chatrex serve: choose another --style (${endpointStyles.slice(1).join(', ')})`;
    throw new ChatRexError('runtime', `the answer has no message.grounding; ${advice}`);
  }
  const { phrases, objects } = parsed.data;
  const byIndex = new Map(objects.map((object) => [object.index, object]));
  const seen = new Set<string>();
  const boxes = phrases.flatMap((phrase) =>
    phrase.objects.flatMap((index): FoundBox[] => {
      const object = byIndex.get(index);
      const key = `${index} ${phrase.text}`;
      if (object === undefined || seen.has(key)) return [];
      seen.add(key);
      return [{ label: phrase.text, boxXyxy: object.box, score: object.score ?? 1 }];
    }),
  );
  return { boxes, text, isCut };
}

const sum = <Item>(items: readonly Item[], value: (item: Item) => number | undefined): number =>
  items.reduce((total, item) => total + (value(item) ?? 0), 0);
