/**
 * What a ChatRex is made of: the sizes of its parts and the conventions it was trained with.
 *
 * A model folder states it as `config.json`: these fields, with `"model_type": "chatrex"`. Presets are such objects.
 */

import { z } from 'zod';
import { ChatRexError } from '../errors.ts';
import { CLIP_STATISTICS, EFFICIENTNET_LITE_STATISTICS, IMAGENET_STATISTICS } from '../image/normalize.ts';
import { quantizedLanguageFormats } from '../language/language-format.ts';
import { type LlamaConfig, parseLlamaConfig } from '../language/llama-config.ts';
import { vicunaSystem } from '../prompt/conversation.ts';
import { clipVitPresets } from '../vision/clip-vit.ts';
import { convNextPresets } from '../vision/convnext.ts';
import { efficientNetLitePresets } from '../vision/efficientnet-lite.ts';
import { mapEncoderSchema, mapStrides, pixelScale } from '../vision/map-encoder.ts';
import { tokenCount, tokenEncoderSchema } from '../vision/token-encoder.ts';
import { defaultLeastScore, withOldNames } from './old-names.ts';

const count = z.int().positive();
const three = z.tuple([z.number(), z.number(), z.number()]).readonly();
const statistics = z.object({ mean: three, std: three });

const chatRexSchema = z.object({
  /** Side in pixels of the square whose maps the high-resolution encoder makes; boxes are in its pixels. */
  imageSize: count,
  /**
   * Where the low-resolution image comes from: `bicubic` from the padded original, as CLIP's own; `from-high` by
   * bilinear samples of the high-resolution input without smoothing, as the released models had it.
   */
  lowPixels: z.enum(['bicubic', 'from-high']).optional(),
  /** How an image becomes a square: padded, by default, or stretched as detectors learned it. */
  imagePlacement: z.enum(['pad', 'stretch']).optional(),
  /** By which each encoder's pixels are normalised. The image is padded to a square with the mean of `low`. */
  statistics: z.object({ low: statistics.optional(), high: statistics }),
  /** Missing where image tokens are those of the high-resolution encoder alone (fusion `high`). */
  low: tokenEncoderSchema.optional(),
  high: mapEncoderSchema,
  fusion: z.enum(['gated', 'concat', 'high']),
  dialect: z.enum(['paper', 'release']),
  chatFormat: z.enum(['vicuna', 'chatml', 'nano']),
  /**
   * Ours, in addition to the paper; absent from the presets of the paper and the release. Why, and what each is worth:
   * docs/extensions.md.
   */
  extensions: z
    .object({
      /**
       * An object and its index are one embedding, the sum of both, wherever either is read or may be written. The
       * paper looks an index up among the objects, which takes layers that a small language model learns late.
       */
      tiedObjects: z
        .object({
          /**
           * Root mean square that image and object tokens begin with behind the projectors. Without it, words that are
           * randomly initialised are dwarfed by image tokens.
           */
          tokenScale: z.number().positive().optional(),
          /**
           * Whether the place of an object joins its token behind the projector too, where it is not small beside
           * features.
           */
          hasPlace: z.boolean(),
        })
        .optional(),
      /**
       * The objects of a phrase are a set: training takes them in any order. An object is listed if its score, which
       * is its proposal's times its probability against the end of the list, is at least `leastScore`; lower finds more
       * objects and lists more wrong ones.
       */
      setLists: z.object({ leastScore: z.number().gt(0).lt(1).default(defaultLeastScore) }).optional(),
    })
    .optional(),
  /**
   * Most tokens of a prompt, the image and its objects among them: what `tokenizer_model_max_length` of the released
   * models says. The release cuts a longer prompt, which loses its end; here it is refused.
   */
  maxPromptTokens: count.optional(),
  /** Text before every conversation. */
  system: z.string().optional(),
  /** Which proposals the language model is shown where the caller does not say; those of `Upn.propose` without it. */
  proposals: z
    .object({
      granularity: z.enum(['fine', 'coarse', 'both']),
      minScore: z.number().min(0).max(1),
      /** Where two boxes overlap by more, the one with the lower score is left out. */
      nmsIou: z.number().min(0).max(1).optional(),
      /** Looks at one scale only, where the network has several. */
      fast: z.boolean().optional(),
    })
    .optional(),
  /** A Hugging Face `config.json` of a Llama or Qwen2, its vocabulary with the index and grounding tokens in it. */
  language: z.record(z.string(), z.unknown()),
  /** How linear layers are stored, as `quantize` writes it; float by default. */
  quantization: z
    .object({ language: z.enum(quantizedLanguageFormats).optional(), vision: z.enum(['int8']).optional() })
    .optional(),
  /** Other beginnings of parameter names in the file -> those of `checkpoint-names.ts`. */
  prefixes: z.record(z.string(), z.string()).optional(),
});

