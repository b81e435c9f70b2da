/** Validation with teacher forcing: loss and accuracy per token, on unseen samples and wordings. */

import type { OpenContext } from '../../datasets/dataset.ts';
import { ChatRexError } from '../../errors.ts';
import { openDataset } from '../../open-dataset.ts';
import type { Tokenizer } from '../../prompt/tokenizer/tokenizer.ts';
import { Session } from '../../runtime/session.ts';
import type { Metrics } from '../metrics.ts';
import type { Validation } from '../mixture.ts';
import { type ParameterSet, storedParameters } from '../parameters.ts';
import { answeringGraph, chatOf, createQuestioner, imageFeeds } from './answering.ts';
import type { MllmTraining } from './config.ts';
import { readHeldOut } from './read-lesson.ts';

const metricNames = ['answering', 'accuracy', 'category'] as const;

/** @returns means over the samples that can be asked about; every call asks the same questions */
export async function validateMllm(
  config: MllmTraining,
  { data, count }: Validation,
  tokenizer: Tokenizer,
  context: OpenContext,
  parameters: ParameterSet,
): Promise<Metrics> {
  const { metrics } = answeringGraph({ ...config, batchSize: 1 }, 'pixels');
  const ask = createQuestioner(config.model, tokenizer);
  const chat = chatOf(config.model, tokenizer);
  const dataset = await openDataset(data, context);
  const session = await Session.create(metrics, storedParameters(parameters));
  const sums = { answering: 0, accuracy: 0, category: 0 };
  let seen = 0;
  try {
    for (let index = 0; index < Math.min(count, dataset.size); index++) {
      const lesson = await readHeldOut(dataset, index, config, chat).catch(skipUnreadable);
      if (!lesson) continue;
      const found = await session.run({ ...imageFeeds([lesson], config.model), ...ask([lesson]) });
      seen++;
      for (const name of metricNames) sums[name] += Number(found[name].data[0]);
    }
  } finally {
    await session.dispose();
    await dataset.close();
  }
  return seen === 0 ? {} : Object.fromEntries(metricNames.map((name) => [name, sums[name] / seen]));
}

function skipUnreadable(error: unknown): null {
  if (error instanceof ChatRexError && error.code !== 'runtime') return null;
  throw error;
}
