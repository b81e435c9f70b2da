/** What a configuration of each stage must look like: every field is checked before anything is read or rendered. */

import { z } from 'zod';
import { parseChatRexConfig } from '../chatrex/config.ts';
import { mixtureSchema } from '../datasets/mixture-spec.ts';
import { didYouMean } from '../datasets/spec.ts';
import { ChatRexError } from '../errors.ts';
import { upnConfigSchema } from '../proposals/config-file.ts';
import { clipVitShape } from '../vision/token-encoder.ts';
import { validationSchema } from './mixture.ts';
import { withoutOlderFields } from './older-config.ts';
import type { StageConfigs, StageName } from './stages.ts';

const count = z.int().positive();
const share = z.number().min(0).max(1);
const positive = z.number().positive();

const settings = {
  seed: z.int().nonnegative(),
  steps: count,
  learningRate: positive,
  warmupSteps: z.int().nonnegative(),
  finalRate: share,
  maxNorm: positive,
  weightDecay: z.number().nonnegative(),
  beta2: z.number().gt(0).lt(1).optional(),
  averageDecay: z.number().gt(0).lt(1).optional(),
  validateEvery: count,
  parts: count,
};

const data = { data: mixtureSchema, validation: validationSchema.optional() };

const convNext = z.strictObject({
  depths: z.array(count).length(4).readonly(),
  dims: z.array(count).length(4).readonly(),
  kernelSize: count,
  layerScale: z.number(),
});

const visionTraining = z.strictObject({
  ...settings,
  data: mixtureSchema,
  vision: z.strictObject({
    high: convNext,
    low: z.strictObject(clipVitShape),
    imageSize: count,
    batchSize: count,
    objectsPerImage: count,
    mosaicShare: share,
    scenesPerMosaic: count,
  }),
});

const upnTraining = z.strictObject({
  ...settings,
  ...data,
  upn: upnConfigSchema,
  backboneRate: z.number().nonnegative(),
  batchSize: count,
  canvases: z
    .array(z.strictObject({ width: count, height: count }))
    .min(1)
    .max(3)
    .readonly(),
  isPadded: z.boolean(),
  denoisingQueries: z.int().nonnegative(),
  maxPositiveTokens: count,
});

const counts = z.record(z.string(), z.number().nonnegative());

const questions = {
  mixture: counts,
  regionStyle: z.string().optional(),
  regionQuestions: z.array(z.string()).min(1).readonly().optional(),
};

const mllmTraining = z.strictObject({
  ...settings,
  ...data,
  model: z.custom<StageConfigs['align']['model']>((value) => typeof value === 'object' && value !== null, {
    message: 'expected the configuration of a ChatRex model',
  }),
  batchSize: count,
  lessons: z.array(z.strictObject({ ...questions, steps: count })).readonly(),
  mixture: counts,
  room: count,
  proposals: z.int().nonnegative(),
  foundShare: share,
  namingWeight: z.number().nonnegative(),
  boxJitter: share,
  oneWordShare: share.optional(),
  encodersLearn: z.boolean(),
  lora: z
    .strictObject({
      rank: count,
      alpha: positive,
      newTokens: count.optional(),
      targets: z.array(z.string()).min(1).readonly(),
      alsoTrain: z.array(z.string()).readonly().optional(),
    })
    .optional(),
});

const schemas = { vision: visionTraining, upn: upnTraining, align: mllmTraining, instruct: mllmTraining };

/**
 * Checks a configuration from outside; a module's default export, for example.
 * @param origin names it in messages
 * @throws ChatRexError 'invalid-file' naming the first field that is missing, mistyped or misspelt
 * @example const config = parseStageConfig('upn', JSON.parse(text), 'mine.json');
 */
export function parseStageConfig<Name extends StageName>(
  stage: Name,
  config: unknown,
  origin: string,
): StageConfigs[Name] {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new ChatRexError('invalid-file', `${origin}: expected an object with the fields of a configuration`);
  }
  const schema = schemas[stage] as z.ZodObject;
  const parsed = schema.safeParse(withoutOlderFields(stage, config));
  if (!parsed.success) throw new ChatRexError('invalid-file', `${origin}: ${describeIssue(parsed.error, schema)}`);
  const checked = parsed.data as unknown as StageConfigs[Name];
  if ('model' in checked) {
    parseChatRexConfig({ model_type: 'chatrex', ...JSON.parse(JSON.stringify(checked.model)) });
  }
  return checked;
}

function describeIssue({ issues: [issue] }: z.ZodError, schema: z.ZodObject): string {
  const path = issue.path.join('.');
  const field = path === '' ? '' : `field ${path}: `;
  if (issue.code === 'unrecognized_keys') {
    const known = issue.path.length === 0 ? Object.keys(schema.shape) : [];
    return `${field}there is no field ${issue.keys[0]}${didYouMean(issue.keys[0], known)}`;
  }
  if (issue.code === 'invalid_type' && issue.input === undefined && /received undefined/.test(issue.message)) {
    return `field ${path} is missing; expected ${issue.expected}`;
  }
  return `${field}${issue.message.replace(/^Invalid input: /, '')}`;
}
