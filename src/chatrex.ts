/**
 * ChatRex: images and boxes in, grounded answers out (paper section 3). The path of the data on one screen.
 *
 *     image bytes -> boxes (proposals/) -> image and object tokens (vision/, objects/) -> prefix (prompt/)
 *                 -> key-value cache (language/) -> tokens -> text tied to boxes (grounding/)
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundledModel, defaultModel } from './bundled-models.ts';
import { type ChatRexConfig, languageConfig, parseChatRexConfig, proposalsOf } from './chatrex/config.ts';
import { EncodedImage } from './chatrex/encoded-image.ts';
import { type BoxList, chooseBoxes, type ScoredBoxes } from './chatrex/image-boxes.ts';
import { ImageMemory } from './chatrex/image-memory.ts';
import { objectSpelling } from './chatrex/object-spelling.ts';
import { VisionEncoder } from './chatrex/vision-encoder.ts';
import { splitTensors, visionWeights } from './chatrex/weights.ts';
import { ChatRexError, requireNotAborted, wrongArgument } from './errors.ts';
import { dialects } from './grounding/dialect.ts';
import { type DecodeOptions, decodeImage, type ImageSource } from './image/decode.ts';
import type { LanguageModel } from './language/language-model.ts';
import { createLanguageModel, readConfig } from './language/load.ts';
import { StepBatch } from './language/step-batch.ts';
import { type Chat, createChat } from './prompt/conversation.ts';
import { loadTokenizer } from './prompt/tokenizer/load-tokenizer.ts';
import { loadProposalNetwork } from './proposals/load-proposal-network.ts';
import type { FilterOptions, Proposals } from './proposals/post-process.ts';
import type { ProposalNetwork, ProposeOptions } from './proposals/proposal-network.ts';
import type { SessionOptions } from './runtime/session.ts';
import { openCheckpoint } from './weights/checkpoint.ts';
import { pulledModel, requirePulled } from './weights/hub/cache.ts';

export interface LoadOptions {
  /** Where and with how many threads to compute. */
  session?: SessionOptions;
  /** Longest conversation with its image, in tokens; what the model was made for by default. */
  maxPositions?: number;
  /**
   * How many answers that are being written at the same time take their steps together; 1 by default, each alone. It is
   * faster for many callers at once, and takes memory for that many conversations. In the last digits of a score an
   * answer may then depend on what else is being written.
   */
  batchRows?: number;
  /** Memory that `batchRows` may take, in bytes; fewer answers are written together where they may need more. */
  batchBytes?: number;
  /** Another proposal network than the folder's: whatever `loadProposalNetwork` takes. */
  upn?: string;
}

/** The filter is for boxes that are found; without one it is as the model was made for. */
export interface EncodeOptions extends FilterOptions {
  /**
   * Boxes to speak about, in pixels of the image; found by the folder's proposal network when left out. They are cut to
   * the image: `EncodedImage.boxes.clipped` says which.
   */
  boxes?: BoxList | ScoredBoxes;
  /** What to find: pieces of things, whole things (by default), or both. */
  granularity?: ProposeOptions['granularity'];
  /** Called with one sentence when an image is read although something in it is wrong or has to be guessed. */
  onWarning?: DecodeOptions['onWarning'];
  /** Ends the work, in the middle of a run too, with an error of code 'aborted'. */
  signal?: AbortSignal;
}

/** See `ChatRex.proposalDefaults`. */
export interface ProposalDefaults extends Required<FilterOptions> {
  readonly granularity: NonNullable<ProposeOptions['granularity']>;
  readonly granularities: ProposalNetwork['granularities'];
}

interface Parts {
  readonly config: ChatRexConfig;
  readonly vision: VisionEncoder;
  readonly language: LanguageModel;
  readonly chat: Chat;
  readonly batch?: StepBatch;
}

/**
 * A model, and the way from an image to everything that it can be asked.
 * @example const model = await ChatRex.load();
 *   const image = await model.encode('table.png');
 *   const { labels, boxesXyxy } = await image.detect(['cup']);
 */
export class ChatRex {
  readonly #parts: Parts;
  readonly #folder: string;
  readonly #options: LoadOptions;
  #upn: Promise<ProposalNetwork> | undefined;
  #isDisposed = false;

  private constructor(folder: string, parts: Parts, options: LoadOptions) {
    this.#folder = folder;
    this.#parts = parts;
    this.#options = options;
  }

  /**
   * Loads a model folder (config.json, safetensors, tokenizer, and `upn/` with the proposal network), or a bundled
   * model by its name, by default the one for photographs.
   * @throws ChatRexError naming the file that is missing, malformed or does not fit
   */
  static async load(folderOrName = defaultModel, options: LoadOptions = {}): Promise<ChatRex> {
    const folder = modelFolder(folderOrName);
    const config = parseChatRexConfig(await readConfig(folder));
    const tensors = splitTensors(await openCheckpoint(folder), config);
    const tokenizer = await loadTokenizer(folder);
    const { chatFormat: format, system } = config;
    const dialect = dialects[config.dialect];
    const chat = createChat(tokenizer, { format, dialect, system });
    const languageFormat = config.quantization?.language ?? 'float';
    const vision = await VisionEncoder.create(config, visionWeights(tensors.vision, config), options.session);
    const language = await createLanguageModel(tensors.language, languageConfig(config), languageFormat, options);
    const batch = createBatch(language, options);
    return new ChatRex(folder, { config, vision, language, chat, batch }, options);
  }

