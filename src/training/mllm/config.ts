/** What a training of the multimodal model is configured by. */

import type { ChatRexConfig } from '../../chatrex/config.ts';
import type { Mixture } from '../../datasets/mixture-spec.ts';
import type { LoraTraining } from '../lora.ts';
import type { Validation } from '../mixture.ts';
import type { PartedSettings } from '../run.ts';
import type { Curriculum } from './texts.ts';

export interface MllmTraining extends PartedSettings, Curriculum {
  readonly model: ChatRexConfig;
  readonly batchSize: number;
  readonly data: Mixture;
  /** Figures are taken on its first samples, in held-out wordings, while it trains; none by default. */
  readonly validation?: Validation;
  /** Tokens of questions and answers per image. */
  readonly room: number;
  /** Most random boxes in the list beside the annotated ones, if no proposal network finds them. */
  readonly proposals: number;
  /** Share of images in which regions are shown by the proposals that found them. */
  readonly foundShare: number;
  /** Weight of the loss by which object tokens say their category to the vocabulary. */
  readonly namingWeight: number;
  /** Corners of regions are moved by up to this share of their box. */
  readonly boxJitter: number;
  /**
   * Share of the questions with a short answer that end with LLaVA's request for one word, as benchmarks ask; none by
   * default.
   */
  readonly oneWordShare?: number;
  /** Whether the image encoders learn too; otherwise every image is encoded once, before the first step. */
  readonly encodersLearn: boolean;
  /** The language model learns by low-rank adapters, which export merges into its weights; as a whole by default. */
  readonly lora?: LoraTraining;
}
