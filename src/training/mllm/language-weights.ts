/** The language model that a multimodal one begins with. */

import { openCheckpoint } from '../../weights/checkpoint.ts';
import { type InitialWeights, weightsOf } from '../initial-weights.ts';
import { tokenizerFile } from './tokenizer.ts';

/**
 * A language model, whose words keep their embeddings; that of a ChatRex with the places of objects, which it knows to
 * read.
 * @param folder a ChatRex, or a Llama or Qwen2 as it comes from the hub
 * @param run the folder of the run, whose tokenizer its words are taken to
 * @throws ChatRexError as `weightsOf` does
 * @example const language = 'smollm2';
 *   const initial = await languageWeightsOf(language, 'runs/align');
 *   await trainStage('align', config, { folder: 'runs/align', cacheFolder: 'runs/cache', language, initial });
 */
export async function languageWeightsOf(folder: string, run: string): Promise<InitialWeights[]> {
  const vocabulary = { from: tokenizerFile(folder), to: tokenizerFile(run) };
  const { file } = await weightsOf(folder);
  const names = [...(await openCheckpoint(file)).tensors.keys()];
  const parts = ['model.', 'lm_head.', 'mm_object_place.'].filter((part) =>
    names.some((name) => name.startsWith(part)),
  );
  return Promise.all(
    parts.map(async (part) => ({ ...(await weightsOf(folder, { from: part, to: part })), vocabulary })),
  );
}
