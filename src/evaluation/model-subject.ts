/** A model in this process as a subject: an image is encoded once for all questions about it. */

import type { BoxXyxy } from '../boxes/box.ts';
import { iou } from '../boxes/overlap.ts';
import type { Answer, AskOptions } from '../chatrex/answer.ts';
import type { EncodedImage } from '../chatrex/encoded-image.ts';
import type { ScoredBoxes } from '../chatrex/image-boxes.ts';
import { ChatRexError } from '../errors.ts';
import type { RgbImage } from '../image/rgb-image.ts';
import { questionFor, regionQuestion } from '../prompt/templates.ts';
import type { FilterOptions, Proposals } from '../proposals/post-process.ts';
import type { ProposalNetwork, ProposeOptions } from '../proposals/proposal-network.ts';
import type { SampleView } from './sample-view.ts';
import type { Answers, Counts, Detects, FindsProposals, FoundBoxes, NamesRegions, Refers } from './subject.ts';

/** A `ChatRex`; named by what is used of it, since front ends stand above evaluation. */
export interface ImageReader {
  /** The proposals that it speaks about; those of the proposal network by default. */
  readonly proposals?: ProposeOptions;
  encode(image: RgbImage, options: { boxes: ScoredBoxes }): Promise<EncodedImage>;
}

/** A proposal network, a reader of images, or both. A detector alone finds, counts and names what it knows. */
export interface EvaluatedModel {
  readonly upn?: Pick<ProposalNetwork, 'propose'> & Partial<Pick<ProposalNetwork, 'categories'>>;
  readonly chatrex?: ImageReader;
}

export interface ModelSubjectOptions extends FilterOptions {
  /** What the language model gets; the model's own by default. */
  readonly granularity?: ProposeOptions['granularity'];
  /** Tokens of an answer at most. */
  readonly maxTokens?: number;
}

/**
 * A model of this process. What suites ask about one image shares its proposals and its encoding.
 * @example const chatrex = await ChatRex.load('nano');
 *   const subject = new ModelSubject({ chatrex });
 */
export class ModelSubject implements FindsProposals, Detects, Refers, Counts, NamesRegions, Answers {
  readonly #model: EvaluatedModel;
  readonly #options: ModelSubjectOptions;
  /** What was made of the image that is looked at now; the one before is forgotten. */
  #seen: { readonly view: SampleView; readonly made: Map<string, Promise<unknown>> } | undefined;

  constructor(model: EvaluatedModel, options: ModelSubjectOptions = {}) {
    this.#model = model;
    this.#options = options;
  }