  /**
   * Looks at an image once; every question about it starts from what is returned.
   * @throws ChatRexError for an image that cannot be read, malformed boxes, 'aborted'
   */
  async encode(
    source: ImageSource,
    { boxes, signal, onWarning, ...filter }: EncodeOptions = {},
  ): Promise<EncodedImage> {
    this.#requireUsable();
    const { config, vision, language, chat, batch } = this.#parts;
    const image = await decodeImage(source, { onWarning });
    requireNotAborted(signal, 'looking at the image');
    const chosen = chooseBoxes(boxes ?? (await this.propose(image, { ...filter, signal })), image);
    requireNotAborted(signal, 'looking at the image');
    const { boxesXyxy, scores: proposalScores } = chosen;
    const seen = await vision.encode([image], [boxesXyxy], signal);
    requireNotAborted(signal, 'looking at the image');
    const segments = chat.prefix(proposalScores.length);
    const spelling = objectSpelling(config);
    const prefix = await spelling.embedPrefix(segments, seen, language);
    const lexicon = spelling.lexicon(segments, seen, language);
    const memory = await ImageMemory.read(language, prefix, { lexicon, signal, batch });
    const dialect = dialects[config.dialect];
    const size = { width: image.width, height: image.height };
    return new EncodedImage(size, chosen, {
      ...{ memory, chat, dialect, setLists: config.extensions?.setLists, maxPromptTokens: config.maxPromptTokens },
      ...{ boxesXyxy, proposalScores },
    });
  }

  /** Which proposals it speaks about where the caller does not say. */
  get proposals(): ReturnType<typeof proposalsOf> {
    return proposalsOf(this.#parts.config);
  }

  /**
   * Boxes by the proposal network, which is opened when it is first needed; as `encode` finds them by default.
   * @param options what is left out is as the model was made for
   * @throws ChatRexError for an image that cannot be read, options out of range, 'not-found' without a network,
   *   'aborted'
   */
  async propose(source: ImageSource, options: ProposeOptions = {}): Promise<Proposals> {
    const upn = await this.#proposalNetwork();
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const [proposals] = await upn.propose([source], { ...this.proposals, ...given });
    return proposals;
  }

  /**
   * What is proposed where the caller does not say: the folder's wishes, completed by those of its network; and the
   * kinds of boxes that the network can tell apart.
   * @throws ChatRexError as `propose` does
   */
  async proposalDefaults(): Promise<ProposalDefaults> {
    const { filter, granularities } = await this.#proposalNetwork();
    return { granularity: 'coarse', ...filter, ...this.proposals, granularities };
  }

  async #proposalNetwork(): Promise<ProposalNetwork> {
    this.#requireUsable();
    this.#upn ??= this.#openUpn();
    return this.#upn.catch((error: unknown) => {
      // The next call may find what is missing now.
      this.#upn = undefined;
      throw error;
    });
  }

  #requireUsable(): void {
    if (this.#isDisposed) throw new ChatRexError('runtime', 'the model was disposed; load it again');
  }

  async #openUpn(): Promise<ProposalNetwork> {
    return loadProposalNetwork(proposalSource(this.#folder, this.#options.upn), { session: this.#options.session });
  }

  /** Frees the memory; later calls of the model and of its images are refused with code 'runtime'. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await (await this.#upn)?.dispose();
    await this.#parts.vision.dispose();
    await this.#parts.language.dispose();
  }
}

/** @throws ChatRexError 'invalid-argument' for a number of rows that is none */
function createBatch(language: LanguageModel, { batchRows = 1, batchBytes = Infinity }: LoadOptions) {
  if (!Number.isInteger(batchRows) || batchRows < 1)
    throw wrongArgument('batchRows', 'a whole number from 1', batchRows);
  const rows = Math.min(batchRows, Math.floor(batchBytes / (language.bytesPerToken * language.maxPositions)));
  return rows > 1 ? new StepBatch(language, rows) : undefined;
}

/** A folder, or that of a bundled model. */
export function modelFolder(folderOrName: string): string {
  const bundled = bundledModel(folderOrName);
  if (bundled !== undefined) return bundled;
  if (existsSync(folderOrName)) return folderOrName;
  const pulled = pulledModel(folderOrName);
  if (pulled !== undefined) return pulled;
  requirePulled(folderOrName);
  throw new ChatRexError(
    'not-found',
    `model '${folderOrName}': expected a folder or the name of a bundled model, found neither`,
  );
}

/** @throws ChatRexError 'not-found' when there is no proposal network: then the caller has to give the boxes. */
function proposalSource(folder: string, given: string | undefined): string {
  const own = join(folder, 'upn');
  if (given !== undefined || existsSync(own)) return given ?? own;
  throw new ChatRexError('not-found', `${folder} has no proposal network in upn/; give one, or give the boxes`);
}
