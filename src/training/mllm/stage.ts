/**
 * Training of the multimodal model (paper section 5): `align` leaves both image encoders as they are and teaches what
 * joins them with words; `instruct` trains everything. Both read the same data.
 */

import { proposalsOf } from '../../chatrex/config.ts';
import { highEncoder, lowEncoder } from '../../chatrex/network.ts';
import type { Derived } from '../../datasets/derived.ts';
import { ChatRexError } from '../../errors.ts';
import { isOfNewTokens } from '../../nn/new-tokens.ts';
import type { Feeds } from '../../runtime/session.ts';
import { graphOf } from '../../tensor/graph.ts';
import { deriveFeatures, encoderGraph, type Features, featureFeeds } from '../derived/features.ts';
import { deriveProposals } from '../derived/proposals.ts';
import { learnsBeside, requireTargets } from '../lora.ts';
import { openMixture, positionsOf } from '../mixture.ts';
import type { Stage, StageContext } from '../run.ts';
import { answeringGraph, chatOf, createQuestioner, imageFeeds } from './answering.ts';
import type { MllmTraining } from './config.ts';
import { createLessonReader } from './read-lesson.ts';
import { lessonAt, tasksOf } from './texts.ts';
import { runTokenizer } from './tokenizer.ts';
import { validateMllm } from './validate.ts';

/**
 * How much faster new tokens learn than all else. To a trained model they are as unlikely as any word in any place, and
 * no rate at which its layers can learn makes them usual within a few hundred steps.
 */
const newTokensRate = 10;

/** Its parameters have the names that they have in a model folder. */
export async function openMllmStage(
  name: 'align' | 'instruct',
  config: MllmTraining,
  context: StageContext,
): Promise<Stage<Feeds>> {
  const { model, seed } = config;
  const { proposer, initial, folder, language } = context;
  const encoders = config.encodersLearn ? undefined : initial?.filter(({ to }) => isOfEncoders(to));
  const needed = [highEncoder, ...(model.low ? [lowEncoder] : [])];
  const hasAll = needed.every((one) => encoders?.some(({ to }) => one.startsWith(to) || to.startsWith(one)));
  if (!config.encodersLearn && !hasAll) {
    throw new ChatRexError(
      'invalid-argument',
      'encoders that do not learn must come from a run or a model; give --vision or --detector',
    );
  }
  const graph = answeringGraph(config, encoders ? 'encoded' : 'pixels');
  if (config.lora) requireTargets(config.lora, [...graphOf({ loss: graph.loss }).parameters.keys()]);
  const mixture = await openMixture(config.data, seed, context);
  const found: Derived<Float32Array>[] = [];
  const encoded: Derived<Features>[] = [];
  for (const { dataset, data } of mixture.parts) {
    if (proposer !== undefined) {
      const wanted = { model: proposer, proposals: proposalsOf(model) };
      found.push(await deriveProposals(dataset, data, wanted, context));
    }
    if (encoders) encoded.push(await deriveFeatures(dataset, data, { model, weights: encoders }, context));
  }
  const datasets = mixture.parts.map(({ dataset }) => dataset);
  const tokenizer = await runTokenizer(folder, datasets, tasksOf(config), model, language);
  const read = createLessonReader(name, config, mixture, found, chatOf(model, tokenizer), !encoders);
  const ask = createQuestioner(model, tokenizer);
  return {
    name,
    settings: config,
    fingerprint: mixture.fingerprint,
    graphs: [graph],
    isTrainable: config.lora && learnsBeside(config.lora),
    group: (parameter) => (isOfNewTokens(parameter) ? { learningRateScale: newTokensRate } : {}),
    unread: encoders && [...graphOf(encoderGraph(model)).parameters.values()],
    makeBatch: async (step, part) => {
      const questions = lessonAt(config, step);
      const lessons = await Promise.all(positionsOf(step, part, config).map((position) => read(position, questions)));
      if (!encoders) return { ...imageFeeds(lessons, model), ...ask(lessons) };
      const rows = await Promise.all(
        lessons.map(({ draw, hasImage }) => (hasImage ? encoded[draw.part].at(draw.index) : null)),
      );
      return { ...featureFeeds(model, rows), ...ask(lessons) };
    },
    run: async (session, feeds) => ({ ...(await session.accumulate(feeds)), sequenceTokens: feeds.slots.data.length }),
    validate:
      config.validation && ((parameters) => validateMllm(config, config.validation!, tokenizer, context, parameters)),
    close: () => mixture.close(),
  };
}

/** Whether parameters that begin so are, or have among them, those of encoders. */
const isOfEncoders = (start: string): boolean =>
  [lowEncoder, highEncoder].some((encoder) => start.startsWith(encoder) || encoder.startsWith(start));
