/**
 * The four roles, played by a ChatRex: it captions, finds, describes and checks with the questions that it was trained
 * on.
 *
 * A ChatRex cannot follow the instructions of table 9. It is told a region's phrase as an earlier turn of the
 * conversation; it verifies a description by its noun and by looking for what it describes; it refers to a region in
 * its own words.
 */

import { iou } from '../../boxes/overlap.ts';
import type { EncodedImage } from '../../chatrex/encoded-image.ts';
import { ChatRex } from '../../chatrex.ts';
import { questionFor, regionQuestion } from '../../prompt/templates.ts';
import type { StageName } from '../annotation.ts';
import { sha256 } from '../content-key.ts';
import { mayBeOneThing } from '../phrases/broader-noun.ts';
import { classifyPhrase } from '../phrases/classify-phrase.ts';
import { type NounPhrase, nounPhrases } from '../phrases/noun-phrases.ts';
import type { Captioner, Describer, GroundedBox, Grounder, ImageView, RegionView, Verdict, Writer } from './roles.ts';

/** Raise it when an answer would be read in another way. */
const parser = 'chatrex/2';
/** Longest texts of the model, in tokens. */
const maxTokens = 160;
/** What a description must find again of its region. */
const foundIou = 0.5;

export interface ChatRexSettings {
  readonly folder: string;
  readonly revision: string;
  readonly threads?: number;
}

export class ChatRexRoles implements Captioner, Grounder, Describer, Writer {
  readonly #settings: ChatRexSettings;
  #model: Promise<ChatRex> | undefined;
  /** One image at a time, and one question at a time: the model is busy with each. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The last image with its proposals, and with its regions: the questions of an item come one after another. */
  #encoded: { key: string; image: Promise<EncodedImage> }[] = [];

  constructor(settings: ChatRexSettings) {
    this.#settings = settings;
  }

  caption(image: ImageView): Promise<string> {
    const question = questionFor('caption-brief');
    return this.#ask(image, 'caption', question, {}, async () => {
      const { text } = await (await this.#proposed(image)).ask(question, { maxTokens, signal: image.signal });
      return text.trim();
    });
  }

  async ground(image: ImageView, queries: readonly string[]): Promise<readonly (readonly GroundedBox[])[]> {
    const answers: GroundedBox[][] = [];
    for (const query of queries) answers.push(await this.#find(image, 'ground', query));
    return answers;
  }

  describe(image: ImageView, view: RegionView, isConditioned: boolean): Promise<string> {
    const question = regionQuestion('sentence', [view.region]);
    const told = { question: regionQuestion('category', [view.region]), answer: view.phrase };
    const prompt = isConditioned ? `${told.question}\n${told.answer}\n${question}` : question;
    return this.#ask(image, 'describe', prompt, { boxesXyxy: view.boxesXyxy }, async () => {
      const encoded = await this.#withBoxes(image, view);
      const turns = isConditioned
        ? [{ question: told.question, answer: [{ kind: 'text' as const, text: told.answer }] }, { question }]
        : [{ question }];
      return (await encoded.chat(turns, { maxTokens, signal: image.signal })).text.trim();
    });
  }

  async verify(image: ImageView, { boxesXyxy, region, phrase }: RegionView, description: string): Promise<Verdict> {
    if (!namesThing(description, phrase)) return { fits: false, reason: 'description names something else' };
    const found = await this.#find(image, 'verify', expressionOf(description));
    const own = Float64Array.from(boxesXyxy[region]);
    if (found.some(({ boxXyxy }) => iou(Float64Array.from(boxXyxy), own)[0] >= foundIou)) return { fits: true };
    return {
      fits: false,
      reason: found.length === 0 ? 'description finds nothing' : 'description finds something else',
    };
  }

  rewrite(
    image: ImageView,
    view: RegionView,
    _description: string,
    broken?: { answer: string; fault: string },
  ): Promise<string> {
    // The longer form second: what breaks the rule is nearly always a phrase of too few words.
    const question = broken ? regionQuestion('brief', [view.region], 1) : regionQuestion('brief', [view.region]);
    return this.#ask(image, 'rewrite', question, { boxesXyxy: view.boxesXyxy }, async () => {
      const encoded = await this.#withBoxes(image, view);
      return (await encoded.ask(question, { maxTokens, signal: image.signal })).text.trim();
    });
  }

  /** Boxes of what a phrase means, among the model's own proposals. */
  #find(image: ImageView, stage: StageName, phrase: string): Promise<GroundedBox[]> {
    const question = questionFor('detect', [phrase]);
    return this.#ask(image, stage, question, {}, async () => {
      const answer = await (await this.#proposed(image)).ask(question, { maxTokens, signal: image.signal });
      return answer.scores.map((score, at) => {
        const [left, top, right, bottom] = answer.boxesXyxy.subarray(4 * at, 4 * at + 4);
        return { boxXyxy: [left, top, right, bottom], score: Math.round(score * 1e4) / 1e4 };
      });
    });
  }

  #ask<Value>(
    image: ImageView,
    stage: StageName,
    prompt: string,
    parameters: Readonly<Record<string, unknown>>,
    answer: () => Promise<Value>,
  ): Promise<Value> {
    // The revision tells models apart, wherever their folders are.
    const { revision } = this.#settings;
    const identity = { prompt, model: 'chatrex', revision, parameters: { maxTokens, ...parameters }, parser };
    const run = () =>
      image.calls.call(stage, identity, async () => ({ value: await answer(), usage: { input: 0, output: 0 } }));
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #proposed(image: ImageView): Promise<EncodedImage> {
    return this.#encode(image, image.hash, undefined);
  }

  #withBoxes(image: ImageView, { boxesXyxy }: RegionView): Promise<EncodedImage> {
    return this.#encode(image, `${image.hash} ${sha256(JSON.stringify(boxesXyxy))}`, boxesXyxy);
  }

  async #encode(image: ImageView, key: string, boxes: RegionView['boxesXyxy'] | undefined): Promise<EncodedImage> {
    const known = this.#encoded.find((one) => one.key === key);
    if (known) return known.image;
    const { folder, threads } = this.#settings;
    this.#model ??= ChatRex.load(folder, { session: { threads } });
    const encoded = (await this.#model).encode(image.bytes, { boxes, signal: image.signal });
    this.#encoded = [{ key, image: encoded }, ...this.#encoded.slice(0, 1)];
    encoded.catch(() => {
      this.#encoded = this.#encoded.filter((one) => one.image !== encoded);
    });
    return encoded;
  }

  async dispose(): Promise<void> {
    await this.#turn;
    await (await this.#model)?.dispose();
  }
}

/**
 * What a description says of the thing itself: "There is a red car on the left, next to a dog." asks for "red car on
 * the left".
 */
function expressionOf(description: string): string {
  return description
    .replace(/^(?:there (?:is|are)|this is|it is|that is)\s+/i, '')
    .replace(/^(?:a|an|the)\s+/i, '')
    .split(',')[0]
    .replace(/[.\s]+$/, '');
}

/** Whether one of the nouns of a description may name what the head noun of the phrase names, in either number. */
function namesThing(description: string, phrase: string): boolean {
  const headOf = (words: NounPhrase) => classifyPhrase(words).category.split(/[\s-]/).at(-1);
  const [named] = nounPhrases(phrase);
  const head = named ? headOf(named) : phrase.toLowerCase().split(/\s+/).at(-1);
  const isNamed = nounPhrases(description).some((one) => mayBeOneThing(headOf(one) ?? '', head ?? ''));
  return isNamed || description.toLowerCase().includes(phrase);
}