  propose(view: SampleView, options: FilterOptions & Pick<ProposeOptions, 'granularity'>): Promise<Proposals> {
    return this.#once(view, `proposals ${JSON.stringify(options)}`, async () => {
      const { upn } = this.#model;
      if (!upn) throw missing('proposal network (upn/)');
      const [proposals] = await upn.propose([await view.image()], options);
      return proposals;
    });
  }

  async detect(view: SampleView, names: readonly string[], signal?: AbortSignal): Promise<FoundBoxes> {
    if (this.#isDetector) return this.#detected(view, names);
    return foundBoxes(await this.#ask(view, questionFor('detect', names), signal));
  }

  /** @throws ChatRexError 'unsupported' for a detector alone that is given boxes: it chooses among none */
  async refer(
    view: SampleView,
    phrase: string,
    signal?: AbortSignal,
    amongXyxy?: readonly BoxXyxy[],
  ): Promise<FoundBoxes> {
    if (amongXyxy === undefined) return this.detect(view, [phrase], signal);
    if (this.#isDetector) {
      throw new ChatRexError(
        'unsupported',
        'a detector alone cannot choose among given boxes: it has no language model',
      );
    }
    if (amongXyxy.length === 0) return { boxes: [], text: '' };
    const image = await this.look(view, { boxesXyxy: amongXyxy, scores: amongXyxy.map(() => 1) });
    return foundBoxes(await image.ask(questionFor('detect', [phrase]), this.#askOptions(signal)));
  }

  async count(view: SampleView, name: string, signal?: AbortSignal): Promise<FoundBoxes> {
    if (this.#isDetector) return this.#detected(view, [name]);
    return foundBoxes(await this.#ask(view, questionFor('count', [name]), signal));
  }

  /** @throws ChatRexError 'unsupported' for a detector alone that is asked anything but whether a thing is there */
  async answer(view: SampleView, question: string, signal?: AbortSignal): Promise<string> {
    if (this.#isDetector) return this.#isThere(view, question);
    return (await this.#ask(view, question, signal)).text;
  }

  async nameRegion(
    view: SampleView,
    boxesXyxy: readonly BoxXyxy[],
    box: number,
    signal?: AbortSignal,
  ): Promise<string> {
    if (this.#isDetector) return this.#categoryAt(view, boxesXyxy[box]);
    const boxes = { boxesXyxy, scores: boxesXyxy.map(() => 1) };
    const image = await this.look(view, boxes);
    const { text } = await image.ask(regionQuestion('category', [box]), this.#askOptions(signal));
    return text;
  }

  /** The boxes that the language model gets when none are given. */
  chosenProposals(view: SampleView): Promise<Proposals> {
    const { granularity, minScore, nmsIou, maxBoxes } = this.#options;
    const given = Object.entries({ granularity, minScore, nmsIou, maxBoxes }).filter(
      ([, value]) => value !== undefined,
    );
    const wished = { ...this.#model.chatrex?.proposals, ...Object.fromEntries(given) };
    return this.propose(view, wished);
  }

  /** The image with a list of boxes; the chosen proposals by default. */
  look(view: SampleView, boxes?: ScoredBoxes): Promise<EncodedImage> {
    const key = boxes === undefined ? 'proposals' : JSON.stringify(boxes);
    return this.#once(view, `image with ${key}`, async () => {
      const { chatrex } = this.#model;
      if (!chatrex) throw missing('language model (config.json and weights)');
      return chatrex.encode(await view.image(), { boxes: boxes ?? (await this.chosenProposals(view)) });
    });
  }

  get #isDetector(): boolean {
    const { upn, chatrex } = this.#model;
    return chatrex === undefined && (upn?.categories?.length ?? 0) > 0;
  }

  /** What the detector names as asked; a name that it does not know has no box. */
  async #detected(view: SampleView, names: readonly string[]): Promise<FoundBoxes> {
    const asked = new Map(names.map((name) => [name.toLowerCase(), name]));
    const { boxesXyxy, scores, categories = [] } = await this.chosenProposals(view);
    const boxes = categories.flatMap((category, at) => {
      const label = asked.get(category.toLowerCase());
      const [left, top, right, bottom] = boxesXyxy.subarray(4 * at, 4 * at + 4);
      return label === undefined ? [] : [{ label, boxXyxy: [left, top, right, bottom] as const, score: scores[at] }];
    });
    return { boxes, text: boxes.map(({ label }) => label).join(', ') };
  }

  /** "Is there a dog in the image?", as POPE asks. */
  async #isThere(view: SampleView, question: string): Promise<string> {
    const name = /^\s*is there an? (.+?) in the ima?n?ge\?/i.exec(question)?.[1];
    if (name === undefined) {
      const message = 'a detector has no language model: it answers "Is there a ... in the image?" and nothing else';
      throw new ChatRexError('unsupported', message);
    }
    return (await this.#detected(view, [name])).boxes.length > 0 ? 'Yes' : 'No';
  }

  /** The category that the detector is surest of among its boxes that overlap by half; nothing where there is none. */
  async #categoryAt(view: SampleView, boxXyxy: BoxXyxy): Promise<string> {
    const { boxesXyxy, categories = [] } = await this.propose(view, { minScore: 0, maxBoxes: 300 });
    const overlaps = iou(Float64Array.from(boxXyxy), Float64Array.from(boxesXyxy));
    return categories.find((_, at) => overlaps[at] >= 0.5) ?? '';
  }

  async #ask(view: SampleView, question: string, signal?: AbortSignal): Promise<Answer> {
    return (await this.look(view)).ask(question, this.#askOptions(signal));
  }

  #askOptions(signal?: AbortSignal): AskOptions {
    return { ...(this.#options.maxTokens !== undefined && { maxTokens: this.#options.maxTokens }), signal };
  }

  #once<T>(view: SampleView, key: string, make: () => Promise<T>): Promise<T> {
    if (this.#seen === undefined || !isSameImage(this.#seen.view, view)) this.#seen = { view, made: new Map() };
    const { made } = this.#seen;
    const known = made.get(key) ?? make();
    made.set(key, known);
    return known as Promise<T>;
  }
}

/** Benchmarks of questions have a sample for each, and several in a row about one image. */
const isSameImage = (a: SampleView, b: SampleView): boolean =>
  a === b || (a.data === b.data && a.data.namesImages === true && a.sample.image?.file === b.sample.image?.file);

function missing(part: string): ChatRexError {
  return new ChatRexError('not-found', `the model has no ${part}, which this suite needs; name another with --model`);
}

/** The rows of an answer; a box that a phrase names twice is one. */
function foundBoxes({ text, labels, objects, boxesXyxy, scores, ending }: Answer): FoundBoxes {
  const seen = new Set<string>();
  const boxes = labels.flatMap((label, row) => {
    const key = `${objects[row]} ${label}`;
    if (seen.has(key)) return [];
    seen.add(key);
    const [left, top, right, bottom] = boxesXyxy.subarray(4 * row, 4 * row + 4);
    return [{ label, boxXyxy: [left, top, right, bottom] as const, score: scores[row] }];
  });
  return { boxes, text, ...(ending !== 'end' && { isCut: true }) };
}
