/** A data set: samples by index, in memory only when they are asked for. */

import type { ImageSize, RgbImage } from '../image/rgb-image.ts';
import type { Random } from '../random.ts';
import type { Conversation, Sample } from './sample.ts';

export interface Dataset {
  readonly name: string;
  /** Hash of files and options: part of run.json and of the names of caches. A run refuses to resume on other data. */
  readonly fingerprint: string;
  /** Number of samples. */
  readonly size: number;
  /** Category names; empty for class-agnostic sets. */
  readonly vocabulary: readonly VocabularyEntry[];
  /** Whether samples whose images have one name show one image; rows of Parquet carry images of their own. */
  readonly namesImages?: boolean;
  /** Values of each attribute that regions may have, in a fixed order: `{ color: ['red', ...] }`. */
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
  /** Words that a tokenizer trained on this set should know besides its conversations. */
  readonly wordList?: readonly string[];
  /** @throws ChatRexError 'invalid-argument' for an index outside 0..size-1 */
  sample(index: number): Promise<Sample>;
  /** Pixels of the upright original; from the annotations, or else from the head of the file. */
  imageSize(index: number): Promise<ImageSize>;
  /**
   * The decoded, upright image. It is smaller than `imageSize` only if `atLeast` allows it; boxes are always in
   * pixels of the original.
   * @param atLeast the decoder may shrink by whole factors as long as both sides stay at least this large
   * @throws ChatRexError naming the sample when the image is missing or cannot be decoded, or when the sample has none
   */
  image(index: number, atLeast?: ImageSize): Promise<RgbImage>;
  /** Stored conversations and those made from regions and phrases; see `datasets/tasks`. RexWorld makes its own. */
  conversations(index: number, wish: ConversationWish): Promise<readonly Conversation[]>;
  close(): Promise<void>;
}

export interface VocabularyEntry {
  readonly name: string;
  readonly synonyms?: readonly string[];
  /** LVIS: rare, common, frequent. */
  readonly frequency?: 'r' | 'c' | 'f';
  /** The category's id in the source, for writers and official scorers. */
  readonly sourceId?: number;
}

/** Which conversations about a sample are wanted. */
export interface ConversationWish {
  /** How many of each task to try for; tasks that are left out are not made. */
  readonly counts: Readonly<Record<string, number>>;
  /** Kinds of questions about regions; all by default. A kind that is listed twice comes twice as often. */
  readonly kinds?: readonly string[];
  /** The style of region captions; any by default. */
  readonly regionStyle?: string;
  /** Whether questions use the wordings of training or held-out ones. */
  readonly wordings: 'seen' | 'unseen';
  /** Decides every choice: same stream, same conversations. */
  readonly random: Random;
}

/** Where a data set may read and write. Not part of the spec, so that a run resumes on another machine. */
export interface OpenContext {
  /** Relative paths of a spec begin here; the working directory by default. */
  readonly dataRoot?: string;
  /** Indexes and rendered images are kept here. */
  readonly cacheFolder: string;
  readonly signal?: AbortSignal;
  /** Hears what takes long: indexing, rendering. */
  readonly onStatus?: (text: string) => void;
}

/** Names a data set as plain data: it goes to worker threads, into run.json and to other machines. */
export interface DatasetSpec {
  /** A name of `datasets/formats`, `world`, or the path of a module that exports `openDataset`. */
  readonly format: string;
  /** Paths are relative to the data root, which is not part of the spec, so that a run resumes on another machine. */
  readonly options: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}
