/**
 * The multimodal model of `photos-mllm.ts` with SmolLM2-135M-Instruct in place of the language model of nano: its own
 * weights stay as they are, low-rank adapters and the tokens of objects and phrases learn.
 *
 * Command: `chatrex train align --config photos-smollm --language FOLDER ...`, FOLDER being what `chatrex convert`
 * makes of the model's GGUF file. How it compares with the model that is shipped: models/photo/README.md.
 */

import { dialects, groundingTokens } from '../../grounding/dialect.ts';
import type { MllmTraining } from '../mllm/config.ts';
import { photosAlign, photosInstruct } from './photos-mllm.ts';

const newTokens = groundingTokens(dialects.paper).length;

const smollm: Pick<MllmTraining, 'model' | 'lora'> = {
  model: {
    ...photosAlign.model,
    chatFormat: 'chatml',
    // Its words differ from their mean by a root mean square of .1; objects begin smaller, so that words still count.
    extensions: { ...photosAlign.model.extensions, tiedObjects: { tokenScale: 0.05, hasPlace: true } },
    language: {
      model_type: 'llama',
      hidden_size: 576,
      intermediate_size: 1536,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      head_dim: 64,
      vocab_size: 49_152 + newTokens,
      max_position_embeddings: 2048,
      rms_norm_eps: 1e-5,
      rope_theta: 100_000,
      tie_word_embeddings: true,
      eos_token_id: 2,
    },
  },
  lora: {
    rank: 16,
    alpha: 32,
    targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
    newTokens,
  },
};

/** Wider layers sum up more changes: at the rate of a small model the first steps throw the loss about. */
const steps = { learningRate: 3e-4, batchSize: 1 };

export const photosSmollmAlign: Omit<MllmTraining, 'data'> = { ...photosAlign, ...smollm, ...steps };

export const photosSmollmInstruct: Omit<MllmTraining, 'data'> = { ...photosInstruct, ...smollm, ...steps };
