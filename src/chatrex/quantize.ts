/** A whole ChatRex in fewer bytes: `quantizeFolder` with the layout of encoders, projectors and language model. */

import { languageParameters, notParameters, type Quantization, readConfig } from '../language/load.ts';
import {
  type QuantizeProgress,
  quantizeFolder,
  quantizeLanguageModel,
  type TargetLayout,
} from '../language/quantize.ts';
import { parameterName, unusedTensors } from './checkpoint-names.ts';
import { languageConfig, parseChatRexConfig } from './config.ts';
import { visionParameters } from './weights.ts';

/**
 * Writes the model in folder `source` with the weights of its linear layers as integers into the new folder `target`,
 * which loads by the same path. A part that `quantization` does not name stays as it is; a proposal network in `upn/`
 * too. Llama and Qwen2 folders are taken as well.
 *
 * @throws ChatRexError as `quantizeFolder` does
 */
export async function quantize(
  source: string,
  target: string,
  quantization: Quantization,
  onProgress?: (progress: QuantizeProgress) => void,
): Promise<void> {
  const { model_type: modelType } = (await readConfig(source)) as { model_type?: unknown };
  const isLanguageModel = modelType === 'llama' || modelType === 'qwen2';
  if (isLanguageModel && quantization.language && !quantization.vision) {
    return quantizeLanguageModel(source, target, quantization.language, onProgress);
  }
  return quantizeFolder(source, target, quantization, (json) => chatRexLayout(json, quantization), onProgress);
}

/** What a quantised ChatRex holds, by the configuration of the original. */
export function chatRexLayout(json: unknown, quantization: Quantization): TargetLayout {
  const config = { ...parseChatRexConfig(json), quantization };
  const language = languageConfig(config);
  return {
    parameters: [...visionParameters(config), ...languageParameters(language, quantization.language ?? 'float')],
    parameterName: (stored) => parameterName(stored, config.prefixes),
    ignore: [...unusedTensors(config), notParameters, ...(language.tieWordEmbeddings ? [/^lm_head\.weight$/] : [])],
  };
}
