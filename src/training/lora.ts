/** Training of a language model by low-rank adapters: which layers have one, and what learns beside them. */

import { ChatRexError } from '../errors.ts';
import { adapterNames, isAdapter } from '../nn/low-rank.ts';
import { isOfNewTokens } from '../nn/new-tokens.ts';
import type { Adapter } from '../nn/scope.ts';

/** The part of a configuration that asks for adapters. */
export interface LoraTraining extends Adapter {
  /** Ends of the names of layers, as `q_proj` or `mlp.down_proj`. */
  readonly targets: readonly string[];
  /**
   * Beginnings of names in the language model that learn as a whole, as `model.embed_tokens` for new words; none by
   * default.
   */
  readonly alsoTrain?: readonly string[];
}

/** The table of words. */
const words = 'model.embed_tokens';

const isLanguage = (name: string): boolean => /^(model|lm_head)\./.test(name);

/** The adapter of a layer, for `createScope`. */
export const adapterOf =
  (lora: LoraTraining | undefined) =>
  (layer: string): Adapter | undefined =>
    layer === words || (isLanguage(layer) && lora?.targets.some((target) => `.${layer}`.endsWith(`.${target}`)))
      ? lora
      : undefined;

/** Whether a parameter learns beside one that stays as it is, and becomes part of it at export. */
export const isLearnedBeside = (name: string): boolean => isAdapter(name) || isOfNewTokens(name);

/** Of the language model the adapters learn, and nothing else but `alsoTrain`; everything before it learns as ever. */
export const learnsBeside =
  ({ alsoTrain = [] }: LoraTraining) =>
  (name: string): boolean =>
    isLearnedBeside(name) || !isLanguage(name) || alsoTrain.some((start) => name.startsWith(start));

/**
 * @param names of all parameters of the graph
 * @throws ChatRexError 'invalid-argument' for a target that no linear layer of the language model has, and for new
 *   tokens of a model whose output has a table to itself
 */
export function requireTargets({ targets, newTokens }: LoraTraining, names: readonly string[]): void {
  const known = new Set(names);
  if (newTokens !== undefined && known.has('lm_head.weight')) {
    throw new ChatRexError(
      'invalid-argument',
      `lora.newTokens: expected a language model whose embeddings are also its output; list ${words} and lm_head in ` +
        'lora.alsoTrain instead',
    );
  }
  const adapted = names.filter((name) => name.endsWith('.weight') && known.has(adapterNames(name).down));
  const unknown = targets.find((target) => !adapted.some((name) => `.${name}`.endsWith(`.${target}.weight`)));
  if (unknown === undefined) return;
  const problem = `lora.targets: no linear layer of the language model is called '${unknown}'`;
  throw new ChatRexError(
    'invalid-argument',
    `${problem}; its layers are q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj`,
  );
}