export type ChatRexConfig = z.infer<typeof chatRexSchema>;

const vicuna7b = {
  model_type: 'llama',
  hidden_size: 4096,
  intermediate_size: 11008,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  vocab_size: 32104,
  max_position_embeddings: 4096,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: false,
  eos_token_id: 2,
};

const qwen3b = {
  model_type: 'qwen2',
  hidden_size: 2048,
  intermediate_size: 11008,
  num_hidden_layers: 36,
  num_attention_heads: 16,
  num_key_value_heads: 2,
  vocab_size: 151_769,
  max_position_embeddings: 32_768,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  tie_word_embeddings: true,
  eos_token_id: 151_645,
};

/** CLIP ViT-L/14 at 336 and ConvNeXt-L at 768: 24 x 24 tokens each (paper section 3.2). */
const largeVision = {
  imageSize: 768,
  lowPixels: 'from-high',
  statistics: { low: CLIP_STATISTICS, high: CLIP_STATISTICS },
  low: clipVitPresets['clip-vit-large-patch14-336'],
  high: { kind: 'convnext', ...convNextPresets['convnext-large'] },
} as const;

const nanoLanguage = {
  model_type: 'llama',
  hidden_size: 192,
  intermediate_size: 512,
  num_hidden_layers: 6,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  vocab_size: 2560,
  max_position_embeddings: 1024,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: true,
};

/**
 * `chatrex-7b` is the paper's, of which no weights exist; the other two large ones are the released models. Where the
 * paper is silent (statistics, the low-resolution image) it does as the release. `nano` and `photo` are ours, with a
 * language model that is to be given the vocabulary it was trained with: 64 image tokens of RexWorld, or 169 of
 * photographs, which are what the bundled detector sees.
 */
export const chatRexPresets = {
  nano: {
    imageSize: 256,
    lowPixels: 'bicubic',
    statistics: { low: CLIP_STATISTICS, high: IMAGENET_STATISTICS },
    low: clipVitPresets['clip-vit-nano'],
    high: { kind: 'convnext', ...convNextPresets['convnext-nano'] },
    fusion: 'gated',
    dialect: 'paper',
    chatFormat: 'nano',
    extensions: { tiedObjects: { tokenScale: 0.15, hasPlace: true }, setLists: { leastScore: 0.1 } },
    // Its questions are about pieces and wholes alike, and it learned with boxes that mean nothing among them; a box
    // beside a better one of the same thing would only be taken for another thing.
    proposals: { granularity: 'both', minScore: 0.1, nmsIou: 0.6 },
    language: nanoLanguage,
  },
  photo: {
    imageSize: 416,
    lowPixels: 'bicubic',
    imagePlacement: 'stretch',
    statistics: { low: EFFICIENTNET_LITE_STATISTICS, high: IMAGENET_STATISTICS },
    // It knows ImageNet's thousand names where the detector knows eighty.
    low: { ...efficientNetLitePresets['efficientnet-lite2'], imageSize: 416 },
    high: {
      kind: 'nanodet',
      stemChannels: 32,
      stageBlocks: [1, 2, 2, 3],
      neckChannels: 128,
      maxDistance: 10,
      negativeSlope: 0.1,
      categoryCount: 80,
      // Both are then of the size of the sines and cosines that say where a box is.
      mapScale: { channels: 6, scores: 16 },
      predictions: { count: 1000, scale: 8 },
    },
    fusion: 'concat',
    dialect: 'paper',
    chatFormat: 'nano',
    extensions: { tiedObjects: { tokenScale: 0.15, hasPlace: true }, setLists: { leastScore: 0.03 } },
    // Calibrated: boxes that are right in one of ten cases or more. The language model tells them apart.
    proposals: { granularity: 'coarse', minScore: 0.1 },
    // The words of captions come in addition.
    language: { ...nanoLanguage, vocab_size: 4096 },
  },
  'chatrex-7b': {
    ...largeVision,
    fusion: 'gated',
    dialect: 'paper',
    chatFormat: 'vicuna',
    system: vicunaSystem,
    language: vicuna7b,
  },
  'chatrex-7b-released': {
    ...largeVision,
    fusion: 'concat',
    dialect: 'release',
    chatFormat: 'vicuna',
    language: vicuna7b,
  },
  'rexseek-3b': {
    ...largeVision,
    fusion: 'concat',
    dialect: 'release',
    chatFormat: 'chatml',
    language: qwen3b,
  },
} as const satisfies Record<string, ChatRexConfig>;

