/** The stored weights of a ChatRex, split into its two halves; what a file holds must be what the model declares. */

import { languageParameters, notParameters } from '../language/load.ts';
import { createScope } from '../nn/scope.ts';
import type { StoredWeight } from '../onnx/emit.ts';
import { graphOf } from '../tensor/graph.ts';
import type { ParameterAttributes } from '../tensor/ops/parameter.ts';
import { matchParameters } from '../weights/match.ts';
import { storedWeights } from '../weights/storage.ts';
import type { StoredTensor, WeightFile } from '../weights/weight-file.ts';
import { parameterName, unusedTensors } from './checkpoint-names.ts';
import { type ChatRexConfig, languageConfig } from './config.ts';
import { chatRexVision } from './network.ts';
import { visionOutputs } from './vision-encoder.ts';

/** A file's tensors by the names of our parameters: those of the language model, and all others. */
export interface SplitTensors {
  readonly vision: ReadonlyMap<string, StoredTensor>;
  readonly language: ReadonlyMap<string, StoredTensor>;
}

const languageName = /^(model|lm_head)\./;

/**
 * @throws ChatRexError 'weights-mismatch' when a tensor of either half is missing, unexpected or mis-shaped: with names
 *   of both sides, and, where the file's names only begin otherwise, the `prefixes` line that mends it
 */
export function splitTensors(file: WeightFile, config: ChatRexConfig): SplitTensors {
  requireMatch(file, config);
  const vision = new Map<string, StoredTensor>();
  const language = new Map<string, StoredTensor>();
  for (const [stored, tensor] of file.tensors) {
    const name = parameterName(stored, config.prefixes);
    (languageName.test(name) ? language : vision).set(name, tensor);
  }
  return { vision, language };
}

/** One comparison for the whole model: names that begin otherwise would land in the wrong half. */
function requireMatch(file: WeightFile, config: ChatRexConfig): void {
  const found = new Map<string, StoredTensor>();
  const storedNames = new Map<string, string>();
  for (const [stored, tensor] of file.tensors) {
    const name = parameterName(stored, config.prefixes);
    found.set(name, tensor);
    storedNames.set(name, stored);
  }
  const language = languageConfig(config);
  const isTied = language.tieWordEmbeddings && !config.quantization?.language;
  const declared = [
    ...visionParameters(config),
    ...languageParameters(language, config.quantization?.language ?? 'float'),
  ];
  const ignore = [...unusedTensors(config), notParameters, ...(isTied ? [/^lm_head\.weight$/] : [])];
  matchParameters(declared, found, { ignore, storedName: (name) => storedNames.get(name) as string });
}

/** Every parameter of encoders, fusion and projectors, as a checkpoint has to hold them. */
export const visionParameters = (config: ChatRexConfig): ParameterAttributes[] => [
  ...graphOf(visionOutputs(chatRexVision(createScope(), config), config)).parameters.values(),
];

/**
 * @throws ChatRexError 'weights-mismatch' when a tensor is missing, unexpected or mis-shaped; tensors that released
 *   files hold beside the parameters are let pass, one by one by name
 */
export function visionWeights(
  tensors: ReadonlyMap<string, StoredTensor>,
  config: ChatRexConfig,
): Map<string, StoredWeight> {
  return storedWeights(visionParameters(config), tensors, { ignore: unusedTensors(config) });
}