export type ChatRexPreset = keyof typeof chatRexPresets;

/** The language model of a configuration. @throws ChatRexError as `parseLlamaConfig` does */
export const languageConfig = (config: ChatRexConfig): LlamaConfig => parseLlamaConfig(config.language);

/** Which proposals the language model is shown where the caller does not say. */
export const proposalsOf = ({ proposals }: ChatRexConfig): Partial<NonNullable<ChatRexConfig['proposals']>> =>
  proposals ?? {};

/** Image tokens of an image. */
export const imageTokenCount = (config: ChatRexConfig): number =>
  config.low ? tokenCount(config.low) : highTokenCount(config);

/** Places of the coarsest map. */
function highTokenCount({ high, imageSize }: ChatRexConfig): number {
  return (imageSize / Math.max(...mapStrides(high))) ** 2;
}

/** Side in pixels of the square that the high-resolution encoder is given. */
export const highPixels = ({ imageSize, high }: ChatRexConfig): number => imageSize * pixelScale(high);

/** Side of the finest feature map, from which objects are pooled. */
export const finestMapSize = (config: ChatRexConfig): number => config.imageSize / mapStrides(config.high)[0];

/**
 * A configuration from the parsed `config.json` of a model folder: our own, or of a released model, which says nothing
 * of its encoders (they are those of the preset).
 * @throws ChatRexError 'invalid-file' naming the first field that is wrong, 'unsupported' for another architecture
 */
export function parseChatRexConfig(json: unknown): ChatRexConfig {
  const { model_type: modelType, text_config: textConfig, ...rest } = z.looseObject({}).parse(json ?? {});
  const { quantization, prefixes, tokenizer_model_max_length: maxPromptTokens } = rest;
  const stated = { quantization, prefixes, maxPromptTokens };
  if (modelType === 'rexseek_qwen') {
    const language = { ...qwen3b, ...rest, model_type: 'qwen2' };
    return checked({ ...chatRexPresets['rexseek-3b'], language, ...stated });
  }
  // Hugging Face leaves out what is as in its defaults, which are those of Vicuna-7B.
  if (modelType === 'chatrex' && textConfig) {
    const language = { ...vicuna7b, ...z.looseObject({}).parse(textConfig), model_type: 'llama' };
    return checked({ ...chatRexPresets['chatrex-7b-released'], language, ...stated });
  }
  if (modelType === 'chatrex') return checked(withOldNames(rest));
  throw new ChatRexError(
    'unsupported',
    `config.json: expected model_type 'chatrex' or 'rexseek_qwen', came '${modelType}'; use a ChatRex folder`,
  );
}

function checked(json: unknown): ChatRexConfig {
  const parsed = chatRexSchema.safeParse(json);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    throw new ChatRexError('invalid-file', `config.json: ${path.join('.') || 'top level'}: ${message}`);
  }
  const config = parsed.data;
  languageConfig(config);
  const wrong = (problem: string) => new ChatRexError('invalid-file', `config.json: ${problem}`);
  if ((config.low === undefined) !== (config.fusion === 'high')) {
    throw wrong(`fusion ${config.fusion}: expected 'high' exactly where the model has no low-resolution encoder`);
  }
  if (config.low && config.lowPixels === undefined) throw wrong('lowPixels: expected with a low-resolution encoder');
  const side = Math.sqrt(highTokenCount(config));
  if (!Number.isInteger(side)) {
    throw wrong(`imageSize ${config.imageSize}: expected a multiple of ${Math.max(...mapStrides(config.high))}`);
  }
  if (side ** 2 !== imageTokenCount(config)) {
    const came = `low gives ${imageTokenCount(config)}, high ${side}x${side}`;
    throw wrong(`the encoders must give as many tokens; ${came}`);
  }
  return config;
}
